//! Which dead letters are meant: of a hook, of a kind, of a time, or these.

use super::record::Letter;

/// What must hold for a letter; what is not said holds for all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Its hook.
    pub hook: Option<String>,
    /// Its kind.
    pub kind: Option<String>,
    /// The hook failed then or later, in nanoseconds since 1970.
    pub since_ns: Option<u64>,
    /// It failed before that.
    pub until_ns: Option<u64>,
    /// One of these is the start of its ID; empty: any.
    pub ids: Vec<String>,
}

impl Filter {
    /// Whether it holds.
    pub fn takes(&self, letter: &Letter) -> bool {
        let is =
            |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
        is(&self.hook, &letter.hook)
            && is(&self.kind, &letter.kind)
            && self.since_ns.is_none_or(|since| letter.time_ns >= since)
            && self.until_ns.is_none_or(|until| letter.time_ns < until)
            && (self.ids.is_empty() || self.ids.iter().any(|id| letter.id.starts_with(id.as_str())))
    }

    /// Whether anything of a hook may be meant.
    pub fn may_take_hook(&self, hook: &str) -> bool {
        self.hook.as_deref().is_none_or(|wanted| wanted == hook)
    }
}

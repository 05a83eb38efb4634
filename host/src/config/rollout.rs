//! The share of its events that a hook is applied to, from its table; and whether the hooks that rollouts name are there.
//!
//! The names are looked up when all files were read. A name that cannot be used refuses the configuration: events that
//! somebody was to be handed never pass unprocessed by mistake. Bounds: 8 fields, a seed of 256 bytes, and
//! [`Aside::MOST`] hooks that another one is named by.

use toml::de::DeValue;

use super::errors::Error;
use super::reader::{Table, suggestion};
use super::schema::{self, ROLLOUT_FIELDS, SEED_BYTES};
use super::{Hook, Share};
use crate::event::batch::Aside;
use crate::event::condition::Condition;
use crate::event::path::{Meta, Path};

/// Which of its events a hook is applied to.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// How many of them.
    pub share: Share,
    /// The fields that decide; at least one.
    pub by: Vec<Path>,
    /// What makes its choice another than that of other hooks.
    pub seed: String,
    /// What must hold for all that are in the share.
    pub only: Vec<Condition>,
    /// What becomes of the others.
    pub otherwise: Otherwise,
}

/// What becomes of the events that are not in a hook's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// They pass it unprocessed.
    Pass,
    /// The later hook of this name is handed them.
    Hook(String),
}

impl Otherwise {
    const PASS: &str = "pass";

    /// As it stands in the configuration.
    pub fn name(&self) -> &str {
        match self {
            Otherwise::Pass => Otherwise::PASS,
            Otherwise::Hook(name) => name,
        }
    }
}

impl Rollout {
    /// Every event, for the hook of this name.
    pub fn everyone(hook: &str) -> Rollout {
        Rollout {
            share: Share::percent(100),
            by: vec![Path::Meta(Meta::Id)],
            seed: hook.to_owned(),
            only: Vec::new(),
            otherwise: Otherwise::Pass,
        }
    }

    /// Whether every event is in the share.
    pub fn is_everyone(&self) -> bool {
        self.cause().is_none()
    }

    /// The key because of which not every event is in the share.
    fn cause(&self) -> Option<String> {
        if !self.share.is_whole() {
            return Some(format!("share = \"{}\"", self.share));
        }
        // Every event has an ID; any other field may be missing.
        let by_id = self.by.iter().all(|path| *path == Path::Meta(Meta::Id));
        [(!by_id, "by"), (!self.only.is_empty(), "only")]
            .into_iter()
            .find_map(|(is_set, key)| is_set.then(|| key.to_owned()))
    }
}

/// The rollout of the hook in this table.
pub(super) fn rollout(hook: &Table<'_, '_>, name: &str, required: bool) -> Rollout {
    let Some(table) = hook.table("rollout", schema::ROLLOUT) else { return Rollout::everyone(name) };
    let rollout = Rollout {
        share: table.share("share", Share::percent(100)),
        by: by(&table),
        seed: seed(&table).unwrap_or(name).to_owned(),
        only: table.parsed_list("only"),
        otherwise: match table.string("otherwise") {
            None | Some((Otherwise::PASS, _)) => Otherwise::Pass,
            Some((name, _)) => Otherwise::Hook(name.to_owned()),
        },
    };
    if let (true, Otherwise::Pass, Some(cause)) = (required, &rollout.otherwise, rollout.cause()) {
        let message = format!(
            "{cause} with otherwise = \"pass\" would let events by that it did not process, and required = true forbids that"
        );
        table.wrong(table.span(), message);
    }
    rollout
}

fn by(table: &Table<'_, '_>) -> Vec<Path> {
    let Some(value) = table.get("by") else { return vec![Path::Meta(Meta::Id)] };
    let by: Vec<Path> = table.parsed_list("by");
    let written = value.get_ref().as_array().map_or(1, |list| list.len());
    if written == 0 {
        let message = "by names no field; leave it out to go by each event's %id";
        table.wrong(&value.span(), message.to_owned());
    }
    if written > ROLLOUT_FIELDS {
        table
            .wrong(&value.span(), format!("by names {written} fields; at most {ROLLOUT_FIELDS} are allowed"));
    }
    if by.contains(&Path::Whole) {
        let message = "by: the whole event (\".\") cannot decide; name the fields that do";
        table.wrong(&value.span(), message.to_owned());
    }
    by
}

fn seed<'r>(table: &Table<'r, '_>) -> Option<&'r str> {
    let (seed, span) = table.string("seed")?;
    if seed.len() > SEED_BYTES {
        table.wrong(&span, format!("seed has {} bytes; at most {SEED_BYTES} are allowed", seed.len()));
    }
    Some(seed)
}

/// Where the `otherwise` of a hook's rollout stands, as an error without words.
pub(super) fn place_of_otherwise(hook: &Table<'_, '_>) -> Option<Error> {
    let DeValue::Table(rollout) = hook.get("rollout")?.get_ref() else { return None };
    Some(hook.reader.text.error(&rollout.get("otherwise")?.span(), String::new()))
}

/// What is wrong with the hooks that rollouts name; the places are those of each hook's `otherwise`.
pub(super) fn wrong_otherwise(hooks: &[Hook], places: &[Option<Error>]) -> Vec<Error> {
    let mut wrong = Vec::new();
    let mut named: Vec<&Hook> = Vec::new();
    for (index, (hook, place)) in hooks.iter().zip(places).enumerate() {
        let (Otherwise::Hook(name), Some(place)) = (&hook.rollout.otherwise, place) else { continue };
        let (before, after) = hooks.split_at(index);
        let message = wrong_name(hook, name, before, after.get(1..).unwrap_or(&[]), &named);
        wrong.extend(message.map(|message| Error {
            message: format!("hook {:?}: rollout: otherwise = {name:?}: {message}", hook.name),
            ..place.clone()
        }));
        named.push(hook);
    }
    wrong
}

/// Why a hook cannot hand its events to the hook of this name, if it cannot; `named` are the hooks before that do so.
fn wrong_name(hook: &Hook, name: &str, before: &[Hook], after: &[Hook], named: &[&Hook]) -> Option<String> {
    if name == hook.name {
        return Some("that is the hook itself; name a later one".to_owned());
    }
    if let Some(earlier) = before.iter().find(|earlier| earlier.name == name) {
        return Some(format!(
            "that hook stands before this one ({}, this one {}), and events pass the hooks in their order; put it after",
            earlier.place, hook.place
        ));
    }
    let Some(other) = after.iter().find(|later| later.name == name) else {
        let later = after.iter().map(|later| later.name.as_str());
        let known: Vec<&str> = [Otherwise::PASS].into_iter().chain(later).collect();
        return Some(format!("there is no such hook after this one; {}", suggestion(name, &known)));
    };
    let at = &other.place;
    if !hook.enabled {
        return Some(
            "this hook is not enabled, so nobody would be handed anything; enable it with share = \"0%\""
                .to_owned(),
        );
    }
    if !other.enabled {
        return Some(format!("that hook ({at}) is not enabled; enable it"));
    }
    if !other.rollout.is_everyone() || other.rollout.otherwise != Otherwise::Pass {
        return Some(format!("that hook ({at}) has a rollout of its own; take it out, or name another one"));
    }
    if hook.required && !other.required {
        return Some(format!(
            "this hook has required = true and that one ({at}) has not, so it may let events by that it did not process; \
             write required = true there too"
        ));
    }
    if let Some(first) = named.iter().find(|first| first.rollout.otherwise.name() == name) {
        return Some(format!("hook {:?} ({}) names that hook already; one can", first.name, first.place));
    }
    (named.len() >= Aside::MOST)
        .then(|| format!("{} hooks before this one name another one; that is the most", named.len()))
}

#[cfg(test)]
mod tests;

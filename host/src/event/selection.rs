//! Which events a hook is handed or a sink takes: by where they come from, by its `match`, and, for a hook that another
//! one's rollout names, by whether they were left to it. Pure.

use super::batch::{Aside, Batch, SourceId};
use super::field::{Matcher, Tested};

/// What is asked of an event. By default nothing, so that every event is taken.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Whose events; none: everybody's.
    pub from: Option<Vec<SourceId>>,
    /// What must hold for them.
    pub matchers: Vec<Matcher>,
    /// Only those that were put aside for it.
    pub aside: Option<Aside>,
}

/// How it was decided whether an event is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is.
    pub taken: bool,
    /// Whether it was put aside for it; none: that was not asked.
    pub aside: Option<bool>,
    /// Whether it comes from where it must; none: that was not asked.
    pub from: Option<bool>,
    /// The conditions that were tested: all up to the first that does not hold.
    pub tested: Vec<Tested>,
}

impl Selection {
    /// Whether every event is taken.
    pub fn is_everything(&self) -> bool {
        self.aside.is_none() && self.from.is_none() && self.matchers.is_empty()
    }

    /// Whether a row is taken. `scratch` is memory to unescape in.
    pub fn takes(&self, batch: &Batch, row: u32, scratch: &mut Vec<u8>) -> bool {
        self.is_aside(batch, row) != Some(false)
            && self.is_from(batch, row) != Some(false)
            && self.matchers.iter().all(|matcher| matcher.holds(batch, row, scratch))
    }

    /// The same, with the reasons.
    pub fn decide(&self, batch: &Batch, row: u32) -> Decision {
        let aside = self.is_aside(batch, row);
        let from = self.is_from(batch, row).filter(|_| aside != Some(false));
        let taken = ![aside, from].contains(&Some(false));
        let mut decision = Decision { taken, aside, from, tested: Vec::new() };
        for matcher in &self.matchers {
            if !decision.taken {
                break;
            }
            let tested = matcher.test(batch, row);
            decision.taken = tested.holds;
            decision.tested.push(tested);
        }
        decision
    }

    fn is_aside(&self, batch: &Batch, row: u32) -> Option<bool> {
        self.aside.map(|aside| batch.is_aside(row, aside))
    }

    fn is_from(&self, batch: &Batch, row: u32) -> Option<bool> {
        let from = self.from.as_ref()?;
        Some(batch.origin(row).is_some_and(|origin| from.contains(&origin.source)))
    }
}

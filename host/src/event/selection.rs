//! Which events a hook is handed or a sink takes: by where they come from, and by its `match`. Pure.

use super::batch::{Batch, SourceId};
use super::field::{Matcher, Tested};

/// What is asked of an event. By default nothing, so that every event is taken.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Whose events; none: everybody's.
    pub from: Option<Vec<SourceId>>,
    /// What must hold for them.
    pub matchers: Vec<Matcher>,
}

/// How it was decided whether an event is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is.
    pub taken: bool,
    /// Whether it comes from where it must; none: that was not asked.
    pub from: Option<bool>,
    /// The conditions that were tested: all up to the first that does not hold.
    pub tested: Vec<Tested>,
}

impl Selection {
    /// Whether every event is taken.
    pub fn is_everything(&self) -> bool {
        self.from.is_none() && self.matchers.is_empty()
    }

    /// Whether a row is taken. `scratch` is memory to unescape in.
    pub fn takes(&self, batch: &Batch, row: u32, scratch: &mut Vec<u8>) -> bool {
        self.is_from(batch, row) != Some(false)
            && self.matchers.iter().all(|matcher| matcher.holds(batch, row, scratch))
    }

    /// The same, with the reasons.
    pub fn decide(&self, batch: &Batch, row: u32) -> Decision {
        let from = self.is_from(batch, row);
        let mut decision = Decision { taken: from != Some(false), from, tested: Vec::new() };
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

    fn is_from(&self, batch: &Batch, row: u32) -> Option<bool> {
        let from = self.from.as_ref()?;
        Some(batch.origin(row).is_some_and(|origin| from.contains(&origin.source)))
    }
}

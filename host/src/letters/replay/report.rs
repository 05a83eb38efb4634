//! What came of a replay, for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::hook::dead_letters::store::Unreadable;

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Letters that went through.
    pub replayed: u64,
    /// Letters that their hook failed on again.
    pub failed: BTreeMap<String, u64>,
    /// Letters that later hooks made.
    pub made: BTreeMap<String, u64>,
    /// Events that went to sinks, once for each.
    pub delivered: u64,
    /// Letters whose event is not kept.
    pub without_event: u64,
    /// Letters of hooks that are not in the chain.
    pub without_hook: BTreeMap<String, u64>,
    /// Letters that were not reached, because the end was asked for.
    pub is_interrupted: bool,
    /// What is no letter.
    pub unreadable: Vec<Unreadable>,
    /// Nothing was delivered or marked.
    pub is_dry: bool,
}

impl Report {
    /// Whether every letter that was meant went through.
    pub fn is_complete(&self) -> bool {
        let Report { failed, without_event, without_hook, is_interrupted, .. } = self;
        failed.is_empty() && *without_event == 0 && without_hook.is_empty() && !is_interrupted
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { replayed, failed, made, delivered, without_event, without_hook, .. } = self;
        if self.is_dry {
            writeln!(formatter, "dry run: nothing is delivered or marked")?;
        }
        writeln!(formatter, "{replayed} dead letters went through, {delivered} events to the sinks")?;
        for (hook, letters) in failed {
            writeln!(formatter, "{letters} failed again at hook \"{hook}\" and stay")?;
        }
        for (hook, letters) in made {
            writeln!(
                formatter,
                "{letters} events failed at hook \"{hook}\", and are dead letters of that now"
            )?;
        }
        if *without_event > 0 {
            writeln!(
                formatter,
                "{without_event} stay: their events are not kept, because of keep in [dead_letters]"
            )?;
        }
        for (hook, letters) in without_hook {
            writeln!(
                formatter,
                "{letters} stay: their hook \"{hook}\" is not in the chain; add or enable it"
            )?;
        }
        if self.is_interrupted {
            writeln!(formatter, "it was ended before all were replayed; start it again for the rest")?;
        }
        Ok(())
    }
}

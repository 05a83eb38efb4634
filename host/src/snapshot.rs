//! What the admin API tells of a run at one time, and what happened between two such times. Pure; `status`, `top` and
//! [`why`](crate::why) are made from it.
//!
//! A run of another version may tell less: what is not there counts as nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A run at one time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// The version of the host.
    pub version: String,
    /// `running` or `ending`.
    pub state: String,
    /// How long it goes on.
    pub uptime_s: f64,
    /// How many workers it has.
    pub workers: u32,
    /// Events that sources brought.
    pub events_in: u64,
    /// Bytes that sources brought.
    pub bytes_in: u64,
    /// The sources.
    pub sources: Vec<Source>,
    /// The hooks, in chain order; those that are gone last.
    pub hooks: Vec<Hook>,
    /// The sinks.
    pub sinks: Vec<Sink>,
    /// What workers have waited for.
    pub waits: Waits,
    /// Events that left on the way, for each reason.
    pub dropped: BTreeMap<String, u64>,
    /// Events that became dead letters, for each hook.
    pub dead_letters: BTreeMap<String, u64>,
}

/// A source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// `file` or `stdin`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A hook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Rows that it processed.
    pub rows: u64,
    /// Rows that it dropped.
    pub dropped: u64,
    /// How often it failed.
    pub failures: u64,
    /// CPU time of its calls, in seconds.
    pub cpu_s: f64,
    /// The most memory that one of its instances used.
    pub memory_peak_bytes: u64,
    /// The most that one may use.
    pub memory_cap_bytes: u64,
    /// How often its breaker opened.
    pub breaker_opened: u64,
    /// How often it closed again.
    pub breaker_closed: u64,
    /// Rows that passed it because it is paused.
    pub paused: u64,
    /// How many instances it has.
    pub instances: u32,
}

/// A sink.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// `file` or `stdout`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Events that it took.
    pub events: u64,
    /// Bytes that it took.
    pub bytes: u64,
}

/// What workers have waited for: seconds of all of them together.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waits {
    /// Lines of the sources.
    pub lines_s: f64,
    /// Room in front of each sink.
    pub sinks_s: BTreeMap<String, f64>,
    /// The breaker of each hook.
    pub breakers_s: BTreeMap<String, f64>,
    /// Room for the dead letters of each hook.
    pub dead_letters_s: BTreeMap<String, f64>,
}

/// What happened between two times.
#[derive(Clone, Copy, Debug)]
pub struct Between<'s> {
    /// The earlier one.
    pub before: &'s Snapshot,
    /// The later one.
    pub after: &'s Snapshot,
}

impl<'s> Between<'s> {
    /// Between these; the later one second.
    pub fn new(before: &'s Snapshot, after: &'s Snapshot) -> Between<'s> {
        Between { before, after }
    }

    /// How long that was.
    pub fn seconds(&self) -> f64 {
        (self.after.uptime_s - self.before.uptime_s).max(1e-3)
    }

    /// Something that was counted, a second. What was counted anew since is less than before, and counts as nothing.
    pub fn rate(&self, before: u64, after: u64) -> f64 {
        after.saturating_sub(before) as f64 / self.seconds()
    }

    /// Of the time of all workers, the part that this took: from 0 to 1.
    pub fn share(&self, before_s: f64, after_s: f64) -> f64 {
        let all = self.seconds() * f64::from(self.after.workers.max(1));
        ((after_s - before_s) / all).clamp(0.0, 1.0)
    }

    /// Events that came in, a second.
    pub fn events_in(&self) -> f64 {
        self.rate(self.before.events_in, self.after.events_in)
    }

    /// Each hook, as it was and as it is; one that is new was nothing.
    pub fn hooks(&self) -> Vec<(Hook, &'s Hook)> {
        let was = |name: &str| self.before.hooks.iter().find(|hook| hook.name == name).cloned();
        self.after.hooks.iter().map(|hook| (was(&hook.name).unwrap_or_default(), hook)).collect()
    }

    /// Each sink, the same.
    pub fn sinks(&self) -> Vec<(Sink, &'s Sink)> {
        let was = |name: &str| self.before.sinks.iter().find(|sink| sink.name == name).cloned();
        self.after.sinks.iter().map(|sink| (was(&sink.name).unwrap_or_default(), sink)).collect()
    }

    /// Of the time of all workers, the part that each name in these took.
    pub fn shares(
        &self,
        of: impl Fn(&Waits) -> &BTreeMap<String, f64>,
    ) -> impl Iterator<Item = (String, f64)> {
        let before = of(&self.before.waits);
        let after = of(&self.after.waits).iter();
        let shares: Vec<_> = after
            .map(|(name, waited)| {
                (name.clone(), self.share(before.get(name).copied().unwrap_or(0.0), *waited))
            })
            .collect();
        shares.into_iter()
    }

    /// The part of the workers' time in which they were at work.
    pub fn busy(&self) -> f64 {
        let waited = self.shares(|waits| &waits.sinks_s).chain(self.shares(|waits| &waits.breakers_s));
        let waited = waited.chain(self.shares(|waits| &waits.dead_letters_s));
        let waited: f64 = waited.map(|(_, share)| share).sum();
        (1.0 - self.idle() - waited).clamp(0.0, 1.0)
    }

    /// The part of the workers' time in which they had nothing to do.
    pub fn idle(&self) -> f64 {
        self.share(self.before.waits.lines_s, self.after.waits.lines_s)
    }
}

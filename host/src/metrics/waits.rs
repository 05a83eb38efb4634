//! What workers wait for, and how long: so that it can be said what limits them.
//!
//! A wait that goes on counts for as long as it has lasted, so that a worker which waits for minutes is seen at once. Each
//! wait costs two short locks, and there is one at most for what is read or delivered at a time. Names are those of the
//! configuration, so they are few.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Everything that workers wait for.
#[derive(Debug, Default)]
pub struct Waits {
    /// Lines of the sources.
    pub lines: Waiting,
    /// Room in front of sinks.
    pub sinks: Waitings,
    /// The breakers of hooks.
    pub breakers: Waitings,
}

/// How long all together wait for one thing.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<State>);

/// The same for things with names.
#[derive(Debug, Default)]
pub struct Waitings(Mutex<BTreeMap<String, Arc<Waiting>>>);

#[derive(Debug, Default)]
struct State {
    /// Up to `at`.
    waited: Duration,
    at: Option<Instant>,
    /// How many wait since then.
    waiting: u32,
}

/// All of it at one time, in seconds of all workers together.
#[derive(Clone, Debug, Serialize)]
pub struct Waited {
    lines_s: f64,
    sinks_s: BTreeMap<String, f64>,
    breakers_s: BTreeMap<String, f64>,
    dead_letters_s: BTreeMap<String, f64>,
}

impl State {
    fn advance(&mut self, now: Instant) {
        let since = self.at.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.waited += since * self.waiting;
    }
}

impl Waiting {
    /// Does what may take long.
    pub fn during<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.turn(Instant::now(), 1);
        let result = wait();
        self.turn(Instant::now(), -1);
        result
    }

    /// How long all have waited until now.
    pub fn waited(&self, now: Instant) -> Duration {
        let mut state = self.lock();
        state.advance(now);
        state.waited
    }

    fn turn(&self, now: Instant, change: i32) {
        let mut state = self.lock();
        state.advance(now);
        state.waiting = state.waiting.saturating_add_signed(change);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waitings {
    /// The one of this name.
    pub fn of(&self, name: &str) -> Arc<Waiting> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(name) {
            Some(known) => known.clone(),
            None => all.entry(name.to_owned()).or_default().clone(),
        }
    }

    /// How long all have waited until now, by name, in seconds.
    fn seconds(&self, now: Instant) -> BTreeMap<String, f64> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(name, waiting)| (name.clone(), waiting.waited(now).as_secs_f64())).collect()
    }
}

impl Waits {
    /// How long all have waited until now; those who wait to write dead letters wait elsewhere.
    pub fn waited(&self, dead_letters: &Waitings) -> Waited {
        let now = Instant::now();
        Waited {
            lines_s: self.lines.waited(now).as_secs_f64(),
            sinks_s: self.sinks.seconds(now),
            breakers_s: self.breakers.seconds(now),
            dead_letters_s: dead_letters.seconds(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_goes_on_counts_and_two_at_a_time_count_twice() {
        let (waiting, begun) = (Waiting::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(waiting.waited(at(0)), Duration::ZERO);
        waiting.turn(at(1), 1);
        assert_eq!(waiting.waited(at(3)), Duration::from_secs(2));
        waiting.turn(at(4), 1);
        waiting.turn(at(6), -1);
        assert_eq!(waiting.waited(at(6)), Duration::from_secs(3 + 4));
        waiting.turn(at(7), -1);
        assert_eq!(waiting.waited(at(100)), Duration::from_secs(8));
    }

    #[test]
    fn waits_are_told_by_name() {
        let waits = Waits::default();
        let nobody = Waitings::default();
        waits.sinks.of("out").during(|| {});
        assert!(Arc::ptr_eq(&waits.sinks.of("out"), &waits.sinks.of("out")));
        let told = waits.waited(&nobody);
        assert_eq!(told.sinks_s.keys().collect::<Vec<_>>(), ["out"]);
        assert!(told.breakers_s.is_empty() && told.dead_letters_s.is_empty());
    }
}

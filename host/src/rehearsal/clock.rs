//! The time that a rehearsal makes up, so that every one gives the same.

use std::time::{Duration, Instant};

use crate::clock::nanos;

/// A made-up time: it stands still, or moves by a step with each batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    start_ns: u64,
    passed: Duration,
    /// None: it stands still, and nobody is ever told the time.
    step: Option<Duration>,
}

impl Clock {
    /// Time that stands still, so many nanoseconds after 1970.
    pub(crate) fn still(now_ns: u64) -> Clock {
        Clock { started: Instant::now(), start_ns: now_ns, passed: Duration::ZERO, step: None }
    }

    /// Time that starts there and moves by `step` with each batch.
    pub(crate) fn moving(start_ns: u64, step: Duration) -> Clock {
        Clock { step: Some(step), ..Clock::still(start_ns) }
    }

    pub(super) fn is_still(&self) -> bool {
        self.step.is_none()
    }

    /// The time for deadlines and ticks.
    pub(super) fn now(&self) -> Instant {
        self.started + self.passed
    }

    /// The time that events and hooks are told.
    pub(crate) fn now_ns(&self) -> u64 {
        self.start_ns.saturating_add(nanos(self.passed))
    }

    pub(super) fn step(&mut self) {
        self.passed = self.passed.saturating_add(self.step.unwrap_or_default());
    }

    /// Moves on to that time, if it is not over.
    pub(super) fn move_to(&mut self, at: Instant) {
        self.passed = self.passed.max(at.saturating_duration_since(self.started));
    }
}

//! How much a tap may look at: events, bytes, and the time that looking takes. Pure: the caller says what time it is.
//!
//! Each is a bucket that fills up evenly, to what one second gives. What is taken at once may be more than is in it, such as one
//! large event; then nothing more is taken until that is made good.

use std::time::{Duration, Instant};

use crate::clock::nanos;

/// Of each second all workers together look for so long at most: 2 % of one.
const LOOK: Duration = Duration::from_millis(20);

/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;

/// What a tap shows in a second at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Events.
    pub events: u32,
    /// Bytes of their texts.
    pub bytes: u32,
}

impl Default for Rate {
    fn default() -> Rate {
        Rate { events: 10, bytes: 1 << 20 }
    }
}

/// What a tap may still show and look at.
#[derive(Clone, Debug)]
pub struct Allowance {
    events: Bucket,
    bytes: Bucket,
    /// In nanoseconds.
    time: Bucket,
    filled: Instant,
}

/// So many units a second.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_second: i128,
    /// In billionths of a unit.
    level: i128,
}

impl Bucket {
    fn full(per_second: u64) -> Bucket {
        let per_second = i128::from(per_second);
        Bucket { per_second, level: per_second * SECOND }
    }

    fn refill(&mut self, elapsed_ns: u64) {
        let level = self.level + self.per_second * i128::from(elapsed_ns);
        self.level = level.min(self.per_second * SECOND);
    }

    fn take(&mut self, units: u64) {
        self.level -= i128::from(units) * SECOND;
    }

    fn has(&self, units: i128) -> bool {
        self.level >= units * SECOND
    }
}

impl Allowance {
    /// What one second gives is there from the start.
    pub fn new(rate: Rate, now: Instant) -> Allowance {
        Allowance {
            events: Bucket::full(rate.events.into()),
            bytes: Bucket::full(rate.bytes.into()),
            time: Bucket::full(nanos(LOOK)),
            filled: now,
        }
    }

    /// Time has passed.
    pub fn refill(&mut self, now: Instant) {
        let elapsed_ns = nanos(now.saturating_duration_since(self.filled));
        self.filled = now;
        for bucket in [&mut self.events, &mut self.bytes, &mut self.time] {
            bucket.refill(elapsed_ns);
        }
    }

    /// Whether another event may be looked at.
    pub fn has_room(&self) -> bool {
        self.events.has(1) && self.bytes.has(1) && self.time.has(1)
    }

    /// An event of so many bytes is shown.
    pub fn take(&mut self, bytes: usize) {
        self.events.take(1);
        self.bytes.take(bytes as u64);
    }

    /// Looking took so long.
    pub fn looked(&mut self, time: Duration) {
        self.time.take(nanos(time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(events: u32, bytes: u32) -> (Allowance, Instant) {
        let now = Instant::now();
        (Allowance::new(Rate { events, bytes }, now), now)
    }

    /// How many events of so many bytes are shown now.
    fn shown(allowance: &mut Allowance, bytes: usize) -> usize {
        std::iter::from_fn(|| allowance.has_room().then(|| allowance.take(bytes))).take(1_000_000).count()
    }

    #[test]
    fn events_come_at_their_rate_and_those_of_one_second_at_once() {
        let (mut allowance, begun) = allowance(10, 1 << 20);
        assert_eq!(shown(&mut allowance, 100), 10);
        for (after_ms, count) in [(99, 0), (100, 1), (1100, 10), (60_000, 10)] {
            allowance.refill(begun + Duration::from_millis(after_ms));
            assert_eq!(shown(&mut allowance, 100), count, "{after_ms}");
        }
    }

    #[test]
    fn an_event_that_is_larger_than_the_rate_is_shown_and_made_good() {
        let (mut allowance, begun) = allowance(1000, 1000);
        assert_eq!(shown(&mut allowance, 3000), 1);
        for (after_ms, count) in [(2000, 0), (2001, 1)] {
            allowance.refill(begun + Duration::from_millis(after_ms));
            assert_eq!(shown(&mut allowance, 1), count, "{after_ms}");
        }
    }

    #[test]
    fn whoever_looks_long_looks_no_more_for_a_while_whatever_it_found() {
        let (mut allowance, begun) = allowance(10, 1000);
        allowance.looked(LOOK * 3);
        for (after_ms, has_room) in [(0, false), (2000, false), (2001, true)] {
            allowance.refill(begun + Duration::from_millis(after_ms));
            assert_eq!(allowance.has_room(), has_room, "{after_ms}");
        }
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let (mut allowance, begun) = allowance(1, 1000);
        assert_eq!(shown(&mut allowance, 1), 1);
        allowance.refill(begun);
        allowance.refill(begun - Duration::from_secs(1));
        assert!(!allowance.has_room());
    }
}

//! A token bucket on host time, in whole numbers, so that no fraction of an event is lost.
//!
//! A bucket starts full. Time that goes back, as it can between workers, adds nothing.

use hookaroon_flow::{Per, Rate};

/// What an event costs. A day's nanoseconds, so that what comes back in each is a whole number for every window.
const TOKEN: u128 = Per::Day.ns() as u128;

/// A rate and a burst.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What comes back in a nanosecond.
    gain: u64,
    capacity: u128,
}

impl Limit {
    /// So many events in a time, and so many at once.
    pub fn new(rate: Rate, burst: u32) -> Limit {
        Limit {
            gain: u64::from(rate.count) * (Per::Day.ns() / rate.per.ns()),
            capacity: u128::from(burst) * TOKEN,
        }
    }
}

/// The bucket of one key, and what became of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What is in it.
    pub level: u128,
    /// Since when, host time in nanoseconds.
    pub at: u64,
    /// The events that passed since the last report.
    pub kept: u64,
    /// The events that were dropped since the last report.
    pub dropped: u64,
    /// The events of the window that is observed.
    pub seen: u64,
}

impl Bucket {
    /// A full one.
    pub fn full(limit: &Limit, now: u64) -> Bucket {
        Bucket { level: limit.capacity, at: now, kept: 0, dropped: 0, seen: 0 }
    }

    /// Takes a token, if there is one.
    #[inline]
    pub fn take(&mut self, limit: &Limit, now: u64) -> bool {
        self.refill(limit, now);
        match self.level.checked_sub(TOKEN) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }

    /// Whether a new one would be the same.
    pub fn is_as_new(&mut self, limit: &Limit, now: u64) -> bool {
        self.refill(limit, now);
        self.level == limit.capacity && self.dropped == 0 && self.seen == 0
    }

    /// Takes over what another instance knew of the same key.
    pub fn merge(&mut self, other: &Bucket) {
        self.level = self.level.min(other.level);
        self.at = self.at.max(other.at);
        self.kept = self.kept.saturating_add(other.kept);
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.seen = self.seen.saturating_add(other.seen);
    }

    #[inline]
    fn refill(&mut self, limit: &Limit, now: u64) {
        if now > self.at {
            let gain = u128::from(limit.gain) * u128::from(now - self.at);
            self.level = self.level.saturating_add(gain).min(limit.capacity);
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn taken(bucket: &mut Bucket, limit: &Limit, now: u64, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.take(limit, now)).count()
    }

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate() {
        let limit = Limit::new(Rate { count: 7, per: Per::Minute }, 3);
        let mut bucket = Bucket::full(&limit, 0);
        assert_eq!(taken(&mut bucket, &limit, 0, 10), 3);
        // 7 a minute for an hour, asked every second: none is lost to rounding.
        let passed: usize = (1..=3600).map(|second| taken(&mut bucket, &limit, second * SECOND, 10)).sum();
        assert_eq!(passed, 7 * 60);
        assert!(!bucket.is_as_new(&limit, 3600 * SECOND));
        assert!(bucket.is_as_new(&limit, 3700 * SECOND));
        assert_eq!(taken(&mut bucket, &limit, 1 << 62, 10), 3, "a pause fills it and no more");
    }

    #[test]
    fn time_that_goes_back_and_the_largest_numbers_do_no_harm() {
        let limit = Limit::new(Rate { count: 1, per: Per::Second }, 1);
        let mut bucket = Bucket::full(&limit, 10 * SECOND);
        assert_eq!(taken(&mut bucket, &limit, 10 * SECOND, 2), 1);
        assert_eq!(taken(&mut bucket, &limit, 0, 2), 0);
        assert_eq!(taken(&mut bucket, &limit, 11 * SECOND - 1, 2), 0);
        assert_eq!(taken(&mut bucket, &limit, 11 * SECOND, 2), 1);
        let limit = Limit::new(Rate { count: u32::MAX, per: Per::Second }, u32::MAX);
        let mut bucket = Bucket::full(&limit, 0);
        assert!(bucket.take(&limit, u64::MAX) && bucket.take(&limit, u64::MAX));
    }
}

//! How long things took, sorted into buckets whose bounds never change.
//!
//! One addition to one of a few counters and one to their sum for each observation; nothing is locked and nothing grows.

use std::time::Duration;

use super::Counter;
use crate::clock::nanos;

/// Bounds of buckets in nanoseconds, growing; what is over the last has a bucket of its own.
pub type Bounds = &'static [u64];

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// For the CPU time of a call: a batch of few rows takes some microseconds, and the usual deadline is 50 ms.
pub const CPU: Bounds = &[
    10 * MICRO,
    25 * MICRO,
    50 * MICRO,
    100 * MICRO,
    250 * MICRO,
    500 * MICRO,
    MILLI,
    5 * MILLI / 2,
    5 * MILLI,
    10 * MILLI,
    25 * MILLI,
    50 * MILLI,
    100 * MILLI,
    250 * MILLI,
    SECOND,
];

/// For the time from the source to the sink: a batch waits some milliseconds to fill, and a disk may be full for long.
pub const DELAY: Bounds = &[
    MILLI,
    5 * MILLI,
    10 * MILLI,
    25 * MILLI,
    50 * MILLI,
    100 * MILLI,
    250 * MILLI,
    500 * MILLI,
    SECOND,
    5 * SECOND / 2,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    60 * SECOND,
    300 * SECOND,
];

/// Counts observations by how long they took.
#[derive(Debug)]
pub struct Histogram {
    bounds: Bounds,
    /// One more than there are bounds.
    buckets: Box<[Counter]>,
    sum_ns: Counter,
}

impl Histogram {
    /// Nothing observed yet.
    pub fn new(bounds: Bounds) -> Histogram {
        let buckets = (0..=bounds.len()).map(|_| Counter::default()).collect();
        Histogram { bounds, buckets, sum_ns: Counter::default() }
    }

    /// Something took so long.
    pub fn observe(&self, took: Duration) {
        let took_ns = nanos(took);
        let bucket = self.bounds.partition_point(|bound| *bound < took_ns);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.add(1);
        }
        self.sum_ns.add(took_ns);
    }

    /// For each bound, in nanoseconds, how many took at most as long; none stands for no bound, and comes last.
    pub fn cumulated(&self) -> Vec<(Option<u64>, u64)> {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        let mut count = 0;
        let mut cumulated = |(bound, bucket): (Option<u64>, &Counter)| {
            count += bucket.get();
            (bound, count)
        };
        bounds.zip(&self.buckets).map(&mut cumulated).collect()
    }

    /// How long all of them took together, in nanoseconds.
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_as_long_as_a_bound_counts_below_it() {
        let histogram = Histogram::new(&[10, 20]);
        for took in [0, 10, 11, 20, 21, 1_000] {
            histogram.observe(Duration::from_nanos(took));
        }
        assert_eq!(histogram.cumulated(), [(Some(10), 2), (Some(20), 4), (None, 6)]);
        assert_eq!(histogram.sum_ns(), 1_062);
    }

    #[test]
    fn bounds_grow() {
        for bounds in [CPU, DELAY] {
            assert!(bounds.is_sorted_by(|one, next| one < next), "{bounds:?}");
        }
    }
}

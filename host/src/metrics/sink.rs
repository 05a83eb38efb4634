//! What one sink took, and how late.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::Counter;
use super::histogram::{self, Histogram};

/// What one sink took.
#[derive(Debug)]
pub struct SinkMetrics {
    /// Its name.
    pub name: String,
    /// Events that are meant for it.
    pub routed: Counter,
    /// Those of them that were handed to its output.
    pub events: Counter,
    /// Bytes handed to its output.
    pub bytes: Counter,
    /// How often it waited before it tried again to write.
    pub retries: Counter,
    /// How often it gave up, which ends the run.
    pub failures: Counter,
    /// Of each chunk that it wrote: the time since the first of its events was received.
    pub delay: Histogram,
    /// When the first event of what it writes now was received; [`NOTHING`]: it writes nothing.
    in_hand_ns: AtomicI64,
}

/// A sink that waits for something to write.
const NOTHING: i64 = i64::MIN;

impl SinkMetrics {
    /// Nothing counted yet.
    pub fn new(name: &str) -> SinkMetrics {
        SinkMetrics {
            name: name.to_owned(),
            routed: Counter::default(),
            events: Counter::default(),
            bytes: Counter::default(),
            retries: Counter::default(),
            failures: Counter::default(),
            delay: Histogram::new(histogram::DELAY),
            in_hand_ns: AtomicI64::new(NOTHING),
        }
    }

    /// It begins to write what was received then.
    pub fn begin(&self, received_ns: i64) {
        self.in_hand_ns.store(received_ns, Ordering::Relaxed);
    }

    /// What it began to write is written now, in nanoseconds since 1970.
    pub fn wrote(&self, now_ns: u64) {
        if let Some(received_ns) = self.take_out_of_hand() {
            self.delay.observe(since(received_ns, now_ns));
        }
    }

    /// What it began to write will not be written.
    pub fn gave_up(&self) {
        self.take_out_of_hand();
        self.failures.add(1);
    }

    /// How long ago what it writes was received; none: it writes nothing.
    pub fn in_hand(&self, now_ns: u64) -> Option<Duration> {
        let received_ns = self.in_hand_ns.load(Ordering::Relaxed);
        (received_ns != NOTHING).then(|| since(received_ns, now_ns))
    }

    fn take_out_of_hand(&self) -> Option<i64> {
        Some(self.in_hand_ns.swap(NOTHING, Ordering::Relaxed)).filter(|received_ns| *received_ns != NOTHING)
    }
}

fn since(received_ns: i64, now_ns: u64) -> Duration {
    Duration::from_nanos(now_ns.saturating_sub(u64::try_from(received_ns).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sink_writes_is_in_its_hand_until_it_is_written() {
        let sink = SinkMetrics::new("out");
        assert_eq!(sink.in_hand(1_000), None);
        sink.begin(1_000);
        assert_eq!(sink.in_hand(1_600), Some(Duration::from_nanos(600)));
        sink.wrote(3_000);
        assert_eq!((sink.in_hand(4_000), sink.delay.sum_ns()), (None, 2_000));
        sink.begin(4_000);
        sink.gave_up();
        assert_eq!((sink.in_hand(5_000), sink.delay.sum_ns(), sink.failures.get()), (None, 2_000, 1));
    }
}

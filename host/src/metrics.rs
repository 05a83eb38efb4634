//! What was counted. Stages add, the summary and the progress line read; nothing here decides anything.
//!
//! Each counter is incremented in exactly one place. They are added to once a batch, so they cost nothing that
//! can be measured, and they are read without stopping anybody.

pub mod prometheus;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::clock::nanos;
use crate::hook::failure::{Cost, Failure, FailureKind};
use crate::hook::limits::Limits;

/// How many failures of a hook are kept to be shown.
pub const MOST_EXAMPLES: usize = 8;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn raise_to(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}

/// Everything that a run counts.
#[derive(Debug)]
pub struct Metrics {
    /// When it started.
    pub started: Instant,
    /// What came in.
    pub input: InputMetrics,
    /// One for each hook, in chain order.
    pub hooks: Vec<HookMetrics>,
    /// One for each sink.
    pub sinks: Vec<SinkMetrics>,
    /// Events that no sink takes.
    pub unrouted: Counter,
    /// Events that were read and not processed, because a hook with `on_error = "stop"` failed.
    pub stopped: Counter,
    /// CPU time of the workers' threads, in nanoseconds.
    pub worker_cpu_ns: Counter,
}

/// What the sources brought.
#[derive(Debug, Default)]
pub struct InputMetrics {
    /// Events, from sources only.
    pub events: Counter,
    /// Bytes, as they were read (after decompression).
    pub bytes: Counter,
    /// Lines that became `{"message": ...}`.
    pub wrapped: Counter,
    /// Those among them from sources with `decode = "json"`.
    pub not_json: Counter,
    /// Lines with nothing on them.
    pub blank: Counter,
    /// Lines with bytes that are not UTF-8, replaced by U+FFFD.
    pub repaired: Counter,
    /// Lines over `max_event_bytes`, cut into parts.
    pub oversize: Counter,
    /// Files that could not be read to their end.
    pub unreadable: Counter,
}

/// What one hook did, all its instances together.
#[derive(Debug)]
pub struct HookMetrics {
    /// Its name.
    pub name: String,
    /// What each of its instances may use.
    pub limits: Limits,
    /// How many instances it has at most.
    pub instances: u32,
    /// What it wrote to the log.
    pub log: Arc<LogMetrics>,
    /// Batches handed to it, retries included.
    pub calls: Counter,
    /// Rows of the batches that it processed.
    pub rows: Counter,
    /// Rows that it dropped.
    pub dropped: Counter,
    /// Rows that it changed.
    pub written: Counter,
    /// Events that it emitted.
    pub emitted: Counter,
    /// Writes that had nowhere to go: a parent that is no object, a NaN.
    pub refused: Counter,
    /// Earlier occurrences of keys deleted before it.
    pub duplicates: Counter,
    /// Surrogates that stood alone in what it read, read as U+FFFD.
    pub surrogates: Counter,
    /// Instances that were replaced by a fresh one before they failed.
    pub recycles: Counter,
    /// Saves that were given up, because no fresh instance could start with them.
    pub states_lost: Counter,
    /// Batches that failed twice, so that their guilty rows were looked for.
    pub isolations: Counter,
    /// Rows that followed `on_error` without anybody knowing whether they were guilty.
    pub not_isolated: Counter,
    /// How often its breaker opened.
    pub opened: Counter,
    /// How often it closed again.
    pub closed: Counter,
    /// How often a worker spent more on it than it may.
    pub over_budget: Counter,
    /// Rows that passed unprocessed, because its breaker was open.
    pub bypassed: Counter,
    /// Rows that are gone for that reason, as configured.
    pub open_dropped: Counter,
    /// Rows that it failed on and that are dead letters now.
    pub dead_letters: Counter,
    /// Rows that it failed on and that passed as they were.
    pub passed: Counter,
    /// Rows that it failed on and that are gone, as configured.
    pub error_dropped: Counter,
    failures: [Counter; FailureKind::ALL.len()],
    cpu_ns: Counter,
    slowest_ns: Counter,
    memory_peak: Counter,
    history: Mutex<History>,
    examples: Mutex<Vec<Failure>>,
}

/// What a hook wrote to the log.
#[derive(Debug, Default)]
pub struct LogMetrics {
    /// Lines that were written.
    pub lines: Counter,
    /// Lines that were not, because there were too many.
    pub suppressed: Counter,
}

/// A hook that is counted.
#[derive(Debug)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// What each of its instances may use.
    pub limits: Limits,
    /// How many instances it has at most.
    pub instances: u32,
    /// What it writes to the log.
    pub log: Arc<LogMetrics>,
}

/// What one sink took.
#[derive(Debug, Default)]
pub struct SinkMetrics {
    /// Its name.
    pub name: String,
    /// Events handed to its output.
    pub events: Counter,
    /// Bytes handed to its output.
    pub bytes: Counter,
}

impl HookMetrics {
    /// Nothing counted yet.
    pub fn new(hook: Counted) -> HookMetrics {
        let Counted { name, limits, instances, log } = hook;
        HookMetrics {
            name,
            limits,
            instances,
            log,
            calls: Counter::default(),
            rows: Counter::default(),
            dropped: Counter::default(),
            written: Counter::default(),
            emitted: Counter::default(),
            refused: Counter::default(),
            duplicates: Counter::default(),
            surrogates: Counter::default(),
            recycles: Counter::default(),
            states_lost: Counter::default(),
            isolations: Counter::default(),
            not_isolated: Counter::default(),
            opened: Counter::default(),
            closed: Counter::default(),
            over_budget: Counter::default(),
            bypassed: Counter::default(),
            open_dropped: Counter::default(),
            dead_letters: Counter::default(),
            passed: Counter::default(),
            error_dropped: Counter::default(),
            failures: Default::default(),
            cpu_ns: Counter::default(),
            slowest_ns: Counter::default(),
            memory_peak: Counter::default(),
            history: Mutex::default(),
            examples: Mutex::default(),
        }
    }

    /// A call ended, well or not.
    pub fn record_cost(&self, cost: Cost) {
        let cpu_ns = nanos(cost.cpu);
        self.cpu_ns.add(cpu_ns);
        self.slowest_ns.raise_to(cpu_ns);
        self.memory_peak.raise_to(cost.memory as u64);
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(cost.memory as u64);
    }

    /// A call failed.
    pub fn record_failure(&self, failure: &Failure) {
        self.record_cost(failure.cost);
        self.record_failures(failure.kind, 1);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |known: &Failure| known.kind == failure.kind && known.message == failure.message;
        if examples.len() < MOST_EXAMPLES && !examples.iter().any(known) {
            examples.push(failure.clone());
        }
    }

    /// The first calls that failed, of those that failed alike only the first; at most [`MOST_EXAMPLES`].
    pub fn examples(&self) -> Vec<Failure> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Something failed so many times.
    pub fn record_failures(&self, kind: FailureKind, count: u64) {
        if let Some(counter) = self.failures.get(kind as usize) {
            counter.add(count);
        }
    }

    /// How often it failed, for each kind.
    pub fn failures(&self, kind: FailureKind) -> u64 {
        self.failures.get(kind as usize).map_or(0, Counter::get)
    }

    /// How often it failed.
    pub fn all_failures(&self) -> u64 {
        self.failures.iter().map(Counter::get).sum()
    }

    /// The number of the last failure, if it is to be told: the first ones, then one for each time that they doubled.
    pub fn failure_to_tell(&self) -> Option<u64> {
        let failed = self.all_failures();
        (failed.is_power_of_two() || failed < 8).then_some(failed)
    }

    /// The CPU time of its calls for each row, in nanoseconds.
    pub fn ns_per_row(&self) -> f64 {
        match self.rows.get() {
            0 => 0.0,
            rows => self.cpu_ns.get() as f64 / rows as f64,
        }
    }

    /// The CPU time of its calls, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_ns.get()
    }

    /// The CPU time of its slowest call, in nanoseconds.
    pub fn slowest_ns(&self) -> u64 {
        self.slowest_ns.get()
    }

    /// The most memory that one of its instances used, in bytes.
    pub fn memory_peak(&self) -> u64 {
        self.memory_peak.get()
    }

    /// Its memory over time, call by call, at most [`History::MOST`] samples.
    pub fn memory_history(&self) -> Vec<u64> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).samples.clone()
    }
}

/// A series of bounded length: when it is full, every second sample goes and the rest come half as often.
#[derive(Debug, Default)]
struct History {
    samples: Vec<u64>,
    /// A sample stands for two to the power of this many calls.
    halvings: u32,
    calls: u64,
}

impl History {
    const MOST: usize = 4096;

    fn push(&mut self, value: u64) {
        let stride = 1u64 << self.halvings;
        if self.calls.is_multiple_of(stride) {
            self.samples.push(value);
        }
        self.calls += 1;
        if self.samples.len() == Self::MOST {
            let mut index = 0usize;
            self.samples.retain(|_| {
                index += 1;
                !index.is_multiple_of(2)
            });
            self.halvings += 1;
        }
    }
}

impl Metrics {
    /// The counters of a run with these hooks, and sinks (their names).
    pub fn new<'a>(
        hooks: impl IntoIterator<Item = Counted>,
        sinks: impl IntoIterator<Item = &'a str>,
    ) -> Metrics {
        Metrics {
            started: Instant::now(),
            input: InputMetrics::default(),
            hooks: hooks.into_iter().map(HookMetrics::new).collect(),
            sinks: sinks
                .into_iter()
                .map(|name| SinkMetrics { name: name.to_owned(), ..Default::default() })
                .collect(),
            unrouted: Counter::default(),
            stopped: Counter::default(),
            worker_cpu_ns: Counter::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_of_any_length_stays_short_and_in_order() {
        let mut history = History::default();
        for value in 0..1_000_000 {
            history.push(value);
        }
        assert!(history.samples.len() < History::MOST);
        assert!(history.samples.windows(2).all(|pair| pair[1] - pair[0] == 1 << history.halvings));
    }
}

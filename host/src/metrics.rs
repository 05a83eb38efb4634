//! What was counted. Stages add, the summary and the progress line read; nothing here decides anything.
//!
//! Each counter is incremented in exactly one place. They are added to once a batch, so they cost nothing that
//! can be measured, and they are read without stopping anybody.

pub mod prometheus;
pub mod waits;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use crate::clock::nanos;
use crate::hook::differences::Differences;
use crate::hook::failure::{Cost, Failure, FailureKind};
use crate::hook::limits::Limits;
use waits::Waits;

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
    hooks: RwLock<Arc<[Arc<HookMetrics>]>>,
    past: Mutex<Past>,
    /// What was done with hooks while it ran.
    pub changes: Changes,
    /// One for each sink.
    pub sinks: Vec<SinkMetrics>,
    /// Events that no sink takes.
    pub unrouted: Counter,
    /// Events that were read and not processed, because a hook with `on_error = "stop"` failed.
    pub stopped: Counter,
    /// CPU time of the workers' threads, in nanoseconds.
    pub worker_cpu_ns: Counter,
    /// What workers wait for.
    pub waits: Waits,
}

/// What hooks, and versions of hooks, did that are no longer in the chain: the books balance with it.
#[derive(Debug, Default)]
struct Past {
    /// Each for all versions of one name, the last to leave at the end.
    hooks: Vec<Arc<HookMetrics>>,
}

/// So many hooks that are gone are told apart; those before them are counted together.
const MOST_GONE: usize = 64;

/// The name under which those are counted.
const GONE: &str = "(unloaded)";

/// How often hooks were loaded, swapped and so on.
#[derive(Debug, Default)]
pub struct Changes(Mutex<BTreeMap<&'static str, u64>>);

impl Changes {
    /// One more of this kind.
    pub fn add(&self, kind: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    /// All of them, by kind.
    pub fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the sources brought.
#[derive(Debug, Default)]
pub struct InputMetrics {
    /// Events that were read, in whatever queue they are.
    pub read: Counter,
    /// Those of them that came to a batch, from sources only.
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
    /// SHA-256 of its plugin: which version of it this is.
    pub sha256: [u8; 32],
    /// What it is there for.
    pub role: Role,
    limits: RwLock<Limits>,
    /// How many instances it has at most.
    pub instances: u32,
    /// What it wrote to the log.
    pub log: Arc<LogMetrics>,
    /// Batches handed to it, retries included.
    pub calls: Counter,
    /// Rows that it was to process, each once.
    pub handed: Counter,
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
    /// Rows that it was not handed, because they are not in its rollout's share.
    pub outside: Counter,
    /// Rows that passed unprocessed, because its breaker was open.
    pub bypassed: Counter,
    /// Rows that are gone for that reason, as configured.
    pub open_dropped: Counter,
    /// Rows that passed unprocessed, because the operator paused it.
    pub paused: Counter,
    /// Rows that it failed on and that are dead letters now.
    pub dead_letters: Counter,
    /// Rows that it failed on and that the version at work was handed instead, of a candidate.
    pub handed_back: Counter,
    /// Rows that it failed on and that passed as they were.
    pub passed: Counter,
    /// Rows that it failed on and that are gone, as configured.
    pub error_dropped: Counter,
    failures: [Counter; FailureKind::ALL.len()],
    cpu_ns: Counter,
    slowest_ns: Counter,
    memory_peak: Counter,
    history: Mutex<History>,
    differences: Option<Arc<Differences>>,
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
    /// SHA-256 of its plugin.
    pub sha256: [u8; 32],
    /// What it is there for.
    pub role: Role,
    /// What each of its instances may use.
    pub limits: Limits,
    /// How many instances it has at most.
    pub instances: u32,
    /// What it writes to the log.
    pub log: Arc<LogMetrics>,
}

/// What a version of a hook is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It is at work.
    #[default]
    AtWork,
    /// It is tried on a share of the events.
    Candidate,
    /// It is tried on copies; nothing that it does is in the books.
    Shadow,
}

impl Role {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Role::AtWork => "stable",
            Role::Candidate => "candidate",
            Role::Shadow => "shadow",
        }
    }
}

/// What one sink took.
#[derive(Debug, Default)]
pub struct SinkMetrics {
    /// Its name.
    pub name: String,
    /// Events that are meant for it.
    pub routed: Counter,
    /// Events handed to its output.
    pub events: Counter,
    /// Bytes handed to its output.
    pub bytes: Counter,
}

impl HookMetrics {
    /// Nothing counted yet.
    pub fn new(hook: Counted) -> HookMetrics {
        let Counted { name, sha256, role, limits, instances, log } = hook;
        HookMetrics {
            name,
            sha256,
            role,
            limits: RwLock::new(limits),
            instances,
            log,
            calls: Counter::default(),
            handed: Counter::default(),
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
            outside: Counter::default(),
            bypassed: Counter::default(),
            open_dropped: Counter::default(),
            paused: Counter::default(),
            dead_letters: Counter::default(),
            handed_back: Counter::default(),
            passed: Counter::default(),
            error_dropped: Counter::default(),
            failures: Default::default(),
            cpu_ns: Counter::default(),
            slowest_ns: Counter::default(),
            memory_peak: Counter::default(),
            history: Mutex::default(),
            differences: (role == Role::Shadow).then(Arc::default),
            examples: Mutex::default(),
        }
    }

    /// What is known of it before anything was counted.
    fn counted(&self) -> Counted {
        let (name, limits, instances) = (self.name.clone(), self.limits(), self.instances);
        Counted { name, sha256: self.sha256, role: self.role, limits, instances, log: Arc::default() }
    }

    /// What it would have done otherwise, if it is a shadow.
    pub fn differences(&self) -> Option<&Arc<Differences>> {
        self.differences.as_ref()
    }

    /// What each of its instances may use.
    pub fn limits(&self) -> Limits {
        *self.limits.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on they may use this.
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The same version, which is at work from now on and has counted nothing as that.
    pub(crate) fn at_work(&self) -> HookMetrics {
        HookMetrics::new(Counted { role: Role::AtWork, log: self.log.clone(), ..self.counted() })
    }

    /// A copy that has counted what another version of it did too.
    fn together_with(&self, other: &HookMetrics) -> HookMetrics {
        let sum = HookMetrics::new(self.counted());
        for part in [other, self] {
            for (to, from) in sum.counters().into_iter().zip(part.counters()) {
                to.add(from.get());
            }
            for (to, from) in sum.failures.iter().zip(&part.failures) {
                to.add(from.get());
            }
            sum.log.lines.add(part.log.lines.get());
            sum.log.suppressed.add(part.log.suppressed.get());
            sum.slowest_ns.raise_to(part.slowest_ns.get());
            sum.memory_peak.raise_to(part.memory_peak.get());
            let mut history = sum.history.lock().unwrap_or_else(PoisonError::into_inner);
            part.memory_history().into_iter().for_each(|sample| history.push(sample));
        }
        sum
    }

    /// All that are added up.
    fn counters(&self) -> [&Counter; 25] {
        let HookMetrics { calls, rows, dropped, written, emitted, refused, duplicates, surrogates, .. } =
            self;
        let HookMetrics { recycles, states_lost, isolations, not_isolated, opened, closed, .. } = self;
        let HookMetrics { over_budget, bypassed, open_dropped, dead_letters, passed, error_dropped, .. } =
            self;
        let HookMetrics { outside, paused, handed, handed_back, cpu_ns, .. } = self;
        [
            calls,
            rows,
            dropped,
            written,
            emitted,
            refused,
            duplicates,
            surrogates,
            recycles,
            states_lost,
            isolations,
            not_isolated,
            opened,
            closed,
            over_budget,
            bypassed,
            open_dropped,
            dead_letters,
            passed,
            error_dropped,
            outside,
            paused,
            handed,
            handed_back,
            cpu_ns,
        ]
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
        hooks: impl IntoIterator<Item = Arc<HookMetrics>>,
        sinks: impl IntoIterator<Item = &'a str>,
    ) -> Metrics {
        Metrics {
            started: Instant::now(),
            input: InputMetrics::default(),
            hooks: RwLock::new(hooks.into_iter().collect()),
            past: Mutex::default(),
            changes: Changes::default(),
            sinks: sinks
                .into_iter()
                .map(|name| SinkMetrics { name: name.to_owned(), ..Default::default() })
                .collect(),
            unrouted: Counter::default(),
            stopped: Counter::default(),
            worker_cpu_ns: Counter::default(),
            waits: Waits::default(),
        }
    }

    /// The hooks that are in the chain now, in its order.
    pub fn hooks(&self) -> Arc<[Arc<HookMetrics>]> {
        self.hooks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on these are in the chain; what the others did is remembered.
    pub fn set_hooks(&self, hooks: Vec<Arc<HookMetrics>>) {
        let mut now = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        for left in now.iter().filter(|old| !hooks.iter().any(|new| Arc::ptr_eq(old, new))) {
            past.add(left);
        }
        *now = hooks.into();
    }

    /// What each hook did since the start, all its versions together: those in the chain in its order, then those that
    /// are gone.
    pub fn all_hooks(&self) -> Vec<Arc<HookMetrics>> {
        let now = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<HookMetrics>> = Vec::with_capacity(now.len());
        for hook in now.iter().chain(&past.hooks).filter(|hook| hook.role != Role::Shadow) {
            match all.iter_mut().find(|known| known.name == hook.name) {
                Some(known) => *known = Arc::new(known.together_with(hook)),
                None => all.push(hook.clone()),
            }
        }
        all
    }
}

impl Past {
    /// Remembers what a hook did.
    fn add(&mut self, left: &HookMetrics) {
        if left.role == Role::Shadow {
            return;
        }
        let at = self.hooks.iter().position(|former| former.name == left.name);
        let whole = match at.map(|at| self.hooks.remove(at)) {
            Some(former) => left.together_with(&former),
            None => left.together_with(&HookMetrics::new(left.counted())),
        };
        self.hooks.push(Arc::new(whole));
        if self.hooks.len() <= MOST_GONE {
            return;
        }
        let mut oldest = self.hooks.drain(..2);
        let (Some(first), Some(second)) = (oldest.next(), oldest.next()) else { return };
        drop(oldest);
        let counted = Counted { name: GONE.to_owned(), ..first.counted() };
        let together = HookMetrics::new(counted).together_with(&first).together_with(&second);
        self.hooks.insert(0, Arc::new(together));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::limits;

    fn metrics_of(name: &str, rows: u64) -> Arc<HookMetrics> {
        let output = limits::Output { bytes: 1, events: 1, state_bytes: 1 };
        let log = limits::LogRate { lines: 1, bytes: 1 };
        let second = std::time::Duration::from_secs(1);
        let limits = Limits {
            memory_bytes: 1,
            init: second,
            process: second,
            tick: second,
            teardown: second,
            output,
            log,
        };
        let counted = Counted {
            name: name.to_owned(),
            sha256: [0; 32],
            role: Role::AtWork,
            limits,
            instances: 1,
            log: Arc::default(),
        };
        let metrics = HookMetrics::new(counted);
        metrics.rows.add(rows);
        metrics.record_failures(FailureKind::Trap, 1);
        Arc::new(metrics)
    }

    fn rows(metrics: &Metrics) -> Vec<(String, u64)> {
        metrics.all_hooks().iter().map(|hook| (hook.name.clone(), hook.rows.get())).collect()
    }

    #[test]
    fn what_an_earlier_version_did_is_counted_with_the_one_that_took_over() {
        let metrics = Metrics::new([metrics_of("a", 1), metrics_of("b", 10)], []);
        metrics.set_hooks(vec![metrics_of("b", 20), metrics.hooks()[0].clone()]);
        assert_eq!(rows(&metrics), [("b".to_owned(), 30), ("a".to_owned(), 1)]);
        assert_eq!(metrics.all_hooks()[0].failures(FailureKind::Trap), 2);
        metrics.set_hooks(Vec::new());
        assert_eq!(rows(&metrics), [("b".to_owned(), 30), ("a".to_owned(), 1)]);
        metrics.set_hooks(vec![metrics_of("b", 5)]);
        assert_eq!(rows(&metrics), [("b".to_owned(), 35), ("a".to_owned(), 1)]);
        assert_eq!(metrics.hooks()[0].rows.get(), 5);
    }

    #[test]
    fn however_many_hooks_are_gone_few_are_remembered_and_all_are_counted() {
        let metrics = Metrics::new([], []);
        for index in 0..1000 {
            metrics.set_hooks(vec![metrics_of(&format!("h{index}"), 1)]);
        }
        let rows = rows(&metrics);
        assert_eq!(rows.len(), MOST_GONE + 1);
        assert_eq!(rows.iter().map(|(_, rows)| rows).sum::<u64>(), 1000);
        assert_eq!(rows[1].0, GONE);
    }

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

//! What one hook did, and how it is set.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::Counter;
use super::growth::{Growth, Kept};
use super::histogram::{self, Histogram};
use crate::clock::nanos;
use crate::config::Share;
use crate::hook::differences::Differences;
use crate::hook::due::Cause;
use crate::hook::failure::{Cost, Failure, FailureKind};
use crate::hook::gate::Gate;
use crate::hook::limits::Limits;

/// How many failures of a hook are kept to be shown.
pub const MOST_EXAMPLES: usize = 8;

/// What one hook did, all its instances together.
#[derive(Debug)]
pub struct HookMetrics {
    /// Its name.
    pub name: String,
    /// SHA-256 of its plugin: which version of it this is.
    pub sha256: [u8; 32],
    /// What it is there for.
    pub role: Role,
    setting: RwLock<Setting>,
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
    /// The CPU time of each batch that was handed to an instance.
    pub latency: Histogram,
    failures: [Counter; FailureKind::ALL.len()],
    recycles: [Counter; Cause::ALL.len()],
    cpu_ns: Counter,
    slowest_ns: Counter,
    memory_peak: Counter,
    history: Mutex<History>,
    /// The memory of each worker's instance; of the one that they share only the first.
    growth: Box<[Mutex<Growth>]>,
    differences: Option<Arc<Differences>>,
    examples: Mutex<Vec<Failure>>,
}

/// How a hook is set, as far as that may change while it is at work.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What each of its instances may use.
    pub limits: Limits,
    /// Which share of its events it is applied to.
    pub share: Share,
    /// Events pass it unprocessed, because the operator wants that.
    pub is_paused: bool,
    /// The way in, with its breaker; none where nothing flows in real time.
    pub gate: Option<Arc<Gate>>,
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

impl HookMetrics {
    /// Nothing counted yet.
    pub fn new(hook: Counted) -> HookMetrics {
        let Counted { name, sha256, role, limits, instances, log } = hook;
        let setting = Setting { limits, share: Share::percent(100), is_paused: false, gate: None };
        HookMetrics {
            name,
            sha256,
            role,
            setting: RwLock::new(setting),
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
            latency: Histogram::new(histogram::CPU),
            failures: Default::default(),
            recycles: Default::default(),
            cpu_ns: Counter::default(),
            slowest_ns: Counter::default(),
            memory_peak: Counter::default(),
            history: Mutex::default(),
            growth: (0..instances).map(|_| Mutex::default()).collect(),
            differences: (role == Role::Shadow).then(Arc::default),
            examples: Mutex::default(),
        }
    }

    /// What is known of it before anything was counted.
    pub(super) fn counted(&self) -> Counted {
        let (name, limits, instances) = (self.name.clone(), self.limits(), self.instances);
        Counted { name, sha256: self.sha256, role: self.role, limits, instances, log: Arc::default() }
    }

    /// What it would have done otherwise, if it is a shadow.
    pub fn differences(&self) -> Option<&Arc<Differences>> {
        self.differences.as_ref()
    }

    /// How it is set now.
    pub fn setting(&self) -> Setting {
        self.setting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is set so.
    pub fn set(&self, setting: Setting) {
        *self.setting.write().unwrap_or_else(PoisonError::into_inner) = setting;
    }

    /// What each of its instances may use.
    pub fn limits(&self) -> Limits {
        self.setting.read().unwrap_or_else(PoisonError::into_inner).limits
    }

    /// The same version, which is at work from now on and has counted nothing as that.
    pub(crate) fn at_work(&self) -> HookMetrics {
        HookMetrics::new(Counted { role: Role::AtWork, log: self.log.clone(), ..self.counted() })
    }

    /// A copy that has counted what another version of it did too; how long calls took and what they kept is each
    /// version's own.
    pub(super) fn together_with(&self, other: &HookMetrics) -> HookMetrics {
        let sum = HookMetrics::new(self.counted());
        for part in [other, self] {
            for (to, from) in sum.counters().into_iter().zip(part.counters()) {
                to.add(from.get());
            }
            let (failures, recycles) = (sum.failures.iter(), sum.recycles.iter());
            for (to, from) in failures.chain(recycles).zip(part.failures.iter().chain(&part.recycles)) {
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
    fn counters(&self) -> [&Counter; 24] {
        let HookMetrics { calls, rows, dropped, written, emitted, refused, duplicates, surrogates, .. } =
            self;
        let HookMetrics { states_lost, isolations, not_isolated, opened, closed, .. } = self;
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

    /// A worker's instance was handed so many rows, and processed them.
    pub fn record_batch(&self, worker: u32, rows: u64, cost: Cost) {
        self.latency.observe(cost.cpu);
        self.with_growth(worker, |growth| growth.handed(rows, cost.memory as u64));
    }

    /// A worker's instance was handed rows, and failed.
    pub fn record_failed_batch(&self, cost: Cost) {
        self.latency.observe(cost.cpu);
    }

    /// Another instance takes the place of a worker's.
    pub fn record_fresh(&self, worker: u32) {
        self.with_growth(worker, Growth::end_life);
    }

    fn with_growth(&self, worker: u32, change: impl FnOnce(&mut Growth)) {
        if let Some(growth) = self.growth.get(worker as usize) {
            change(&mut growth.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn growths(&self) -> impl Iterator<Item = MutexGuard<'_, Growth>> {
        self.growth.iter().map(|growth| growth.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The memory that each worker's instance uses, in bytes; none for one that was handed nothing yet.
    pub fn memory_now(&self) -> Vec<Option<u64>> {
        self.growths().map(|growth| growth.memory()).collect()
    }

    /// What its instances kept of the rows that they were handed.
    pub fn kept(&self) -> Kept {
        self.growths().map(|growth| growth.kept()).sum()
    }

    /// Whether any of its instances leaks.
    pub fn leaks(&self) -> bool {
        let cap = self.limits().memory_bytes as u64;
        self.growths().any(|growth| growth.leaks(cap))
    }

    /// An instance was replaced by a fresh one before it failed.
    pub fn record_recycle(&self, cause: Cause) {
        if let Some(counter) = self.recycles.get(cause as usize) {
            counter.add(1);
        }
    }

    /// How often that was so, for each cause.
    pub fn recycles(&self, cause: Cause) -> u64 {
        self.recycles.get(cause as usize).map_or(0, Counter::get)
    }

    /// How often that was so.
    pub fn all_recycles(&self) -> u64 {
        self.recycles.iter().map(Counter::get).sum()
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

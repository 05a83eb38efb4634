//! What was counted. Stages add, the summary and the progress line read; nothing here decides anything.
//!
//! Each counter is incremented in exactly one place. They are added to once a batch, so they cost nothing that
//! can be measured, and they are read without stopping anybody.

mod families;
pub mod growth;
pub mod histogram;
mod hook;
pub mod process;
pub mod prometheus;
mod sink;
mod source;
pub mod waits;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use crate::hook::dead_letters::store::Store;
use crate::live::change::Did;
use crate::queue::Depth;
pub use hook::{Counted, HookMetrics, LogMetrics, MOST_EXAMPLES, Role, Setting};
pub use sink::SinkMetrics;
pub use source::SourceMetrics;
use waits::Waits;

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
    /// The same for people.
    pub started_at: SystemTime,
    /// One for each source.
    pub sources: Vec<Arc<SourceMetrics>>,
    hooks: RwLock<Arc<[Arc<HookMetrics>]>>,
    past: Mutex<Past>,
    /// What was done with hooks while it ran.
    pub changes: Changes,
    /// One for each sink.
    pub sinks: Vec<Arc<SinkMetrics>>,
    /// Events that no sink takes.
    pub unrouted: Counter,
    /// Events that were read and not processed, because a hook with `on_error = "stop"` failed.
    pub stopped: Counter,
    /// CPU time of the workers' threads, in nanoseconds.
    pub worker_cpu_ns: Counter,
    /// What workers wait for.
    pub waits: Waits,
    around: OnceLock<Around>,
}

/// What nobody counts, and is looked at when somebody asks.
#[derive(Debug)]
pub struct Around {
    /// What waits in front of each worker.
    pub intakes: Vec<Depth>,
    /// What waits in front of each sink.
    pub outlets: Vec<Depth>,
    /// Where dead letters are kept.
    pub dead_letters: Store,
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

/// What a candidate that is taken back counts as among the changes.
pub const ROLLED_BACK: &str = "rolled back";

/// How often hooks were loaded, swapped and so on.
#[derive(Debug)]
pub struct Changes(Mutex<BTreeMap<&'static str, u64>>);

impl Default for Changes {
    /// None of each kind, so that the first one is seen to be one more.
    fn default() -> Changes {
        let kinds = Did::ALL.into_iter().map(Did::name).chain([ROLLED_BACK]);
        Changes(Mutex::new(kinds.map(|kind| (kind, 0)).collect()))
    }
}

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

impl Metrics {
    /// The counters of a run with these hooks, sources and sinks (their names).
    pub fn new<'a>(
        hooks: impl IntoIterator<Item = Arc<HookMetrics>>,
        sources: impl IntoIterator<Item = &'a str>,
        sinks: impl IntoIterator<Item = &'a str>,
    ) -> Metrics {
        Metrics {
            started: Instant::now(),
            started_at: SystemTime::now(),
            sources: sources.into_iter().map(|name| Arc::new(SourceMetrics::new(name))).collect(),
            hooks: RwLock::new(hooks.into_iter().collect()),
            past: Mutex::default(),
            changes: Changes::default(),
            sinks: sinks.into_iter().map(|name| Arc::new(SinkMetrics::new(name))).collect(),
            unrouted: Counter::default(),
            stopped: Counter::default(),
            worker_cpu_ns: Counter::default(),
            waits: Waits::default(),
            around: OnceLock::new(),
        }
    }

    /// What all sources brought.
    pub fn input(&self) -> SourceMetrics {
        SourceMetrics::sum(self.sources.iter().map(|source| &**source))
    }

    /// This is what is around; what was said first stays.
    pub fn set_around(&self, around: Around) {
        let _ = self.around.set(around);
    }

    /// What is around, in a run.
    pub fn around(&self) -> Option<&Around> {
        self.around.get()
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
pub(crate) mod tests {
    use super::*;
    use crate::hook::failure::FailureKind;
    use crate::hook::limits::{self, Limits};

    /// Of a hook of this name that processed so many rows and trapped once.
    pub(crate) fn metrics_of(name: &str, rows: u64) -> Arc<HookMetrics> {
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
        let metrics = Metrics::new([metrics_of("a", 1), metrics_of("b", 10)], [], []);
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
        let metrics = Metrics::new([], [], []);
        for index in 0..1000 {
            metrics.set_hooks(vec![metrics_of(&format!("h{index}"), 1)]);
        }
        let rows = rows(&metrics);
        assert_eq!(rows.len(), MOST_GONE + 1);
        assert_eq!(rows.iter().map(|(_, rows)| rows).sum::<u64>(), 1000);
        assert_eq!(rows[1].0, GONE);
    }
}

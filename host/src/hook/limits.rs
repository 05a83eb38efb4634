//! What an instance may consume: memory over all its memories and tables, and the CPU time of each call.
//!
//! [`Meter`] is asked by wasmtime before anything grows; [`Deadline`] is asked by wasmtime whenever the engine's
//! epoch moved during a call, about every 5 ms. Neither fails: they refuse, and the guest traps or copes.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use wasmtime::{ResourceLimiter, UpdateDeadline};

/// How many core instances, memories and tables one instance has at most. Language runtimes need up to 12
/// instances, 3 memories and 4 tables; wasmtime itself would allow 10,000 of each.
const MAX_INSTANCES: usize = 64;
const MAX_MEMORIES: usize = 8;
const MAX_TABLES: usize = 32;

/// What an element of a table costs the host.
const TABLE_ELEMENT_BYTES: usize = 8;

/// A call is ended after so many times its deadline in wall time, whatever its CPU time.
const WALL_FACTOR: u32 = 10;

/// What a hook's instances may consume.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// All linear memories and tables of one instance together.
    pub memory_bytes: usize,
    /// CPU time of each call to `init`.
    pub init: Duration,
    /// CPU time of each call to `process`.
    pub process: Duration,
    /// CPU time of each call to `tick` or `save`.
    pub tick: Duration,
    /// CPU time of the call to `teardown`.
    pub teardown: Duration,
    /// What one call makes the host hold.
    pub output: Output,
    /// What it writes to the log, all its instances together.
    pub log: LogRate,
}

/// What one call makes the host hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Bytes of lists and texts that it hands over. What it saves counts, too.
    pub bytes: usize,
    /// Events that it emits.
    pub events: usize,
    /// Bytes of the state that it saves.
    pub state_bytes: usize,
}

/// What is written to the log in a second; the rest is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRate {
    /// Lines.
    pub lines: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Sums the memory of one instance and refuses what is over its cap.
#[derive(Debug)]
pub(crate) struct Meter {
    cap: usize,
    used: usize,
    /// What was granted last, to be undone if the growth fails after all.
    granted: usize,
    refused: bool,
}

impl Meter {
    pub(crate) fn new(cap: usize) -> Meter {
        Meter { cap, used: 0, granted: 0, refused: false }
    }

    /// The bytes in use. Memories and tables never shrink.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// The most bytes that may be in use.
    pub(crate) fn cap(&self) -> usize {
        self.cap
    }

    /// From now on so many bytes may be in use; what is in use stays.
    pub(crate) fn set_cap(&mut self, cap: usize) {
        self.cap = cap;
    }

    /// Forgets that something was refused; for the start of a call.
    pub(crate) fn start_call(&mut self) {
        self.refused = false;
    }

    /// Whether the cap stopped a growth since the call started.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Whether `current` may become `desired`, in units of `each` bytes.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>, each: usize) -> bool {
        self.granted = 0;
        if maximum.is_some_and(|maximum| desired > maximum) {
            // The guest's own limit, not ours.
            return false;
        }
        let bytes = desired.saturating_sub(current).saturating_mul(each);
        match self.used.checked_add(bytes).filter(|&used| used <= self.cap) {
            Some(used) => {
                self.used = used;
                self.granted = bytes;
                true
            }
            None => {
                self.refused = true;
                false
            }
        }
    }

    /// Growth past the declared maximum is granted first and fails afterwards.
    fn undo(&mut self) {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.granted));
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum, 1))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum, TABLE_ELEMENT_BYTES))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }
}

/// The end of one call: CPU time of this thread, so that a busy machine kills no innocent hook, with
/// [`WALL_FACTOR`] times that in wall time as the hard end.
#[derive(Debug)]
pub(crate) struct Deadline {
    key: &'static str,
    limit: Duration,
    cpu_start: Duration,
    wall_start: Instant,
    passed: bool,
}

impl Deadline {
    /// A deadline that starts now, on this thread. It is set by `key` of `[[hook]]`.
    pub(crate) fn start(key: &'static str, limit: Duration) -> Deadline {
        Deadline { key, limit, cpu_start: thread_cpu_time(), wall_start: Instant::now(), passed: false }
    }

    /// The key that sets it.
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }

    /// The CPU time that it leaves.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// The CPU time since the start.
    pub(crate) fn used(&self) -> Duration {
        thread_cpu_time().saturating_sub(self.cpu_start)
    }

    /// Whether the call was interrupted.
    pub(crate) fn passed(&self) -> bool {
        self.passed
    }

    /// What wasmtime is to do now that the epoch moved.
    pub(crate) fn check(&mut self) -> UpdateDeadline {
        if self.used() < self.limit && self.wall_start.elapsed() < self.limit.saturating_mul(WALL_FACTOR) {
            return UpdateDeadline::Continue(1);
        }
        self.passed = true;
        UpdateDeadline::Interrupt
    }
}

/// The CPU time that this thread has used.
pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    use wasmtime::{Instance, Module, Store};

    const PAGE: usize = 65_536;

    fn is_interrupted(deadline: &mut Deadline) -> bool {
        matches!(deadline.check(), UpdateDeadline::Interrupt)
    }

    #[test]
    fn a_deadline_is_cpu_time_of_this_thread_and_ten_times_that_in_wall_time() {
        let mut waits = Deadline::start("deadline", Duration::from_millis(200));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!is_interrupted(&mut waits) && !waits.passed(), "it only waited");

        let mut spins = Deadline::start("deadline", Duration::from_millis(2));
        while spins.used() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        assert!(is_interrupted(&mut spins) && spins.passed());

        let mut sleeps = Deadline::start("deadline", Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(11));
        assert!(is_interrupted(&mut sleeps), "nothing lasts for ever");
    }

    #[test]
    fn an_instance_has_a_bounded_number_of_memories_tables_and_instances() {
        let engine = crate::hook::engine::new().unwrap();
        let module = |part: &str, count: usize| {
            let text = format!("(module {})", part.repeat(count));
            Module::from_binary(&engine, &wat::parse_str(text).unwrap()).unwrap()
        };
        let start = |module: &Module, times: usize| {
            let mut store = Store::new(&engine, Meter::new(usize::MAX));
            store.limiter(|meter| meter);
            store.set_epoch_deadline(1 << 30);
            (0..times).try_for_each(|_| Instance::new(&mut store, module, &[]).map(|_| ()))
        };
        for (part, most) in [("(memory 0)", MAX_MEMORIES), ("(table 0 funcref)", MAX_TABLES)] {
            assert!(start(&module(part, most), 1).is_ok(), "{part}");
            assert!(start(&module(part, most + 1), 1).is_err(), "{part}");
        }
        assert!(start(&module("", 0), MAX_INSTANCES).is_ok());
        assert!(start(&module("", 0), MAX_INSTANCES + 1).is_err());
    }

    #[test]
    fn memories_and_tables_are_summed() {
        let mut meter = Meter::new(3 * PAGE);
        assert!(meter.memory_growing(0, PAGE, None).unwrap());
        assert!(meter.memory_growing(0, PAGE, None).unwrap());
        assert!(!meter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        assert!(meter.refused());
        assert!(meter.table_growing(0, PAGE / 8, None).unwrap());
        assert!(!meter.table_growing(PAGE / 8, PAGE / 8 + 1, None).unwrap());
        assert_eq!(meter.used(), 3 * PAGE);
    }

    #[test]
    fn a_growth_that_fails_after_its_grant_is_undone_once() {
        let mut meter = Meter::new(2 * PAGE);
        assert!(meter.memory_growing(0, PAGE, None).unwrap());
        assert!(meter.memory_growing(PAGE, 2 * PAGE, None).unwrap());
        meter.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        meter.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        assert_eq!(meter.used, PAGE);
    }

    #[test]
    fn the_guests_own_maximum_is_not_the_caps_refusal() {
        let mut meter = Meter::new(2 * PAGE);
        assert!(!meter.memory_growing(0, 2 * PAGE, Some(PAGE)).unwrap());
        assert!(!meter.refused());
        assert_eq!(meter.used, 0);
    }
}

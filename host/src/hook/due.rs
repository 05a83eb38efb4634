//! When an instance is due to be replaced, and whether that happens too often. Pure.

use crate::config::Recycle;

/// Two replacements for memory within so many batches are worth a warning.
pub const THRASHING: u64 = 10;

/// How many batches pass before a replacement that failed is tried again.
const PUT_OFF: u64 = 16;

/// Why an instance is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It uses its share of the memory.
    Memory,
    /// It was handed enough batches.
    Calls,
    /// It is old.
    Age,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 3] = [Cause::Memory, Cause::Calls, Cause::Age];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Memory => "memory",
            Cause::Calls => "calls",
            Cause::Age => "age",
        }
    }
}

/// What is known of the instance in a seat, and of those before it.
#[derive(Debug, Default)]
pub struct Due {
    /// What it used after init, in bytes.
    first_memory: usize,
    /// The batches that it was handed.
    calls: u64,
    /// When it was seen first, host time in nanoseconds.
    since_ns: Option<u64>,
    /// Not before it was handed so many.
    not_before: u64,
    /// The batches of all instances.
    all_calls: u64,
    /// How many there were when one was last replaced for its memory.
    last_for_memory: Option<u64>,
    /// How often that came too soon.
    thrashed: u64,
}

impl Due {
    /// A fresh instance uses so much memory.
    pub fn began(&mut self, memory: usize) {
        *self = Due {
            first_memory: memory,
            all_calls: self.all_calls,
            last_for_memory: self.last_for_memory,
            thrashed: self.thrashed,
            ..Due::default()
        };
    }

    /// It was handed a batch.
    pub fn handed_a_batch(&mut self) {
        self.calls += 1;
        self.all_calls += 1;
    }

    /// Why it is to be replaced now, if it is.
    pub fn cause(&mut self, recycle: &Recycle, memory: usize, cap: usize, now_ns: u64) -> Option<Cause> {
        let since_ns = *self.since_ns.get_or_insert(now_ns);
        if self.calls < self.not_before {
            return None;
        }
        let grown = memory.saturating_sub(self.first_memory) as u64;
        let free = cap.saturating_sub(self.first_memory) as u64;
        if grown > 0 && !recycle.memory.is_whole() && grown >= recycle.memory.of(free) {
            return Some(Cause::Memory);
        }
        if recycle.calls.is_some_and(|calls| self.calls >= calls) {
            return Some(Cause::Calls);
        }
        let age = u128::from(now_ns.saturating_sub(since_ns));
        recycle.age.is_some_and(|most| age >= most.as_nanos()).then_some(Cause::Age)
    }

    /// It was replaced. Whether that is to be told: for its memory, soon after the last time, and not told just now.
    pub fn recycled(&mut self, cause: Cause) -> bool {
        if cause != Cause::Memory {
            return false;
        }
        let soon = self.last_for_memory.is_some_and(|last| self.all_calls - last <= THRASHING);
        self.last_for_memory = Some(self.all_calls);
        self.thrashed += u64::from(soon);
        soon && self.thrashed.is_power_of_two()
    }

    /// Its replacement failed: it is tried again some batches later.
    pub fn put_off(&mut self) {
        self.not_before = self.calls + PUT_OFF;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Share;
    use std::time::Duration;

    const MEMORY: Recycle = Recycle { memory: Share::percent(75), calls: None, age: None };
    const NEVER: Recycle = Recycle { memory: Share::percent(100), ..MEMORY };

    #[test]
    fn memory_counts_from_what_was_used_after_init() {
        let mut due = Due::default();
        due.began(200);
        for (memory, cause) in
            [(200, None), (799, None), (800, Some(Cause::Memory)), (1000, Some(Cause::Memory))]
        {
            assert_eq!(due.cause(&MEMORY, memory, 1000, 0), cause, "{memory}");
            assert_eq!(due.cause(&NEVER, memory, 1000, 0), None, "{memory}");
        }
        // Who fills its memory in init does not grow, and is left in peace.
        due.began(1000);
        assert_eq!(due.cause(&MEMORY, 1000, 1000, 0), None);
    }

    #[test]
    fn calls_and_age_count_for_each_instance() {
        let recycle = Recycle { calls: Some(2), age: Some(Duration::from_nanos(100)), ..NEVER };
        let mut due = Due::default();
        for now in [1000, 5000] {
            due.began(0);
            assert_eq!(due.cause(&recycle, 0, 1000, now), None);
            assert_eq!(due.cause(&recycle, 0, 1000, now + 99), None);
            assert_eq!(due.cause(&recycle, 0, 1000, now + 100), Some(Cause::Age));
            due.handed_a_batch();
            due.handed_a_batch();
            assert_eq!(due.cause(&recycle, 0, 1000, now), Some(Cause::Calls));
        }
    }

    #[test]
    fn replacements_that_come_too_soon_are_told_now_and_then() {
        let mut due = Due::default();
        let mut after = |calls: u64, cause| {
            (0..calls).for_each(|_| due.handed_a_batch());
            let told = due.recycled(cause);
            due.began(0);
            told
        };
        assert!(!after(1, Cause::Memory));
        assert!(!after(11, Cause::Memory));
        assert!(after(10, Cause::Memory));
        assert!(after(1, Cause::Memory));
        assert!(!after(1, Cause::Memory));
        assert!(after(1, Cause::Memory));
        assert!(!after(1, Cause::Calls));
    }

    #[test]
    fn a_replacement_that_failed_is_put_off() {
        let mut due = Due::default();
        due.put_off();
        for _ in 0..PUT_OFF {
            assert_eq!(due.cause(&MEMORY, 1000, 1000, 0), None);
            due.handed_a_batch();
        }
        assert_eq!(due.cause(&MEMORY, 1000, 1000, 0), Some(Cause::Memory));
    }
}

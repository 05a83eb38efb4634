//! How much of the events a hook keeps in its memory, and whether it leaks. Pure.
//!
//! Linear memory never shrinks, so an instance's memory over the rows that it was handed tells what it kept. Every hook
//! grows at first: it fills tables and buffers. So the first quarter of each life counts for nothing, and a life *grows
//! steadily* if its memory rose in the last quarter of its rows and in two of the three before it. A hook leaks if the
//! last three lives all grew steadily, or if the one that goes on does and has used more than a quarter of what was free
//! below the cap when it began. Lives of fewer than [`Life::LEAST`] batches say nothing.
//!
//! Bounds: [`LIVES`] lives, [`Life::MOST`] points of each.

use std::collections::VecDeque;
use std::iter::Sum;

/// So many lives in a row that grew steadily are a leak.
const LIVES: usize = 3;

/// The memory of the instances of one seat, one after the other.
#[derive(Debug, Default)]
pub struct Growth {
    /// Those that ended and say something, the oldest first.
    ended: VecDeque<Life>,
    now: Life,
}

/// What was kept of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Bytes that were kept.
    pub bytes: u64,
    /// Of so many rows.
    pub rows: u64,
}

impl Sum for Kept {
    fn sum<I: Iterator<Item = Kept>>(all: I) -> Kept {
        all.fold(Kept::default(), |sum, kept| Kept {
            bytes: sum.bytes + kept.bytes,
            rows: sum.rows + kept.rows,
        })
    }
}

/// One instance's memory.
#[derive(Debug, Default)]
struct Life {
    /// In the order of time; none at all before the first batch.
    points: Vec<Point>,
    /// A point is kept for two to the power of so many batches.
    halvings: u32,
    batches: u64,
    last: Point,
}

/// After so many rows an instance used so much.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    rows: u64,
    memory: u64,
}

impl Growth {
    /// An instance was handed so many rows and uses so much memory now.
    pub fn handed(&mut self, rows: u64, memory: u64) {
        self.now.push(rows, memory);
    }

    /// The instance is gone; another one takes its place.
    pub fn end_life(&mut self) {
        let ended = std::mem::take(&mut self.now);
        if !ended.says_something() {
            return;
        }
        if self.ended.len() == LIVES {
            self.ended.pop_front();
        }
        self.ended.push_back(ended);
    }

    /// What the instance uses, as far as is known; none before its first batch.
    pub fn memory(&self) -> Option<u64> {
        (self.now.batches > 0).then_some(self.now.last.memory)
    }

    /// What was kept in the lives that are remembered, after the first quarter of each.
    pub fn kept(&self) -> Kept {
        let lives = self.ended.iter().chain([&self.now]).filter(|life| life.says_something());
        lives.map(Life::kept).sum()
    }

    /// Whether the hook leaks, under this cap in bytes.
    pub fn leaks(&self, cap: u64) -> bool {
        let all_ended = self.ended.len() == LIVES && self.ended.iter().all(Life::grows_steadily);
        all_ended || self.now.grows_steadily() && self.now.has_used_a_quarter(cap)
    }
}

impl Life {
    /// Fewer batches are no life.
    const LEAST: u64 = 8;

    /// With more points every second one goes, and the rest come half as often.
    const MOST: usize = 64;

    fn push(&mut self, rows: u64, memory: u64) {
        self.last = Point { rows: self.last.rows + rows, memory };
        if self.batches.is_multiple_of(1 << self.halvings) {
            self.points.push(self.last);
        }
        self.batches += 1;
        if self.points.len() == Self::MOST {
            let mut index = 0usize;
            self.points.retain(|_| {
                index += 1;
                !index.is_multiple_of(2)
            });
            self.halvings += 1;
        }
    }

    fn says_something(&self) -> bool {
        self.batches >= Self::LEAST
    }

    fn first(&self) -> Point {
        self.points.first().copied().unwrap_or(self.last)
    }

    /// The last point within so many quarters of its rows.
    fn after(&self, quarters: u64) -> Point {
        let first = self.first();
        let until = first.rows + (self.last.rows - first.rows) / 4 * quarters;
        self.points.iter().rfind(|point| point.rows <= until).copied().unwrap_or(first)
    }

    fn kept(&self) -> Kept {
        let begin = self.after(1);
        Kept {
            bytes: self.last.memory - begin.memory.min(self.last.memory),
            rows: self.last.rows - begin.rows,
        }
    }

    fn grows_steadily(&self) -> bool {
        if !self.says_something() {
            return false;
        }
        let levels = [self.first(), self.after(1), self.after(2), self.after(3), self.last];
        let [first, second, third, last] =
            [(0, 1), (1, 2), (2, 3), (3, 4)].map(|(begin, end): (usize, usize)| {
                let level = |quarter: usize| levels.get(quarter).map_or(0, |point| point.memory);
                level(end) > level(begin)
            });
        last && u8::from(first) + u8::from(second) + u8::from(third) >= 2
    }

    fn has_used_a_quarter(&self, cap: u64) -> bool {
        let began = self.first().memory;
        let (grown, free) = (self.last.memory.saturating_sub(began), cap.saturating_sub(began));
        grown > free / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const CAP: u64 = 32 * MIB;

    /// A life of batches of 100 rows, after each of which it uses what `memory` says.
    fn live(growth: &mut Growth, batches: u64, memory: impl Fn(u64) -> u64) {
        (0..batches).for_each(|batch| growth.handed(100, memory(batch)));
    }

    #[test]
    fn what_grows_steadily_through_three_lives_is_a_leak() {
        let mut growth = Growth::default();
        for life in 0..4 {
            assert_eq!(growth.leaks(CAP), life >= 3, "{life}");
            live(&mut growth, 1_000, |batch| MIB + batch * 1_000);
            growth.end_life();
        }
        assert_eq!(growth.memory(), None);
        // 1,000 bytes for each batch of 100 rows.
        let kept = growth.kept();
        assert_eq!(kept.bytes * 1_000 / kept.rows, 10_000);
        // One life that does not leak, and there are no three in a row.
        live(&mut growth, 1_000, |_| MIB);
        growth.end_life();
        assert!(!growth.leaks(CAP));
    }

    #[test]
    fn one_life_is_enough_once_it_has_used_a_quarter_of_what_was_free() {
        let mut growth = Growth::default();
        live(&mut growth, 1_000, |batch| 2 * MIB + batch * 7 * MIB / 1_000);
        assert!(!growth.leaks(CAP));
        live(&mut growth, 500, |batch| 9 * MIB + batch * 7 * MIB / 1_000);
        assert!(growth.leaks(CAP));
        assert_eq!(growth.memory(), Some(9 * MIB + 499 * 7 * MIB / 1_000));
        growth.end_life();
        assert!(!growth.leaks(CAP));
    }

    #[test]
    fn what_fills_its_tables_and_then_stays_is_none() {
        let mut growth = Growth::default();
        for _ in 0..5 {
            live(&mut growth, 10_000, |batch| MIB + batch.min(1_000) * 20_000);
            assert!(!growth.leaks(CAP));
            assert_eq!(growth.kept().bytes, 0);
            growth.end_life();
        }
    }

    #[test]
    fn a_table_that_doubles_for_ever_is_one() {
        let mut growth = Growth::default();
        for batches in [1_030, 2_060, 4_100] {
            live(&mut growth, batches, |batch| MIB + (batch + 1).next_power_of_two() * 1_000);
            growth.end_life();
        }
        assert!(growth.leaks(CAP));
    }

    #[test]
    fn lives_that_are_too_short_say_nothing() {
        let mut growth = Growth::default();
        for _ in 0..100 {
            live(&mut growth, Life::LEAST - 1, |batch| MIB + batch * MIB);
            assert_eq!(growth.kept(), Kept::default());
            assert!(!growth.leaks(CAP));
            growth.end_life();
        }
    }

    #[test]
    fn a_long_life_is_remembered_by_few_points() {
        let mut growth = Growth::default();
        live(&mut growth, 1_000_000, |batch| MIB + batch);
        assert!(growth.now.points.len() < Life::MOST);
        let kept = growth.kept();
        assert!((kept.bytes as f64 / kept.rows as f64 - 0.01).abs() < 1e-6, "{kept:?}");
    }
}

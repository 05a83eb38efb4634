//! Which parts of a batch are tried one by one once the whole has failed, until the guilty rows are known.
//!
//! A part that fails is halved; one row that fails on a fresh instance is guilty, because what others left behind in an
//! older one is not its fault. Parts come in the order of their rows, each row is in
//! exactly one part that ends somehow, and the budget bounds what a batch of bad rows may cost: what is left when it
//! is spent is given up as one part after the other. Pure: the caller makes the calls.

use std::ops::Range;
use std::time::Duration;

/// How many calls may fail on one batch while its guilty rows are looked for.
pub const MOST_FAILURES: u32 = 256;

/// How many deadlines those calls may take together, in CPU time.
pub const MOST_DEADLINES: u32 = 20;

/// What is to be done with a part of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Hand it to the hook.
    Try(Range<usize>),
    /// The budget is spent.
    GiveUp(Range<usize>),
}

/// What a failure says of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is one row, and that is guilty.
    Guilty,
    /// It is one row, whose instance had seen others before: it comes once more, for a fresh one.
    Again,
    /// Its halves come next.
    Halved,
}

/// A batch whose guilty rows are looked for.
#[derive(Debug)]
pub struct Isolation {
    /// The parts that are left, the next one last.
    parts: Vec<Range<usize>>,
    failures: u32,
    time: Duration,
}

impl Isolation {
    /// Of a batch of so many rows, which has failed as a whole, under a deadline for each call.
    pub fn new(rows: usize, deadline: Duration) -> Isolation {
        let mut isolation = Isolation {
            parts: Vec::new(),
            failures: MOST_FAILURES,
            time: deadline.saturating_mul(MOST_DEADLINES),
        };
        isolation.halve(0..rows);
        isolation
    }

    /// The next part.
    pub fn next_part(&mut self) -> Option<Part> {
        let part = self.parts.pop()?;
        let is_spent = self.failures == 0 || self.time.is_zero();
        Some(if is_spent { Part::GiveUp(part) } else { Part::Try(part) })
    }

    /// A part failed, on a fresh instance or not, and that took so much CPU time.
    pub fn failed(&mut self, part: Range<usize>, is_fresh: bool, took: Duration) -> Verdict {
        self.failures = self.failures.saturating_sub(1);
        self.time = self.time.saturating_sub(took);
        if part.len() <= 1 && is_fresh {
            return Verdict::Guilty;
        }
        if part.len() <= 1 {
            self.parts.push(part);
            return Verdict::Again;
        }
        self.halve(part);
        Verdict::Halved
    }

    fn halve(&mut self, part: Range<usize>) {
        let middle = part.start + part.len() / 2;
        let halves = [middle..part.end, part.start..middle];
        self.parts.extend(halves.into_iter().filter(|half| !half.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEADLINE: Duration = Duration::from_millis(50);

    /// What becomes of each row: `+` passed, `-` guilty, `?` given up; and how many calls failed.
    fn isolate(rows: usize, fails: impl Fn(Range<usize>) -> bool, took: Duration) -> (String, u32) {
        isolate_with(rows, |part, _| fails(part), took)
    }

    /// The same of a hook that remembers: it is told whether the part is the first that an instance gets.
    fn isolate_with(
        rows: usize,
        mut fails: impl FnMut(Range<usize>, bool) -> bool,
        took: Duration,
    ) -> (String, u32) {
        let mut isolation = Isolation::new(rows, DEADLINE);
        let mut fates = String::new();
        let mut failures = 0;
        // The whole batch failed before.
        let mut is_fresh = true;
        while let Some(part) = isolation.next_part() {
            let (fate, part) = match part {
                Part::GiveUp(part) => ("?", part),
                Part::Try(part) if !fails(part.clone(), is_fresh) => {
                    is_fresh = false;
                    ("+", part)
                }
                Part::Try(part) => {
                    failures += 1;
                    let verdict = isolation.failed(part.clone(), is_fresh, took);
                    is_fresh = true;
                    match verdict {
                        Verdict::Guilty => ("-", part),
                        Verdict::Halved | Verdict::Again => continue,
                    }
                }
            };
            assert_eq!(part.start, fates.len(), "parts come in order, each row once");
            fates.push_str(&fate.repeat(part.len()));
        }
        (fates, failures)
    }

    fn poisoned(rows: usize, poison: &[usize]) -> (String, u32) {
        isolate(rows, |part| poison.iter().any(|row| part.contains(row)), Duration::ZERO)
    }

    #[test]
    fn one_bad_row_among_many_is_found_in_as_many_failures_as_there_are_halvings() {
        let (fates, failures) = poisoned(1024, &[700]);
        assert_eq!(fates.find('-'), Some(700));
        assert_eq!(fates.matches('+').count(), 1023);
        // Once more if its instance had seen others.
        assert!((10..=11).contains(&failures), "{failures}");
    }

    #[test]
    fn a_row_that_harms_only_behind_another_is_not_guilty_wherever_they_are() {
        for weak in 0..32 {
            for bad in (0..32).filter(|bad| *bad != weak) {
                let mut is_weakened = false;
                let fails = |part: Range<usize>, is_fresh: bool| {
                    is_weakened &= !is_fresh;
                    part.fold(false, |fails, row| {
                        let harms = row == bad && is_weakened;
                        is_weakened |= row == weak;
                        fails || harms
                    })
                };
                let (fates, _) = isolate_with(32, fails, Duration::ZERO);
                assert_eq!(fates, "+".repeat(32), "{weak} before {bad}");
            }
        }
    }

    #[test]
    fn what_is_left_when_failures_or_time_run_out_is_given_up() {
        let (fates, failures) = isolate(1000, |_| true, Duration::ZERO);
        assert_eq!((failures, fates.matches('+').count()), (MOST_FAILURES, 0));
        assert!(fates.starts_with('-') && fates.ends_with('?'));
        let (fates, failures) = isolate(1000, |_| true, DEADLINE);
        assert_eq!((failures, fates.len()), (MOST_DEADLINES, 1000));
    }

    #[test]
    fn a_row_that_fails_only_behind_another_passes_alone() {
        // Of the parts with both rows only: the instance that saw the first is gone after each failure.
        let (fates, _) = isolate(8, |part| part.contains(&2) && part.contains(&6), Duration::ZERO);
        assert_eq!(fates, "++++++++");
    }

    proptest! {
        #[test]
        fn bad_rows_are_guilty_and_no_other_row_is(
            rows in 1usize..600,
            poison in proptest::collection::btree_set(0usize..600, 0..12),
        ) {
            let poison: Vec<usize> = poison.into_iter().filter(|row| *row < rows).collect();
            let (fates, failures) = poisoned(rows, &poison);
            prop_assert!(failures < MOST_FAILURES);
            let guilty: Vec<usize> = fates.match_indices('-').map(|(row, _)| row).collect();
            prop_assert_eq!(guilty, poison);
            prop_assert_eq!(fates.matches('?').count(), 0);
            prop_assert_eq!(fates.len(), rows);
        }

        #[test]
        fn every_row_ends_once_whatever_fails(rows in 1usize..3000, seed: u64, took in 0u64..100) {
            let fails = |part: Range<usize>| {
                let hash = (part.start as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part.end as u64;
                hash.wrapping_mul(0xC2B2_AE3D_27D4_EB4F) >> 63 == 1
            };
            let (fates, failures) = isolate(rows, fails, Duration::from_millis(took));
            prop_assert_eq!(fates.len(), rows);
            prop_assert!(failures <= MOST_FAILURES);
        }
    }
}

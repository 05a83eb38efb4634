//! Whether a candidate does worse than the version at work, from what both did over a while. Pure.
//!
//! Both are looked at over the same time: what they did since the window began. A window that has too few rows of the
//! candidate goes on until it has enough, because a handful says nothing; failures alone are enough to go by when they are
//! many. Time and counts are the caller's.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::config::Share;
use crate::metrics::HookMetrics;

/// By how much a candidate may do worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins {
    /// Its failure rate, above the stable one's.
    pub failures: Share,
    /// Its drop rate, above the stable one's or below it.
    pub drops: Share,
    /// Its CPU time for a row, as a multiple of the stable one's.
    pub cost: u32,
    /// Over this time.
    pub window: Duration,
    /// With at least so many rows of its own.
    pub rows: u64,
    /// It takes over after so long without a fault; none: when somebody says so.
    pub promote_after: Option<Duration>,
}

impl Default for Margins {
    fn default() -> Margins {
        Margins {
            failures: Share::percent(1),
            drops: Share::percent(5),
            cost: 2,
            window: Duration::from_secs(60),
            rows: 100,
            promote_after: None,
        }
    }
}

/// What a version has done until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Rows that it processed or failed on.
    pub rows: u64,
    /// Rows that it failed on.
    pub failed: u64,
    /// Rows that it dropped.
    pub dropped: u64,
    /// CPU time of its calls, in nanoseconds.
    pub cpu_ns: u64,
}

impl Done {
    /// What a version has done until now.
    pub fn of(metrics: &HookMetrics) -> Done {
        let failed = [&metrics.handed_back, &metrics.dead_letters, &metrics.passed, &metrics.error_dropped];
        let failed = failed.iter().map(|counter| counter.get()).sum();
        Done { rows: metrics.handed.get(), failed, dropped: metrics.dropped.get(), cpu_ns: metrics.cpu_ns() }
    }

    fn since(self, before: Done) -> Done {
        Done {
            rows: self.rows.saturating_sub(before.rows),
            failed: self.failed.saturating_sub(before.failed),
            dropped: self.dropped.saturating_sub(before.dropped),
            cpu_ns: self.cpu_ns.saturating_sub(before.cpu_ns),
        }
    }

    /// A part of its rows, in hundredths of a percent.
    fn rate(self, part: u64) -> u64 {
        if self.rows == 0 { 0 } else { (u128::from(part) * 10_000 / u128::from(self.rows)) as u64 }
    }

    fn ns_per_row(self) -> u64 {
        self.cpu_ns.checked_div(self.rows).unwrap_or(0)
    }
}

/// What is to become of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    GoOn,
    /// It is taken back.
    RollBack(Worse),
    /// It takes over.
    Promote,
}

/// In what a candidate does worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// It fails more often: its rate and that of the stable one, in hundredths of a percent.
    Failures(u64, u64),
    /// It drops more or less: the same.
    Drops(u64, u64),
    /// A row costs more: nanoseconds.
    Cost(u64, u64),
}

impl fmt::Display for Worse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |rate: &u64| format!("{}.{:02}%", rate / 100, rate % 100);
        match self {
            Worse::Failures(own, stable) => {
                write!(
                    formatter,
                    "it fails on {} of its events, the stable version on {}",
                    percent(own),
                    percent(stable)
                )
            }
            Worse::Drops(own, stable) => {
                write!(
                    formatter,
                    "it drops {} of its events, the stable version {}",
                    percent(own),
                    percent(stable)
                )
            }
            Worse::Cost(own, stable) => {
                write!(
                    formatter,
                    "it takes {own} ns of CPU time for an event, the stable version {stable} ns"
                )
            }
        }
    }
}

/// The trial of one candidate.
#[derive(Clone, Debug)]
pub struct Trial {
    margins: Margins,
    began_ns: u64,
    /// When, and what the candidate and the stable one had done by then; over a window, and one before it.
    seen: VecDeque<(u64, Done, Done)>,
}

/// How many times in a window what was done is remembered.
const SAMPLES: u64 = 60;

impl Trial {
    /// A trial that begins now, when both had done this.
    pub fn new(margins: Margins, now_ns: u64, candidate: Done, stable: Done) -> Trial {
        Trial { margins, began_ns: now_ns, seen: VecDeque::from([(now_ns, candidate, stable)]) }
    }

    /// What is to become of the candidate, now that both have done this.
    pub fn look(&mut self, now_ns: u64, candidate: Done, stable: Done) -> Verdict {
        let window_ns = u64::try_from(self.margins.window.as_nanos()).unwrap_or(u64::MAX);
        // One that is as old as the window stays.
        while self.seen.get(1).is_some_and(|(at, ..)| now_ns.saturating_sub(*at) >= window_ns) {
            self.seen.pop_front();
        }
        let Some((_, before, stable_before)) = self.seen.front().copied() else { return Verdict::GoOn };
        let (own, other) = (candidate.since(before), stable.since(stable_before));
        if self.seen.back().is_none_or(|(at, ..)| now_ns.saturating_sub(*at) >= window_ns / SAMPLES) {
            self.seen.push_back((now_ns, candidate, stable));
        }
        if own.rows >= self.margins.rows
            && let Some(worse) = self.worse(own, other)
        {
            return Verdict::RollBack(worse);
        }
        let after =
            self.margins.promote_after.map(|after| u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
        let is_time = after.is_some_and(|after| now_ns.saturating_sub(self.began_ns) >= after);
        if is_time && candidate.rows >= self.margins.rows { Verdict::Promote } else { Verdict::GoOn }
    }

    fn worse(&self, own: Done, other: Done) -> Option<Worse> {
        let (failures, others) = (own.rate(own.failed), other.rate(other.failed));
        if failures > others + u64::from(self.margins.failures.steps()) {
            return Some(Worse::Failures(failures, others));
        }
        // Without rows of the stable one there is nothing to compare with.
        if other.rows < self.margins.rows {
            return None;
        }
        let (drops, others) = (own.rate(own.dropped), other.rate(other.dropped));
        if drops.abs_diff(others) > u64::from(self.margins.drops.steps()) {
            return Some(Worse::Drops(drops, others));
        }
        let (cost, others) = (own.ns_per_row(), other.ns_per_row());
        (cost > others.saturating_mul(u64::from(self.margins.cost))).then_some(Worse::Cost(cost, others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn done(rows: u64, failed: u64, dropped: u64, cpu_ns: u64) -> Done {
        Done { rows, failed, dropped, cpu_ns }
    }

    fn look(margins: Margins, candidate: Done, stable: Done) -> Verdict {
        Trial::new(margins, 0, Done::default(), Done::default()).look(SECOND, candidate, stable)
    }

    #[test]
    fn a_candidate_is_taken_back_for_each_thing_that_it_does_worse_and_for_nothing_else() {
        let usual = Margins::default();
        let stable = done(1000, 10, 100, 1_000_000);
        assert_eq!(look(usual, done(1000, 20, 150, 2_000_000), stable), Verdict::GoOn);
        let back = |worse| Verdict::RollBack(worse);
        assert_eq!(look(usual, done(1000, 21, 100, 0), stable), back(Worse::Failures(210, 100)));
        assert_eq!(look(usual, done(1000, 0, 151, 0), stable), back(Worse::Drops(1510, 1000)));
        assert_eq!(look(usual, done(1000, 0, 49, 0), stable), back(Worse::Drops(490, 1000)));
        assert_eq!(look(usual, done(1000, 0, 100, 2_001_000), stable), back(Worse::Cost(2001, 1000)));
    }

    #[test]
    fn a_handful_of_rows_says_nothing() {
        let usual = Margins::default();
        assert_eq!(look(usual, done(99, 99, 0, 0), done(1000, 0, 0, 0)), Verdict::GoOn);
        assert!(matches!(look(usual, done(100, 2, 0, 0), done(0, 0, 0, 0)), Verdict::RollBack(_)));
        assert_eq!(look(usual, done(100, 0, 100, 9_999_999), done(99, 0, 0, 1)), Verdict::GoOn);
    }

    #[test]
    fn only_the_window_counts() {
        let margins = Margins { window: Duration::from_secs(10), ..Margins::default() };
        let mut trial = Trial::new(margins, 0, Done::default(), Done::default());
        // Ten failures among the first thousand rows are within the margin; in the last window they are not.
        assert_eq!(trial.look(9 * SECOND, done(10_000, 0, 0, 0), Done::default()), Verdict::GoOn);
        assert_eq!(trial.look(20 * SECOND, done(10_150, 1, 0, 0), Done::default()), Verdict::GoOn);
        assert_eq!(
            trial.look(21 * SECOND, done(10_200, 4, 0, 0), Done::default()),
            Verdict::RollBack(Worse::Failures(200, 0))
        );
    }

    #[test]
    fn after_a_clean_time_it_takes_over_if_that_was_asked() {
        let margins = Margins { promote_after: Some(Duration::from_secs(60)), ..Margins::default() };
        let mut trial = Trial::new(margins, 0, Done::default(), Done::default());
        assert_eq!(trial.look(59 * SECOND, done(1000, 0, 0, 0), done(1000, 0, 0, 0)), Verdict::GoOn);
        assert_eq!(trial.look(60 * SECOND, done(1000, 0, 0, 0), done(1000, 0, 0, 0)), Verdict::Promote);
        let mut idle = Trial::new(margins, 0, Done::default(), Done::default());
        assert_eq!(idle.look(3600 * SECOND, done(99, 0, 0, 0), done(1000, 0, 0, 0)), Verdict::GoOn);
    }
}

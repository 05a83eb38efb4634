//! What a hook's calls cost in one worker, averaged over the last while. Pure: the caller says what time it is.

use std::time::Duration;

use crate::clock::nanos;
use crate::config::Share;

/// In how many steps the window moves.
const STEPS: u64 = 10;

/// What an operator lets a hook cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// CPU time for each row.
    pub cost: Option<Duration>,
    /// Of a worker's CPU while events wait.
    pub share: Option<Share>,
    /// Over which both are averaged.
    pub window: Duration,
}

/// What a call costs whatever it is handed; it is not counted as the rows' cost.
const EACH_CALL: Duration = Duration::from_micros(100);

impl Budget {
    /// Whether so many rows, in so many calls, took more CPU time than they may.
    pub fn is_exceeded(&self, calls: u64, rows: u64, cpu: Duration) -> bool {
        let times = |time: Duration, count: u64| time.as_nanos().saturating_mul(u128::from(count));
        self.cost
            .is_some_and(|cost| cpu.as_nanos() > times(cost, rows).saturating_add(times(EACH_CALL, calls)))
    }
}

/// What is over the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The mean CPU time for each row.
    Cost(Duration),
    /// The share of the worker, in percent, while events waited all the time.
    Share(u64),
}

/// The calls of one step of the window.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    number: u64,
    calls: u64,
    rows: u64,
    cpu_ns: u64,
    /// Nothing waited when one of them was made.
    idle: bool,
}

/// The calls of the last while.
#[derive(Debug)]
pub struct Spending {
    budget: Budget,
    /// A ring, by the number of the step.
    steps: [Step; STEPS as usize],
    /// The step of the first call; averages mean something a window later.
    first: Option<u64>,
}

impl Spending {
    /// Nothing spent yet.
    pub fn new(budget: Budget) -> Spending {
        Spending { budget, steps: [Step::default(); STEPS as usize], first: None }
    }

    /// A batch of so many rows took so much CPU time; `queued` if others waited meanwhile. What is over the budget now;
    /// then counting begins anew, so that the same is not told again at once.
    pub fn spent(&mut self, now_ns: u64, rows: u64, cpu: Duration, queued: bool) -> Option<Excess> {
        if self.budget.cost.is_none() && self.budget.share.is_none() {
            return None;
        }
        let window_ns = nanos(self.budget.window);
        let number = now_ns / (window_ns / STEPS).max(1);
        let first = *self.first.get_or_insert(number);
        let step = self.steps.get_mut((number % STEPS) as usize)?;
        if step.number != number {
            *step = Step { number, ..Step::default() };
        }
        step.calls += 1;
        step.rows += rows;
        step.cpu_ns += nanos(cpu);
        step.idle |= !queued;
        if number < first + STEPS {
            return None;
        }
        let excess = self.excess(number, window_ns);
        if excess.is_some() {
            self.first = None;
            self.steps = [Step::default(); STEPS as usize];
        }
        excess
    }

    fn excess(&self, number: u64, window_ns: u64) -> Option<Excess> {
        let steps = self.steps.iter().filter(|step| step.rows > 0 && step.number + STEPS > number);
        let sum = steps.clone().fold(Step::default(), |sum, step| Step {
            calls: sum.calls + step.calls,
            rows: sum.rows + step.rows,
            cpu_ns: sum.cpu_ns + step.cpu_ns,
            idle: sum.idle || step.idle,
            ..sum
        });
        let mean = Duration::from_nanos(sum.cpu_ns.checked_div(sum.rows)?);
        if self.budget.is_exceeded(sum.calls, sum.rows, Duration::from_nanos(sum.cpu_ns)) {
            return Some(Excess::Cost(mean));
        }
        let over = self.budget.share.is_some_and(|share| sum.cpu_ns > share.of(window_ns));
        // A gap in the steps is time in which nothing waited either.
        (over && !sum.idle && steps.count() as u64 == STEPS)
            .then(|| Excess::Share(sum.cpu_ns * 100 / window_ns.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn spending(cost_us: Option<u64>, share: Option<u32>) -> Spending {
        Spending::new(Budget {
            cost: cost_us.map(Duration::from_micros),
            share: share.map(Share::percent),
            window: Duration::from_millis(100),
        })
    }

    /// A batch of 10 rows each 10 ms, each with so much CPU time; what was told, and when.
    fn run(spending: &mut Spending, ms: std::ops::Range<u64>, cpu_us: u64, full: bool) -> Vec<(u64, Excess)> {
        ms.step_by(10)
            .filter_map(|ms| {
                Some((ms, spending.spent(ms * MS, 10, EACH_CALL + Duration::from_micros(cpu_us), full)?))
            })
            .collect()
    }

    #[test]
    fn the_mean_of_a_whole_window_counts() {
        let mut spending = spending(Some(2), None);
        assert_eq!(run(&mut spending, 0..1000, 18, false), []);
        // One slow batch is no slow hook; it is out of the window after a while.
        assert_eq!(run(&mut spending, 1000..1010, 30, false), []);
        assert_eq!(run(&mut spending, 1010..2000, 10, false), []);
        let told = run(&mut spending, 2000..2100, 40, false);
        assert!(
            matches!(told[..], [(2030..=2070, Excess::Cost(cost))] if cost > Duration::from_micros(2)),
            "{told:?}"
        );
    }

    #[test]
    fn what_was_told_is_told_again_only_after_another_window() {
        let mut spending = spending(Some(2), None);
        let told: Vec<u64> = run(&mut spending, 0..350, 40, false).into_iter().map(|(ms, _)| ms).collect();
        assert_eq!(told, [100, 210, 320]);
    }

    #[test]
    fn a_share_counts_only_while_events_wait_all_the_time() {
        let mut budget = spending(None, Some(80));
        assert_eq!(run(&mut budget, 0..500, 7_800, true), []);
        assert_eq!(run(&mut budget, 500..1000, 10_000, false), []);
        let told = run(&mut budget, 1000..2000, 8_900, true);
        assert_eq!(told[0], (1090, Excess::Share(90)));
        // Nothing came for half of the time.
        let mut gaps = spending(None, Some(30));
        let told: Vec<_> =
            (0..20).filter_map(|n| gaps.spent(n * 20 * MS, 10, Duration::from_millis(15), true)).collect();
        assert_eq!(told, []);
    }

    #[test]
    fn without_a_budget_nothing_is_told() {
        assert_eq!(run(&mut spending(None, None), 0..1000, 1_000_000, true), []);
    }
}

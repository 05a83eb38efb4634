//! The way into a hook for all its workers: its breaker, what becomes of rows while that is open, and what the operator
//! is told.
//!
//! Rows that wait do so here, until the hook is worth another try or the run is to end; that is the only failure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::breaker::{Admission, Breaker, Cause, Outcome, Settings, Ticket, Transition};
use super::chain::Stop;
use super::spending::{Budget, Excess};
use crate::clock::nanos;
use crate::config::{self, OverCost, WhenOpen};
use crate::drain::Drain;
use crate::metrics::HookMetrics;

/// The way into one hook.
#[derive(Debug)]
pub struct Gate {
    hook: String,
    settings: Settings,
    when_open: WhenOpen,
    over_cost: OverCost,
    budget: Budget,
    drain: Arc<Drain>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    /// What becomes of rows while it is open now.
    policy: WhenOpen,
}

/// What is to be done with a batch.
#[derive(Debug)]
pub enum Way {
    /// Hand it to the hook.
    In(Ticket),
    /// The breaker is open, and its rows pass it.
    Pass,
    /// They are dropped.
    Drop,
    /// They become dead letters.
    DeadLetter,
}

impl Gate {
    /// A gate with a closed breaker; whoever waits at it stops when the run is to end.
    pub fn new(hook: &config::Hook, drain: Arc<Drain>) -> Gate {
        let config::Hook { breaker: settings, when_open, over_cost, budget, .. } = *hook;
        let state = Mutex::new(State { breaker: Breaker::new(settings), policy: when_open });
        Gate { hook: hook.name.clone(), settings, when_open, over_cost, budget, drain, state }
    }

    /// What each worker may spend on it.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Where a batch goes now; `now_ns` moves on if it had to wait.
    pub(crate) fn admit(&self, now_ns: &mut u64) -> Result<Way, Stop> {
        loop {
            let (admission, policy) = {
                let mut state = self.lock();
                (state.breaker.admit(*now_ns), state.policy)
            };
            let wait = match admission {
                Admission::Granted(ticket) => return Ok(Way::In(ticket)),
                Admission::Refused(wait) => wait,
            };
            match policy {
                WhenOpen::Pass => return Ok(Way::Pass),
                WhenOpen::Drop => return Ok(Way::Drop),
                WhenOpen::DeadLetter => return Ok(Way::DeadLetter),
                WhenOpen::Block if self.drain.wait(wait) => {
                    return Err(Stop::Blocked { hook: self.hook.clone() });
                }
                WhenOpen::Block => *now_ns = now_ns.saturating_add(nanos(wait)),
            }
        }
    }

    /// A batch of so many rows was handed over and ended now: whether it went well, and the CPU time that it took.
    pub(crate) fn report(
        &self,
        ticket: Ticket,
        went_well: bool,
        rows: u64,
        cpu: Duration,
        now_ns: u64,
        metrics: &HookMetrics,
    ) {
        let outcome = match went_well {
            false => Outcome::Failed,
            true if self.over_cost == OverCost::Bypass && self.budget.is_exceeded(1, rows, cpu) => {
                Outcome::Dear
            }
            true => Outcome::Well,
        };
        let mut state = self.lock();
        let transition = state.breaker.report(ticket, outcome, now_ns);
        self.note(&mut state, transition, None, metrics);
    }

    /// A worker spends more on the hook than it may.
    pub(crate) fn over_budget(&self, excess: Excess, now_ns: u64, metrics: &HookMetrics) {
        let (cause, told) = match excess {
            Excess::Cost(cost) => {
                let most = self.budget.cost.unwrap_or_default();
                (
                    Cause::Cost,
                    format!("it takes {cost:?} of CPU time for each row; its cost is {most:?} at most"),
                )
            }
            Excess::Share(percent) => {
                (Cause::Share, format!("it takes {percent}% of a worker's CPU time while events wait"))
            }
        };
        metrics.over_budget.add(1);
        if cause == Cause::Cost && self.over_cost == OverCost::Warn {
            let hook = self.hook.as_str();
            tracing::warn!(
                hook,
                "{told}; make it cheaper, raise cost in its [[hook]], or set over_cost = \"bypass\""
            );
            return;
        }
        let mut state = self.lock();
        let transition = state.breaker.trip(cause, now_ns);
        self.note(&mut state, transition, Some(told), metrics);
    }

    fn note(
        &self,
        state: &mut State,
        transition: Option<Transition>,
        why: Option<String>,
        metrics: &HookMetrics,
    ) {
        let hook = self.hook.as_str();
        match transition {
            None => {}
            Some(Transition::Closed) => {
                metrics.closed.add(1);
                tracing::info!(hook, "its breaker closed: a batch went well");
            }
            Some(Transition::Opened(cause, pause)) => {
                metrics.opened.add(1);
                state.policy = match cause {
                    Cause::Cost | Cause::ProbeDear => WhenOpen::Pass,
                    Cause::Failures | Cause::Share | Cause::ProbeFailed => self.when_open,
                };
                let why = why.unwrap_or_else(|| match cause {
                    Cause::ProbeFailed => "the batch that it was tried with failed".to_owned(),
                    Cause::ProbeDear => "the batch that it was tried with cost too much".to_owned(),
                    _ => {
                        format!("{} batches failed within {:?}", self.settings.failures, self.settings.window)
                    }
                });
                let fate = state.policy.of_its_events();
                tracing::warn!(
                    hook,
                    "its breaker opened: {why}; its events {fate}, and it is tried again in {pause:?}"
                );
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The way into a hook for all its workers: its breaker, what becomes of rows while that is open, and what the operator
//! is told.
//!
//! It decides and never waits: rows that are to wait do so in their worker, which goes on with other duties.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::breaker::{Admission, Breaker, Cause, Outcome, Settings, Ticket, Transition};
use super::spending::{Budget, Excess};
use crate::config::{self, OverCost, WhenOpen};
use crate::metrics::HookMetrics;

/// The way into one hook.
#[derive(Debug)]
pub struct Gate {
    hook: String,
    settings: Settings,
    when_open: WhenOpen,
    over_cost: OverCost,
    budget: Budget,
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
    /// They wait, so long before it is worth another try.
    Wait(Duration),
}

impl Gate {
    /// A gate with a closed breaker.
    pub fn new(hook: &config::Hook) -> Gate {
        let config::Hook { breaker: settings, when_open, over_cost, budget, .. } = *hook;
        let state = Mutex::new(State { breaker: Breaker::new(settings), policy: when_open });
        Gate { hook: hook.name.clone(), settings, when_open, over_cost, budget, state }
    }

    /// Whether one for this hook, which has the same name, would do the same.
    pub(crate) fn is_as_for(&self, hook: &config::Hook) -> bool {
        let config::Hook { breaker, when_open, over_cost, budget, .. } = *hook;
        (self.settings, self.when_open, self.over_cost, self.budget)
            == (breaker, when_open, over_cost, budget)
    }

    /// What each worker may spend on it.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Whether its breaker is open, or closed on trial.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().breaker.is_open()
    }

    /// Whether its breaker lets batches in, in a word.
    pub fn breaker(&self) -> &'static str {
        self.lock().breaker.name()
    }

    /// Where a batch goes now.
    pub(crate) fn admit(&self, now_ns: u64) -> Way {
        let mut state = self.lock();
        let pause = match state.breaker.admit(now_ns) {
            Admission::Granted(ticket) => return Way::In(ticket),
            Admission::Refused(pause) => pause,
        };
        match state.policy {
            WhenOpen::Pass => Way::Pass,
            WhenOpen::Drop => Way::Drop,
            WhenOpen::DeadLetter => Way::DeadLetter,
            WhenOpen::Block => Way::Wait(pause),
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

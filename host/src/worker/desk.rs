//! Where a worker hands its chain over to whoever changes it, between two batches or while one waits.
//!
//! ```text
//! working ──ask──► asked ──attend──► lent ──collect──► away ──give back──► back ──► working
//! ```
//!
//! A worker that is asked comes within the time of one batch; one that cannot (it is within a call, or writes a dead letter)
//! is not waited for longer than the one who asks says. While the chain is away the worker does nothing else, so a change
//! is seen between the same two events by all that it does. Whoever has the chain gives it back, or the run ends.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Fit;
use crate::bell::Bell;
use crate::hook::chain::{Chain, Stop};

/// One worker's desk.
#[derive(Default)]
pub struct Desk {
    bell: Bell,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    /// The worker works and nobody wants anything of it.
    #[default]
    Working,
    /// Somebody wants its chain.
    Asked,
    /// The chain is here.
    Lent(Box<Chain>),
    /// Somebody has it.
    Away,
    /// It is back, and what else is new.
    Back(Box<Chain>, Option<Fit>),
    /// Whoever had it is gone.
    Lost,
    /// The worker has ended.
    Left,
}

/// A worker's chain, for as long as it is changed. If it is dropped the run ends.
pub struct Borrowed {
    desk: Arc<Desk>,
    chain: Option<Box<Chain>>,
}

/// What asking a worker for its chain came to.
pub enum Collected {
    /// Here it is.
    Chain(Borrowed),
    /// The worker has ended, and its chain with it.
    Left,
    /// It did not come in time, and is no longer asked.
    Busy,
}

impl Desk {
    /// Rings while the worker is wanted.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Asks the worker to come.
    pub fn ask(&self) {
        let mut state = self.lock();
        if matches!(*state, State::Working) {
            *state = State::Asked;
            drop(state);
            self.bell.ring();
        }
    }

    /// Takes the chain of a worker that was asked; waits for it until `until`.
    pub fn collect(self: &Arc<Desk>, until: Instant) -> Collected {
        let mut state = self.lock();
        loop {
            match std::mem::replace(&mut *state, State::Away) {
                State::Lent(chain) => {
                    return Collected::Chain(Borrowed { desk: self.clone(), chain: Some(chain) });
                }
                State::Left => {
                    *state = State::Left;
                    return Collected::Left;
                }
                other => *state = other,
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                if matches!(*state, State::Asked) {
                    *state = State::Working;
                    self.bell.stop();
                }
                return Collected::Busy;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The worker comes: hands its chain over if that is still wanted, and waits until it is back.
    pub fn attend(&self, chain: Chain) -> Result<(Chain, Option<Fit>), Stop> {
        self.bell.stop();
        let mut state = self.lock();
        if !matches!(*state, State::Asked) {
            return Ok((chain, None));
        }
        *state = State::Lent(Box::new(chain));
        self.changed.notify_all();
        loop {
            match std::mem::replace(&mut *state, State::Working) {
                State::Back(chain, fit) => return Ok((*chain, fit)),
                State::Lost => return Err(Stop::Abandoned),
                other => *state = other,
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The worker has ended.
    pub fn leave(&self) {
        *self.lock() = State::Left;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Borrowed {
    /// The chain.
    pub fn chain(&mut self) -> &mut Chain {
        self.chain.get_or_insert_default()
    }

    /// Gives the chain back as it is now, and says what else is new.
    pub fn give_back(mut self, fit: Option<Fit>) {
        if let Some(chain) = self.chain.take() {
            *self.desk.lock() = State::Back(chain, fit);
            self.desk.changed.notify_all();
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if self.chain.is_some() {
            *self.desk.lock() = State::Lost;
            self.desk.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    #[test]
    fn a_worker_that_is_asked_waits_until_its_chain_is_back() {
        let desk = Arc::new(Desk::default());
        desk.ask();
        assert!(desk.bell().is_ringing());
        let worker = {
            let desk = desk.clone();
            thread::spawn(move || desk.attend(Chain::default()).is_ok())
        };
        let Collected::Chain(borrowed) = desk.collect(far()) else { panic!("it came") };
        borrowed.give_back(None);
        assert!(worker.join().unwrap());
        assert!(!desk.bell().is_ringing());
    }

    #[test]
    fn a_worker_that_does_not_come_is_left_alone() {
        let desk = Arc::new(Desk::default());
        desk.ask();
        assert!(matches!(desk.collect(Instant::now()), Collected::Busy));
        assert!(!desk.bell().is_ringing());
        assert!(desk.attend(Chain::default()).unwrap().1.is_none());
    }

    #[test]
    fn a_worker_that_has_ended_has_no_chain() {
        let desk = Arc::new(Desk::default());
        desk.ask();
        desk.leave();
        assert!(matches!(desk.collect(far()), Collected::Left));
    }

    #[test]
    fn a_chain_that_does_not_come_back_ends_the_run() {
        let desk = Arc::new(Desk::default());
        desk.ask();
        let worker = {
            let desk = desk.clone();
            thread::spawn(move || desk.attend(Chain::default()).err())
        };
        let Collected::Chain(borrowed) = desk.collect(far()) else { panic!("it came") };
        drop(borrowed);
        assert!(matches!(worker.join().unwrap(), Some(Stop::Abandoned)));
    }
}

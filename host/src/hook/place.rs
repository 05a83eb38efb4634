//! Where a stage's seat is: in its worker, or shared by all of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::grants::Placement;
use super::instance::Instance;
use super::seat::{Plan, Seat};

/// A seat that all workers share.
pub struct Shared {
    seat: Mutex<Seat>,
    /// How many workers will still hand it events.
    workers: AtomicU32,
}

impl Shared {
    pub(crate) fn new(seat: Seat, workers: u32) -> Shared {
        Shared { seat: Mutex::new(seat), workers: AtomicU32::new(workers) }
    }
}

/// Where a stage's instance lives.
pub enum Place {
    /// In this worker.
    Own(Box<Seat>),
    /// In all of them.
    Shared(Arc<Shared>),
}

impl Place {
    pub(crate) fn with<R>(&mut self, act: impl FnOnce(&mut Seat) -> R) -> R {
        match self {
            Place::Own(seat) => act(seat),
            Place::Shared(shared) => act(&mut shared.seat.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// The same, and adds the CPU time of its calls to `spent`; that of other workers' calls is theirs.
    pub(crate) fn charged<R>(&mut self, spent: &mut Duration, act: impl FnOnce(&mut Seat) -> R) -> R {
        self.with(|seat| {
            seat.take_spent();
            let result = act(seat);
            *spent += seat.take_spent();
            result
        })
    }

    /// This worker hands it no more events. Whether nobody does.
    pub(crate) fn leave(&self) -> bool {
        match self {
            Place::Own(_) => true,
            Place::Shared(shared) => shared.workers.fetch_sub(1, Ordering::AcqRel) == 1,
        }
    }
}

/// The seats of a hook, one for each worker; those of a `single` hook are the same one.
pub fn places(plan: &Arc<Plan>, first: Instance, workers: u32) -> Vec<Place> {
    let mut first = Some(first);
    let mut seat = |worker| match first.take() {
        Some(instance) => Seat::taken(plan.clone(), worker, instance),
        None => Seat::new(plan.clone(), worker),
    };
    match plan.interest.placement {
        Placement::EveryWorker => (0..workers).map(|worker| Place::Own(Box::new(seat(worker)))).collect(),
        Placement::Single => {
            let shared = Arc::new(Shared::new(seat(0), workers));
            (0..workers).map(|_| Place::Shared(shared.clone())).collect()
        }
    }
}

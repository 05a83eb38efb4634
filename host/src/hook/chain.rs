//! The ordered hooks of one worker: every event of a batch passes them, and leaves as if it had been spliced and
//! parsed again after each.
//!
//! A batch goes in and comes out; ticks and teardowns bring new events, which pass the hooks that come after.
//! The only way out of order is [`Stop`]: a hook with `on_error = "stop"` failed, or a dead letter cannot be
//! written any more. What time it is, the caller says.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bindings::hookaroon::hook::types::Reason;
use super::convert::Emission;
use super::failure::Failure;
use super::grants::Placement;
use super::seat::{Plan, Seat};
use super::stage::Stage;
use crate::event::batch::Batch;
use crate::metrics::Metrics;

/// The run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// A hook with `on_error = "stop"` failed.
    #[error("hook \"{hook}\" failed and has on_error = \"stop\": {kind}: {message}", kind = failure.kind.name(), message = failure.message)]
    Hook {
        /// Its name.
        hook: String,
        /// What happened.
        failure: Failure,
    },
    /// The run is to end while events wait for a hook whose breaker is open.
    #[error(
        "events wait for hook \"{hook}\", whose breaker is open, and the run was asked to end; they were not processed \
         (when_open = \"block\")"
    )]
    Blocked {
        /// Its name.
        hook: String,
    },
    /// Events could not be kept anywhere.
    #[error(transparent)]
    DeadLetters(#[from] std::io::Error),
}

/// A seat that all workers share.
pub struct Shared {
    pub(crate) seat: Mutex<Seat>,
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
}

impl Place {
    /// The same, and adds the CPU time of its calls to `spent`; that of other workers' calls is theirs.
    pub(crate) fn charged<R>(&mut self, spent: &mut Duration, act: impl FnOnce(&mut Seat) -> R) -> R {
        self.with(|seat| {
            seat.take_spent();
            let result = act(seat);
            *spent += seat.take_spent();
            result
        })
    }
}

/// The hooks of one worker.
pub struct Chain {
    stages: Vec<Stage>,
    metrics: Arc<Metrics>,
    /// Whether more events wait.
    queued: bool,
    /// When each stage is to be told the time next.
    ticks: Vec<Option<Tick>>,
    /// The stages before this one are not used, as in a replay of what later ones failed on.
    first: usize,
}

struct Tick {
    every: Duration,
    due: Instant,
}

impl Chain {
    /// A chain of `stages`, in their order, that starts `now`.
    pub fn new(stages: Vec<Stage>, metrics: Arc<Metrics>, now: Instant) -> Chain {
        let ticks = stages
            .iter()
            .map(|stage| stage.tick_every().map(|every| Tick { every, due: now + every }))
            .collect();
        Chain { stages, metrics, queued: false, ticks, first: 0 }
    }

    /// From now on more events wait, or they do not.
    pub fn note_queue(&mut self, queued: bool) {
        self.queued = queued;
    }

    /// The same, and no stage is told the time or torn down until [`use_from`](Chain::use_from) says so.
    pub(crate) fn unused(self) -> Chain {
        Chain { first: usize::MAX, ..self }
    }

    /// From now on this stage and those after it are used.
    pub(crate) fn use_from(&mut self, first: usize) {
        self.first = self.first.min(first);
    }

    /// One of its stages.
    pub(crate) fn stage(&mut self, index: usize) -> Option<&mut Stage> {
        self.stages.get_mut(index)
    }

    /// Passes a batch through all hooks.
    pub fn process(&mut self, batch: &mut Batch, now_ns: u64) -> Result<(), Stop> {
        self.pass(batch, self.first, now_ns)
    }

    /// Passes a batch through the hooks from `first` on.
    pub(crate) fn pass(&mut self, batch: &mut Batch, first: usize, now_ns: u64) -> Result<(), Stop> {
        for (stage, metrics) in self.stages.iter_mut().zip(&self.metrics.hooks).skip(first) {
            if batch.is_empty() {
                break;
            }
            stage.process(batch, now_ns, self.queued, metrics)?;
        }
        Ok(())
    }

    /// Saves what is due and tells the time to whom it is due; `deliver` takes the events that come of it. The
    /// batch is empty before and after.
    pub fn tick(
        &mut self,
        batch: &mut Batch,
        now: Instant,
        now_ns: u64,
        mut deliver: impl FnMut(&mut Batch),
    ) -> Result<(), Stop> {
        for index in self.first..self.stages.len() {
            let (Some(stage), Some(metrics)) = (self.stages.get_mut(index), self.metrics.hooks.get(index))
            else {
                break;
            };
            let last = stage.place.with(|seat| {
                seat.save_if_due(now, metrics);
                seat.recycle_if_due(now_ns, metrics)
            });
            self.pass_on(index, last, batch, now_ns, &mut deliver)?;
            let (Some(stage), Some(metrics)) = (self.stages.get_mut(index), self.metrics.hooks.get(index))
            else {
                break;
            };
            let Some(Some(tick)) = self.ticks.get_mut(index) else { continue };
            if tick.due > now {
                continue;
            }
            tick.due = now + tick.every;
            let Some(emission) = stage.place.with(|seat| seat.tick(now, now_ns, metrics)) else { continue };
            self.pass_on(index, emission, batch, now_ns, &mut deliver)?;
        }
        Ok(())
    }

    /// When somebody is to be told the time next.
    pub fn next_tick(&self) -> Option<Instant> {
        self.ticks.iter().flatten().map(|tick| tick.due).min()
    }

    /// Forgets all instances and what they saved, without their teardown: the next batch meets fresh ones.
    pub fn renew(&mut self) {
        for stage in &mut self.stages {
            stage.place.with(Seat::renew);
        }
    }

    /// Ends all instances in chain order; `deliver` takes their last events. An instance that workers share ends
    /// with the last of them.
    pub fn teardown(
        mut self,
        batch: &mut Batch,
        now_ns: u64,
        mut deliver: impl FnMut(&mut Batch),
    ) -> Result<(), Stop> {
        for index in self.first..self.stages.len() {
            let (Some(stage), Some(metrics)) = (self.stages.get_mut(index), self.metrics.hooks.get(index))
            else {
                break;
            };
            let last = match &stage.place {
                Place::Own(_) => true,
                Place::Shared(shared) => shared.workers.fetch_sub(1, Ordering::AcqRel) == 1,
            };
            if !last {
                continue;
            }
            match stage.place.with(|seat| seat.teardown(Reason::Shutdown, metrics)) {
                Ok(emission) => self.pass_on(index, emission, batch, now_ns, &mut deliver)?,
                Err(failure) => {
                    let hook = metrics.name.as_str();
                    tracing::warn!(hook, "teardown failed: {}: {failure}", failure.kind.name());
                }
            }
        }
        Ok(())
    }

    fn pass_on(
        &mut self,
        index: usize,
        emission: Emission,
        batch: &mut Batch,
        now_ns: u64,
        deliver: &mut impl FnMut(&mut Batch),
    ) -> Result<(), Stop> {
        if emission.events.ends.is_empty() {
            return Ok(());
        }
        if let (Some(stage), Some(metrics)) = (self.stages.get_mut(index), self.metrics.hooks.get(index)) {
            stage.emit(batch, &emission, now_ns, metrics);
        }
        self.pass(batch, index + 1, now_ns)?;
        deliver(batch);
        batch.clear();
        Ok(())
    }
}

/// The seats of a hook, one for each worker; those of a `single` hook are the same one.
pub fn places(plan: &Arc<Plan>, first: super::instance::Instance, workers: u32) -> Vec<Place> {
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

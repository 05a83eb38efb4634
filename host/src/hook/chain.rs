//! The ordered hooks of one worker: every event of a batch passes them, and leaves as if it had been spliced and
//! parsed again after each.
//!
//! A batch goes in and comes out, unless it has to wait for a hook whose breaker is open: then it stays where it is, and
//! whoever runs the chain tries again. Ticks, teardowns and hooks that were taken out bring new events, which pass the
//! hooks that come after. The only way out of order is [`Stop`]: a hook with `on_error = "stop"` failed, or a dead letter
//! cannot be written any more. What time it is, the caller says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bindings::hookaroon::hook::types::Reason;
use super::convert::Emission;
use super::failure::Failure;
use super::journey::Journey;
use super::seat::Seat;
use super::stage::{Passage, Stage, StagePlan};
use crate::event::batch::Batch;
use crate::tap::Taps;

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
    /// A change of the chain was under way, and whoever made it is gone.
    #[error("a change of the hooks was not finished; this is a fault of Hookaroon, please report it")]
    Abandoned,
}

/// How far a batch came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Past every hook.
    Through,
    /// It waits for this hook, which is worth another try after so long.
    Waits(Arc<str>, Duration),
}

/// The hooks of one worker.
#[derive(Default)]
pub struct Chain {
    links: Vec<Link>,
    /// How far the batch has come.
    journey: Journey,
    /// The last events of hooks that were taken out, which have not set out yet.
    farewells: VecDeque<Farewell>,
    /// Whether more events wait.
    queued: bool,
    /// The stages before this one are not used, as in a replay of what later ones failed on.
    first: usize,
    /// So many have ended.
    ended: usize,
    /// Who looks.
    taps: Arc<Taps>,
}

/// A stage in its chain.
pub(crate) struct Link {
    stage: Stage,
    /// When it is to be told the time next.
    tick: Option<Tick>,
}

#[derive(Clone, Copy)]
struct Tick {
    every: Duration,
    due: Instant,
}

/// The last events of a hook that was taken out or replaced.
pub(crate) struct Farewell {
    /// The hook, as it was.
    pub(crate) plan: Arc<StagePlan>,
    /// Its events.
    pub(crate) emission: Emission,
    /// How many events it emitted before them.
    pub(crate) emitted: u64,
    /// The hooks that come after it.
    pub(crate) journey: Journey,
}

impl Link {
    /// A stage that joins the chain `now`.
    pub(crate) fn new(stage: Stage, now: Instant) -> Link {
        let tick = stage.tick_every().map(|every| Tick { every, due: now + every });
        Link { stage, tick }
    }

    /// The same stage by another plan, which is told the time when it would have been.
    pub(crate) fn planned(self, plan: Arc<StagePlan>, now: Instant) -> Link {
        let Link { stage, tick: old } = self;
        let link = Link::new(stage.planned(plan), now);
        let same = |new: Tick| old.filter(|old| old.every == new.every).unwrap_or(new);
        Link { tick: link.tick.map(same), ..link }
    }

    /// Hands the stage a batch, and shows that to whoever looks.
    fn meet(&mut self, batch: &mut Batch, now_ns: u64, queued: bool, taps: &Taps) -> Result<Passage, Stop> {
        let stage = &mut self.stage;
        let meeting = taps.meeting(&stage.plan().name, batch, |row| stage.admission(batch, row));
        let Some(meeting) = meeting else { return stage.process(batch, now_ns, queued) };
        let (passage, met) = stage.process_and_tell(batch, now_ns, queued)?;
        if passage == Passage::Met {
            meeting.end(batch, &met);
        }
        Ok(passage)
    }

    pub(crate) fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    pub(crate) fn into_stage(self) -> Stage {
        self.stage
    }

    pub(crate) fn plan(&self) -> &Arc<StagePlan> {
        self.stage.plan()
    }
}

impl Chain {
    /// A chain of `stages`, in their order, that starts `now`.
    pub fn new(stages: Vec<Stage>, now: Instant) -> Chain {
        Chain { links: stages.into_iter().map(|stage| Link::new(stage, now)).collect(), ..Chain::default() }
    }

    /// The same, which whoever looks through these sees.
    pub fn tapped(self, taps: Arc<Taps>) -> Chain {
        Chain { taps, ..self }
    }

    /// Who looks.
    pub(crate) fn taps(&self) -> &Taps {
        &self.taps
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
        self.links.get_mut(index).map(Link::stage)
    }

    /// The names of its hooks, in their order.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.links.iter().map(|link| link.plan().name.clone()).collect()
    }

    /// Its links, for whoever makes another chain of them with [`relinked`](Chain::relinked).
    pub(crate) fn take_links(&mut self) -> Vec<Link> {
        std::mem::take(&mut self.links)
    }

    /// The same flow through other links: batches that are on their way go on to those that they have not met. `old` has
    /// the names of the links before; `last` has the events of those that are gone, with journeys in the old chain.
    pub(crate) fn relinked(self, old: &[Arc<str>], links: Vec<Link>, last: Vec<Farewell>) -> Chain {
        let mut chain = Chain { links, ..self };
        let new = chain.names();
        chain.journey = chain.journey.moved(old, &new);
        chain.farewells.extend(last);
        for farewell in &mut chain.farewells {
            farewell.journey = farewell.journey.moved(old, &new);
        }
        chain
    }

    /// Events that set out before the next batch, with journeys in this chain.
    pub(crate) fn greet(&mut self, first: Vec<Farewell>) {
        self.farewells.extend(first);
    }

    /// A batch sets out, in front of the first hook.
    pub fn set_out(&mut self) {
        self.journey.set_out(self.first, self.links.len());
    }

    /// Passes the batch on, as far as it can go now.
    pub fn advance(&mut self, batch: &mut Batch, now_ns: u64) -> Result<Progress, Stop> {
        for (place, link) in self.links.iter_mut().enumerate() {
            if self.journey.has_met(place) {
                continue;
            }
            if !batch.is_empty()
                && let Passage::Waits(pause) = link.meet(batch, now_ns, self.queued, &self.taps)?
            {
                return Ok(Progress::Waits(link.plan().name.clone(), pause));
            }
            self.journey.meet(place);
        }
        Ok(Progress::Through)
    }

    /// Passes a batch through all hooks, where no breaker opens.
    pub fn process(&mut self, batch: &mut Batch, now_ns: u64) -> Result<(), Stop> {
        self.pass(batch, self.first, now_ns)
    }

    /// Passes a batch through the hooks from `first` on, where no breaker opens.
    pub(crate) fn pass(&mut self, batch: &mut Batch, first: usize, now_ns: u64) -> Result<(), Stop> {
        self.journey.set_out(first, self.links.len());
        self.advance(batch, now_ns).map(|_| ())
    }

    /// Saves and recycles what is due, and tells the time to whom it is due, until there are events of it: they are in the
    /// empty batch then, behind the hook that they are of. Whether there are any; if so, there may be more.
    pub fn tick(&mut self, batch: &mut Batch, now: Instant, now_ns: u64) -> bool {
        for place in self.first..self.links.len() {
            let Some(link) = self.links.get_mut(place) else { break };
            let plan = link.plan().clone();
            let metrics = &plan.metrics;
            let last = link.stage.place.with(|seat| {
                seat.save_if_due(now, metrics);
                seat.recycle_if_due(now_ns, metrics)
            });
            if self.emit(place, &last, batch, now_ns) {
                return true;
            }
            let Some(link) = self.links.get_mut(place) else { break };
            if let Some(candidate) = link.stage.candidate() {
                let (own, is_shadow) = (candidate.plan().clone(), candidate.is_shadow());
                let told = candidate.stage().place.with(|seat| {
                    seat.save_if_due(now, &own.metrics);
                    let mut told = seat.recycle_if_due(now_ns, &own.metrics);
                    let ticked = seat.tick(now, now_ns, &own.metrics).filter(|_| !plan.is_paused);
                    told.append(&ticked.unwrap_or_default());
                    told
                });
                if !is_shadow && self.emit_of_candidate(place, &told, batch, now_ns) {
                    return true;
                }
            }
            let Some(link) = self.links.get_mut(place) else { break };
            let Some(tick) = link.tick.as_mut().filter(|tick| tick.due <= now) else { continue };
            tick.due = now + tick.every;
            if plan.is_paused {
                continue;
            }
            let emission = link.stage.place.with(|seat| seat.tick(now, now_ns, metrics));
            if emission.is_some_and(|emission| self.emit(place, &emission, batch, now_ns)) {
                return true;
            }
        }
        false
    }

    /// When somebody is to be told the time next.
    pub fn next_tick(&self) -> Option<Instant> {
        self.links.iter().filter_map(|link| link.tick).map(|tick| tick.due).min()
    }

    /// Puts the last events of a hook that was taken out into the empty batch, if there are any left.
    pub fn take_farewell(&mut self, batch: &mut Batch, now_ns: u64) -> bool {
        let Some(Farewell { plan, emission, mut emitted, journey }) = self.farewells.pop_front() else {
            return false;
        };
        Stage::emit_of(&plan, &emission, &mut emitted, batch, now_ns);
        self.journey = journey;
        true
    }

    /// Forgets all instances and what they saved, without their teardown: the next batch meets fresh ones.
    pub fn renew(&mut self) {
        for link in &mut self.links {
            link.stage.place.with(Seat::renew);
        }
    }

    /// Ends the next instance in chain order; its last events are in the empty batch then. False: all have ended. An
    /// instance that workers share ends with the last of them.
    pub fn teardown_next(&mut self, batch: &mut Batch, now_ns: u64) -> bool {
        let place = self.ended.max(self.first);
        let Some(link) = self.links.get_mut(place) else { return false };
        if let Some(candidate) = link.stage.candidate().take() {
            let is_shadow = candidate.is_shadow();
            let mut stage = candidate.into_stage();
            if stage.place.leave() {
                let last = stage.end(Reason::Shutdown);
                if !is_shadow && !last.events.ends.is_empty() {
                    self.journey.set_out(place + 1, self.links.len());
                    stage.emit(batch, &last, now_ns);
                }
            }
            return true;
        }
        self.ended = place + 1;
        if link.stage.place.leave() {
            let last = link.stage.end(Reason::Shutdown);
            self.emit(place, &last, batch, now_ns);
        }
        true
    }

    /// Does all that [`tick`](Chain::tick) does, where no breaker opens; `deliver` takes the events that come of it.
    pub fn tick_all(
        &mut self,
        batch: &mut Batch,
        now: Instant,
        now_ns: u64,
        mut deliver: impl FnMut(&mut Batch),
    ) -> Result<(), Stop> {
        while self.tick(batch, now, now_ns) {
            self.advance(batch, now_ns)?;
            deliver(batch);
            batch.clear();
        }
        Ok(())
    }

    /// Ends all instances in chain order, where no breaker opens; `deliver` takes their last events.
    pub fn teardown(
        mut self,
        batch: &mut Batch,
        now_ns: u64,
        mut deliver: impl FnMut(&mut Batch),
    ) -> Result<(), Stop> {
        while self.teardown_next(batch, now_ns) {
            if batch.is_empty() {
                continue;
            }
            self.advance(batch, now_ns)?;
            deliver(batch);
            batch.clear();
        }
        Ok(())
    }

    /// The same for the candidate of the hook at a place.
    fn emit_of_candidate(
        &mut self,
        place: usize,
        emission: &Emission,
        batch: &mut Batch,
        now_ns: u64,
    ) -> bool {
        if emission.events.ends.is_empty() {
            return false;
        }
        self.journey.set_out(place + 1, self.links.len());
        if let Some(candidate) = self.links.get_mut(place).and_then(|link| link.stage.candidate().as_mut()) {
            candidate.stage().emit(batch, emission, now_ns);
        }
        true
    }

    /// Puts what the hook at a place emitted into the empty batch, which sets out behind that hook. Whether that is
    /// anything.
    fn emit(&mut self, place: usize, emission: &Emission, batch: &mut Batch, now_ns: u64) -> bool {
        if emission.events.ends.is_empty() {
            return false;
        }
        self.journey.set_out(place + 1, self.links.len());
        if let Some(link) = self.links.get_mut(place) {
            link.stage.emit(batch, emission, now_ns);
        }
        true
    }
}

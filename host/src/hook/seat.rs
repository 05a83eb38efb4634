//! Where a hook's instance lives, in one worker or shared by all: it survives the instances that sit in it.
//!
//! An instance that fails is gone; the next call starts a fresh one with the last save. A batch is tried twice,
//! because a full memory or a busy moment is not the batch's fault; what then still fails is the caller's to
//! place. Rows since the last save are not replayed into the fresh instance's state.
//!
//! Before an instance fails for its memory, or when it is old, it is recycled between two batches: it saves, a fresh
//! one starts with that and takes a call of no rows, and only then the old one ends and its last events are out. If the
//! fresh one fails, the old one goes on. A swap is the same with an instance of another plan, in two steps: a
//! [`Successor`] is made ready for every seat of the hook before any of them is taken over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bindings::hookaroon::hook::types as wit;
use super::convert::{self, BadOutput, Emission, Outcome, lend};
use super::due::{Cause, Due};
use super::failure::{Call, Cost, Failure, FailureKind};
use super::grants::Interest;
use super::instance::{Blueprint, Instance};
use crate::config::Recycle;
use crate::event::column::Column;
use crate::event::scan::Judge;
use crate::metrics::HookMetrics;

/// How long a save may be behind while there is something new.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// How many fresh instances may fail with a save before it is given up.
const MOST_BAD_STARTS: u32 = 3;

/// A hook as its seats see it.
pub struct Plan {
    /// What instances are made from.
    pub blueprint: Blueprint,
    /// What the first instance asked for; every later one must ask for the same.
    pub asked: wit::Interest,
    /// The same, checked against the grant.
    pub interest: Interest,
    /// When an instance is replaced.
    pub recycle: Recycle,
}

impl Plan {
    /// A fresh instance that starts with what others saved.
    fn start(&self, worker: u32, states: &[Arc<[u8]>]) -> Result<Instance, Failure> {
        let states: Vec<&[u8]> = states.iter().map(|state| &**state).collect();
        let (instance, asked) = self.blueprint.start(worker, &states)?;
        if asked == self.asked {
            return Ok(instance);
        }
        let message = "a fresh instance asked for other fields than the first one".to_owned();
        Err(Failure::new(FailureKind::BadOutput, message, instance.cost()))
    }

    /// Hands a fresh instance a batch of no rows: what it cannot bear is known before an old one ends.
    fn try_out(
        &self,
        fresh: Instance,
        now_ns: u64,
        judge: &mut Judge,
    ) -> Result<(Instance, Emission), Failure> {
        let columns: Vec<Column> = self.interest.read.iter().map(|field| Column::new(field.kind)).collect();
        let lent: Vec<wit::ColumnParam<'_>> = columns.iter().map(lend).collect();
        let (fresh, outcome) = fresh.process(wit::Batch { now_ns, rows: 0, columns: &lent })?;
        let (fresh, outcome) = checked_or_failed(fresh, self.outcome(outcome, 0, judge))?;
        Ok((fresh, outcome.emission))
    }

    /// Checks what a hook did with so many rows.
    fn outcome(&self, outcome: wit::Outcome, rows: usize, judge: &mut Judge) -> Result<Outcome, BadOutput> {
        let outcome = convert::outcome(outcome, rows, &self.interest, judge)?;
        self.within(&outcome.emission).map(|()| outcome)
    }

    /// Checks events that come of no batch.
    fn emission(&self, emission: wit::Emission, judge: &mut Judge) -> Result<Emission, BadOutput> {
        let emission = convert::emission(emission, 0, &self.interest, judge)?;
        self.within(&emission).map(|()| emission)
    }

    /// Whether a call may emit so many events.
    fn within(&self, emission: &Emission) -> Result<(), BadOutput> {
        let (events, most) = (emission.events.ends.len(), self.blueprint.limits().output.events);
        if events <= most {
            return Ok(());
        }
        Err(format!(
            "it emitted {events} events in one call; {most} is the most; let it emit less, or raise events in its \
             [hook.limits]"
        ))
    }
}

/// An instance of another plan that is ready to take over a seat.
pub(crate) struct Successor {
    plan: Arc<Plan>,
    fresh: Instance,
    /// What it was started with, all in one only if there was one.
    state: Option<Arc<[u8]>>,
    /// What it emitted already.
    first: Emission,
}

impl Successor {
    /// Starts an instance with what others saved, and tries it out.
    pub(crate) fn start(
        plan: &Arc<Plan>,
        worker: u32,
        states: &[Arc<[u8]>],
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<Successor, Failure> {
        let fresh = plan.start(worker, states)?;
        metrics.record_cost(fresh.cost());
        let successor = Successor::started(plan, fresh, now_ns, metrics)?;
        let state = match states {
            [state] => Some(state.clone()),
            _ => None,
        };
        Ok(Successor { state, ..successor })
    }

    /// An instance that was started with nothing, tried out.
    pub(crate) fn started(
        plan: &Arc<Plan>,
        fresh: Instance,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<Successor, Failure> {
        let (fresh, first) = plan.try_out(fresh, now_ns, &mut Judge::new())?;
        metrics.record_cost(fresh.cost());
        Ok(Successor { plan: plan.clone(), fresh, state: None, first })
    }

    /// A seat that it sits in, and what it emitted already.
    pub(crate) fn seated(self, worker: u32) -> (Seat, Emission) {
        let Successor { plan, fresh, state, first } = self;
        let mut seat = Seat::taken(plan, worker, fresh);
        // What it was started with may be of several instances, or more than it makes of it.
        seat.changed = true;
        seat.last_save = state;
        (seat, first)
    }
}

/// A place for one instance.
pub struct Seat {
    plan: Arc<Plan>,
    worker: u32,
    /// Who sits there; none: the last one failed, or none was started yet.
    taken: Option<Instance>,
    due: Due,
    last_save: Option<Arc<[u8]>>,
    /// When it was asked for that; none: not yet.
    saved_at: Option<Instant>,
    /// Not before then is it told the time again.
    tick_due: Option<Instant>,
    /// Rows have passed since the last save.
    changed: bool,
    /// The CPU time of its calls since somebody asked.
    spent: Duration,
    /// How many fresh instances in a row could not start with the last save.
    bad_starts: u32,
    judge: Judge,
}

impl Seat {
    pub(crate) fn new(plan: Arc<Plan>, worker: u32) -> Seat {
        Seat {
            plan,
            worker,
            taken: None,
            due: Due::default(),
            last_save: None,
            saved_at: None,
            tick_due: None,
            changed: false,
            spent: Duration::ZERO,
            bad_starts: 0,
            judge: Judge::new(),
        }
    }

    /// A seat that this instance sits in.
    pub(crate) fn taken(plan: Arc<Plan>, worker: u32, instance: Instance) -> Seat {
        let mut seat = Seat::new(plan, worker);
        seat.seat(instance);
        seat
    }

    /// Hands a batch over, twice if need be. The failure that is returned is the last of them; all are counted.
    pub(crate) fn process(
        &mut self,
        columns: &[Column],
        rows: usize,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<Outcome, Failure> {
        self.process_once(columns, rows, now_ns, metrics)
            .or_else(|_| self.process_once(columns, rows, now_ns, metrics))
    }

    /// The same, once.
    pub(crate) fn process_once(
        &mut self,
        columns: &[Column],
        rows: usize,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<Outcome, Failure> {
        metrics.calls.add(1);
        let lent: Vec<wit::ColumnParam<'_>> = columns.iter().map(lend).collect();
        let batch = wit::Batch { now_ns, rows: rows as u32, columns: &lent };
        let plan = self.plan.clone();
        let outcome = self.call(Call::Process { rows: rows as u64 }, metrics, |instance, judge| {
            let (instance, outcome) = instance.process(batch)?;
            checked_or_failed(instance, plan.outcome(outcome, rows, judge))
        })?;
        self.changed = true;
        self.due.handed_a_batch();
        Ok(outcome)
    }

    /// The CPU time of its calls since this was asked last.
    pub(crate) fn take_spent(&mut self) -> Duration {
        std::mem::take(&mut self.spent)
    }

    /// Whether the next call is of a fresh instance.
    pub(crate) fn is_free(&self) -> bool {
        self.taken.is_none()
    }

    /// The CPU time that each batch may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.plan.blueprint.limits().process
    }

    /// Tells the instance that time has passed, if enough has since another worker did. What it emitted, if it was
    /// told and did not fail; a failure is counted, and costs no rows.
    pub(crate) fn tick(&mut self, now: Instant, now_ns: u64, metrics: &HookMetrics) -> Option<Emission> {
        let plan = self.plan.clone();
        let every = plan.interest.tick?;
        if self.tick_due.is_some_and(|due| now < due) {
            return None;
        }
        self.tick_due = Some(now + every);
        self.changed = true;
        let told = self.call(Call::Tick, metrics, |instance, judge| {
            let (instance, emission) = instance.tick(now_ns)?;
            checked_or_failed(instance, plan.emission(emission, judge))
        });
        let emission = told.ok()?;
        if !emission.events.ends.is_empty() {
            // Whoever starts from an older save would report the same once more.
            self.save(now, metrics);
        }
        Some(emission)
    }

    /// Saves the state if that is due. A failure costs the instance; the older save stays.
    pub(crate) fn save_if_due(&mut self, now: Instant, metrics: &HookMetrics) {
        let since = now.saturating_duration_since(*self.saved_at.get_or_insert(now));
        if !self.changed || since < SAVE_EVERY || self.taken.is_none() {
            return;
        }
        self.save(now, metrics);
    }

    fn save(&mut self, now: Instant, metrics: &HookMetrics) {
        self.saved_at = Some(now);
        self.changed = false;
        if let Ok(state) = self.call(Call::Save, metrics, |instance, _| instance.save()) {
            self.last_save = state.map(Arc::from);
        }
    }

    /// Replaces the instance by a fresh one if that is due. Events that come of it: the last ones of the old one.
    pub(crate) fn recycle_if_due(&mut self, now_ns: u64, metrics: &HookMetrics) -> Emission {
        let Some(instance) = &self.taken else { return Emission::default() };
        let cap = self.plan.blueprint.limits().memory_bytes;
        let Some(cause) = self.due.cause(&self.plan.recycle, instance.memory(), cap, now_ns) else {
            return Emission::default();
        };
        // Who cannot save is gone, and the next batch meets a fresh one.
        let Ok(state) = self.call(Call::Save, metrics, |instance, _| instance.save()) else {
            return Emission::default();
        };
        self.last_save = state.map(Arc::from);
        self.changed = false;
        let tried = self.start(metrics).and_then(|fresh| self.plan.try_out(fresh, now_ns, &mut self.judge));
        match tried {
            Ok((fresh, first)) => {
                self.charge(fresh.cost(), metrics);
                self.hand_over(fresh, first, cause, metrics)
            }
            Err(failure) => {
                self.spent += failure.cost.cpu;
                metrics.record_failure(&failure);
                tell(metrics, &failure, "a fresh instance could not take over, and the old one goes on");
                self.due.put_off();
                Emission::default()
            }
        }
    }

    /// Ends the old instance and seats the fresh one, which emitted `first` already.
    fn hand_over(
        &mut self,
        fresh: Instance,
        mut first: Emission,
        cause: Cause,
        metrics: &HookMetrics,
    ) -> Emission {
        let last = self.teardown(wit::Reason::Recycle, metrics);
        self.seat(fresh);
        metrics.record_fresh(self.worker);
        metrics.record_recycle(cause);
        if self.due.recycled(cause) {
            let cap = self.plan.blueprint.limits().memory_bytes;
            tracing::warn!(
                hook = metrics.name.as_str(),
                "it was replaced for its memory twice within {} batches, which costs each time; raise memory (it is {cap} \
                 bytes) in its [[hook]], or lower rows in [batch]",
                super::due::THRASHING
            );
        }
        match last {
            Ok(mut last) => {
                last.append(&first);
                last
            }
            Err(failure) => {
                tell(metrics, &failure, "teardown failed");
                first.after.clear();
                first
            }
        }
    }

    /// What an instance that takes over is to start with. A save that fails costs the instance here, and what it saved
    /// before is handed over.
    pub(crate) fn save_for_successor(&mut self, metrics: &HookMetrics) -> Option<Arc<[u8]>> {
        if self.taken.is_some()
            && let Ok(state) = self.call(Call::Save, metrics, |instance, _| instance.save())
        {
            self.last_save = state.map(Arc::from);
            self.changed = false;
        }
        self.last_save.clone()
    }

    /// From now on its instances are held to another plan, which asks for the same.
    pub(crate) fn adapt(&mut self, plan: &Arc<Plan>) {
        if let Some(instance) = &mut self.taken {
            instance.adapt(&plan.blueprint);
        }
        self.plan = plan.clone();
    }

    /// A call ended well.
    fn charge(&mut self, cost: Cost, metrics: &HookMetrics) {
        self.spent += cost.cpu;
        metrics.record_cost(cost);
    }

    /// The number of its worker.
    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    /// What the next fresh instance starts with.
    pub(crate) fn last_save(&self) -> Option<Arc<[u8]>> {
        self.last_save.clone()
    }

    /// The next call is of a fresh instance that starts with this.
    pub(crate) fn restore(&mut self, state: Option<Arc<[u8]>>) {
        self.taken = None;
        self.last_save = state;
    }

    /// Forgets the instance and what it saved.
    pub(crate) fn renew(&mut self) {
        self.restore(None);
    }

    /// Ends the instance and returns its last events. If it failed before, what was saved last is in no instance: a
    /// fresh one is started to tell it.
    pub(crate) fn teardown(
        &mut self,
        reason: wit::Reason,
        metrics: &HookMetrics,
    ) -> Result<Emission, Failure> {
        let instance = match self.taken.take() {
            Some(instance) => instance,
            None if self.last_save.is_none() => return Ok(Emission::default()),
            None => self.start(metrics).inspect_err(|failure| metrics.record_failure(failure))?,
        };
        let (emission, cost) = instance.teardown(reason);
        let checked = emission.and_then(|emission| {
            self.plan
                .emission(emission, &mut self.judge)
                .map_err(|message| Failure::new(FailureKind::BadOutput, message, cost))
        });
        self.spent += cost.cpu;
        match &checked {
            Ok(_) => metrics.record_cost(cost),
            Err(failure) => metrics.record_failure(failure),
        }
        checked
    }

    /// One call, of `what`, on the instance that sits here, or on a fresh one. A failure is counted and told; it has cost what
    /// the start of the fresh one did, too.
    fn call<R>(
        &mut self,
        what: Call,
        metrics: &HookMetrics,
        call: impl FnOnce(Instance, &mut Judge) -> Result<(Instance, R), Failure>,
    ) -> Result<R, Failure> {
        let mut begun = Duration::ZERO;
        let instance = match self.taken.take() {
            Some(instance) => instance,
            None => match self.start(metrics) {
                Ok(fresh) => {
                    begun = fresh.cost().cpu;
                    self.bad_starts = 0;
                    self.due.began(fresh.memory());
                    metrics.record_fresh(self.worker);
                    fresh
                }
                Err(failure) => {
                    metrics.record_failure(&failure);
                    tell(metrics, &failure, "init of a fresh instance failed");
                    self.note_bad_start(metrics);
                    return Err(failure);
                }
            },
        };
        match call(instance, &mut self.judge) {
            Ok((instance, result)) => {
                let cost = instance.cost();
                self.charge(cost, metrics);
                if let Call::Process { rows } = what {
                    metrics.record_batch(self.worker, rows, cost);
                }
                self.taken = Some(instance);
                Ok(result)
            }
            Err(mut failure) => {
                self.spent += failure.cost.cpu;
                metrics.record_failure(&failure);
                tell(metrics, &failure, &format!("{} failed", what.name()));
                if let Call::Process { .. } = what {
                    metrics.record_failed_batch(failure.cost);
                }
                failure.cost.cpu += begun;
                Err(failure)
            }
        }
    }

    /// From now on this one sits here.
    fn seat(&mut self, instance: Instance) {
        self.due.began(instance.memory());
        self.taken = Some(instance);
    }

    /// A fresh instance with the last save.
    fn start(&mut self, metrics: &HookMetrics) -> Result<Instance, Failure> {
        let started = self.plan.start(self.worker, self.last_save.as_slice());
        match &started {
            Ok(instance) => self.charge(instance.cost(), metrics),
            Err(failure) => self.spent += failure.cost.cpu,
        }
        started
    }

    /// No instance is left and a fresh one could not start: if that goes on, the save that they start with is given up.
    fn note_bad_start(&mut self, metrics: &HookMetrics) {
        self.bad_starts += u32::from(self.last_save.is_some());
        if self.bad_starts < MOST_BAD_STARTS {
            return;
        }
        self.bad_starts = 0;
        self.last_save = None;
        metrics.states_lost.add(1);
        tracing::error!(
            hook = metrics.name.as_str(),
            "what it saved is given up, because {MOST_BAD_STARTS} fresh instances could not start with it"
        );
    }
}

/// Tells a failure that was counted, the first ones and then less often.
fn tell(metrics: &HookMetrics, failure: &Failure, what: &str) {
    if let Some(number) = metrics.failure_to_tell() {
        let hook = metrics.name.as_str();
        tracing::warn!(hook, "{what}: {}: {failure} (failure {number})", failure.kind.name());
    }
}

/// What a guest returned, if it passed the checks; else the instance is given up.
fn checked_or_failed<R>(instance: Instance, checked: Result<R, String>) -> Result<(Instance, R), Failure> {
    match checked {
        Ok(result) => Ok((instance, result)),
        Err(message) => Err(Failure::new(FailureKind::BadOutput, message, instance.cost())),
    }
}

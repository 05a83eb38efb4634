//! One hook in one worker's chain: which rows it is handed, what becomes of what it says.
//!
//! The rows that match and are in its rollout's share go over as columns; the outcome, checked, comes back as edits, drops, new events and
//! failed rows. Rows that do not match never cross. If the hook fails twice on the batch, its parts are tried until
//! the guilty rows are known; those, and rows that the hook itself says failed, follow `on_error` as they were.

pub(crate) mod candidate;
mod letters;
mod told;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bindings::hookaroon::hook::types::Reason;
use super::breaker::Ticket;
use super::chain::Stop;
use super::convert::{Emission, Outcome};
use super::dead_letters::DeadLetters;
use super::dead_letters::setup::Setup;
use super::differences::Differences;
use super::failure::{Cost, Failure, FailureKind};
use super::gate::{Gate, Way};
use super::isolate::{self, Isolation, Part, Verdict};
use super::place::Place;
use super::rollout::{self, Admission, Asides, Rollout};
use super::spending::Spending;
use crate::clock::nanos;
use crate::config::OnError;
use crate::event::batch::{Batch, Origin};
use crate::event::column::Column;
use crate::event::duplicates::Written;
use crate::event::edit::{Scratch, Write};
use crate::event::field::Field;
use crate::event::projection::{NodeId, Projection};
use crate::event::selection::Selection;
use crate::metrics::HookMetrics;
use candidate::Candidate;
use letters::Letters;

/// What a stage is made of, the same in every worker.
pub struct StagePlan {
    /// The hook's name.
    pub name: Arc<str>,
    /// What is counted.
    pub metrics: Arc<HookMetrics>,
    /// Rows pass it unprocessed, and it is not told the time, until the operator lets it go on.
    pub is_paused: bool,
    /// Which rows it is handed.
    pub selection: Selection,
    /// What its fields are looked up in.
    pub projection: Arc<Projection>,
    /// Which of these it is applied to; none: all.
    pub rollout: Option<Rollout>,
    /// The hooks that rows are left to.
    pub asides: Arc<Asides>,
    /// What it reads: where, and an empty column of the kind.
    pub reads: Vec<(Field, Column)>,
    /// What it writes.
    pub writes: Vec<NodeId>,
    /// The same, for duplicates; none if it writes nothing.
    pub written: Option<Written>,
    /// How often it is told the time.
    pub tick_every: Option<Duration>,
    /// The way in; none where nothing flows in real time, so that no breaker opens.
    pub gate: Option<Arc<Gate>>,
    /// What becomes of rows that it fails on.
    pub on_error: OnError,
    /// Where dead letters go.
    pub dead_letters: Arc<DeadLetters>,
    /// What they say of the hook.
    pub setup: Setup,
    /// Where the events that it emits come from.
    pub origin: Origin,
    /// It is a candidate: rows that it fails on are handed to the version at work.
    pub hands_back: bool,
    /// It is a shadow: what it would have done otherwise goes there, and nothing else comes of it.
    pub shadow: Option<Arc<Differences>>,
    /// Nobody after it looks at fields, so edits need not keep track of them.
    pub is_last: bool,
}

/// One hook in one worker's chain.
pub struct Stage {
    plan: Arc<StagePlan>,
    pub(crate) place: Place,
    columns: Vec<Column>,
    /// Memory that is kept from batch to batch.
    rows: Vec<u32>,
    fates: Vec<Fate>,
    scratch: Scratch,
    text: Vec<u8>,
    deciding: rollout::Scratch,
    letters: Letters,
    /// The CPU time of its calls for this batch.
    spent: Duration,
    /// What they cost of late.
    spending: Option<Spending>,
    /// Numbers the events that it emits.
    emitted: u64,
    /// The rows that failed in the last batch and why; none: nobody wants to know.
    failed: Option<Vec<(u32, Failure)>>,
    /// Whether the last batch was let in.
    was_let_in: bool,
    /// A version that is tried beside it.
    candidate: Option<Box<Candidate>>,
}

/// What became of a batch at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It has met the hook.
    Met,
    /// It has not, because the hook's breaker is open: it has to wait, so long at least.
    Waits(Duration),
}

/// What becomes of a row that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Dropped,
    /// It stays as it is.
    Failed,
    /// It failed and leaves the batch.
    Gone,
}

impl Fate {
    fn of_failed(on_error: OnError) -> Fate {
        if on_error == OnError::Pass { Fate::Failed } else { Fate::Gone }
    }
}

impl Stage {
    /// A stage of this plan, in this place.
    pub fn new(plan: Arc<StagePlan>, place: Place) -> Stage {
        let columns = plan.reads.iter().map(|(_, column)| column.clone()).collect();
        let spending = plan.gate.as_ref().map(|gate| Spending::new(gate.budget()));
        Stage {
            plan,
            place,
            spending,
            columns,
            rows: Vec::new(),
            fates: Vec::new(),
            scratch: Scratch::default(),
            text: Vec::new(),
            deciding: rollout::Scratch::default(),
            letters: Letters::default(),
            spent: Duration::ZERO,
            emitted: 0,
            failed: None,
            was_let_in: false,
            candidate: None,
        }
    }

    /// The same stage by another plan of its hook, with the instance that it has.
    pub(crate) fn planned(self, plan: Arc<StagePlan>) -> Stage {
        let same = match (&self.plan.gate, &plan.gate) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            _ => false,
        };
        let Stage { place, emitted, spending, candidate, .. } = self;
        let stage = Stage { emitted, candidate, ..Stage::new(plan, place) };
        if same { Stage { spending, ..stage } } else { stage }
    }

    /// What it is made of.
    pub(crate) fn plan(&self) -> &Arc<StagePlan> {
        &self.plan
    }

    /// The version that is tried beside it.
    pub(crate) fn candidate(&mut self) -> &mut Option<Box<Candidate>> {
        &mut self.candidate
    }

    /// The same, and it remembers which rows failed.
    pub(crate) fn watched(self) -> Stage {
        Stage { failed: Some(Vec::new()), ..self }
    }

    /// Takes the rows that failed in the last batch, of a stage that is watched.
    pub(crate) fn take_failed(&mut self) -> Vec<(u32, Failure)> {
        self.failed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// So many rows, the first of the next batch, are dead letters of this hook already; it remembers which of them fail.
    pub(crate) fn replays(&mut self, rows: u32) {
        self.letters.before = rows;
        self.failed = (rows > 0).then(Vec::new);
    }

    /// The next call is of a fresh instance that starts with this.
    pub(crate) fn restore(&mut self, state: Option<Arc<[u8]>>) {
        self.place.with(|seat| seat.restore(state));
    }

    /// Whether a row would be handed over, and why.
    pub(crate) fn admission(&self, batch: &Batch, row: u32) -> Admission {
        Admission::new(&self.plan.selection, self.plan.rollout.as_ref(), batch, row)
    }

    pub(crate) fn tick_every(&self) -> Option<Duration> {
        self.plan.tick_every
    }

    /// Hands the matching rows of a batch to the hook.
    pub(crate) fn process(&mut self, batch: &mut Batch, now_ns: u64, queued: bool) -> Result<Passage, Stop> {
        let plan = self.plan.clone();
        let metrics = &*plan.metrics;
        self.choose(batch);
        let rollout = self.plan.rollout.as_ref();
        let outside = rollout.map_or(0, |rollout| rollout.split(batch, &mut self.rows, &mut self.deciding));
        let is_called = !self.rows.is_empty() && !plan.is_paused;
        let way = plan.gate.as_ref().filter(|_| is_called).map(|gate| gate.admit(now_ns));
        if let Some(Way::Wait(pause)) = way {
            return Ok(Passage::Waits(pause));
        }
        metrics.outside.add(outside);
        if !is_called {
            metrics.paused.add(self.rows.len() as u64);
            return Ok(Passage::Met);
        }
        let ticket = match way {
            None | Some(Way::Wait(_)) => None,
            Some(Way::In(ticket)) => Some(ticket),
            Some(Way::Pass) => {
                metrics.bypassed.add(self.rows.len() as u64);
                return Ok(Passage::Met);
            }
            Some(Way::Drop) => {
                metrics.open_dropped.add(self.rows.len() as u64);
                batch.settle(&self.rows, |_| false, 0, &[]);
                return Ok(Passage::Met);
            }
            Some(Way::DeadLetter) => {
                self.keep_unprocessed(batch, now_ns, metrics)?;
                return Ok(Passage::Met);
            }
        };
        self.was_let_in = true;
        let mut tried = self.candidate.take_if(|_| ticket != Some(Ticket::Probe));
        if let Some(candidate) = &mut tried {
            candidate.take_share(batch, &mut self.rows, now_ns)?;
            candidate.copy(batch, &self.rows);
        }
        let passed = match self.rows.is_empty() {
            true => Ok(()),
            false => self.pass(batch, ticket, now_ns, queued, tried.as_deref_mut()),
        };
        if tried.is_some() {
            self.candidate = tried;
        }
        passed.map(|()| Passage::Met)
    }

    /// Hands the chosen rows to the hook, and the copies that a shadow has of them to that.
    fn pass(
        &mut self,
        batch: &mut Batch,
        ticket: Option<Ticket>,
        now_ns: u64,
        queued: bool,
        tried: Option<&mut Candidate>,
    ) -> Result<(), Stop> {
        let plan = self.plan.clone();
        let metrics = &*plan.metrics;
        let (rows, begun) = (self.rows.len(), Instant::now());
        self.spent = Duration::ZERO;
        metrics.handed.add(rows as u64);
        let shadow = tried.filter(|candidate| candidate.is_shadow());
        let (watched, emitted) = (self.failed.is_some(), self.emitted);
        if shadow.is_some() {
            self.failed.get_or_insert_default();
        }
        let failed = self.call(batch, now_ns, metrics)?;
        if let Some(shadow) = shadow {
            let rows: HashSet<u32> = self.failed.iter().flatten().map(|(row, _)| *row).collect();
            shadow.compare(batch, &rows, (self.emitted - emitted) as usize, now_ns)?;
            self.failed = self.failed.take().filter(|_| watched);
        }
        let last = self.place.charged(&mut self.spent, |seat| seat.recycle_if_due(now_ns, metrics));
        if !last.events.ends.is_empty() {
            self.emit(batch, &last, now_ns);
        }
        if let (Some(gate), Some(ticket)) = (&plan.gate, ticket) {
            // A batch can take longer than a pause.
            let now_ns = now_ns.saturating_add(nanos(begun.elapsed()));
            gate.report(ticket, failed * 2 <= rows, rows as u64, self.spent, now_ns, metrics);
            let spending = self.spending.as_mut();
            if let Some(excess) = spending.and_then(|all| all.spent(now_ns, rows as u64, self.spent, queued))
            {
                gate.over_budget(excess, now_ns, metrics);
            }
        }
        Ok(())
    }

    /// Hands the chosen rows to the hook. How many of them it could not process.
    fn call(&mut self, batch: &mut Batch, now_ns: u64, metrics: &HookMetrics) -> Result<usize, Stop> {
        if let Some(written) = &self.plan.written {
            metrics.duplicates.add(batch.delete_duplicates(&self.rows, written));
        }
        metrics.surrogates.add(self.read(batch));
        let (columns, rows) = (&self.columns, self.rows.len());
        match self.place.charged(&mut self.spent, |seat| seat.process(columns, rows, now_ns, metrics)) {
            Ok(outcome) => self.settle(batch, &outcome, now_ns, metrics).map(|()| outcome.errors.len()),
            Err(failure) if rows == 1 => self.fail_all(batch, &failure, now_ns, metrics).map(|()| 1),
            Err(failure) => self.isolate(batch, failure, now_ns, metrics),
        }
    }

    /// The chosen rows become dead letters without a call, because the breaker is open.
    fn keep_unprocessed(
        &mut self,
        batch: &mut Batch,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<(), Stop> {
        let message = "it was not called, because its breaker is open (when_open = \"dead_letter\")";
        let failure = Failure::new(FailureKind::Open, message.to_owned(), Cost::default());
        for &row in &self.rows {
            self.letters.write(&self.plan, &mut self.place, batch, row, &failure, now_ns);
        }
        self.letters.keep(&self.plan, self.rows.len() as u64, metrics)?;
        batch.settle(&self.rows, |_| false, 0, &[]);
        Ok(())
    }

    /// Reads the columns of the chosen rows; how many surrogates stood alone in them.
    fn read(&mut self, batch: &Batch) -> u64 {
        let columns = self.columns.iter_mut().zip(&self.plan.reads);
        columns.map(|(column, (field, _))| column.read_field(batch, *field, &self.rows) as u64).sum()
    }

    /// Finds the guilty rows of a batch that failed as a whole: they alone follow `on_error`, and every other row's
    /// output is used once. How many could not be processed.
    fn isolate(
        &mut self,
        batch: &mut Batch,
        failure: Failure,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<usize, Stop> {
        metrics.isolations.add(1);
        let mut failed = 0;
        let all = std::mem::take(&mut self.rows);
        let deadline = self.place.with(|seat| seat.deadline());
        let mut isolation = Isolation::new(all.len(), deadline);
        let mut last = failure;
        while let Some(part) = isolation.next_part() {
            let (Part::Try(range) | Part::GiveUp(range)) = &part;
            self.rows.clear();
            self.rows.extend_from_slice(all.get(range.clone()).unwrap_or(&[]));
            let Part::Try(range) = part else {
                metrics.not_isolated.add(self.rows.len() as u64);
                failed += self.rows.len();
                self.fail_all(batch, &not_isolated(&last), now_ns, metrics)?;
                continue;
            };
            self.read(batch);
            let (columns, rows) = (&self.columns, self.rows.len());
            let (is_fresh, tried) = self.place.charged(&mut self.spent, |seat| {
                (seat.is_free(), seat.process_once(columns, rows, now_ns, metrics))
            });
            match tried {
                Ok(outcome) => {
                    failed += outcome.errors.len();
                    self.settle(batch, &outcome, now_ns, metrics)?;
                }
                Err(failure) => {
                    if isolation.failed(range, is_fresh, failure.cost.cpu) == Verdict::Guilty {
                        failed += 1;
                        self.fail_all(batch, &failure, now_ns, metrics)?;
                    }
                    last = failure;
                }
            }
        }
        self.rows = all;
        Ok(failed)
    }

    /// Which rows the hook is handed, its rollout aside.
    fn choose(&mut self, batch: &Batch) {
        self.rows.clear();
        let plan = &self.plan;
        if plan.selection.is_everything() {
            self.rows.extend_from_slice(batch.order());
            return;
        }
        let text = &mut self.text;
        let chosen = batch.order().iter().copied().filter(|&row| plan.selection.takes(batch, row, text));
        self.rows.extend(chosen);
    }

    /// Does what the hook said.
    fn settle(
        &mut self,
        batch: &mut Batch,
        outcome: &Outcome,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<(), Stop> {
        metrics.rows.add(self.rows.len() as u64);
        if let Err(stop) = self.decide(batch, outcome, now_ns, metrics) {
            if matches!(stop, Stop::Hook { .. }) {
                // These are dead letters now; the others were not processed.
                let fates = &self.fates;
                batch.settle(&self.rows, |place| fates.get(place) != Some(&Fate::Gone), 0, &[]);
            }
            return Err(stop);
        }
        let fates = &self.fates;
        let stays = |place: usize| fates.get(place).is_none_or(|fate| *fate == Fate::Stays);
        if !outcome.writes.is_empty() {
            let writes: Vec<Write<'_>> = self
                .plan
                .writes
                .iter()
                .zip(&outcome.writes)
                .map(|(&node, column)| Write { node, column })
                .collect();
            let slots_matter = !self.plan.is_last || !outcome.emission.events.ends.is_empty();
            let applied = batch.apply(&writes, &self.rows, stays, slots_matter, &mut self.scratch);
            metrics.written.add(applied.rows);
            metrics.refused.add(applied.refused);
        }
        let emitted = outcome.emission.events.ends.len();
        if emitted > 0 {
            self.emit(batch, &outcome.emission, now_ns);
        }
        if emitted > 0 || !self.fates.is_empty() {
            let fates = &self.fates;
            let keep = |place: usize| !matches!(fates.get(place), Some(Fate::Dropped | Fate::Gone));
            batch.settle(&self.rows, keep, emitted, &outcome.emission.after);
        }
        Ok(())
    }

    /// Says what becomes of each row; no fates at all mean that every row stays.
    fn decide(
        &mut self,
        batch: &Batch,
        outcome: &Outcome,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<(), Stop> {
        self.fates.clear();
        if outcome.errors.is_empty() && !outcome.keep.contains(&0) {
            return Ok(());
        }
        self.fates.resize(self.rows.len(), Fate::Stays);
        for (fate, keep) in self.fates.iter_mut().zip(&outcome.keep) {
            if *keep == 0 {
                *fate = Fate::Dropped;
            }
        }
        metrics.record_failures(FailureKind::RowError, outcome.errors.len() as u64);
        for (place, message) in &outcome.errors {
            let Some(&row) = self.rows.get(*place as usize) else { continue };
            let message = message.clone();
            let failure = Failure::new(FailureKind::RowError, message, Cost::default());
            self.note_failed(batch, row, &failure, now_ns);
            if let Some(fate) = self.fates.get_mut(*place as usize) {
                *fate = Fate::of_failed(self.plan.on_error);
            }
        }
        if let Some((_, message)) = outcome.errors.first() {
            if let Some(number) = metrics.failure_to_tell() {
                let (hook, rows) = (&*self.plan.name, outcome.errors.len());
                tracing::warn!(hook, rows, "it says that rows failed: {message} (failure {number})");
            }
            let message = message.clone();
            let failure = Failure::new(FailureKind::RowError, message, Cost::default());
            self.follow_on_error(&failure, outcome.errors.len(), metrics)?;
        }
        let dropped = self.fates.iter().filter(|&&fate| fate == Fate::Dropped).count();
        metrics.dropped.add(dropped as u64);
        Ok(())
    }

    /// All chosen rows follow `on_error`.
    fn fail_all(
        &mut self,
        batch: &mut Batch,
        failure: &Failure,
        now_ns: u64,
        metrics: &HookMetrics,
    ) -> Result<(), Stop> {
        for index in 0..self.rows.len() {
            let Some(&row) = self.rows.get(index) else { break };
            self.note_failed(batch, row, failure, now_ns);
        }
        let followed = self.follow_on_error(failure, self.rows.len(), metrics);
        let are_kept = matches!(followed, Ok(()) | Err(Stop::Hook { .. }));
        if are_kept && Fate::of_failed(self.plan.on_error) == Fate::Gone {
            batch.settle(&self.rows, |_| false, 0, &[]);
        }
        followed
    }

    /// Notes a row that the hook failed on, and among the dead letters if that is where it goes.
    fn note_failed(&mut self, batch: &Batch, row: u32, failure: &Failure, now_ns: u64) {
        if let Some(failed) = &mut self.failed {
            failed.push((row, failure.clone()));
        }
        if matches!(self.plan.on_error, OnError::DeadLetter | OnError::Stop) {
            self.letters.write(&self.plan, &mut self.place, batch, row, failure, now_ns);
        }
    }

    /// Puts the dead letters on disk, counts the rows that failed, and stops the run if that is what is asked.
    fn follow_on_error(&mut self, failure: &Failure, rows: usize, metrics: &HookMetrics) -> Result<(), Stop> {
        let rows = rows as u64;
        if self.plan.hands_back {
            metrics.handed_back.add(rows);
            return Ok(());
        }
        match self.plan.on_error {
            OnError::Pass => metrics.passed.add(rows),
            OnError::Drop => metrics.error_dropped.add(rows),
            OnError::DeadLetter | OnError::Stop => self.letters.keep(&self.plan, rows, metrics)?,
        }
        match self.plan.on_error {
            OnError::Stop => Err(Stop::Hook { hook: self.plan.name.to_string(), failure: failure.clone() }),
            _ => Ok(()),
        }
    }

    /// Adds the events that the hook emitted to the end of the batch.
    pub(crate) fn emit(&mut self, batch: &mut Batch, emission: &Emission, now_ns: u64) {
        Stage::emit_of(&self.plan, emission, &mut self.emitted, batch, now_ns);
    }

    /// Ends its instance; the last events of that, none if it failed, which is told.
    pub(crate) fn end(&mut self, reason: Reason) -> Emission {
        let plan = self.plan.clone();
        self.place.with(|seat| seat.teardown(reason, &plan.metrics)).unwrap_or_else(|failure| {
            let (hook, whose) = (&*plan.name, if plan.hands_back { " of its candidate" } else { "" });
            tracing::warn!(hook, "teardown{whose} failed: {}: {failure}", failure.kind.name());
            Emission::default()
        })
    }

    /// Keeps numbers for so many events that it will have emitted elsewhere; the first of them.
    pub(crate) fn reserve(&mut self, events: usize) -> u64 {
        let first = self.emitted;
        self.emitted += events as u64;
        first
    }

    /// The same for a hook that may be gone, which emitted so many before.
    pub(crate) fn emit_of(
        plan: &StagePlan,
        emission: &Emission,
        emitted: &mut u64,
        batch: &mut Batch,
        now_ns: u64,
    ) {
        let received_ns = i64::try_from(now_ns).unwrap_or(i64::MAX);
        let origin = batch.add_origin(Origin { received_ns, ..plan.origin.clone() });
        for index in 0..emission.events.ends.len() {
            // It was checked to be an object, so it is added.
            batch.push_text(origin, *emitted, |out| out.extend_from_slice(emission.events.get(index)));
            *emitted += 1;
        }
        plan.metrics.emitted.add(emission.events.ends.len() as u64);
    }
}

/// What the messages of rows that nobody knows the guilt of begin with, and what comes before the last failure in them.
const NOT_ISOLATED: (&str, &str) = ("whether this event is to blame is not known: ", "; the last failure: ");

/// What failed, from the message of a row that was isolated or was not.
pub(crate) fn failed_in(message: &str) -> &str {
    let (start, joint) = NOT_ISOLATED;
    let last = message.strip_prefix(start).and_then(|rest| rest.split_once(joint));
    last.map_or(message, |(_, last)| last)
}

/// Why rows failed of which nobody knows whether they are guilty.
fn not_isolated(last: &Failure) -> Failure {
    let (start, joint) = NOT_ISOLATED;
    let message = format!(
        "{start}the search for the guilty ones of its batch ended after {} failures or {} deadlines{joint}{}",
        isolate::MOST_FAILURES,
        isolate::MOST_DEADLINES,
        last.message
    );
    Failure { message, ..last.clone() }
}

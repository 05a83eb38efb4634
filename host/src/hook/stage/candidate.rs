//! A second version of a hook, tried beside the one at work.
//!
//! With a share, it is handed these rows instead; those that it cannot process are handed to the version at work, so that
//! nothing is lost by a trial. As a shadow, it is handed copies; nothing comes of what it does, and what it would have done
//! otherwise is counted, and kept as samples. It is not used while the breaker of either version is open.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Stage, StagePlan};
use crate::event::batch::Batch;
use crate::hook::breaker::Ticket;
use crate::hook::chain::Stop;
use crate::hook::differences::{Differences, Outcome};
use crate::hook::gate::Way;

/// A candidate in one worker.
pub(crate) struct Candidate {
    stage: Stage,
    /// The copies, if it is a shadow.
    copies: Option<Copies>,
}

/// What a shadow is handed.
struct Copies {
    batch: Batch,
    /// The rows that they are of.
    rows: Vec<u32>,
    differences: Arc<Differences>,
}

impl Candidate {
    /// A candidate that this stage is.
    pub(crate) fn new(stage: Stage) -> Candidate {
        let copies = stage.plan.shadow.clone().map(|differences| Copies {
            batch: Batch::new(stage.plan.projection.clone()),
            rows: Vec::new(),
            differences,
        });
        Candidate { stage, copies }
    }

    /// The same by another plan of its hook.
    pub(crate) fn planned(self, plan: Arc<StagePlan>) -> Candidate {
        Candidate::new(self.stage.planned(plan))
    }

    pub(crate) fn into_stage(self) -> Stage {
        self.stage
    }

    pub(crate) fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    pub(crate) fn plan(&self) -> &Arc<StagePlan> {
        &self.stage.plan
    }

    /// Whether what it emits leaves.
    pub(crate) fn is_shadow(&self) -> bool {
        self.copies.is_some()
    }

    /// Hands it its share of `rows`, unless it is a shadow: those that it processed are no longer among them.
    pub(super) fn take_share(
        &mut self,
        batch: &mut Batch,
        rows: &mut Vec<u32>,
        now_ns: u64,
    ) -> Result<(), Stop> {
        if self.copies.is_some() {
            return Ok(());
        }
        self.choose(batch, rows);
        let Some(ticket) = self.admitted(now_ns) else { return Ok(()) };
        let failed: HashSet<u32> = self.stage.attempt(batch, ticket, now_ns)?.into_iter().collect();
        let mut taken = self.stage.rows.iter().copied().peekable();
        rows.retain(|row| taken.next_if_eq(row).is_none() || failed.contains(row));
        Ok(())
    }

    /// Copies its share of `rows`, if it is a shadow, as they are before the version at work changes them.
    pub(super) fn copy(&mut self, batch: &Batch, rows: &[u32]) {
        if self.copies.is_none() {
            return;
        }
        self.choose(batch, rows);
        let Some(copies) = &mut self.copies else { return };
        copies.batch.clear();
        copies.rows.clear();
        for &row in &self.stage.rows {
            let Some(origin) = batch.origin(row) else { continue };
            let origin = copies.batch.add_origin(origin.clone());
            let text = batch.text(row);
            if copies.batch.push_text(origin, batch.offset(row), |out| out.extend_from_slice(text)) {
                copies.rows.push(row);
            }
        }
    }

    /// Hands it the copies and compares what came of them. `failed` are the rows that the version at work failed on,
    /// `emitted` what it emitted.
    pub(super) fn compare(
        &mut self,
        batch: &Batch,
        failed: &HashSet<u32>,
        emitted: usize,
        now_ns: u64,
    ) -> Result<(), Stop> {
        if self.copies.as_ref().is_none_or(|copies| copies.rows.is_empty()) {
            return Ok(());
        }
        let Some(ticket) = self.admitted(now_ns) else { return Ok(()) };
        let Some(copies) = &mut self.copies else { return Ok(()) };
        self.stage.rows.clear();
        self.stage.rows.extend_from_slice(copies.batch.order());
        let handed = copies.batch.len();
        let own_failed: HashSet<u32> =
            self.stage.attempt(&mut copies.batch, ticket, now_ns)?.into_iter().collect();
        let kept: HashSet<u32> = batch.order().iter().copied().collect();
        let own_kept: HashSet<u32> = copies.batch.order().iter().copied().collect();
        for (copy, row) in (0u32..).zip(&copies.rows) {
            if failed.contains(row) || own_failed.contains(&copy) {
                continue;
            }
            copies.differences.note(
                batch.id(*row),
                Outcome { kept: kept.contains(row), text: batch.text(*row) },
                Outcome { kept: own_kept.contains(&copy), text: copies.batch.text(copy) },
            );
        }
        let own_emitted = own_kept.iter().filter(|&&row| row as usize >= handed).count();
        if own_failed.is_empty() && failed.is_empty() {
            copies.differences.note_emitted(emitted, own_emitted);
        }
        Ok(())
    }

    /// Which of `rows` are in its share.
    fn choose(&mut self, batch: &Batch, rows: &[u32]) {
        let Stage { plan, rows: own, deciding, .. } = &mut self.stage;
        own.clear();
        match &plan.rollout {
            None => own.extend_from_slice(rows),
            Some(rollout) => own.extend(rows.iter().filter(|row| rollout.takes(batch, **row, deciding))),
        }
    }

    /// Whether it may be called, if there is anything to hand to it.
    fn admitted(&mut self, now_ns: u64) -> Option<Option<Ticket>> {
        if self.stage.rows.is_empty() && self.copies.is_none() {
            return None;
        }
        match &self.stage.plan.gate {
            None => Some(None),
            Some(gate) => match gate.admit(now_ns) {
                Way::In(ticket) => Some(Some(ticket)),
                _ => None,
            },
        }
    }
}

impl Stage {
    /// Hands the chosen rows to the hook without looking for the guilty ones; those that it did not process. They stay as
    /// they were.
    fn attempt(&mut self, batch: &mut Batch, ticket: Option<Ticket>, now_ns: u64) -> Result<Vec<u32>, Stop> {
        let plan = self.plan.clone();
        let metrics = &*plan.metrics;
        self.spent = Duration::ZERO;
        metrics.handed.add(self.rows.len() as u64);
        metrics.surrogates.add(self.read(batch));
        let (columns, rows) = (&self.columns, self.rows.len());
        let failed =
            match self.place.charged(&mut self.spent, |seat| seat.process(columns, rows, now_ns, metrics)) {
                Ok(outcome) => {
                    let rows = outcome.errors.iter().filter_map(|(place, _)| self.rows.get(*place as usize));
                    let failed: Vec<u32> = rows.copied().collect();
                    if let Some(written) = &plan.written {
                        let changed: Vec<u32> =
                            self.rows.iter().copied().filter(|row| !failed.contains(row)).collect();
                        metrics.duplicates.add(batch.delete_duplicates(&changed, written));
                    }
                    self.settle(batch, &outcome, now_ns, metrics)?;
                    failed
                }
                Err(_) => {
                    metrics.handed_back.add(rows as u64);
                    self.rows.clone()
                }
            };
        let last = self.place.charged(&mut self.spent, |seat| seat.recycle_if_due(now_ns, metrics));
        if !last.events.ends.is_empty() {
            self.emit(batch, &last, now_ns);
        }
        if let (Some(gate), Some(ticket)) = (&plan.gate, ticket) {
            gate.report(ticket, failed.len() * 2 <= rows, rows as u64, self.spent, now_ns, metrics);
        }
        Ok(failed)
    }
}

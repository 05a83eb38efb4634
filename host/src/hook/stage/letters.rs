//! The dead letters of one stage, on their way to disk.
//!
//! Rows are written down one after the other, each with what its call can be made again from, and put on disk together
//! before any of them leaves the batch.

use std::sync::Arc;

use super::StagePlan;
use crate::event::batch::Batch;
use crate::hook::chain::Stop;
use crate::hook::dead_letters::Reason;
use crate::hook::failure::Failure;
use crate::hook::place::Place;
use crate::metrics::HookMetrics;

/// What was written down and is not on disk yet.
#[derive(Default)]
pub(super) struct Letters {
    lines: Vec<u8>,
    /// What the letters that are written now refer to.
    kept: Option<KeptSetup>,
    /// It was told that something could not be kept.
    told_unkept: bool,
    /// So many rows, the first of a batch, are dead letters of this hook already: they stay what they are.
    pub(super) before: u32,
}

/// A hook's setup that was kept for the dead letters.
struct KeptSetup {
    /// The state that is part of it.
    state: Option<Arc<[u8]>>,
    /// What it is found by; none: it could not be kept.
    digest: Option<String>,
}

impl KeptSetup {
    fn is_of(&self, state: Option<&Arc<[u8]>>) -> bool {
        match (&self.state, state) {
            (None, None) => true,
            (Some(kept), Some(state)) => Arc::ptr_eq(kept, state),
            _ => false,
        }
    }
}

impl Letters {
    /// Writes a row down, unless it is a letter already.
    pub(super) fn write(
        &mut self,
        plan: &StagePlan,
        place: &mut Place,
        batch: &Batch,
        row: u32,
        failure: &Failure,
        now_ns: u64,
    ) {
        if row < self.before {
            return;
        }
        self.keep_setup(plan, place);
        let kept = self.kept.as_ref().and_then(|kept| kept.digest.as_deref());
        let aside = plan.asides.names(batch, row);
        let reason = Reason { setup: &plan.setup, kept, aside, failure, now_ns };
        plan.dead_letters.write(batch, row, &reason, &mut self.lines);
    }

    /// Puts what was written down, of so many rows, on disk.
    pub(super) fn keep(&mut self, plan: &StagePlan, rows: u64, metrics: &HookMetrics) -> Result<(), Stop> {
        let lines = std::mem::take(&mut self.lines);
        plan.dead_letters.append(&plan.name, &lines)?;
        metrics.dead_letters.add(rows);
        Ok(())
    }

    /// Keeps what the failed call can be made again from, once for each state.
    fn keep_setup(&mut self, plan: &StagePlan, place: &mut Place) {
        let (worker, state) = place.with(|seat| (seat.worker(), seat.last_save()));
        if self.kept.as_ref().is_some_and(|kept| kept.is_of(state.as_ref())) {
            return;
        }
        let kept = plan.dead_letters.keep_setup(&plan.setup, worker, state.as_deref());
        if let Err(error) = &kept
            && !std::mem::replace(&mut self.told_unkept, true)
        {
            let hook = &*plan.name;
            tracing::warn!(hook, "its dead letters are kept, but cannot be exported: {error}");
        }
        self.kept = Some(KeptSetup { state, digest: kept.ok().flatten() });
    }
}

//! A batch meets a hook while somebody looks: what the events were before, and what became of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::sight::{What, Why};
use super::{Picked, Tap, Taps};
use crate::event::batch::Batch;
use crate::hook::failure::Failure;
use crate::hook::rollout::Admission;

/// The events that are looked at, before the hook.
#[derive(Debug)]
pub(crate) struct Meeting {
    hook: Arc<str>,
    /// Rows of the batch from this number on are new afterwards.
    rows: u32,
    looks: Vec<(Arc<Tap>, Picked, Vec<Before>)>,
}

/// One event before the hook.
#[derive(Debug)]
struct Before {
    row: u32,
    /// Why it is not handed over; none: it is.
    passed_by: Option<Why>,
    text: Vec<u8>,
}

/// What the stage says of the batch.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// Why the hook was not called; none: it was.
    pub(crate) uncalled: Option<Why>,
    /// The rows that it failed on.
    pub(crate) failed: Vec<(u32, Failure)>,
}

impl Taps {
    /// A batch is about to meet a hook. None: nobody looks.
    pub(crate) fn meeting(
        &self,
        hook: &Arc<str>,
        batch: &Batch,
        admission: impl Fn(u32) -> Admission,
    ) -> Option<Meeting> {
        if self.are_none() {
            return None;
        }
        let before = |row: u32| {
            let admission = admission(row);
            let passed_by = match (admission.is_handed(), admission.selection.taken) {
                (true, _) => None,
                (false, true) => Some(Why::Rollout),
                (false, false) => Some(Why::Match),
            };
            Before { row, passed_by, text: batch.text(row).to_vec() }
        };
        let looks: Vec<_> = self
            .at(Some(hook))
            .into_iter()
            .map(|tap| {
                let picked = tap.pick(batch, batch.order());
                let befores = picked.rows.iter().map(|&row| before(row)).collect();
                (tap, picked, befores)
            })
            .collect();
        let rows = batch.rows.len() as u32;
        (!looks.is_empty()).then(|| Meeting { hook: hook.clone(), rows, looks })
    }
}

impl Meeting {
    /// It has met the hook.
    pub(crate) fn end(self, batch: &Batch, met: &Met) {
        let Meeting { hook, rows, looks } = self;
        let left: HashSet<u32> = batch.order().iter().copied().collect();
        let failed: HashMap<u32, &Failure> =
            met.failed.iter().map(|(row, failure)| (*row, failure)).collect();
        let mut new: Vec<u32> = left.iter().copied().filter(|&row| row >= rows).collect();
        new.sort_unstable();
        for (tap, picked, befores) in looks {
            for Before { row, passed_by, text } in befores {
                let hook = hook.clone();
                let what = match (passed_by.or(met.uncalled), failed.get(&row)) {
                    (Some(why), _) if left.contains(&row) => What::PassedBy { hook, why },
                    (_, Some(failure)) => {
                        What::Failed { hook, kind: failure.kind.name(), message: failure.message.clone() }
                    }
                    (why, None) if !left.contains(&row) => What::Dropped { hook, why },
                    _ => What::Kept { hook, after: batch.text(row).to_vec() },
                };
                tap.show(batch, row, &text, what);
            }
            tap.count(&picked);
            if !new.is_empty() {
                let picked = tap.pick(batch, &new);
                for &row in &picked.rows {
                    tap.show(batch, row, batch.text(row), What::Emitted { hook: hook.clone() });
                }
                tap.count(&picked);
            }
        }
    }
}

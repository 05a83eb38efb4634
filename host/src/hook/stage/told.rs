//! A stage that tells what became of a batch, for who looks at it through a tap.
//!
//! It costs a list of the rows that failed, and only while somebody looks.

use super::{Passage, Stage};
use crate::event::batch::Batch;
use crate::hook::chain::Stop;
use crate::tap::meeting::Met;
use crate::tap::sight::Why;

impl Stage {
    /// Does what [`process`](Stage::process) does, and tells what became of the batch.
    pub(crate) fn process_and_tell(
        &mut self,
        batch: &mut Batch,
        now_ns: u64,
        queued: bool,
    ) -> Result<(Passage, Met), Stop> {
        let watched = self.failed.replace(Vec::new());
        self.was_let_in = false;
        let passage = self.process(batch, now_ns, queued);
        let failed = std::mem::replace(&mut self.failed, watched).unwrap_or_default();
        if let Some(watched) = &mut self.failed {
            watched.extend_from_slice(&failed);
        }
        let uncalled = match (self.was_let_in, self.plan.is_paused) {
            (true, _) => None,
            (false, true) => Some(Why::Paused),
            (false, false) => Some(Why::Open),
        };
        Ok((passage?, Met { uncalled, failed }))
    }
}

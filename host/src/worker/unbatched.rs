//! Lines on their way into batches: an object as it is, any other line wrapped as one.

use crate::config;
use crate::decode::{self, Form, Lines};
use crate::event::batch::{Batch, Origin};
use crate::metrics::SourceMetrics;

/// Lines of one stream that are not all in a batch yet.
pub struct Unbatched<'l> {
    lines: &'l Lines,
    next: usize,
}

/// Why no more lines were added to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// The batch is full; there may be more lines.
    Full,
    /// All lines are in.
    AllIn,
}

impl<'l> Unbatched<'l> {
    /// All of `lines`.
    pub fn new(lines: &'l Lines) -> Unbatched<'l> {
        Unbatched { lines, next: 0 }
    }

    /// How many lines are in no batch yet.
    pub fn left(&self) -> usize {
        self.lines.lines.len().saturating_sub(self.next)
    }

    /// Adds lines, which come from `origin`, until the batch is full.
    pub fn fill(
        &mut self,
        batch: &mut Batch,
        origin: &Origin,
        full: &config::Batch,
        counts: &SourceMetrics,
    ) -> Filled {
        let left = self.lines.lines.get(self.next..).unwrap_or(&[]);
        if left.is_empty() {
            return Filled::AllIn;
        }
        let block = batch.add_block(self.lines.block.clone());
        let origin = batch.add_origin(origin.clone());
        let (mut added, mut wrapped, mut not_json) = (0, 0, 0);
        let mut filled = Filled::AllIn;
        for line in left {
            let is_object =
                line.form != Form::Text && batch.push_line(block, line.start, line.end, origin, line.offset);
            if !is_object {
                wrapped += 1;
                not_json += u64::from(line.form == Form::Json);
                let text = self.lines.block.get(line.start as usize..line.end as usize).unwrap_or(&[]);
                batch.push_text(origin, line.offset, |out| decode::wrap(text, out));
            }
            added += 1;
            if batch.len() >= full.rows || batch.bytes() >= full.bytes {
                filled = Filled::Full;
                break;
            }
        }
        self.next += added;
        counts.events.add(added as u64);
        counts.wrapped.add(wrapped);
        counts.not_json.add(not_json);
        filled
    }
}

//! The buffer that a stream is read into, and what becomes of it.
//!
//! Reading fills a buffer of [`BLOCK`] bytes. Its complete lines leave as a block: the buffer itself if they fill at
//! least half of it, else a copy of their size, so that a stream of single lines does not keep a buffer for each.
//! The incomplete rest moves to the front of the next buffer.
//!
//! Bounds: a byte is looked at once for newlines and moved at most once per block, whatever the reads. The buffer
//! grows only for a line that does not fit, up to the look-ahead and one read, and shrinks after it. Buffers of the
//! usual size go round in a pool.

use std::sync::Arc;

use memchr::memrchr;

use super::cut::Cutter;
use super::{Counts, Draft, Lines, Options};
use crate::pool::{Buffer, Pool};

/// The size of a buffer, in bytes: many lines share a block, and it stays in a core's own cache.
pub const BLOCK: usize = 128 << 10;

/// What a read is offered at least: what a pipe holds.
const READ: usize = 64 << 10;

/// One stream's bytes on their way to lines.
#[derive(Debug)]
pub struct Framer {
    cutter: Cutter,
    pool: Pool,
    /// Empty, or all of it readable into from `filled` on.
    buffer: Buffer,
    filled: usize,
    /// There is no newline before it.
    searched: usize,
    /// Of the buffer's first byte in the stream.
    offset: u64,
    /// What was seen and not handed out yet.
    counts: Counts,
}

impl Framer {
    /// For a stream of which `offset` bytes were read before; a byte order mark is looked for at 0 only.
    pub fn new(options: Options, offset: u64) -> Framer {
        let cutter = Cutter::new(options);
        Framer {
            cutter,
            pool: Pool::new(BLOCK),
            buffer: Buffer::default(),
            filled: 0,
            searched: 0,
            offset,
            counts: Counts::default(),
        }
    }

    /// Where to read into: at least 64 KiB.
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.len() - self.filled < READ {
            let doubled = (self.buffer.len() * 2).min(self.cutter.look_ahead() + READ);
            let size = doubled.max(self.filled + READ).max(BLOCK);
            if self.buffer.is_empty() {
                self.buffer = self.pool.take();
            }
            resize(&mut self.buffer, size);
        }
        self.buffer.get_mut(self.filled..).unwrap_or(&mut [])
    }

    /// Says how many bytes of [`Framer::space`] were read.
    pub fn advance(&mut self, read: usize) {
        self.filled = (self.filled + read).min(self.buffer.len());
    }

    /// The lines that are complete. Call it after each read.
    pub fn take(&mut self) -> Option<Lines> {
        let fresh = self.buffer.get(self.searched..self.filled)?;
        let newline = memrchr(b'\n', fresh).map(|at| self.searched + at);
        self.searched = self.filled;
        match newline {
            Some(newline) => {
                let block = self.split_off(newline + 1);
                let bytes = block.len() as u64;
                let draft = self.cutter.complete(block, self.offset);
                self.used(bytes);
                self.hand_out(draft)
            }
            None if self.cutter.is_long(self.filled) => {
                let rest = self.buffer.get(..self.filled)?;
                let mut draft = Draft::default();
                let used = self.cutter.incomplete(rest, self.offset, &mut draft);
                if used > 0 {
                    self.remove(used);
                    self.used(used as u64);
                }
                self.hand_out(draft)
            }
            None => None,
        }
    }

    /// The stream has ended: the rest is its last line, with or without a newline.
    pub fn finish(&mut self) -> Option<Lines> {
        let mut draft = Draft::default();
        if self.filled > 0 {
            let bytes = self.filled as u64;
            if let Some(end) = self.space().first_mut() {
                *end = b'\n';
            }
            self.filled += 1;
            let block = self.split_off(self.filled);
            draft = self.cutter.complete(block, self.offset);
            self.used(bytes);
        }
        self.cutter.finish(&mut draft);
        let lines = self.hand_out(draft);
        if lines.is_none() && self.counts != Counts::default() {
            let counts = std::mem::take(&mut self.counts);
            return Some(Lines { block: Arc::default(), lines: Vec::new(), counts });
        }
        lines
    }

    fn used(&mut self, bytes: u64) {
        self.counts.bytes += bytes;
        self.offset += bytes;
    }

    fn hand_out(&mut self, draft: Draft) -> Option<Lines> {
        self.counts.add(draft.counts);
        if draft.lines.is_empty() {
            return None;
        }
        let counts = std::mem::take(&mut self.counts);
        Some(Lines { block: Arc::new(draft.block), lines: draft.lines, counts })
    }

    /// Takes the first `size` bytes, as the buffer itself or as a copy.
    fn split_off(&mut self, size: usize) -> Buffer {
        if size < self.buffer.len() / 2 {
            let block = self.buffer.get(..size).unwrap_or(&[]).to_vec();
            self.remove(size);
            return block.into();
        }
        let rest = self.buffer.get(size..self.filled).unwrap_or(&[]);
        let mut next = Buffer::default();
        if !rest.is_empty() {
            next = self.pool.take();
            resize(&mut next, BLOCK.max(rest.len() + READ));
            if let Some(front) = next.get_mut(..rest.len()) {
                front.copy_from_slice(rest);
            }
        }
        self.filled = rest.len();
        self.searched = self.filled;
        let mut block = std::mem::replace(&mut self.buffer, next);
        block.truncate(size);
        block
    }

    /// Removes the first `size` bytes and keeps the buffer, without what it grew by.
    fn remove(&mut self, size: usize) {
        self.buffer.copy_within(size..self.filled, 0);
        self.filled -= size;
        self.searched = self.filled;
        if self.buffer.len() > BLOCK && self.filled <= BLOCK - READ {
            self.buffer.truncate(BLOCK);
            self.buffer.shrink_to_fit();
        }
    }
}

/// Makes a buffer so long, without room to grow.
fn resize(buffer: &mut Buffer, size: usize) {
    let more = size.saturating_sub(buffer.len());
    buffer.reserve_exact(more);
    buffer.resize(size, 0);
}

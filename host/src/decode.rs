//! (2) Bytes of a stream into lines: cut at newlines, made valid UTF-8, too long ones taken apart.
//!
//! Pure: no I/O, no clock, and the same bytes give the same lines however they were split into reads. Whoever
//! reads a stream has a [`Framer`] for it; the buffer that was read into becomes the block that the lines lie in,
//! so an ordinary line is not copied. Whether a line is a JSON object is found out by the worker's one pass over
//! it, which is why a [`Line`] only says what to do in either case.
//!
//! Bounds: of a line without an end at most [`LOOK_AHEAD`] times the largest event is held; a longer one leaves in
//! parts as it comes. Blocks stay below 4 GiB because the largest event is at most [`MAX_EVENT_BYTES`]. Nothing is
//! refused: what is broken is repaired and counted in [`Counts`].

mod container;
mod cut;
mod docker;
mod framer;
mod object;
mod parts;
#[cfg(test)]
mod tests;

use crate::event::batch::Block;
use crate::event::escape;
use crate::pool::Buffer;

pub use framer::{BLOCK, Framer};

/// A larger `max_event_bytes` is taken as this: 16 times it, each byte escaped as `\u0001`, still has an index of
/// 32 bits.
pub const MAX_EVENT_BYTES: usize = 32 << 20;

/// A smaller `max_event_bytes` is taken as this, the longest character.
pub const MIN_EVENT_BYTES: usize = 4;

/// How many times the largest event is held of one line, to tell its parts how many they are.
pub const LOOK_AHEAD: usize = 16;

/// How a stream's bytes become lines.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A line with more bytes than this, as UTF-8, is taken apart.
    pub max_event_bytes: usize,
    /// What the lines are.
    pub format: Format,
}

/// What the lines of a stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON objects as they are, any other line as `{"message":"<line>"}`.
    Auto,
    /// The same, but a line that is no object is counted.
    Json,
    /// Every line as `{"message":"<line>"}`.
    Text,
    /// Log files of the Container Runtime Interface: `<time> <stream> <F or P> <text>`.
    Cri,
    /// Log files of Docker's json-file driver: `{"log":"<text>\n","stream":"stdout","time":"<time>"}`.
    Docker,
}

/// What to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An object as it is, else wrapped.
    Auto,
    /// The same, but counted when it is no object.
    Json,
    /// Always wrapped.
    Text,
    /// An object that was made here.
    Event,
}

/// A line: `block[start..end]`, followed by a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its first byte in the block.
    pub start: u32,
    /// Behind its last byte.
    pub end: u32,
    /// Where its first raw byte lies in the stream.
    pub offset: u64,
    /// What to do with it.
    pub form: Form,
}

/// Complete lines.
#[derive(Debug)]
pub struct Lines {
    /// What they lie in: valid UTF-8 as a whole.
    pub block: Block,
    /// In the stream's order. None only at a stream's end, to hand over the last counts.
    pub lines: Vec<Line>,
    /// What was seen since the lines before.
    pub counts: Counts,
}

/// What was seen on the way to some lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Raw bytes, newlines and all.
    pub bytes: u64,
    /// Lines of nothing but spaces, tabs and carriage returns; skipped.
    pub blank_lines: u64,
    /// Lines that were not UTF-8: each wrong sequence has become U+FFFD.
    pub repaired_lines: u64,
    /// Lines that were taken apart, because they are longer than the largest event.
    pub oversize_lines: u64,
}

impl Counts {
    fn add(&mut self, more: Counts) {
        self.bytes += more.bytes;
        self.blank_lines += more.blank_lines;
        self.repaired_lines += more.repaired_lines;
        self.oversize_lines += more.oversize_lines;
    }
}

/// Appends the event of a line that is no JSON object, `{"message":"<line>"}`. The line is UTF-8.
pub fn wrap(line: &[u8], out: &mut Vec<u8>) {
    out.reserve(line.len() + 16);
    out.extend_from_slice(b"{\"message\":\"");
    escape::append(line, out);
    out.extend_from_slice(b"\"}");
}

/// A block that is being written, with its lines.
#[derive(Debug, Default)]
struct Draft {
    block: Buffer,
    lines: Vec<Line>,
    counts: Counts,
}

impl Draft {
    /// Adds the line that `write` appends, and the newline after it.
    fn push(&mut self, offset: u64, form: Form, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.block.len() as u32;
        write(&mut self.block);
        self.lines.push(Line { start, end: self.block.len() as u32, offset, form });
        self.block.push(b'\n');
    }
}

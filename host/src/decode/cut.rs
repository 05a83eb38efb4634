//! Complete lines out of a block, in place where nothing has to be changed.
//!
//! Only `\n` ends a line; one `\r` before it is dropped. A block that is UTF-8 and has no line that is too long
//! stays as it was read. Any other is written anew, line by line: the bad lines repaired, the long ones taken apart,
//! the container runtimes' ones unpacked. That happens once per block, so the cost is linear in its bytes.

use memchr::memchr_iter;

use super::container::Container;
use super::parts::Parts;
use super::{Draft, Form, Format, LOOK_AHEAD, Line, MAX_EVENT_BYTES, MIN_EVENT_BYTES, Options};
use crate::pool::Buffer;

/// For the first guess of how many lines a block has.
const USUAL_LINE: usize = 256;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Makes lines of bytes, with what it has to remember from one block to the next.
#[derive(Debug)]
pub(super) struct Cutter {
    max: usize,
    form: Form,
    container: Option<Container>,
    /// The line at hand has begun to leave in parts.
    long: Option<Parts>,
}

impl Cutter {
    pub(super) fn new(options: Options) -> Cutter {
        let max = options.max_event_bytes.clamp(MIN_EVENT_BYTES, MAX_EVENT_BYTES);
        let (form, container) = match options.format {
            Format::Auto => (Form::Auto, None),
            Format::Json => (Form::Json, None),
            Format::Text => (Form::Text, None),
            Format::Cri => (Form::Text, Some(Container::cri(max))),
            Format::Docker => (Form::Text, Some(Container::docker(max))),
        };
        Cutter { max, form, container, long: None }
    }

    /// How many bytes of one line are held.
    pub(super) fn look_ahead(&self) -> usize {
        self.max * LOOK_AHEAD
    }

    /// Whether a line of which `len` bytes are there, and no end, leaves in parts.
    pub(super) fn is_long(&self, len: usize) -> bool {
        self.long.is_some() || len > self.look_ahead()
    }

    /// Cuts a block whose last byte is a newline and whose first one lies at `offset`.
    pub(super) fn complete(&mut self, block: Buffer, offset: u64) -> Draft {
        let utf8 = simdutf8::basic::from_utf8(&block).is_ok();
        if !utf8 || self.container.is_some() || self.long.is_some() {
            return self.rewrite(&block, offset, utf8);
        }
        self.in_place(block, offset).unwrap_or_else(|block| self.rewrite(&block, offset, utf8))
    }

    /// Takes parts off a long line whose end is not there yet. Returns how many bytes are done with.
    pub(super) fn incomplete(&mut self, rest: &[u8], offset: u64, draft: &mut Draft) -> usize {
        let skipped = if self.long.is_none() { mark_len(rest, offset) } else { 0 };
        let text = rest.get(skipped..).unwrap_or(&[]);
        let long = self.long.get_or_insert_default();
        skipped + long.more(text, offset + skipped as u64, self.max, draft)
    }

    /// Adds what waited for more lines.
    pub(super) fn finish(&mut self, draft: &mut Draft) {
        if let Some(container) = &mut self.container {
            container.finish(draft);
        }
    }

    /// Finds the lines where they lie, or gives the block back when one of them is too long.
    fn in_place(&self, block: Buffer, offset: u64) -> Result<Draft, Buffer> {
        let mut lines = Vec::with_capacity(block.len() / USUAL_LINE + 1);
        let mut blank_lines = 0;
        let mut start = 0;
        let mut text_start = mark_len(&block, offset);
        for newline in memchr_iter(b'\n', &block) {
            let text = without_return(block.get(text_start..newline).unwrap_or(&[]));
            if newline - start > self.look_ahead() {
                return Err(block);
            } else if is_blank(text) {
                blank_lines += 1;
            } else if text.len() > self.max {
                return Err(block);
            } else {
                let end = (text_start + text.len()) as u32;
                lines.push(Line {
                    start: text_start as u32,
                    end,
                    offset: offset + start as u64,
                    form: self.form,
                });
            }
            start = newline + 1;
            text_start = start;
        }
        let mut draft = Draft { block, lines, ..Draft::default() };
        draft.counts.blank_lines = blank_lines;
        Ok(draft)
    }

    /// Writes the lines to a block of their own.
    fn rewrite(&mut self, block: &[u8], offset: u64, utf8: bool) -> Draft {
        let mut draft = Draft::default();
        draft.block.reserve(block.len() + block.len() / 8);
        draft.lines.reserve(block.len() / USUAL_LINE + 1);
        let mut start = 0;
        for newline in memchr_iter(b'\n', block) {
            let raw = block.get(start..newline).unwrap_or(&[]);
            let offset = offset + start as u64;
            match self.long.take() {
                Some(long) => long.last(without_return(raw), offset, self.max, &mut draft),
                None => self.line(raw, offset, utf8, &mut draft),
            }
            start = newline + 1;
        }
        draft
    }

    fn line(&mut self, raw: &[u8], offset: u64, utf8: bool, draft: &mut Draft) {
        let skipped = mark_len(raw, offset);
        let text = without_return(raw.get(skipped..).unwrap_or(&[]));
        let text_offset = offset + skipped as u64;
        if raw.len() > self.look_ahead() {
            return Parts::default().last(text, text_offset, self.max, draft);
        }
        if is_blank(text) {
            draft.counts.blank_lines += 1;
            return;
        }
        let repaired = if utf8 || simdutf8::basic::from_utf8(text).is_ok() {
            None
        } else {
            Some(String::from_utf8_lossy(text).into_owned())
        };
        let line = repaired.as_deref().map_or(text, str::as_bytes);
        if line.len() > self.max {
            return Parts::whole(text, text_offset, self.max, draft);
        }
        draft.counts.repaired_lines += u64::from(repaired.is_some());
        match &mut self.container {
            Some(container) => container.line(line, offset, draft),
            None => draft.push(offset, self.form, |out| out.extend_from_slice(line)),
        }
    }
}

/// The length of the byte order mark at the front of a stream's first line; 0 elsewhere.
fn mark_len(line: &[u8], offset: u64) -> usize {
    if offset == 0 && line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

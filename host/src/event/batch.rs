//! A batch: the events that pass the chain together, as texts, slots and order.
//!
//! A row's text lies where it was read, in a [`Block`] shared with its neighbours, until an edit gives it a new
//! text in the batch's arena. Wherever it lies, the byte after it is a control character (see
//! [`scan`](super::scan)). A batch is always as if every event had just been parsed: each edit leaves the slots
//! right, so whoever comes next sees what it would see after a splice and a fresh parse.
//!
//! Memory: the blocks' bytes, 16 bytes a slot, and the arena, which is compacted when it outgrows the live texts.

use std::sync::Arc;

use super::field::EventTime;
use super::members;
use super::path::Meta;
use super::projection::{NodeId, Projection};
use super::scan::{Scan, Scanner};
use super::slot::Slot;
use crate::pool::Buffer;

/// Complete lines of one stream, valid UTF-8, each followed by a control character.
pub type Block = Arc<Buffer>;

/// Compact the arena when it holds this much more than twice the live texts.
const ARENA_SLACK: usize = 4 << 20;

/// Where events come from, for all rows that share it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Whose `from` rules apply: a source, or the hook that emitted the events.
    pub source: SourceId,
    /// The source's name, or `hook:NAME`.
    pub source_name: Arc<str>,
    /// The unit of order: a file's path, or `stdin`.
    pub stream: Arc<str>,
    /// The file's path, for a file.
    pub file: Option<Arc<str>>,
    /// The machine that the event was written on, as far as the source knows.
    pub host: Arc<str>,
    /// How the source's events carry their own time.
    pub time: Arc<EventTime>,
    /// When the host received the block, in nanoseconds since 1970.
    pub received_ns: i64,
    /// The hash of the stream's identity, for `%id`.
    pub identity: u64,
}

/// Who made an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceId {
    /// The source of this number in the configuration.
    Source(u32),
    /// The hook of this number in the chain.
    Hook(u32),
}

/// A hook that is handed only the rows that an earlier one left to it: its number among such hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aside(u32);

impl Aside {
    /// How many such hooks there can be: one bit of each row stands for one of them.
    pub const MOST: usize = u32::BITS as usize;

    /// The hook of this number; none if there cannot be so many.
    pub fn new(number: usize) -> Option<Aside> {
        u32::try_from(number).ok().and_then(|number| 1u32.checked_shl(number)).map(Aside)
    }
}

/// One event of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// 0: the arena; else a block, counted from 1.
    pub(crate) buffer: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) origin: u32,
    /// Of the line's first byte in its stream; for an emitted event its number.
    pub(crate) offset: u64,
    /// The hooks that it was put aside for, a bit each.
    asides: u32,
    /// An asked key occurs twice in it.
    pub(crate) duplicates: bool,
}

/// Events on their way through the chain.
#[derive(Debug)]
pub struct Batch {
    pub(super) scanner: Scanner,
    blocks: Vec<Block>,
    pub(crate) arena: Vec<u8>,
    origins: Vec<Origin>,
    pub(crate) rows: Vec<Row>,
    slots: Vec<Slot>,
    /// The rows that are still there, in the order in which they leave.
    order: Vec<u32>,
    bytes: usize,
}

impl Batch {
    /// An empty batch whose rows have the slots of `projection`.
    pub fn new(projection: Arc<Projection>) -> Batch {
        Batch {
            scanner: Scanner::new(projection),
            blocks: Vec::new(),
            arena: Vec::new(),
            origins: Vec::new(),
            rows: Vec::new(),
            slots: Vec::new(),
            order: Vec::new(),
            bytes: 0,
        }
    }

    /// Empties it and keeps its memory for the next one.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.arena.clear();
        self.arena.shrink_to(ARENA_SLACK);
        self.origins.clear();
        self.rows.clear();
        self.slots.clear();
        self.order.clear();
        self.bytes = 0;
    }

    /// From now on its rows have the slots of another projection; those that are there are parsed again, and `time` says
    /// how their sources carry their time by it.
    pub(crate) fn refit(&mut self, projection: &Arc<Projection>, time: impl Fn(SourceId) -> Arc<EventTime>) {
        if Arc::ptr_eq(self.projection(), projection) {
            return;
        }
        self.scanner = Scanner::new(projection.clone());
        for origin in &mut self.origins {
            if origin.time.known_ns.is_none() {
                origin.time = time(origin.source);
            }
        }
        self.slots.clear();
        self.slots.resize(self.rows.len() * projection.width(), Slot::default());
        for at in 0..self.order.len() {
            if let Some(&row) = self.order.get(at) {
                self.rescan(row);
            }
        }
    }

    /// Shares a block whose lines are added next. Returns its number.
    pub fn add_block(&mut self, block: Block) -> u32 {
        self.blocks.push(block);
        self.blocks.len() as u32
    }

    /// Adds where the next rows come from. Returns its number.
    pub fn add_origin(&mut self, origin: Origin) -> u32 {
        self.origins.push(origin);
        self.origins.len() as u32 - 1
    }

    /// Adds the line `block[start..end]` if it is a JSON object; whether it was.
    #[inline]
    pub fn push_line(&mut self, block: u32, start: u32, end: u32, origin: u32, offset: u64) -> bool {
        let width = self.projection().width();
        let first = self.slots.len();
        self.slots.resize(first + width, Slot::default());
        let buffer = match (block as usize).checked_sub(1) {
            None => self.arena.as_slice(),
            Some(index) => self.blocks.get(index).map_or(&[][..], |block| block.as_slice()),
        };
        let slots = self.slots.get_mut(first..).unwrap_or(&mut []);
        let found = self.scanner.scan(buffer, start as usize, end as usize, slots);
        if found == Scan::NotAnObject {
            self.slots.truncate(first);
            return false;
        }
        self.order.push(self.rows.len() as u32);
        let duplicates = found == Scan::ObjectWithDuplicates;
        self.rows.push(Row { buffer: block, start, end, origin, offset, asides: 0, duplicates });
        self.bytes += (end - start) as usize;
        true
    }

    /// Adds an event whose text `write` appends to the arena; whether it was a JSON object.
    pub fn push_text(&mut self, origin: u32, offset: u64, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.arena.len();
        write(&mut self.arena);
        let end = self.arena.len();
        self.arena.push(b'\n');
        let pushed = match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => self.push_line(0, start, end, origin, offset),
            _ => false,
        };
        if !pushed {
            self.arena.truncate(start);
        }
        pushed
    }

    /// The rows that are there, in order.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// How many events are there.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no event is there.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// When the first of the events that were added was received, in nanoseconds since 1970; none: nothing was added.
    pub fn received_ns(&self) -> Option<i64> {
        self.origins.iter().map(|origin| origin.received_ns).min()
    }

    /// The bytes of all lines that were added.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What its slots are for.
    pub fn projection(&self) -> &Arc<Projection> {
        self.scanner.projection()
    }

    /// A row's text.
    #[inline]
    pub fn text(&self, row: u32) -> &[u8] {
        let Some(row) = self.rows.get(row as usize) else { return &[] };
        self.buffer(row.buffer).get(row.start as usize..row.end as usize).unwrap_or(&[])
    }

    /// Where a row comes from.
    pub fn origin(&self, row: u32) -> Option<&Origin> {
        self.origin_of(row).map(|(origin, _)| origin)
    }

    pub(crate) fn origin_of(&self, row: u32) -> Option<(&Origin, &Row)> {
        let row = self.rows.get(row as usize)?;
        Some((self.origins.get(row.origin as usize)?, row))
    }

    /// Puts a row aside for a later hook.
    pub(crate) fn put_aside(&mut self, row: u32, aside: Aside) {
        if let Some(row) = self.rows.get_mut(row as usize) {
            row.asides |= aside.0;
        }
    }

    /// A row is put aside for nobody.
    pub(crate) fn forget_asides(&mut self, row: u32) {
        if let Some(row) = self.rows.get_mut(row as usize) {
            row.asides = 0;
        }
    }

    /// Whether a row was put aside for this hook.
    pub(crate) fn is_aside(&self, row: u32, aside: Aside) -> bool {
        self.rows.get(row as usize).is_some_and(|row| row.asides & aside.0 != 0)
    }

    /// A row's offset in its stream, in bytes.
    pub fn offset(&self, row: u32) -> u64 {
        self.rows.get(row as usize).map_or(0, |row| row.offset)
    }

    #[inline]
    pub(crate) fn buffer(&self, buffer: u32) -> &[u8] {
        match (buffer as usize).checked_sub(1) {
            None => &self.arena,
            Some(index) => self.blocks.get(index).map_or(&[], |block| block.as_slice()),
        }
    }

    /// A row's slot of `node`.
    #[inline]
    pub fn slot(&self, row: u32, node: NodeId) -> Slot {
        let index = row as usize * self.projection().width() + node.index();
        self.slots.get(index).copied().unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn slots(&self, row: u32) -> &[Slot] {
        let width = self.projection().width();
        self.slots.get(row as usize * width..(row as usize + 1) * width).unwrap_or(&[])
    }

    #[inline]
    pub(crate) fn slots_mut(&mut self, row: u32) -> &mut [Slot] {
        let width = self.projection().width();
        self.slots.get_mut(row as usize * width..(row as usize + 1) * width).unwrap_or(&mut [])
    }

    /// Keeps the rows for which `keep` says so. It is asked in order.
    pub fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        self.order.retain(|&row| keep(row));
    }

    /// Gives a row the text `arena[start..]`, which is complete but for the byte that must follow it.
    pub(crate) fn replace_text(&mut self, row: u32, start: usize) {
        let end = self.arena.len();
        self.arena.push(b'\n');
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else { return };
        if let Some(row) = self.rows.get_mut(row as usize) {
            (row.buffer, row.start, row.end) = (0, start, end);
        }
    }

    /// Appends a part of a buffer to the arena.
    #[inline]
    pub(crate) fn copy_to_arena(&mut self, buffer: u32, range: std::ops::Range<usize>) {
        match (buffer as usize).checked_sub(1) {
            None if range.end <= self.arena.len() && range.start <= range.end => {
                self.arena.extend_from_within(range)
            }
            None => {}
            Some(index) => {
                let block = self.blocks.get(index).map_or(&[][..], |block| block.as_slice());
                self.arena.extend_from_slice(block.get(range).unwrap_or(&[]));
            }
        }
    }

    /// Gives a row another text, a valid event, and parses it.
    pub(crate) fn set_text(&mut self, row: u32, text: &[u8]) {
        let start = self.arena.len();
        self.arena.extend_from_slice(text);
        self.replace_text(row, start);
        self.rescan(row);
    }

    /// Whether a key on the way to an asked field occurs twice in a row.
    pub(crate) fn has_duplicates(&self, row: u32) -> bool {
        self.rows.get(row as usize).is_some_and(|row| row.duplicates)
    }

    /// Parses a row again after an edit that moved more than offsets.
    pub(crate) fn rescan(&mut self, row: u32) {
        let Some(at) = self.rows.get(row as usize).copied() else { return };
        let width = self.projection().width();
        let buffer = match (at.buffer as usize).checked_sub(1) {
            None => self.arena.as_slice(),
            Some(index) => self.blocks.get(index).map_or(&[][..], |block| block.as_slice()),
        };
        let slots = self.slots.get_mut(row as usize * width..(row as usize + 1) * width).unwrap_or(&mut []);
        let found = self.scanner.scan(buffer, at.start as usize, at.end as usize, slots);
        debug_assert_ne!(
            found,
            Scan::NotAnObject,
            "an edit left {:?}",
            String::from_utf8_lossy(self.text(row))
        );
        if let Some(row) = self.rows.get_mut(row as usize) {
            row.duplicates = found == Scan::ObjectWithDuplicates;
        }
    }

    /// Takes out the rows that a hook dropped and puts those it emitted, the last `emitted` pushed, in their places.
    ///
    /// `handed` are the rows that the hook was handed, in order; `keep` is asked with a place in it. `after` has
    /// such a place for each emitted row, rising; if it is empty they stay at the end.
    pub fn settle(&mut self, handed: &[u32], keep: impl Fn(usize) -> bool, emitted: usize, after: &[u32]) {
        let at_end = self.order.split_off(self.order.len().saturating_sub(emitted));
        let mut news = at_end.iter().copied().zip(after.iter().map(|&place| place as usize)).peekable();
        let mut handed = handed.iter().copied().enumerate().peekable();
        let before = std::mem::take(&mut self.order);
        self.order.reserve(before.len() + emitted);
        for row in before {
            let Some((place, _)) = handed.next_if(|&(_, next)| next == row) else {
                self.order.push(row);
                continue;
            };
            if keep(place) {
                self.order.push(row);
            }
            while let Some((new, _)) = news.next_if(|&(_, after)| after <= place) {
                self.order.push(new);
            }
        }
        if after.is_empty() {
            self.order.extend(at_end);
        } else {
            self.order.extend(news.map(|(new, _)| new));
        }
    }

    /// Frees what edits left behind in the arena, once that is much more than what is in use.
    pub fn compact(&mut self) {
        if self.arena.len() <= ARENA_SLACK {
            return;
        }
        let live: usize = self.order.iter().map(|&row| self.text(row).len() + 1).sum();
        if self.arena.len() < 2 * live + ARENA_SLACK {
            return;
        }
        let mut arena = Vec::with_capacity(live);
        for &row in &self.order {
            let Some(row) = self.rows.get_mut(row as usize).filter(|row| row.buffer == 0) else { continue };
            let start = arena.len() as u32;
            arena
                .extend_from_slice(self.arena.get(row.start as usize..row.end as usize + 1).unwrap_or(b"\n"));
            (row.start, row.end) = (start, arena.len() as u32 - 1);
        }
        self.arena = arena;
    }

    /// Appends the texts of `rows` to `out`, a newline after each. Neighbours that lie side by side are copied at
    /// once.
    pub fn write_all(&self, rows: &[u32], out: &mut Vec<u8>) {
        out.reserve(rows.iter().map(|&row| self.text(row).len() + 1).sum());
        let mut run: Option<Row> = None;
        for row in rows {
            let Some(row) = self.rows.get(*row as usize) else { continue };
            match &mut run {
                Some(run) if run.buffer == row.buffer && run.end + 1 == row.start && self.newline_at(run) => {
                    run.end = row.end;
                }
                _ => {
                    self.write_run(run.replace(*row), out);
                }
            }
        }
        self.write_run(run, out);
    }

    /// The same with metadata set in each event, under its own name.
    pub fn write_all_with(&self, rows: &[u32], include: &[Meta], out: &mut Vec<u8>) {
        let mut object = Vec::new();
        for &row in rows {
            object.clear();
            self.write_meta_object(row, include, &mut object);
            let text = self.text(row);
            out.extend_from_slice(&members::merged(text, members::skip_space(text, 0), &object));
            out.push(b'\n');
        }
    }

    fn newline_at(&self, run: &Row) -> bool {
        self.buffer(run.buffer).get(run.end as usize) == Some(&b'\n')
    }

    fn write_run(&self, run: Option<Row>, out: &mut Vec<u8>) {
        let Some(run) = run else { return };
        let text = self.buffer(run.buffer).get(run.start as usize..run.end as usize).unwrap_or(&[]);
        out.extend_from_slice(text);
        out.push(b'\n');
    }
}

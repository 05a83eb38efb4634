//! The one pass over a line: is it exactly what RFC 8259 calls a JSON object, and where do the asked fields lie?
//!
//! Every byte is validated to the end of the line; nesting is capped at [`MAX_DEPTH`] and held in a number of so
//! many bits, so neither the stack nor the heap grows with the input. Strings are skipped a vector at a time. A line
//! that is not an object is an answer here, not a failure.
//!
//! The text must be valid UTF-8 (the framer sees to it for whole blocks) and each line is followed by a control
//! character, normally its newline: that byte ends every loop, so most of them need no check against the end.

mod value;

use std::sync::Arc;

use super::keys::{Keys, Known, START};
use super::projection::{NodeId, Projection};
use super::simd::{self, Lanes};
use super::slot::{Slot, SlotKind};
use super::unescape;

/// How deep objects and arrays may nest, the event's own object included.
pub const MAX_DEPTH: usize = 128;

/// No node: nothing below this container was asked for.
const NONE: u16 = u16::MAX;

/// What the pass found beside the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// A JSON object.
    Object,
    /// A JSON object in which an asked key, or a key on the way to one, occurs more than once. The slots tell
    /// the last one.
    ObjectWithDuplicates,
    /// Anything else.
    NotAnObject,
}

/// Scans lines for the fields of one projection.
#[derive(Clone, Debug)]
pub struct Scanner {
    projection: Arc<Projection>,
    keys: Keys,
}

impl Scanner {
    /// A scanner that has seen nothing yet.
    pub fn new(projection: Arc<Projection>) -> Scanner {
        Scanner { projection, keys: Keys::new() }
    }

    /// What it looks for.
    pub fn projection(&self) -> &Arc<Projection> {
        &self.projection
    }

    /// Scans `buffer[start..end]` and fills `slots`, one for each node of the projection.
    ///
    /// `buffer[end]` must exist and be below 0x20; if not, the answer is that it is not an object.
    #[inline]
    pub fn scan(&mut self, buffer: &[u8], start: usize, end: usize, slots: &mut [Slot]) -> Scan {
        scan(self, buffer, start, end, slots)
    }
}

simd::with_best! {
    fn scan(scanner: &mut Scanner, buffer: &[u8], start: usize, end: usize, slots: &mut [Slot]) -> Scan = scan_with
}

#[inline(always)]
fn scan_with<L: Lanes>(
    scanner: &mut Scanner,
    buffer: &[u8],
    start: usize,
    end: usize,
    slots: &mut [Slot],
) -> Scan {
    slots.fill(Slot::default());
    if buffer.get(end).is_none_or(|&byte| byte >= 0x20) || slots.len() != scanner.projection.width() {
        return Scan::NotAnObject;
    }
    let mut pass = Pass::new(scanner, buffer, start, end, slots);
    let at = pass.space(start);
    if pass.byte(at) != b'{' {
        return Scan::NotAnObject;
    }
    match pass.container::<L>(at, MAX_DEPTH) {
        None => Scan::NotAnObject,
        Some(()) if pass.duplicates => Scan::ObjectWithDuplicates,
        Some(()) => Scan::Object,
    }
}

/// What a text is that somebody else wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Json {
    /// An object within the asked depth.
    Object,
    /// Another JSON value within the asked depth.
    Other,
    /// Not one JSON value, or nested too deep.
    Not,
}

/// Judges a text of which nothing is known but that it is UTF-8. It takes a copy, because the pass needs a byte
/// to stop at.
#[derive(Debug)]
pub struct Judge {
    /// Looks for nothing.
    scanner: Scanner,
    copy: Vec<u8>,
}

impl Judge {
    /// A judge with its own memory, which grows to the longest text it has seen.
    pub fn new() -> Judge {
        Judge { scanner: Scanner::new(Arc::new(Projection::empty())), copy: Vec::new() }
    }

    /// What `text` is if it may nest `max_depth` deep; a value that is no container has depth 0.
    pub fn judge(&mut self, text: &[u8], max_depth: usize) -> Json {
        self.copy.clear();
        self.copy.extend_from_slice(text);
        self.copy.push(b'\n');
        let mut slot = [Slot::default()];
        judge(&mut self.scanner, &self.copy, max_depth.min(MAX_DEPTH), &mut slot)
    }
}

impl Default for Judge {
    fn default() -> Judge {
        Judge::new()
    }
}

simd::with_best! {
    fn judge(scanner: &mut Scanner, buffer: &[u8], max_depth: usize, slot: &mut [Slot]) -> Json = judge_with
}

#[inline(always)]
fn judge_with<L: Lanes>(scanner: &mut Scanner, buffer: &[u8], max_depth: usize, slot: &mut [Slot]) -> Json {
    let end = buffer.len().saturating_sub(1);
    let mut pass = Pass::new(scanner, buffer, 0, end, slot);
    let at = pass.space(0);
    let first = pass.byte(at);
    if matches!(first, b'{' | b'[') {
        return match pass.container::<L>(at, max_depth) {
            Some(()) if first == b'{' => Json::Object,
            Some(()) => Json::Other,
            None => Json::Not,
        };
    }
    match pass.scalar::<L>(at) {
        Some((_, after)) if pass.space(after) == end => Json::Other,
        _ => Json::Not,
    }
}

struct Pass<'a> {
    projection: &'a Projection,
    buffer: &'a [u8],
    start: usize,
    end: usize,
    slots: &'a mut [Slot],
    duplicates: bool,
    keys: &'a mut Keys,
    /// The key that was met last.
    last: Known,
}

impl<'a> Pass<'a> {
    #[inline(always)]
    fn new(
        scanner: &'a mut Scanner,
        buffer: &'a [u8],
        start: usize,
        end: usize,
        slots: &'a mut [Slot],
    ) -> Pass<'a> {
        let Scanner { projection, keys } = scanner;
        Pass { projection, buffer, start, end, slots, duplicates: false, keys, last: START }
    }

    /// The grammar from the container on that opens at `at`, to the end of the line. None: the line breaks it.
    #[inline(always)]
    fn container<L: Lanes>(&mut self, mut at: usize, max_depth: usize) -> Option<()> {
        let mut open = Open { objects: 0, depth: 0, node: NONE, lengths: 0, unasked: 0 };
        // The node of the value that comes next.
        let mut node = NodeId::ROOT.0;
        loop {
            // A value, right here.
            let from = at;
            let first = self.byte(at);
            if matches!(first, b'{' | b'[') {
                if open.depth == max_depth {
                    return None;
                }
                let object = first == b'{';
                open.push(object, node, self.projection);
                if node != NONE {
                    let kind = if object { SlotKind::Object } else { SlotKind::Array };
                    self.note(node, from, from, kind);
                }
                at = self.space(at + 1);
                // In ASCII, each closing bracket is its opening one and two.
                if self.byte(at) != first + 2 {
                    // Nothing is asked for inside of arrays: they are read as a whole.
                    node = NONE;
                    if object {
                        (node, at) = self.key::<L>(&open, at)?;
                    }
                    continue;
                }
            } else {
                let kind;
                (kind, at) = self.scalar::<L>(at)?;
                if node != NONE {
                    self.note(node, from, at, kind);
                }
                at = self.space(at);
            }
            // What comes after a value: containers that end, then a comma, or the end of the line.
            loop {
                let object = open.in_object();
                match self.byte(at) {
                    b',' => {
                        at = self.space(at + 1);
                        node = NONE;
                        if object {
                            (node, at) = self.key::<L>(&open, at)?;
                        }
                        break;
                    }
                    close if close == if object { b'}' } else { b']' } => {
                        at += 1;
                        if let Some(closed) = open.pop(self.projection) {
                            let end = (at - self.start) as u32;
                            self.slots.get_mut(usize::from(closed))?.end = end;
                        }
                        at = self.space(at);
                        if open.depth == 0 {
                            return (at == self.end).then_some(());
                        }
                    }
                    _ => return None,
                }
            }
        }
    }

    /// A key and its colon: the node that it leads to, and where its value starts.
    #[inline(always)]
    fn key<L: Lanes>(&mut self, open: &Open, at: usize) -> Option<(u16, usize)> {
        if let Some(guess) = self.keys.guess(self.last, open.asked_node(), self.buffer, at) {
            self.last = guess.key;
            if guess.node != NONE {
                self.found(guess.node, at);
            }
            return Some((guess.node, self.space(guess.end)));
        }
        self.new_key::<L>(open, at)
    }

    /// A key that was not foretold.
    #[inline(always)]
    fn new_key<L: Lanes>(&mut self, open: &Open, from: usize) -> Option<(u16, usize)> {
        if self.byte(from) != b'"' {
            return None;
        }
        let (close, escaped) = self.string::<L>(from)?;
        let node =
            if open.unasked > 0 { NONE } else { self.asked(open.node, open.lengths, from, close, escaped) };
        let mut at = close + 1;
        if self.byte(at) != b':' {
            at = self.space(at);
            if self.byte(at) != b':' {
                return None;
            }
        } else if !escaped {
            let end = at + 1 + usize::from(self.byte(at + 1) == b' ');
            self.last = self.keys.learn(self.last, open.asked_node(), node, self.buffer, from, end);
        }
        Some((node, self.space(at + 1)))
    }
}

/// The containers that are open.
struct Open {
    /// A bit for each, the innermost lowest: whether it is an object. [`MAX_DEPTH`] fit.
    objects: u128,
    depth: usize,
    /// The innermost one that was asked for. Everything above it was asked for too.
    node: u16,
    /// The lengths of the keys that are asked for in it.
    lengths: u64,
    /// How many are open below that one.
    unasked: usize,
}

impl Open {
    #[inline(always)]
    fn push(&mut self, object: bool, node: u16, projection: &Projection) {
        self.objects = self.objects << 1 | u128::from(object);
        self.depth += 1;
        if node == NONE {
            self.unasked += 1;
        } else {
            self.node = node;
            self.lengths = projection.lengths(node);
        }
    }

    /// The innermost one's node, if it was asked for.
    #[inline(always)]
    fn asked_node(&self) -> u16 {
        if self.unasked > 0 { NONE } else { self.node }
    }

    #[inline(always)]
    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    /// Closes the innermost one: its node, if it was asked for.
    #[inline(always)]
    fn pop(&mut self, projection: &Projection) -> Option<u16> {
        self.objects >>= 1;
        self.depth -= 1;
        if self.unasked > 0 {
            self.unasked -= 1;
            return None;
        }
        let closed = self.node;
        self.node = projection.parent(NodeId(closed)).0;
        self.lengths = projection.lengths(self.node);
        Some(closed)
    }
}

impl Pass<'_> {
    /// The node that the key between the quotes at `open` and `close` leads to, if it was asked for.
    #[inline(always)]
    fn asked(&mut self, parent: u16, lengths: u64, open: usize, close: usize, escaped: bool) -> u16 {
        if escaped {
            return self.asked_escaped(parent, open, close);
        }
        let length = close - open - 1;
        if lengths >> length.min(63) & 1 == 0 {
            return NONE;
        }
        self.asked_plain(parent, open, close)
    }

    #[inline(always)]
    fn asked_plain(&mut self, parent: u16, open: usize, close: usize) -> u16 {
        let length = close - open - 1;
        let Some(key) = self.buffer.get(open + 1..close) else { return NONE };
        let word = match simd::word_at(self.buffer, open + 1) {
            Some(word) if length < 8 => word & ((1 << (8 * length)) - 1),
            Some(word) => word,
            None => super::projection::prefix(key),
        };
        for child in self.projection.children_of(parent) {
            if child.length as usize == length
                && child.prefix == word
                && (length <= 8 || self.projection.key(NodeId(child.node)) == key)
            {
                let node = child.node;
                self.found(node, open);
                return node;
            }
        }
        NONE
    }

    #[inline(never)]
    fn asked_escaped(&mut self, parent: u16, open: usize, close: usize) -> u16 {
        let mut key = Vec::new();
        unescape::append(self.buffer.get(open + 1..close).unwrap_or(&[]), &mut key);
        let Some(node) = self.projection.child_named(parent, &key) else { return NONE };
        self.found(node, open);
        node
    }

    /// The key of `node` is at `open`. If it was there before, the last occurrence is the one that counts: what
    /// was noted below the earlier one is forgotten.
    #[inline(always)]
    fn found(&mut self, node: u16, open: usize) {
        let index = usize::from(node);
        let key = (open - self.start) as u32;
        if self.slots.get(index).is_some_and(|slot| slot.kind != SlotKind::Absent) {
            self.duplicates = true;
            let below = self.projection.descendants(NodeId(node));
            self.slots.get_mut(below).unwrap_or(&mut []).fill(Slot::default());
        }
        if let Some(slot) = self.slots.get_mut(index) {
            slot.key = key;
        }
    }

    /// The value of `node` lies from `from` to `end`.
    #[inline(always)]
    fn note(&mut self, node: u16, from: usize, end: usize, kind: SlotKind) {
        if let Some(slot) = self.slots.get_mut(usize::from(node)) {
            slot.start = (from - self.start) as u32;
            slot.end = (end - self.start) as u32;
            slot.kind = kind;
        }
    }
}

//! Edits back into the texts: what a hook wrote is spliced where the slots say, and the slots are moved along.
//!
//! A row's edits mean what they would mean one after the other, in the order of the hook's writes. Values that are
//! set are spliced in one go; if anything is removed or merged, the row's edits are done one by one. A write below a parent that is not an object is refused and counted; the row's other edits stand.

use std::ops::Range;

use super::batch::Batch;
use super::column::{Column, Values, write_mark};
use super::escape;
use super::members::{merged, skip_space, skip_space_back};
use super::projection::NodeId;
use super::slot::{Slot, SlotKind};

/// A column that a hook wrote and where it goes. The root takes the kind json only, set or merged.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The field.
    pub node: NodeId,
    /// Its values, checked: as many as rows were handed over, valid UTF-8 and JSON.
    pub column: &'a Column,
}

/// What became of the writes of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rows with at least one edit.
    pub rows: u64,
    /// Writes that were refused, because a parent is not an object or a float is not finite.
    pub refused: u64,
}

/// One edit of one row.
#[derive(Clone, Copy, Debug)]
struct Edit<'a> {
    node: NodeId,
    what: What<'a>,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Text(&'a [u8]),
    Json(&'a [u8]),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Null,
    Remove,
    Merge(&'a [u8]),
}

/// A place in the row's old text and what happens there.
#[derive(Clone, Debug)]
struct Patch {
    cut: Range<usize>,
    kind: PatchKind,
    /// How many bytes stand there now.
    added: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatchKind {
    /// The value of the edit of this number is replaced.
    Replace(usize),
    /// The member of the edit of this number is taken out.
    Remove(usize),
    /// Members are added to the object of this node.
    Append { object: NodeId, comma: bool },
}

/// Memory that is kept from row to row.
#[derive(Debug, Default)]
pub struct Scratch {
    patches: Vec<Patch>,
    /// For each edit, whether it was added already, along with an earlier one that made its parents.
    done: Vec<bool>,
    /// The slots of what was added, in bytes of the new text.
    added: Vec<(NodeId, Slot)>,
}

impl Batch {
    /// Applies what a hook wrote to the rows that it was handed. `keep` is asked with a place in `rows`: what is
    /// dropped needs no edit. Unless `slots_matter`, the slots are left behind: nobody reads the rows any more.
    pub fn apply(
        &mut self,
        writes: &[Write<'_>],
        rows: &[u32],
        keep: impl Fn(usize) -> bool,
        slots_matter: bool,
        scratch: &mut Scratch,
    ) -> Applied {
        let mut applied = Applied::default();
        let mut edits = Vec::with_capacity(writes.len());
        for (place, &row) in rows.iter().enumerate() {
            edits.clear();
            for write in writes {
                match edit(write, place) {
                    Ok(Some(what)) => edits.push(Edit { node: write.node, what }),
                    Ok(None) => {}
                    Err(NotFinite) => applied.refused += 1,
                }
            }
            if edits.is_empty() || !keep(place) {
                continue;
            }
            let refused = self.edit_row(row, &edits, slots_matter, scratch);
            applied.refused += refused;
            applied.rows += u64::from(refused < edits.len() as u64);
        }
        self.compact();
        applied
    }

    /// Applies a row's edits. Returns how many were refused.
    fn edit_row(&mut self, row: u32, edits: &[Edit<'_>], slots_matter: bool, scratch: &mut Scratch) -> u64 {
        let sets = |edit: &Edit<'_>| {
            edit.node != NodeId::ROOT && !matches!(edit.what, What::Merge(_) | What::Remove)
        };
        if edits.iter().all(sets) {
            return self.splice_row(row, edits, slots_matter, scratch);
        }
        edits.iter().map(|edit| self.edit_one(row, edit, scratch)).sum()
    }

    fn edit_one(&mut self, row: u32, edit: &Edit<'_>, scratch: &mut Scratch) -> u64 {
        match (edit.node, edit.what) {
            (NodeId::ROOT, What::Json(object)) => {
                self.set_text(row, object);
                0
            }
            (node, What::Merge(object)) => {
                let slot = self.slot(row, node);
                match slot.kind {
                    SlotKind::Object => {
                        let merged = merged(self.text(row), slot.start as usize, object);
                        self.set_text(row, &merged);
                        0
                    }
                    SlotKind::Absent => {
                        self.splice_row(row, &[Edit { node, what: What::Json(object) }], true, scratch)
                    }
                    _ => 1,
                }
            }
            (NodeId::ROOT, _) => 1,
            _ => self.splice_row(row, &[*edit], true, scratch),
        }
    }

    /// The fast way: all patches in one go.
    fn splice_row(&mut self, row: u32, edits: &[Edit<'_>], slots_matter: bool, scratch: &mut Scratch) -> u64 {
        let refused = self.plan(row, edits, &mut scratch.patches);
        if scratch.patches.is_empty() {
            return refused;
        }
        scratch.patches.sort_by_key(|patch| (patch.cut.start, patch.cut.end));
        scratch.added.clear();
        scratch.done.clear();
        scratch.done.resize(edits.len(), false);
        // A value that had asked fields below it, or parents that did not exist before: only a fresh pass knows.
        let mut parse_again = false;
        let start = self.arena.len();
        let mut at = 0;
        for index in 0..scratch.patches.len() {
            let Some(Patch { cut, kind, .. }) = scratch.patches.get(index).cloned() else { break };
            self.copy_text(row, at..cut.start);
            at = cut.end;
            let before = self.arena.len();
            match kind {
                PatchKind::Remove(_) => {}
                PatchKind::Replace(index) => {
                    if let Some(edit) = edits.get(index) {
                        let kind = write_value(edit.what, &mut self.arena);
                        if slots_matter {
                            parse_again |= !self.projection().descendants(edit.node).is_empty();
                            if let Some(slot) = self.slots_mut(row).get_mut(edit.node.index()) {
                                slot.kind = kind;
                            }
                        }
                    }
                }
                PatchKind::Append { object, comma } => {
                    parse_again |= self.append(row, start, object, comma, edits, scratch);
                }
            }
            let added = self.arena.len() - before;
            if let Some(patch) = scratch.patches.get_mut(index) {
                patch.added = added;
            }
        }
        let length = self.text(row).len();
        self.copy_text(row, at..length);
        self.replace_text(row, start);
        if slots_matter {
            if parse_again {
                self.rescan(row);
            } else {
                self.move_slots(row, edits, scratch);
            }
        }
        refused
    }

    /// Finds where each edit goes. Returns how many have nowhere to go.
    fn plan(&self, row: u32, edits: &[Edit<'_>], patches: &mut Vec<Patch>) -> u64 {
        patches.clear();
        let text = self.text(row);
        let mut refused = 0;
        for (index, edit) in edits.iter().enumerate() {
            let slot = self.slot(row, edit.node);
            match (edit.what, slot.kind) {
                (What::Remove, SlotKind::Absent) => continue,
                (What::Remove, _) => {
                    patches.push(Patch {
                        cut: removal(text, &slot),
                        kind: PatchKind::Remove(index),
                        added: 0,
                    });
                    continue;
                }
                (_, SlotKind::Absent) => {}
                _ => {
                    let cut = slot.start as usize..slot.end as usize;
                    patches.push(Patch { cut, kind: PatchKind::Replace(index), added: 0 });
                    continue;
                }
            }
            let object = self.nearest_parent(row, edit.node);
            let parent = self.slot(row, object);
            if parent.kind != SlotKind::Object {
                refused += 1;
                continue;
            }
            let known = |patch: &Patch| matches!(patch.kind, PatchKind::Append { object: other, .. } if other == object);
            if patches.iter().any(known) {
                continue;
            }
            let end = skip_space_back(text, parent.end as usize - 1);
            let comma = end.checked_sub(1).and_then(|at| text.get(at)) != Some(&b'{');
            patches.push(Patch { cut: end..end, kind: PatchKind::Append { object, comma }, added: 0 });
        }
        refused
    }

    /// The nearest node above `node` that the row has.
    fn nearest_parent(&self, row: u32, node: NodeId) -> NodeId {
        let mut at = self.projection().parent(node);
        while at != NodeId::ROOT && self.slot(row, at).kind == SlotKind::Absent {
            at = self.projection().parent(at);
        }
        at
    }

    /// Writes the members that the edits add to `object`, in the order of the edits; those that share a parent
    /// which is not there stand together in it. Returns whether such a parent was made, or a value has asked
    /// fields below it.
    fn append(
        &mut self,
        row: u32,
        text_start: usize,
        object: NodeId,
        mut comma: bool,
        edits: &[Edit<'_>],
        scratch: &mut Scratch,
    ) -> bool {
        let mut parse_again = false;
        for (index, edit) in edits.iter().enumerate() {
            if scratch.done.get(index).copied().unwrap_or(true) || matches!(edit.what, What::Remove) {
                continue;
            }
            let Some(child) = self.step_towards(object, edit.node) else { continue };
            if self.slot(row, child).kind != SlotKind::Absent {
                continue;
            }
            if comma {
                self.arena.push(b',');
            }
            comma = true;
            let key = self.arena.len() - text_start;
            // Not a clone: workers share the projection, and to count who holds it, row by row, costs them dearly.
            self.arena.extend_from_slice(self.scanner.projection().quoted_key(child));
            if child == edit.node {
                let value = self.arena.len() - text_start;
                let kind = write_value(edit.what, &mut self.arena);
                let end = self.arena.len() - text_start;
                if let Some(done) = scratch.done.get_mut(index) {
                    *done = true;
                }
                let slot = Slot { key: key as u32, start: value as u32, end: end as u32, kind };
                scratch.added.push((child, slot));
                parse_again |= !self.projection().descendants(child).is_empty();
            } else {
                self.arena.push(b'{');
                self.append(row, text_start, child, false, edits, scratch);
                self.arena.push(b'}');
                parse_again = true;
            }
        }
        parse_again
    }

    /// The child of `from` on the way to `node`, if `node` lies below it.
    fn step_towards(&self, from: NodeId, node: NodeId) -> Option<NodeId> {
        let mut at = node;
        while at != NodeId::ROOT {
            let parent = self.projection().parent(at);
            if parent == from {
                return Some(at);
            }
            at = parent;
        }
        None
    }

    /// Moves the slots along with what the patches moved, which spares the fresh pass.
    fn move_slots(&mut self, row: u32, edits: &[Edit<'_>], scratch: &Scratch) {
        for slot in self.slots_mut(row).iter_mut().filter(|slot| slot.kind != SlotKind::Absent) {
            let moved = |at: u32, is_end: bool| {
                let mut now = at as usize;
                for patch in &scratch.patches {
                    // An insertion at a value's end comes after it; a replacement up to a value's end is in it.
                    let passed = patch.cut.end < at as usize
                        || (patch.cut.end == at as usize && !(is_end && patch.cut.is_empty()));
                    if passed {
                        now = now + patch.added - patch.cut.len();
                    }
                }
                now as u32
            };
            *slot = Slot {
                key: moved(slot.key, false),
                start: moved(slot.start, false),
                end: moved(slot.end, true),
                kind: slot.kind,
            };
        }
        for patch in &scratch.patches {
            let PatchKind::Remove(index) = patch.kind else { continue };
            let Some(edit) = edits.get(index) else { continue };
            let gone = edit.node.index()..self.projection().descendants(edit.node).end;
            self.slots_mut(row).get_mut(gone).unwrap_or(&mut []).fill(Slot::default());
        }
        let slots = self.slots_mut(row);
        for (node, slot) in &scratch.added {
            if let Some(place) = slots.get_mut(node.index()) {
                *place = *slot;
            }
        }
    }

    /// Appends a part of a row's text to the arena.
    fn copy_text(&mut self, row: u32, range: Range<usize>) {
        let Some(at) = self.rows.get(row as usize).copied() else { return };
        let from = at.start as usize;
        let range = from + range.start..from + range.end;
        self.copy_to_arena(at.buffer, range);
    }
}

/// What a column says about the row at `place`.
fn edit<'a>(write: &Write<'a>, place: usize) -> Result<Option<What<'a>>, NotFinite> {
    let column = write.column;
    Ok(match column.mark(place) {
        write_mark::SET => Some(match &column.values {
            Values::Text(bytes) => What::Text(bytes.get(place)),
            // White space around a value is nobody's.
            Values::Json(bytes) => What::Json(bytes.get(place).trim_ascii()),
            Values::Integer(values) => What::Integer(values.get(place).copied().unwrap_or(0)),
            Values::Float(values) => match values.get(place).copied().unwrap_or(0.0) {
                value if value.is_finite() => What::Float(value),
                _ => return Err(NotFinite),
            },
            Values::Boolean(values) => What::Boolean(values.get(place).is_some_and(|&value| value != 0)),
        }),
        write_mark::REMOVE => Some(What::Remove),
        write_mark::NULL => Some(What::Null),
        write_mark::MERGE => match &column.values {
            Values::Json(bytes) => Some(What::Merge(bytes.get(place).trim_ascii())),
            _ => None,
        },
        _ => None,
    })
}

/// JSON has no text for a NaN or an infinity.
struct NotFinite;

/// Writes a value as JSON. Returns what it is.
fn write_value(what: What<'_>, out: &mut Vec<u8>) -> SlotKind {
    match what {
        What::Text(text) => {
            let before = out.len();
            escape::append_string(text, out);
            let grown = out.len() - before > text.len() + 2;
            if grown { SlotKind::EscapedText } else { SlotKind::Text }
        }
        What::Json(json) | What::Merge(json) => {
            out.extend_from_slice(json);
            kind_of(json)
        }
        What::Integer(value) => {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            SlotKind::Number
        }
        What::Float(value) => {
            out.extend_from_slice(
                serde_json::Number::from_f64(value).map_or_else(String::new, |n| n.to_string()).as_bytes(),
            );
            SlotKind::Number
        }
        What::Boolean(value) => {
            out.extend_from_slice(if value { b"true" } else { b"false" });
            if value { SlotKind::True } else { SlotKind::False }
        }
        What::Null | What::Remove => {
            out.extend_from_slice(b"null");
            SlotKind::Null
        }
    }
}

/// What a valid JSON value is, by its first byte.
fn kind_of(json: &[u8]) -> SlotKind {
    match json.first() {
        Some(b'"') if json.contains(&b'\\') => SlotKind::EscapedText,
        Some(b'"') => SlotKind::Text,
        Some(b'{') => SlotKind::Object,
        Some(b'[') => SlotKind::Array,
        Some(b't') => SlotKind::True,
        Some(b'f') => SlotKind::False,
        Some(b'n') => SlotKind::Null,
        _ => SlotKind::Number,
    }
}

/// What to cut to take out the member at `slot` with its comma; it is the only one of its name.
fn removal(text: &[u8], slot: &Slot) -> Range<usize> {
    let (key, end) = (slot.key as usize, slot.end as usize);
    let after = skip_space(text, end);
    if text.get(after) == Some(&b',') {
        return key..skip_space(text, after + 1);
    }
    let before = skip_space_back(text, key);
    match before.checked_sub(1) {
        Some(comma) if text.get(comma) == Some(&b',') => skip_space_back(text, comma)..end,
        _ => key..end,
    }
}

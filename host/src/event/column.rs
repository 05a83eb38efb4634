//! One field's values for all rows of a batch, as they pass to and from a hook.

use super::batch::Batch;
use super::number;
use super::projection::NodeId;
use super::slot::SlotKind;
use super::unescape;

/// How a field's values are read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A JSON string, unescaped, as UTF-8.
    Text,
    /// A number that is exact in 64 bits.
    Integer,
    /// A number as a 64-bit float.
    Float,
    /// `true` or `false`.
    Boolean,
    /// Any JSON value, as its text.
    Json,
}

impl Kind {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "integer",
            Kind::Float => "float",
            Kind::Boolean => "boolean",
            Kind::Json => "json",
        }
    }
}

/// What a row's value is, in a column that a hook reads.
pub mod read_mark {
    /// The event has no such field.
    pub const ABSENT: u8 = 0;
    /// A value of the asked kind.
    pub const VALUE: u8 = 1;
    /// `null`.
    pub const NULL: u8 = 2;
    /// A value of another kind, or a number out of range.
    pub const OTHER: u8 = 3;
}

/// What happens to a row's value, in a column that a hook writes.
pub mod write_mark {
    /// It stays as it is.
    pub const LEAVE: u8 = 0;
    /// It is set to the column's value.
    pub const SET: u8 = 1;
    /// The field is removed.
    pub const REMOVE: u8 = 2;
    /// It is set to `null`.
    pub const NULL: u8 = 3;
    /// The members of the column's object are set in it.
    pub const MERGE: u8 = 4;
}

/// Byte strings of many rows, end to end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bytes {
    /// The values, one after the other.
    pub data: Vec<u8>,
    /// Where each one ends.
    pub ends: Vec<u32>,
}

impl Bytes {
    /// The value of row `index`.
    #[inline]
    pub fn get(&self, index: usize) -> &[u8] {
        let start = match index.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(0) as usize,
        };
        let end = self.ends.get(index).copied().unwrap_or(0) as usize;
        self.data.get(start..end).unwrap_or(&[])
    }

    /// Adds a value.
    pub fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.end_row();
    }

    /// The row ends here. The data of a batch is bounded by its bytes, far below 4 GiB.
    #[inline]
    fn end_row(&mut self) {
        self.ends.push(self.data.len() as u32);
    }

    fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }
}

/// The values of a [`Column`].
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// UTF-8.
    Text(Bytes),
    /// 64 bits, signed.
    Integer(Vec<i64>),
    /// 64 bits.
    Float(Vec<f64>),
    /// 0 or 1.
    Boolean(Vec<u8>),
    /// One JSON value a row.
    Json(Bytes),
}

/// One field's values and a mark for each. Written ones without any marks are all set; those that are read have all
/// of theirs, because a guest that only saw batches with a gap would go wrong at the first one without.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// A value for each row.
    pub values: Values,
    /// A mark for each row, or none.
    pub marks: Vec<u8>,
}

impl Column {
    /// An empty column of a kind.
    pub fn new(kind: Kind) -> Column {
        let values = match kind {
            Kind::Text => Values::Text(Bytes::default()),
            Kind::Integer => Values::Integer(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Boolean => Values::Boolean(Vec::new()),
            Kind::Json => Values::Json(Bytes::default()),
        };
        Column { values, marks: Vec::new() }
    }

    /// The kind of its values.
    pub fn kind(&self) -> Kind {
        match self.values {
            Values::Text(_) => Kind::Text,
            Values::Integer(_) => Kind::Integer,
            Values::Float(_) => Kind::Float,
            Values::Boolean(_) => Kind::Boolean,
            Values::Json(_) => Kind::Json,
        }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        match &self.values {
            Values::Text(bytes) | Values::Json(bytes) => bytes.ends.len(),
            Values::Integer(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Boolean(values) => values.len(),
        }
    }

    /// The mark of row `index`.
    #[inline]
    pub fn mark(&self, index: usize) -> u8 {
        if self.marks.is_empty() { 1 } else { self.marks.get(index).copied().unwrap_or(0) }
    }

    /// Empties it and keeps its memory and its kind.
    pub fn clear(&mut self) {
        self.marks.clear();
        match &mut self.values {
            Values::Text(bytes) | Values::Json(bytes) => bytes.clear(),
            Values::Integer(values) => values.clear(),
            Values::Float(values) => values.clear(),
            Values::Boolean(values) => values.clear(),
        }
    }

    /// Adds a row with a text; for the kinds text and json.
    pub fn push_bytes(&mut self, value: &[u8]) {
        if let Values::Text(bytes) | Values::Json(bytes) = &mut self.values {
            bytes.data.extend_from_slice(value);
            bytes.end_row();
            self.marks.push(read_mark::VALUE);
        }
    }

    /// Adds a row with a whole number; for the kind integer.
    pub fn push_integer(&mut self, value: i64) {
        if let Values::Integer(values) = &mut self.values {
            values.push(value);
            self.marks.push(read_mark::VALUE);
        }
    }

    /// Adds a row without a value.
    pub fn push_unset(&mut self, mark: u8) {
        match &mut self.values {
            Values::Text(bytes) | Values::Json(bytes) => bytes.end_row(),
            Values::Integer(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Boolean(values) => values.push(0),
        }
        self.marks.push(mark);
    }

    /// Reads the field at `node` for `rows`, after clearing the column. Returns how many surrogates stood alone
    /// in the texts, each read as U+FFFD.
    pub fn read(&mut self, batch: &Batch, node: NodeId, rows: &[u32]) -> usize {
        self.clear();
        self.marks.reserve(rows.len());
        let mut alone = 0;
        let marks = &mut self.marks;
        match &mut self.values {
            Values::Text(bytes) => {
                bytes.ends.reserve(rows.len());
                for &row in rows {
                    let slot = batch.slot(row, node);
                    marks.push(match slot.kind {
                        SlotKind::Text => {
                            bytes.data.extend_from_slice(slot.inner(batch.text(row)));
                            read_mark::VALUE
                        }
                        SlotKind::EscapedText => {
                            alone += unescape::append(slot.inner(batch.text(row)), &mut bytes.data);
                            read_mark::VALUE
                        }
                        kind => no_value(kind),
                    });
                    bytes.end_row();
                }
            }
            Values::Json(bytes) => {
                bytes.ends.reserve(rows.len());
                for &row in rows {
                    let text = batch.text(row);
                    // The whole event is its text, the white space around it included.
                    let slot = batch.slot(row, node);
                    let value = if node == NodeId::ROOT { text } else { slot.value(text) };
                    marks.push(match slot.kind {
                        SlotKind::Absent => read_mark::ABSENT,
                        SlotKind::Null => read_mark::NULL,
                        _ => {
                            bytes.data.extend_from_slice(value);
                            read_mark::VALUE
                        }
                    });
                    bytes.end_row();
                }
            }
            Values::Integer(values) => {
                read_numbers(batch, node, rows, values, marks, number::integer);
            }
            Values::Float(values) => {
                read_numbers(batch, node, rows, values, marks, number::float);
            }
            Values::Boolean(values) => {
                for &row in rows {
                    let kind = batch.slot(row, node).kind;
                    let boolean = matches!(kind, SlotKind::True | SlotKind::False);
                    values.push(u8::from(kind == SlotKind::True));
                    marks.push(if boolean { read_mark::VALUE } else { no_value(kind) });
                }
            }
        }
        alone
    }
}

fn read_numbers<T: Copy + Default>(
    batch: &Batch,
    node: NodeId,
    rows: &[u32],
    values: &mut Vec<T>,
    marks: &mut Vec<u8>,
    parse: impl Fn(&[u8]) -> Option<T>,
) {
    values.reserve(rows.len());
    for &row in rows {
        let slot = batch.slot(row, node);
        let value = if slot.kind == SlotKind::Number { parse(slot.value(batch.text(row))) } else { None };
        values.push(value.unwrap_or_default());
        marks.push(if value.is_some() { read_mark::VALUE } else { no_value(slot.kind) });
    }
}

/// The mark of a value that is not of the asked kind.
#[inline]
fn no_value(kind: SlotKind) -> u8 {
    match kind {
        SlotKind::Absent => read_mark::ABSENT,
        SlotKind::Null => read_mark::NULL,
        _ => read_mark::OTHER,
    }
}

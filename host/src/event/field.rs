//! What a path leads to in a batch, and its value row by row: for `match`, for metadata, for `%time`.

use std::io::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::batch::{Batch, Origin, Row};
use super::column::{Column, Kind, read_mark};
use super::condition::{Condition, Value};
use super::path::{Meta, Path};
use super::projection::{NodeId, Projection};
use super::slot::SlotKind;
use super::time::TimeFormat;
use super::unescape;

/// A path, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// In the event's text.
    Node(NodeId),
    /// Beside it.
    Meta(Meta),
}

impl Projection {
    /// What `path` leads to; none if the projection was not asked for it.
    pub fn field(&self, path: &Path) -> Option<Field> {
        match path {
            Path::Meta(meta) => Some(Field::Meta(*meta)),
            _ => self.node(path).map(Field::Node),
        }
    }
}

/// Where a source's events carry their own time.
#[derive(Clone, Debug)]
pub struct EventTime {
    /// How it is written.
    pub format: TimeFormat,
    /// The fields to look at, in order; the first that can be read counts.
    pub fields: Vec<NodeId>,
    /// What it was when the events were read first, for those that are replayed without their source.
    pub known_ns: Option<i64>,
}

/// A condition of a `match`, resolved.
#[derive(Clone, Debug)]
pub struct Matcher {
    condition: Condition,
    field: Field,
}

impl Matcher {
    /// A matcher of `condition`; none if the projection was not asked for its path.
    pub fn new(condition: &Condition, projection: &Projection) -> Option<Matcher> {
        Some(Matcher { field: projection.field(condition.path())?, condition: condition.clone() })
    }
}

/// A condition that was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// The condition, as it was written.
    pub condition: String,
    /// The value that was seen, as JSON; none: there is none.
    pub value: Option<String>,
    /// Whether it holds.
    pub holds: bool,
}

/// A metadatum's value.
enum MetaValue<'a> {
    Absent,
    Text(&'a str),
    Hash(u64),
    Integer(i64),
}

impl Matcher {
    /// Whether it holds for a row. `scratch` is memory to unescape in.
    pub fn holds(&self, batch: &Batch, row: u32, scratch: &mut Vec<u8>) -> bool {
        self.condition.holds(&batch.value_of(row, self.field, scratch))
    }

    /// The same, with what was seen.
    pub fn test(&self, batch: &Batch, row: u32) -> Tested {
        let value = batch.json_of(row, self.field);
        let holds = self.holds(batch, row, &mut Vec::new());
        Tested { condition: self.condition.to_string(), value, holds }
    }
}

impl Batch {
    /// The value of a field or a metadatum, as `match` sees it. `scratch` is memory to unescape in.
    pub(crate) fn value_of<'v>(&'v self, row: u32, field: Field, scratch: &'v mut Vec<u8>) -> Value<'v> {
        match field {
            Field::Node(node) => self.value(row, node, scratch),
            Field::Meta(meta) => self.meta_value(row, meta, scratch),
        }
    }

    /// The same as JSON, for people; none: there is none.
    pub(crate) fn json_of(&self, row: u32, field: Field) -> Option<String> {
        match field {
            Field::Node(node) => match self.slot(row, node) {
                slot if slot.kind == SlotKind::Absent => None,
                slot => Some(utf8(slot.value(self.text(row))).to_owned()),
            },
            Field::Meta(meta) => match self.meta_value(row, meta, &mut Vec::new()) {
                Value::Text(text) => Some(serde_json::Value::from(text).to_string()),
                Value::Number(digits) => Some(digits.to_owned()),
                _ => None,
            },
        }
    }

    /// A field's value in the text, as `match` sees it.
    fn value<'v>(&'v self, row: u32, node: NodeId, scratch: &'v mut Vec<u8>) -> Value<'v> {
        let slot = self.slot(row, node);
        let text = self.text(row);
        match slot.kind {
            SlotKind::Absent => Value::Absent,
            SlotKind::Null => Value::Null,
            SlotKind::True => Value::Boolean(true),
            SlotKind::False => Value::Boolean(false),
            SlotKind::Number => Value::Number(utf8(slot.value(text))),
            SlotKind::Text => Value::Text(utf8(slot.inner(text))),
            SlotKind::EscapedText => {
                scratch.clear();
                unescape::append(slot.inner(text), scratch);
                Value::Text(utf8(scratch))
            }
            SlotKind::Object | SlotKind::Array => Value::Other,
        }
    }

    fn meta_value<'v>(&'v self, row: u32, meta: Meta, scratch: &'v mut Vec<u8>) -> Value<'v> {
        scratch.clear();
        match self.meta(row, meta) {
            MetaValue::Absent => return Value::Absent,
            MetaValue::Text(text) => return Value::Text(text),
            MetaValue::Hash(hash) => {
                // Writing to memory does not fail, and needs no text of its own.
                let _ = write!(scratch, "{hash:016x}");
                return Value::Text(utf8(scratch));
            }
            MetaValue::Integer(value) => {
                scratch.extend_from_slice(itoa::Buffer::new().format(value).as_bytes())
            }
        }
        Value::Number(utf8(scratch))
    }

    fn meta(&self, row: u32, meta: Meta) -> MetaValue<'_> {
        let Some((origin, at)) = self.origin_of(row) else { return MetaValue::Absent };
        match meta {
            Meta::Source => MetaValue::Text(&origin.source_name),
            Meta::Stream => MetaValue::Text(&origin.stream),
            Meta::File => origin.file.as_deref().map_or(MetaValue::Absent, MetaValue::Text),
            Meta::Host => MetaValue::Text(&origin.host),
            // Only sources from the network know a peer, and only some protocols a tag.
            Meta::Peer | Meta::Tag => MetaValue::Absent,
            Meta::Offset => MetaValue::Integer(i64::try_from(at.offset).unwrap_or(i64::MAX)),
            Meta::Received => MetaValue::Integer(origin.received_ns),
            Meta::Time => MetaValue::Integer(self.time(row, origin)),
            Meta::Id => MetaValue::Hash(id(origin, at)),
        }
    }

    /// The event's own time, in nanoseconds since 1970.
    pub(crate) fn time_ns(&self, row: u32) -> i64 {
        self.origin(row).map_or(0, |origin| self.time(row, origin))
    }

    /// The event's own time, else when it was received.
    fn time(&self, row: u32, origin: &Origin) -> i64 {
        if let Some(known_ns) = origin.time.known_ns {
            return known_ns;
        }
        let mut scratch = Vec::new();
        let own = origin.time.fields.iter().find_map(|&node| {
            let value = self.value(row, node, &mut scratch);
            origin.time.format.parse(&value)
        });
        own.unwrap_or(origin.received_ns)
    }

    /// Appends the members that a sink's `include` asks for to `out`, as one JSON object.
    pub fn write_meta_object(&self, row: u32, metas: &[Meta], out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        for &meta in metas {
            let value = self.meta(row, meta);
            if matches!(value, MetaValue::Absent) {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            super::escape::append_string(meta.name().as_bytes(), out);
            out.push(b':');
            match value {
                MetaValue::Text(text) => super::escape::append_string(text.as_bytes(), out),
                MetaValue::Hash(hash) => super::escape::append_string(hex(hash).as_bytes(), out),
                MetaValue::Integer(value) => {
                    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes())
                }
                MetaValue::Absent => {}
            }
        }
        out.push(b'}');
    }
}

impl Column {
    /// Reads a field for `rows`, after clearing the column. Returns how many surrogates stood alone.
    pub fn read_field(&mut self, batch: &Batch, field: Field, rows: &[u32]) -> usize {
        let meta = match field {
            Field::Node(node) => return self.read(batch, node, rows),
            Field::Meta(meta) => meta,
        };
        self.clear();
        for &row in rows {
            match (batch.meta(row, meta), self.kind()) {
                (MetaValue::Absent, _) => self.push_unset(read_mark::ABSENT),
                (MetaValue::Text(text), Kind::Text) => self.push_bytes(text.as_bytes()),
                (MetaValue::Hash(hash), Kind::Text) => self.push_bytes(hex(hash).as_bytes()),
                (MetaValue::Integer(value), Kind::Integer) => self.push_integer(value),
                _ => self.push_unset(read_mark::OTHER),
            }
        }
        0
    }
}

/// The kind that a metadatum is read as.
pub fn meta_kind(meta: Meta) -> Kind {
    match meta {
        Meta::Offset | Meta::Received | Meta::Time => Kind::Integer,
        _ => Kind::Text,
    }
}

/// Stable for an event of a stream, whatever happened to its text.
impl Batch {
    /// The row's `%id`.
    pub(crate) fn id(&self, row: u32) -> u64 {
        self.origin_of(row).map_or(0, |(origin, at)| id(origin, at))
    }
}

fn id(origin: &Origin, at: &Row) -> u64 {
    let mut bytes = [0u8; 16];
    let (stream, offset) = bytes.split_at_mut(8);
    stream.copy_from_slice(&origin.identity.to_le_bytes());
    offset.copy_from_slice(&at.offset.to_le_bytes());
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// Texts of events are valid UTF-8 from the framer on.
fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}

impl EventTime {
    /// Where `format` looks in the events of `projection`.
    pub fn new(format: &TimeFormat, projection: &Projection) -> Arc<EventTime> {
        let fields = format.fields().iter().filter_map(|path| projection.node(path)).collect();
        Arc::new(EventTime { format: format.clone(), fields, known_ns: None })
    }

    /// A time that is known.
    pub(crate) fn known(ns: i64) -> Arc<EventTime> {
        Arc::new(EventTime { format: TimeFormat::default(), fields: Vec::new(), known_ns: Some(ns) })
    }
}

//! Kinds of fields, and the columns that their values pass in.
//!
//! A column that is written is as long as the rows that were passed, at most 4 GiB of bytes as the memory of a hook
//! is; a column that lacks a row reads as absent there.

use crate::bindings::hookaroon::hook::types as wit;

/// What a value that was read is.
///
/// ```
/// # use hookaroon_sdk::{Event, Json, Mark, Read};
/// fn is_there(event: &Event<'_>, field: Read<Json>) -> bool {
///     event.mark(field) != Mark::Absent
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The event has no such field.
    Absent,
    /// A value of the asked kind.
    Value,
    /// `null`.
    Null,
    /// A value of another kind, or a number out of range.
    Other,
}

/// A kind of field. Implemented by [`Text`], [`Integer`], [`Float`], [`Boolean`] and [`Json`].
///
/// ```
/// # use hookaroon_sdk::{Kind, Read, Setup};
/// fn all<K: Kind>(setup: &mut Setup, paths: &[&str]) -> Vec<Read<K>> {
///     paths.iter().map(|path| setup.read(path)).collect()
/// }
/// ```
pub trait Kind: Copy + 'static + sealed::Sealed {
    /// Its values: `&str`, `i64`, `f64`, `bool`, and `&str` again for JSON texts.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Integer, Kind, Read, Text};
    /// fn or<'e, K: Kind>(event: &Event<'e>, field: Read<K>, default: K::Value<'e>) -> K::Value<'e> {
    ///     event.get(field).unwrap_or(default)
    /// }
    /// let text: <Text as Kind>::Value<'_> = "none";
    /// let number: <Integer as Kind>::Value<'_> = -1;
    /// # assert_eq!((text, number), ("none", -1));
    /// ```
    type Value<'v>: Copy;
    #[doc(hidden)]
    const KIND: wit::Kind;
    #[doc(hidden)]
    fn get<'v>(column: &Readable<'v>, row: usize) -> Option<Self::Value<'v>>;
    /// Adds the value of this row, if it is the next one of a column of this kind; else does nothing.
    #[doc(hidden)]
    fn push(values: &mut wit::Values, row: usize, value: Self::Value<'_>) -> bool;
}

/// A value of more bytes is copied in one call.
const LONG: usize = 128;

mod sealed {
    pub trait Sealed {}
}

/// A JSON string, unescaped.
///
/// ```
/// # use hookaroon_sdk::{Text, Event, Read};
/// fn is_it(event: &Event<'_>, field: Read<Text>) -> bool {
///     event.get(field) == Some("GET")
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Text;

/// A number that is exact in 64 bits.
///
/// ```
/// # use hookaroon_sdk::{Integer, Event, Read};
/// fn is_it(event: &Event<'_>, field: Read<Integer>) -> bool {
///     event.get(field) == Some(200)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Integer;

/// A number as a 64-bit float. A NaN or an infinity that is written is refused.
///
/// ```
/// # use hookaroon_sdk::{Float, Event, Read};
/// fn is_it(event: &Event<'_>, field: Read<Float>) -> bool {
///     event.get(field) == Some(0.5)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Float;

/// `true` or `false`.
///
/// ```
/// # use hookaroon_sdk::{Boolean, Event, Read};
/// fn is_it(event: &Event<'_>, field: Read<Boolean>) -> bool {
///     event.get(field) == Some(true)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Boolean;

/// Any JSON value, as its text.
///
/// ```
/// # use hookaroon_sdk::{Json, Event, Read};
/// fn is_it(event: &Event<'_>, field: Read<Json>) -> bool {
///     event.get(field) == Some(r#"["a","b"]"#)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Json;

macro_rules! bytes_kind {
    ($kind:ident, $variant:ident) => {
        impl sealed::Sealed for $kind {}

        impl Kind for $kind {
            type Value<'v> = &'v str;
            const KIND: wit::Kind = wit::Kind::$variant;

            #[inline]
            fn get<'v>(column: &Readable<'v>, row: usize) -> Option<&'v str> {
                match column.values {
                    wit::Values::$variant(_) => column.text(row),
                    _ => None,
                }
            }

            #[inline(always)]
            fn push(values: &mut wit::Values, row: usize, value: &str) -> bool {
                match values {
                    wit::Values::$variant(bytes) if bytes.ends.len() == row => {
                        append(value.as_bytes(), &mut bytes.data);
                        bytes.ends.push(bytes.data.len() as u32);
                        true
                    }
                    _ => false,
                }
            }
        }
    };
}

macro_rules! plain_kind {
    ($kind:ident, $variant:ident, $value:ty, $get:expr, $push:expr) => {
        impl sealed::Sealed for $kind {}

        impl Kind for $kind {
            type Value<'v> = $value;
            const KIND: wit::Kind = wit::Kind::$variant;

            #[inline]
            fn get<'v>(column: &Readable<'v>, row: usize) -> Option<$value> {
                match column.values {
                    wit::Values::$variant(values) => values.get(row).copied().map($get),
                    _ => None,
                }
            }

            #[inline]
            fn push(values: &mut wit::Values, row: usize, value: $value) -> bool {
                match values {
                    wit::Values::$variant(values) if values.len() == row => {
                        values.push($push(value));
                        true
                    }
                    _ => false,
                }
            }
        }
    };
}

bytes_kind!(Text, Text);
bytes_kind!(Json, Json);
plain_kind!(Integer, Integer, i64, |value| value, |value| value);
plain_kind!(Float, Float, f64, |value| value, |value| value);
plain_kind!(Boolean, Boolean, bool, |value| value != 0, u8::from);

/// A column that is read.
#[derive(Clone, Copy, Debug)]
pub struct Readable<'b> {
    values: &'b wit::Values,
    marks: &'b [u8],
    /// The values end to end, and where they end. UTF-8 is checked once for all of them.
    text: &'b str,
    ends: &'b [u32],
}

impl<'b> Readable<'b> {
    pub(crate) fn new(column: &'b wit::Column) -> Readable<'b> {
        Readable::of(&column.values, &column.marks)
    }

    /// A column with these values, of which every row has one if there are no marks.
    pub(crate) fn of(values: &'b wit::Values, marks: &'b [u8]) -> Readable<'b> {
        let (text, ends): (&str, &[u32]) = match values {
            // The host sends nothing else than UTF-8.
            wit::Values::Text(bytes) | wit::Values::Json(bytes) => {
                (std::str::from_utf8(&bytes.data).unwrap_or(""), &bytes.ends)
            }
            wit::Values::Integer(_) | wit::Values::Float(_) | wit::Values::Boolean(_) => ("", &[]),
        };
        Readable { values, marks, text, ends }
    }

    #[inline]
    fn text(&self, row: usize) -> Option<&'b str> {
        let end = *self.ends.get(row)? as usize;
        let start = match row.checked_sub(1) {
            None => 0,
            Some(before) => *self.ends.get(before)? as usize,
        };
        self.text.get(start..end)
    }

    /// The mark of a row.
    #[inline]
    pub(crate) fn mark(&self, row: usize) -> Mark {
        match self.marks.get(row) {
            None if self.marks.is_empty() => Mark::Value,
            Some(1) => Mark::Value,
            Some(2) => Mark::Null,
            Some(3) => Mark::Other,
            _ => Mark::Absent,
        }
    }

    /// Whether the mark of a row is [`Mark::Value`] or [`Mark::Other`]: the odd ones. To compare it with both becomes an
    /// indirect jump in WebAssembly.
    #[inline]
    pub(crate) fn has(&self, row: usize) -> bool {
        match self.marks.get(row) {
            Some(mark) => *mark % 2 == 1,
            None => self.marks.is_empty(),
        }
    }
}

/// A field that is written, and what the values of the last batch came to in bytes: memory that grows step by step is
/// copied each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared {
    kind: wit::Kind,
    bytes: usize,
}

impl Declared {
    pub(crate) fn new(kind: wit::Kind) -> Declared {
        Declared { kind, bytes: 0 }
    }

    /// Remembers what this batch came to.
    pub(crate) fn note(&mut self, column: &wit::Column) {
        if let wit::Values::Text(bytes) | wit::Values::Json(bytes) = &column.values {
            self.bytes = bytes.data.len();
        }
    }
}

/// A column that is written row by row; nothing is made until a row is set.
#[derive(Debug)]
pub(crate) struct Written {
    kind: wit::Kind,
    /// How many rows there will be.
    rows: usize,
    /// How many bytes its values may come to: those of the batch before.
    bytes: usize,
    values: Option<wit::Values>,
    /// One for each value, or none while every row is set.
    marks: Vec<u8>,
}

/// The mark of a row that is set to a value.
const SET: u8 = 1;

impl Written {
    pub(crate) fn new(declared: Declared, rows: usize) -> Written {
        Written { kind: declared.kind, rows, bytes: declared.bytes, values: None, marks: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_none()
    }

    /// The values of the rows up to `row`, none of which is set yet but those that were; `row` itself is taken back
    /// if it was set.
    fn up_to(&mut self, row: usize) -> &mut wit::Values {
        let Written { kind, rows, bytes, .. } = *self;
        let values = self.values.get_or_insert_with(|| empty(kind, rows, bytes));
        truncate(values, row);
        self.marks.truncate(row);
        let set = length(values);
        if set < row && self.marks.is_empty() {
            self.marks.reserve_exact(rows);
            self.marks.resize(set, SET);
        }
        for _ in set..row {
            push_unset(values);
            self.marks.push(0);
        }
        values
    }

    #[inline]
    pub(crate) fn set<K: Kind>(&mut self, row: usize, value: K::Value<'_>, mark: u8) {
        if !self.values.as_mut().is_some_and(|values| K::push(values, row, value)) {
            self.set_out_of_turn::<K>(row, value);
        }
        if mark != SET || !self.marks.is_empty() {
            self.push_mark(row, mark);
        }
    }

    /// Sets the first value, one after rows that were not set, or one once more. Most columns are written row by row.
    #[cold]
    fn set_out_of_turn<K: Kind>(&mut self, row: usize, value: K::Value<'_>) {
        K::push(self.up_to(row), row, value);
    }

    pub(crate) fn mark(&mut self, row: usize, mark: u8) {
        push_unset(self.up_to(row));
        self.push_mark(row, mark);
    }

    /// Marks a row whose value was added just now.
    fn push_mark(&mut self, row: usize, mark: u8) {
        if self.marks.is_empty() {
            self.marks.reserve_exact(self.rows);
            self.marks.resize(row, SET);
        }
        self.marks.push(mark);
    }

    /// The whole column; no marks if every row is set, and was nothing else before.
    pub(crate) fn finish(mut self) -> wit::Column {
        let rows = self.rows;
        if self.values.as_ref().is_none_or(|values| length(values) < rows) {
            self.up_to(rows);
        }
        let Written { kind, values, marks, .. } = self;
        wit::Column { values: values.unwrap_or_else(|| empty(kind, 0, 0)), marks }
    }
}

/// Values with room for so many rows, and bytes of them.
fn empty(kind: wit::Kind, rows: usize, bytes: usize) -> wit::Values {
    let bytes = || wit::BytesValues { data: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows) };
    match kind {
        wit::Kind::Text => wit::Values::Text(bytes()),
        wit::Kind::Integer => wit::Values::Integer(Vec::with_capacity(rows)),
        wit::Kind::Float => wit::Values::Float(Vec::with_capacity(rows)),
        wit::Kind::Boolean => wit::Values::Boolean(Vec::with_capacity(rows)),
        wit::Kind::Json => wit::Values::Json(bytes()),
    }
}

/// Appends bytes of which there are few, mostly. A copy of a length that the compiler does not know is a call out of
/// the sandbox, which takes longer than to copy a word of a log line; one of so many bytes is not.
#[inline(always)]
fn append(value: &[u8], data: &mut Vec<u8>) {
    if let Some(short) = padded(value) {
        let length = data.len() + value.len();
        data.extend_from_slice(&short.to_le_bytes());
        data.truncate(length);
    } else {
        append_longer(value, data);
    }
}

/// Up to sixteen bytes, and some more behind them.
#[inline(always)]
fn padded(value: &[u8]) -> Option<u128> {
    let length = value.len();
    // The first bytes, and the last ones over them: where they overlap they are the same.
    if let (Some(first), Some(last)) = (value.first_chunk(), value.last_chunk()) {
        let behind = 16_usize.checked_sub(length)? as u32 * 8;
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        return Some(u128::from(first) | u128::from(last.unbounded_shr(behind)) << 64);
    }
    if let (Some(first), Some(last)) = (value.first_chunk(), value.last_chunk()) {
        let before = (length as u32 - 4) * 8;
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return Some(u128::from(u64::from(first) | u64::from(last) << before));
    }
    let word = value.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    Some(u128::from(word))
}

/// Appends more than sixteen bytes: so many at a time, and the last over the ones before.
fn append_longer(value: &[u8], data: &mut Vec<u8>) {
    let (chunks, rest) = value.as_chunks::<16>();
    match value.last_chunk::<16>() {
        Some(last) if value.len() <= LONG => {
            data.reserve(value.len());
            for chunk in chunks {
                data.extend_from_slice(chunk);
            }
            if !rest.is_empty() {
                data.truncate(data.len() + rest.len() - last.len());
                data.extend_from_slice(last);
            }
        }
        _ => data.extend_from_slice(value),
    }
}

#[inline]
fn length(values: &wit::Values) -> usize {
    match values {
        wit::Values::Text(bytes) | wit::Values::Json(bytes) => bytes.ends.len(),
        wit::Values::Integer(values) => values.len(),
        wit::Values::Float(values) => values.len(),
        wit::Values::Boolean(values) => values.len(),
    }
}

#[inline]
fn truncate(values: &mut wit::Values, rows: usize) {
    match values {
        wit::Values::Text(bytes) | wit::Values::Json(bytes) => {
            bytes.ends.truncate(rows);
            bytes.data.truncate(bytes.ends.last().map_or(0, |end| *end as usize));
        }
        wit::Values::Integer(values) => values.truncate(rows),
        wit::Values::Float(values) => values.truncate(rows),
        wit::Values::Boolean(values) => values.truncate(rows),
    }
}

#[inline]
fn push_unset(values: &mut wit::Values) {
    match values {
        wit::Values::Text(bytes) | wit::Values::Json(bytes) => bytes.ends.push(bytes.data.len() as u32),
        wit::Values::Integer(values) => values.push(0),
        wit::Values::Float(values) => values.push(0.0),
        wit::Values::Boolean(values) => values.push(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_not_set_are_filled_in_and_a_row_set_twice_has_the_last_value() {
        let mut column = Written::new(Declared::new(wit::Kind::Text), 5);
        column.set::<Text>(1, "first", 1);
        column.set::<Text>(1, "x", 1);
        column.mark(3, 2);
        let column = column.finish();
        assert_eq!(column.marks, [0, 1, 0, 2, 0]);
        let wit::Values::Text(bytes) = column.values else { panic!("another kind") };
        assert_eq!((bytes.data, bytes.ends), (b"x".to_vec(), vec![0, 1, 1, 1, 1]));
    }

    #[test]
    fn values_of_every_length_are_appended_whole() {
        let text: String = (0..200_u8).map(|n| char::from(b'0' + n % 75)).collect();
        let mut data = Vec::new();
        let mut expected = String::new();
        for length in 0..text.len() {
            append(&text.as_bytes()[..length], &mut data);
            expected.push_str(&text[..length]);
        }
        assert_eq!(String::from_utf8(data).unwrap(), expected);
    }

    #[test]
    fn the_next_batch_has_room_for_what_the_last_one_came_to() {
        let mut declared = Declared::new(wit::Kind::Text);
        let mut column = Written::new(declared, 1);
        column.set::<Text>(0, "some text", 1);
        declared.note(&column.finish());
        let mut column = Written::new(declared, 1);
        column.set::<Text>(0, "", 1);
        let wit::Values::Text(bytes) = column.finish().values else { panic!("another kind") };
        assert!(bytes.data.is_empty() && bytes.data.capacity() >= "some text".len());
    }

    #[test]
    fn no_marks_say_that_every_row_is_set() {
        let mut column = Written::new(Declared::new(wit::Kind::Boolean), 2);
        column.set::<Boolean>(0, true, 1);
        column.set::<Boolean>(1, false, 1);
        let column = column.finish();
        assert!(column.marks.is_empty());
        assert_eq!(Boolean::get(&Readable::new(&column), 0), Some(true));
    }
}

//! Between the event core's columns and the records of the contract, for `hookaroon:hook@0.1.0`.
//!
//! Columns are lent to the guest as they are. What comes back is checked in full before any of it is used:
//! lengths, ends, UTF-8, JSON, kinds, marks, row numbers, grants. The first thing wrong is the answer; what
//! passes here cannot fail when it is spliced.

use super::bindings::hookaroon::hook::types as wit;
use super::grants::Interest;
use super::host_api::printable;
use crate::event::column::{Bytes, Column, Kind, Values, write_mark};
use crate::event::path::Path;
use crate::event::scan::{Json, Judge, MAX_DEPTH};

/// How much of a row error's message is kept.
const MAX_ROW_MESSAGE: usize = 1024;

/// What a hook did with a batch, checked.
#[derive(Debug)]
pub struct Outcome {
    /// 0 drops the row; empty keeps all.
    pub keep: Vec<u8>,
    /// One for each declared write, or none.
    pub writes: Vec<Column>,
    /// New events.
    pub emission: Emission,
    /// Rows that failed and why, rising.
    pub errors: Vec<(u32, String)>,
}

/// New events, checked: each is a JSON object on one line.
#[derive(Debug, Default)]
pub struct Emission {
    /// Their texts.
    pub events: Bytes,
    /// The row that each follows; empty: all at the end.
    pub after: Vec<u32>,
}

impl Emission {
    /// Adds other events at the end.
    pub fn append(&mut self, other: &Emission) {
        self.after.clear();
        for index in 0..other.events.ends.len() {
            self.events.push(other.events.get(index));
        }
    }
}

/// What is wrong with what a guest returned.
pub type BadOutput = String;

/// Lends a column.
pub fn lend(column: &Column) -> wit::ColumnParam<'_> {
    fn bytes(bytes: &Bytes) -> wit::BytesValuesParam<'_> {
        wit::BytesValuesParam { data: &bytes.data, ends: &bytes.ends }
    }
    let values = match &column.values {
        Values::Text(values) => wit::ValuesParam::Text(bytes(values)),
        Values::Integer(values) => wit::ValuesParam::Integer(values),
        Values::Float(values) => wit::ValuesParam::Float(values),
        Values::Boolean(values) => wit::ValuesParam::Boolean(values),
        Values::Json(values) => wit::ValuesParam::Json(bytes(values)),
    };
    wit::ColumnParam { values, marks: &column.marks }
}

/// Checks what a hook did with `rows` rows.
pub fn outcome(
    outcome: wit::Outcome,
    rows: usize,
    interest: &Interest,
    judge: &mut Judge,
) -> Result<Outcome, BadOutput> {
    let wit::Outcome { keep, writes, emit, errors } = outcome;
    if !keep.is_empty() {
        length("keep", keep.len(), rows)?;
        if let Some(row) = keep.iter().position(|&flag| flag > 1) {
            return Err(format!("keep: row {row} is neither 0 nor 1"));
        }
        if !interest.drop && keep.contains(&0) {
            return Err("it dropped a row without the grant; add drop = true to [hook.grant]".to_owned());
        }
    }
    if !writes.is_empty() && writes.len() != interest.write.len() {
        let declared: Vec<String> =
            interest.write.iter().map(|field| format!("\"{}\"", field.path)).collect();
        return Err(format!(
            "writes: {} columns; it declared {} ({}); a field that it writes must be declared at init (SDK: \
             setup.write), and each declared one has its column",
            writes.len(),
            declared.len(),
            if declared.is_empty() { "none".to_owned() } else { declared.join(", ") },
        ));
    }
    let writes = writes
        .into_iter()
        .zip(&interest.write)
        .map(|(column, field)| {
            checked_column(column, rows, &field.path, field.kind, judge)
                .map_err(|wrong| format!("column \"{}\": {wrong}", field.path))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let emission = emission(emit, rows, interest, judge)?;
    let mut last = None;
    for error in &errors {
        if error.row as usize >= rows || last.is_some_and(|last| error.row <= last) {
            return Err(format!("errors: row {} of {rows} is out of order or out of range", error.row));
        }
        last = Some(error.row);
    }
    let errors =
        errors.into_iter().map(|error| (error.row, printable(&error.message, MAX_ROW_MESSAGE))).collect();
    Ok(Outcome { keep, writes, emission, errors })
}

/// Checks new events; `rows` is 0 outside of a batch.
pub fn emission(
    emission: wit::Emission,
    rows: usize,
    interest: &Interest,
    judge: &mut Judge,
) -> Result<Emission, BadOutput> {
    let wit::Emission { events, after } = emission;
    let mut events = Bytes { data: events.data, ends: events.ends };
    checked_bytes(&events).map_err(|wrong| format!("emit: {wrong}"))?;
    let count = events.ends.len();
    if count > 0 && !interest.emit {
        return Err("it emitted an event without the grant; add emit = true to [hook.grant]".to_owned());
    }
    if !after.is_empty() {
        length("emit.after", after.len(), count)?;
        if after.windows(2).any(|pair| matches!(pair, [a, b] if a > b)) {
            return Err("emit.after: the rows do not rise".to_owned());
        }
        if let Some(row) = after.iter().find(|&&row| row as usize >= rows) {
            return Err(format!("emit.after: row {row} of {rows}"));
        }
    }
    for index in 0..count {
        if judge.judge(events.get(index), MAX_DEPTH) != Json::Object {
            return Err(format!("emit: event {index} is not a JSON object nested at most {MAX_DEPTH} deep"));
        }
    }
    keep_on_one_line(&mut events.data);
    Ok(Emission { events, after })
}

fn length(what: &str, actual: usize, expected: usize) -> Result<(), BadOutput> {
    if actual == expected { Ok(()) } else { Err(format!("{what}: {actual} entries for {expected}")) }
}

fn checked_column(
    column: wit::ColumnResult,
    rows: usize,
    path: &Path,
    kind: Kind,
    judge: &mut Judge,
) -> Result<Column, BadOutput> {
    let values = match column.values {
        wit::ValuesResult::Text(bytes) => Values::Text(Bytes { data: bytes.data, ends: bytes.ends }),
        wit::ValuesResult::Integer(values) => Values::Integer(values),
        wit::ValuesResult::Float(values) => Values::Float(values),
        wit::ValuesResult::Boolean(values) => Values::Boolean(values),
        wit::ValuesResult::Json(bytes) => Values::Json(Bytes { data: bytes.data, ends: bytes.ends }),
    };
    let mut column = Column { values, marks: column.marks };
    if column.kind() != kind {
        return Err(format!(
            "its kind is {}; it declared {}; a field must be written as it is declared at init (SDK: the kind of \
             its Write<Kind>)",
            column.kind().name(),
            kind.name()
        ));
    }
    length("values", column.rows(), rows)?;
    if !column.marks.is_empty() {
        length("marks", column.marks.len(), rows)?;
    }
    let most = match (path, kind) {
        (_, Kind::Json) => write_mark::MERGE,
        _ => write_mark::NULL,
    };
    if let Some(row) = column.marks.iter().position(|&mark| mark > most) {
        return Err(format!(
            "row {row} has mark {}, which kind {} does not have",
            column.mark(row),
            kind.name()
        ));
    }
    if *path == Path::Whole
        && let Some(row) =
            column.marks.iter().position(|&mark| matches!(mark, write_mark::REMOVE | write_mark::NULL))
    {
        return Err(format!("row {row}: the whole event can be set and merged, not removed"));
    }
    match &column.values {
        Values::Text(bytes) => checked_bytes(bytes)?,
        Values::Boolean(values) => {
            if let Some(row) = values.iter().position(|&value| value > 1) {
                return Err(format!("row {row} is neither 0 nor 1"));
            }
        }
        Values::Json(bytes) => {
            checked_bytes(bytes)?;
            let depth = MAX_DEPTH - path.depth().min(MAX_DEPTH);
            for row in 0..rows {
                let must_be_object = match column.mark(row) {
                    write_mark::SET => *path == Path::Whole,
                    write_mark::MERGE => true,
                    _ => continue,
                };
                match judge.judge(bytes.get(row), depth) {
                    Json::Object => {}
                    Json::Other if !must_be_object => {}
                    Json::Other => return Err(format!("row {row} is not a JSON object")),
                    Json::Not => {
                        return Err(format!("row {row} is not one JSON value nested at most {depth} deep"));
                    }
                }
            }
        }
        Values::Integer(_) | Values::Float(_) => {}
    }
    if let Values::Json(bytes) = &mut column.values {
        keep_on_one_line(&mut bytes.data);
    }
    Ok(column)
}

/// Ends that never fall and end with the data, each value UTF-8.
fn checked_bytes(bytes: &Bytes) -> Result<(), BadOutput> {
    let length = bytes.data.len();
    if bytes.ends.last().map_or(0, |&end| end as usize) != length {
        return Err(format!("its last end is not the length of its data, {length}"));
    }
    let Ok(text) = simdutf8::basic::from_utf8(&bytes.data) else {
        return Err("its data is not UTF-8".to_owned());
    };
    let mut before = 0;
    for (row, &end) in bytes.ends.iter().enumerate() {
        if end < before || !text.is_char_boundary(end as usize) {
            return Err(format!("the end of row {row}, {end}, falls or lies within a character"));
        }
        before = end;
    }
    Ok(())
}

/// In valid JSON a line break is white space: it becomes a space, because a line is an event.
fn keep_on_one_line(json: &mut [u8]) {
    if memchr::memchr2(b'\n', b'\r', json).is_some() {
        for byte in json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
}

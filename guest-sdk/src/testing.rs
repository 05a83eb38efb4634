//! Runs a hook over events without WebAssembly, for its unit tests.
//!
//! Fields are read and written with serde_json, so this is about what a hook does; the host's own tests are about
//! how its edits are spliced. One batch a run.

use serde_json::{Map, Value};

use crate::bindings::hookaroon::hook::types as wit;
use crate::export::Instance;
use crate::hook::Hook;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Ran {
    /// The events that were kept, as they are now, and after each what was emitted there.
    pub events: Vec<Value>,
    /// The rows that failed, and why.
    pub errors: Vec<(usize, String)>,
    /// What the hook saved afterwards.
    pub saved: Option<Vec<u8>>,
    /// The events of its teardown.
    pub last: Vec<Value>,
}

/// Runs a hook with this config over these events, JSON texts all.
pub fn run<H: Hook>(config: &str, events: &[&str]) -> Result<Ran, String> {
    let instance: Instance<H> = Instance::new();
    let setup = wit::Setup {
        config: config.to_owned(),
        states: Vec::new(),
        worker: 0,
        workers: 1,
        extra: Vec::new(),
    };
    let interest = instance.init(setup)?;
    let mut rows: Vec<Value> = Vec::new();
    for event in events {
        rows.push(serde_json::from_str(event).map_err(|error| format!("{event}: {error}"))?);
    }
    let columns = interest.read.iter().map(|field| column(field, events, &rows)).collect();
    let outcome = instance.process(&wit::Batch { now_ns: 0, rows: rows.len() as u32, columns })?;
    let mut ran = Ran::default();
    let mut emitted = texts(&outcome.emit.events).into_iter().zip(&outcome.emit.after).peekable();
    for (index, mut event) in rows.into_iter().enumerate() {
        for (field, column) in interest.write.iter().zip(&outcome.writes) {
            write(&mut event, field, column, index)?;
        }
        if outcome.keep.get(index).is_none_or(|keep| *keep == 1) {
            ran.events.push(event);
        }
        while let Some((text, _)) = emitted.next_if(|(_, after)| **after as usize == index) {
            ran.events.push(parse(&text)?);
        }
    }
    ran.errors = outcome.errors.into_iter().map(|error| (error.row as usize, error.message)).collect();
    ran.saved = instance.save();
    for text in texts(&instance.teardown(wit::Reason::Shutdown).events) {
        ran.last.push(parse(&text)?);
    }
    Ok(ran)
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))
}

fn keys(path: &str) -> Vec<String> {
    path.split('.').map(|key| key.trim_matches('"').to_owned()).collect()
}

fn column(field: &wit::Field, texts: &[&str], rows: &[Value]) -> wit::Column {
    let mut marks = Vec::new();
    let mut bytes = wit::BytesValues { data: Vec::new(), ends: Vec::new() };
    let (mut integers, mut floats, mut booleans) = (Vec::new(), Vec::new(), Vec::new());
    for (text, row) in texts.iter().zip(rows) {
        let found = if field.path == "." {
            Some(row)
        } else {
            keys(&field.path).iter().try_fold(row, |at, key| at.get(key))
        };
        let piece = match (field.kind, found) {
            (wit::Kind::Text, Some(Value::String(text))) => Some(text.clone()),
            (wit::Kind::Json, Some(_)) if field.path == "." => Some((*text).to_owned()),
            (wit::Kind::Json, Some(value)) if !value.is_null() => Some(value.to_string()),
            _ => None,
        };
        let integer = found.and_then(Value::as_i64);
        let float = found.and_then(Value::as_f64);
        let boolean = found.and_then(Value::as_bool);
        let is_value = match field.kind {
            wit::Kind::Text | wit::Kind::Json => piece.is_some(),
            wit::Kind::Integer => integer.is_some(),
            wit::Kind::Float => float.is_some(),
            wit::Kind::Boolean => boolean.is_some(),
        };
        bytes.data.extend_from_slice(piece.unwrap_or_default().as_bytes());
        bytes.ends.push(bytes.data.len() as u32);
        integers.push(integer.unwrap_or(0));
        floats.push(float.unwrap_or(0.0));
        booleans.push(u8::from(boolean.unwrap_or(false)));
        marks.push(match found {
            None => 0,
            Some(Value::Null) => 2,
            Some(_) if is_value => 1,
            Some(_) => 3,
        });
    }
    let values = match field.kind {
        wit::Kind::Text => wit::Values::Text(bytes),
        wit::Kind::Json => wit::Values::Json(bytes),
        wit::Kind::Integer => wit::Values::Integer(integers),
        wit::Kind::Float => wit::Values::Float(floats),
        wit::Kind::Boolean => wit::Values::Boolean(booleans),
    };
    wit::Column { values, marks }
}

/// The byte strings of a column.
fn texts(bytes: &wit::BytesValues) -> Vec<String> {
    let mut start = 0;
    let mut texts = Vec::new();
    for end in &bytes.ends {
        let end = *end as usize;
        texts.push(String::from_utf8_lossy(bytes.data.get(start..end).unwrap_or(&[])).into_owned());
        start = end;
    }
    texts
}

fn write(event: &mut Value, field: &wit::Field, column: &wit::Column, row: usize) -> Result<(), String> {
    let mark = if column.marks.is_empty() { 1 } else { column.marks.get(row).copied().unwrap_or(0) };
    if mark == 0 {
        return Ok(());
    }
    let value = match &column.values {
        _ if mark == 2 || mark == 3 => Value::Null,
        wit::Values::Text(bytes) => Value::from(texts(bytes).swap_remove(row)),
        wit::Values::Json(bytes) => parse(&texts(bytes).swap_remove(row))?,
        wit::Values::Integer(values) => Value::from(values.get(row).copied()),
        wit::Values::Float(values) => Value::from(values.get(row).copied()),
        wit::Values::Boolean(values) => Value::from(values.get(row).map(|value| *value == 1)),
    };
    if field.path == "." {
        match (mark, event.as_object_mut(), value) {
            (4, Some(event), Value::Object(members)) => event.extend(members),
            (_, _, value) => *event = value,
        }
        return Ok(());
    }
    let mut keys = keys(&field.path);
    let Some(last) = keys.pop() else { return Ok(()) };
    let mut at = event;
    for key in keys {
        let Some(object) = at.as_object_mut() else { return Ok(()) };
        at = object.entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    let Some(object) = at.as_object_mut() else { return Ok(()) };
    match (mark, object.get_mut(&last), value) {
        (2, ..) => drop(object.remove(&last)),
        (4, Some(Value::Object(old)), Value::Object(members)) => old.extend(members),
        (_, _, value) => drop(object.insert(last, value)),
    }
    Ok(())
}

//! Fields of events as serde_json has them: read into a column, and written from one.
//!
//! A write below a parent that is not an object changes nothing, as in the host.

use serde_json::{Map, Value};

use crate::bindings::hookaroon::hook::types as wit;
use crate::column::{Boolean, Declared, Float, Integer, Json, Kind, Readable, Text, Written};

/// A field of some events, as the host reads it. `texts` are those of `rows`.
pub(super) fn column(field: &wit::Field, texts: &[&str], rows: &[Value]) -> wit::Column {
    let mut column = Written::new(Declared::new(field.kind), rows.len());
    let mut marks = Vec::with_capacity(rows.len());
    for (row, (text, event)) in texts.iter().zip(rows).enumerate() {
        let found = if field.path == "." {
            Some(event)
        } else {
            keys(&field.path).iter().try_fold(event, |at, key| at.get(key))
        };
        let mut is_value = true;
        match (field.kind, found) {
            (wit::Kind::Text, Some(Value::String(value))) => column.set::<Text>(row, value, 1),
            (wit::Kind::Json, Some(_)) if field.path == "." => column.set::<Json>(row, text, 1),
            (wit::Kind::Json, Some(value)) if !value.is_null() => {
                column.set::<Json>(row, &value.to_string(), 1);
            }
            (wit::Kind::Integer, Some(value)) if let Some(value) = integer(value) => {
                column.set::<Integer>(row, value, 1);
            }
            (wit::Kind::Float, Some(value)) if let Some(value) = value.as_f64() => {
                column.set::<Float>(row, value, 1);
            }
            (wit::Kind::Boolean, Some(Value::Bool(value))) => column.set::<Boolean>(row, *value, 1),
            _ => is_value = false,
        }
        marks.push(match found {
            Some(_) if is_value => 1,
            None => 0,
            Some(Value::Null) => 2,
            Some(_) => 3,
        });
    }
    wit::Column { values: column.finish().values, marks }
}

/// A number that is exact in 64 bits: `12.0` is.
fn integer(value: &Value) -> Option<i64> {
    let whole = |value: &f64| value.fract() == 0.0 && (-(2f64.powi(63))..2f64.powi(63)).contains(value);
    value.as_i64().or_else(|| value.as_f64().filter(whole).map(|value| value as i64))
}

/// The keys of a path in TOML's dotted form: `a."b.c"` are `a` and `b.c`.
fn keys(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut key = String::new();
    let mut quote = None;
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quote == Some('"') => key.extend(chars.next()),
            '"' | '\'' if quote.is_none() => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            '.' if quote.is_none() => keys.push(std::mem::take(&mut key)),
            _ => key.push(c),
        }
    }
    keys.push(key);
    keys
}

/// Does to a field of an event what its column says for the row.
pub(super) fn write(
    event: &mut Value,
    field: &wit::Field,
    column: &wit::Column,
    row: usize,
) -> Result<(), String> {
    let mark = if column.marks.is_empty() { 1 } else { column.marks.get(row).copied().unwrap_or(0) };
    if mark == 0 {
        return Ok(());
    }
    let values = &Readable::new(column);
    let value = match field.kind {
        _ if mark == 2 || mark == 3 => Value::Null,
        wit::Kind::Text => Value::from(Text::get(values, row)),
        wit::Kind::Json => super::parse(Json::get(values, row).unwrap_or(""))?,
        wit::Kind::Integer => Value::from(Integer::get(values, row)),
        wit::Kind::Float => Value::from(Float::get(values, row)),
        wit::Kind::Boolean => Value::from(Boolean::get(values, row)),
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
        if mark == 2 && !object.contains_key(&key) {
            return Ok(());
        }
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

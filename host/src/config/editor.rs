//! The JSON Schema (draft 2020-12) of `hookaroon.toml`, for editors: it offers the keys with what they mean, and marks
//! unknown ones and values that cannot be meant. What only `check` can know (plugins, grants, names) it leaves to that.

use serde_json::{Map, Value, json};

use super::schema::{self, Bounded, Form, Key, Kind, Section, Unset};
use super::show::{json as of_toml, parse};
use super::units::{SIZES, TIMES};

/// The schema of a configuration; it fits included files too.
pub fn json_schema() -> Value {
    let mut schema = section(schema::TOP);
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".to_owned(), "hookaroon.toml".into());
    }
    schema
}

fn section(section: &Section) -> Value {
    let mut properties = Map::new();
    for key in section.keys {
        properties.insert(key.name.to_owned(), property(key));
    }
    let needed = |key: &&Key| key.unset == Unset::Refused;
    let required: Vec<&str> =
        section.keys.iter().filter(needed).filter(|key| key.only.is_none()).map(|key| key.name).collect();
    let mut members = json!({
        "type": "object",
        "description": section.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    if let Value::Object(members) = &mut members {
        if !required.is_empty() {
            members.insert("required".to_owned(), required.into());
        }
        let conditional: Vec<Value> = section.keys.iter().filter_map(of_one_type).collect();
        if !conditional.is_empty() {
            members.insert("allOf".to_owned(), conditional.into());
        }
    }
    members
}

/// A key that belongs to one `type` and is needed there.
fn of_one_type(key: &Key) -> Option<Value> {
    let kind = key.only?;
    let there = json!({"required": [key.name]});
    Some(json!({
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": if key.unset == Unset::Refused { there.clone() } else { json!({}) },
        "else": {"not": there},
    }))
}

fn property(key: &Key) -> Value {
    let mut members = match kind(&key.kind) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    if !key.doc.is_empty() {
        let mut doc = key.doc.to_owned();
        if let Kind::Word(words) = &key.kind {
            for (word, meaning) in *words {
                doc.push_str(&format!("\n- `{word}`: {meaning}"));
            }
        }
        members.insert("description".to_owned(), doc.into());
    }
    if let Some(default) = key.default().and_then(|text| parse(&text)) {
        members.insert("default".to_owned(), of_toml(&default));
    }
    if let Some(example) = parse(key.example) {
        members.insert("examples".to_owned(), json!([of_toml(&example)]));
    }
    Value::Object(members)
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Number(bounds) => number(bounds),
        Kind::NumberOr(bounds, word) => json!({"anyOf": [number(bounds), {"const": word}]}),
        Kind::Size(bounds) => {
            let units: Vec<&str> = SIZES.iter().map(|(unit, _)| *unit).collect();
            let pattern = format!("^[0-9]+\\s*(B|{})$", units.join("|"));
            json!({"anyOf": [number(bounds), {"type": "string", "pattern": pattern}]})
        }
        Kind::Time(_) => {
            let units: Vec<&str> = TIMES.iter().map(|(unit, _)| *unit).collect();
            json!({"type": "string", "pattern": format!("^[0-9]+\\s*({})$", units.join("|"))})
        }
        Kind::Word(words) => json!({"enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>()}),
        Kind::Text(form) => text(*form),
        Kind::Texts(form) => json!({"anyOf": [text(*form), {"type": "array", "items": text(*form)}]}),
        Kind::Lines => json!({"anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]},
        ]}),
        Kind::Table(below) => section(below),
        Kind::Tables(below) => {
            json!({"type": "array", "description": below.doc, "items": section(below)})
        }
        Kind::Open => json!({"type": "object"}),
    }
}

fn number(bounds: &Bounded<u64>) -> Value {
    let mut number = json!({"type": "integer", "minimum": bounds.allowed.start()});
    // No TOML integer is over 63 bits.
    if let (Value::Object(members), Ok(most)) = (&mut number, i64::try_from(*bounds.allowed.end())) {
        members.insert("maximum".to_owned(), most.into());
    }
    number
}

fn text(form: Form) -> Value {
    match form {
        Form::Any | Form::Path | Form::Moment | Form::Listen => json!({"type": "string"}),
        Form::Plugin => json!({"type": "string", "minLength": 1}),
        Form::Name => json!({"type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"}),
        Form::Share => json!({"type": "string", "pattern": "^[0-9]+([.][0-9]{1,2})? *%$"}),
        Form::Digest => json!({"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}),
    }
}

#[cfg(test)]
mod tests;

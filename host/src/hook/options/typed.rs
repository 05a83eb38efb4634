//! Options from the command line: texts that become what the schema says they are.

use serde_json::{Map, Value};

use super::{check, kinds, list, resolved};

/// A text as a value of the schema at `path` in `root`: lists take commas, numbers and booleans their words, lists and
/// tables JSON as well. What fits nothing stays a text, and [`check`] says what is wrong with it.
pub fn typed(root: &Value, path: &[String], text: &str) -> Value {
    let mut at = resolved(root, root);
    for key in path {
        let below = at
            .get("properties")
            .and_then(|properties| properties.get(key))
            .or_else(|| at.get("additionalProperties"));
        at = below.map_or(&Value::Null, |below| resolved(root, below));
    }
    value(root, at, text)
}

fn value(root: &Value, schema: &Value, text: &str) -> Value {
    let literal = || serde_json::from_str::<Value>(text).ok();
    let Value::Object(schema) = schema else {
        // Nothing is known: what looks like a number or a boolean is one.
        return literal()
            .filter(|value| value.is_number() || value.is_boolean())
            .unwrap_or_else(|| Value::from(text));
    };
    if let Some(Value::Array(allowed)) = schema.get("enum") {
        let found = allowed.iter().find(|value| value.as_str() == Some(text));
        let other = || allowed.iter().find(|value| literal().as_ref() == Some(value));
        return found.or_else(other).cloned().unwrap_or_else(|| Value::from(text));
    }
    let kinds = kinds(schema);
    for kind in &kinds {
        let found = match *kind {
            "integer" | "number" => literal().filter(Value::is_number),
            "boolean" => literal().filter(Value::is_boolean),
            "object" => literal().filter(Value::is_object),
            "array" if kinds.contains(&"string") => literal().filter(Value::is_array),
            "array" => Some(entries(root, schema, text)),
            _ => None,
        };
        if let Some(found) = found {
            return found;
        }
    }
    for alternative in list(schema, "anyOf").iter().chain(list(schema, "oneOf")) {
        let alternative = resolved(root, alternative);
        let tried = value(root, alternative, text);
        if check(alternative, &tried).is_empty() {
            return tried;
        }
    }
    Value::from(text)
}

/// A JSON array, or texts with commas between them.
fn entries(root: &Value, schema: &Map<String, Value>, text: &str) -> Value {
    if let Some(list) = serde_json::from_str::<Value>(text).ok().filter(Value::is_array) {
        return list;
    }
    let items = schema.get("items").map_or(&Value::Null, |items| resolved(root, items));
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    Value::Array(entries.map(|entry| value(root, items, entry)).collect())
}

//! The options of a hook's config, as people read them: out of the JSON Schema in its manifest.
//!
//! A stranger wrote the schema, so its texts come out printable, and what is not understood is left out rather than
//! refused.

use serde::Serialize;
use serde_json::Value;

use crate::hook::manifest::printable;

/// Nobody reads more, and no hook has a tenth of it.
const MAX_OPTIONS: usize = 256;

/// How deep lists of tables of lists are told.
const MAX_DEPTH: usize = 4;

/// One option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigOption {
    /// Its key in `[hook.config]`.
    pub name: String,
    /// What it takes, in words: `text`, `list of text`, `one of "keep", "drop"`.
    pub takes: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is if it is not given, as JSON.
    pub default: Option<String>,
    /// What it is for.
    pub description: String,
}

/// The options that a schema describes, in its order; those of a table behind it, as `table.option`.
pub fn options(schema: &Value) -> Vec<ConfigOption> {
    let mut options = Vec::new();
    add_options(schema, "", 0, &mut options);
    options
}

fn add_options(schema: &Value, before: &str, depth: usize, options: &mut Vec<ConfigOption>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required = |name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let option = |(name, schema): (&String, &Value)| ConfigOption {
        name: format!("{before}{}", printable(name)),
        takes: takes(schema, 0),
        required: required(name),
        default: schema.get("default").map(|default| printable(&default.to_string())),
        description: schema.get("description").and_then(Value::as_str).map(printable).unwrap_or_default(),
    };
    for property in properties {
        if options.len() >= MAX_OPTIONS {
            return;
        }
        options.push(option(property));
        let (name, schema) = property;
        if depth < MAX_DEPTH {
            add_options(schema, &format!("{before}{}.", printable(name)), depth + 1, options);
        }
    }
}

/// What a schema takes, in words.
fn takes(schema: &Value, depth: usize) -> String {
    if depth == MAX_DEPTH {
        return "anything".to_owned();
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words.iter().map(|word| printable(&word.to_string())).collect();
        return format!("one of {}", words.join(", "));
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => {
            let items =
                schema.get("items").map_or_else(|| "anything".to_owned(), |items| takes(items, depth + 1));
            format!("list of {items}")
        }
        Some("object") => match schema.get("additionalProperties").filter(|values| values.is_object()) {
            Some(values) => format!("table of {}", takes(values, depth + 1)),
            None => "table".to_owned(),
        },
        _ => "anything".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_are_told_in_words() {
        let options = options(&json!({"required": ["min"], "properties": {
            "min": {"type": "string", "description": "The least."},
            "loggers": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "unknown": {"default": "keep", "enum": ["keep", "drop"]},
            "n": {"type": "integer", "default": 3},
            "odd": {"type": ["string", "null"]},
            "hash": {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}}},
        }}));
        let told: Vec<_> =
            options.iter().map(|option| (option.name.as_str(), option.takes.as_str())).collect();
        assert_eq!(
            told,
            [
                ("min", "text"),
                ("loggers", "table of list of text"),
                ("unknown", "one of \"keep\", \"drop\""),
                ("n", "whole number"),
                ("odd", "anything"),
                ("hash", "table"),
                ("hash.key", "text"),
            ]
        );
        assert!(options[0].required && options[0].description == "The least.");
        assert_eq!(options[2].default.as_deref(), Some("\"keep\""));
    }

    #[test]
    fn a_schema_that_is_none_or_steers_terminals_or_nests_without_end_does_no_harm() {
        assert!(options(&json!([1])).is_empty() && options(&json!({"properties": 1})).is_empty());
        let nested = (0..100).fold(json!({}), |items, _| json!({"type": "array", "items": items}));
        let told = options(&json!({"properties": {"a\u{1b}": nested, "b": 7}}));
        assert_eq!(told[0].name, "a?");
        assert_eq!(told[0].takes, "list of list of list of list of anything");
        assert_eq!(told[1].takes, "anything");
    }
}

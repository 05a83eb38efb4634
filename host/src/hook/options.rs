//! A hook's config against the JSON Schema in its plugin's manifest: what is wrong with it before the hook runs.
//!
//! Of draft 2020-12 what says which options there are: `type`, `enum`, `const`, `properties`, `additionalProperties`,
//! `required`, `items`, `minItems`, `maxItems`, bounds of numbers, lengths of texts, `anyOf`, `oneOf`, `allOf`, and
//! `$ref` within the schema. Other keywords are passed over, `pattern` too: its regular expressions are JavaScript's,
//! and the hook's own `init` says better what is wrong with a text. A general validator would bring some 40 crates
//! along and know nothing of near spellings.
//!
//! A stranger wrote the schema: at most [`MAX_DEPTH`] levels and [`MAX_STEPS`] schemas are looked at, what lies beyond
//! is let through, and its texts are shown [`printable`]. At most [`MAX_WRONG`] errors are told.

mod typed;

use serde_json::{Map, Value};

use super::manifest::printable;
use crate::config::{Step, suggestion};
use crate::event::path::Path;

pub use typed::typed;

/// How deep schemas are followed.
const MAX_DEPTH: usize = 64;

/// How many schemas are looked at in all: a large table of rows needs some for each cell.
const MAX_STEPS: usize = 4_000_000;

/// How many errors are told.
const MAX_WRONG: usize = 50;

/// How much of a value or of a description is shown, in characters.
const MAX_SHOWN: usize = 100;

/// One thing that is wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The way to the value.
    pub path: Vec<Step>,
    /// It is the key that is wrong, not its value.
    pub at_key: bool,
    /// The value as JSON, where that helps; it may be a secret.
    pub found: Option<String>,
    /// What it is, and what would be right.
    pub problem: String,
}

impl Wrong {
    /// The whole error: where, after `start`, what was found unless that is a secret, and what would be right.
    pub fn message(&self, start: &str, is_secret: bool) -> String {
        let name = option_name(start, &self.path);
        match &self.found {
            Some(found) if !is_secret => format!("{name} is {found}; {}", self.problem),
            _ => format!("{name}: {}", self.problem),
        }
    }
}

/// `config.geo.fields[2]`
fn option_name(start: &str, path: &[Step]) -> String {
    let mut name = start.to_owned();
    for (place, step) in path.iter().enumerate() {
        match step {
            Step::Key(key) => {
                if place > 0 {
                    name.push('.');
                }
                name.push_str(&Path::Field(vec![key.clone()]).to_string());
            }
            Step::Entry(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name.trim_end_matches(['.', ' ']).to_owned()
}

/// Everything that is wrong with `config`, in its order.
pub fn check(schema: &Value, config: &Value) -> Vec<Wrong> {
    let mut check = Check { root: schema, steps: 0, path: Vec::new(), wrong: Vec::new() };
    check.value(schema, config, 0);
    check.wrong
}

/// The options that a schema names, in its order.
pub fn options(schema: &Value) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// The schema that a `$ref` within `root` leads to, or this one.
fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut at = schema;
    for _ in 0..MAX_DEPTH {
        let target = at.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        match target.and_then(|pointer| root.pointer(pointer)) {
            Some(next) => at = next,
            None => return at,
        }
    }
    at
}

struct Check<'s> {
    root: &'s Value,
    steps: usize,
    path: Vec<Step>,
    wrong: Vec<Wrong>,
}

impl<'s> Check<'s> {
    fn tell(&mut self, at_key: bool, found: Option<&Value>, problem: String) {
        if self.wrong.len() < MAX_WRONG {
            let found = found.map(shown);
            self.wrong.push(Wrong { path: self.path.clone(), at_key, found, problem });
        }
    }

    fn value(&mut self, schema: &'s Value, value: &Value, depth: usize) {
        self.steps += 1;
        if depth > MAX_DEPTH || self.steps > MAX_STEPS {
            return;
        }
        let schema = match resolved(self.root, schema) {
            Value::Object(schema) => schema,
            Value::Bool(false) => return self.tell(true, None, "this is not allowed here".to_owned()),
            _ => return,
        };
        if !self.kind(schema, value) || !self.one_of_few(schema, value) {
            return;
        }
        match value {
            Value::Object(members) => self.members(schema, members, depth),
            Value::Array(entries) => self.entries(schema, value, entries, depth),
            Value::Number(number) => self.number(schema, value, number.as_f64().unwrap_or(0.0)),
            Value::String(text) => self.length(schema, value, text.chars().count(), LENGTHS),
            Value::Null | Value::Bool(_) => {}
        }
        for all in list(schema, "allOf") {
            self.value(all, value, depth + 1);
        }
        for any in ["anyOf", "oneOf"] {
            self.any_of(list(schema, any), value, depth);
        }
    }

    /// Whether the value is of a type that the schema allows.
    fn kind(&mut self, schema: &Map<String, Value>, value: &Value) -> bool {
        let allowed = kinds(schema);
        if allowed.is_empty() || allowed.iter().any(|kind| is_of(value, kind)) {
            return true;
        }
        let problem = both_readings(schema, value)
            .unwrap_or_else(|| format!("{} is needed{}", article(&allowed), described(schema)));
        self.tell(false, Some(value), problem);
        false
    }

    fn one_of_few(&mut self, schema: &Map<String, Value>, value: &Value) -> bool {
        let allowed = match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(allowed)), _) => allowed.as_slice(),
            (_, Some(only)) => std::slice::from_ref(only),
            _ => return true,
        };
        if allowed.contains(value) {
            return true;
        }
        let names: Vec<String> = allowed.iter().map(plain).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = suggestion(value.as_str().unwrap_or_default(), &names);
        self.tell(false, Some(value), format!("that is not known; {hint}"));
        false
    }

    fn members(&mut self, schema: &'s Map<String, Value>, members: &Map<String, Value>, depth: usize) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (key, value) in members {
            self.path.push(Step::Key(key.clone()));
            match (properties.and_then(|properties| properties.get(key)), others) {
                (Some(property), _) => self.value(property, value, depth + 1),
                // Patterns of keys are regular expressions: what they may allow is the hook's to judge.
                (None, Some(Value::Bool(false))) if !schema.contains_key("patternProperties") => {
                    let known: Vec<String> = properties
                        .map(|properties| properties.keys().map(|key| printable(key)).collect())
                        .unwrap_or_default();
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    let hint =
                        if known.is_empty() { "it takes none".to_owned() } else { suggestion(key, &known) };
                    self.tell(true, None, format!("unknown key; {hint}"));
                }
                (None, Some(others)) => self.value(others, value, depth + 1),
                (None, None) => {}
            }
            self.path.pop();
        }
        for key in list(schema, "required").iter().filter_map(Value::as_str) {
            if !members.contains_key(key) {
                let property = properties.and_then(|properties| properties.get(key));
                let about = property.and_then(Value::as_object).map(described).unwrap_or_default();
                self.path.push(Step::Key(printable(key)));
                self.tell(true, None, format!("this is missing{about}"));
                self.path.pop();
            }
        }
    }

    fn entries(&mut self, schema: &'s Map<String, Value>, value: &Value, entries: &[Value], depth: usize) {
        self.length(schema, value, entries.len(), COUNTS);
        let Some(items) = schema.get("items") else { return };
        for (index, entry) in entries.iter().enumerate() {
            self.path.push(Step::Entry(index));
            self.value(items, entry, depth + 1);
            self.path.pop();
        }
    }

    fn number(&mut self, schema: &Map<String, Value>, value: &Value, number: f64) {
        let bound = |key: &str| schema.get(key).filter(|bound| bound.is_number());
        let is = |key: &str, breaks: fn(f64, f64) -> bool| {
            bound(key).filter(|bound| bound.as_f64().is_some_and(|bound| breaks(number, bound)))
        };
        let wrong = is("minimum", |number, bound| number < bound)
            .map(|bound| format!("{bound} is the least"))
            .or_else(|| {
                is("maximum", |number, bound| number > bound).map(|bound| format!("{bound} is the most"))
            })
            .or_else(|| {
                is("exclusiveMinimum", |number, bound| number <= bound)
                    .map(|bound| format!("more than {bound} is needed"))
            })
            .or_else(|| {
                is("exclusiveMaximum", |number, bound| number >= bound)
                    .map(|bound| format!("less than {bound} is needed"))
            });
        if let Some(wrong) = wrong {
            self.tell(false, Some(value), format!("{wrong}{}", described(schema)));
        }
    }

    fn length(&mut self, schema: &Map<String, Value>, value: &Value, length: usize, bounds: Bounds) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
        let length = length as u64;
        let wrong = match (bound(bounds.least), bound(bounds.most)) {
            (Some(least), _) if length < least => format!("at least {least} {} are needed", bounds.unit),
            (_, Some(most)) if length > most => format!("{most} {} are the most", bounds.unit),
            _ => return,
        };
        self.tell(false, Some(value), format!("{wrong}{}", described(schema)));
    }

    /// A value must fit one of the alternatives. If just one of them is of its type, that one says what is wrong.
    fn any_of(&mut self, alternatives: &'s [Value], value: &Value, depth: usize) {
        if alternatives.is_empty() {
            return;
        }
        let root = self.root;
        let mut near = None;
        let mut near_count = 0;
        let mut allowed: Vec<String> = Vec::new();
        for alternative in alternatives {
            let before = self.wrong.len();
            self.value(alternative, value, depth + 1);
            if self.wrong.len() == before {
                return;
            }
            let wrong = self.wrong.split_off(before);
            if let Value::Object(schema) = resolved(root, alternative) {
                let kinds = kinds(schema);
                if kinds.iter().any(|kind| is_of(value, kind)) {
                    near_count += 1;
                    near = Some(wrong);
                }
                match schema.get("enum").or_else(|| schema.get("const")) {
                    Some(Value::Array(few)) => allowed.extend(few.iter().map(plain)),
                    Some(only) => allowed.push(plain(only)),
                    None => allowed.push(article(&kinds)),
                }
            }
        }
        match near {
            Some(wrong) if near_count == 1 => self.wrong.extend(wrong),
            _ => self.tell(false, Some(value), format!("allowed: {}", allowed.join(", "))),
        }
    }
}

/// The keywords that bound a length.
#[derive(Clone, Copy)]
struct Bounds {
    least: &'static str,
    most: &'static str,
    unit: &'static str,
}

const LENGTHS: Bounds = Bounds { least: "minLength", most: "maxLength", unit: "characters" };
const COUNTS: Bounds = Bounds { least: "minItems", most: "maxItems", unit: "entries" };

fn list<'s>(schema: &'s Map<String, Value>, key: &str) -> &'s [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The types that a schema names.
fn kinds(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether a value is of a type; of one that JSON Schema does not have, it is.
fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

/// Types in words of the configuration. TOML has no null, so nobody is told to write one.
fn article(kinds: &[&str]) -> String {
    let words: Vec<&str> = kinds
        .iter()
        .filter_map(|kind| match *kind {
            "string" => Some("a text"),
            "boolean" => Some("true or false"),
            "number" => Some("a number"),
            "integer" => Some("a whole number"),
            "array" => Some("a list"),
            "object" => Some("a table"),
            _ => None,
        })
        .collect();
    if words.is_empty() { "another value".to_owned() } else { words.join(" or ") }
}

/// What a bare number could mean where a share is needed, `"5%"`, as its pattern tells.
fn both_readings(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    schema.get("pattern")?.as_str().filter(|pattern| pattern.ends_with("%$"))?;
    value.as_f64().map(crate::config::both_readings)
}

/// What the option is, from its description.
fn described(schema: &Map<String, Value>) -> String {
    match schema.get("description").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => format!(": {}", cut(&printable(text))),
        _ => String::new(),
    }
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), printable)
}

/// A value as it is shown.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(entries) => format!("a list of {}", entries.len()),
        Value::Object(_) => "a table".to_owned(),
        Value::String(text) => {
            let text = cut(&printable(text));
            format!("{text:?}")
        }
        other => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;

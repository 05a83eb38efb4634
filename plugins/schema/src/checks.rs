//! The rules, made ready: which field is read as what, and what it must be.
//!
//! Each rule has a number and a text. An event costs one look at each field, and its lists of values; nothing is
//! allocated for it. A config with more fields than the host hands out, or with rules about none, is an error.

use std::collections::BTreeMap;

use hookaroon_sdk::{Boolean, Event, Float, Integer, Json, Kind, Mark, Read, Setup, Text};

use crate::rule::{Rule, Table, Type, Values, told};

/// The most fields.
const MAX_FIELDS: usize = 256;

/// The rules, and the fields that they are about.
#[derive(Debug)]
pub struct Checks {
    fields: Vec<Field>,
    /// What is said of an event that breaks the rule with this number.
    rules: Vec<String>,
}

/// A field: the numbers of its rules, and what they ask for.
#[derive(Debug)]
struct Field {
    reader: Reader,
    required: Option<Required>,
    kind: usize,
    one_of: Option<(usize, Values)>,
    range: Option<(usize, f64, f64)>,
}

#[derive(Debug)]
struct Required {
    rule: usize,
    /// All must hold; none: always.
    when: Vec<(Reader, Values)>,
}

/// How a field is read: as the kind that tells its type and costs least.
#[derive(Clone, Copy, Debug)]
enum Reader {
    Any(Read<Boolean>),
    Text(Read<Text>),
    Integer(Read<Integer>),
    Float(Read<Float>),
    Boolean(Read<Boolean>),
    /// What begins with this byte.
    Json(Read<Json>, u8),
}

/// What a field is.
#[derive(Clone, Copy, Debug)]
enum Seen<'e> {
    Missing,
    /// Of another type.
    Wrong,
    Text(&'e str),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// As it must be, whatever that is.
    Right,
}

impl Reader {
    fn new(path: &str, kind: Type, setup: &mut Setup) -> Reader {
        match kind {
            Type::Any => Reader::Any(setup.read(path)),
            Type::Text => Reader::Text(setup.read(path)),
            Type::Integer => Reader::Integer(setup.read(path)),
            Type::Float => Reader::Float(setup.read(path)),
            Type::Boolean => Reader::Boolean(setup.read(path)),
            Type::Object => Reader::Json(setup.read(path), b'{'),
            Type::Array => Reader::Json(setup.read(path), b'['),
        }
    }

    #[inline]
    fn see<'e>(self, event: &Event<'e>) -> Seen<'e> {
        match self {
            Reader::Any(read) => match event.mark(read) {
                Mark::Absent | Mark::Null => Seen::Missing,
                Mark::Value | Mark::Other => Seen::Right,
            },
            Reader::Text(read) => typed(event, read, Seen::Text),
            Reader::Integer(read) => typed(event, read, Seen::Integer),
            Reader::Float(read) => typed(event, read, Seen::Float),
            Reader::Boolean(read) => typed(event, read, Seen::Boolean),
            Reader::Json(read, first) => typed(event, read, |json| {
                if json.as_bytes().first() == Some(&first) { Seen::Right } else { Seen::Wrong }
            }),
        }
    }
}

#[inline]
fn typed<'e, K: Kind>(
    event: &Event<'e>,
    read: Read<K>,
    seen: impl FnOnce(K::Value<'e>) -> Seen<'e>,
) -> Seen<'e> {
    match (event.get(read), event.mark(read)) {
        (Some(value), _) => seen(value),
        (None, Mark::Absent | Mark::Null) => Seen::Missing,
        (None, Mark::Value | Mark::Other) => Seen::Wrong,
    }
}

impl Values {
    #[inline]
    fn has(&self, seen: Seen<'_>) -> bool {
        match (self, seen) {
            (Values::Text(values), Seen::Text(text)) => values.iter().any(|value| value == text),
            (Values::Integer(values), Seen::Integer(number)) => values.contains(&number),
            (Values::Float(values), Seen::Float(number)) => values.contains(&number),
            (Values::Boolean(values), Seen::Boolean(value)) => values.contains(&value),
            _ => false,
        }
    }
}

impl Checks {
    /// The rules of a config.
    pub fn new(
        required: Vec<String>,
        rules: BTreeMap<String, Rule>,
        setup: &mut Setup,
    ) -> Result<Checks, String> {
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        for (path, Rule(table)) in rules {
            if table.is_empty() {
                return Err(format!("fields.{path}: it says nothing; write a type, or required = true"));
            }
            tables.insert(path, table);
        }
        for path in required {
            tables.entry(path).or_insert_with(Table::empty).required = true;
        }
        if tables.is_empty() {
            return Err(
                "there is nothing to check; write required = [\"message\"], or a field and its type: \
                        fields = { status = \"integer\" }"
                    .to_owned(),
            );
        }
        if tables.len() > MAX_FIELDS {
            return Err(format!("fields: there are {}; {MAX_FIELDS} is the most", tables.len()));
        }
        if tables.contains_key(".") {
            return Err("fields: \".\" is the whole event; name fields of it".to_owned());
        }
        let mut readers = BTreeMap::new();
        for (path, table) in &tables {
            let kind = table.kind().map_err(|error| format!("fields.{path}: {error}"))?;
            readers.insert(path.as_str(), (kind, Reader::new(path, kind, setup)));
        }
        let mut checks = Checks { fields: Vec::with_capacity(tables.len()), rules: Vec::new() };
        for (path, table) in &tables {
            checks.add(path, table, &readers).map_err(|error| format!("fields.{path}: {error}"))?;
        }
        Ok(checks)
    }

    fn add(
        &mut self,
        path: &str,
        table: &Table,
        readers: &BTreeMap<&str, (Type, Reader)>,
    ) -> Result<(), String> {
        let Some((kind, reader)) = readers.get(path).copied() else { return Ok(()) };
        let required = self.required(path, table, readers)?;
        let kind_rule = self.rule(format!("{path} is not {}", kind.a_name()));
        let one_of = match &table.one_of {
            Some(values) => {
                let known = Values::new(values, kind).map_err(|error| format!("one_of: {error}"))?;
                Some((self.rule(format!("{path} is not {}", told(values))), known))
            }
            None => None,
        };
        let range = match (table.min, table.max) {
            (None, None) => None,
            (min, max) => {
                let text = match (min, max) {
                    (Some(min), Some(max)) => format!("{path} is not from {min} to {max}"),
                    (Some(min), None) => format!("{path} is less than {min}"),
                    (_, max) => format!("{path} is more than {}", max.unwrap_or(f64::INFINITY)),
                };
                let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
                Some((self.rule(text), min, max))
            }
        };
        self.fields.push(Field { reader, required, kind: kind_rule, one_of, range });
        Ok(())
    }

    fn required(
        &mut self,
        path: &str,
        table: &Table,
        readers: &BTreeMap<&str, (Type, Reader)>,
    ) -> Result<Option<Required>, String> {
        if table.required {
            if !table.required_when.is_empty() {
                return Err("required and required_when exclude each other; leave one out".to_owned());
            }
            let rule = self.rule(format!("{path} is required"));
            return Ok(Some(Required { rule, when: Vec::new() }));
        }
        if table.required_when.is_empty() {
            return Ok(None);
        }
        let mut when = Vec::with_capacity(table.required_when.len());
        let mut text = format!("{path} is required when ");
        for (number, (other, values)) in table.required_when.iter().enumerate() {
            let values = values.as_slice();
            let Some((kind, reader)) = readers.get(other.as_str()) else {
                return Err(format!(
                    "required_when: {other:?} is not among the fields; add it there: {other:?} = \"text\""
                ));
            };
            let known = Values::new(values, *kind)
                .map_err(|error| format!("required_when: {other}: {error} (see fields.{other})"))?;
            when.push((*reader, known));
            text.push_str(if number > 0 { " and " } else { "" });
            text.push_str(&format!("{other} is {}", told(values)));
        }
        let rule = self.rule(text);
        Ok(Some(Required { rule, when }))
    }

    fn rule(&mut self, text: String) -> usize {
        self.rules.push(text);
        self.rules.len() - 1
    }

    /// What is said of an event that breaks a rule, by its number.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Adds the numbers of the rules that an event breaks.
    #[inline]
    pub fn check(&self, event: &Event<'_>, broken: &mut Vec<usize>) {
        for field in &self.fields {
            let seen = field.reader.see(event);
            match seen {
                Seen::Missing => {
                    if let Some(required) = &field.required
                        && required.when.iter().all(|(reader, values)| values.has(reader.see(event)))
                    {
                        broken.push(required.rule);
                    }
                    continue;
                }
                Seen::Wrong => {
                    broken.push(field.kind);
                    continue;
                }
                _ => {}
            }
            if let Some((rule, values)) = &field.one_of
                && !values.has(seen)
            {
                broken.push(*rule);
            }
            if let Some((rule, min, max)) = field.range {
                let number = match seen {
                    Seen::Integer(number) => number as f64,
                    Seen::Float(number) => number,
                    _ => continue,
                };
                if !(min..=max).contains(&number) {
                    broken.push(rule);
                }
            }
        }
    }
}

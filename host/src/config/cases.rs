//! `[[test]]`: events that go in, and what is to come out of each sink.
//!
//! The cases may name sources, sinks and hooks of any file, so names are looked up when all files were read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use toml::de::DeValue;

use super::errors::Error;
use super::reader::{Table, Value, suggestion};
use super::settings::read;
use super::{Hook, Place, Sink, Source};

/// The time of a test that says none: 2026-01-01T00:00:00Z.
const DEFAULT_NOW_NS: u64 = 1_767_225_600_000_000_000;

/// One test.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The number of the source that the events come from.
    pub source: usize,
    /// The events, a line each, as that source would read them.
    pub events: String,
    /// The time of the whole test, in nanoseconds since 1970.
    pub now_ns: u64,
    /// What some of the sinks are to take.
    pub expected: Vec<Expected>,
    /// How many events are to be dropped for each reason, as the summary has them; none: that does not matter.
    pub dropped: Option<BTreeMap<String, u64>>,
    /// How many dead letters each hook is to make; hooks that are not named make none.
    pub dead_letters: BTreeMap<String, u64>,
    /// Where it stands.
    pub place: Place,
}

/// What one sink is to take.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The sink's number.
    pub sink: usize,
    /// The texts as they leave, in order.
    pub events: Vec<String>,
    /// Where that stands.
    pub place: Place,
}

/// A test whose names were not looked up yet.
pub(super) struct Draft {
    case: Case,
    source: Option<Name>,
    sinks: Vec<(Name, Vec<String>)>,
    reasons: Vec<Name>,
    hooks: Vec<Name>,
}

/// A name and where it stands.
struct Name {
    name: String,
    at: (usize, usize),
}

pub(super) fn draft(table: &Table<'_, '_>, dir: &Path) -> Draft {
    let text = table.reader.text;
    let name = |name: &str, span: &Range<usize>| Name { name: name.to_owned(), at: text.place(span.start) };
    let place = |line| Place { file: text.file.to_owned(), line };
    let (line, _) = text.place(table.span().start);
    let mut sinks = Vec::new();
    for (key, value) in members(table, "expect") {
        sinks.push((name(key, &value.span()), lines(table, &format!("expect.{key}"), value, dir)));
    }
    let (dropped, reasons) = counts(table, "dropped");
    let (dead_letters, hooks) = counts(table, "dead_letters");
    if sinks.is_empty() && dropped.is_none() && dead_letters.is_none() {
        let message = "it expects nothing; add [test.expect] with the events of a sink, SINK = [\"...\"]";
        table.wrong(table.span(), message.to_owned());
    }
    let events = match table.get("events") {
        Some(value) => lines(table, "events", value, dir),
        None => {
            table.wrong(
                table.span(),
                "events is missing, the events that go in: events = [\"...\"]".to_owned(),
            );
            Vec::new()
        }
    };
    Draft {
        case: Case {
            name: table.required_string("name").map(|(name, _)| name.to_owned()).unwrap_or_default(),
            source: 0,
            events: events.iter().map(|event| format!("{event}\n")).collect(),
            now_ns: now(table),
            expected: Vec::new(),
            dropped,
            dead_letters: dead_letters.unwrap_or_default(),
            place: place(line),
        },
        source: table.string("source").map(|(source, span)| name(source, &span)),
        sinks,
        reasons: reasons.iter().map(|(reason, span)| name(reason, span)).collect(),
        hooks: hooks.iter().map(|(hook, span)| name(hook, span)).collect(),
    }
}

impl Draft {
    /// The test's name, for what is told of all tests.
    pub(super) fn name(&self) -> &str {
        &self.case.name
    }

    /// Looks its names up.
    pub(super) fn resolve(
        self,
        sources: &[Source],
        hooks: &[Hook],
        sinks: &[Sink],
        errors: &mut Vec<Error>,
    ) -> Case {
        let Draft { mut case, .. } = self;
        let title = format!("test {:?}", case.name);
        let file = case.place.file.clone();
        let mut find = |what: &str, known: &[&str], name: &Name| {
            let found = known.iter().position(|known| *known == name.name);
            if found.is_none() {
                let hint = suggestion(&name.name, known);
                let message = format!("{title}: there is no {what} {:?}; {hint}", name.name);
                errors.push(Error { file: file.clone(), at: Some(name.at), message });
            }
            found
        };
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        if let Some(source) = &self.source {
            case.source = find("source", &names, source).unwrap_or(0);
        }
        let names: Vec<&str> = sinks.iter().map(|sink| sink.name.as_str()).collect();
        for (name, events) in self.sinks {
            if let Some(sink) = find("sink", &names, &name) {
                let place = Place { file: case.place.file.clone(), line: name.at.0 };
                case.expected.push(Expected { sink, events, place });
            }
        }
        let names: Vec<&str> = hooks.iter().map(|hook| hook.name.as_str()).collect();
        for hook in &self.hooks {
            find("hook", &names, hook);
        }
        let reasons: Vec<String> =
            names.iter().flat_map(|hook| [format!("hook:{hook}"), format!("on_error:{hook}")]).collect();
        let mut known: Vec<&str> = reasons.iter().map(String::as_str).collect();
        known.push("unrouted");
        for reason in &self.reasons {
            find("reason to drop", &known, reason);
        }
        case
    }
}

/// The members of a table whose keys are names.
fn members<'r, 'i>(table: &Table<'r, 'i>, key: &str) -> Vec<(&'r str, &'r Value<'i>)> {
    let Some(value) = table.get(key) else { return Vec::new() };
    match value.get_ref() {
        DeValue::Table(members) => {
            members.iter().map(|(name, value)| (name.get_ref().as_ref(), value)).collect()
        }
        other => {
            table.wrong(&value.span(), format!("{key} is {}; a table is needed", other.type_str()));
            Vec::new()
        }
    }
}

/// A table of counts, and where their names stand.
#[allow(clippy::type_complexity)]
fn counts(table: &Table<'_, '_>, key: &str) -> (Option<BTreeMap<String, u64>>, Vec<(String, Range<usize>)>) {
    if table.get(key).is_none() {
        return (None, Vec::new());
    }
    let mut counts = BTreeMap::new();
    let mut names = Vec::new();
    for (name, value) in members(table, key) {
        let count = value.get_ref().as_integer().and_then(|count| count.as_str().parse().ok());
        match count {
            Some(count) => drop(counts.insert(name.to_owned(), count)),
            None => table.wrong(&value.span(), format!("{key}.{name}: a count is needed")),
        }
        names.push((name.to_owned(), value.span()));
    }
    (Some(counts), names)
}

/// Texts of events: a list of them, or the lines of `{ file = "..." }`.
fn lines(table: &Table<'_, '_>, key: &str, value: &Value<'_>, dir: &Path) -> Vec<String> {
    let wrong = |span: Range<usize>, message: &str| table.wrong(&span, format!("{key}: {message}"));
    match value.get_ref() {
        DeValue::Array(list) => {
            let mut lines = Vec::new();
            for item in list.iter() {
                match item.get_ref().as_str() {
                    Some(text) if text.contains(['\n', '\r']) => {
                        wrong(item.span(), "an event is one line; take the line break out");
                    }
                    Some(text) => lines.push(text.to_owned()),
                    None => wrong(item.span(), "an event is a text: '{\"message\":\"hi\"}'"),
                }
            }
            lines
        }
        DeValue::Table(file) if file.len() == 1 => {
            match file.get("file").and_then(|name| name.get_ref().as_str()) {
                Some(name) => read(&dir.join(name))
                    .map(|text| text.lines().map(str::to_owned).collect())
                    .unwrap_or_else(|error| {
                        wrong(value.span(), &error);
                        Vec::new()
                    }),
                None => {
                    wrong(value.span(), "a list of texts, or { file = \"events.ndjson\" }, is needed");
                    Vec::new()
                }
            }
        }
        _ => {
            wrong(value.span(), "a list of texts, or { file = \"events.ndjson\" }, is needed");
            Vec::new()
        }
    }
}

/// The time of a test: a date and time of TOML, or the same as a text; with its zone.
fn now(table: &Table<'_, '_>) -> u64 {
    let Some(value) = table.get("now") else { return DEFAULT_NOW_NS };
    let text = match value.get_ref() {
        DeValue::Datetime(time) => time.to_string(),
        DeValue::String(text) => text.to_string(),
        _ => String::new(),
    };
    let time = text.parse::<Timestamp>().ok().and_then(|time| u64::try_from(time.as_nanosecond()).ok());
    time.unwrap_or_else(|| {
        table.wrong(
            &value.span(),
            "now is no time since 1970 with its zone; write for example 2026-01-31T12:00:00Z".to_owned(),
        );
        DEFAULT_NOW_NS
    })
}

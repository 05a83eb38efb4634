//! From a file and what it includes to a checked [`Config`]: keys of the whole file here, those of its parts in `parts`.
//!
//! Every file is read to its end and every error is noted, so that one run tells all of them. What only all files together
//! can have wrong (names that occur twice, two sources on standard input) is looked at last.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::errors::{Error, Errors, Text};
use super::reader::{Reader, Table, suggestion};
use super::schema::{self, Section};
use super::settings::Outside;
use super::{
    Batch, Case, Config, DeadLetters, Hook, Input, Keep, PluginLimits, Sink, Source, admin, cases, parts,
    rollout,
};
use crate::hook::trust::Trust;

/// Reads and checks `file` and what it includes.
pub fn load(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Errors> {
    read(file, environment).map(|(config, _)| config)
}

/// The data directory of a configuration, as far as that can be read: for those who ask a run that started with it.
pub fn data_dir(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let text = fs::read_to_string(file).unwrap_or_default();
    let (document, _) = DeTable::parse_recoverable(&text);
    let written = document.get_ref().get("data_dir").and_then(|value| value.get_ref().as_str());
    data_dir_in(file.parent().unwrap_or(Path::new("")), written, environment)
}

/// The one that is written, relative to the configuration's directory, or what stands in for it.
fn data_dir_in(dir: &Path, written: Option<&str>, environment: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    match (written, environment("STATE_DIRECTORY")) {
        (Some(path), _) => dir.join(path),
        (None, Some(state)) if !state.is_empty() => PathBuf::from(state),
        _ => dir.join("hookaroon-data"),
    }
}

/// The texts that a configuration was read from, each with its file, in their order.
pub(super) type Documents = Vec<(PathBuf, String)>;

pub(super) fn read(
    file: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Documents), Errors> {
    let text = fs::read_to_string(file).map_err(|error| {
        let message = format!("cannot read the configuration: {error}; name another one with -c FILE");
        Errors(vec![Error { file: file.to_owned(), at: None, message }])
    })?;
    let mut loading = Loading::new(environment);
    let config = loading.main(file, &text);
    if loading.errors.is_empty() { Ok((config, loading.documents)) } else { Err(Errors(loading.errors)) }
}

/// Checks a text that includes nothing and is called `file`.
pub(super) fn read_text(
    file: &Path,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Errors> {
    let mut loading = Loading::new(environment);
    let config = loading.main(file, text);
    if loading.errors.is_empty() { Ok(config) } else { Err(Errors(loading.errors)) }
}

#[derive(Default)]
struct Parts {
    sources: Vec<Source>,
    hooks: Vec<Hook>,
    sinks: Vec<Sink>,
    tests: Vec<cases::Draft>,
    /// Where each of them stands, as an error without words.
    places: Places,
    /// The names in all `from`, with the same.
    named: Vec<(String, Error)>,
}

#[derive(Default)]
struct Places {
    sources: Vec<Error>,
    hooks: Vec<Error>,
    /// Of the `otherwise` of each hook's rollout.
    otherwise: Vec<Option<Error>>,
    sinks: Vec<Error>,
    tests: Vec<Error>,
}

struct Loading<'e> {
    errors: Vec<Error>,
    environment: &'e dyn Fn(&str) -> Option<String>,
    parts: Parts,
    documents: Documents,
}

impl<'e> Loading<'e> {
    fn new(environment: &'e dyn Fn(&str) -> Option<String>) -> Loading<'e> {
        Loading { errors: Vec::new(), environment, parts: Parts::default(), documents: Vec::new() }
    }
}

impl Loading<'_> {
    fn main(&mut self, file: &Path, text: &str) -> Config {
        let dir = file.parent().unwrap_or(Path::new(""));
        let mut config = Config {
            file: file.to_owned(),
            includes: Vec::new(),
            data_dir: dir.join("hookaroon-data"),
            workers: 1,
            max_event_bytes: 0,
            drain_deadline: Duration::ZERO,
            plugin_limits: PluginLimits::default(),
            trust: Trust::default(),
            batch: Batch { rows: 0, bytes: 0, wait: Duration::ZERO },
            dead_letters: DeadLetters::default(),
            admin: None,
            sources: Vec::new(),
            hooks: Vec::new(),
            sinks: Vec::new(),
            tests: Vec::new(),
        };
        let mut includes = Vec::new();
        self.file(file, text, schema::TOP, |top, environment| {
            config.data_dir = data_dir_in(dir, top.string("data_dir").map(|(path, _)| path), environment);
            config.workers = workers(top);
            config.max_event_bytes = top.size("max_event_bytes", &schema::MAX_EVENT_BYTES) as usize;
            config.drain_deadline = top.time("drain_deadline", &schema::DRAIN_DEADLINE);
            config.plugin_limits = plugin_limits(top);
            config.trust = trust(top);
            config.batch = batch(top);
            config.dead_letters = dead_letters(top);
            config.admin = admin::read(top, dir);
            for (pattern, span) in top.strings("include").unwrap_or_default() {
                let found = includes.len();
                config.includes.push(pattern.to_owned());
                match glob::glob(&dir.join(pattern).to_string_lossy()) {
                    Ok(paths) => includes.extend(paths.flatten()),
                    Err(error) => top.wrong(&span, format!("include: {pattern:?} is not a pattern: {error}")),
                }
                if includes.len() == found && !pattern.contains(['*', '?', '[']) {
                    top.wrong(&span, format!("include: there is no file {}", dir.join(pattern).display()));
                }
            }
        });
        includes.sort();
        for path in includes {
            match fs::read_to_string(&path) {
                Ok(text) => self.file(&path, &text, schema::INCLUDED, |_, _| {}),
                Err(error) => self.errors.push(Error {
                    file: path,
                    at: None,
                    message: format!("cannot read it: {error}"),
                }),
            }
        }
        self.check_together(file);
        let tests = self.tests();
        Config {
            tests,
            sources: std::mem::take(&mut self.parts.sources),
            hooks: std::mem::take(&mut self.parts.hooks),
            sinks: std::mem::take(&mut self.parts.sinks),
            ..config
        }
    }

    /// Reads one file's sources, hooks and sinks, and whatever `top` wants of it.
    fn file(
        &mut self,
        file: &Path,
        text: &str,
        section: &Section,
        top: impl FnOnce(&Table<'_, '_>, &dyn Fn(&str) -> Option<String>),
    ) {
        self.documents.push((file.to_owned(), text.to_owned()));
        let reader = Reader { text: Text { file, text }, errors: RefCell::default() };
        let (document, syntax) = DeTable::parse_recoverable(text);
        for error in &syntax {
            let span = error.span().unwrap_or(0..0);
            reader.errors.borrow_mut().push(reader.text.error(&span, error.message().to_owned()));
        }
        // After an error in the syntax, what is missing may only be unread.
        if syntax.is_empty() {
            let dir = file.parent().unwrap_or(Path::new(""));
            let table = Table::new(&reader, document.get_ref(), document.span(), "", section);
            top(&table, self.environment);
            let outside = Outside { dir, environment: self.environment };
            let place = |table: &Table<'_, '_>| table.reader.text.error(table.span(), String::new());
            let Parts { sources, hooks, sinks, tests, places, named } = &mut self.parts;
            for table in table.tables("source", schema::SOURCE) {
                sources.push(parts::source(&table, dir));
                places.sources.push(place(&table));
            }
            for table in table.tables("hook", schema::HOOK) {
                hooks.push(parts::hook(&table, &outside));
                places.hooks.push(place(&table));
                places.otherwise.push(rollout::place_of_otherwise(&table));
                named.extend(parts::named_in_from(&table));
            }
            for table in table.tables("sink", schema::SINK) {
                sinks.push(parts::sink(&table, dir));
                places.sinks.push(place(&table));
                named.extend(parts::named_in_from(&table));
            }
            for table in table.tables("test", schema::TEST) {
                tests.push(cases::draft(&table, dir));
                places.tests.push(place(&table));
            }
        }
        let mut errors = reader.errors.into_inner();
        errors.sort_by_key(|error| error.at);
        // `from` is read twice.
        errors.dedup();
        self.errors.extend(errors);
    }

    /// The tests, with their names looked up.
    fn tests(&mut self) -> Vec<Case> {
        let drafts = std::mem::take(&mut self.parts.tests);
        let Parts { sources, hooks, sinks, .. } = &self.parts;
        drafts.into_iter().map(|draft| draft.resolve(sources, hooks, sinks, &mut self.errors)).collect()
    }

    /// What only all parts together can have wrong.
    fn check_together(&mut self, file: &Path) {
        let mut wrong = Vec::new();
        let Parts { sources, hooks, sinks, tests, places, named } = &self.parts;
        if self.errors.is_empty() {
            let mut missing = |message: &str| {
                wrong.push(Error { file: file.to_owned(), at: None, message: message.to_owned() });
            };
            if sources.is_empty() {
                missing("there is no [[source]]; add one with type = \"file\" or \"stdin\"");
            }
            if sinks.is_empty() {
                missing("there is no [[sink]]; add one with type = \"file\" or \"stdout\"");
            }
        }
        twice("source", sources.iter().map(|source| source.name.as_str()), &places.sources, &mut wrong);
        twice("hook", hooks.iter().map(|hook| hook.name.as_str()), &places.hooks, &mut wrong);
        twice("sink", sinks.iter().map(|sink| sink.name.as_str()), &places.sinks, &mut wrong);
        twice("test", tests.iter().map(cases::Draft::name), &places.tests, &mut wrong);
        let mut stdin =
            sources.iter().zip(&places.sources).filter(|(source, _)| source.input == Input::Stdin);
        if let Some((first, _)) = stdin.next() {
            wrong.extend(stdin.map(|(source, place)| {
                let message = format!(
                    "sources {:?} and {:?} both read standard input; one can",
                    first.name, source.name
                );
                Error { message, ..place.clone() }
            }));
        }
        for (index, (sink, place)) in sinks.iter().zip(&places.sinks).enumerate() {
            if let Some(other) = sinks.iter().take(index).find(|other| other.output == sink.output) {
                let message =
                    format!("sinks {:?} and {:?} write to the same place; one can", other.name, sink.name);
                wrong.push(Error { message, ..place.clone() });
            }
        }
        wrong.extend(rollout::wrong_otherwise(hooks, &places.otherwise));
        let emitted: Vec<String> = hooks.iter().map(|hook| format!("hook:{}", hook.name)).collect();
        let known: Vec<&str> = sources
            .iter()
            .map(|source| source.name.as_str())
            .chain(emitted.iter().map(String::as_str))
            .collect();
        for (name, place) in named.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let message =
                format!("{}from: there is no source {name:?}; {}", place.message, suggestion(name, &known));
            wrong.push(Error { message, ..place.clone() });
        }
        self.errors.extend(wrong);
    }
}

fn twice<'n>(what: &str, names: impl Iterator<Item = &'n str>, places: &[Error], wrong: &mut Vec<Error>) {
    let mut known: HashSet<&str> = HashSet::new();
    for (name, place) in names.zip(places).filter(|(name, _)| !name.is_empty()) {
        if !known.insert(name) {
            let message = format!("there are two {what}s with the name {name:?}");
            wrong.push(Error { message, ..place.clone() });
        }
    }
}

fn workers(top: &Table<'_, '_>) -> u32 {
    let workers = match top.get("workers").map(|value| value.get_ref()) {
        Some(DeValue::String(text)) if text == "auto" => {
            available_parallelism().map_or(1, NonZero::get) as u64
        }
        Some(DeValue::String(text)) => {
            let span = top.get("workers").map_or(0..0, |value| value.span());
            top.wrong(&span, format!("workers = {text:?} is not known; a number or \"auto\" is allowed"));
            1
        }
        _ => top.number("workers", &schema::WORKERS),
    };
    u32::try_from(workers).unwrap_or(1)
}

fn plugin_limits(top: &Table<'_, '_>) -> PluginLimits {
    let mut limits = PluginLimits::default();
    let Some(table) = top.table("plugin_limits", schema::PLUGIN_LIMITS) else { return limits };
    let PluginLimits { scan, compile } = &mut limits;
    for (key, limit) in [
        ("file_bytes", &mut scan.file_bytes),
        ("function_bytes", &mut scan.function_bytes),
        ("memory_bytes", &mut compile.memory_bytes),
    ] {
        *limit = table.size(key, &schema::from_one(*limit));
    }
    for (key, limit) in [
        ("functions", &mut scan.functions),
        ("globals", &mut scan.globals),
        ("instantiated", &mut scan.instantiated),
        ("nesting", &mut scan.nesting),
        ("names", &mut scan.names),
        ("cpu_seconds", &mut compile.cpu_seconds),
    ] {
        *limit = table.number(key, &schema::from_one(*limit));
    }
    limits
}

fn trust(top: &Table<'_, '_>) -> Trust {
    let keys = top.parsed_list("trust");
    if let Some(value) = top.get("trust")
        && value.get_ref().as_array().is_some_and(|list| list.is_empty())
    {
        let message =
            "trust names no key, so no plugin could be loaded; name one, or leave trust out to load any";
        top.wrong(&value.span(), message.to_owned());
    }
    Trust::new(keys)
}

fn batch(top: &Table<'_, '_>) -> Batch {
    let empty = DeTable::default();
    let table = top.table("batch", schema::BATCH);
    let table = table.unwrap_or_else(|| Table::new(top.reader, &empty, 0..0, "", schema::BATCH));
    Batch {
        rows: table.number("rows", &schema::BATCH_ROWS) as usize,
        bytes: table.size("bytes", &schema::BATCH_BYTES) as usize,
        wait: table.time("wait", &schema::BATCH_WAIT),
    }
}

fn dead_letters(top: &Table<'_, '_>) -> DeadLetters {
    let Some(table) = top.table("dead_letters", schema::DEAD_LETTERS) else { return DeadLetters::default() };
    let keep = [("event", Keep::Event), ("granted", Keep::Granted), ("hash", Keep::Hash)];
    DeadLetters {
        max_bytes: table.size("max_bytes", &schema::DEAD_LETTERS_BYTES),
        max_age: table.get("max_age").map(|_| table.time("max_age", &schema::DEAD_LETTERS_AGE)),
        keep: table.choice("keep", &keep, Keep::Event),
    }
}

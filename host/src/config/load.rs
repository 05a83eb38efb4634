//! From a file and what it includes to a checked [`Config`]: keys of the whole file here, those of its parts in `parts`.
//!
//! Every file is read to its end and every error is noted, so that one run tells all of them. What only all files together
//! can have wrong (names that occur twice, two sources on standard input) is looked at last.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::errors::{Error, Errors, Text};
use super::reader::{Reader, Table};
use super::schema::{self, Section};
use super::settings::Outside;
use super::{Batch, Case, Config, Hook, Input, PluginLimits, Sink, Source, cases, parts};

/// Reads and checks `file` and what it includes.
pub fn load(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Errors> {
    read(file, environment).map(|(config, _)| config)
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
    let mut loading =
        Loading { errors: Vec::new(), environment, parts: Parts::default(), documents: Vec::new() };
    let config = loading.main(file, &text);
    if loading.errors.is_empty() { Ok((config, loading.documents)) } else { Err(Errors(loading.errors)) }
}

#[derive(Default)]
struct Parts {
    sources: Vec<Source>,
    hooks: Vec<Hook>,
    sinks: Vec<Sink>,
    tests: Vec<cases::Draft>,
}

struct Loading<'e> {
    errors: Vec<Error>,
    environment: &'e dyn Fn(&str) -> Option<String>,
    parts: Parts,
    documents: Documents,
}

impl Loading<'_> {
    fn main(&mut self, file: &Path, text: &str) -> Config {
        let dir = file.parent().unwrap_or(Path::new(""));
        let mut config = Config {
            file: file.to_owned(),
            data_dir: dir.join("hookaroon-data"),
            workers: 1,
            max_event_bytes: 0,
            plugin_limits: PluginLimits::default(),
            batch: Batch { rows: 0, bytes: 0, wait: Duration::ZERO },
            sources: Vec::new(),
            hooks: Vec::new(),
            sinks: Vec::new(),
            tests: Vec::new(),
        };
        let mut includes = Vec::new();
        self.file(file, text, schema::TOP, |top, environment| {
            config.data_dir = match (top.string("data_dir"), environment("STATE_DIRECTORY")) {
                (Some((path, _)), _) => dir.join(path),
                (None, Some(state)) if !state.is_empty() => PathBuf::from(state),
                _ => dir.join("hookaroon-data"),
            };
            config.workers = workers(top);
            config.max_event_bytes = top.size("max_event_bytes", &schema::MAX_EVENT_BYTES) as usize;
            config.plugin_limits = plugin_limits(top);
            config.batch = batch(top);
            for (pattern, span) in top.strings("include").unwrap_or_default() {
                match glob::glob(&dir.join(pattern).to_string_lossy()) {
                    Ok(paths) => includes.extend(paths.flatten()),
                    Err(error) => top.wrong(&span, format!("include: {pattern:?} is not a pattern: {error}")),
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
            self.parts
                .sources
                .extend(table.tables("source", schema::SOURCE).iter().map(|table| parts::source(table, dir)));
            self.parts
                .hooks
                .extend(table.tables("hook", schema::HOOK).iter().map(|table| parts::hook(table, &outside)));
            self.parts
                .sinks
                .extend(table.tables("sink", schema::SINK).iter().map(|table| parts::sink(table, dir)));
            self.parts
                .tests
                .extend(table.tables("test", schema::TEST).iter().map(|table| cases::draft(table, dir)));
            self.check_from(&table);
        }
        let mut errors = reader.errors.into_inner();
        errors.sort_by_key(|error| error.at);
        // The names in `from` are looked at after everything else, which reads some tables twice.
        errors.dedup();
        self.errors.extend(errors);
    }

    /// Names may stand in an included file before those of a later one: only what was read so far is known.
    fn check_from(&self, table: &Table<'_, '_>) {
        let hooks: Vec<String> = self.parts.hooks.iter().map(|hook| format!("hook:{}", hook.name)).collect();
        let sources = self.parts.sources.iter().map(|source| source.name.as_str());
        let known: Vec<&str> = sources.chain(hooks.iter().map(String::as_str)).collect();
        for part in table.tables("hook", schema::HOOK).iter().chain(&table.tables("sink", schema::SINK)) {
            parts::check_from(part, &known);
        }
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
        let Parts { sources, hooks, sinks, tests } = &self.parts;
        if self.errors.is_empty() {
            if sources.is_empty() {
                wrong.push("there is no [[source]]; add one with type = \"file\" or \"stdin\"".to_owned());
            }
            if sinks.is_empty() {
                wrong.push("there is no [[sink]]; add one with type = \"file\" or \"stdout\"".to_owned());
            }
        }
        twice("source", sources.iter().map(|source| source.name.as_str()), &mut wrong);
        twice("hook", hooks.iter().map(|hook| hook.name.as_str()), &mut wrong);
        twice("sink", sinks.iter().map(|sink| sink.name.as_str()), &mut wrong);
        twice("test", tests.iter().map(cases::Draft::name), &mut wrong);
        let stdin: Vec<_> =
            sources.iter().filter(|source| source.input == Input::Stdin).map(|source| &source.name).collect();
        if stdin.len() > 1 {
            wrong.push(format!("sources {stdin:?} all read standard input; one can"));
        }
        for (index, sink) in sinks.iter().enumerate() {
            if let Some(other) = sinks.iter().take(index).find(|other| other.output == sink.output) {
                wrong.push(format!(
                    "sinks {:?} and {:?} write to the same place; one can",
                    other.name, sink.name
                ));
            }
        }
        let errors = wrong.into_iter().map(|message| Error { file: file.to_owned(), at: None, message });
        self.errors.extend(errors);
    }
}

fn twice<'n>(what: &str, names: impl Iterator<Item = &'n str>, wrong: &mut Vec<String>) {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for name in names.filter(|name| !name.is_empty()) {
        let count = counts.entry(name).or_default();
        *count += 1;
        if *count == 2 {
            wrong.push(format!("there are two {what}s with the name {name:?}"));
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

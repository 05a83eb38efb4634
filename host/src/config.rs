//! `hookaroon.toml`: read once, checked whole, turned into values that the rest can rely on.
//!
//! Unknown keys are errors; every error is told, with its line and the nearest right spelling. Relative paths are
//! relative to the file that they stand in.

mod alone;
mod cases;
mod editor;
mod errors;
mod parts;
mod places;
mod reader;
mod reference;
mod schema;
mod settings;
mod show;
mod units;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::decode;
use crate::event::condition::Condition;
use crate::event::path::{Meta, Pattern};
use crate::event::time::TimeFormat;
use crate::hook::load::PluginSource;
use crate::hook::{compile, scan};
pub use cases::{Case, Expected};
pub use editor::json_schema;
use errors::Text;
pub use errors::{Error, Errors};
pub(crate) use parts::is_plugin_path;
pub use places::{Places, Step};
pub(crate) use reader::suggestion;
use reader::{Reader, Table};
pub use reference::reference;
use schema::Section;
use settings::Outside;
pub use show::{Shown, show};
pub(crate) use units::size;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// Where the cache and dead letters are.
    pub data_dir: PathBuf,
    /// How many workers there are.
    pub workers: u32,
    /// The longest line that is one event.
    pub max_event_bytes: usize,
    /// What a plugin may cost before it runs.
    pub plugin_limits: PluginLimits,
    /// When a batch is full.
    pub batch: Batch,
    /// At least one.
    pub sources: Vec<Source>,
    /// The chain, in its order.
    pub hooks: Vec<Hook>,
    /// At least one.
    pub sinks: Vec<Sink>,
    /// What `check` tries out.
    pub tests: Vec<Case>,
}

/// What a plugin may cost before it runs: for operators who trust a large one.
#[derive(Clone, Copy, Debug, Default)]
pub struct PluginLimits {
    /// How large it may be.
    pub scan: scan::Limits,
    /// What compiling it may cost.
    pub compile: compile::Limits,
}

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// Events.
    pub rows: usize,
    /// Bytes of their texts.
    pub bytes: usize,
    /// From its first event on.
    pub wait: Duration,
}

/// Where events come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, unique among sources.
    pub name: String,
    /// What it reads.
    pub input: Input,
    /// What its bytes are.
    pub decode: Decode,
    /// Where its events carry their time.
    pub time: TimeFormat,
}

/// What a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// Files.
    File {
        /// Their paths, or patterns.
        paths: Vec<String>,
    },
}

/// What a source's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decode {
    /// JSON objects as they are, anything else wrapped.
    Auto,
    /// The same, and what is no object is counted.
    Json,
    /// Texts.
    Text,
    /// What Kubernetes' container runtimes write.
    Cri,
    /// What Docker's json-file driver writes.
    Docker,
}

/// A plugin at work.
#[derive(Clone)]
pub struct Hook {
    /// Its name, unique among hooks.
    pub name: String,
    /// Its plugin.
    pub plugin: PluginSource,
    /// The digest that the plugin must have.
    pub sha256: Option<[u8; 32]>,
    /// Whether it is in the chain.
    pub enabled: bool,
    /// Whose events it is handed; none: everybody's.
    pub from: Option<Vec<String>>,
    /// What must hold for them.
    pub conditions: Vec<Condition>,
    /// The cap of each instance.
    pub memory_bytes: u64,
    /// How long its calls may take.
    pub deadlines: Deadlines,
    /// What becomes of events that it fails on.
    pub on_error: OnError,
    /// No event may pass it unprocessed.
    pub required: bool,
    /// What it may do.
    pub grant: Grant,
    /// Its own config, as JSON.
    pub config: String,
    /// Where the parts of that stand.
    pub config_places: Places,
    /// Where it stands in the configuration.
    pub place: Place,
}

impl fmt::Debug for Hook {
    /// Without its config, which may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Hook")
            .field("name", &self.name)
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}

/// CPU time for each kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Of `process`.
    pub process: Duration,
    /// Of `init`.
    pub init: Duration,
    /// Of `tick` and `save`.
    pub tick: Duration,
    /// Of `teardown`.
    pub teardown: Duration,
}

/// What becomes of events that a hook fails on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// They are kept on disk.
    DeadLetter,
    /// They pass as they were.
    Pass,
    /// They are dropped, and counted.
    Drop,
    /// They are kept on disk, and the run ends.
    Stop,
}

impl OnError {
    /// All of them.
    pub const ALL: [OnError; 4] = [OnError::DeadLetter, OnError::Pass, OnError::Drop, OnError::Stop];

    /// Its word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            OnError::DeadLetter => "dead_letter",
            OnError::Pass => "pass",
            OnError::Drop => "drop",
            OnError::Stop => "stop",
        }
    }
}

/// What a hook may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Read these fields.
    pub read: Vec<Pattern>,
    /// Write these fields.
    pub write: Vec<Pattern>,
    /// Drop events.
    pub drop: bool,
    /// Emit events.
    pub emit: bool,
    /// Call these host interfaces.
    pub imports: Vec<String>,
}

/// A place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0: it stands in no file but on the command line.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => formatter.write_str("command line"),
            line => write!(formatter, "{}:{line}", self.file.display()),
        }
    }
}

/// Where events go.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its name, unique among sinks.
    pub name: String,
    /// What it writes.
    pub output: Output,
    /// Whose events it takes; none: everybody's.
    pub from: Option<Vec<String>>,
    /// What must hold for them.
    pub conditions: Vec<Condition>,
    /// The metadata that is added to them.
    pub include: Vec<Meta>,
}

/// What a sink writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// A file, appended to.
    File {
        /// Its path.
        path: PathBuf,
    },
}

impl From<Decode> for decode::Format {
    fn from(decode: Decode) -> decode::Format {
        match decode {
            Decode::Auto => decode::Format::Auto,
            Decode::Json => decode::Format::Json,
            Decode::Text => decode::Format::Text,
            Decode::Cri => decode::Format::Cri,
            Decode::Docker => decode::Format::Docker,
        }
    }
}

/// A hook's config that stands in no file, with the texts of `{ file = ... }` and `{ env = ... }` in it; paths are
/// relative to the working directory. The error names the key.
pub fn settings_of(
    config: serde_json::Value,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<serde_json::Value, String> {
    settings::filled_in(config, &Outside { dir: Path::new(""), environment })
}

/// Reads and checks `file` and what it includes.
pub fn load(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Errors> {
    read(file, environment).map(|(config, _)| config)
}

/// The texts that a configuration was read from, each with its file, in their order.
type Documents = Vec<(PathBuf, String)>;

fn read(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<(Config, Documents), Errors> {
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

#[cfg(test)]
mod tests;

//! `hookaroon.toml`: read once, checked whole, turned into values that the rest can rely on.
//!
//! Unknown keys are errors; every error is told, with its line and the nearest right spelling. Relative paths are
//! relative to the file that they stand in.

pub mod admin;
mod alone;
pub mod arguments;
mod candidate;
mod cases;
mod editor;
mod errors;
mod files;
mod load;
mod origins;
mod parts;
mod places;
mod reader;
mod reference;
mod rollout;
mod schema;
mod settings;
mod show;
mod units;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::decode;
use crate::event::condition::Condition;
use crate::event::path::{Meta, Pattern};
use crate::event::time::TimeFormat;
use crate::hook::load::PluginSource;
use crate::hook::spending::Budget;
use crate::hook::trust::Trust;
use crate::hook::{breaker, compile, limits, scan};
pub use admin::Admin;
pub use candidate::Candidate;
pub use cases::{Case, Expected};
pub use editor::json_schema;
pub use errors::{Error, Errors};
pub use files::{Files, of_table, show_table};
pub use load::{data_dir, load};
pub use origins::{Origins, origins};
pub(crate) use parts::{is_name, is_plugin_path, plugin_source};
pub use places::{Places, Step};
pub(crate) use reader::suggestion;
pub use reference::reference;
pub use rollout::{Otherwise, Rollout};
pub use settings::{read as text_of, settings_of};
pub use show::{Shown, show};
pub use units::{NoShare, Share};
pub(crate) use units::{both_readings, size, time};

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// The files that are read too, as patterns, relative to that.
    pub includes: Vec<String>,
    /// Where the cache and dead letters are.
    pub data_dir: PathBuf,
    /// How many workers there are.
    pub workers: u32,
    /// The longest line that is one event.
    pub max_event_bytes: usize,
    /// How long a run that is asked to end may take.
    pub drain_deadline: Duration,
    /// What a plugin may cost before it runs.
    pub plugin_limits: PluginLimits,
    /// Whose plugins are loaded.
    pub trust: Trust,
    /// When a batch is full.
    pub batch: Batch,
    /// How dead letters are kept.
    pub dead_letters: DeadLetters,
    /// Where the admin API listens; none: nowhere.
    pub admin: Option<Admin>,
    /// At least one.
    pub sources: Vec<Source>,
    /// The chain, in its order.
    pub hooks: Vec<Hook>,
    /// At least one.
    pub sinks: Vec<Sink>,
    /// What `check` tries out.
    pub tests: Vec<Case>,
}

impl Config {
    /// The same configuration with the hooks of another, and, where the sinks write to the same places, with what they take.
    pub(crate) fn with_hooks_of(&self, other: &Config) -> Config {
        let mut config = Config { hooks: other.hooks.clone(), ..self.clone() };
        if has_same_outputs(&self.sinks, &other.sinks) {
            config.sinks.clone_from(&other.sinks);
        }
        config
    }
}

/// Whether sinks write to the same places; what they take may differ.
pub(crate) fn has_same_outputs(sinks: &[Sink], others: &[Sink]) -> bool {
    let place = |sink: &Sink| (sink.name.clone(), sink.output.clone());
    sinks.iter().map(place).eq(others.iter().map(place))
}

/// What a plugin may cost before it runs: for operators who trust a large one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginLimits {
    /// How large it may be.
    pub scan: scan::Limits,
    /// What compiling it may cost.
    pub compile: compile::Limits,
}

/// When a batch is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Events.
    pub rows: usize,
    /// Bytes of their texts.
    pub bytes: usize,
    /// From its first event on.
    pub wait: Duration,
}

/// How dead letters are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetters {
    /// The most bytes of all of them; then the sources wait.
    pub max_bytes: u64,
    /// When they are removed; none: never.
    pub max_age: Option<Duration>,
    /// What is kept of each event.
    pub keep: Keep,
}

/// What is kept of an event that is a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Its text.
    Event,
    /// The fields that the hook was granted to read.
    Granted,
    /// Its digest.
    Hash,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq)]
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
    /// It is in the chain and events pass it unprocessed, because the operator said so while they flow.
    pub is_paused: bool,
    /// Whose events it is handed; none: everybody's.
    pub from: Option<Vec<String>>,
    /// What must hold for them.
    pub conditions: Vec<Condition>,
    /// The cap of each instance.
    pub memory_bytes: u64,
    /// How long its calls may take.
    pub deadlines: Deadlines,
    /// What one of its calls makes the host hold.
    pub output: limits::Output,
    /// What it writes to the log.
    pub log: limits::LogRate,
    /// When an instance is replaced by a fresh one.
    pub recycle: Recycle,
    /// What becomes of events that it fails on.
    pub on_error: OnError,
    /// What becomes of events while its breaker is open.
    pub when_open: WhenOpen,
    /// When its breaker opens.
    pub breaker: breaker::Settings,
    /// What it may cost.
    pub budget: Budget,
    /// What happens if each row costs more.
    pub over_cost: OverCost,
    /// No event may pass it unprocessed.
    pub required: bool,
    /// The share of its events that it is applied to.
    pub rollout: Rollout,
    /// A version that is tried beside it.
    pub candidate: Option<Candidate>,
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

/// When an instance is replaced by a fresh one, with its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recycle {
    /// When it uses this share of what was free below its cap after `init`; the whole: never.
    pub memory: Share,
    /// When it has been handed so many batches.
    pub calls: Option<u64>,
    /// When it is so old.
    pub age: Option<Duration>,
}

impl Default for Recycle {
    fn default() -> Recycle {
        Recycle { memory: Share::percent(75), calls: None, age: None }
    }
}

impl Default for breaker::Settings {
    fn default() -> breaker::Settings {
        breaker::Settings {
            failures: schema::BREAKER_FAILURES.default as u32,
            window: schema::BREAKER_WINDOW.default,
            pause: schema::BREAKER_PAUSE.default,
            max_pause: schema::BREAKER_MAX_PAUSE.default,
        }
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

/// What becomes of events while a hook's breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenOpen {
    /// They wait, and the sources with them.
    Block,
    /// They pass as they were.
    Pass,
    /// They are dropped, and counted.
    Drop,
    /// They are kept on disk.
    DeadLetter,
}

impl WhenOpen {
    /// All of them.
    pub const ALL: [WhenOpen; 4] = [WhenOpen::Block, WhenOpen::Pass, WhenOpen::Drop, WhenOpen::DeadLetter];

    /// Its word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            WhenOpen::Block => "block",
            WhenOpen::Pass => "pass",
            WhenOpen::Drop => "drop",
            WhenOpen::DeadLetter => "dead_letter",
        }
    }

    /// What they do then.
    pub fn of_its_events(self) -> &'static str {
        match self {
            WhenOpen::Block => "wait",
            WhenOpen::Pass => "pass it unprocessed",
            WhenOpen::Drop => "are dropped",
            WhenOpen::DeadLetter => "become dead letters",
        }
    }
}

/// What happens if each row costs a hook more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverCost {
    /// That is told.
    Warn,
    /// Events pass it unprocessed for a while.
    Bypass,
}

impl OverCost {
    /// All of them.
    pub const ALL: [OverCost; 2] = [OverCost::Warn, OverCost::Bypass];

    /// Its word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            OverCost::Warn => "warn",
            OverCost::Bypass => "bypass",
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
#[derive(Clone, Debug, PartialEq)]
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

#[cfg(test)]
mod tests;

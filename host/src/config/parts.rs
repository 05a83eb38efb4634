//! Sources, hooks and sinks, each from its table.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;

use super::alone::default_limits;
use super::candidate::candidate;
use super::errors::Error;
use super::reader::{Table, suggestion};
use super::rollout::rollout;
use super::schema::{
    self, DEADLINE, INIT_DEADLINE, MEMORY, RECYCLE_AGE, RECYCLE_CALLS, TEARDOWN_DEADLINE, TICK_DEADLINE,
};
use super::settings::{Outside, settings};
use super::{
    Deadlines, Decode, Grant, Hook, Input, OnError, Output, OverCost, Place, Recycle, Share, Sink, Source,
    WhenOpen,
};
use crate::event::path::{Meta, Path as FieldPath};
use crate::event::time::TimeFormat;
use crate::hook::load::PluginSource;
use crate::hook::spending::Budget;
use crate::hook::{breaker, limits};

/// The kinds of sources and sinks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Standard,
    File,
}

/// A name: it stands in `from`, in metrics and in files' names.
fn name(table: &Table<'_, '_>) -> String {
    let Some((name, span)) = table.required_string("name") else { return String::new() };
    if !is_name(name) {
        table.wrong(
            &span,
            format!("name {name:?}: letters, digits, \"_\", \"-\" and \".\" (not first) are allowed"),
        );
    }
    name.to_owned()
}

/// Whether it could be a name.
pub(crate) fn is_name(name: &str) -> bool {
    name.chars().all(|character| character.is_ascii_alphanumeric() || "_.-".contains(character))
        && !name.is_empty()
        && !name.starts_with('.')
}

pub(super) fn source(table: &Table<'_, '_>, dir: &Path) -> Source {
    let kind = kind(table, "stdin");
    let paths = table.strings("paths");
    let input = match (kind, paths) {
        (None | Some(Type::Standard), None) | (None, Some(_)) => Input::Stdin,
        (Some(Type::Standard), Some(_)) => {
            table.wrong(table.span(), "paths belongs to type = \"file\"".to_owned());
            Input::Stdin
        }
        (Some(Type::File), paths) => {
            let paths = paths.unwrap_or_default();
            if paths.is_empty() {
                table.wrong(
                    table.span(),
                    "paths is missing, the files to read: paths = [\"/var/log/app/*.log\"]".to_owned(),
                );
            }
            Input::File {
                paths: paths.iter().map(|(path, _)| dir.join(path).to_string_lossy().into_owned()).collect(),
            }
        }
    };
    let decode = table.choice(
        "decode",
        &[
            ("auto", Decode::Auto),
            ("json", Decode::Json),
            ("text", Decode::Text),
            ("cri", Decode::Cri),
            ("docker", Decode::Docker),
        ],
        Decode::Auto,
    );
    Source { name: name(table), input, decode, time: time(table) }
}

/// None if it is not said, or not understood.
fn kind(table: &Table<'_, '_>, standard: &str) -> Option<Type> {
    if table.get("type").is_none() {
        table.wrong(table.span(), format!("type is missing; there is {standard}, file"));
    }
    table.choice("type", &[(standard, Some(Type::Standard)), ("file", Some(Type::File))], None)
}

fn time(source: &Table<'_, '_>) -> TimeFormat {
    let Some(table) = source.table("time", schema::TIME) else { return TimeFormat::default() };
    let field: Option<FieldPath> = table.parsed("field");
    if matches!(field, Some(FieldPath::Whole | FieldPath::Meta(_))) {
        table.wrong(table.span(), "field: a field of the event is needed".to_owned());
    }
    let format = table.string("format").map(|(text, _)| text);
    let zone = table.string("zone").map(|(text, _)| text);
    TimeFormat::new(field, format, zone).unwrap_or_else(|message| {
        table.wrong(table.span(), message);
        TimeFormat::default()
    })
}

pub(super) fn hook(table: &Table<'_, '_>, outside: &Outside<'_>) -> Hook {
    let choices = OnError::ALL.map(|on_error| (on_error.name(), on_error));
    let on_error = table.choice("on_error", &choices, OnError::DeadLetter);
    let required = table.boolean("required", false);
    if required && on_error == OnError::Pass {
        let message = "on_error = \"pass\" would let events by that it did not process, and required = true forbids that";
        table.wrong(table.span(), message.to_owned());
    }
    let when_open =
        table.choice("when_open", &WhenOpen::ALL.map(|policy| (policy.name(), policy)), WhenOpen::Block);
    let over_cost =
        table.choice("over_cost", &OverCost::ALL.map(|policy| (policy.name(), policy)), OverCost::Warn);
    for (line, lets_by) in [
        ("when_open = \"pass\"", when_open == WhenOpen::Pass),
        ("over_cost = \"bypass\"", over_cost == OverCost::Bypass),
    ] {
        if required && lets_by {
            let message = format!(
                "{line} would let events by that it did not process, and required = true forbids that"
            );
            table.wrong(table.span(), message);
        }
    }
    let enabled = table.boolean("enabled", true);
    if required && !enabled {
        table.wrong(
            table.span(),
            "enabled = false lets every event by, and required = true forbids that".to_owned(),
        );
    }
    let name = name(table);
    let rollout = rollout(table, &name, required);
    let (line, _) = table.reader.text.place(table.span().start);
    let (config, config_places) = settings(table, outside);
    let memory_bytes = table.size("memory", &MEMORY);
    let (output, log) = limits(table, memory_bytes);
    Hook {
        name,
        plugin: plugin(table, outside.dir),
        sha256: sha256(table),
        enabled,
        is_paused: false,
        candidate: candidate(table, outside),
        from: from(table),
        conditions: table.parsed_list("match"),
        memory_bytes,
        deadlines: Deadlines {
            process: table.time("deadline", &DEADLINE),
            init: table.time("init_deadline", &INIT_DEADLINE),
            tick: table.time("tick_deadline", &TICK_DEADLINE),
            teardown: table.time("teardown_deadline", &TEARDOWN_DEADLINE),
        },
        output,
        log,
        recycle: recycle(table),
        on_error,
        when_open,
        breaker: breaker(table),
        budget: Budget {
            cost: table.get("cost").map(|_| table.time("cost", &schema::COST)),
            share: table.get("max_share").map(|_| table.share("max_share", Share::percent(100))),
            window: table.time("cost_window", &schema::COST_WINDOW),
        },
        over_cost,
        required,
        rollout,
        grant: grant(table),
        config,
        config_places,
        place: Place { file: table.reader.text.file.to_owned(), line },
    }
}

/// What a hook makes the host hold; its state is a quarter of its memory, if nothing is said.
fn limits(hook: &Table<'_, '_>, memory_bytes: u64) -> (limits::Output, limits::LogRate) {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let Some(table) = hook.table("limits", schema::LIMITS) else { return default_limits(memory_bytes) };
    let (mut output, mut log) = default_limits(memory_bytes);
    output.bytes = bytes(table.size("output", &schema::OUTPUT));
    output.events = bytes(table.number("events", &schema::EVENTS));
    if table.get("state").is_some() {
        output.state_bytes = bytes(table.size("state", &schema::STATE));
    }
    log.lines = table.number("log_lines", &schema::LOG_LINES);
    log.bytes = table.size("log_bytes", &schema::LOG_BYTES);
    (output, log)
}

fn breaker(hook: &Table<'_, '_>) -> breaker::Settings {
    let Some(table) = hook.table("breaker", schema::BREAKER) else { return breaker::Settings::default() };
    breaker::Settings {
        failures: table.number("failures", &schema::BREAKER_FAILURES) as u32,
        window: table.time("window", &schema::BREAKER_WINDOW),
        pause: table.time("pause", &schema::BREAKER_PAUSE),
        max_pause: table.time("max_pause", &schema::BREAKER_MAX_PAUSE),
    }
}

fn recycle(hook: &Table<'_, '_>) -> Recycle {
    let Some(table) = hook.table("recycle", schema::RECYCLE) else { return Recycle::default() };
    Recycle {
        memory: table.share("memory", Recycle::default().memory),
        calls: table.get("calls").map(|_| table.number("calls", &RECYCLE_CALLS)),
        age: table.get("age").map(|_| table.time("age", &RECYCLE_AGE)),
    }
}

/// What has a slash or ends in `.wasm`; anything else is the name of a standard hook.
pub(crate) fn is_plugin_path(plugin: &str) -> bool {
    plugin.contains('/') || plugin.ends_with(".wasm")
}

pub(super) fn plugin(table: &Table<'_, '_>, dir: &Path) -> PluginSource {
    plugin_source(table.required_string("plugin").map_or("", |(text, _)| text), dir)
}

/// A file, relative to `dir`, or a standard hook.
pub(crate) fn plugin_source(plugin: &str, dir: &Path) -> PluginSource {
    if is_plugin_path(plugin) {
        PluginSource::File(dir.join(plugin))
    } else {
        PluginSource::Standard(plugin.to_owned())
    }
}

pub(super) fn sha256(table: &Table<'_, '_>) -> Option<[u8; 32]> {
    let (text, span) = table.string("sha256")?;
    let mut digest = [0; 32];
    let whole = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0);
    }
    if !whole {
        table.wrong(&span, "sha256 is not 64 hex digits; `sha256sum PLUGIN.wasm` prints them".to_owned());
    }
    whole.then_some(digest)
}

fn from(table: &Table<'_, '_>) -> Option<Vec<String>> {
    table.strings("from").map(|names| names.into_iter().map(|(name, _)| name.to_owned()).collect())
}

/// The names in `from`, each with its place and the part's title, for when all names are known.
pub(super) fn named_in_from(table: &Table<'_, '_>) -> Vec<(String, Error)> {
    let title = if table.title.is_empty() { String::new() } else { format!("{}: ", table.title) };
    // Reading them once more would tell an error in their kind twice.
    let texts = match table.get("from").map(Spanned::get_ref) {
        Some(DeValue::String(_) | DeValue::Array(_)) => table.strings("from").unwrap_or_default(),
        _ => Vec::new(),
    };
    texts
        .into_iter()
        .map(|(name, span)| (name.to_owned(), table.reader.text.error(&span, title.clone())))
        .collect()
}

fn grant(hook: &Table<'_, '_>) -> Grant {
    hook.table("grant", schema::GRANT).map_or_else(Grant::default, |table| granted(&table))
}

/// What a table with the keys of `[hook.grant]` grants.
pub(super) fn granted(table: &Table<'_, '_>) -> Grant {
    Grant {
        read: table.parsed_list("read"),
        write: table.parsed_list("write"),
        drop: table.boolean("drop", false),
        emit: table.boolean("emit", false),
        imports: table
            .strings("imports")
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect(),
    }
}

pub(super) fn sink(table: &Table<'_, '_>, dir: &Path) -> Sink {
    let kind = kind(table, "stdout");
    let output = match (kind, table.string("path")) {
        (None | Some(Type::Standard), None) | (None, Some(_)) => Output::Stdout,
        (Some(Type::Standard), Some((_, span))) => {
            table.wrong(&span, "path belongs to type = \"file\"".to_owned());
            Output::Stdout
        }
        (Some(Type::File), Some((path, _))) => Output::File { path: dir.join(path) },
        (Some(Type::File), None) => {
            table.wrong(table.span(), "path is missing, the file to write".to_owned());
            Output::File { path: PathBuf::new() }
        }
    };
    let include = table.strings("include").unwrap_or_default();
    Sink {
        name: name(table),
        output,
        from: from(table),
        conditions: table.parsed_list("match"),
        include: include.into_iter().filter_map(|(name, span)| meta(table, name, &span)).collect(),
    }
}

fn meta(table: &Table<'_, '_>, name: &str, span: &Range<usize>) -> Option<Meta> {
    let names = Meta::ALL.map(Meta::name);
    let found = Meta::ALL.into_iter().find(|meta| meta.name() == name);
    if found.is_none() {
        table.wrong(span, format!("include: there is no metadata {name:?}; {}", suggestion(name, &names)));
    }
    found
}

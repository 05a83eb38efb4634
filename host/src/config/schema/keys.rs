//! Every key of `hookaroon.toml`, table by table.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Form::{Any, Digest, Moment, Name, Path, Plugin, Share};
use super::Kind::{Flag, Lines, Number, NumberOr, Open, Size, Table, Tables, Text, Texts, Time, Word};
use super::Unset::{Default, Is, Means, Refused};
use super::{Bounded, Key, Kind, Section, Unset};
use crate::decode;
use crate::hook::{compile, scan};

pub(in crate::config) const TOP: &Section = &Section {
    header: "",
    doc: "What stands before the first table.",
    keys: &[
        key(
            "data_dir",
            Text(Path),
            Means("`$STATE_DIRECTORY`, else `hookaroon-data` beside this file"),
            "\"/var/lib/hookaroon\"",
            "Where compiled plugins and dead letters are kept.",
        ),
        key(
            "workers",
            NumberOr(WORKERS, "auto"),
            Default,
            "4",
            "How many threads run the chain; `\"auto\"` is one for each processor. A stream keeps its order.",
        ),
        key(
            "trust",
            Texts(Any),
            Means("whoever made it, a plugin is loaded"),
            "[\"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"]",
            "The public keys of those whose plugins are loaded, each the second line of a minisign `.pub` file, or \
             `ed25519:` and the base64 of 32 bytes. A plugin's file then needs a signature beside it, `FILE.minisig` or \
             `FILE.sig`; the standard hooks in the executable need none. See [signed plugins](signed-plugins.md).",
        ),
        key(
            "include",
            Texts(Path),
            Is("[]"),
            "[\"conf.d/*.toml\"]",
            "Files, or patterns of them, that are read after this one, sorted by their paths, which is the order of their \
             hooks in the chain. Only `[[source]]`, `[[hook]]`, `[[sink]]` and `[[test]]` may stand in them.",
        ),
        key(
            "max_event_bytes",
            Size(MAX_EVENT_BYTES),
            Default,
            "\"256KiB\"",
            "The longest line that is one event; a longer one becomes several, numbered, and counted.",
        ),
        table("batch", Table(BATCH)),
        table("dead_letters", Table(DEAD_LETTERS)),
        table("plugin_limits", Table(PLUGIN_LIMITS)),
        tables("source", Tables(SOURCE)),
        tables("hook", Tables(HOOK)),
        tables("sink", Tables(SINK)),
        tables("test", Tables(TEST)),
    ],
};

pub(in crate::config) const INCLUDED: &Section = &Section {
    header: "",
    doc: "What may stand in an included file.",
    keys: &[tables("source", Tables(SOURCE)), tables("hook", Tables(HOOK)), tables("sink", Tables(SINK))],
};

pub(in crate::config) const BATCH: &Section = &Section {
    header: "[batch]",
    doc: "What a hook is handed in one call: a batch goes through the chain when the first of these is reached.",
    keys: &[
        key("rows", Number(BATCH_ROWS), Default, "256", "The most events."),
        key("bytes", Size(BATCH_BYTES), Default, "\"512KiB\"", "The most bytes of their texts."),
        key(
            "wait",
            Time(BATCH_WAIT),
            Default,
            "\"5ms\"",
            "The longest that its first event waits for others.",
        ),
    ],
};

pub(in crate::config) const DEAD_LETTERS: &Section = &Section {
    header: "[dead_letters]",
    doc: "The events that hooks failed on and that are kept on disk, in `data_dir`; `hookaroon dead-letters` lists, replays \
          and exports them.",
    keys: &[
        key(
            "max_bytes",
            Size(DEAD_LETTERS_BYTES),
            Default,
            "\"10GiB\"",
            "The most bytes of all hooks' dead letters together. When they are there, nothing is thrown away: the sources \
             wait until some were replayed or removed, or are too old.",
        ),
        key(
            "max_age",
            Time(DEAD_LETTERS_AGE),
            Means("they are kept until they are replayed"),
            "\"720h\"",
            "When they are so old they are removed, a whole segment at a time, and counted in the log.",
        ),
        key(
            "keep",
            Word(&[
                ("event", "the whole event, byte for byte"),
                ("granted", "only the fields that the hook may read; it can be exported, not replayed"),
                ("hash", "its SHA-256, which tells whether it is one that is kept elsewhere"),
            ]),
            Is("\"event\""),
            "\"granted\"",
            "What is kept of each event.",
        ),
    ],
};

pub(in crate::config) const PLUGIN_LIMITS: &Section = &Section {
    header: "[plugin_limits]",
    doc: "What a plugin may cost before it runs. The defaults let every language's hooks through and little else; who trusts a \
          larger plugin raises what the error names.",
    keys: &[
        key("file_bytes", Size(from_one(SCAN.file_bytes)), Default, "\"64MiB\"", "The size of its file."),
        key(
            "functions",
            Number(from_one(SCAN.functions)),
            Default,
            "200000",
            "Functions and types of functions.",
        ),
        key(
            "function_bytes",
            Size(from_one(SCAN.function_bytes)),
            Default,
            "\"2MiB\"",
            "The size of one function.",
        ),
        key("globals", Number(from_one(SCAN.globals)), Default, "20000", "Globals of one core module."),
        key(
            "instantiated",
            Number(from_one(SCAN.instantiated)),
            Default,
            "500000",
            "Globals, functions, passive elements and definitions of all that one instance instantiates; the memory cap does \
             not see them.",
        ),
        key(
            "nesting",
            Number(from_one(SCAN.nesting)),
            Default,
            "32",
            "Levels of components within components.",
        ),
        key(
            "names",
            Number(from_one(SCAN.names)),
            Default,
            "2000",
            "Imports, and exports, of the component.",
        ),
        key(
            "cpu_seconds",
            Number(from_one(COMPILE.cpu_seconds)),
            Default,
            "120",
            "CPU time of the process that compiles it.",
        ),
        key(
            "memory_bytes",
            Size(from_one(COMPILE.memory_bytes)),
            Default,
            "\"8GiB\"",
            "Address space of the process that compiles it.",
        ),
    ],
};

pub(in crate::config) const SOURCE: &Section = &Section {
    header: "[[source]]",
    doc: "Where events come from; at least one.",
    keys: &[
        key("name", Text(Name), Refused, "\"app\"", NAME_DOC),
        key(
            "type",
            Word(&[("file", "files, to their end"), ("stdin", "standard input; one source can")]),
            Refused,
            "\"file\"",
            "What is read.",
        ),
        Key {
            only: Some("file"),
            ..key(
                "paths",
                Texts(Path),
                Refused,
                "[\"/var/log/app/*.log\"]",
                "The files, or patterns of them; a gzip file is recognised. A FIFO is read as it is, until its writers are gone.",
            )
        },
        key(
            "decode",
            Word(&[
                (
                    "auto",
                    "JSON objects as they are, any other line as `{\"message\": \"<line>\"}`; nothing is refused",
                ),
                ("json", "the same, and what is no object is counted"),
                ("text", "every line as `{\"message\": \"<line>\"}`"),
                ("cri", "what Kubernetes' container runtimes write; parts of a line are joined"),
                ("docker", "what Docker's json-file driver writes; parts of a line are joined"),
            ]),
            Is("\"auto\""),
            "\"cri\"",
            "What its lines are.",
        ),
        table("time", Table(TIME)),
    ],
};

pub(in crate::config) const TIME: &Section = &Section {
    header: "[source.time]",
    doc: "Where its events carry their time, which is read as `%time`. An event without one has the time at which it was read.",
    keys: &[
        key(
            "field",
            Text(Any),
            Means("the first there is of `time`, `timestamp`, `ts` and `@timestamp`"),
            "\"event.created\"",
            "The field that it stands in.",
        ),
        key(
            "format",
            Text(Any),
            Is("\"auto\""),
            "\"%d/%b/%Y:%H:%M:%S %z\"",
            "How it is written: `auto`, `rfc3339`, `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`, or directives of strptime. \
             `auto` reads RFC 3339 and ISO 8601, and the unit of a number by its magnitude.",
        ),
        key("zone", Text(Any), Is("\"UTC\""), "\"Europe/Berlin\"", "The time zone of times that name none."),
    ],
};

pub(in crate::config) const HOOK: &Section = &Section {
    header: "[[hook]]",
    doc: "A plugin at work. Events meet the hooks in the order in which they stand here.",
    keys: &[
        key("name", Text(Name), Refused, "\"redact\"", NAME_DOC),
        key(
            "plugin",
            Text(Plugin),
            Refused,
            "\"redact\"",
            "A standard hook by its name, or a path: what has a slash or ends in `.wasm`.",
        ),
        key(
            "sha256",
            Text(Digest),
            Means("any plugin will do"),
            "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
            "The digest that the plugin's file must have.",
        ),
        key("enabled", Flag, Is("true"), "true", "Whether it is in the chain."),
        key("from", Texts(Any), Means("all"), "[\"app\"]", FROM_DOC),
        key("match", Texts(Any), Is("[]"), "[\"level >= warn\", \"http.status >= 500\"]", MATCH_DOC),
        key(
            "memory",
            Size(MEMORY),
            Default,
            "\"16MiB\"",
            "The cap of one instance: all its memories and tables together.",
        ),
        key(
            "deadline",
            Time(DEADLINE),
            Default,
            "\"20ms\"",
            "CPU time of one call; ten times that in wall time.",
        ),
        key("init_deadline", Time(INIT_DEADLINE), Default, "\"5s\"", "The same for `init`."),
        key("tick_deadline", Time(TICK_DEADLINE), Default, "\"100ms\"", "The same for `tick` and `save`."),
        key("teardown_deadline", Time(TEARDOWN_DEADLINE), Default, "\"1s\"", "The same for `teardown`."),
        key(
            "on_error",
            Word(&[
                ("dead_letter", "they are kept on disk, with the reason"),
                ("pass", "they pass as they were"),
                ("drop", "they are dropped, and counted"),
                ("stop", "they are kept on disk, and the run ends"),
            ]),
            Is("\"dead_letter\""),
            "\"stop\"",
            "What becomes of events that it fails on.",
        ),
        key(
            "required",
            Flag,
            Is("false"),
            "true",
            "No event may pass it unprocessed: whatever would let one by is refused.",
        ),
        key(
            "when_open",
            Word(&[
                ("block", "they wait, and their sources with them"),
                ("pass", "they pass it unprocessed"),
                ("drop", "they are dropped, and counted"),
                ("dead_letter", "they are kept on disk, as of kind `open`"),
            ]),
            Is("\"block\""),
            "\"dead_letter\"",
            "What becomes of its events while its breaker is open.",
        ),
        key(
            "cost",
            Time(COST),
            Means("what it costs does not matter"),
            "\"2us\"",
            "The CPU time that each row may take, averaged over `cost_window`.",
        ),
        key(
            "over_cost",
            Word(&[
                ("warn", "that is told"),
                (
                    "bypass",
                    "its breaker opens, and events pass it unprocessed until a batch is cheap enough again",
                ),
            ]),
            Is("\"warn\""),
            "\"warn\"",
            "What happens if a row takes more.",
        ),
        key(
            "max_share",
            Text(Share),
            Means("how much it takes does not matter"),
            "\"80%\"",
            "Its breaker opens if it takes more than this share of a worker's CPU over `cost_window` while events wait all \
             the time.",
        ),
        key(
            "cost_window",
            Time(COST_WINDOW),
            Default,
            "\"1m\"",
            "The time over which `cost` and `max_share` are averaged.",
        ),
        table("breaker", Table(BREAKER)),
        table("limits", Table(LIMITS)),
        table("recycle", Table(RECYCLE)),
        table("grant", Table(GRANT)),
        Key { unset: Is("{}"), ..table("config", Open) },
    ],
};

pub(in crate::config) const LIMITS: &Section = &Section {
    header: "[hook.limits]",
    doc: "What a hook makes the host hold, beside its memory and its deadlines. A call that hands over more fails; of the log, \
          what is more is thrown away and counted. All limits stand in the summary of a run.",
    keys: &[
        key(
            "output",
            Size(OUTPUT),
            Default,
            "\"16MiB\"",
            "Bytes that one call hands to the host: what it writes, emits and logs.",
        ),
        key("events", Number(EVENTS), Default, "100", "Events that one call emits."),
        key(
            "state",
            Size(STATE),
            Means("a quarter of `memory`"),
            "\"1MiB\"",
            "Bytes of the state that it saves.",
        ),
        key(
            "log_lines",
            Number(LOG_LINES),
            Default,
            "10",
            "Lines of its log in a second, all its instances together.",
        ),
        key("log_bytes", Size(LOG_BYTES), Default, "\"4KiB\"", "Bytes of its log in a second."),
    ],
};

pub(in crate::config) const BREAKER: &Section = &Section {
    header: "[hook.breaker]",
    doc: "When a hook is not called any more for a while, because nearly all that it is handed fails: a batch counts of which it \
          could not process more than half of the events, on a fresh instance too. After a pause one batch probes it; while that fails \
          the pauses double. `when_open` says what becomes of its events meanwhile.",
    keys: &[
        key("failures", Number(BREAKER_FAILURES), Default, "10", "It opens after so many failed batches ..."),
        key("window", Time(BREAKER_WINDOW), Default, "\"1m\"", "... within this time."),
        key("pause", Time(BREAKER_PAUSE), Default, "\"5s\"", "The first pause."),
        key("max_pause", Time(BREAKER_MAX_PAUSE), Default, "\"10m\"", "The longest pause."),
    ],
};

pub(in crate::config) const RECYCLE: &Section = &Section {
    header: "[hook.recycle]",
    doc: "When an instance is replaced by a fresh one, between two batches and with its state: a hook that leaks loses nothing \
          then. Memory of a sandbox never shrinks, so without it every leak ends at the cap. Shorter: \
          `recycle = { calls = 1000000 }`.",
    keys: &[
        key(
            "memory",
            Text(Share),
            Is("\"75%\""),
            "\"90%\"",
            "When it uses this share of what was free below its cap after `init`; `\"100%\"` is never.",
        ),
        key(
            "calls",
            Number(RECYCLE_CALLS),
            Means("never for that"),
            "1000000",
            "When it has been handed so many batches.",
        ),
        key("age", Time(RECYCLE_AGE), Means("never for that"), "\"1h\"", "When it is so old."),
    ],
};

pub(in crate::config) const GRANT: &Section = &Section {
    header: "[hook.grant]",
    doc: "What the hook may do. Nothing is allowed that does not stand here; a hook that asks for more does not start, and the \
          error has the line to add. A field is a path such as `geo.country`; `geo.*` is all below it, `*` every field, `.` the \
          whole event, and `%source` and the like are metadata.",
    keys: &[
        key("read", Texts(Any), Is("[]"), "[\"message\", \"geo.*\"]", "The fields that it may read."),
        key("write", Texts(Any), Is("[]"), "[\"message\"]", "The fields that it may write."),
        key("drop", Flag, Is("false"), "true", "Whether it may drop events."),
        key("emit", Flag, Is("false"), "true", "Whether it may emit events of its own."),
        key(
            "imports",
            Texts(Any),
            Is("[]"),
            "[\"log\"]",
            "The host interfaces that it may call: `log`; and, for a hook that imports WASI, `wasi:clocks` and `wasi:random` for real \
             ones.",
        ),
    ],
};

pub(in crate::config) const SINK: &Section = &Section {
    header: "[[sink]]",
    doc: "Where events go; at least one. Each sink takes every event that it matches.",
    keys: &[
        key("name", Text(Name), Refused, "\"archive\"", NAME_DOC),
        key(
            "type",
            Word(&[("file", "a file, appended to"), ("stdout", "standard output")]),
            Refused,
            "\"file\"",
            "What is written.",
        ),
        Key { only: Some("file"), ..key("path", Text(Path), Refused, "\"archive/app.ndjson\"", "The file.") },
        key("from", Texts(Any), Means("all"), "[\"app\"]", FROM_DOC),
        key("match", Texts(Any), Is("[]"), "[\"level in error, fatal\"]", MATCH_DOC),
        key(
            "include",
            Texts(Any),
            Is("[]"),
            "[\"%source\", \"%time\"]",
            "The metadata that is added to its events, under their names.",
        ),
    ],
};

pub(in crate::config) const TEST: &Section = &Section {
    header: "[[test]]",
    doc: "Events that go in, and what is to come of them. `hookaroon check` runs each test on a chain of its own and shows what \
          differs. At least one of the last three keys is needed.",
    keys: &[
        key("name", Text(Any), Refused, "\"mail addresses are taken out\"", "What it shows."),
        key("source", Text(Any), Means("the first source"), "\"app\"", "The source that reads the events."),
        key(
            "events",
            Lines,
            Refused,
            "['{\"message\":\"from bob@example.com\"}']",
            "The lines that go in, as the source would read them.",
        ),
        key(
            "now",
            Text(Moment),
            Is("2026-01-01T00:00:00Z"),
            "2026-01-31T12:00:00Z",
            "The time of the whole test.",
        ),
        key(
            "expect",
            Open,
            Means("what the sinks take does not matter"),
            "{ archive = ['{\"message\":\"from [email]\"}'] }",
            "What sinks are to take, each by its name: a list of texts, or `{ file = \"PATH\" }`.",
        ),
        key(
            "dropped",
            Open,
            Means("what is dropped does not matter"),
            "{ \"hook:redact\" = 0 }",
            "How many events are to be dropped for each reason, named as in the summary.",
        ),
        key(
            "dead_letters",
            Open,
            Means("no hook makes any"),
            "{ redact = 0 }",
            "How many dead letters each hook is to make; a hook that is not named makes none.",
        ),
    ],
};

const NAME_DOC: &str = "Its name, unique among its kind: letters, digits, `_`, `-`, and `.` if it is not first. It stands in metrics and files' names.";
const FROM_DOC: &str = "The sources whose events it gets; `hook:NAME` are those that a hook emitted.";
const MATCH_DOC: &str =
    "Conditions, `PATH OP VALUE`; it gets the events for which all hold. See [conditions](#conditions).";

const SCAN: scan::Limits = scan::Limits::DEFAULT;
const COMPILE: compile::Limits = compile::Limits::DEFAULT;

pub(in crate::config) const WORKERS: Bounded<u64> = Bounded { allowed: 1..=256, default: 1 };
pub(in crate::config) const MAX_EVENT_BYTES: Bounded<u64> =
    Bounded { allowed: 1 << 10..=decode::MAX_EVENT_BYTES as u64, default: 1 << 20 };
/// Measured with `make bench`: from 256 rows on the call itself does not count; at 1,024 a batch of usual events
/// still fits the second-level cache.
pub(in crate::config) const BATCH_ROWS: Bounded<u64> = Bounded { allowed: 1..=65_536, default: 1024 };
/// At most a quarter of what one call may make the host hold.
pub(in crate::config) const BATCH_BYTES: Bounded<u64> =
    Bounded { allowed: 1 << 10..=2 << 20, default: 1 << 20 };
pub(in crate::config) const BATCH_WAIT: Bounded<Duration> =
    Bounded { allowed: Duration::ZERO..=Duration::from_secs(10), default: Duration::from_millis(20) };
/// 32 MiB holds a hook of any language that was tried.
pub(in crate::config) const MEMORY: Bounded<u64> = Bounded { allowed: 64 << 10..=4 << 30, default: 32 << 20 };
const DEADLINES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
pub(in crate::config) const DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_millis(50) };
pub(in crate::config) const INIT_DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_secs(1) };
pub(in crate::config) const TICK_DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_millis(50) };
pub(in crate::config) const TEARDOWN_DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_millis(200) };
/// Four times what a batch can be.
pub(in crate::config) const OUTPUT: Bounded<u64> = Bounded { allowed: 4 << 10..=1 << 30, default: 8 << 20 };
/// As many as there are rows in the largest batch.
pub(in crate::config) const EVENTS: Bounded<u64> = Bounded { allowed: 1..=10_000_000, default: 65_536 };
pub(in crate::config) const STATE: Bounded<u64> = Bounded { allowed: 1..=1 << 30, default: 0 };
pub(in crate::config) const LOG_LINES: Bounded<u64> = Bounded { allowed: 0..=1_000_000, default: 100 };
pub(in crate::config) const LOG_BYTES: Bounded<u64> = Bounded { allowed: 1..=1 << 30, default: 64 << 10 };
pub(in crate::config) const BREAKER_FAILURES: Bounded<u64> = Bounded { allowed: 1..=1000, default: 5 };
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(86_400);
pub(in crate::config) const BREAKER_WINDOW: Bounded<Duration> =
    Bounded { allowed: PAUSES, default: Duration::from_secs(30) };
pub(in crate::config) const BREAKER_PAUSE: Bounded<Duration> =
    Bounded { allowed: PAUSES, default: Duration::from_secs(1) };
pub(in crate::config) const BREAKER_MAX_PAUSE: Bounded<Duration> =
    Bounded { allowed: PAUSES, default: Duration::from_secs(60) };
/// Without the key it does not matter.
pub(in crate::config) const COST: Bounded<Duration> =
    Bounded { allowed: Duration::from_nanos(1)..=Duration::from_secs(1), default: Duration::MAX };
pub(in crate::config) const COST_WINDOW: Bounded<Duration> = Bounded {
    allowed: Duration::from_millis(100)..=Duration::from_secs(3600),
    default: Duration::from_secs(10),
};
/// Neither has a default: without the key it is never.
pub(in crate::config) const RECYCLE_CALLS: Bounded<u64> =
    Bounded { allowed: 1..=u64::MAX, default: u64::MAX };
pub(in crate::config) const RECYCLE_AGE: Bounded<Duration> =
    Bounded { allowed: Duration::from_millis(1)..=Duration::from_secs(365 * 86_400), default: Duration::MAX };
/// Days of a hook that fails on one event in a hundred, and small enough for most disks. The least is for tests.
pub(in crate::config) const DEAD_LETTERS_BYTES: Bounded<u64> =
    Bounded { allowed: 4 << 10..=u64::MAX, default: 1 << 30 };
/// Up to a year. No default: without the key it is never.
pub(in crate::config) const DEAD_LETTERS_AGE: Bounded<Duration> = Bounded {
    allowed: Duration::from_secs(1)..=Duration::from_secs(366 * 24 * 60 * 60),
    default: Duration::MAX,
};
/// The largest file that `{ file = "..." }` in a hook's config is replaced by.
pub(in crate::config) const MAX_FILE_BYTES: u64 = 64 << 20;

/// A limit that can be raised without end.
pub(in crate::config) const fn from_one(default: u64) -> Bounded<u64> {
    Bounded { allowed: RangeInclusive::new(1, u64::MAX), default }
}

const fn key(name: &'static str, kind: Kind, unset: Unset, example: &'static str, doc: &'static str) -> Key {
    Key { name, kind, unset, example, doc, only: None }
}

/// A table that may be left out.
const fn table(name: &'static str, kind: Kind) -> Key {
    key(name, kind, Means("its keys' defaults"), "", "")
}

/// Tables that there may be several of.
const fn tables(name: &'static str, kind: Kind) -> Key {
    key(name, kind, Means("none"), "", "")
}

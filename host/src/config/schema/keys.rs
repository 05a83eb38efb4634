//! Every key of `hookaroon.toml`, table by table; those of a hook are in [`hook`], those of the admin API in [`admin`].

mod admin;
mod hook;

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Form::{Any, Moment, Name, Path};
use super::Kind::{Lines, Number, NumberOr, Open, Size, Table, Tables, Text, Texts, Time, Word};
use super::Unset::{Default, Is, Means, Refused};
use super::{Bounded, ITS_DEFAULTS, Key, Kind, Section, Unset};
use crate::decode;
use crate::hook::{compile, scan};
pub(in crate::config) use admin::*;
pub(in crate::config) use hook::*;

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
        key(
            "drain_deadline",
            Time(DRAIN_DEADLINE),
            Default,
            "\"10s\"",
            "How long a run that is asked to end has to deliver what it has read. What a sink has not taken by then is \
             counted, and the run fails.",
        ),
        table("batch", Table(BATCH)),
        table("dead_letters", Table(DEAD_LETTERS)),
        table("plugin_limits", Table(PLUGIN_LIMITS)),
        Key { unset: Means("nothing listens"), ..table("admin", Table(ADMIN)) },
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
/// Below the 30 s after which Kubernetes kills.
pub(in crate::config) const DRAIN_DEADLINE: Bounded<Duration> = Bounded {
    allowed: Duration::from_millis(10)..=Duration::from_secs(86_400),
    default: Duration::from_secs(25),
};
pub(in crate::config) const BATCH_WAIT: Bounded<Duration> =
    Bounded { allowed: Duration::ZERO..=Duration::from_secs(10), default: Duration::from_millis(20) };
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
    key(name, kind, ITS_DEFAULTS, "", "")
}

/// Tables that there may be several of.
const fn tables(name: &'static str, kind: Kind) -> Key {
    key(name, kind, Means("none"), "", "")
}

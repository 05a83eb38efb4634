//! The keys of a hook, and what they may be.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{FROM_DOC, MATCH_DOC, NAME_DOC, key, table};
use crate::config::schema::Form::{Any, Digest, Name, Plugin, Share};
use crate::config::schema::Kind::{Flag, Number, Open, Size, Table, Text, Texts, Time, Word};
use crate::config::schema::Unset::{Default, Is, Means, Refused};
use crate::config::schema::{Bounded, Key, Section};

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
            "false",
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
        table("rollout", Table(ROLLOUT)),
        Key { unset: Means("none is tried"), ..table("candidate", Table(CANDIDATE)) },
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

pub(in crate::config) const CANDIDATE: &Section = &Section {
    header: "[hook.candidate]",
    doc: "Another version of the plugin, tried beside the one at work, with the hook's grants and limits. It starts with what \
          that one saved. Events that it fails on are handed to the version at work, so none is lost. It is taken back by itself \
          when it does worse. See [rollout](rollout.md).",
    keys: &[
        key("plugin", Text(Plugin), Refused, "\"redact-2.wasm\"", "The plugin that is tried."),
        key(
            "sha256",
            Text(Digest),
            Means("whatever is there"),
            "\"3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b\"",
            "The digest that it must have.",
        ),
        key(
            "share",
            Text(Share),
            Means("all events, of a shadow; else it is needed"),
            "\"5%\"",
            "The share of the hook's events that it is handed, in steps of `\"0.01%\"`.",
        ),
        key(
            "shadow",
            Flag,
            Is("false"),
            "false",
            "It is handed copies instead, and nothing comes of what it does; what it would have done otherwise is counted.",
        ),
        key(
            "by",
            Texts(Any),
            Means("those of the hook's rollout"),
            "[\"user_id\"]",
            "The fields that decide which events are in the share.",
        ),
        key(
            "failures",
            Text(Share),
            Is("\"1%\""),
            "\"0.1%\"",
            "It is taken back when its failure rate is higher than that of the version at work by more than this.",
        ),
        key(
            "drops",
            Text(Share),
            Is("\"5%\""),
            "\"1%\"",
            "The same for the rate at which it drops events, higher or lower.",
        ),
        key(
            "cost",
            Number(CANDIDATE_COST),
            Default,
            "3",
            "It is taken back when an event takes it more than so many times the CPU time.",
        ),
        key("window", Time(CANDIDATE_WINDOW), Default, "\"5m\"", "The time over which they are compared."),
        key(
            "rows",
            Number(CANDIDATE_ROWS),
            Default,
            "1000",
            "The least events of its own in that time; before, nothing is decided.",
        ),
        key(
            "promote_after",
            Time(PROMOTE_AFTER),
            Means("when somebody says so"),
            "\"1h\"",
            "It takes over after so long without being taken back.",
        ),
        Key { unset: Means("that of the hook"), ..table("config", Open) },
    ],
};

pub(in crate::config) const ROLLOUT: &Section = &Section {
    header: "[hook.rollout]",
    doc: "Which share of its events the hook is applied to: of those that `from` and `match` let through. Who is in a small \
          share is in every larger one, after a restart and on every machine. See [rollout](rollout.md).",
    keys: &[
        key(
            "share",
            Text(Share),
            Is("\"100%\""),
            "\"5%\"",
            "The share, in steps of `\"0.01%\"`; nobody is in `\"0%\"`.",
        ),
        key(
            "by",
            Texts(Any),
            Is("[\"%id\"]"),
            "[\"user_id\"]",
            "The fields that decide, at most 8: events with the same values are all in the share or none is, and an event \
             without one of them never is. By `%id` it is each event by itself.",
        ),
        key(
            "seed",
            Text(Any),
            Means("the hook's name"),
            "\"2026-redact\"",
            "Hooks with the same seed and `by` choose the same events, others independent ones.",
        ),
        key(
            "only",
            Texts(Any),
            Is("[]"),
            "[\"tenant == acme\"]",
            "Conditions, as of `match`; an event for which one does not hold is never in the share.",
        ),
        key(
            "otherwise",
            Text(Any),
            Is("\"pass\""),
            "\"pass\"",
            "What becomes of the events that are not in the share: with `\"pass\"` they pass the hook unprocessed, else the hook \
             of this name, which comes later in the chain, is handed them, if its own `from` and `match` let them through, and no \
             others.",
        ),
    ],
};

/// The most fields of `by`.
pub(in crate::config) const ROLLOUT_FIELDS: usize = 8;
/// The longest `seed`, in bytes.
pub(in crate::config) const SEED_BYTES: usize = 256;
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
pub(in crate::config) const CANDIDATE_COST: Bounded<u64> = Bounded { allowed: 1..=1000, default: 2 };
pub(in crate::config) const CANDIDATE_ROWS: Bounded<u64> =
    Bounded { allowed: 1..=1_000_000_000, default: 100 };
pub(in crate::config) const CANDIDATE_WINDOW: Bounded<Duration> = Bounded {
    allowed: Duration::from_millis(100)..=Duration::from_secs(7 * 86_400),
    default: Duration::from_secs(60),
};
/// Without the key it is never.
pub(in crate::config) const PROMOTE_AFTER: Bounded<Duration> = Bounded {
    allowed: Duration::from_millis(100)..=Duration::from_secs(365 * 86_400),
    default: Duration::MAX,
};
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

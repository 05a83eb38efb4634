//! The keys that there are, said once; the readers take their bounds and defaults from here.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::decode;

pub(super) const TOP: &[&str] = &[
    "data_dir",
    "workers",
    "include",
    "max_event_bytes",
    "plugin_limits",
    "batch",
    "source",
    "hook",
    "sink",
    "test",
];
pub(super) const INCLUDED: &[&str] = &["source", "hook", "sink", "test"];
pub(super) const PLUGIN_LIMITS: &[&str] = &[
    "file_bytes",
    "functions",
    "function_bytes",
    "globals",
    "instantiated",
    "nesting",
    "names",
    "cpu_seconds",
    "memory_bytes",
];
pub(super) const BATCH: &[&str] = &["rows", "bytes", "wait"];
pub(super) const SOURCE: &[&str] = &["name", "type", "paths", "decode", "time"];
pub(super) const TIME: &[&str] = &["field", "format", "zone"];
pub(super) const HOOK: &[&str] = &[
    "name",
    "plugin",
    "sha256",
    "enabled",
    "from",
    "match",
    "memory",
    "deadline",
    "init_deadline",
    "tick_deadline",
    "teardown_deadline",
    "on_error",
    "required",
    "grant",
    "config",
];
pub(super) const GRANT: &[&str] = &["read", "write", "drop", "emit", "imports"];
pub(super) const SINK: &[&str] = &["name", "type", "from", "match", "path", "include"];

pub(super) const TEST: &[&str] = &["name", "source", "events", "now", "expect", "dropped", "dead_letters"];

/// A number's bounds and what it is if nothing is said.
pub(super) struct Bounded<T> {
    pub(super) allowed: RangeInclusive<T>,
    pub(super) default: T,
}

pub(super) const WORKERS: Bounded<u64> = Bounded { allowed: 1..=256, default: 1 };
pub(super) const MAX_EVENT_BYTES: Bounded<u64> =
    Bounded { allowed: 1 << 10..=decode::MAX_EVENT_BYTES as u64, default: 1 << 20 };
/// Measured with `make bench`: from 256 rows on the call itself does not count; at 1,024 a batch of usual events
/// still fits the second-level cache.
pub(super) const BATCH_ROWS: Bounded<u64> = Bounded { allowed: 1..=65_536, default: 1024 };
/// At most a quarter of what one call may make the host hold.
pub(super) const BATCH_BYTES: Bounded<u64> = Bounded { allowed: 1 << 10..=2 << 20, default: 1 << 20 };
pub(super) const BATCH_WAIT: Bounded<Duration> =
    Bounded { allowed: Duration::ZERO..=Duration::from_secs(10), default: Duration::from_millis(20) };
/// 32 MiB holds a hook of any language that was tried.
pub(super) const MEMORY: Bounded<u64> = Bounded { allowed: 64 << 10..=4 << 30, default: 32 << 20 };
const DEADLINES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
pub(super) const DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_millis(50) };
pub(super) const INIT_DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_secs(1) };
pub(super) const TICK_DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_millis(50) };
pub(super) const TEARDOWN_DEADLINE: Bounded<Duration> =
    Bounded { allowed: DEADLINES, default: Duration::from_millis(200) };
/// The largest file that `{ file = "..." }` in a hook's config is replaced by.
pub(super) const MAX_FILE_BYTES: u64 = 64 << 20;

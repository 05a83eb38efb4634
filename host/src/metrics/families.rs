//! Every metric: its name, what it means, its type, and where it is read; those of hooks are in [`hooks`]. Nothing else names one.
//!
//! Names and units as Prometheus wants them: seconds, bytes, and `_total` for what only grows. `docs/metrics.md` lists the
//! same, and a test holds the two against each other.

mod hooks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::histogram::Histogram;
use super::process::Process;
use super::{Counter, SinkMetrics, SourceMetrics};
use crate::clock;
use crate::queue::Waiting;
use Value::{Counters, Gauge, Gauges, Grows, Spread};
pub(super) use hooks::HOOKS;

/// One metric of each `T` that there is.
pub(super) struct Family<T> {
    /// Its name.
    pub(super) name: &'static str,
    /// What it means, on one line.
    pub(super) help: &'static str,
    /// Its type, and where it is read.
    pub(super) value: Value<T>,
}

/// A metric's type, and where it is read.
pub(super) enum Value<T> {
    /// What only grows.
    Grows(fn(&T) -> f64),
    /// What goes up and down; none: it is not known now.
    Gauge(fn(&T) -> Option<f64>),
    /// What only grows, for each value of a label.
    Counters(&'static str, fn(&T) -> Vec<(String, f64)>),
    /// What goes up and down, for each value of a label.
    Gauges(&'static str, fn(&T) -> Vec<(String, f64)>),
    /// How much of something there was of each size, in seconds.
    Spread(fn(&T) -> &Histogram),
}

impl<T> Value<T> {
    /// Its type as Prometheus calls it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Grows(_) | Counters(..) => "counter",
            Gauge(_) | Gauges(..) => "gauge",
            Spread(_) => "histogram",
        }
    }

    /// The label that it has beside those of its `T`.
    #[cfg(test)]
    pub(super) fn label(&self) -> Option<&'static str> {
        match self {
            Counters(label, _) | Gauges(label, _) => Some(label),
            Grows(_) | Gauge(_) | Spread(_) => None,
        }
    }
}

/// A sink as it is now.
pub(super) struct Sink {
    pub(super) metrics: Arc<SinkMetrics>,
    /// What waits in front of it.
    pub(super) queue: Option<Waiting>,
}

/// The run as a whole, as it is now.
pub(super) struct Run {
    pub(super) started_at: SystemTime,
    pub(super) unrouted: u64,
    pub(super) stopped: u64,
    /// What was done with hooks, and how often.
    pub(super) changes: BTreeMap<&'static str, u64>,
    /// The bytes of the dead letters on disk, and how many there may be.
    pub(super) dead_letters: Option<(u64, u64)>,
    /// How the files were read: how often anew, whether that went well, and when.
    pub(super) files: Option<(u64, bool, Option<u64>)>,
    pub(super) tasks: Option<u64>,
    pub(super) process: Process,
}

const fn family<T>(name: &'static str, help: &'static str, value: Value<T>) -> Family<T> {
    Family { name, help, value }
}

fn count(counter: &Counter) -> f64 {
    counter.get() as f64
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn flag(is_so: bool) -> Option<f64> {
    Some(f64::from(u8::from(is_so)))
}

fn since_1970(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64 / 1e3
}

/// Of each source.
pub(super) const SOURCES: &[Family<SourceMetrics>] = &[
    family(
        "hookaroon_source_read_events_total",
        "Events that the source read, in whatever queue they are.",
        Grows(|source| count(&source.read)),
    ),
    family(
        "hookaroon_source_events_total",
        "Those of them that came to a worker's batch.",
        Grows(|source| count(&source.events)),
    ),
    family(
        "hookaroon_source_bytes_total",
        "Bytes that it brought, after decompression.",
        Grows(|source| count(&source.bytes)),
    ),
    family(
        "hookaroon_source_wrapped_lines_total",
        "Lines that are no JSON object and became the message of one.",
        Grows(|source| count(&source.wrapped)),
    ),
    family(
        "hookaroon_source_not_json_lines_total",
        "Lines that are no JSON object although the source says decode = \"json\".",
        Grows(|source| count(&source.not_json)),
    ),
    family(
        "hookaroon_source_blank_lines_total",
        "Lines with nothing on them.",
        Grows(|source| count(&source.blank)),
    ),
    family(
        "hookaroon_source_repaired_lines_total",
        "Lines with bytes that are not UTF-8, which were replaced.",
        Grows(|source| count(&source.repaired)),
    ),
    family(
        "hookaroon_source_oversize_lines_total",
        "Lines over max_event_bytes, cut into parts.",
        Grows(|source| count(&source.oversize)),
    ),
    family(
        "hookaroon_source_unreadable_files_total",
        "Files that could not be read to their end.",
        Grows(|source| count(&source.unreadable)),
    ),
];

/// Of the queue in front of each worker.
pub(super) const INTAKES: &[Family<Waiting>] = &[
    family(
        "hookaroon_intake_queue_bytes",
        "Bytes that wait for the worker.",
        Gauge(|queue| Some(queue.bytes as f64)),
    ),
    family(
        "hookaroon_intake_queue_capacity_bytes",
        "Bytes that may wait for it.",
        Gauge(|queue| Some(queue.capacity as f64)),
    ),
    family(
        "hookaroon_intake_queue_oldest_seconds",
        "How long the first of them has waited.",
        Gauge(|queue| Some(queue.oldest.unwrap_or_default().as_secs_f64())),
    ),
    family(
        "hookaroon_intake_queue_full_seconds_total",
        "How long a source had to wait for room there.",
        Grows(|queue| queue.full.as_secs_f64()),
    ),
];

/// Of each sink and the queue in front of it.
pub(super) const SINKS: &[Family<Sink>] = &[
    family(
        "hookaroon_sink_routed_events_total",
        "Events that are meant for the sink, in whatever queue they are.",
        Grows(|sink| count(&sink.metrics.routed)),
    ),
    family(
        "hookaroon_sink_events_total",
        "Those of them that it wrote.",
        Grows(|sink| count(&sink.metrics.events)),
    ),
    family("hookaroon_sink_bytes_total", "Bytes that it wrote.", Grows(|sink| count(&sink.metrics.bytes))),
    family(
        "hookaroon_sink_delay_seconds",
        "Of each chunk that it wrote, the time since the first of its events was received.",
        Spread(|sink| &sink.metrics.delay),
    ),
    family(
        "hookaroon_sink_lag_seconds",
        "How long ago what it writes now was received; 0 while it writes nothing.",
        Gauge(|sink| Some(sink.metrics.in_hand(clock::now_ns()).unwrap_or_default().as_secs_f64())),
    ),
    family(
        "hookaroon_sink_retries_total",
        "How often it waited before it tried again to write.",
        Grows(|sink| count(&sink.metrics.retries)),
    ),
    family(
        "hookaroon_sink_failures_total",
        "How often it gave up, which ends the run.",
        Grows(|sink| count(&sink.metrics.failures)),
    ),
    family(
        "hookaroon_sink_queue_bytes",
        "Bytes that wait for the sink.",
        Gauge(|sink| Some(sink.queue?.bytes as f64)),
    ),
    family(
        "hookaroon_sink_queue_capacity_bytes",
        "Bytes that may wait for it.",
        Gauge(|sink| Some(sink.queue?.capacity as f64)),
    ),
    family(
        "hookaroon_sink_queue_oldest_seconds",
        "How long the first of them has waited.",
        Gauge(|sink| Some(sink.queue?.oldest.unwrap_or_default().as_secs_f64())),
    ),
    family(
        "hookaroon_sink_queue_full_seconds_total",
        "How long a worker had to wait for room there.",
        Grows(|sink| sink.queue.map_or(0.0, |queue| queue.full.as_secs_f64())),
    ),
];

/// Of the whole.
pub(super) const RUN: &[Family<Run>] = &[
    family(
        "hookaroon_build_info",
        "1, with the version of the program.",
        Gauges("version", |_| vec![(env!("CARGO_PKG_VERSION").to_owned(), 1.0)]),
    ),
    family("hookaroon_unrouted_events_total", "Events that no sink takes.", Grows(|run| run.unrouted as f64)),
    family(
        "hookaroon_stopped_events_total",
        "Events that were read and not processed, because a hook with on_error = \"stop\" failed.",
        Grows(|run| run.stopped as f64),
    ),
    family(
        "hookaroon_changes_total",
        "What was done with hooks while events flow.",
        Counters("change", |run| {
            run.changes.iter().map(|(&kind, &count)| (kind.to_owned(), count as f64)).collect()
        }),
    ),
    family(
        "hookaroon_dead_letters_bytes",
        "Bytes of the dead letters on disk.",
        Gauge(|run| run.dead_letters.map(|(bytes, _)| bytes as f64)),
    ),
    family(
        "hookaroon_dead_letters_limit_bytes",
        "max_bytes of [dead_letters], at which the sources wait.",
        Gauge(|run| run.dead_letters.map(|(_, most)| most as f64)),
    ),
    family(
        "hookaroon_config_reloads_total",
        "How often the configuration was read anew since the start.",
        Grows(|run| run.files.map_or(0.0, |(times, ..)| times as f64)),
    ),
    family(
        "hookaroon_config_last_reload_successful",
        "Whether what was read last is what runs.",
        Gauge(|run| run.files.and_then(|(_, went_well, _)| flag(went_well))),
    ),
    family(
        "hookaroon_config_last_reload_timestamp_seconds",
        "When it was read last, since 1970.",
        Gauge(|run| {
            run.files.map(|(.., at)| at.map_or_else(|| since_1970(run.started_at), |seconds| seconds as f64))
        }),
    ),
    family("hookaroon_tasks", "Tasks of the admin API.", Gauge(|run| run.tasks.map(|tasks| tasks as f64))),
    family(
        "process_start_time_seconds",
        "When the run began, since 1970.",
        Gauge(|run| Some(since_1970(run.started_at))),
    ),
    family(
        "process_cpu_seconds_total",
        "CPU time of all threads.",
        Grows(|run| run.process.cpu.as_secs_f64()),
    ),
    family(
        "process_resident_memory_bytes",
        "Resident memory, all hooks included.",
        Gauge(|run| run.process.resident.map(|bytes| bytes as f64)),
    ),
    family("process_threads", "Threads.", Gauge(|run| run.process.threads.map(|threads| threads as f64))),
    family("process_open_fds", "Open descriptors.", Gauge(|run| run.process.open_fds.map(|fds| fds as f64))),
    family(
        "process_max_fds",
        "How many descriptors may be open.",
        Gauge(|run| run.process.max_fds.map(|fds| fds as f64)),
    ),
];

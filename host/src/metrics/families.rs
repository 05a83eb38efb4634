//! Every metric: its name, what it means, its type, and where it is read. Nothing else names one.
//!
//! Names and units as Prometheus wants them: seconds, bytes, and `_total` for what only grows. `docs/metrics.md` lists the
//! same, and a test holds the two against each other.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::histogram::Histogram;
use super::process::Process;
use super::{Counter, HookMetrics, SinkMetrics, SourceMetrics};
use crate::clock;
use crate::hook::differences::Differences;
use crate::hook::due::Cause;
use crate::hook::failure::FailureKind;
use crate::queue::Waiting;
use Value::{Counters, Gauge, Gauges, Grows, Spread};

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

/// Of each version of a hook that is in the chain, or tried there.
pub(super) const HOOKS: &[Family<HookMetrics>] = &[
    family(
        "hookaroon_hook_calls_total",
        "Batches handed to the hook, retries included.",
        Grows(|hook| count(&hook.calls)),
    ),
    family(
        "hookaroon_hook_rows_total",
        "Rows of the batches that it processed.",
        Grows(|hook| count(&hook.rows)),
    ),
    family("hookaroon_hook_dropped_rows_total", "Rows that it dropped.", Grows(|hook| count(&hook.dropped))),
    family("hookaroon_hook_written_rows_total", "Rows that it changed.", Grows(|hook| count(&hook.written))),
    family(
        "hookaroon_hook_emitted_events_total",
        "Events that it emitted.",
        Grows(|hook| count(&hook.emitted)),
    ),
    family(
        "hookaroon_hook_outside_rows_total",
        "Rows that it was not handed, because they are not in its rollout's share.",
        Grows(|hook| count(&hook.outside)),
    ),
    family(
        "hookaroon_hook_paused_rows_total",
        "Rows that passed it unprocessed, because it was paused.",
        Grows(|hook| count(&hook.paused)),
    ),
    family(
        "hookaroon_hook_bypassed_rows_total",
        "Rows that passed it unprocessed, because its breaker was open.",
        Grows(|hook| count(&hook.bypassed)),
    ),
    family(
        "hookaroon_hook_open_dropped_rows_total",
        "Rows that were dropped, because its breaker was open.",
        Grows(|hook| count(&hook.open_dropped)),
    ),
    family(
        "hookaroon_hook_dead_letters_total",
        "Rows that became dead letters.",
        Grows(|hook| count(&hook.dead_letters)),
    ),
    family(
        "hookaroon_hook_passed_rows_total",
        "Rows that it failed on and that passed as they were.",
        Grows(|hook| count(&hook.passed)),
    ),
    family(
        "hookaroon_hook_error_dropped_rows_total",
        "Rows that it failed on and that were dropped, as configured.",
        Grows(|hook| count(&hook.error_dropped)),
    ),
    family(
        "hookaroon_hook_handed_back_rows_total",
        "Rows that a candidate failed on and that the version at work was handed instead.",
        Grows(|hook| count(&hook.handed_back)),
    ),
    family(
        "hookaroon_hook_shadow_rows_total",
        "Rows of a shadow by what came of them: same, changed, or dropped or kept by it alone.",
        Counters("outcome", shadow),
    ),
    family(
        "hookaroon_hook_failures_total",
        "Failed calls, and rows that the hook itself failed; a batch that fails twice counts twice.",
        Counters("kind", failures),
    ),
    family(
        "hookaroon_hook_isolations_total",
        "Batches that failed twice, so that their guilty rows were looked for.",
        Grows(|hook| count(&hook.isolations)),
    ),
    family(
        "hookaroon_hook_not_isolated_rows_total",
        "Rows that followed on_error because that search was cut short.",
        Grows(|hook| count(&hook.not_isolated)),
    ),
    family(
        "hookaroon_hook_call_cpu_seconds",
        "CPU time of each batch that was handed to an instance.",
        Spread(|hook| &hook.latency),
    ),
    family(
        "hookaroon_hook_cpu_seconds_total",
        "CPU time of all its calls: init, process, tick, save and teardown.",
        Grows(|hook| seconds(hook.cpu_ns())),
    ),
    family(
        "hookaroon_hook_deadline_seconds",
        "The CPU time that one batch may take.",
        Gauge(|hook| Some(hook.limits().process.as_secs_f64())),
    ),
    family(
        "hookaroon_hook_memory_bytes",
        "Memory that each worker's instance uses, as of its last batch; one instance for all is that of worker 0.",
        Gauges("worker", memory_now),
    ),
    family(
        "hookaroon_hook_memory_peak_bytes",
        "The most memory that one of its instances used.",
        Gauge(|hook| Some(hook.memory_peak() as f64)),
    ),
    family(
        "hookaroon_hook_memory_limit_bytes",
        "The most memory that one of its instances may use.",
        Gauge(|hook| Some(hook.limits().memory_bytes as f64)),
    ),
    family(
        "hookaroon_hook_instances",
        "How many instances it has at most.",
        Gauge(|hook| Some(f64::from(hook.instances))),
    ),
    family(
        "hookaroon_hook_kept_bytes_per_1000_rows",
        "Memory that it kept of 1,000 rows, after the first quarter of each instance's life.",
        Gauge(kept),
    ),
    family(
        "hookaroon_hook_leaking",
        "Whether its memory grows without end.",
        Gauge(|hook| flag(hook.leaks())),
    ),
    family(
        "hookaroon_hook_recycles_total",
        "Instances that were replaced by a fresh one before they failed.",
        Counters("cause", recycles),
    ),
    family(
        "hookaroon_hook_states_lost_total",
        "Saves that were given up, because no fresh instance could start with them.",
        Grows(|hook| count(&hook.states_lost)),
    ),
    family(
        "hookaroon_hook_breaker_open",
        "Whether its breaker is open, so that it is not called but for trials.",
        Gauge(|hook| flag(hook.setting().gate.is_some_and(|gate| gate.is_open()))),
    ),
    family(
        "hookaroon_hook_breaker_opened_total",
        "How often its breaker opened, failed trials included.",
        Grows(|hook| count(&hook.opened)),
    ),
    family(
        "hookaroon_hook_over_budget_total",
        "How often a worker spent more on it than cost or max_share allow.",
        Grows(|hook| count(&hook.over_budget)),
    ),
    family(
        "hookaroon_hook_share_ratio",
        "The share of its events that its rollout applies it to.",
        Gauge(|hook| Some(f64::from(hook.setting().share.steps()) / f64::from(crate::config::Share::WHOLE))),
    ),
    family(
        "hookaroon_hook_paused",
        "Whether the operator paused it.",
        Gauge(|hook| flag(hook.setting().is_paused)),
    ),
    family(
        "hookaroon_hook_log_lines_total",
        "Lines that it wrote to the log.",
        Grows(|hook| count(&hook.log.lines)),
    ),
    family(
        "hookaroon_hook_suppressed_log_lines_total",
        "Lines that were thrown away, because there were too many.",
        Grows(|hook| count(&hook.log.suppressed)),
    ),
    family(
        "hookaroon_hook_refused_writes_total",
        "Writes that had nowhere to go: a parent that is no object, a NaN.",
        Grows(|hook| count(&hook.refused)),
    ),
];

fn failures(hook: &HookMetrics) -> Vec<(String, f64)> {
    // Who is not called because its breaker is open has not failed.
    let kinds = FailureKind::ALL.into_iter().filter(|kind| *kind != FailureKind::Open);
    kinds.map(|kind| (kind.name().to_owned(), hook.failures(kind) as f64)).collect()
}

fn shadow(hook: &HookMetrics) -> Vec<(String, f64)> {
    let Some(differences) = hook.setting().differences else { return Vec::new() };
    let Differences { compared, changed, dropped, kept, .. } = &*differences;
    let same = count(compared) - differences.differing() as f64;
    let outcomes = [("changed", count(changed)), ("dropped", count(dropped)), ("kept", count(kept))];
    let all = std::iter::once(("same", same.max(0.0))).chain(outcomes);
    all.map(|(outcome, rows)| (outcome.to_owned(), rows)).collect()
}

fn recycles(hook: &HookMetrics) -> Vec<(String, f64)> {
    Cause::ALL.into_iter().map(|cause| (cause.name().to_owned(), hook.recycles(cause) as f64)).collect()
}

fn memory_now(hook: &HookMetrics) -> Vec<(String, f64)> {
    let known = (0..).zip(hook.memory_now());
    known.filter_map(|(worker, bytes): (u32, _)| Some((worker.to_string(), bytes? as f64))).collect()
}

fn kept(hook: &HookMetrics) -> Option<f64> {
    let kept = hook.kept();
    (kept.rows > 0).then(|| kept.bytes as f64 * 1000.0 / kept.rows as f64)
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

//! The metrics of hooks: most of all that there are.

use super::Value::{Counters, Gauge, Gauges, Grows, Spread};
use super::{Family, count, family, flag, seconds};
use crate::config::Share;
use crate::hook::differences::Differences;
use crate::hook::due::Cause;
use crate::hook::failure::FailureKind;
use crate::metrics::HookMetrics;

/// Of each version of a hook that is in the chain, or tried there.
pub(in crate::metrics) const HOOKS: &[Family<HookMetrics>] = &[
    family(
        "hookaroon_hook_calls_total",
        "Batches handed to the hook, retries included.",
        Grows(|hook| count(&hook.calls)),
    ),
    family(
        "hookaroon_hook_handed_rows_total",
        "Rows that it was to process, each once.",
        Grows(|hook| count(&hook.handed)),
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
        Gauge(|hook| Some(f64::from(hook.setting().share.steps()) / f64::from(Share::WHOLE))),
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
    let Some(differences) = hook.differences() else { return Vec::new() };
    let Differences { compared, changed, dropped, kept, .. } = &**differences;
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

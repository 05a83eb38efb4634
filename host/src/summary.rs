//! What a run did, in numbers: for people on a terminal, and as one JSON object for programs.
//!
//! The books balance: `events_in` and what hooks emitted is what the sinks took (an event that two sinks took
//! counts for both), plus what was dropped, plus the dead letters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::hook::differences::{Differences, Sample};
use crate::hook::engine::STACK_BYTES;
use crate::hook::failure::FailureKind;
use crate::hook::instance::MAX_HANDLES;
use crate::hook::limits;
use crate::metrics::process::Process;
use crate::metrics::{HookMetrics, Metrics, Role};

/// How wide the chart of a hook's memory is, in characters.
const CHART_WIDTH: usize = 60;

/// The totals of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Events that sources brought.
    pub events_in: u64,
    /// Events that each sink took.
    pub events_out: BTreeMap<String, u64>,
    /// Events that were meant for a sink and that it did not take, of a run that ended before.
    pub undelivered: BTreeMap<String, u64>,
    /// Events that left on the way, for each reason: `hook:NAME` dropped it, `on_error:NAME` says to drop what the
    /// hook fails on, `when_open:NAME` to drop what comes while its breaker is open, `unrouted` (no sink takes it), `stopped` (read but not processed when the run stopped).
    pub dropped: BTreeMap<String, u64>,
    /// Events that became dead letters, for each hook.
    pub dead_letters: BTreeMap<String, u64>,
    /// Failures for each hook and kind; a batch that fails twice counts twice.
    pub failed: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// Bytes that sources brought, after decompression.
    pub bytes_in: u64,
    /// What had to be done to lines.
    pub lines: Lines,
    /// Wall time from start to end, in seconds.
    pub elapsed_s: f64,
    /// The most memory that the process had resident, all hooks included; where the system tells it.
    pub memory_peak_bytes: Option<u64>,
    /// The hook that takes most of the workers' time, if they took any.
    pub costliest: Option<Costliest>,
    /// The hooks, in chain order.
    pub hooks: Vec<Hook>,
}

/// The hook that costs the pipeline its throughput.
#[derive(Clone, Debug, Serialize)]
pub struct Costliest {
    /// Its name.
    pub hook: String,
    /// Its part of the CPU time of the workers' threads, from 0 to 1.
    pub cpu_share: f64,
    /// How many times as many events the workers could take without it.
    pub times_without: f64,
}

/// Lines that did not pass as they were.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Lines {
    /// Wrapped as `{"message": ...}`.
    pub wrapped: u64,
    /// Wrapped although their source says `decode = "json"`.
    pub not_json: u64,
    /// With nothing on them.
    pub blank: u64,
    /// With bytes that are not UTF-8, replaced by U+FFFD.
    pub repaired: u64,
    /// Over `max_event_bytes`, cut into parts.
    pub oversize: u64,
}

/// What one hook did.
#[derive(Clone, Debug, Serialize)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Batches handed to it, retries included.
    pub calls: u64,
    /// Rows of the batches that it processed.
    pub rows: u64,
    /// Rows that it dropped.
    pub dropped: u64,
    /// Rows that it changed.
    pub written: u64,
    /// Events that it emitted.
    pub emitted: u64,
    /// How often it failed.
    pub failures: u64,
    /// Batches that failed twice, so that their guilty rows were looked for.
    pub isolations: u64,
    /// Rows that followed `on_error` because that search was cut short; whether they were guilty is not known.
    pub not_isolated: u64,
    /// How often its instance was replaced before it failed.
    pub recycles: u64,
    /// Saves that were given up, because no fresh instance could start with them.
    pub states_lost: u64,
    /// How often its breaker opened.
    pub breaker_opened: u64,
    /// How often it closed again.
    pub breaker_closed: u64,
    /// Rows that it was not handed, because they are not in its rollout's share.
    pub outside: u64,
    /// Rows that passed it unprocessed, because its breaker was open.
    pub bypassed: u64,
    /// Rows that passed it unprocessed, because it was paused.
    pub paused: u64,
    /// How often a worker spent more on it than `cost` or `max_share` allow.
    pub over_budget: u64,
    /// CPU time of its calls, in seconds.
    pub cpu_s: f64,
    /// CPU time of its calls for each row, in nanoseconds.
    pub ns_per_row: f64,
    /// CPU time of its slowest call, in milliseconds; it may be over its deadline by as much as it takes to notice.
    pub slowest_call_ms: f64,
    /// The most memory that one of its instances used.
    pub memory_peak_bytes: u64,
    /// The most that one may use.
    pub memory_cap_bytes: u64,
    /// What else it may use.
    pub limits: Limits,
    /// Lines that it wrote to the log.
    pub log_lines: u64,
    /// Lines that were thrown away, because there were too many.
    pub log_lines_suppressed: u64,
    /// How many instances it has.
    pub instances: u32,
    /// Rows that it failed on and that passed as they were.
    pub passed: u64,
    /// Writes that had nowhere to go.
    pub refused_writes: u64,
    /// Earlier occurrences of keys that were deleted before it.
    pub duplicates_deleted: u64,
    /// Surrogates that stood alone in what it read, which are U+FFFD there and as they were in the text.
    pub lone_surrogates: u64,
    /// What a version that was tried on copies would have done otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// Its memory over time, for the chart.
    #[serde(skip)]
    memory: Vec<u64>,
}

/// What a shadow would have done otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Shadow {
    /// Events of which both outcomes are known.
    pub compared: u64,
    /// Events that both kept, each with another text.
    pub changed: u64,
    /// Events that only the shadow would have dropped.
    pub dropped: u64,
    /// Events that only the version at work dropped.
    pub kept: u64,
    /// Batches in which they emitted another number of events.
    pub emitted: u64,
    /// Some of these events, field by field.
    pub samples: Vec<Sample>,
}

impl Shadow {
    /// What is known now.
    pub fn new(differences: &Differences) -> Shadow {
        Shadow {
            compared: differences.compared.get(),
            changed: differences.changed.get(),
            dropped: differences.dropped.get(),
            kept: differences.kept.get(),
            emitted: differences.emitted.get(),
            samples: differences.samples(),
        }
    }
}

/// What a hook may use, beside memory.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// CPU time of a call to `process`, in milliseconds.
    pub deadline_ms: u64,
    /// Of `init`.
    pub init_deadline_ms: u64,
    /// Of `tick` and `save`.
    pub tick_deadline_ms: u64,
    /// Of `teardown`.
    pub teardown_deadline_ms: u64,
    /// Bytes that one call hands to the host.
    pub output_bytes: u64,
    /// Events that one call emits.
    pub events: u64,
    /// Bytes of the state that it saves.
    pub state_bytes: u64,
    /// Lines of its log in a second.
    pub log_lines: u64,
    /// Bytes of its log in a second.
    pub log_bytes: u64,
    /// Bytes of its stack.
    pub stack_bytes: u64,
    /// Handles that an instance holds.
    pub handles: u64,
}

impl From<&limits::Limits> for Limits {
    fn from(limits: &limits::Limits) -> Limits {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Limits {
            deadline_ms: ms(limits.process),
            init_deadline_ms: ms(limits.init),
            tick_deadline_ms: ms(limits.tick),
            teardown_deadline_ms: ms(limits.teardown),
            output_bytes: limits.output.bytes as u64,
            events: limits.output.events as u64,
            state_bytes: limits.output.state_bytes as u64,
            log_lines: limits.log.lines,
            log_bytes: limits.log.bytes,
            stack_bytes: STACK_BYTES as u64,
            handles: MAX_HANDLES as u64,
        }
    }
}

impl Summary {
    /// The totals now.
    pub fn new(metrics: &Metrics) -> Summary {
        let counted =
            |counts: Vec<(String, u64)>| counts.into_iter().filter(|(_, count)| *count > 0).collect();
        let hooks = metrics.all_hooks();
        let mut dropped: Vec<(String, u64)> = vec![
            ("unrouted".to_owned(), metrics.unrouted.get()),
            ("stopped".to_owned(), metrics.stopped.get()),
        ];
        dropped.extend(hooks.iter().map(|hook| (format!("hook:{}", hook.name), hook.dropped.get())));
        dropped
            .extend(hooks.iter().map(|hook| (format!("on_error:{}", hook.name), hook.error_dropped.get())));
        dropped
            .extend(hooks.iter().map(|hook| (format!("when_open:{}", hook.name), hook.open_dropped.get())));
        let input = metrics.input();
        Summary {
            events_in: input.events.get(),
            events_out: metrics.sinks.iter().map(|sink| (sink.name.clone(), sink.events.get())).collect(),
            undelivered: counted(
                metrics
                    .sinks
                    .iter()
                    .map(|sink| (sink.name.clone(), sink.routed.get().saturating_sub(sink.events.get())))
                    .collect(),
            ),
            dropped: counted(dropped),
            dead_letters: counted(
                hooks.iter().map(|hook| (hook.name.clone(), hook.dead_letters.get())).collect(),
            ),
            failed: hooks
                .iter()
                .filter(|hook| hook.all_failures() > 0)
                .map(|hook| (hook.name.clone(), failures(hook)))
                .collect(),
            bytes_in: input.bytes.get(),
            lines: Lines {
                wrapped: input.wrapped.get(),
                not_json: input.not_json.get(),
                blank: input.blank.get(),
                repaired: input.repaired.get(),
                oversize: input.oversize.get(),
            },
            elapsed_s: metrics.started.elapsed().as_secs_f64(),
            memory_peak_bytes: Process::now().resident_peak,
            costliest: Costliest::of(metrics, &hooks),
            hooks: hooks
                .iter()
                .map(|hook| Hook { shadow: shadow_of(metrics, &hook.name), ..Hook::new(hook) })
                .collect(),
        }
    }

    /// For people: a table of the hooks, the sinks, and what left on the way.
    pub fn for_people(&self) -> String {
        let mut out = String::new();
        let seconds = self.elapsed_s.max(1e-9);
        let _ = writeln!(
            out,
            "{} events, {} in {:.2} s: {} events/s, {}/s",
            grouped(self.events_in),
            bytes(self.bytes_in),
            self.elapsed_s,
            grouped((self.events_in as f64 / seconds) as u64),
            bytes((self.bytes_in as f64 / seconds) as u64),
        );
        if let Some(peak) = self.memory_peak_bytes {
            let ceiling =
                self.hooks.iter().map(|hook| u64::from(hook.instances) * hook.memory_cap_bytes).sum();
            let hooks =
                if ceiling == 0 { String::new() } else { format!("; its hooks may use {}", memory(ceiling)) };
            let _ = writeln!(out, "the process had at most {} resident{hooks}", memory(peak));
        }
        self.write_hooks(&mut out);
        if let Some(costliest) = &self.costliest {
            let Costliest { hook, cpu_share, times_without } = costliest;
            let _ = writeln!(
                out,
                "\n  {hook} takes {:.0}% of the workers' CPU time; without it they could take {times_without:.1} times as many events",
                cpu_share * 100.0
            );
        }
        let width = self.events_out.keys().map(String::len).max().unwrap_or(0);
        out.push('\n');
        for (name, events) in &self.events_out {
            let _ = writeln!(out, "  sink {name:width$}  {} events", grouped(*events));
        }
        let counts = |title: &str, counts: &BTreeMap<String, u64>, out: &mut String| {
            if !counts.is_empty() {
                let list: Vec<_> =
                    counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
                let _ = writeln!(out, "  {title}: {}", list.join(", "));
            }
        };
        counts("dropped", &self.dropped, &mut out);
        counts("not delivered", &self.undelivered, &mut out);
        counts("dead letters", &self.dead_letters, &mut out);
        let outside = self.hooks.iter().map(|hook| (hook.name.clone(), hook.outside));
        counts("outside of a rollout", &outside.filter(|(_, count)| *count > 0).collect(), &mut out);
        let unsaid = self.hooks.iter().map(|hook| (hook.name.clone(), hook.log_lines_suppressed));
        counts("log lines thrown away", &unsaid.filter(|(_, count)| *count > 0).collect(), &mut out);
        let lines = BTreeMap::from([
            ("wrapped as {\"message\"}".to_owned(), self.lines.wrapped),
            ("not JSON".to_owned(), self.lines.not_json),
            ("blank".to_owned(), self.lines.blank),
            ("repaired UTF-8".to_owned(), self.lines.repaired),
            ("cut into parts".to_owned(), self.lines.oversize),
            ("lone surrogates read".to_owned(), self.hooks.iter().map(|hook| hook.lone_surrogates).sum()),
        ]);
        counts("lines", &lines.into_iter().filter(|(_, count)| *count > 0).collect(), &mut out);
        out
    }

    fn write_hooks(&self, out: &mut String) {
        if self.hooks.is_empty() {
            return;
        }
        let width = self.hooks.iter().map(|hook| hook.name.len()).max().unwrap_or(0).max(4);
        let _ = writeln!(
            out,
            "\n  {:width$} {:>12} {:>12} {:>12} {:>12} {:>8} {:>9} {:>21}",
            "hook", "rows", "dropped", "written", "emitted", "failures", "ns/row", "memory peak / cap"
        );
        for hook in &self.hooks {
            let _ = writeln!(
                out,
                "  {:width$} {:>12} {:>12} {:>12} {:>12} {:>8} {:>9.0} {:>21}",
                hook.name,
                grouped(hook.rows),
                grouped(hook.dropped),
                grouped(hook.written),
                grouped(hook.emitted),
                grouped(hook.failures),
                hook.ns_per_row,
                format!("{} / {}", memory(hook.memory_peak_bytes), memory(hook.memory_cap_bytes)),
            );
        }
        // A chart only where there is something to see: memory that moved by more than a tenth of the cap.
        for hook in self.hooks.iter().filter(|hook| hook.memory_moved()) {
            let mut ends: Vec<String> = match hook.recycles {
                0 => Vec::new(),
                recycles => vec![format!("recycled {} times", grouped(recycles))],
            };
            let failed = self.failed.get(&hook.name).into_iter().flatten();
            ends.extend(failed.map(|(kind, count)| format!("failed for {kind} {} times", grouped(*count))));
            let ends = if ends.is_empty() { String::new() } else { format!(": {}", ends.join(", ")) };
            let cap = memory(hook.memory_cap_bytes);
            let _ = writeln!(out, "\n  memory of {} over time, cap {cap}{ends}", hook.name);
            let _ = writeln!(out, "  {}", chart(&hook.memory, hook.memory_cap_bytes));
        }
    }
}

/// What the shadow of a hook would have done otherwise, if one is tried.
fn shadow_of(metrics: &Metrics, hook: &str) -> Option<Shadow> {
    let hooks = metrics.hooks();
    let shadow = hooks.iter().find(|tried| tried.role == Role::Shadow && tried.name == hook)?;
    Some(Shadow::new(shadow.differences()?))
}

impl Costliest {
    fn of(metrics: &Metrics, hooks: &[Arc<HookMetrics>]) -> Option<Costliest> {
        let all_ns = metrics.worker_cpu_ns.get();
        let hook = hooks.iter().max_by_key(|hook| hook.cpu_ns())?;
        if all_ns == 0 || hook.cpu_ns() == 0 {
            return None;
        }
        // What its calls cost outside of the guest is not counted.
        let cpu_share = (hook.cpu_ns() as f64 / all_ns as f64).min(0.999);
        let rounded = |number: f64| (number * 1000.0).round() / 1000.0;
        let times_without = rounded(1.0 / (1.0 - cpu_share));
        Some(Costliest { hook: hook.name.clone(), cpu_share: rounded(cpu_share), times_without })
    }
}

impl Hook {
    /// What one version of a hook did.
    pub fn new(metrics: &HookMetrics) -> Hook {
        let limits = metrics.limits();
        Hook {
            name: metrics.name.clone(),
            calls: metrics.calls.get(),
            rows: metrics.rows.get(),
            dropped: metrics.dropped.get(),
            written: metrics.written.get(),
            emitted: metrics.emitted.get(),
            failures: metrics.all_failures(),
            isolations: metrics.isolations.get(),
            not_isolated: metrics.not_isolated.get(),
            recycles: metrics.all_recycles(),
            states_lost: metrics.states_lost.get(),
            breaker_opened: metrics.opened.get(),
            breaker_closed: metrics.closed.get(),
            outside: metrics.outside.get(),
            bypassed: metrics.bypassed.get(),
            paused: metrics.paused.get(),
            over_budget: metrics.over_budget.get(),
            cpu_s: metrics.cpu_ns() as f64 / 1e9,
            ns_per_row: (metrics.ns_per_row() * 10.0).round() / 10.0,
            slowest_call_ms: (metrics.slowest_ns() as f64 / 1e4).round() / 100.0,
            memory_peak_bytes: metrics.memory_peak(),
            memory_cap_bytes: limits.memory_bytes as u64,
            limits: Limits::from(&limits),
            log_lines: metrics.log.lines.get(),
            log_lines_suppressed: metrics.log.suppressed.get(),
            instances: metrics.instances,
            passed: metrics.passed.get(),
            refused_writes: metrics.refused.get(),
            duplicates_deleted: metrics.duplicates.get(),
            lone_surrogates: metrics.surrogates.get(),
            shadow: None,
            memory: metrics.memory_history(),
        }
    }

    fn memory_moved(&self) -> bool {
        let (least, most) = (self.memory.iter().min(), self.memory.iter().max());
        matches!((least, most), (Some(least), Some(most)) if (most - least) * 10 > self.memory_cap_bytes)
    }
}

fn failures(hook: &HookMetrics) -> BTreeMap<&'static str, u64> {
    let counts = FailureKind::ALL.iter().map(|kind| (kind.name(), hook.failures(*kind)));
    counts.filter(|(_, count)| *count > 0).collect()
}

/// Samples as a row of blocks, eight heights from nothing to `full`.
fn chart(samples: &[u64], full: u64) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let columns = CHART_WIDTH.min(samples.len());
    let mut chart = String::new();
    for column in 0..columns {
        let range = column * samples.len() / columns..(column + 1) * samples.len() / columns;
        // One sample a column, so that a saw keeps its teeth.
        let value = samples.get(range.start).copied().unwrap_or(0);
        let height = (value * BLOCKS.len() as u64).checked_div(full.max(1)).unwrap_or(0) as usize;
        chart.push(BLOCKS.get(height.min(BLOCKS.len() - 1)).copied().unwrap_or(' '));
    }
    chart
}

/// A number with a comma every three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An amount of memory in the unit that caps are given in: `15.9 MiB`, `16 MiB`.
pub fn memory(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{:.1} MiB", bytes as f64 / MIB as f64)
    }
}

/// A number of bytes with the unit that fits: `16 MiB` where it is whole, else in thousands.
pub fn bytes(bytes: u64) -> String {
    for (unit, size) in [("GiB", 1u64 << 30), ("MiB", 1 << 20)] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{} {unit}", bytes / size);
        }
    }
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] {
        if bytes as f64 >= size {
            return format!("{:.1} {unit}", bytes as f64 / size);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_bytes_have_units() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(bytes(16 << 20), "16 MiB");
        assert_eq!(bytes(330_000_001), "330.0 MB");
        assert_eq!(bytes(12), "12 B");
    }

    #[test]
    fn a_chart_shows_a_saw() {
        assert_eq!(chart(&[0, 4, 8, 12, 16, 0, 8], 16), "▁▃▅▇█▁▅");
        assert_eq!(chart(&[], 16), "");
    }
}

//! What was counted, in the text format 0.0.4 of Prometheus.
//!
//! What is [`families`] says is written for all that there is now: a hook that is gone has no series.
//! Reading stops nobody. What it costs is bounded by what is configured: hooks, sources, sinks, workers.

use std::fmt::Write as _;

use super::families::{self, Family, Run, Value};
use super::process::Process;
use super::{HookMetrics, Metrics, histogram::Histogram};
use crate::hook::load::hex;
use crate::live::control::Reading;
use crate::queue::{Depth, Waiting};

/// What this is for HTTP.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How many digits of a plugin's digest tell its version.
const VERSION_DIGITS: usize = 12;

/// What the counters do not know.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// What the files came to when they were read last; none: nobody follows them.
    pub reading: Option<Reading>,
    /// How many tasks the admin API has.
    pub tasks: Option<u64>,
}

/// The label that says which version of a hook it is: the first digits of its plugin's digest.
pub fn version(hook: &HookMetrics) -> String {
    hex(&hook.sha256).chars().take(VERSION_DIGITS).collect()
}

/// All series, as they are now.
pub fn render(metrics: &Metrics, beside: &Beside) -> String {
    let mut page = Page::default();
    let hooks = metrics.hooks();
    let hooks = hooks.iter().map(|hook| {
        let name = ("hook", hook.name.clone());
        (vec![name, ("version", version(hook)), ("role", hook.role.name().to_owned())], &**hook)
    });
    page.families(families::HOOKS, &hooks.collect::<Vec<_>>());
    let sources = metrics.sources.iter().map(|source| (vec![("source", source.name.clone())], &**source));
    page.families(families::SOURCES, &sources.collect::<Vec<_>>());
    let around = metrics.around();
    let intakes: Vec<Option<Waiting>> =
        around.map(|around| around.intakes.iter().map(Depth::read).collect()).unwrap_or_default();
    let intakes = intakes
        .iter()
        .enumerate()
        .filter_map(|(worker, queue)| Some((vec![("worker", worker.to_string())], queue.as_ref()?)));
    page.families(families::INTAKES, &intakes.collect::<Vec<_>>());
    let sinks: Vec<families::Sink> = (metrics.sinks.iter().enumerate())
        .map(|(index, metrics)| families::Sink {
            metrics: metrics.clone(),
            queue: around.and_then(|around| around.outlets.get(index)?.read()),
        })
        .collect();
    let sinks = sinks.iter().map(|sink| (vec![("sink", sink.metrics.name.clone())], sink));
    page.families(families::SINKS, &sinks.collect::<Vec<_>>());
    let run = Run {
        started_at: metrics.started_at,
        unrouted: metrics.unrouted.get(),
        stopped: metrics.stopped.get(),
        changes: metrics.changes.all(),
        dead_letters: around.and_then(|around| around.dead_letters.fill().ok()),
        files: beside.reading.as_ref().map(|Reading { times, at, errors }| (*times, errors.is_empty(), *at)),
        tasks: beside.tasks,
        process: Process::now(),
    };
    page.families(families::RUN, &[(Vec::new(), &run)]);
    page.0
}

/// The labels of a series.
type Labels = Vec<(&'static str, String)>;

#[derive(Default)]
struct Page(String);

impl Page {
    /// Each of these metrics for each of these.
    fn families<T>(&mut self, families: &[Family<T>], all: &[(Labels, &T)]) {
        for family in families {
            let before = self.0.len();
            let Family { name, help, value } = family;
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", value.kind());
            let begin = self.0.len();
            for (labels, one) in all {
                self.samples(name, labels, value, one);
            }
            if self.0.len() == begin {
                self.0.truncate(before);
            }
        }
    }

    fn samples<T>(&mut self, name: &str, labels: &Labels, value: &Value<T>, one: &T) {
        match value {
            Value::Grows(read) => self.sample(name, labels, None, read(one)),
            Value::Gauge(read) => {
                if let Some(value) = read(one) {
                    self.sample(name, labels, None, value);
                }
            }
            Value::Counters(label, read) | Value::Gauges(label, read) => {
                for (of, value) in read(one) {
                    self.sample(name, labels, Some((label, &of)), value);
                }
            }
            Value::Spread(read) => self.histogram(name, labels, read(one)),
        }
    }

    fn histogram(&mut self, name: &str, labels: &Labels, histogram: &Histogram) {
        let (bucket, mut all) = (format!("{name}_bucket"), 0);
        for (bound_ns, count) in histogram.cumulated() {
            let bound = bound_ns.map_or("+Inf".to_owned(), |ns| (ns as f64 / 1e9).to_string());
            self.sample(&bucket, labels, Some(("le", &bound)), count as f64);
            all = count;
        }
        self.sample(&format!("{name}_sum"), labels, None, histogram.sum_ns() as f64 / 1e9);
        self.sample(&format!("{name}_count"), labels, None, all as f64);
    }

    fn sample(&mut self, name: &str, labels: &Labels, another: Option<(&str, &str)>, value: f64) {
        self.0.push_str(name);
        let labels = labels.iter().map(|(label, value)| (*label, value.as_str())).chain(another);
        let mut separator = '{';
        for (label, value) in labels {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{separator}{label}=\"{value}\"");
            separator = ',';
        }
        let _ = writeln!(self.0, "{} {value}", if separator == ',' { "}" } else { "" });
    }
}

#[cfg(test)]
mod tests;

//! Where events come from and go to, and what waits in between: parts of what [`run`](super::run) tells.

use serde::Serialize;

use crate::clock;
use crate::config::{Config, Input, Output};
use crate::metrics::Metrics;
use crate::queue::{Depth, Waiting};

/// A source, and what it brought.
#[derive(Serialize)]
pub(super) struct Source<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Events that it read, in whatever queue they are.
    read: u64,
    /// Those of them that came to a batch.
    events: u64,
    bytes: u64,
}

/// A sink, what it took, and how late.
#[derive(Serialize)]
pub(super) struct Sink<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Events that are meant for it, in whatever queue they are.
    routed: u64,
    /// Those of them that it wrote.
    events: u64,
    bytes: u64,
    /// How often it wrote, and how old the first event of each chunk was then, all together.
    chunks: u64,
    delay_ms: f64,
    /// How old what it writes now is; 0 while it writes nothing.
    lag_ms: f64,
    retries: u64,
    /// None: the run is only beginning.
    queue: Option<Queue>,
}

/// What waits between two stages.
#[derive(Serialize)]
pub(super) struct Queue {
    bytes: usize,
    capacity_bytes: usize,
    /// How long the first of it has waited.
    oldest_ms: f64,
    /// How long somebody had to wait for room, all such times together.
    full_ms: f64,
}

impl Queue {
    fn of(depth: &Depth) -> Option<Queue> {
        let Waiting { bytes, capacity, oldest, full, .. } = depth.read()?;
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        let oldest_ms = ms(oldest.unwrap_or_default());
        Some(Queue { bytes, capacity_bytes: capacity, oldest_ms, full_ms: ms(full) })
    }
}

pub(super) fn sources<'a>(config: &'a Config, metrics: &Metrics) -> Vec<Source<'a>> {
    let both = config.sources.iter().zip(&metrics.sources);
    let told = both.map(|(source, counted)| Source {
        name: &source.name,
        kind: match source.input {
            Input::Stdin => "stdin",
            Input::File { .. } => "file",
        },
        read: counted.read.get(),
        events: counted.events.get(),
        bytes: counted.bytes.get(),
    });
    told.collect()
}

/// The queue in front of each worker.
pub(super) fn intakes(metrics: &Metrics) -> Vec<Queue> {
    let intakes = metrics.around().map(|around| around.intakes.as_slice()).unwrap_or_default();
    intakes.iter().filter_map(Queue::of).collect()
}

pub(super) fn sinks<'a>(config: &'a Config, metrics: &Metrics) -> Vec<Sink<'a>> {
    let outlets = metrics.around().map(|around| around.outlets.as_slice()).unwrap_or_default();
    let both = config.sinks.iter().zip(&metrics.sinks).enumerate();
    let told = both.map(|(index, (sink, counted))| Sink {
        name: &sink.name,
        kind: match sink.output {
            Output::Stdout => "stdout",
            Output::File { .. } => "file",
        },
        routed: counted.routed.get(),
        events: counted.events.get(),
        bytes: counted.bytes.get(),
        chunks: counted.delay.cumulated().last().map_or(0, |(_, count)| *count),
        delay_ms: counted.delay.sum_ns() as f64 / 1e6,
        lag_ms: counted.in_hand(clock::now_ns()).unwrap_or_default().as_secs_f64() * 1e3,
        retries: counted.retries.get(),
        queue: outlets.get(index).and_then(Queue::of),
    });
    told.collect()
}

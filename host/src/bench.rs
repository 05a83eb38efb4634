//! `hookaroon bench`: what a hook costs, by the size of its batches; two hooks side by side; and whether one became
//! slower than a baseline allows.
//!
//! The input is repeated until a batch of the largest size is full at least twice ([`enlarged`]), so a hook that
//! remembers sees events again. A hook that fails is not measured: its failure is the answer.

pub mod baseline;
pub mod matrix;
pub mod measure;

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::candidate::input::{Input, InputError};
use crate::candidate::{Candidate, Ready, START_NS};
use crate::config::{Batch, Config};
use crate::event::projection::TooManyFields;
use crate::hook::failure::Failure;
use crate::hook::load::Loader;
use crate::rehearsal::{Clock, Decoded, Flow, Memory, Rehearsal, RehearsalError};
use crate::summary::{bytes, grouped};
use matrix::Matrix;
use measure::{Cost, SAMPLES, Spread, by_turns};

/// The sizes of batches that are measured.
pub const SIZES: [usize; 5] = [1, 16, 256, 1024, 4096];

/// The bytes that a batch may have: the most that the configuration allows, so that rows are what is measured.
const BATCH_BYTES: usize = 2 << 20;

/// A repeated input has at least so many events, if they are not larger than this together.
const LEAST_EVENTS: u64 = 8192;
const LARGE: usize = 8 << 20;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Bench {
    /// One hook, or two to compare.
    pub candidates: Vec<Candidate>,
    /// The events, or `-`.
    pub input: PathBuf,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A hook is not ready; everything that is wrong.
    #[error("{}", .0.join("\n"))]
    Candidate(Vec<String>),
    /// The events.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The hook failed.
    #[error("the hook fails on this input: {kind}: {0}; hookaroon test shows where", kind = .0.kind.name())]
    Failed(Failure),
    /// Too many fields.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// The chain could not go on.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
}

/// What the hooks cost.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Events in the input.
    pub events: u64,
    /// Bytes of an event, on average, with its newline.
    pub bytes_per_event: f64,
    /// Each hook.
    pub hooks: Vec<Measured>,
}

/// What one hook costs.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The plugin, as it was named.
    pub plugin: String,
    /// For each size of batches.
    pub sizes: Vec<Cost>,
    /// How many times as long it takes as the first hook, for each size; nothing for the first.
    pub times_the_first: Vec<Spread>,
}

/// Hooks and events, ready to be measured.
struct Prepared {
    hooks: Vec<Ready>,
    input: Input,
    events: u64,
    bytes_per_event: f64,
}

impl Bench {
    /// Measures the hooks for each size of batches.
    pub fn run(&self, loader: &Loader) -> Result<Report, BenchError> {
        let Prepared { hooks, input, events, bytes_per_event } = self.prepare(loader)?;
        let mut measured: Vec<Measured> = self
            .candidates
            .iter()
            .map(|candidate| Measured {
                plugin: candidate.plugin.clone(),
                sizes: Vec::new(),
                times_the_first: Vec::new(),
            })
            .collect();
        for rows in SIZES {
            let batch = Batch { rows, bytes: BATCH_BYTES, ..Batch::default() };
            let costs = by_turns(&hooks, &input, batch, SAMPLES)?;
            for (index, (hook, (cost, ratio))) in measured.iter_mut().zip(costs).enumerate() {
                hook.sizes.push(cost);
                hook.times_the_first.extend(Some(ratio).filter(|_| index > 0));
            }
        }
        Ok(Report { events, bytes_per_event, hooks: measured })
    }

    /// Measures the first hook for each combination of limits of a batch, with so many events a second coming in.
    pub fn matrix(&self, loader: &Loader, rate: u64) -> Result<Matrix, BenchError> {
        let Prepared { hooks, input, events, bytes_per_event } = self.prepare(loader)?;
        let plugin = self.candidates.first().map(|candidate| candidate.plugin.clone()).unwrap_or_default();
        let measure = |batch| {
            let costs = by_turns(hooks.get(..1).unwrap_or(&hooks), &input, batch, matrix::SAMPLES)?;
            costs
                .into_iter()
                .next()
                .map(|(cost, _)| cost)
                .ok_or_else(|| BenchError::Candidate(vec!["there is no hook".to_owned()]))
        };
        Matrix::measure(&plugin, rate, events, bytes_per_event, measure)
    }

    fn prepare(&self, loader: &Loader) -> Result<Prepared, BenchError> {
        let hooks = self
            .candidates
            .iter()
            .map(|candidate| candidate.prepare(loader, Batch::default()).map_err(BenchError::Candidate))
            .collect::<Result<Vec<_>, _>>()?;
        let input = Input::read(&self.input)?;
        let mut events = 0;
        for hook in &hooks {
            events = hook.try_out(&input)?;
        }
        let bytes_per_event = input.text.len() as f64 / events.max(1) as f64;
        Ok(Prepared { hooks, input: enlarged(input, events), events, bytes_per_event })
    }
}

impl Ready {
    /// A chain with an instance of its own, and the events for it. Time stands still, so no tick disturbs.
    fn rehearse(&self, input: &Input, batch: Batch) -> Result<(Flow, Decoded), BenchError> {
        let config = Config { batch, ..self.config.clone() };
        let hook = self.prepared.again().map_err(BenchError::Failed)?;
        let rehearsal = Rehearsal::new(&config, vec![hook])?;
        let clock = Clock::still(START_NS);
        let decoded = input.decode(&rehearsal, &config, clock.now_ns())?;
        Ok((rehearsal.start(&config, clock), decoded))
    }

    /// Passes the events once, so that a hook that fails is told before it is measured; how many there are.
    fn try_out(&self, input: &Input) -> Result<u64, BenchError> {
        let (mut flow, decoded) = self.rehearse(input, Batch::default())?;
        flow.pass(&decoded, Memory::Kept, drop)?;
        match failed(&flow) {
            Some(failure) => Err(BenchError::Failed(failure)),
            None => Ok(decoded.events()),
        }
    }
}

/// The first call of the hook that failed.
fn failed(flow: &Flow) -> Option<Failure> {
    flow.metrics().hooks().first().and_then(|hook| hook.examples().into_iter().next())
}

/// The input, which has so many events, repeated while it is small.
fn enlarged(input: Input, events: u64) -> Input {
    let short = LEAST_EVENTS.div_ceil(events.max(1)) as usize;
    let times = short.min(LARGE / input.text.len().max(1));
    if times <= 1 {
        return input;
    }
    let mut text = input.text;
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    Input { text: text.repeat(times), ..input }
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{} events of {:.0} bytes; CPU time, medians of {SAMPLES} samples, in brackets the quartiles\n",
            grouped(self.events),
            self.bytes_per_event
        );
        for hook in &self.hooks {
            let _ = writeln!(out, "\n{}", hook.plugin);
            let _ = writeln!(
                out,
                "  {:>6} {:>10} {:>22} {:>22} {:>12} {:>8} {:>12}",
                "rows", "rows/call", "ns/row", "of it in the hook", "rows/s", "MB/s", "memory peak"
            );
            for cost in &hook.sizes {
                let _ = writeln!(
                    out,
                    "  {:>6} {:>10.1} {:>22} {:>22} {:>12} {:>8.1} {:>12}",
                    cost.rows,
                    cost.rows_per_call,
                    nanoseconds(&cost.ns_per_row),
                    nanoseconds(&cost.hook_ns_per_row),
                    grouped(cost.rows_per_s as u64),
                    cost.mb_per_s,
                    bytes(cost.memory_peak_bytes),
                );
            }
        }
        if let [first, others @ ..] = self.hooks.as_slice() {
            for other in others {
                let _ = writeln!(out, "\n{} takes so many times as long as {}", other.plugin, first.plugin);
                for (cost, ratio) in other.sizes.iter().zip(&other.times_the_first) {
                    let Spread { median, first_quartile, third_quartile } = ratio;
                    let _ = writeln!(
                        out,
                        "  {:>6} rows: {median:.2} [{first_quartile:.2} {third_quartile:.2}]",
                        cost.rows
                    );
                }
            }
        }
        out
    }
}

fn nanoseconds(spread: &Spread) -> String {
    format!("{:.0} [{:.0} {:.0}]", spread.median, spread.first_quartile, spread.third_quartile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_input_is_repeated_and_a_large_one_is_not() {
        let input = |text: String| Input { path: PathBuf::new(), text: text.into_bytes() };
        let small = enlarged(input("{\"a\":1}\n{\"b\":2}".to_owned()), 2);
        assert_eq!(small.text, "{\"a\":1}\n{\"b\":2}\n".repeat(4096).into_bytes());
        let text = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1000)).repeat(9000);
        assert_eq!(enlarged(input(text.clone()), 9000).text.len(), text.len());
    }
}

//! CPU time of a chain over events in memory, sample by sample: medians with their spread.
//!
//! CPU time of this thread, so a busy machine moves it little; and samples of two chains are taken by turns, so what it
//! moves, it moves alike. Bounds: [`SAMPLES`] of at least [`SAMPLE`] each, after one that warms up.

use std::hint::black_box;
use std::time::Duration;

use serde::Serialize;

use super::BenchError;
use crate::candidate::Ready;
use crate::candidate::input::Input;
use crate::config::Batch;
use crate::hook::limits::thread_cpu_time;
use crate::rehearsal::{Decoded, Flow, Memory};

/// How many samples are taken of each chain.
pub const SAMPLES: usize = 11;

/// How much CPU time a sample has at least: four times the grain of a deadline, and little beside a second.
const SAMPLE: Duration = Duration::from_millis(20);

/// A median, and the first and third quartile around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the samples are below it.
    pub median: f64,
    /// A quarter of them is.
    pub first_quartile: f64,
    /// Three quarters of them are.
    pub third_quartile: f64,
}

impl Spread {
    /// Of some samples, at least one.
    pub fn of(samples: &[f64]) -> Spread {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
            sorted.get(place).copied().unwrap_or(f64::NAN)
        };
        Spread { median: at(0.5), first_quartile: at(0.25), third_quartile: at(0.75) }
    }
}

/// What one chain costs at one size of batches.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// How many rows a batch has at most.
    pub rows: usize,
    /// How many it had, on average.
    pub rows_per_call: f64,
    /// CPU time for each row: the pass over its text, columns, call, checks, splice.
    pub ns_per_row: Spread,
    /// What of it is the call into the hook.
    pub hook_ns_per_row: Spread,
    /// Rows in a second of CPU time.
    pub rows_per_s: f64,
    /// Megabytes of events in a second of CPU time.
    pub mb_per_s: f64,
    /// The most memory that an instance used.
    pub memory_peak_bytes: u64,
}

/// A chain that is measured.
struct Subject {
    flow: Flow,
    events: Decoded,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    ns_per_row: f64,
    hook_ns_per_row: f64,
}

/// Measures the hooks by turns, each in a chain of its own. The costs, and how many times as long each took as the
/// first, pair by pair.
pub fn by_turns(
    hooks: &[Ready],
    input: &Input,
    batch: Batch,
    samples: usize,
) -> Result<Vec<(Cost, Spread)>, BenchError> {
    let mut subjects =
        hooks.iter().map(|hook| Subject::new(hook, input, batch)).collect::<Result<Vec<_>, _>>()?;
    for subject in &mut subjects {
        subject.sample()?;
        subject.samples.clear();
    }
    for _ in 0..samples {
        for subject in &mut subjects {
            subject.sample()?;
        }
    }
    let first: Vec<Sample> = subjects.first().map(|subject| subject.samples.clone()).unwrap_or_default();
    let costs = subjects.iter().map(|subject| {
        let pairs = subject.samples.iter().zip(&first);
        let ratios: Vec<f64> = pairs.map(|(own, first)| own.ns_per_row / first.ns_per_row).collect();
        (subject.cost(batch.rows, input.text.len()), Spread::of(&ratios))
    });
    Ok(costs.collect())
}

impl Subject {
    fn new(hook: &Ready, input: &Input, batch: Batch) -> Result<Subject, BenchError> {
        let (flow, events) = hook.rehearse(input, batch)?;
        Ok(Subject { flow, events, samples: Vec::new() })
    }

    /// Passes the input until there is a sample.
    fn sample(&mut self) -> Result<(), BenchError> {
        let metrics = self.flow.metrics().clone();
        let hooks = metrics.hooks();
        let hook_ns = || hooks.first().map_or(0, |hook| hook.cpu_ns());
        let (start, start_hook_ns) = (thread_cpu_time(), hook_ns());
        let mut rows = 0;
        let mut spent = Duration::ZERO;
        while spent < SAMPLE {
            self.flow.pass(&self.events, Memory::Kept, |delivery| drop(black_box(delivery.chunk)))?;
            rows += self.events.events();
            spent = thread_cpu_time().saturating_sub(start);
        }
        self.flow.forget();
        if let Some(failure) = super::failed(&self.flow) {
            return Err(BenchError::Failed(failure));
        }
        let each = |ns: f64| ns / rows.max(1) as f64;
        self.samples.push(Sample {
            ns_per_row: each(spent.as_nanos() as f64),
            hook_ns_per_row: each(hook_ns().saturating_sub(start_hook_ns) as f64),
        });
        Ok(())
    }

    fn cost(&self, rows: usize, bytes: usize) -> Cost {
        let hooks = self.flow.metrics().hooks();
        let hook = hooks.first();
        let calls = hook.map_or(0, |hook| hook.calls.get()).max(1);
        let all: Vec<f64> = self.samples.iter().map(|sample| sample.ns_per_row).collect();
        let hooks: Vec<f64> = self.samples.iter().map(|sample| sample.hook_ns_per_row).collect();
        let ns_per_row = Spread::of(&all);
        let bytes_per_row = bytes as f64 / self.events.events().max(1) as f64;
        let rows_per_s = 1e9 / ns_per_row.median.max(1e-9);
        Cost {
            rows,
            rows_per_call: hook.map_or(0, |hook| hook.rows.get()) as f64 / calls as f64,
            ns_per_row,
            hook_ns_per_row: Spread::of(&hooks),
            rows_per_s,
            mb_per_s: rows_per_s * bytes_per_row / 1e6,
            memory_peak_bytes: hook.map_or(0, |hook| hook.memory_peak()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_and_the_quartiles() {
        let spread = Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!((spread.first_quartile, spread.median, spread.third_quartile), (2.0, 3.0, 4.0));
        assert!(Spread::of(&[]).median.is_nan());
    }
}

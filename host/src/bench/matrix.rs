//! Throughput and memory over the limits of a batch: `rows`, `wait` and `bytes`.
//!
//! Offline nobody waits, so `wait` is what it means for the size of a batch: at a given rate of arrivals a batch that
//! may wait so long gets so many rows, if `rows` or `bytes` do not end it before. A batch of that size is then measured
//! in the real chain; sizes that several combinations share are measured once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::BenchError;
use super::measure::Cost;
use crate::config::Batch;
use crate::summary::{bytes, grouped};

/// How many samples are taken for each size.
pub const SAMPLES: usize = 3;

const ROWS: [usize; 4] = [64, 256, 1024, 4096];
const WAITS: [Duration; 4] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(100),
];
const BYTES: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];

/// All combinations.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// The plugin, as it was named.
    pub plugin: String,
    /// Events that come in each second.
    pub rate: u64,
    /// Events in the input.
    pub events: u64,
    /// Bytes of an event, on average.
    pub bytes_per_event: f64,
    /// One for each combination.
    pub cells: Vec<Cell>,
}

/// One combination.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// `rows` of `[batch]`.
    pub rows: usize,
    /// `wait` of `[batch]`, in milliseconds.
    pub wait_ms: u64,
    /// `bytes` of `[batch]`.
    pub bytes: usize,
    /// How many rows a batch has.
    pub rows_per_call: f64,
    /// How long its first event waits, in milliseconds.
    pub delay_ms: f64,
    /// CPU time for each row.
    pub ns_per_row: f64,
    /// Megabytes of events in a second of CPU time.
    pub mb_per_s: f64,
    /// The most memory that an instance used.
    pub memory_peak_bytes: u64,
}

impl Matrix {
    /// Measures all combinations with `rate` events coming in each second.
    pub fn measure(
        plugin: &str,
        rate: u64,
        events: u64,
        bytes_per_event: f64,
        measure: impl Fn(Batch) -> Result<Cost, BenchError>,
    ) -> Result<Matrix, BenchError> {
        let mut known: HashMap<(usize, usize), Cost> = HashMap::new();
        let mut cells = Vec::new();
        for bytes in BYTES {
            for wait in WAITS {
                for rows in ROWS {
                    let filled = filled(rows, wait, rate);
                    let cost = match known.get(&(filled, bytes)) {
                        Some(cost) => cost.clone(),
                        None => measure(Batch { rows: filled, bytes, wait })?,
                    };
                    cells.push(Cell::new(rows, wait, bytes, rate, &cost));
                    known.insert((filled, bytes), cost);
                }
            }
        }
        Ok(Matrix { plugin: plugin.to_owned(), rate, events, bytes_per_event, cells })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{}: {} events of {:.0} bytes; batches as {} events a second fill them; CPU time\n\n",
            self.plugin,
            grouped(self.events),
            self.bytes_per_event,
            grouped(self.rate)
        );
        let _ = writeln!(
            out,
            "  {:>8} {:>6} {:>6} {:>10} {:>9} {:>8} {:>8} {:>12}",
            "bytes", "wait", "rows", "rows/call", "delay", "ns/row", "MB/s", "memory peak"
        );
        for cell in &self.cells {
            let _ = writeln!(
                out,
                "  {:>8} {:>6} {:>6} {:>10.1} {:>9} {:>8.0} {:>8.1} {:>12}",
                format!("{}KiB", cell.bytes >> 10),
                format!("{}ms", cell.wait_ms),
                cell.rows,
                cell.rows_per_call,
                format!("{:.1}ms", cell.delay_ms),
                cell.ns_per_row,
                cell.mb_per_s,
                bytes(cell.memory_peak_bytes),
            );
        }
        out
    }
}

impl Cell {
    fn new(rows: usize, wait: Duration, bytes: usize, rate: u64, cost: &Cost) -> Cell {
        let wait_ms = wait.as_millis() as u64;
        let to_fill_ms = cost.rows_per_call * 1000.0 / rate.max(1) as f64;
        Cell {
            rows,
            wait_ms,
            bytes,
            rows_per_call: cost.rows_per_call,
            delay_ms: to_fill_ms.min(wait_ms as f64),
            ns_per_row: cost.ns_per_row.median,
            mb_per_s: cost.mb_per_s,
            memory_peak_bytes: cost.memory_peak_bytes,
        }
    }
}

/// How many rows come while a batch may wait, at least the one that it waits for.
fn filled(rows: usize, wait: Duration, rate: u64) -> usize {
    let come = (wait.as_secs_f64() * rate as f64) as usize;
    come.clamp(1, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_what_comes_while_it_waits() {
        let ms = Duration::from_millis;
        assert_eq!(filled(1024, ms(20), 10_000), 200);
        assert_eq!(filled(64, ms(20), 10_000), 64);
        assert_eq!(filled(1024, ms(1), 10), 1);
    }
}

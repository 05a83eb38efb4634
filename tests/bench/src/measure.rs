//! Pairs, medians, spread.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use hookaroon::bench::measure::Spread;
use hookaroon_generator::{Generator, Options};
use rustix::time::{ClockId, clock_gettime};

use crate::PAIRS;

/// Well-formed events of about 330 bytes, each on a line.
pub fn events(count: usize) -> Vec<u8> {
    let mut generator = Generator::new(Options { plain: true, ..Options::default() });
    let mut out = Vec::new();
    for _ in 0..count {
        generator.line(&mut out);
    }
    out
}

/// The CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The CPU time that `work` takes on this thread.
pub fn on_thread(mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let start = cpu();
    work()?;
    Ok(cpu() - start)
}

/// The user CPU time of all children that were waited for so far, in steps of 10 ms.
pub fn of_children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // After the name in brackets, which may hold anything: field 16 of proc(5) is the 14th from there.
    let (_, fields) = stat.rsplit_once(") ").context("an odd /proc/self/stat")?;
    let ticks: u64 = fields.split(' ').nth(13).context("a short /proc/self/stat")?.parse()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// Both sides of a comparison, measured by turns.
pub struct Pairs {
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Pairs {
    /// Measures `first` and `second` by turns. A first pair that warms up does not count.
    pub fn measure(
        mut first: impl FnMut() -> Result<Duration>,
        mut second: impl FnMut() -> Result<Duration>,
    ) -> Result<Pairs> {
        first()?;
        second()?;
        let mut pairs = Pairs { first: Vec::new(), second: Vec::new() };
        for _ in 0..PAIRS {
            pairs.first.push(first()?.as_secs_f64());
            pairs.second.push(second()?.as_secs_f64());
        }
        Ok(pairs)
    }

    /// The medians of both sides, in nanoseconds for each of `count`.
    pub fn ns_each(&self, count: usize) -> (f64, f64) {
        let each = |times: &[f64]| median(times) * 1e9 / count as f64;
        (each(&self.first), each(&self.second))
    }

    /// How many times as long the second takes: median and quartiles of the pairs, as text.
    pub fn ratio(&self) -> String {
        spread(&self.first.iter().zip(&self.second).map(|(first, second)| second / first).collect::<Vec<_>>())
    }

    /// How much longer the second takes, in nanoseconds for each of `count`, as text.
    pub fn difference(&self, count: usize) -> String {
        let each = |(first, second): (&f64, &f64)| (second - first) * 1e9 / count as f64;
        spread(&self.first.iter().zip(&self.second).map(each).collect::<Vec<_>>())
    }
}

fn spread(values: &[f64]) -> String {
    let Spread { median, first_quartile, third_quartile } = Spread::of(values);
    format!("{median:.2} [{first_quartile:.2} {third_quartile:.2}]")
}

fn median(values: &[f64]) -> f64 {
    Spread::of(values).median
}

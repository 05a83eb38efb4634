//! `make bench`: how fast it is, against what it would replace and against its own limits.
//!
//! Each comparison runs both sides by turns, [`PAIRS`] times, in one process or as child processes, and prints the
//! median of CPU time and of the pairs' ratios with their spread (first and third quartile): a busy machine moves
//! both sides. User CPU time, because the kernel's copies are the same for all.

mod children;
mod measure;
mod pass;
mod sandbox;

use anyhow::Result;

/// How many pairs each comparison runs.
const PAIRS: usize = 15;

fn main() -> Result<()> {
    println!("{PAIRS} pairs each; medians, and in brackets the first and third quartile of the pairs\n");
    pass::run()?;
    sandbox::run()?;
    children::run()
}

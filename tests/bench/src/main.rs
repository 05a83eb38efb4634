//! `make bench`: how fast it is, against what it would replace and against its own limits.
//!
//! Each comparison runs both sides by turns, [`PAIRS`] times, in one process or as child processes, and prints the
//! median of CPU time and of the pairs' ratios with their spread (first and third quartile): a busy machine moves
//! both sides. User CPU time, because the kernel's copies are the same for all.

mod children;
mod measure;
mod native;
mod one;
mod pass;
mod sandbox;
mod standard;

use anyhow::{Result, ensure};

/// How many pairs each comparison runs.
const PAIRS: usize = 15;

fn main() -> Result<()> {
    println!("{PAIRS} pairs each; medians, and in brackets the first and third quartile of the pairs\n");
    let parts = [
        ("pass", pass::run as fn() -> Result<()>),
        ("sandbox", sandbox::run),
        ("hooks", standard::run),
        ("files", children::run),
    ];
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let names = parts.map(|(name, _)| name);
    for name in &asked {
        ensure!(
            names.contains(&name.as_str()),
            "{name}: there is no such part; there are {}",
            names.join(", ")
        );
    }
    for (_, run) in
        parts.iter().filter(|(name, _)| asked.is_empty() || asked.iter().any(|asked| asked == name))
    {
        run()?;
    }
    Ok(())
}

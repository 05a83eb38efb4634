//! The one pass over a line, against others that validate it.

use std::sync::Arc;

use anyhow::{Result, ensure};
use hookaroon::event::projection::Projection;
use hookaroon::event::scan::{Scan, Scanner};
use hookaroon::event::slot::Slot;
use serde::de::IgnoredAny;

use crate::measure::{Pairs, events, on_thread};

const EVENTS: usize = 100_000;

/// Where each line starts and ends; finding that out is the framer's work.
fn lines(text: &[u8]) -> Vec<(usize, usize)> {
    let mut start = 0;
    let mut lines = Vec::new();
    for end in memchr::memchr_iter(b'\n', text) {
        lines.push((start, end));
        start = end + 1;
    }
    lines
}

pub fn run() -> Result<()> {
    let text = events(EVENTS);
    let paths =
        ["level", "client_ip", "country"].iter().map(|path| path.parse()).collect::<Result<Vec<_>, _>>()?;
    let projection = Arc::new(Projection::new(&paths)?);
    let mut scanner = Scanner::new(projection.clone());
    let lines = lines(&text);
    let mut slots = vec![Slot::default(); projection.width()];
    // UTF-8 is part of what sonic-rs checks, so it is part of ours.
    let mut ours = || {
        on_thread(|| {
            ensure!(simdutf8::basic::from_utf8(&text).is_ok(), "not UTF-8");
            for &(start, end) in &lines {
                ensure!(scanner.scan(&text, start, end, &mut slots) == Scan::Object, "a line was refused");
            }
            Ok(())
        })
    };
    let slice = |start: usize, end: usize| text.get(start..end).unwrap_or(&[]);
    let sonic = || {
        on_thread(|| {
            for &(start, end) in &lines {
                ensure!(sonic_rs::from_slice::<IgnoredAny>(slice(start, end)).is_ok(), "a line was refused");
            }
            Ok(())
        })
    };
    let serde = || {
        on_thread(|| {
            for &(start, end) in &lines {
                ensure!(
                    serde_json::from_slice::<IgnoredAny>(slice(start, end)).is_ok(),
                    "a line was refused"
                );
            }
            Ok(())
        })
    };
    println!("the pass: every line validated to its last byte, three fields found");
    for (name, pairs) in [
        ("sonic-rs, validating only", Pairs::measure(&mut ours, sonic)?),
        ("serde_json, validating only", Pairs::measure(&mut ours, serde)?),
    ] {
        let (mine, other) = pairs.ns_each(EVENTS);
        let speed = |ns: f64| text.len() as f64 / EVENTS as f64 / ns * 1e3;
        println!(
            "  {mine:5.0} ns/event ({:.0} MB/s); {name} {other:5.0} ({:.0} MB/s): {} times as fast",
            speed(mine),
            speed(other),
            pairs.ratio()
        );
    }
    println!();
    Ok(())
}

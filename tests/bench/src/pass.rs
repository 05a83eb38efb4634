//! The one pass over a line, against others that validate it.

use anyhow::{Result, ensure};
use hookaroon::event::projection::Projection;
use hookaroon::event::scan::{Scan, scan};
use hookaroon::event::slot::Slot;
use serde::de::IgnoredAny;

use crate::measure::{Pairs, events, on_thread};

const EVENTS: usize = 100_000;

/// Calls `each` with the start and end of every line.
fn lines(text: &[u8], mut each: impl FnMut(usize, usize) -> bool) -> Result<()> {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        ensure!(each(start, end), "a line was refused");
        start = end + 1;
    }
    Ok(())
}

pub fn run() -> Result<()> {
    let text = events(EVENTS);
    let paths =
        ["level", "client_ip", "country"].iter().map(|path| path.parse()).collect::<Result<Vec<_>, _>>()?;
    let projection = Projection::new(&paths)?;
    let mut slots = vec![Slot::default(); projection.width()];
    // UTF-8 is part of what sonic-rs checks, so it is part of ours.
    let mut ours = || {
        on_thread(|| {
            ensure!(simdutf8::basic::from_utf8(&text).is_ok(), "not UTF-8");
            lines(&text, |start, end| scan(&projection, &text, start, end, &mut slots) == Scan::Object)
        })
    };
    let slice = |start: usize, end: usize| text.get(start..end).unwrap_or(&[]);
    let sonic = || {
        on_thread(|| lines(&text, |start, end| sonic_rs::from_slice::<IgnoredAny>(slice(start, end)).is_ok()))
    };
    let serde = || {
        on_thread(|| {
            lines(&text, |start, end| serde_json::from_slice::<IgnoredAny>(slice(start, end)).is_ok())
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

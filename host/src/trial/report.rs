//! A trial's outcome for people: what failed and where, and the events that differ.
//!
//! Everything is written with colours; who prints it where there are none takes them out ([`plain`]). Bounds: of rows
//! and of events that differ the first [`MOST`] are shown and the rest is counted.

use std::fmt::Write as _;

use super::{Cause, FailedCall, FailedRow, Golden, Outcome, TracedFrame, Verdict};
use crate::difference::Difference;
use crate::hook::printable;
use crate::summary::grouped;

/// How many of each kind are shown.
const MOST: usize = 20;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const BOLD: &str = "\u{1b}[1m";
const END: &str = "\u{1b}[0m";

/// The whole report, with colours.
pub fn text(outcome: &Outcome) -> String {
    let mut out = String::new();
    let parts = [calls(outcome), rows(outcome), golden(outcome), impurity(outcome), one_batch(outcome)];
    for part in parts.iter().filter(|part| !part.is_empty()) {
        out.push_str(part);
        out.push('\n');
    }
    out.push_str(&headline(outcome));
    out
}

/// A text without its colours.
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// One line: the verdict and what went through.
fn headline(outcome: &Outcome) -> String {
    let (colour, verdict) = match outcome.verdict {
        Verdict::Passed => (GREEN, "passed"),
        Verdict::Failed => (RED, "failed"),
        Verdict::Differs => (RED, "differs"),
    };
    format!(
        "{BOLD}{colour}{verdict}{END}: {}: {} events in, {} out; {} dropped, {} changed, {} emitted, {} failed\n",
        outcome.plugin,
        grouped(outcome.events_in),
        grouped(outcome.events.len() as u64),
        grouped(outcome.dropped),
        grouped(outcome.written),
        grouped(outcome.emitted),
        grouped(outcome.failed_rows.len() as u64),
    )
}

/// What one batch cannot show.
fn one_batch(outcome: &Outcome) -> String {
    let is_one = outcome.pure && outcome.impurity.is_none() && outcome.events_in <= outcome.rows as u64;
    let note =
        "one batch cannot show whether the hook remembers earlier ones; --rows 1 makes one of each event\n";
    if is_one { note.to_owned() } else { String::new() }
}

/// The calls that failed, with their backtraces.
pub(super) fn calls(outcome: &Outcome) -> String {
    let mut out = String::new();
    for call in &outcome.failures {
        let _ = writeln!(out, "{RED}{}{END}: {}\n  {}", call.kind, call.message, call.hint);
        trace(call, &mut out);
    }
    out
}

fn trace(call: &FailedCall, out: &mut String) {
    if call.backtrace.is_empty() {
        return;
    }
    if let Some(frame) =
        call.backtrace.iter().find(|frame| !frame.panic && !frame.library && frame.file.is_some())
    {
        let _ = writeln!(out, "  {BOLD}at {}{END} in {}", place(frame), frame.function);
    }
    out.push_str("  backtrace, innermost first:\n");
    for (number, frame) in call.backtrace.iter().enumerate() {
        let place = place(frame);
        let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
        let _ = writeln!(out, "  {number:>4}: {}{at}", frame.function);
    }
    if call.backtrace.iter().all(|frame| frame.file.is_none()) {
        out.push_str(
            "  for files and lines build the plugin with debug information: hookaroon build --debug, -g with clang\n",
        );
    }
}

fn place(frame: &TracedFrame) -> String {
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        (None, _) => String::new(),
    }
}

/// The rows that failed: each with what the hook said of it, those of one failed call together.
fn rows(outcome: &Outcome) -> String {
    let mut out = String::new();
    let failed: Vec<&[FailedRow]> = outcome.failed_rows.chunk_by(|one, next| one.same_call(next)).collect();
    for rows in failed.iter().take(MOST) {
        let ([first, ..], Some(last)) = (rows, rows.last()) else { continue };
        let lines = if rows.len() == 1 {
            format!("line {}", first.line)
        } else {
            format!("lines {} to {}", first.line, last.line)
        };
        let _ = match first.of_call {
            true => writeln!(out, "{lines}: {RED}{}{END}, with the whole batch", first.kind),
            false => writeln!(out, "{lines}: {RED}{}{END}: {}", first.kind, first.message),
        };
    }
    more(failed.len(), "failed rows", &mut out);
    if let Some(expected) = outcome.expected_errors {
        let actual = outcome.failed_rows.len();
        let _ = writeln!(out, "{actual} rows failed; --expect-errors says {expected}");
    }
    out
}

/// The same, but nothing if that is as it should be.
pub(super) fn wrong_rows(outcome: &Outcome) -> String {
    let as_expected = match outcome.expected_errors {
        Some(expected) => expected == outcome.failed_rows.len() as u64,
        None => outcome.failed_rows.is_empty(),
    };
    if as_expected { String::new() } else { plain(&rows(outcome)) }
}

fn golden(outcome: &Outcome) -> String {
    match &outcome.golden {
        None | Some(Golden::Same) => String::new(),
        Some(Golden::Updated) => "the expected events were written\n".to_owned(),
        Some(Golden::Unchanged) => "the expected events are these already\n".to_owned(),
        Some(Golden::Untouched) => {
            "the expected events were not written, because the hook failed\n".to_owned()
        }
        Some(Golden::Differs(found)) => {
            let count = found.len();
            format!(
                "{count} events differ ({RED}- expected{END}, {GREEN}+ came{END})\n{}",
                differences(found)
            )
        }
    }
}

/// Events that differ.
pub(super) fn differences(differences: &[Difference]) -> String {
    let mut out = String::new();
    for difference in differences.iter().take(MOST) {
        let what = match (&difference.expected, &difference.actual) {
            (Some(_), None) => "did not come",
            (None, Some(_)) => "was not expected",
            _ => "differs",
        };
        let _ = writeln!(out, "event {} {what}", difference.event);
        if let Some(expected) = &difference.expected {
            let _ = writeln!(out, "{RED}- {}{END}", printable(expected, usize::MAX));
        }
        if let Some(actual) = &difference.actual {
            let _ = writeln!(out, "{GREEN}+ {}{END}", printable(actual, usize::MAX));
        }
        let value = |value: &Option<String>| {
            value.as_deref().map_or_else(|| "nothing".to_owned(), |text| printable(text, usize::MAX))
        };
        for change in difference.fields.iter().flatten() {
            let (before, after) = (value(&change.before), value(&change.after));
            let _ = writeln!(
                out,
                "  {BOLD}{}{END}: {RED}{before}{END}, now {GREEN}{after}{END}",
                printable(&change.field, usize::MAX)
            );
        }
        if difference.fields.as_ref().is_some_and(Vec::is_empty) {
            out.push_str("  the same fields and values: only order, spaces or the form of texts differ\n");
        }
    }
    more(differences.len(), "events that differ", &mut out);
    out
}

fn more(all: usize, what: &str, out: &mut String) {
    if all > MOST {
        let _ = writeln!(out, "and {} more {what}", grouped((all - MOST) as u64));
    }
}

/// The batch that does not stand for itself.
pub(super) fn impurity(outcome: &Outcome) -> String {
    let Some(impurity) = &outcome.impurity else { return String::new() };
    let cause = match impurity.cause {
        Cause::Time => "two fresh instances, at different times, do not agree: it depends on the time",
        Cause::State => {
            "a fresh instance does not agree with the one that saw the batches before: it remembers"
        }
    };
    format!("{RED}not pure{END}: batch {}: {cause}\n{}", impurity.batch, differences(&impurity.differences))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: Option<&str>, panic: bool) -> TracedFrame {
        TracedFrame {
            function: function.to_owned(),
            file: file.map(str::to_owned),
            line: Some(7),
            panic,
            library: panic,
        }
    }

    #[test]
    fn the_author_s_own_line_stands_above_the_backtrace() {
        let call = FailedCall {
            kind: "trap",
            message: "unreachable".to_owned(),
            hint: "",
            backtrace: vec![
                frame("rust_panic", Some("/rustc/abc/library/std/src/panicking.rs"), true),
                frame("hook::act", Some("src/lib.rs"), false),
            ],
        };
        let mut out = String::new();
        trace(&call, &mut out);
        let out = plain(&out);
        assert!(out.starts_with("  at src/lib.rs:7 in hook::act\n"), "{out}");
        assert!(out.contains("   0: rust_panic at /rustc/") && !out.contains("--debug"), "{out}");
        let mut out = String::new();
        trace(&FailedCall { backtrace: vec![frame("f", None, false)], ..call }, &mut out);
        assert!(out.contains("--debug"), "{out}");
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        let difference = Difference { event: 1, expected: None, actual: Some("{}".to_owned()), fields: None };
        let out = differences(&vec![difference; MOST + 3]);
        assert!(out.ends_with("and 3 more events that differ\n"), "{out}");
    }
}

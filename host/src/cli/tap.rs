//! `hookaroon tap`: events as they flow, through the admin API. It ends with whoever reads it, by Ctrl-C, or with the run.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;

use super::admin_client::{AdminArguments, escaped};
use super::unless_gone;
use crate::event::changes::Change;
use crate::event::condition::Condition;
use crate::hook::printable;
use crate::summary::grouped;

const EXAMPLES: &str = "\
What is over the rate is not looked at; how much that is, is told on standard error. The flow never waits for a tap.

Examples:
  hookaroon tap --match 'level in warn, error'
  hookaroon tap --hook redact                    # what the hook changes, field by field
  hookaroon tap --source app --limit 1 --json | jq -r .event | hookaroon explain -";

/// How much of a value is shown, in bytes.
const MOST_VALUE: usize = 200;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const END: &str = "\u{1b}[0m";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TapArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Show events before and after this hook; by default as they leave the chain
    #[arg(long, value_name = "NAME")]
    hook: Option<String>,
    /// Only events for which this holds, as in a `match`; may be given several times
    #[arg(long = "match", value_name = "CONDITION")]
    conditions: Vec<Condition>,
    /// Only events of this source, or of hook:NAME
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// So many events a second at most
    #[arg(long, value_name = "EVENTS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// End after so many events
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: Option<u32>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: Option<u32>,
    /// Print each event as one JSON object on a line, as it comes from the API
    #[arg(long)]
    json: bool,
}

/// A line of the API.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Seen(Box<Seen>),
    End { end: String, passed: u64, shown: u64, left_out: u64, lost: u64 },
    Unseen { left_out: u64, lost: u64 },
}

#[derive(Deserialize)]
struct Seen {
    source: String,
    event: String,
    fate: Option<String>,
    why: Option<String>,
    kind: Option<String>,
    message: Option<String>,
    #[serde(default)]
    changes: Vec<Change>,
}

pub fn tap(arguments: &TapArguments) -> Result<(), ExitCode> {
    let mut written = Ok(());
    arguments.admin.client()?.lines(&arguments.path(), |line| {
        written = show(line, arguments.json);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    unless_gone(written)
}

impl TapArguments {
    /// What is asked.
    fn path(&self) -> String {
        let mut path = format!("/api/v1/tap?rate={}", self.rate);
        let texts = self.conditions.iter().map(|condition| ("match", condition.to_string()));
        let texts = texts.chain(self.hook.iter().map(|hook| ("hook", hook.clone())));
        for (name, value) in texts.chain(self.source.iter().map(|source| ("source", source.clone()))) {
            let _ = write!(path, "&{name}={}", escaped(&value));
        }
        let numbers = [("limit", self.limit), ("seconds", self.seconds)];
        for (name, value) in numbers.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            let _ = write!(path, "&{name}={value}");
        }
        path
    }
}

/// Events go to standard output, what is not shown to standard error.
fn show(line: &[u8], json: bool) -> io::Result<()> {
    let told: Line = serde_json::from_slice(line).map_err(io::Error::other)?;
    match told {
        Line::Seen(_) if json => io::stdout().write_all(line),
        Line::Seen(seen) => anstream::stdout().write_all(seen.for_people().as_bytes()),
        Line::Unseen { left_out, lost } => {
            eprintln!("{}", not_shown(left_out, lost).join(", "));
            Ok(())
        }
        Line::End { end, passed, shown, left_out, lost } => {
            let why = if end == "run" { "the run has ended" } else { "that is all" };
            let shown = format!("{} of {} events shown", grouped(shown), grouped(passed));
            let told: Vec<String> = std::iter::once(shown).chain(not_shown(left_out, lost)).collect();
            eprintln!("{why}: {}", told.join(", "));
            Ok(())
        }
    }
}

/// What is not shown, for each reason, if there is anything.
fn not_shown(left_out: u64, lost: u64) -> Vec<String> {
    let reasons =
        [(left_out, "not looked at: over the rate"), (lost, "lost: they were not read fast enough")];
    let reasons = reasons.into_iter().filter(|(count, _)| *count > 0);
    reasons.map(|(count, reason)| format!("{} {reason}", grouped(count))).collect()
}

impl Seen {
    /// The event, and what became of it.
    fn for_people(&self) -> String {
        let event = printable(&self.event, usize::MAX);
        let source = &self.source;
        let Some(fate) = &self.fate else { return format!("{DIM}{source}{END} {event}\n") };
        let colour = match fate.as_str() {
            "dropped" | "failed" => RED,
            "emitted" => GREEN,
            "passed_by" => DIM,
            _ if self.changes.is_empty() => DIM,
            _ => YELLOW,
        };
        let fate = match (fate.as_str(), &self.why) {
            ("kept", _) if self.changes.is_empty() => "kept, unchanged".to_owned(),
            ("kept", _) => "changed".to_owned(),
            (fate, Some(why)) => format!("{} ({why})", fate.replace('_', " ")),
            (fate, None) => fate.replace('_', " "),
        };
        let mut out = format!("{colour}{fate}{END} {DIM}{source}{END} {event}\n");
        if let (Some(kind), Some(message)) = (&self.kind, &self.message) {
            let _ = writeln!(out, "  {RED}{kind}{END}: {}", printable(message, usize::MAX));
        }
        for Change { field, before, after } in &self.changes {
            let _ = writeln!(out, "  {BOLD}{}{END}", printable(field, MOST_VALUE));
            for (sign, colour, value) in [("-", RED, before), ("+", GREEN, after)] {
                if let Some(value) = value {
                    let _ = writeln!(out, "    {colour}{sign} {}{END}", printable(value, MOST_VALUE));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_query_is_escaped() {
        assert_eq!(escaped("level in warn, \"a&b\"=ü"), "level%20in%20warn%2C%20%22a%26b%22%3D%C3%BC");
    }

    #[test]
    fn a_change_is_shown_field_by_field_and_nothing_in_it_drives_the_terminal() {
        let line = serde_json::json!({
            "source": "in", "stream": "stdin", "event": "{\"a\":1}", "hook": "h", "fate": "kept",
            "changes": [{ "field": "a", "before": "1", "after": "\u{1b}[2J" }, { "field": "b", "before": null, "after": "2" }],
        });
        let seen: Seen = serde_json::from_value(line).unwrap();
        let plain = anstream::adapter::strip_str(&seen.for_people()).to_string();
        assert_eq!(plain, "changed in {\"a\":1}\n  a\n    - 1\n    + \\u{1b}[2J\n  b\n    + 2\n");
    }
}

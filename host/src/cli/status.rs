//! `hookaroon status`: what a run did so far, through its admin API.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;

use super::admin_client::AdminArguments;
use super::{failed, print, print_json};
use crate::summary::{bytes, grouped};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookaroon status
  hookaroon status --json | jq .dropped")]
pub struct StatusArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the API tells of a run; the rest of it is not shown here.
#[derive(Deserialize)]
struct Status {
    version: String,
    state: String,
    uptime_s: f64,
    events_in: u64,
    bytes_in: u64,
    sources: Vec<Source>,
    hooks: Vec<Hook>,
    sinks: Vec<Sink>,
    dropped: BTreeMap<String, u64>,
    dead_letters: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Source {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Hook {
    name: String,
    rows: u64,
    failures: u64,
}

#[derive(Deserialize)]
struct Sink {
    name: String,
    events: u64,
}

pub fn status(arguments: &StatusArguments) -> Result<(), ExitCode> {
    let answer = arguments.admin.client()?.get("/api/v1/status")?;
    if arguments.json {
        return print_json(&answer);
    }
    let status: Status = serde_json::from_value(answer).map_err(|error| failed(&error))?;
    print(&for_people(&status))
}

/// The totals, then sources, hooks and sinks, and what left on the way.
fn for_people(status: &Status) -> String {
    let mut out = format!(
        "hookaroon {}, {} for {}: {} events, {} in\n\n",
        status.version,
        status.state,
        how_long(status.uptime_s as u64),
        grouped(status.events_in),
        bytes(status.bytes_in),
    );
    let names = status.sources.iter().map(|source| &source.name);
    let names = names.chain(status.hooks.iter().map(|hook| &hook.name));
    let width = names.chain(status.sinks.iter().map(|sink| &sink.name)).map(String::len).max().unwrap_or(0);
    for Source { name, kind } in &status.sources {
        let _ = writeln!(out, "  source {name:width$}  {kind}");
    }
    for Hook { name, rows, failures } in &status.hooks {
        let failed =
            if *failures > 0 { format!(", failed {} times", grouped(*failures)) } else { String::new() };
        let _ = writeln!(out, "  hook   {name:width$}  {} rows{failed}", grouped(*rows));
    }
    for Sink { name, events } in &status.sinks {
        let _ = writeln!(out, "  sink   {name:width$}  {} events", grouped(*events));
    }
    for (title, counts) in [("dropped", &status.dropped), ("dead letters", &status.dead_letters)] {
        if !counts.is_empty() {
            let list: Vec<_> =
                counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
            let _ = writeln!(out, "  {title}: {}", list.join(", "));
        }
    }
    out
}

/// A time in its two largest units: `3d 4h`, `5m 6s`, `7s`.
fn how_long(seconds: u64) -> String {
    let parts =
        [("d", seconds / 86_400), ("h", seconds / 3600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60)];
    let parts = parts.into_iter().skip_while(|(unit, number)| *number == 0 && *unit != "s").take(2);
    parts.map(|(unit, number)| format!("{number}{unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::how_long;

    #[test]
    fn a_time_is_told_in_its_two_largest_units() {
        for (seconds, told) in [(0, "0s"), (59, "59s"), (306, "5m 6s"), (3600, "1h 0m"), (273_600, "3d 4h")] {
            assert_eq!(how_long(seconds), told);
        }
    }
}

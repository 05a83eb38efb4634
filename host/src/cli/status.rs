//! `hookaroon status`: what a run did so far, or does now, and what limits it; through its admin API.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Args;

use super::admin_client::{AdminArguments, Client};
use super::{failed, print, print_json};
use crate::config;
use crate::snapshot::{Between, Snapshot};
use crate::summary::{bytes, grouped};
use crate::why::{Finding, Setting, count, why};

/// The shortest time over which counts say something, and the longest that anybody waits.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3600);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookaroon status
  hookaroon status --interval 5s                 # what happens now, a second
  hookaroon status --why                         # what limits the run, and what to change
  hookaroon status --json | jq .dropped
  hookaroon status --why --json | jq '.why[0]'")]
pub struct StatusArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Look twice, so long apart, and show what happened between; with --why 2s by default
    #[arg(long, value_name = "TIME", value_parser = interval)]
    interval: Option<Duration>,
    /// Say what limits the throughput, how much is lost to it, and what to change
    #[arg(long)]
    why: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    let time = config::time(text).ok_or("write a time such as 500ms, 2s or 1m")?;
    match (SHORTEST..=LONGEST).contains(&time) {
        true => Ok(time),
        false => Err(format!("{SHORTEST:?} to {LONGEST:?} is allowed")),
    }
}

pub fn status(arguments: &StatusArguments) -> Result<(), ExitCode> {
    let client = arguments.admin.client()?;
    let interval = arguments.interval.or(arguments.why.then_some(Duration::from_secs(2)));
    let mut answer = client.get("/api/v1/status")?;
    let Some(interval) = interval else {
        if arguments.json {
            return print_json(&answer);
        }
        let now: Snapshot = serde_json::from_value(answer).map_err(|error| failed(&error))?;
        return print(&for_people(&now, None));
    };
    let before: Snapshot = serde_json::from_value(answer).map_err(|error| failed(&error))?;
    thread::sleep(interval);
    answer = client.get("/api/v1/status")?;
    let after: Snapshot = serde_json::from_value(answer.clone()).map_err(|error| failed(&error))?;
    let between = Between::new(&before, &after);
    let findings = if arguments.why { Some(findings(&client, &between)?) } else { None };
    if arguments.json {
        if let Some(members) = answer.as_object_mut() {
            members.insert("events_in_per_s".to_owned(), between.events_in().into());
            if let Some(findings) = &findings {
                let told = serde_json::to_value(findings).map_err(|error| failed(&error))?;
                members.insert("why".to_owned(), told);
            }
        }
        return print_json(&answer);
    }
    print(
        &findings.map_or_else(|| for_people(&after, Some(&between)), |findings| reasons(&findings, &between)),
    )
}

fn findings(client: &Client, between: &Between<'_>) -> Result<Vec<Finding>, ExitCode> {
    Ok(why(between, &Setting::all(&client.get("/api/v1/config")?)))
}

/// What limits, for people.
fn reasons(findings: &[Finding], between: &Between<'_>) -> String {
    let mut out =
        format!("{} events a second came in, over {:.1} s\n", count(between.events_in()), between.seconds());
    for (index, finding) in findings.iter().enumerate() {
        let Finding { stage, name, lost_per_s, what, remedies, .. } = finding;
        let name = name.as_ref().map_or(String::new(), |name| format!(" {name}"));
        let _ = writeln!(out, "\n{}. {}{name} {what}", index + 1, stage.name());
        if let Some(lost) = lost_per_s {
            let _ = writeln!(out, "   lost to it: {} events a second", count(*lost));
        }
        for remedy in remedies {
            let _ = writeln!(out, "   - {remedy}");
        }
    }
    out
}

/// The totals, then sources, hooks and sinks, and what left on the way; with rates if there are two times.
fn for_people(status: &Snapshot, between: Option<&Between<'_>>) -> String {
    let now = between.map_or(String::new(), |between| format!(", {}/s", count(between.events_in())));
    let mut out = format!(
        "hookaroon {}, {} for {}: {} events, {} in{}\n\n",
        status.version,
        status.state,
        how_long(status.uptime_s as u64),
        grouped(status.events_in),
        bytes(status.bytes_in),
        now,
    );
    let names = status.sources.iter().map(|source| &source.name);
    let names = names.chain(status.hooks.iter().map(|hook| &hook.name));
    let width = names.chain(status.sinks.iter().map(|sink| &sink.name)).map(String::len).max().unwrap_or(0);
    for source in &status.sources {
        let _ = writeln!(out, "  source {:width$}  {}", source.name, source.kind);
    }
    for (index, hook) in status.hooks.iter().enumerate() {
        let failed = match hook.failures {
            0 => String::new(),
            failures => format!(", failed {} times", grouped(failures)),
        };
        let now = between.map_or(String::new(), |between| {
            let was = between.hooks().into_iter().nth(index).map(|(was, _)| was).unwrap_or_default();
            format!(", {}/s", count(between.rate(was.rows, hook.rows)))
        });
        let _ = writeln!(out, "  hook   {:width$}  {} rows{now}{failed}", hook.name, grouped(hook.rows));
    }
    for (index, sink) in status.sinks.iter().enumerate() {
        let now = between.map_or(String::new(), |between| {
            let was = between.sinks().into_iter().nth(index).map(|(was, _)| was).unwrap_or_default();
            format!(", {}/s", count(between.rate(was.events, sink.events)))
        });
        let _ = writeln!(out, "  sink   {:width$}  {} events{now}", sink.name, grouped(sink.events));
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
pub(super) fn how_long(seconds: u64) -> String {
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

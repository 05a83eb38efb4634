//! Hooks for people: a line each, or one of them with all that is to be known at night.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::path;
use crate::cli::admin_client::AdminArguments;
use crate::cli::{failed, print, print_json};
use crate::summary::{grouped, memory};

/// What the API tells of all hooks; the rest of it is not shown here.
#[derive(Deserialize)]
struct Told {
    hooks: Vec<Hook>,
}

#[derive(Deserialize)]
struct Hook {
    name: String,
    state: String,
    place: Option<String>,
    plugin: Option<String>,
    sha256: Option<String>,
    version: Option<String>,
    share: Option<String>,
    instances: Option<u32>,
    breaker: Option<String>,
    candidate: Option<Tried>,
    changes: Vec<Change>,
    origins: BTreeMap<String, String>,
    counts: Option<Counts>,
}

#[derive(Deserialize)]
struct Tried {
    version: String,
    share: Option<String>,
    rows: u64,
    failures: u64,
}

#[derive(Deserialize)]
struct Change {
    what: String,
    value: Option<Value>,
    by: String,
    at: i64,
    until: Option<i64>,
}

#[derive(Deserialize)]
struct Counts {
    rows: u64,
    dropped: u64,
    failures: u64,
    ns_per_row: f64,
    memory_peak_bytes: u64,
    memory_cap_bytes: u64,
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    sha256: String,
    from: String,
    since: i64,
    tried: bool,
    at_work: bool,
}

pub(super) fn list(admin: &AdminArguments, json: bool) -> Result<(), ExitCode> {
    let answer = admin.client()?.get("/api/v1/hooks")?;
    if json {
        return print_json(&answer);
    }
    let told: Told = serde_json::from_value(answer).map_err(|error| failed(&error))?;
    print(&table(&told.hooks))
}

pub(super) fn show(name: &str, admin: &AdminArguments, json: bool) -> Result<(), ExitCode> {
    let client = admin.client()?;
    let answer = client.get(&path(name, ""))?;
    if json {
        return print_json(&answer);
    }
    let hook: Hook = serde_json::from_value(answer).map_err(|error| failed(&error))?;
    let mut out = one(&hook);
    if hook.candidate.is_some() {
        let candidate = client.get(&path(name, "/candidate"))?;
        out += &differences(&candidate["differences"]);
    }
    print(&out)
}

pub(super) fn versions(name: &str, admin: &AdminArguments, json: bool) -> Result<(), ExitCode> {
    let answer = admin.client()?.get(&path(name, "/versions"))?;
    if json {
        return print_json(&answer);
    }
    let Versions { versions } = serde_json::from_value(answer).map_err(|error| failed(&error))?;
    let mut out = String::new();
    for Version { sha256, from, since, tried, at_work } in versions.iter().rev() {
        let state = if *at_work {
            "at work"
        } else if *tried {
            "tried"
        } else {
            ""
        };
        let _ = writeln!(out, "{}  {}  {state:7}  {from}", short(sha256), moment(*since));
    }
    print(if out.is_empty() { "no version is kept\n" } else { &out })
}

fn table(hooks: &[Hook]) -> String {
    if hooks.is_empty() {
        return "no hooks\n".to_owned();
    }
    let width = hooks.iter().map(|hook| hook.name.len()).max().unwrap_or(0).max(6);
    let mut out = format!(
        "{:width$}  {:11}  {:12} {:>6} {:>12} {:>12} {:>8} {:>9} {:>21}\n",
        "HOOK", "STATE", "VERSION", "SHARE", "ROWS", "DROPPED", "FAILURES", "NS/ROW", "MEMORY PEAK / CAP"
    );
    for hook in hooks {
        let version = hook.version.as_deref().unwrap_or("-");
        let share = hook.share.as_deref().unwrap_or("-");
        let _ =
            write!(out, "{:width$}  {:11}  {version:12} {share:>6}", hook.name, hook.state.replace('_', " "));
        let _ = match &hook.counts {
            None => writeln!(out),
            Some(counts) => writeln!(
                out,
                " {:>12} {:>12} {:>8} {:>9.0} {:>21}",
                grouped(counts.rows),
                grouped(counts.dropped),
                grouped(counts.failures),
                counts.ns_per_row,
                format!("{} / {}", memory(counts.memory_peak_bytes), memory(counts.memory_cap_bytes)),
            ),
        };
        out += &notes(hook);
    }
    out
}

/// What is not as usual about a hook: its breaker, what is tried beside it, what operators changed.
fn notes(hook: &Hook) -> String {
    let mut out = String::new();
    if let Some(breaker) = hook.breaker.as_deref().filter(|breaker| *breaker != "closed") {
        let _ = writeln!(out, "  breaker {breaker}");
    }
    if let Some(Tried { version, share, rows, failures }) = &hook.candidate {
        let share = share.as_deref().unwrap_or("copies");
        let _ = writeln!(
            out,
            "  tried beside it: {version} on {share}, {} rows, failed {} times",
            grouped(*rows),
            grouped(*failures)
        );
    }
    for Change { what, value, by, at, until } in &hook.changes {
        let value = value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
        let until = until.map(|until| format!(", until {}", moment(until))).unwrap_or_default();
        let _ = writeln!(out, "  {what}{value} by {by}, {}{until}", moment(*at));
    }
    out
}

fn one(hook: &Hook) -> String {
    let mut out = table(std::slice::from_ref(hook));
    out.push('\n');
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:9}  {value}");
    };
    for (name, value) in [("place", &hook.place), ("plugin", &hook.plugin), ("sha256", &hook.sha256)] {
        if let Some(value) = value {
            fact(name, value);
        }
    }
    if let Some(instances) = hook.instances {
        fact("instances", &instances.to_string());
    }
    let width = hook.origins.keys().map(String::len).max().unwrap_or(0);
    for (key, place) in &hook.origins {
        let _ = writeln!(out, "  {key:width$}  {place}");
    }
    out
}

/// Where a shadow would have done otherwise, the newest sample first.
fn differences(told: &Value) -> String {
    const MOST: usize = 5;
    let count = |key: &str| grouped(told[key].as_u64().unwrap_or(0));
    if told.is_null() {
        return String::new();
    }
    let mut out = format!(
        "\n  of {} events it would have changed {} otherwise, dropped {} more, kept {} more\n",
        count("compared"),
        count("changed"),
        count("dropped"),
        count("kept")
    );
    for sample in told["samples"].as_array().into_iter().flatten().rev().take(MOST) {
        let _ = writeln!(
            out,
            "  event {} {}",
            sample["id"].as_str().unwrap_or("-"),
            sample["what"].as_str().unwrap_or("-")
        );
        for field in sample["fields"].as_array().into_iter().flatten() {
            let side = |key: &str| field[key].as_str().unwrap_or("nothing").to_owned();
            let _ = writeln!(out, "    {}: {} -> {}", side("field"), side("before"), side("after"));
        }
    }
    out
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

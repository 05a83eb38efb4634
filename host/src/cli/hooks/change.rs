//! A change that is asked for, and what came of it in two or three lines.

use std::fmt::Write as _;
use std::process::ExitCode;

use axum::http::Method;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::admin_client::{AdminArguments, escaped};
use crate::cli::{failed, print, print_json};

/// How a change is asked for.
#[derive(Debug, Args)]
pub struct ChangeArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Only say what would be different
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the API tells of a change; the rest of it is not shown here.
#[derive(Deserialize)]
struct Changed {
    target: String,
    dry_run: bool,
    after: Value,
    details: Details,
}

#[derive(Deserialize)]
struct Details {
    hooks: Vec<(String, String)>,
    pause_ms: f64,
    at_next_start: Vec<String>,
    not_kept: Option<String>,
}

impl ChangeArguments {
    /// Asks for it, and says what came of it; `done` says what in the past tense.
    pub fn make(
        &self,
        method: Method,
        path: &str,
        query: &[(&'static str, String)],
        body: Option<(&str, Vec<u8>)>,
        done: &str,
    ) -> Result<(), ExitCode> {
        let dry_run = self.dry_run.then(|| ("dry_run", "true".to_owned()));
        let query: Vec<String> =
            query.iter().chain(&dry_run).map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
        let answer = self.admin.client()?.change(method, &path, body)?;
        if self.json {
            return print_json(&answer);
        }
        let changed: Changed = serde_json::from_value(answer).map_err(|error| failed(&error))?;
        print(&told(&changed, done))
    }
}

fn told(changed: &Changed, done: &str) -> String {
    let Changed { target, dry_run, after, details } = changed;
    let version = ["version", "candidate"].into_iter().find_map(|key| after.get(key)?.as_str()?.get(..12));
    let version = version.map_or_else(String::new, |version| format!(" ({version})"));
    let mut out = match dry_run {
        true => format!("{target}: would be {done}{version}; nothing is changed\n"),
        false => {
            format!("{target}: {done}{version}; the flow stood still for {:.2} ms\n", details.pause_ms)
        }
    };
    // What is said already is not said again.
    for (hook, did) in details.hooks.iter().filter(|(hook, _)| hook != target) {
        let _ = writeln!(out, "  {hook}: {did}");
    }
    if !details.at_next_start.is_empty() {
        let _ = writeln!(out, "  at the next start only: {}", details.at_next_start.join(", "));
    }
    if let Some(why) = &details.not_kept {
        let _ = writeln!(out, "  {why}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_with_its_version_its_pause_and_what_waits_for_a_start() {
        let text = r#"{"target":"h","dry_run":false,"before":null,"after":{"version":"0123456789abcdef"},
            "details":{"hooks":[["h","swapped"],["i","changed"]],"reordered":false,"pause_ms":0.5,
            "at_next_start":["workers"],"dry_run":false,"not_kept":null}}"#;
        let mut changed: Changed = serde_json::from_str(text).unwrap();
        assert_eq!(
            told(&changed, "swapped"),
            "h: swapped (0123456789ab); the flow stood still for 0.50 ms\n  i: changed\n  at the next start only: workers\n"
        );
        changed.dry_run = true;
        assert!(
            told(&changed, "swapped").starts_with("h: would be swapped (0123456789ab); nothing is changed\n")
        );
    }
}

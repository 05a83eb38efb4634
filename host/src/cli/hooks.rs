//! `hookaroon hooks`: the hooks of a run, through its admin API.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::admin_client::AdminArguments;
use super::{failed, print, print_json};
use crate::summary::{grouped, memory};

const EXAMPLES: &str = "\
Examples:
  hookaroon hooks list
  hookaroon hooks list --admin https://logs.example:8650 --admin-ca ca.pem";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HooksCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Shows all hooks in chain order: their plugins and what they did
    #[command(after_help = "\
Examples:
  hookaroon hooks list
  hookaroon hooks list --json | jq '.hooks[] | {name, sha256}'")]
    List(ListArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the API tells of all hooks; the rest of it is not shown here.
#[derive(Deserialize)]
struct Told {
    hooks: Vec<Hook>,
}

#[derive(Deserialize)]
struct Hook {
    name: String,
    plugin: Option<String>,
    sha256: Option<String>,
    counts: Option<Counts>,
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

pub fn hooks(arguments: &HooksCommand) -> Result<(), ExitCode> {
    match &arguments.what {
        What::List(arguments) => list(arguments),
    }
}

fn list(arguments: &ListArguments) -> Result<(), ExitCode> {
    let answer = arguments.admin.client()?.get("/api/v1/hooks")?;
    if arguments.json {
        return print_json(&answer);
    }
    let told: Told = serde_json::from_value(answer).map_err(|error| failed(&error))?;
    print(&table(&told.hooks))
}

fn table(hooks: &[Hook]) -> String {
    if hooks.is_empty() {
        return "no hooks\n".to_owned();
    }
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0).max(6);
    let names = width(&mut hooks.iter().map(|hook| hook.name.len()));
    let plugins = width(&mut hooks.iter().filter_map(|hook| Some(hook.plugin.as_ref()?.len())));
    let mut out = format!(
        "{:names$}  {:plugins$}  {:12} {:>12} {:>12} {:>8} {:>9} {:>21}\n",
        "HOOK", "PLUGIN", "SHA256", "ROWS", "DROPPED", "FAILURES", "NS/ROW", "MEMORY PEAK / CAP"
    );
    for hook in hooks {
        let plugin = hook.plugin.as_deref().unwrap_or("-");
        let digest = hook.sha256.as_deref().and_then(|digest| digest.get(..12)).unwrap_or("-");
        let _ = write!(out, "{:names$}  {plugin:plugins$}  {digest:12}", hook.name);
        let _ = match &hook.counts {
            None => writeln!(out, " {:>12}", "not enabled"),
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
    }
    out
}

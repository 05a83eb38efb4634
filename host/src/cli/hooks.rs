//! `hookaroon hooks`: the hooks of a run, through its admin API: what they are, and every change while events flow.

mod change;
mod plugin;
mod shown;

use std::path::PathBuf;
use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::json;

use super::admin_client::{AdminArguments, escaped};
pub use change::ChangeArguments;

const EXAMPLES: &str = "\
Examples:
  hookaroon hooks list
  hookaroon hooks swap redact redact-2.wasm --share 5%
  hookaroon hooks set redact deadline=20ms --for 10m
  hookaroon hooks list --admin https://logs.example:8650 --admin-ca ca.pem

Every change takes --dry-run: then it says what would be different, and nothing is.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HooksCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Shows all hooks in chain order: what they are and what they did
    #[command(after_help = "\
Examples:
  hookaroon hooks list
  hookaroon hooks list --json | jq '.hooks[] | {name, state, version}'")]
    List(LookArguments),
    /// Shows one hook: where its values come from, what it did, and what is tried beside it
    #[command(after_help = "Example:\n  hookaroon hooks show redact")]
    Show(NamedArguments),
    /// Shows the versions of a hook that are kept: what it can go back to
    #[command(after_help = "Example:\n  hookaroon hooks versions redact")]
    Versions(NamedArguments),
    /// Puts the one hook of a file at the end of the chain, with its plugin
    #[command(after_help = "\
Examples:
  hookaroon hooks load redact.toml --dry-run
  hookaroon hooks load debug.toml --for 30m")]
    Load {
        /// A TOML file with one hook table; its plugin is beside it, or a standard hook
        file: PathBuf,
        #[command(flatten)]
        timed: Timed,
    },
    /// Takes a hook out of the chain
    #[command(after_help = "Example:\n  hookaroon hooks unload redact --for 10m")]
    Unload(TimedArguments),
    /// Gives a hook another version of its plugin, or tries one beside it
    #[command(after_help = "\
Examples:
  hookaroon hooks swap redact redact-2.wasm
  hookaroon hooks swap redact redact-2.wasm --share 5% --promote-after 1h
  hookaroon hooks swap redact redact-2.wasm --shadow")]
    Swap(Box<SwapArguments>),
    /// Sets keys of a hook, as they stand in its table
    #[command(after_help = "\
Examples:
  hookaroon hooks set redact deadline=20ms memory=64MiB
  hookaroon hooks set redact rollout.share=25%
  hookaroon hooks set redact 'match=[\"level >= warn\"]' --for 10m")]
    Set {
        /// The hook
        name: String,
        /// A key by its path and its value in TOML; a text needs no quotes
        #[arg(value_name = "KEY=VALUE", required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        timed: Timed,
    },
    /// Lets the version that is tried beside a hook take over
    #[command(after_help = "Example:\n  hookaroon hooks promote redact")]
    Promote(TimedArguments),
    /// Ends what is tried beside a hook, or goes back to the version before
    #[command(after_help = "\
Examples:
  hookaroon hooks rollback redact
  hookaroon hooks rollback redact --to 3f2a1b9c")]
    Rollback {
        #[command(flatten)]
        hook: TimedArguments,
        /// The version to go back to: the start of its SHA-256, of `hooks versions`
        #[arg(long, value_name = "DIGEST")]
        to: Option<String>,
    },
    /// Lets events pass a hook by; what it remembers stays
    #[command(after_help = "Example:\n  hookaroon hooks pause redact --for 5m")]
    Pause(TimedArguments),
    /// Hands events to a paused hook again
    #[command(after_help = "Example:\n  hookaroon hooks resume redact")]
    Resume(UntimedArguments),
    /// Gives a hook another place in the chain
    #[command(after_help = "Example:\n  hookaroon hooks move redact --before ship")]
    Move {
        #[command(flatten)]
        hook: TimedArguments,
        #[command(flatten)]
        place: Place,
    },
    /// Reads a hook's plugin again from where it lies
    #[command(after_help = "Example:\n  hookaroon hooks reload redact")]
    Reload(UntimedArguments),
    /// Forgets what operators changed about a hook: it is as the files say
    #[command(after_help = "Example:\n  hookaroon hooks revert redact")]
    Revert(UntimedArguments),
}

#[derive(Debug, Args)]
struct LookArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct NamedArguments {
    /// The hook
    name: String,
    #[command(flatten)]
    look: LookArguments,
}

#[derive(Debug, Args)]
struct UntimedArguments {
    /// The hook
    name: String,
    #[command(flatten)]
    change: ChangeArguments,
}

#[derive(Debug, Args)]
struct Timed {
    /// It ends by itself after so long: 30s, 10m, 2h
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,
    #[command(flatten)]
    change: ChangeArguments,
}

#[derive(Debug, Args)]
struct TimedArguments {
    /// The hook
    name: String,
    #[command(flatten)]
    timed: Timed,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// In front of this hook
    #[arg(long, value_name = "HOOK")]
    before: Option<String>,
    /// Behind this hook
    #[arg(long, value_name = "HOOK")]
    after: Option<String>,
    /// In front of all others
    #[arg(long)]
    first: bool,
    /// Behind all others
    #[arg(long)]
    last: bool,
}

#[derive(Debug, Args)]
struct SwapArguments {
    /// The hook
    name: String,
    /// The plugin; the signature beside it goes with it
    plugin: PathBuf,
    /// Only try it, on this share of the hook's events
    #[arg(long, value_name = "PERCENT", conflicts_with = "shadow")]
    share: Option<String>,
    /// Only try it, on copies: nothing comes of what it does
    #[arg(long)]
    shadow: bool,
    /// The fields that decide who is in the share, with commas between
    #[arg(long, value_name = "FIELDS")]
    by: Option<String>,
    /// How much more of its events it may fail on before it is taken back
    #[arg(long, value_name = "PERCENT")]
    failures: Option<String>,
    /// How much more, or less, of its events it may drop
    #[arg(long, value_name = "PERCENT")]
    drops: Option<String>,
    /// How many times the CPU time it may take
    #[arg(long, value_name = "TIMES")]
    cost: Option<String>,
    /// Over how long it is judged
    #[arg(long, value_name = "TIME")]
    window: Option<String>,
    /// From how many of its events on it is judged
    #[arg(long, value_name = "COUNT")]
    rows: Option<String>,
    /// It takes over by itself after so long without doing worse
    #[arg(long, value_name = "TIME")]
    promote_after: Option<String>,
    #[command(flatten)]
    timed: Timed,
}

pub fn hooks(arguments: &HooksCommand) -> Result<(), ExitCode> {
    match &arguments.what {
        What::List(look) => shown::list(&look.admin, look.json),
        What::Show(NamedArguments { name, look }) => shown::show(name, &look.admin, look.json),
        What::Versions(NamedArguments { name, look }) => shown::versions(name, &look.admin, look.json),
        What::Load { file, timed } => plugin::load(file, timed),
        What::Unload(TimedArguments { name, timed }) => {
            let (path, query) = (path(name, ""), timed.query());
            timed.change.make(Method::DELETE, &path, &query, None, "unloaded")
        }
        What::Swap(arguments) => plugin::swap(arguments),
        What::Set { name, keys, timed } => plugin::set(name, keys, timed),
        What::Promote(TimedArguments { name, timed }) => timed.post(name, "promote", "promoted"),
        What::Rollback { hook: TimedArguments { name, timed }, to } => {
            let query = [timed.query(), query(&[("to", to.as_deref())])].concat();
            timed.change.make(Method::POST, &path(name, "/rollback"), &query, None, "rolled back")
        }
        What::Pause(TimedArguments { name, timed }) => timed.post(name, "pause", "paused"),
        What::Resume(UntimedArguments { name, change }) => change.post(name, "resume", "resumed"),
        What::Move { hook: TimedArguments { name, timed }, place } => {
            let body = match place {
                Place { before: Some(other), .. } => json!({ "before": other }),
                Place { after: Some(other), .. } => json!({ "after": other }),
                Place { first: true, .. } => json!({ "first": true }),
                Place { .. } => json!({ "last": true }),
            };
            let body = Some(("application/json", body.to_string().into_bytes()));
            timed.change.make(Method::POST, &path(name, "/move"), &timed.query(), body, "moved")
        }
        What::Reload(UntimedArguments { name, change }) => change.post(name, "reload", "reloaded"),
        What::Revert(UntimedArguments { name, change }) => change.post(name, "revert", "reverted"),
    }
}

/// Where a hook is in the API, or something about it.
fn path(name: &str, about: &str) -> String {
    format!("/api/v1/hooks/{}{about}", escaped(name))
}

/// What there is of these, as a query says it.
fn query(all: &[(&'static str, Option<&str>)]) -> Vec<(&'static str, String)> {
    all.iter().filter_map(|(name, value)| Some((*name, (*value)?.to_owned()))).collect()
}

impl Timed {
    fn query(&self) -> Vec<(&'static str, String)> {
        query(&[("for", self.lasts.as_deref())])
    }

    fn post(&self, name: &str, verb: &str, done: &str) -> Result<(), ExitCode> {
        self.change.make(Method::POST, &path(name, &format!("/{verb}")), &self.query(), None, done)
    }
}

impl ChangeArguments {
    fn post(&self, name: &str, verb: &str, done: &str) -> Result<(), ExitCode> {
        self.make(Method::POST, &path(name, &format!("/{verb}")), &[], None, done)
    }
}

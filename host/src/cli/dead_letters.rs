//! `hookaroon dead-letters`: the events that hooks failed on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::run::end_on_signals;
use super::{ConfigArguments, FAILURE, USAGE, bad_hooks, failed, loader_for, print, print_json};
use crate::config::{self, Config};
use crate::drain::Drain;
use crate::hook::dead_letters::filter::Filter;
use crate::hook::dead_letters::store::{Store, Unreadable};
use crate::hook::prepare::prepare;
use crate::letters::list::{Bounds, Listing};
use crate::letters::replay::{Request, configured, replay};
use crate::letters::reproducer::Reproducer;
use crate::letters::{self, FindError, kind, moment};

const EXAMPLES: &str = "\
Examples:
  hookaroon dead-letters list --hook redact --since 2h
  hookaroon dead-letters replay --dry-run
  hookaroon dead-letters export 3f9a";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeadLettersCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Shows the dead letters that wait, and how many there are by hook and kind
    #[command(after_help = "\
Examples:
  hookaroon dead-letters list
  hookaroon dead-letters list --hook redact --kind deadline --since 2026-11-28T12:00:00Z
  hookaroon dead-letters list --json | jq -r '.letters[].event'")]
    List(ListArguments),
    /// Sends dead letters through the configured chain once more, from the hook that failed on
    #[command(after_help = REPLAY)]
    Replay(ReplayArguments),
    /// Writes one dead letter with its plugin, config and state to a file that replays anywhere
    #[command(after_help = "\
The file holds the hook's config, and so the secrets in it. `hookaroon replay FILE` makes the call once more.

Examples:
  hookaroon dead-letters export 3f9a
  hookaroon dead-letters export 3f9a -o broken.dead-letter && scp broken.dead-letter elsewhere:")]
    Export(ExportArguments),
}

const REPLAY: &str = "\
Events are delivered to the configured sinks and on disk before their letters are marked as replayed, so that none is
lost; a second replay does nothing. A letter that fails again stays, and its count is raised. What a later hook fails
on becomes a dead letter of that hook. A run may go on meanwhile; instances here are fresh and know nothing of it.

Exit codes: 0 all went through (or there was nothing to do), 1 some stay, 2 usage, 78 bad configuration.

Examples:
  hookaroon dead-letters replay --dry-run
  hookaroon dead-letters replay --hook redact --plugin mended.wasm
  hookaroon dead-letters replay 3f9a 77c1";

/// Where dead letters are looked for.
#[derive(Debug, Args)]
struct PlaceArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Look in this data directory instead of the configuration's: for those that `hookaroon pipe` left
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct FilterArguments {
    /// Only those of this hook
    #[arg(long, value_name = "NAME")]
    hook: Option<String>,
    /// Only those of this kind of failure, such as trap, deadline or memory
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<String>,
    /// Only those that failed then or later: 2026-11-28T12:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<u64>,
    /// Only those that failed before then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<u64>,
}

#[derive(Debug, Args)]
struct ListArguments {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// How many are shown, the newest; the summary is of all
    #[arg(long, value_name = "N", default_value = "100")]
    limit: usize,
    /// Print one JSON object, with the events
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ReplayArguments {
    /// Only these, each by the start of its ID
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    config: ConfigArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// The plugin to use instead of the configured one, for the letters of one hook
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Only say what would happen: nothing is delivered, marked or removed
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct ExportArguments {
    /// The letter, by the start of its ID
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    place: PlaceArguments,
    /// The file to write; by default ID.dead-letter
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl PlaceArguments {
    fn store(&self) -> Result<Store, ExitCode> {
        match &self.data_dir {
            Some(dir) => Ok(Store::new(dir, &config::DeadLetters::default())),
            None => self.config.load().map(|config| store(&config)),
        }
    }
}

impl FilterArguments {
    fn filter(&self, ids: &[String]) -> Filter {
        Filter {
            hook: self.hook.clone(),
            kind: self.kind.clone(),
            since_ns: self.since,
            until_ns: self.until,
            ids: ids.to_vec(),
        }
    }
}

pub fn dead_letters(arguments: &DeadLettersCommand) -> Result<(), ExitCode> {
    match &arguments.what {
        What::List(arguments) => list(arguments),
        What::Replay(arguments) => replay_letters(arguments),
        What::Export(arguments) => export(arguments),
    }
}

fn store(config: &Config) -> Store {
    Store::new(&config.data_dir, &config.dead_letters)
}

fn list(arguments: &ListArguments) -> Result<(), ExitCode> {
    let store = arguments.place.store()?;
    let filter = arguments.filter.filter(&[]);
    let bounds = Bounds { letters: arguments.limit, bytes: usize::MAX };
    let listing = Listing::new(&store, &filter, bounds).map_err(|error| failed(&error))?;
    if arguments.json {
        return print_json(&listing);
    }
    tell_unreadable(&listing.unreadable);
    print(&listing.to_string())
}

fn replay_letters(arguments: &ReplayArguments) -> Result<(), ExitCode> {
    let config = arguments.config.load()?;
    let store = store(&config);
    let request = Request { filter: arguments.filter.filter(&arguments.ids), dry_run: arguments.dry_run };
    let waiting = letters::waiting(&store, &request.filter).map_err(|error| unknown(&error))?;
    if waiting.is_empty() {
        eprintln!("no dead letters wait for that; nothing is to be done");
        return Ok(());
    }
    let hooks: Vec<&str> = waiting.keys().map(String::as_str).collect();
    let plugin = match (&arguments.plugin, hooks.as_slice()) {
        (None, _) => None,
        (Some(plugin), [hook]) => Some((*hook, plugin.clone())),
        (Some(_), _) => {
            eprintln!(
                "error: --plugin is for the letters of one hook, and these are of {}; add --hook NAME",
                hooks.join(", ")
            );
            return Err(ExitCode::from(USAGE));
        }
    };
    let config = configured(&config, plugin);
    let loader = loader_for(&config)?;
    let hooks = prepare(&config.hooks, &loader, 1).map_err(|errors| bad_hooks(&errors))?;
    let drain = Arc::new(Drain::default());
    end_on_signals(&drain, "ending after this batch").map_err(|error| failed(&error))?;
    let report = replay(&config, hooks, &store, &request, &drain).map_err(|error| failed(&error))?;
    tell_unreadable(&report.unreadable);
    // Standard output may be a sink.
    eprint!("{report}");
    if report.is_complete() { Ok(()) } else { Err(ExitCode::from(FAILURE)) }
}

fn export(arguments: &ExportArguments) -> Result<(), ExitCode> {
    let store = arguments.place.store()?;
    let letter = letters::find(&store, &arguments.id).map_err(|error| unknown(&error))?;
    let path =
        arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.dead-letter", letter.id)));
    let reproducer = Reproducer::gather(&store, letter).map_err(|error| failed(&error))?;
    reproducer.write(&path).map_err(|error| failed(&error))?;
    print(&format!(
        "{} holds the event and the hook's config, with the secrets in them; hookaroon replay {} makes the call once more\n",
        path.display(),
        path.display()
    ))
}

/// What asks for letters that there are not is usage; what cannot be read is a failure.
fn unknown(error: &FindError) -> ExitCode {
    let code = failed(error);
    if matches!(error, FindError::Io(_)) { code } else { ExitCode::from(USAGE) }
}

fn tell_unreadable(unreadable: &[Unreadable]) {
    for Unreadable { file, line, reason } in unreadable {
        tracing::warn!(
            "{}:{line}: this is no dead letter, as a crash may leave it, and is left out: {reason}",
            file.display()
        );
    }
}

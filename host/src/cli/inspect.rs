//! `hookaroon inspect`: what a plugin is, without running it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{failed, loader_of_any, print, print_json};
use crate::author::describe::Description;
use crate::author::page::page;
use crate::hook::load::PluginSource;
use crate::hook::standard;

const EXAMPLE: &str = "\
Examples:
  hookaroon inspect redact
  hookaroon inspect my-hook.wasm --json | jq .grant";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct InspectArguments {
    /// The plugin: a file, or the name of a standard hook
    #[arg(value_name = "HOOK.wasm")]
    plugin: String,
    /// As one JSON object
    #[arg(long)]
    json: bool,
    /// As a page for its users, in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub fn inspect(arguments: &InspectArguments) -> Result<(), ExitCode> {
    let source = if standard::NAMES.contains(&arguments.plugin.as_str()) {
        PluginSource::Standard(arguments.plugin.clone())
    } else {
        PluginSource::File(PathBuf::from(&arguments.plugin))
    };
    let inspection = loader_of_any(None)?.inspect(&source).map_err(|error| failed(&error))?;
    let description = Description::new(arguments.plugin.clone(), inspection);
    if arguments.json {
        return print_json(&description);
    }
    print(&if arguments.markdown { page(&description) } else { description.for_people() })
}

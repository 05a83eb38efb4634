//! `hookaroon config`: the checked configuration, and what there is to configure.

use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;

use super::admin_client::AdminArguments;
use super::hooks::ChangeArguments;
use super::{ConfigArguments, failed, print, print_json};
use crate::admin::openapi;
use crate::config;

const EXAMPLES: &str = "\
Examples:
  hookaroon config show --defaults
  hookaroon config schema > hookaroon.schema.json
  hookaroon config reference | less";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Shows the checked configuration, with what it includes in one; secrets stay references
    #[command(after_help = "\
Examples:
  hookaroon config show -c /etc/hookaroon/hookaroon.toml
  hookaroon config show --defaults --json | jq '.hook[] | {name, memory, deadline}'")]
    Show(ShowArguments),
    /// Shows what runs otherwise than the files say, and who made it so, through the admin API
    #[command(after_help = "\
Examples:
  hookaroon config diff
  hookaroon config diff --json | jq '.differences[] | select(.hook == \"redact\")'")]
    Diff(DiffArguments),
    /// Lets a run read its files again and do what differs, as SIGHUP does
    #[command(after_help = "Example:\n  hookaroon config reload --dry-run")]
    Reload(ChangeArguments),
    /// Prints the JSON Schema of a configuration, for editors
    #[command(after_help = "\
Example, for taplo and Even Better TOML:
  hookaroon config schema > hookaroon.schema.json
and as the first line of hookaroon.toml:
  #:schema ./hookaroon.schema.json")]
    Schema,
    /// Prints what every key means, as Markdown
    #[command(after_help = "\
Example:
  hookaroon config reference | grep deadline")]
    Reference,
    /// Prints the OpenAPI description of the admin API
    #[command(
        name = "openapi",
        after_help = "\
Example:
  hookaroon config openapi | jq '.paths | keys'"
    )]
    OpenApi,
}

#[derive(Debug, Args)]
struct ShowArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Show every key, with its default where it is not set
    #[arg(long)]
    defaults: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DiffArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the API tells of differences.
#[derive(Deserialize)]
struct Told {
    differences: Vec<Difference>,
    files: Reading,
}

#[derive(Deserialize)]
struct Difference {
    hook: String,
    key: String,
    files: Value,
    running: Value,
    by: Option<String>,
}

#[derive(Deserialize)]
struct Reading {
    errors: Vec<String>,
}

pub fn config(arguments: &ConfigCommand) -> Result<(), ExitCode> {
    match &arguments.what {
        What::Show(arguments) => show(arguments),
        What::Diff(arguments) => diff(arguments),
        What::Reload(change) => change.make(Method::POST, "/api/v1/config/reload", &[], None, "read again"),
        What::Schema => print_json(&config::json_schema()),
        What::OpenApi => print_json(&openapi::document().map_err(|error| failed(&error))?),
        What::Reference => print(&config::reference()),
    }
}

fn show(arguments: &ShowArguments) -> Result<(), ExitCode> {
    let shown = arguments.config.show(arguments.defaults)?;
    if arguments.json { print_json(&shown.json()) } else { print(&shown.toml()) }
}

fn diff(arguments: &DiffArguments) -> Result<(), ExitCode> {
    let answer = arguments.admin.client()?.get("/api/v1/config/diff")?;
    if arguments.json {
        return print_json(&answer);
    }
    let Told { differences, files } = serde_json::from_value(answer).map_err(|error| failed(&error))?;
    let mut out = String::new();
    for Difference { hook, key, files, running, by } in differences {
        let key = if key.is_empty() { hook } else { format!("{hook}.{key}") };
        let side = |value: &Value| if value.is_null() { "nothing".to_owned() } else { value.to_string() };
        let by = by.map(|by| format!(" (by {by})")).unwrap_or_default();
        out += &format!("{key}: {} in the files, {} runs{by}\n", side(&files), side(&running));
    }
    if out.is_empty() && files.errors.is_empty() {
        out += "no difference\n";
    }
    if !files.errors.is_empty() {
        out += "the files are not valid, and nothing of them is taken up:\n";
        files.errors.iter().for_each(|error| out += &format!("  {error}\n"));
    }
    print(&out)
}

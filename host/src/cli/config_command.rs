//! `hookaroon config`: the checked configuration, and what there is to configure.

use std::process::ExitCode;

use clap::{Args, Subcommand};

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

pub fn config(arguments: &ConfigCommand) -> Result<(), ExitCode> {
    match &arguments.what {
        What::Show(arguments) => show(arguments),
        What::Schema => print_json(&config::json_schema()),
        What::OpenApi => print_json(&openapi::document().map_err(|error| failed(&error))?),
        What::Reference => print(&config::reference()),
    }
}

fn show(arguments: &ShowArguments) -> Result<(), ExitCode> {
    let shown = arguments.config.show(arguments.defaults)?;
    if arguments.json { print_json(&shown.json()) } else { print(&shown.toml()) }
}

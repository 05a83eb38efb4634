//! `hookaroon check`: everything that can be found wrong without any event, and the configuration's own tests.

use std::process::ExitCode;

use clap::Args;

use super::{BAD_CONFIG, ConfigArguments, DIFFERS, bad_hooks, loader_for, print, print_json};
use crate::check::Report;
use crate::hook::prepare::prepare;

const EXAMPLES: &str = "\
A test in the configuration:
  [[test]]
  name = \"mail addresses are taken out\"
  events = ['{\"message\":\"from bob@example.com\"}']
  [test.expect]
  archive = ['{\"message\":\"from [email]\"}']

Examples:
  hookaroon check
  hookaroon check -c /etc/hookaroon/hookaroon.toml --json | jq '.errors[]'";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn check(arguments: &CheckArguments) -> Result<(), ExitCode> {
    let file = arguments.config.config.display().to_string();
    let refuse = |errors: Vec<String>| match arguments.json {
        true => {
            print_json(&Report::of_errors(file.clone(), errors)).err().unwrap_or(ExitCode::from(BAD_CONFIG))
        }
        false => bad_hooks(&errors),
    };
    let config = arguments
        .config
        .read()
        .map_err(|errors| refuse(errors.0.iter().map(ToString::to_string).collect()))?;
    let loader = loader_for(&config)?;
    let hooks = prepare(&config.hooks, &loader, config.workers).map_err(refuse)?;
    let report = Report::new(&config, &hooks);
    if arguments.json {
        print_json(&report)?;
    } else {
        print(&report.to_string())?;
    }
    if report.ok { Ok(()) } else { Err(ExitCode::from(DIFFERS)) }
}

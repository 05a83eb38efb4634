//! `hookaroon pipe`: hooks on standard input, without a configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::run::{Ending, flow};
use super::{USAGE, loader_of_any};
use crate::config::Config;
use crate::hook::prepare::prepare;
use crate::pipe;

const EXAMPLES: &str = "\
Each hook is followed by its options, and they are applied in this order. A value is what the hook says it is: a text,
a number, true or false, a list with commas between its entries; KEY.KEY=VALUE sets a value within a table, and
KEY.file=PATH and KEY.env=VARIABLE take the text from there. `hookaroon inspect HOOK` describes a hook.

Each hook gets the grant that its plugin suggests. Events that a hook fails on are kept as dead letters.

Examples:
  app | hookaroon pipe redact patterns=email,card
  app | hookaroon pipe redact enrich by=client_ip table.file=hosts.csv sample by=trace_id keep=10% > app.ndjson
  app | hookaroon pipe redact hash.key.env=REDACT_KEY ./my-hook.wasm";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PipeArguments {
    /// Where compiled plugins and dead letters are kept; by default $STATE_DIRECTORY, or hookaroon in the user's state
    /// directory ($XDG_STATE_HOME, ~/.local/state)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A standard hook's name, or a plugin's file, and its options
    #[arg(value_name = "HOOK [KEY=VALUE]", required = true, trailing_var_arg = true)]
    hooks: Vec<String>,
}

pub fn pipe(arguments: &PipeArguments) -> Result<(), ExitCode> {
    let environment = |name: &str| std::env::var(name).ok();
    let data_dir = arguments.data_dir.clone().unwrap_or_else(|| data_dir(&environment));
    let loader = loader_of_any(Some(&data_dir))?;
    let hooks = pipe::hooks(&arguments.hooks, &loader, &environment).map_err(|errors| usage(&errors))?;
    let config = Config::pipe(hooks, &data_dir);
    let hooks = prepare(&config.hooks, &loader, config.workers).map_err(|errors| usage(&errors))?;
    flow(&config, hooks, None, &Ending { show: false, summary: None })
}

fn data_dir(environment: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let directory = |name: &str| environment(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    directory("STATE_DIRECTORY")
        .or_else(|| Some(directory("XDG_STATE_HOME")?.join("hookaroon")))
        .or_else(|| Some(directory("HOME")?.join(".local/state/hookaroon")))
        .unwrap_or_else(|| PathBuf::from("hookaroon-data"))
}

fn usage(errors: &[String]) -> ExitCode {
    for error in errors {
        eprintln!("error: {error}");
    }
    ExitCode::from(USAGE)
}

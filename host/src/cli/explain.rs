//! `hookaroon explain`: the way of one event.

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

use clap::Args;

use super::{ConfigArguments, USAGE, bad_hooks, failed, loader_for, print, print_json};
use crate::clock;
use crate::decode::{LOOK_AHEAD, MAX_EVENT_BYTES};
use crate::explain::{self, ExplainError};
use crate::hook::prepare::prepare;

const EXAMPLES: &str = "\
Examples:
  hookaroon explain event.json
  tail -n 1 /var/log/app/app.log | hookaroon explain - --source app
  hookaroon explain event.json --json | jq '.ways[0].hooks[] | select(.fate == \"dropped\").hook'";

/// No line is larger.
const MAX_BYTES: u64 = (MAX_EVENT_BYTES * LOOK_AHEAD) as u64;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArguments {
    /// The event, a line as the source would read it, or a JSON object over several lines; "-" is standard input
    #[arg(value_name = "EVENT.json")]
    event: String,
    #[command(flatten)]
    config: ConfigArguments,
    /// The source that it comes from; by default the first
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn explain(arguments: &ExplainArguments) -> Result<(), ExitCode> {
    let config = arguments.config.load()?;
    let source = explain::source(&config, arguments.source.as_deref()).map_err(|error| usage(&error))?;
    let bytes = read(&arguments.event)
        .map_err(|error| failed(&io::Error::other(format!("cannot read {}: {error}", arguments.event))))?;
    let loader = loader_for(&config)?;
    let hooks = prepare(&config.hooks, &loader, 1).map_err(|errors| bad_hooks(&errors))?;
    let explanation = explain::explain(&config, hooks, source, &bytes, clock::now_ns());
    let explanation = explanation.map_err(|error| usage(&error))?;
    if arguments.json { print_json(&explanation) } else { print(&explanation.to_string()) }
}

fn read(event: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let input: Box<dyn Read> =
        if event == "-" { Box::new(io::stdin()) } else { Box::new(File::open(event)?) };
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it has over {MAX_BYTES} bytes, the most of one line")));
    }
    Ok(bytes)
}

fn usage(error: &ExplainError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(USAGE)
}

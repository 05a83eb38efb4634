//! `hookaroon build`: a hook's folder becomes a plugin.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{failed, loader_of_any, print, print_json};
use crate::author::build::build;
use crate::summary;

const EXAMPLE: &str = "\
Example:
  hookaroon build my-hook && hookaroon inspect my-hook/my-hook.wasm";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct BuildArguments {
    /// The hook's folder, which has its Cargo.toml
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Keep function names and line numbers, so that a trap's backtrace names them
    #[arg(long)]
    debug: bool,
    /// Say what was built as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &BuildArguments) -> Result<(), ExitCode> {
    let loader = loader_of_any(None)?;
    let built = build(&arguments.dir, arguments.debug, &loader).map_err(|error| failed(&error))?;
    if arguments.json {
        return print_json(&built.description);
    }
    let size = summary::bytes(built.description.size_bytes);
    print(&format!("{}: {size}, and needs\n\n{}", built.file.display(), built.description.grant_toml))
}

//! `hookaroon new`: a folder to start a hook from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{FAILURE, USAGE, print};
use crate::author::new::{NewError, Scaffold, new};
use crate::author::template::Language;

const EXAMPLE: &str = "\
Example:
  hookaroon new slow-requests --lang rust && cd slow-requests && cargo test --release && hookaroon build";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct NewArguments {
    /// The hook's name: a-z, 0-9, - and _
    name: String,
    /// The language: rust
    #[arg(long, value_name = "LANGUAGE", default_value_t = Language::Rust)]
    lang: Language,
    /// The folder that is made; by default one of the hook's name
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

pub fn run(arguments: &NewArguments) -> Result<(), ExitCode> {
    match new(&arguments.name, arguments.lang, arguments.path.as_deref()) {
        Ok(scaffold) => print(&describe(&arguments.name, &scaffold)),
        Err(error) => {
            eprintln!("error: {error}");
            Err(ExitCode::from(if matches!(error, NewError::Write { .. }) { FAILURE } else { USAGE }))
        }
    }
}

fn describe(name: &str, scaffold: &Scaffold) -> String {
    let folder = scaffold.folder.display();
    let mut text = format!("{folder}: a hook that builds and passes its tests\n");
    for file in scaffold.files.iter().filter(|file| !file.what.is_empty()) {
        text += &format!("  {:<22} {}\n", file.name, file.what);
    }
    text + &format!(
        "\nnext:\n  cd {folder}\n  cargo test --release\n  hookaroon build\n  \
         hookaroon test {name}.wasm --input tests/input.ndjson --expect tests/expected.ndjson\n"
    )
}

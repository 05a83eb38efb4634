//! `hookaroon completions`: what a shell needs to complete the command line.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Arguments, print_bytes};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bash:  hookaroon completions bash > ~/.local/share/bash-completion/completions/hookaroon
  zsh:   hookaroon completions zsh > \"${fpath[1]}/_hookaroon\"
  fish:  hookaroon completions fish > ~/.config/fish/completions/hookaroon.fish")]
pub struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

pub fn completions(arguments: &CompletionsArguments) -> Result<(), ExitCode> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut Arguments::command(), "hookaroon", &mut script);
    print_bytes(&script)
}

//! The `hookaroon` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    hookaroon::cli::main()
}

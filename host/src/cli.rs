//! Arguments and exit codes; no logic of its own.

/// As the standard library's, but it does not panic when standard error cannot be written.
macro_rules! eprint {
    ($($part:tt)*) => { $crate::cli::log::say(format_args!($($part)*)) };
}

/// The same, with an end of line.
macro_rules! eprintln {
    ($($part:tt)*) => { $crate::cli::log::say(format_args!("{}\n", format_args!($($part)*))) };
}

mod admin_client;
mod bench;
mod build;
mod check;
mod completions;
mod config_command;
mod dead_letters;
mod explain;
mod hook;
mod hooks;
mod inspect;
mod log;
mod new;
mod pipe;
mod progress;
mod replay;
mod run;
mod status;
mod tap;
mod test;
mod token;
mod top;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, Errors, PluginLimits, Shown};
use crate::hook::cache::Cache;
use crate::hook::compile::{self, Compiler};
use crate::hook::engine;
use crate::hook::load::Loader;
use crate::hook::trust::Trust;
use crate::replace::is_one_of;

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 runtime failure, 2 usage, 3 a test differs, a bench is slower than allowed or a replayed
failure does not come again, 4 stopped by on_error = \"stop\", 78 bad configuration.

Example:
  hookaroon check -c hookaroon.toml && hookaroon run -c hookaroon.toml --once";

/// Something went wrong while running.
const FAILURE: u8 = 1;
/// The command line asks for what there is not.
const USAGE: u8 = 2;
/// What came out is not what should, or it is slower than it may be.
const DIFFERS: u8 = 3;
/// A hook with `on_error = "stop"` failed.
const STOPPED: u8 = 4;
/// The configuration is wrong; the number of sysexits' EX_CONFIG.
const BAD_CONFIG: u8 = 78;

/// Logs through sandboxed WebAssembly hooks.
#[derive(Debug, Parser)]
#[command(name = "hookaroon", version, after_help = EXIT_CODES)]
struct Arguments {
    /// Show what hooks log for debugging too; twice: their traces as well
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Moves logs from the sources, through the hooks, to the sinks
    Run(run::RunArguments),
    /// Checks the configuration, the plugins and their grants, reports every error, and runs its test cases
    Check(check::CheckArguments),
    /// Shows the way of one event: each hook and each sink, what they decide and why
    Explain(explain::ExplainArguments),
    /// Runs hooks on standard input, without a configuration
    Pipe(pipe::PipeArguments),
    /// Shows the events that hooks failed on, sends them through the chain again, takes one along
    #[command(name = "dead-letters")]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Runs an exported dead letter offline: the same failure, with the same backtrace
    Replay(replay::ReplayArguments),
    /// Shows and changes the hooks of a run, through its admin API
    Hooks(hooks::HooksCommand),
    /// Shows what a run did so far, through its admin API, and what limits it
    Status(status::StatusArguments),
    /// Shows events as they flow, or what one hook makes of them, through the admin API
    Tap(tap::TapArguments),
    /// Shows hooks, sources and sinks of a run and what they cost, every second
    Top(top::TopArguments),
    /// Shows, makes and revokes the tokens of the admin API
    Token(token::TokenCommand),
    /// Says what a plugin is and which grant it needs
    Inspect(inspect::InspectArguments),
    /// Shows the checked configuration, its schema for editors, or what every key means
    Config(config_command::ConfigCommand),
    /// Prints what a shell needs to complete the command line
    Completions(completions::CompletionsArguments),
    /// Makes a folder with a hook that builds and passes its tests
    New(new::NewArguments),
    /// Compiles the hook in a folder to a plugin, and says which grant it needs
    Build(build::BuildArguments),
    /// Runs one hook over a file of events and compares what comes out
    Test(test::TestArguments),
    /// Measures what a hook costs
    Bench(bench::BenchArguments),
    /// Compiles a plugin, in a process of its own
    #[command(name = compile::SUBCOMMAND, hide = true)]
    CompilePlugin {
        /// What to do, as JSON
        job: String,
    },
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct ConfigArguments {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "hookaroon.toml")]
    config: PathBuf,
}

impl ConfigArguments {
    fn read(&self) -> Result<Config, Errors> {
        config::load(&self.config, &|name| std::env::var(name).ok())
    }

    /// Its data directory, whatever else is wrong with it.
    fn data_dir(&self) -> PathBuf {
        config::data_dir(&self.config, &|name| std::env::var(name).ok())
    }

    /// As it is shown, with every key that is not set, if that is wanted.
    fn show(&self, with_defaults: bool) -> Result<Shown, ExitCode> {
        let environment = |name: &str| std::env::var(name).ok();
        config::show(&self.config, &environment, with_defaults).map_err(|errors| {
            eprintln!("{errors}");
            ExitCode::from(BAD_CONFIG)
        })
    }

    fn load(&self) -> Result<Config, ExitCode> {
        self.read().map_err(|errors| {
            eprintln!("{errors}");
            ExitCode::from(BAD_CONFIG)
        })
    }
}

/// Runs what the arguments ask for.
pub fn main() -> ExitCode {
    let Arguments { verbose, command } = Arguments::parse();
    match command {
        Command::CompilePlugin { job } => compile::child_main(&job),
        command => {
            start_log(verbose);
            let result = match command {
                Command::Run(arguments) => run::run(&arguments),
                Command::Check(arguments) => check::check(&arguments),
                Command::Explain(arguments) => explain::explain(&arguments),
                Command::Pipe(arguments) => pipe::pipe(&arguments),
                Command::DeadLetters(arguments) => dead_letters::dead_letters(&arguments),
                Command::Replay(arguments) => replay::replay(&arguments),
                Command::Hooks(arguments) => hooks::hooks(&arguments),
                Command::Status(arguments) => status::status(&arguments),
                Command::Tap(arguments) => tap::tap(&arguments),
                Command::Top(arguments) => top::top(&arguments),
                Command::Token(arguments) => token::token(&arguments),
                Command::Inspect(arguments) => inspect::inspect(&arguments),
                Command::Config(arguments) => config_command::config(&arguments),
                Command::Completions(arguments) => completions::completions(&arguments),
                Command::New(arguments) => new::run(&arguments),
                Command::Build(arguments) => build::run(&arguments),
                Command::Test(arguments) => test::test(&arguments),
                Command::Bench(arguments) => bench::bench(&arguments),
                Command::CompilePlugin { .. } => Ok(()),
            };
            log::flush();
            result.err().unwrap_or(ExitCode::SUCCESS)
        }
    }
}

/// The host's own log goes to standard error, because standard output may be a sink.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::INFO,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    log::start(level);
}

/// Refuses a file that an option has written if it is one of those that are read.
fn written_only(option: &str, path: Option<&Path>, read: &[PathBuf]) -> Result<(), ExitCode> {
    match path {
        Some(path) if is_one_of(path, read) => {
            eprintln!(
                "error: {option}: {} is read too and would be overwritten; name another file",
                path.display()
            );
            Err(ExitCode::from(USAGE))
        }
        _ => Ok(()),
    }
}

/// What loads a configuration's plugins, as it wants them.
fn loader_for(config: &Config) -> Result<Loader, ExitCode> {
    loader(Some(&config.data_dir), config.plugin_limits, config.trust.clone())
}

/// What loads the plugins that the command line names: whoever types a name trusts it.
fn loader_of_any(data_dir: Option<&Path>) -> Result<Loader, ExitCode> {
    loader(data_dir, PluginLimits::default(), Trust::default())
}

/// What loads plugins, with the cache of this data directory if that can be used.
fn loader(data_dir: Option<&Path>, limits: PluginLimits, trust: Trust) -> Result<Loader, ExitCode> {
    let engine = engine::new().map_err(|error| failed(&error))?;
    let compiler = compiler(limits)?;
    let cache = data_dir.and_then(|dir| match Cache::open(dir) {
        Ok(cache) => Some(cache),
        Err(error) => {
            tracing::warn!("{error}; plugins are compiled at each start");
            None
        }
    });
    Ok(Loader::new(engine, compiler, cache, trust))
}

/// The same for those who look for a mistake: backtraces name files and lines, and nothing is kept.
fn debug_loader() -> Result<Loader, ExitCode> {
    let engine = engine::with_debug_info().map_err(|error| failed(&error))?;
    let compiler = compiler(PluginLimits::default())?.with_debug_info();
    Ok(Loader::new(engine, compiler, None, Trust::default()))
}

fn compiler(limits: PluginLimits) -> Result<Compiler, ExitCode> {
    Compiler::in_this_executable(limits.scan, limits.compile).map_err(|error| failed(&error))
}

/// For people, who may stop reading: `| head` is no failure.
fn print(text: &str) -> Result<(), ExitCode> {
    print_bytes(text.as_bytes())
}

/// For programs.
fn print_json(value: &impl serde::Serialize) -> Result<(), ExitCode> {
    let text = serde_json::to_string_pretty(value).map_err(|error| failed(&error))?;
    print(&(text + "\n"))
}

fn print_bytes(bytes: &[u8]) -> Result<(), ExitCode> {
    unless_gone(io::stdout().write_all(bytes))
}

/// For people, with colours if they can see them.
fn print_coloured(text: &str) -> Result<(), ExitCode> {
    unless_gone(anstream::stdout().write_all(text.as_bytes()))
}

fn unless_gone(written: io::Result<()>) -> Result<(), ExitCode> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed(&error)),
        _ => Ok(()),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(FAILURE)
}

/// Says all that is wrong with the configuration's hooks.
fn bad_hooks(errors: &[String]) -> ExitCode {
    for error in errors {
        eprintln!("{error}");
    }
    ExitCode::from(BAD_CONFIG)
}

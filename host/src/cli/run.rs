//! `hookaroon run`: the main job.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::progress::Progress;
use super::{BAD_CONFIG, ConfigArguments, FAILURE, STOPPED, bad_hooks, failed, loader_for};
use crate::admin;
use crate::admin::state::State;
use crate::config::Config;
use crate::drain::Drain;
use crate::hook::chain::Stop;
use crate::hook::dead_letters::store::Store;
use crate::hook::kept::Kept;
use crate::hook::load::Loader;
use crate::hook::prepare::{Prepared, prepare};
use crate::live::control::{Beginning, Control};
use crate::live::follow::{Follower, Nudge};
use crate::pipeline::{Pipeline, RunError};
use crate::summary::Summary;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hookaroon run -c hookaroon.toml
  hookaroon run --once --summary totals.json
  app | hookaroon run        with a source of type = \"stdin\"")]
pub struct RunArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Read files to their end, print a summary and exit
    #[arg(long)]
    once: bool,
    /// Write the totals to this file as one JSON object
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

pub fn run(arguments: &RunArguments) -> Result<(), ExitCode> {
    let beginning = Beginning::read(&arguments.config.config, &|name| std::env::var(name).ok());
    let beginning = beginning.map_err(|error| {
        eprintln!("{error}");
        ExitCode::from(BAD_CONFIG)
    })?;
    let config = beginning.config.clone();
    let loader = loader_for(&config)?.keeping(Kept::new(&config.data_dir));
    let hooks = prepare(&config.hooks, &loader, config.workers).map_err(|errors| bad_hooks(&errors))?;
    let show = arguments.once || io::stderr().is_terminal();
    // Who reads files to their end once wants nothing else meanwhile.
    let beginning = (beginning, !arguments.once);
    flow(&config, hooks, loader, Some(beginning), &Ending { show, summary: arguments.summary.as_deref() })
}

/// What is told at the end.
pub struct Ending<'a> {
    /// The summary for people, on standard error.
    pub show: bool,
    /// The file for the totals.
    pub summary: Option<&'a Path>,
}

/// Lets a checked configuration flow until it has ended, or a signal ends it. Its beginning is for changes, and says whether
/// files are followed.
pub fn flow(
    config: &Config,
    hooks: Vec<Prepared>,
    loader: Loader,
    beginning: Option<(Beginning, bool)>,
    ending: &Ending<'_>,
) -> Result<(), ExitCode> {
    if let Some(path) = ending.summary {
        // What cannot be written at the end is told before anything flows.
        OpenOptions::new().create(true).append(true).open(path).map_err(|error| unwritable(path, &error))?;
    }
    let drain = Arc::new(Drain::default());
    end_on_signals(&drain, "ending: what was read is still delivered").map_err(|error| failed(&error))?;
    let pipeline = Pipeline::open(config, hooks, loader, &drain).map_err(|error| code(&error))?;
    let metrics = pipeline.metrics.clone();
    let operated =
        beginning.map(|(beginning, reads)| operate(&pipeline, beginning, reads, &drain)).transpose()?;
    let progress = Progress::start(&metrics, pipeline.bytes_to_read);
    let result = pipeline.run();
    drop(operated);
    progress.end();
    let summary = Summary::new(&metrics);
    if ending.show {
        eprint!("{}", summary.for_people());
    }
    // The hooks of a command line have no configuration to name.
    let place = match config.file.as_os_str().is_empty() {
        true => format!("--data-dir {}", config.data_dir.display()),
        false => format!("-c {}", config.file.display()),
    };
    let kept = Store::new(&config.data_dir, &config.dead_letters);
    for (hook, events) in &summary.dead_letters {
        tracing::warn!(
            hook = hook.as_str(),
            "it failed on {events} events; they are kept in {}; `hookaroon dead-letters list {place}` shows them",
            kept.dir().join(hook).display()
        );
    }
    let mut ended = Ok(());
    if let Some(path) = ending.summary {
        let written = serde_json::to_vec_pretty(&summary)
            .map_err(io::Error::other)
            .and_then(|json| fs::write(path, json));
        ended = written.map_err(|error| unwritable(path, &error));
    }
    // How the run ended counts for more.
    result.map_err(|error| code(&error)).and(ended)
}

/// What goes on beside a run until it is dropped: its files are followed, and its admin API serves.
struct Operated {
    _admin: Option<admin::Running>,
    _follower: Follower,
}

/// Follows the files of a run, if they are to be, and starts its admin API, if it has one.
fn operate(
    pipeline: &Pipeline,
    beginning: Beginning,
    reads: bool,
    drain: &Arc<Drain>,
) -> Result<Operated, ExitCode> {
    let environment = Box::new(|name: &str| std::env::var(name).ok());
    let control = Arc::new(Control::new(pipeline.live.clone(), beginning, environment));
    let follower = Follower::start(control.clone(), reads).map_err(|error| failed(&error))?;
    // For whoever sits in front of it, the end of the terminal is the end of the run.
    if reads && !io::stderr().is_terminal() {
        read_on_hangup(follower.nudge()).map_err(|error| failed(&error))?;
    }
    let config = control.live().view().config.clone();
    let admin = config.admin.as_ref().map(|settings| {
        admin::start(settings, State::new(&config, control, follower.nudge(), drain.clone()))
    });
    let admin = admin.transpose().map_err(|error| failed(&error))?;
    Ok(Operated { _admin: admin, _follower: follower })
}

fn read_on_hangup(nudge: Nudge) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP])?;
    thread::Builder::new().name("hangups".to_owned()).spawn(move || {
        for _ in signals.forever() {
            nudge.read();
        }
    })?;
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> ExitCode {
    failed(&io::Error::other(format!("--summary: cannot write {}: {error}", path.display())))
}

/// The first signal asks for a drain; the second one ends the process at once, as if nobody had listened.
pub(super) fn end_on_signals(drain: &Arc<Drain>, ending: &'static str) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let drain = drain.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if drain.requested() {
                let _ = emulate_default_handler(signal);
            }
            tracing::info!("{ending}; a second signal ends at once");
            drain.request();
        }
    })?;
    Ok(())
}

fn code(error: &RunError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(match error {
        RunError::Stop(Stop::Hook { .. }) => STOPPED,
        RunError::Fields(_) => BAD_CONFIG,
        _ => FAILURE,
    })
}

//! `hookaroon test`: one hook over a file of events, compared with what should come out.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use super::hook::HookArguments;
use super::run::end_on_signals;
use super::{
    BAD_CONFIG, DIFFERS, FAILURE, USAGE, debug_loader, failed, print, print_coloured, print_json,
    unless_gone, written_only,
};
use crate::candidate::input::STDIN;
use crate::config::{Batch, arguments};
use crate::drain::Drain;
use crate::hook::load::Loader;
use crate::replace::replace;
use crate::trial::watch::{Watch, Woken};
use crate::trial::{Outcome, Trial, TrialError, Verdict, junit, report};

const HELP: &str = "\
The hook runs as it would in a chain: same decoding, batches, limits and checks. Its grant is the one that its manifest
suggests. Time is made up, so that every run gives the same: it starts at 2026-01-01T00:00:00Z and moves by --step with
each batch of --rows; a hook that asks for ticks is told the time when it is due, and once more at the end.

Without --expect the events that come out are printed. With it they are compared with the file, event by event and byte
by byte.

Exit codes: 0 passed, 1 a call or a row failed, 2 usage, 3 something differs, 78 the hook does not start.

Examples:
  hookaroon test my-hook.wasm --input events.ndjson
  hookaroon test redact --input events.ndjson --config '{\"patterns\": [\"email\"]}'
  hookaroon test my-hook.wasm --input events.ndjson --expect want.ndjson --update
  hookaroon test my-hook.wasm --input events.ndjson --expect want.ndjson --watch
  hookaroon test my-hook.wasm --input events.ndjson --expect want.ndjson --pure --junit report.xml";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct TestArguments {
    /// The plugin: a file, or the name of a standard hook
    #[arg(value_name = "HOOK.wasm")]
    plugin: String,
    #[command(flatten)]
    hook: HookArguments,
    /// The events that should come out, one a line
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write the events that come out to the file of --expect instead of comparing with it
    #[arg(long, requires = "expect")]
    update: bool,
    /// Run again whenever the plugin, the input or another of the files changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Write the outcome to this file as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Hand each batch to two fresh instances too, one of them later: all must give the same
    #[arg(long)]
    pure: bool,
    /// How many rows the hook is to say that they failed; without it none may
    #[arg(long, value_name = "N")]
    expect_errors: Option<u64>,
    /// How many events the hook is handed at once, at most
    #[arg(long, value_name = "N", value_parser = arguments::rows, default_value = "1024")]
    rows: usize,
    /// How far time moves with each batch
    #[arg(long, value_name = "TIME", value_parser = arguments::duration, default_value = "1s")]
    step: Duration,
    /// Print the outcome as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn test(arguments: &TestArguments) -> Result<(), ExitCode> {
    let trial = Trial {
        candidate: arguments.hook.candidate(&arguments.plugin),
        input: arguments.hook.input.clone(),
        expect: arguments.expect.clone(),
        update: arguments.update,
        pure: arguments.pure,
        expect_errors: arguments.expect_errors,
        batch: Batch { rows: arguments.rows, ..Batch::default() },
        step: arguments.step,
    };
    written_only("--junit", arguments.junit.as_deref(), &trial.files())?;
    if arguments.watch && trial.input == Path::new(STDIN) {
        eprintln!(
            "error: --watch reads the input again and again, which standard input does not allow; name a file"
        );
        return Err(ExitCode::from(USAGE));
    }
    let loader = debug_loader()?;
    if !arguments.watch {
        return once(&trial, &loader, arguments);
    }
    let drain = Arc::new(Drain::default());
    end_on_signals(&drain, "ending").map_err(|error| failed(&error))?;
    let mut watch = Watch::new(trial.files());
    loop {
        let result = once(&trial, &loader, arguments);
        if arguments.update {
            // It wrote one of them itself.
            watch.note();
        }
        let files: Vec<String> = watch.files().iter().map(|file| file.display().to_string()).collect();
        eprintln!("watching {}; Ctrl-C ends", files.join(", "));
        if watch.wait(&drain) == Woken::Ended {
            return result;
        }
    }
}

fn once(trial: &Trial, loader: &Loader, arguments: &TestArguments) -> Result<(), ExitCode> {
    let start = Instant::now();
    let result = trial.run(loader);
    if let Some(path) = &arguments.junit {
        let xml = match &result {
            Ok(outcome) => junit::xml(outcome, start.elapsed()),
            Err(error) => junit::xml_of_error(&arguments.plugin, &error.to_string()),
        };
        replace(path, xml.as_bytes()).map_err(|error| {
            failed(&io::Error::other(format!("cannot write {}: {error}", path.display())))
        })?;
    }
    let outcome = result.map_err(|error| {
        eprintln!("{error}");
        ExitCode::from(match error {
            TrialError::Candidate(_) => BAD_CONFIG,
            _ => FAILURE,
        })
    })?;
    show(&outcome, arguments)?;
    match outcome.verdict {
        Verdict::Passed => Ok(()),
        Verdict::Failed => Err(ExitCode::from(FAILURE)),
        Verdict::Differs => Err(ExitCode::from(DIFFERS)),
    }
}

/// The events go to standard output if nothing says what they should be; the report goes to standard error then.
fn show(outcome: &Outcome, arguments: &TestArguments) -> Result<(), ExitCode> {
    if arguments.json {
        return print_json(outcome);
    }
    let report = report::text(outcome);
    if arguments.expect.is_some() {
        return print_coloured(&report);
    }
    let mut events = String::new();
    for event in &outcome.events {
        events.push_str(event);
        events.push('\n');
    }
    print(&events)?;
    unless_gone(anstream::stderr().write_all(report.as_bytes()))
}

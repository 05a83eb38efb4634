//! `hookaroon replay`: an exported dead letter once more, offline.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{BAD_CONFIG, DIFFERS, failed, loader_of_any, print, print_json};
use crate::hook::failure::Failure;
use crate::hook::printable;
use crate::letters::list::time;
use crate::letters::reproducer::{ReproduceError, Reproduced, Reproducer};

const HELP: &str = "\
The event goes to a fresh instance of the very plugin, with the config, limits, grant, time and last save of then.

Exit codes: 0 the hook failed in the same way, 1 the file cannot be read, 3 it did not, 78 the hook does not start.

Examples:
  hookaroon replay 3f9a5c0d11e2b764.dead-letter
  hookaroon replay 3f9a5c0d11e2b764.dead-letter --json | jq .actual.backtrace";

/// How much of a text out of the file is shown: more than any message has.
const MAX_PRINTED: usize = 8 << 10;

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ReplayArguments {
    /// A file of `hookaroon dead-letters export`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn replay(arguments: &ReplayArguments) -> Result<(), ExitCode> {
    let code = |error: ReproduceError| {
        let code = failed(&error);
        let starts = !matches!(error, ReproduceError::Load(_) | ReproduceError::Prepare(_));
        if starts { code } else { ExitCode::from(BAD_CONFIG) }
    };
    let reproducer = Reproducer::read(&arguments.file).map_err(code)?;
    let loader = loader_of_any(None)?;
    let reproduced = reproducer.reproduce(&loader).map_err(code)?;
    if arguments.json {
        print_json(&as_json(&reproduced))?;
    } else {
        let letter = &reproducer.letter;
        let what = format!("dead letter {:?} of hook {:?}, {}", letter.id, letter.hook, time(letter.time_ns));
        print(&for_people(&what, &reproduced))?;
    }
    if reproduced.is_same() { Ok(()) } else { Err(ExitCode::from(DIFFERS)) }
}

fn for_people(what: &str, reproduced: &Reproduced) -> String {
    let mut text = format!("{what}\n");
    match &reproduced.actual {
        Some(actual) if reproduced.is_same() => tell("it failed in the same way", actual, &mut text),
        Some(actual) => {
            tell("it failed in another way", actual, &mut text);
            tell("then it was", &reproduced.expected, &mut text);
        }
        None => {
            text.push_str("it did not fail\n");
            tell("then it was", &reproduced.expected, &mut text);
        }
    }
    text
}

fn tell(how: &str, failure: &Failure, text: &mut String) {
    // A stranger may have written the file. Memory can be written to.
    let _ = writeln!(text, "{how}: {}: {}", failure.kind.name(), printable(&failure.message, MAX_PRINTED));
    for frame in &failure.frames {
        let _ = writeln!(text, "  in {}", printable(&frame.to_string(), MAX_PRINTED));
    }
}

fn as_json(reproduced: &Reproduced) -> Value {
    let failure = |failure: &Failure| json!({"kind": failure.kind.name(), "message": failure.message, "backtrace": failure.frames});
    json!({
        "same": reproduced.is_same(),
        "expected": failure(&reproduced.expected),
        "actual": reproduced.actual.as_ref().map(failure),
    })
}

//! `hookaroon test`: one hook over a file of events, and whether what came out is what should.
//!
//! A hook passes if no call failed, as many rows failed as were expected, the events are those of the golden file, and,
//! if that is asked, each batch alone gives what it gave in the run. Whatever it does, the others are still looked at,
//! so that one run tells everything.

mod golden;
pub mod junit;
pub mod report;
pub mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::candidate::input::{Input, InputError, STDIN};
use crate::candidate::{Candidate, Ready, START_NS};
use crate::config::{Batch, Config};
use crate::difference::{Difference, differences};
use crate::event::projection::TooManyFields;
use crate::hook::backtrace::Frame;
use crate::hook::failure::{Failure, FailureKind};
use crate::hook::load::Loader;
use crate::hook::prepare::Prepared;
use crate::rehearsal::{Clock, Delivery, Ended, Memory, Moment, Rehearsal, RehearsalError};
use crate::replace::is_one_of;
use golden::GoldenError;

/// How much later the second fresh instance meets a batch, in nanoseconds: whoever looks at the clock sees another day.
const LATER_NS: u64 = 36 * 3600 * 1_000_000_000;

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The hook.
    pub candidate: Candidate,
    /// The events, or `-`.
    pub input: PathBuf,
    /// The golden file.
    pub expect: Option<PathBuf>,
    /// Whether to write it instead of comparing with it.
    pub update: bool,
    /// Whether each batch alone must give the same.
    pub pure: bool,
    /// How many rows the hook is to say that they failed; none: not any.
    pub expect_errors: Option<u64>,
    /// When a batch is full.
    pub batch: Batch,
    /// How far time moves with each batch.
    pub step: Duration,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The plugin, as it was named.
    pub plugin: String,
    /// Whether everything is as it should be.
    pub verdict: Verdict,
    /// Events that came in.
    pub events_in: u64,
    /// The events that came out, byte for byte.
    pub events: Vec<String>,
    /// Rows that the hook dropped.
    pub dropped: u64,
    /// Rows that it changed.
    pub written: u64,
    /// Events that it emitted.
    pub emitted: u64,
    /// Calls that failed, of those that failed alike the first.
    pub failures: Vec<FailedCall>,
    /// Rows that it failed on.
    pub failed_rows: Vec<FailedRow>,
    /// How many rows were to fail, if that was said.
    pub expected_errors: Option<u64>,
    /// What the golden file says; none: there is none.
    pub golden: Option<Golden>,
    /// The first batch that does not stand for itself; none: all do, or it was not asked.
    pub impurity: Option<Impurity>,
    /// Whether that was asked.
    pub pure: bool,
    /// How many events a batch had at most.
    pub rows: usize,
}

/// Whether everything is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Passed,
    /// A call or a row failed.
    Failed,
    /// Something came out that should not have.
    Differs,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedCall {
    /// What it counts as.
    pub kind: &'static str,
    /// What happened.
    pub message: String,
    /// What the author can do about it.
    pub hint: &'static str,
    /// The functions that were at work, innermost first.
    pub backtrace: Vec<TracedFrame>,
}

/// A function that was at work when a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedFrame {
    /// Its name.
    pub function: String,
    /// Its file, if the plugin tells.
    pub file: Option<String>,
    /// The line in it, if the plugin tells.
    pub line: Option<u32>,
    /// Whether it only ends a panic.
    pub panic: bool,
    /// Whether it is one of a library and not of the plugin itself.
    pub library: bool,
}

/// A row that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedRow {
    /// The line of the input, from 1.
    pub line: usize,
    /// What it counts as: `row_error` if the hook said so, else what the call failed with.
    pub kind: String,
    /// Why.
    pub message: String,
    /// Whether the whole call failed, and it with it.
    pub of_call: bool,
}

impl FailedRow {
    /// Whether one call failed with both.
    fn same_call(&self, other: &FailedRow) -> bool {
        self.of_call && other.of_call && self.message == other.message
    }
}

/// What came of comparing with the golden file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Golden {
    /// The same.
    Same,
    /// Not the same.
    Differs(Vec<Difference>),
    /// It was written.
    Updated,
    /// It was to be written, and says the same already.
    Unchanged,
    /// It was to be written, but the hook failed, so it was not touched.
    Untouched,
}

/// A batch that gives something else when it stands alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Impurity {
    /// Its number, from 1.
    pub batch: usize,
    /// Why, as far as the comparison tells.
    pub cause: Cause,
    /// The events that differ; `expected` is the side of the fresh instance at its own time.
    pub differences: Vec<Difference>,
}

/// Why a batch gives something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Fresh instances at different times disagree.
    Time,
    /// A fresh instance disagrees with the one that had seen the batches before.
    State,
}

/// Why nothing was tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The hook is not ready; everything that is wrong.
    #[error("{}", .0.join("\n"))]
    Candidate(Vec<String>),
    /// The events.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The golden file.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// What is written would take the place of what is read.
    #[error("--expect {0:?} is read too, and --update would overwrite it; name another file")]
    Overwrites(PathBuf),
    /// The run.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
    /// A further instance does not start.
    #[error("a second instance of the hook does not start: {0}")]
    Start(Failure),
}

impl Trial {
    /// The files that its outcome depends on.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = self.read_files();
        files.extend(self.expect.clone());
        files
    }

    /// The same without the golden file.
    fn read_files(&self) -> Vec<PathBuf> {
        let mut files = self.candidate.files();
        files.extend(Some(self.input.clone()).filter(|path| path != Path::new(STDIN)));
        files
    }

    /// Tries the hook.
    pub fn run(&self, loader: &Loader) -> Result<Outcome, TrialError> {
        if let Some(path) = self.expect.as_ref().filter(|_| self.update)
            && is_one_of(path, &self.read_files())
        {
            return Err(TrialError::Overwrites(path.clone()));
        }
        let ready = self.candidate.prepare(loader, self.batch).map_err(TrialError::Candidate)?;
        let input = Input::read(&self.input)?;
        let fresh = if self.pure { Some((again(&ready)?, again(&ready)?)) } else { None };
        let Ready { config, prepared } = ready;
        let pass = |hook, start_ns, memory| {
            Run::new(&config, hook, &input, Clock::moving(start_ns, self.step), memory)
        };
        let run = pass(prepared, START_NS, Memory::Kept)?;
        let impurity = match fresh {
            Some((first, second)) => {
                let later_ns = START_NS + LATER_NS;
                impurity(
                    &run,
                    &pass(first, START_NS, Memory::Fresh)?,
                    &pass(second, later_ns, Memory::Fresh)?,
                )
            }
            None => None,
        };
        self.outcome(&input, run, impurity)
    }

    fn outcome(&self, input: &Input, run: Run, impurity: Option<Impurity>) -> Result<Outcome, TrialError> {
        let Run { parts, ended, events_in } = run;
        let events: Vec<String> = parts.into_iter().flat_map(|(_, events)| events).collect();
        let hooks = ended.metrics.hooks();
        let Some(hook) = hooks.first() else {
            return Err(TrialError::Candidate(vec!["there is no hook".to_owned()]));
        };
        let failures: Vec<FailedCall> = hook.examples().iter().map(FailedCall::new).collect();
        let row_errors = hook.failures(FailureKind::RowError);
        let failed = !failures.is_empty() || self.expect_errors.is_none() && row_errors > 0;
        let golden = match &self.expect {
            None => None,
            Some(_) if self.update && failed => Some(Golden::Untouched),
            Some(path) if self.update => {
                Some(if golden::update(path, &events)? { Golden::Updated } else { Golden::Unchanged })
            }
            Some(path) => Some(match golden::compare(path, &events)? {
                differences if differences.is_empty() => Golden::Same,
                differences => Golden::Differs(differences),
            }),
        };
        let differs = matches!(golden, Some(Golden::Differs(_)))
            || impurity.is_some()
            || self.expect_errors.is_some_and(|expected| expected != row_errors);
        let verdict = match (failed, differs) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::Differs,
            (false, false) => Verdict::Passed,
        };
        Ok(Outcome {
            plugin: self.candidate.plugin.clone(),
            verdict,
            events_in,
            dropped: hook.dropped.get(),
            written: hook.written.get(),
            emitted: hook.emitted.get(),
            failures,
            failed_rows: failed_rows(&ended.dead_letters, input),
            expected_errors: self.expect_errors,
            golden,
            impurity,
            pure: self.pure,
            rows: self.batch.rows,
            events,
        })
    }
}

fn again(ready: &Ready) -> Result<Prepared, TrialError> {
    ready.prepared.again().map_err(TrialError::Start)
}

/// A run that has ended, with all that came out.
struct Run {
    /// The events of each moment at which some came out, in order.
    parts: Vec<(Moment, Vec<String>)>,
    ended: Ended,
    events_in: u64,
}

impl Run {
    fn new(
        config: &Config,
        hook: Prepared,
        input: &Input,
        clock: Clock,
        memory: Memory,
    ) -> Result<Run, TrialError> {
        let fields = |error: TooManyFields| TrialError::Candidate(vec![error.to_string()]);
        let rehearsal = Rehearsal::new(config, vec![hook]).map_err(fields)?;
        let decoded = input.decode(&rehearsal, config, clock.now_ns())?;
        let mut parts = Vec::new();
        let mut keep = |Delivery { moment, chunk, .. }: Delivery| {
            // Events are UTF-8: the framer and the checks of what a hook returns see to that.
            let text = String::from_utf8_lossy(&chunk.lines);
            parts.push((moment, text.lines().map(str::to_owned).collect()));
        };
        let mut flow = rehearsal.start(config, clock);
        flow.pass(&decoded, memory, &mut keep)?;
        let ended = flow.end(&mut keep)?;
        Ok(Run { parts, ended, events_in: decoded.events() })
    }

    fn batch(&self, batch: usize) -> &[String] {
        let part = self.parts.iter().find(|(at, _)| *at == Moment::Batch(batch));
        part.map_or(&[], |(_, events)| events)
    }
}

/// The first batch on which the run, a fresh instance and another one later do not all agree.
fn impurity(run: &Run, fresh: &Run, later: &Run) -> Option<Impurity> {
    (0..run.ended.batches).find_map(|batch| {
        let expected = fresh.batch(batch);
        let compare = |other: &Run, cause| {
            let differences = differences(expected, other.batch(batch));
            (!differences.is_empty()).then_some(Impurity { batch: batch + 1, cause, differences })
        };
        compare(later, Cause::Time).or_else(|| compare(run, Cause::State))
    })
}

impl FailedCall {
    fn new(failure: &Failure) -> FailedCall {
        let frames = failure.frames.iter().map(|frame| TracedFrame {
            function: frame.function.clone(),
            file: frame.place.as_ref().map(|place| place.file.clone()),
            line: frame.place.as_ref().map(|place| place.line).filter(|line| *line > 0),
            panic: frame.is_panic_machinery(),
            library: frame.is_of_a_library(),
        });
        FailedCall {
            kind: failure.kind.name(),
            message: failure.cause(),
            hint: hint(failure),
            backtrace: frames.collect(),
        }
    }
}

/// What an author can do about a failure here; what holds in a chain too, its message says.
fn hint(failure: &Failure) -> &'static str {
    match failure.kind {
        FailureKind::Deadline => "here --deadline gives it more time, and --rows less to do at once",
        FailureKind::Memory => "here --memory gives it more, and --rows less to do at once",
        FailureKind::Trap if failure.frames.iter().any(Frame::is_panic_machinery) => "it panicked",
        FailureKind::Trap => "it ended in the middle of a call: a panic, a division by zero or the like",
        FailureKind::Error => {
            "the hook itself failed the whole batch; failing only the rows at fault keeps the others"
        }
        FailureKind::BadOutput => "what a hook returns must keep to wit/types.wit and to its grant",
        FailureKind::RowError => "the hook failed this row",
        FailureKind::Open => "its breaker is open",
    }
}

/// The rows that became dead letters, with their lines.
fn failed_rows(letters: &[u8], input: &Input) -> Vec<FailedRow> {
    #[derive(Deserialize)]
    struct Letter {
        kind: String,
        message: String,
        offset: u64,
    }
    let lines = letters.split(|&byte| byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice::<Letter>(line).ok())
        .map(|Letter { kind, message, offset }| {
            let of_call = kind != FailureKind::RowError.name();
            FailedRow { line: input.line_at(offset), kind, message, of_call }
        })
        .collect()
}

//! Why a hook's call failed, told apart by what the operator can do about it.

use std::fmt;
use std::time::Duration;

use super::backtrace::{self, Frame};

/// The kinds of failure, as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Its memory cap stopped it.
    Memory,
    /// It used up its deadline.
    Deadline,
    /// Any other trap.
    Trap,
    /// The hook itself said that the call failed.
    Error,
    /// What it returned does not keep to the contract.
    BadOutput,
    /// The hook said that one row failed.
    RowError,
    /// It was not called, because its breaker is open.
    Open,
}

impl FailureKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [FailureKind; 7] = [
        FailureKind::Memory,
        FailureKind::Deadline,
        FailureKind::Trap,
        FailureKind::Error,
        FailureKind::BadOutput,
        FailureKind::RowError,
        FailureKind::Open,
    ];

    /// The kind of this name.
    pub fn named(name: &str) -> Option<FailureKind> {
        FailureKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name in the summary, in metrics and in dead letters.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Memory => "memory",
            FailureKind::Deadline => "deadline",
            FailureKind::Trap => "trap",
            FailureKind::Error => "error",
            FailureKind::BadOutput => "bad_output",
            FailureKind::RowError => "row_error",
            FailureKind::Open => "open",
        }
    }
}

/// What an instance that is at work is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To process a batch of so many rows.
    Process {
        /// How many.
        rows: u64,
    },
    /// To be told the time.
    Tick,
    /// To say what it remembers.
    Save,
}

impl Call {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Call::Process { .. } => "process",
            Call::Tick => "tick",
            Call::Save => "save",
        }
    }
}

/// A call that failed. The instance is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it counts as.
    pub kind: FailureKind,
    /// What happened, on one line, at most 4 KiB.
    pub message: String,
    /// What the call cost until then.
    pub cost: Cost,
    /// Where in the guest it ended, innermost first; empty if that is not known.
    pub frames: Vec<Frame>,
}

impl Failure {
    /// The host itself failed.
    pub(crate) fn panicked() -> Failure {
        let message = "a thread panicked; this is a fault of Hookaroon, please report it".to_owned();
        Failure::new(FailureKind::Error, message, Cost::default())
    }

    /// A failure of which no more is known.
    pub fn new(kind: FailureKind, message: String, cost: Cost) -> Failure {
        Failure { kind, message, cost, frames: Vec::new() }
    }

    /// What happened, without the place that the frames tell in full.
    pub fn cause(&self) -> String {
        self.message.replacen(&backtrace::in_a_message(&self.frames), "", 1)
    }
}

/// What one call cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// CPU time of the call.
    pub cpu: Duration,
    /// The memory that the instance uses, in bytes. It never shrinks, so this is its peak as well.
    pub memory: usize,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

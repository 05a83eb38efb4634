//! What a tap shows of one event, and how that is told: a JSON object.

use std::sync::Arc;

use serde::Serialize;

use crate::event::changes::{Change, changes};

/// An event that was looked at.
#[derive(Debug)]
pub struct Sight {
    /// Its source, or `hook:NAME`.
    pub source: Arc<str>,
    /// Its stream.
    pub stream: Arc<str>,
    /// Its text; before the hook, if it is looked at there.
    pub event: Vec<u8>,
    /// What became of it.
    pub what: What,
}

/// What became of an event.
#[derive(Debug)]
pub enum What {
    /// It leaves the chain.
    Left,
    /// The hook kept it.
    Kept {
        /// The hook.
        hook: Arc<str>,
        /// Its text after the hook.
        after: Vec<u8>,
    },
    /// The hook dropped it, or its breaker is open and `when_open` takes it out.
    Dropped {
        /// The hook.
        hook: Arc<str>,
        /// Why the hook was not called; none: it was.
        why: Option<Why>,
    },
    /// The hook failed on it.
    Failed {
        /// The hook.
        hook: Arc<str>,
        /// The kind of failure.
        kind: &'static str,
        /// What happened.
        message: String,
    },
    /// The hook was not handed it.
    PassedBy {
        /// The hook.
        hook: Arc<str>,
        /// Why not.
        why: Why,
    },
    /// The hook emitted it.
    Emitted {
        /// The hook.
        hook: Arc<str>,
    },
}

/// Why a hook was not handed an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// `from`, `match` or the rollout of another hook.
    Match,
    /// It is not in the share.
    Rollout,
    /// The hook is paused.
    Paused,
    /// Its breaker is open.
    Open,
}

/// An event as it is told.
#[derive(Debug, Serialize)]
pub struct Told<'s> {
    source: &'s str,
    stream: &'s str,
    event: String,
    #[serde(flatten)]
    met: Option<Met<'s>>,
}

#[derive(Debug, Serialize)]
struct Met<'s> {
    hook: &'s str,
    fate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
}

impl Sight {
    /// How much memory its texts take.
    pub(super) fn bytes(&self) -> usize {
        let more = match &self.what {
            What::Kept { after, .. } => after.len(),
            What::Failed { message, .. } => message.len(),
            _ => 0,
        };
        self.event.len() + more
    }

    /// As it is told. What differs is found out here, beside the flow.
    pub fn told(&self) -> Told<'_> {
        let plain = |hook, fate| Met { hook, fate, why: None, kind: None, message: None, changes: None };
        let met = match &self.what {
            What::Left => None,
            What::Kept { hook, after } => {
                Some(Met { changes: Some(changes(&self.event, after)), ..plain(&**hook, "kept") })
            }
            What::Dropped { hook, why } => Some(Met { why: *why, ..plain(hook, "dropped") }),
            What::Failed { hook, kind, message } => {
                Some(Met { kind: Some(kind), message: Some(message), ..plain(hook, "failed") })
            }
            What::PassedBy { hook, why } => Some(Met { why: Some(*why), ..plain(hook, "passed_by") }),
            What::Emitted { hook } => Some(plain(hook, "emitted")),
        };
        Told {
            source: &self.source,
            stream: &self.stream,
            event: String::from_utf8_lossy(&self.event).into_owned(),
            met,
        }
    }
}

//! The `[[test]]` cases of a configuration, each through fresh hooks: what came out against what is expected.
//!
//! Only the sinks that a case names are looked at; dead letters that it does not expect are a difference always,
//! because a hook that fails proves nothing. Whatever goes wrong in a case is its difference, and the others go on.

mod show;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::{Case, Config};
use crate::hook::failure::Failure;
use crate::hook::prepare::Prepared;
use crate::rehearsal::{Clock, Delivery, Ended, Memory, Rehearsal, RehearsalError};
use crate::summary::Summary;

/// What came of one case.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// Where it stands, `FILE:LINE`.
    pub place: String,
    /// What differs; nothing: it passed.
    pub differences: Vec<Difference>,
    /// What the hooks failed on, as help.
    pub failures: Vec<String>,
}

/// One thing that is not as expected.
#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Difference {
    /// A sink took other events.
    Sink {
        /// Its name.
        sink: String,
        /// Where that is expected, `FILE:LINE`.
        place: String,
        /// What it was to take.
        expected: Vec<String>,
        /// What it took.
        actual: Vec<String>,
    },
    /// Events left on the way that should not, or did not that should.
    Count {
        /// `dropped` or `dead_letters`.
        of: &'static str,
        /// The reason, or the hook.
        reason: String,
        /// How many were to.
        expected: u64,
        /// How many did.
        actual: u64,
    },
    /// It did not come to its end.
    Stopped {
        /// Why.
        message: String,
    },
}

/// Tries all cases of a configuration whose hooks are prepared.
pub fn run(config: &Config, hooks: &[Prepared]) -> Vec<Outcome> {
    config.tests.iter().map(|case| one(config, hooks, case)).collect()
}

fn one(config: &Config, hooks: &[Prepared], case: &Case) -> Outcome {
    let (differences, failures) = match rehearse(config, hooks, case) {
        Ok((sinks, ended)) => (differences(config, case, &sinks, &ended), failures(&ended.dead_letters)),
        Err(error) => (vec![Difference::Stopped { message: error.to_string() }], Vec::new()),
    };
    Outcome { name: case.name.clone(), place: case.place.to_string(), differences, failures }
}

/// Why a case did not come to its end.
#[derive(Debug, thiserror::Error)]
enum CaseError {
    #[error("hook {hook:?}: init failed ({kind}): {failure}", kind = failure.kind.name())]
    Init { hook: String, failure: Failure },
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
}

/// What each sink took, in lines, and what is left.
fn rehearse(config: &Config, hooks: &[Prepared], case: &Case) -> Result<(Vec<Vec<u8>>, Ended), CaseError> {
    let again = |hook: &Prepared| {
        hook.again().map_err(|failure| CaseError::Init { hook: hook.hook.name.clone(), failure })
    };
    let hooks = hooks.iter().map(again).collect::<Result<Vec<_>, _>>()?;
    let rehearsal = Rehearsal::new(config, hooks).map_err(RehearsalError::from)?;
    let decoded = rehearsal.decode(config, case.source, case.events.as_bytes(), case.now_ns);
    let mut sinks: Vec<Vec<u8>> = config.sinks.iter().map(|_| Vec::new()).collect();
    let mut take = |delivery: Delivery| {
        if let Some(sink) = sinks.get_mut(delivery.sink) {
            sink.extend_from_slice(&delivery.chunk.lines);
        }
    };
    let mut flow = rehearsal.start(config, Clock::still(case.now_ns));
    if let Some(decoded) = &decoded {
        flow.pass(decoded, Memory::Kept, &mut take)?;
    }
    let ended = flow.end(&mut take)?;
    Ok((sinks, ended))
}

fn differences(config: &Config, case: &Case, sinks: &[Vec<u8>], ended: &Ended) -> Vec<Difference> {
    let mut differences = Vec::new();
    for expected in &case.expected {
        let bytes = sinks.get(expected.sink).map_or(&[][..], Vec::as_slice);
        let actual: Vec<String> = String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
        if actual != expected.events {
            differences.push(Difference::Sink {
                sink: config.sinks.get(expected.sink).map(|sink| sink.name.clone()).unwrap_or_default(),
                place: expected.place.to_string(),
                expected: expected.events.clone(),
                actual,
            });
        }
    }
    let summary = Summary::new(&ended.metrics);
    if let Some(dropped) = &case.dropped {
        count("dropped", dropped, &summary.dropped, &mut differences);
    }
    count("dead_letters", &case.dead_letters, &summary.dead_letters, &mut differences);
    differences
}

fn count(
    of: &'static str,
    expected: &BTreeMap<String, u64>,
    actual: &BTreeMap<String, u64>,
    differences: &mut Vec<Difference>,
) {
    let mut reasons: Vec<&String> = expected.keys().chain(actual.keys()).collect();
    reasons.sort();
    reasons.dedup();
    for reason in reasons {
        let number = |counts: &BTreeMap<String, u64>| counts.get(reason).copied().unwrap_or(0);
        let (expected, actual) = (number(expected), number(actual));
        if expected != actual {
            differences.push(Difference::Count { of, reason: reason.clone(), expected, actual });
        }
    }
}

/// What the dead letters say, each once.
fn failures(dead_letters: &[u8]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for line in dead_letters.split(|&byte| byte == b'\n') {
        let Ok(letter) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let part = |key: &str| letter.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        let message = format!("hook {:?} failed: {}: {}", part("hook"), part("kind"), part("message"));
        if !told.contains(&message) {
            told.push(message);
        }
    }
    told
}

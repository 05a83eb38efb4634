//! How two lists of events differ: which are missing, which are too many, and in which fields two of them differ.
//!
//! Texts are compared byte for byte, because that is how events leave. Bound: [`PATIENCE`] for the search of the
//! shortest difference; after it the difference may be longer, never wrong.

use std::time::{Duration, Instant};

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use crate::event::changes::{Change, changes};
use crate::event::scan::{Json, Judge, MAX_DEPTH};

/// How long the shortest difference is looked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// From the expected events to those that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'e> {
    /// Events that came as expected.
    Same(&'e [String]),
    /// An event that is not, on one side or on both.
    Other {
        /// Its number, from 1: among the events that came, or among the expected ones if it did not come.
        number: usize,
        /// The event that was expected.
        expected: Option<&'e str>,
        /// The event that came.
        actual: Option<&'e str>,
    },
}

/// One event that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its number, from 1: among the events that came out, or among the expected ones if it did not come.
    pub event: usize,
    /// The event that was expected; none: none was.
    pub expected: Option<String>,
    /// The event that came; none: none did.
    pub actual: Option<String>,
    /// The fields that differ, if both are events. None at all: only the form of the text differs.
    pub fields: Option<Vec<Change>>,
}

/// The steps from the expected events to those that came, in order.
pub fn steps<'e>(expected: &'e [String], actual: &'e [String]) -> Vec<Step<'e>> {
    let deadline = Some(Instant::now() + PATIENCE);
    let operations = capture_diff_slices_deadline(Algorithm::Myers, expected, actual, deadline);
    let mut steps = Vec::new();
    for operation in &operations {
        let (old, new) = (operation.old_range(), operation.new_range());
        let gone = expected.get(old.clone()).unwrap_or(&[]);
        let came = actual.get(new.clone()).unwrap_or(&[]);
        if matches!(operation, DiffOp::Equal { .. }) {
            steps.push(Step::Same(gone));
            continue;
        }
        for index in 0..gone.len().max(came.len()) {
            let (expected, actual) =
                (gone.get(index).map(String::as_str), came.get(index).map(String::as_str));
            let first = if actual.is_some() { new.start } else { old.start };
            steps.push(Step::Other { number: first + index + 1, expected, actual });
        }
    }
    steps
}

/// The events that differ, in order.
pub fn differences(expected: &[String], actual: &[String]) -> Vec<Difference> {
    let difference = |step: &Step<'_>| match *step {
        Step::Same(_) => None,
        Step::Other { number, expected, actual } => Some(Difference {
            event: number,
            expected: expected.map(str::to_owned),
            actual: actual.map(str::to_owned),
            fields: expected.zip(actual).and_then(|(expected, actual)| changed_fields(expected, actual)),
        }),
    };
    steps(expected, actual).iter().filter_map(difference).collect()
}

/// The fields in which two texts differ, if both are events.
pub fn changed_fields(expected: &str, actual: &str) -> Option<Vec<Change>> {
    let mut judge = Judge::new();
    let mut is_event = |text: &str| judge.judge(text.as_bytes(), MAX_DEPTH) == Json::Object;
    (is_event(expected) && is_event(actual)).then(|| changes(expected.as_bytes(), actual.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expected: &[&str], actual: &[&str]) -> Vec<Difference> {
        let owned = |events: &[&str]| events.iter().map(|event| (*event).to_owned()).collect::<Vec<_>>();
        differences(&owned(expected), &owned(actual))
    }

    #[test]
    fn a_changed_event_names_its_fields_and_its_neighbours_are_equal() {
        let found =
            found(&[r#"{"a":1}"#, r#"{"b":{"c":1}}"#, "{}"], &[r#"{"a":1}"#, r#"{"b":{"c":2}}"#, "{}"]);
        assert_eq!(found.len(), 1);
        let fields = found[0].fields.as_ref().unwrap();
        assert_eq!((found[0].event, fields.len(), fields[0].field.as_str()), (2, 1, "b.c"));
    }

    #[test]
    fn events_that_are_missing_or_too_many_do_not_shift_the_others() {
        let found = found(&[r#"{"a":1}"#, r#"{"a":2}"#, "{}"], &[r#"{"a":1}"#, "{}", r#"{"a":4}"#]);
        let kinds: Vec<_> =
            found.iter().map(|one| (one.event, one.expected.is_some(), one.actual.is_some())).collect();
        assert_eq!(kinds, [(2, true, false), (3, false, true)]);
    }

    #[test]
    fn another_form_of_an_event_has_no_fields_and_what_is_no_event_has_none_to_tell() {
        assert_eq!(found(&[r#"{"a":1,"b":2}"#], &[r#"{"b":2, "a":1}"#])[0].fields, Some(Vec::new()));
        assert_eq!(found(&["plain"], &["{}"])[0].fields, None);
        assert_eq!(found(&["{}"], &["{}"]), []);
    }
}

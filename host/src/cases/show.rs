//! A case's outcome for people: the events that were expected and did not come with `-`, those that came instead with
//! `+`, and what differs between the two, field by field.

use std::fmt::{self, Display, Formatter};

use super::{Difference, Outcome};
use crate::difference::{Step, changed_fields, steps};
use crate::hook;

/// How many equal events are shown around those that differ.
const CONTEXT: usize = 2;

impl Display for Outcome {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.differences.is_empty() {
            return writeln!(formatter, "  test {:?}: ok", self.name);
        }
        writeln!(formatter, "{}: test {:?}: not as expected", self.place, self.name)?;
        for difference in &self.differences {
            difference.fmt(formatter)?;
        }
        for failure in &self.failures {
            writeln!(formatter, "  {failure}")?;
        }
        Ok(())
    }
}

impl Display for Difference {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Sink { sink, place, expected, actual } => {
                writeln!(
                    formatter,
                    "  {place}: sink {sink:?}: {} events expected (-), {} came (+)",
                    expected.len(),
                    actual.len()
                )?;
                events(expected, actual, formatter)
            }
            Difference::Count { of, reason, expected, actual } => {
                writeln!(formatter, "  {of}: {reason}: {expected} expected, {actual} counted")
            }
            Difference::Stopped { message } => writeln!(formatter, "  it stopped: {message}"),
        }
    }
}

/// A text as it is, but for what would drive the terminal.
fn printable(text: &str) -> String {
    hook::printable(text, usize::MAX)
}

fn events(expected: &[String], actual: &[String], formatter: &mut Formatter<'_>) -> fmt::Result {
    for step in steps(expected, actual) {
        let (gone, came) = match step {
            Step::Same(events) => {
                equal(events, formatter)?;
                continue;
            }
            Step::Other { expected, actual, .. } => (expected, actual),
        };
        for (sign, event) in [('-', gone), ('+', came)] {
            if let Some(event) = event {
                writeln!(formatter, "  {sign} {}", printable(event))?;
            }
        }
        if let (Some(gone), Some(came)) = (gone, came) {
            fields(gone, came, formatter)?;
        }
    }
    Ok(())
}

/// Events that are as expected; of many only those next to the others.
fn equal(events: &[String], formatter: &mut Formatter<'_>) -> fmt::Result {
    let hidden = events.len().saturating_sub(2 * CONTEXT);
    for (index, event) in events.iter().enumerate() {
        if hidden <= 1 || index < CONTEXT || index >= CONTEXT + hidden {
            writeln!(formatter, "    {}", printable(event))?;
        } else if index == CONTEXT {
            writeln!(formatter, "    ... {hidden} more as expected")?;
        }
    }
    Ok(())
}

fn fields(expected: &str, actual: &str, formatter: &mut Formatter<'_>) -> fmt::Result {
    let Some(changes) = changed_fields(expected, actual) else { return Ok(()) };
    if changes.is_empty() {
        return writeln!(formatter, "      the same fields; spacing, order or spelling differ");
    }
    for change in changes {
        let value = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), printable);
        writeln!(
            formatter,
            "      {}: {} expected, {} came",
            change.field,
            value(&change.before),
            value(&change.after)
        )?;
    }
    Ok(())
}

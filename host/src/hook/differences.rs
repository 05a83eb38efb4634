//! What a shadow would have done otherwise: counted, with samples field by field. Never in the way: what is too much is
//! counted only.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::event::changes::{Change, changes};
use crate::metrics::Counter;

/// How many samples are kept, the newest.
const MOST_SAMPLES: usize = 20;

/// How many fields of a sample, and how many bytes of each value.
const MOST_FIELDS: usize = 32;
const MOST_BYTES: usize = 1024;

/// What a version made of an event.
pub(crate) struct Outcome<'t> {
    pub(crate) kept: bool,
    pub(crate) text: &'t [u8],
}

/// What the shadow of one hook would have done otherwise, in all workers.
#[derive(Debug, Default)]
pub struct Differences {
    /// Events of which both outcomes are known.
    pub compared: Counter,
    /// Events that only the shadow would have dropped.
    pub dropped: Counter,
    /// Events that only the version at work dropped.
    pub kept: Counter,
    /// Events that both kept, each with another text.
    pub changed: Counter,
    /// Batches in which they emitted another number of events.
    pub emitted: Counter,
    samples: Mutex<VecDeque<Sample>>,
}

/// An event that the shadow made something else of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The event's ID, 16 hex digits.
    pub id: String,
    /// `changed`; `dropped`: only the shadow drops it; `kept`: only the version at work drops it.
    pub what: &'static str,
    /// The fields that differ, before: at work, after: the shadow. Long values are cut.
    pub fields: Vec<Change>,
}

impl Differences {
    /// The newest samples, the newest last.
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How many events differ.
    pub fn differing(&self) -> u64 {
        self.dropped.get() + self.kept.get() + self.changed.get()
    }

    /// Notes what both made of the event of this ID.
    pub(crate) fn note(&self, id: u64, at_work: Outcome<'_>, shadow: Outcome<'_>) {
        self.compared.add(1);
        let (what, counter) = match (at_work.kept, shadow.kept) {
            (false, false) => return,
            (true, true) if at_work.text == shadow.text => return,
            (true, true) => ("changed", &self.changed),
            (true, false) => ("dropped", &self.dropped),
            (false, true) => ("kept", &self.kept),
        };
        counter.add(1);
        // Of a flood of differences a few say it all: the first ones, then fewer and fewer.
        let count = counter.get();
        if count > MOST_SAMPLES as u64 && !count.is_power_of_two() {
            return;
        }
        let fields = match what {
            "changed" => changes(at_work.text, shadow.text).into_iter().take(MOST_FIELDS).map(cut).collect(),
            _ => Vec::new(),
        };
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back(Sample { id: format!("{id:016x}"), what, fields });
        if samples.len() > MOST_SAMPLES {
            samples.pop_front();
        }
    }

    /// Notes how many events both emitted.
    pub(crate) fn note_emitted(&self, at_work: usize, shadow: usize) {
        self.emitted.add(u64::from(at_work != shadow));
    }
}

fn cut(change: Change) -> Change {
    let cut = |value: Option<String>| value.map(|value| crate::hook::printable(&value, MOST_BYTES));
    Change { before: cut(change.before), after: cut(change.after), ..change }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(kept: bool, text: &str) -> Outcome<'_> {
        Outcome { kept, text: text.as_bytes() }
    }

    #[test]
    fn each_kind_of_difference_is_counted_and_shown() {
        let differences = Differences::default();
        differences.note(1, outcome(true, "{\"a\":1}"), outcome(true, "{\"a\":1}"));
        differences.note(2, outcome(false, "{}"), outcome(false, "{\"x\":1}"));
        differences.note(3, outcome(true, "{\"a\":1,\"b\":2}"), outcome(true, "{\"a\":2,\"b\":2}"));
        differences.note(4, outcome(true, "{}"), outcome(false, "{}"));
        differences.note(5, outcome(false, "{}"), outcome(true, "{}"));
        let Differences { compared, dropped, kept, changed, .. } = &differences;
        assert_eq!((compared.get(), dropped.get(), kept.get(), changed.get()), (5, 1, 1, 1));
        let samples = differences.samples();
        let whats: Vec<_> = samples.iter().map(|sample| (sample.id.as_str(), sample.what)).collect();
        let id = |n: u32| format!("{n:016x}");
        assert_eq!(whats, [(id(3).as_str(), "changed"), (&id(4), "dropped"), (&id(5), "kept")]);
        let field = &samples[0].fields[0];
        assert_eq!(
            (field.field.as_str(), field.before.as_deref(), field.after.as_deref()),
            ("a", Some("1"), Some("2"))
        );
    }

    #[test]
    fn however_many_differ_few_are_kept() {
        let differences = Differences::default();
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
        for id in 0..10_000 {
            differences.note(id, outcome(true, &long), outcome(true, "{\"a\":\"\"}"));
        }
        assert_eq!((differences.changed.get(), differences.samples().len()), (10_000, MOST_SAMPLES));
        let bytes = |sample: &Sample| {
            sample.fields.iter().filter_map(|field| field.before.as_ref()).map(String::len).sum::<usize>()
        };
        assert!(differences.samples().iter().all(|sample| bytes(sample) < MOST_BYTES + 16));
    }
}

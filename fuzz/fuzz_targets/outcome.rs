//! Any outcome of a guest, and any events of its `tick` or `teardown`: they are refused, or every row and every event can
//! be read and used.
#![no_main]

use hookaroon::event::column::Kind;
use hookaroon::event::scan::Judge;
use hookaroon::hook::contract::{BytesValuesResult, ColumnResult, Emission, Outcome, RowError, ValuesResult};
use hookaroon::hook::convert;
use hookaroon::hook::grants::{Field, Interest, Placement};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, arbitrary::Arbitrary)]
struct Bytes {
    data: Vec<u8>,
    ends: Vec<u32>,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Values {
    Text(Bytes),
    Integer(Vec<i64>),
    Float(Vec<f64>),
    Boolean(Vec<u8>),
    Json(Bytes),
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    rows: u8,
    keep: Vec<u8>,
    writes: Vec<(Values, Vec<u8>)>,
    events: Bytes,
    after: Vec<u32>,
    errors: Vec<(u32, String)>,
}

fn bytes(bytes: Bytes) -> BytesValuesResult {
    BytesValuesResult { data: bytes.data, ends: bytes.ends }
}

/// New events that were let through, after a batch of so many rows.
fn check(emission: &convert::Emission, rows: usize) {
    let events = &emission.events;
    for index in 0..events.ends.len() {
        let event = std::str::from_utf8(events.get(index)).unwrap();
        assert!(!event.contains(['\n', '\r']));
        assert!(event.trim_start().starts_with('{'));
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(event).is_ok());
    }
    assert!(emission.after.is_empty() || emission.after.len() == events.ends.len());
    assert!(emission.after.is_sorted() && emission.after.iter().all(|&row| (row as usize) < rows));
}

fuzz_target!(|input: Input| {
    let field = |path: &str, kind| Field { path: path.parse().unwrap(), kind };
    let interest = Interest {
        read: Vec::new(),
        write: vec![field("a", Kind::Text), field("b.c", Kind::Json)],
        tick: None,
        placement: Placement::EveryWorker,
        drop: true,
        emit: true,
    };
    let rows = usize::from(input.rows);
    let writes = input.writes.into_iter().map(|(values, marks)| {
        let values = match values {
            Values::Text(values) => ValuesResult::Text(bytes(values)),
            Values::Integer(values) => ValuesResult::Integer(values),
            Values::Float(values) => ValuesResult::Float(values),
            Values::Boolean(values) => ValuesResult::Boolean(values),
            Values::Json(values) => ValuesResult::Json(bytes(values)),
        };
        ColumnResult { values, marks }
    });
    let emit = Emission { events: bytes(input.events), after: input.after };
    let judge = &mut Judge::new();
    if let Ok(emission) = convert::emission(emit.clone(), 0, &interest, judge) {
        check(&emission, 0);
    }
    let mute = Interest { emit: false, ..interest.clone() };
    if let Ok(emission) = convert::emission(emit.clone(), rows, &mute, judge) {
        assert!(emission.events.ends.is_empty(), "events without the grant");
    }
    let outcome = Outcome {
        keep: input.keep,
        writes: writes.collect(),
        emit,
        errors: input.errors.into_iter().map(|(row, message)| RowError { row, message }).collect(),
    };
    let Ok(outcome) = convert::outcome(outcome, rows, &interest, judge) else { return };
    assert!(outcome.keep.is_empty() || outcome.keep.len() == rows);
    for column in &outcome.writes {
        assert_eq!(column.rows(), rows);
        for row in 0..rows {
            assert!(column.mark(row) <= 4);
        }
    }
    check(&outcome.emission, rows);
    assert!(outcome.errors.iter().all(|(row, _)| (*row as usize) < rows));
});

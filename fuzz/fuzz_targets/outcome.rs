//! Any outcome of a guest: it is refused, or every row of it can be read and used.
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
    let outcome = Outcome {
        keep: input.keep,
        writes: writes.collect(),
        emit: Emission { events: bytes(input.events), after: input.after },
        errors: input.errors.into_iter().map(|(row, message)| RowError { row, message }).collect(),
    };
    let Ok(outcome) = convert::outcome(outcome, rows, &interest, &mut Judge::new()) else { return };
    assert!(outcome.keep.is_empty() || outcome.keep.len() == rows);
    for column in &outcome.writes {
        assert_eq!(column.rows(), rows);
        for row in 0..rows {
            assert!(column.mark(row) <= 4);
        }
    }
    for index in 0..outcome.emission.events.ends.len() {
        let event = std::str::from_utf8(outcome.emission.events.get(index)).unwrap();
        assert!(!event.contains('\n'));
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(event).is_ok());
    }
    assert!(outcome.errors.iter().all(|(row, _)| (*row as usize) < rows));
});

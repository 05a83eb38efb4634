//! The event core against independent references: serde_json for what is JSON and what it means, and a
//! splice-and-reparse of its own (`reference`) for every byte that edits leave.

mod generate;
mod reference;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::batch::{Batch, Origin, SourceId};
use super::column::{Bytes, Column, Kind, Values, read_mark, write_mark};
use super::duplicates::Written;
use super::edit::{Scratch, Write};
use super::field::EventTime;
use super::path::Path;
use super::projection::{NodeId, Projection};
use super::scan::{Json, Judge, MAX_DEPTH, Scan, Scanner};
use super::slot::Slot;
use super::time::TimeFormat;
use generate::Operation;

/// How many cases each property is tried with: a fifth of a nightly run's, which sets PROPTEST_CASES.
const CASES: u32 = 2_000;

const PATHS: [&str; 9] = [".", "a", "b", "a.b", "a.c", "a.b.c", "\"d.e\"", "ключ", "b.a"];

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn projection() -> Arc<Projection> {
    let paths: Vec<Path> = PATHS.iter().map(|path| path.parse().unwrap()).collect();
    Arc::new(Projection::new(&paths).unwrap())
}

pub(crate) fn origin(projection: &Projection) -> Origin {
    Origin {
        source: SourceId::Source(0),
        source_name: "test".into(),
        stream: "test".into(),
        file: None,
        host: "here".into(),
        time: EventTime::new(&TimeFormat::default(), projection),
        received_ns: 0,
        identity: 0,
    }
}

fn batch(projection: &Arc<Projection>, text: &str) -> Batch {
    let mut batch = Batch::new(projection.clone());
    let block = batch.add_block(Arc::new(format!("{text}\n").into_bytes().into()));
    let origin = batch.add_origin(origin(projection));
    assert!(batch.push_line(block, 0, text.len() as u32, origin, 0), "{text}");
    batch
}

fn scanned(projection: &Arc<Projection>, text: &[u8]) -> (Scan, Vec<Slot>) {
    let mut buffer = text.to_vec();
    buffer.push(b'\n');
    scanned_at(&mut Scanner::new(projection.clone()), &buffer, 0, text.len())
}

fn scanned_at(scanner: &mut Scanner, buffer: &[u8], start: usize, end: usize) -> (Scan, Vec<Slot>) {
    let mut slots = vec![Slot::default(); scanner.projection().width()];
    let found = scanner.scan(buffer, start, end, &mut slots);
    (found, slots)
}

/// Exactly an object, by serde_json, which knows nothing of our depth.
fn is_object(text: &[u8]) -> bool {
    let first = text.iter().find(|byte| !b" \t\r\n".contains(byte));
    first == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_serde_json_calls_an_object_is_one_and_nothing_else(text in generate::broken_object()) {
        let (found, _) = scanned(&projection(), text.as_bytes());
        prop_assert_eq!(found != Scan::NotAnObject, is_object(text.as_bytes()), "{}", text);
    }

    #[test]
    fn what_a_scanner_has_seen_before_changes_no_answer(lines in generate::alike()) {
        let mut scanner = Scanner::new(projection());
        let buffer = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        // The second round meets only keys that it has seen.
        for _ in 0..2 {
            let mut start = 0;
            for line in &lines {
                let found = scanned_at(&mut scanner, buffer.as_bytes(), start, start + line.len());
                let fresh = scanned(&projection(), line.as_bytes());
                prop_assert_eq!(found.0, fresh.0, "{}", line);
                prop_assert!(fresh.0 == Scan::NotAnObject || found.1 == fresh.1, "{}", line);
                start += line.len() + 1;
            }
        }
    }

    #[test]
    fn what_serde_json_calls_a_value_the_judge_calls_one(text in generate::broken_value()) {
        let ours = Judge::new().judge(text.as_bytes(), MAX_DEPTH);
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(ours != Json::Not, theirs, "{}", text);
        prop_assert_eq!(ours == Json::Object, is_object(text.as_bytes()), "{}", text);
    }

    #[test]
    fn columns_hold_what_serde_json_reads(text in generate::object()) {
        let projection = projection();
        let batch = batch(&projection, &text);
        let event: Value = serde_json::from_str(&text).unwrap();
        for path in PATHS {
            let path: Path = path.parse().unwrap();
            let node = projection.node(&path).unwrap();
            let expected = reference::look_up(&event, &path);
            for kind in [Kind::Text, Kind::Integer, Kind::Float, Kind::Boolean, Kind::Json] {
                let mut column = Column::new(kind);
                column.read(&batch, node, &[0]);
                check_column(&column, expected)?;
            }
        }
    }

    #[test]
    fn a_chain_of_edits_leaves_what_splicing_and_parsing_again_leaves(
        text in generate::object(),
        hooks in prop::collection::vec(prop::collection::vec(generate::write(), 1..4), 1..4),
    ) {
        let projection = projection();
        let mut batch = batch(&projection, &text);
        let mut expected = text;
        let mut scratch = Scratch::default();
        for writes in hooks {
            let writes = without_overlaps(writes);
            let nodes: Vec<NodeId> = writes.iter().map(|(path, _)| projection.node(path).unwrap()).collect();
            let whole = writes.iter().any(|(path, _)| *path == Path::Whole);
            batch.delete_duplicates(&[0], &if whole { Written::Whole } else { Written::Fields(nodes.clone()) });
            expected = reference::without_duplicates(&expected, &writes);
            let columns: Vec<Column> = writes.iter().map(|(_, operation)| column_of(operation)).collect();
            let edits: Vec<Write<'_>> =
                nodes.iter().zip(&columns).map(|(&node, column)| Write { node, column }).collect();
            let applied = batch.apply(&edits, &[0], |_| true, true, &mut scratch);
            let mut refused = 0;
            for (path, operation) in &writes {
                match reference::apply(&expected, path, operation) {
                    Some(after) => expected = after,
                    None => refused += 1,
                }
            }
            prop_assert_eq!(String::from_utf8_lossy(batch.text(0)), expected.as_str());
            prop_assert_eq!(applied.refused, refused);
            let (found, slots) = scanned(&projection, expected.as_bytes());
            prop_assert_ne!(found, Scan::NotAnObject);
            prop_assert_eq!(batch.slots(0), slots.as_slice());
        }
    }

    #[test]
    fn edits_mean_what_they_mean_to_serde_json(text in generate::object(), write in generate::write()) {
        let (path, operation) = write;
        let before: Value = serde_json::from_str(&text).unwrap();
        let cleaned = reference::without_duplicates(&text, &[(path.clone(), operation.clone())]);
        let Some(after) = reference::apply(&cleaned, &path, &operation) else { return Ok(()) };
        let after: Value = serde_json::from_str(&after).unwrap();
        prop_assert_eq!(after, reference::meaning(before, &path, &operation));
    }
}

/// Later writes that overlap earlier ones go: a hook that declares such is refused at init.
fn without_overlaps(writes: Vec<(Path, Operation)>) -> Vec<(Path, Operation)> {
    let mut kept: Vec<(Path, Operation)> = Vec::new();
    for (path, operation) in writes {
        if kept.iter().all(|(other, _)| !other.overlaps(&path)) {
            kept.push((path, operation));
        }
    }
    kept
}

fn column_of(operation: &Operation) -> Column {
    let bytes = |text: &str| Bytes { data: text.as_bytes().to_vec(), ends: vec![text.len() as u32] };
    let (values, mark) = match operation {
        Operation::Text(text) => (Values::Text(bytes(text)), write_mark::SET),
        Operation::Json(text) => (Values::Json(bytes(text)), write_mark::SET),
        Operation::Integer(value) => (Values::Integer(vec![*value]), write_mark::SET),
        Operation::Float(value) => (Values::Float(vec![*value]), write_mark::SET),
        Operation::Boolean(value) => (Values::Boolean(vec![u8::from(*value)]), write_mark::SET),
        Operation::Null => (Values::Text(bytes("")), write_mark::NULL),
        Operation::Remove => (Values::Text(bytes("")), write_mark::REMOVE),
        Operation::Merge(text) => (Values::Json(bytes(text)), write_mark::MERGE),
    };
    Column { values, marks: vec![mark] }
}

fn check_column(column: &Column, expected: Option<&Value>) -> Result<(), TestCaseError> {
    prop_assert_eq!(column.marks.len(), 1, "what is read has all its marks");
    let mark = column.mark(0);
    let Some(expected) = expected else {
        prop_assert_eq!(mark, read_mark::ABSENT);
        return Ok(());
    };
    if expected.is_null() {
        prop_assert_eq!(mark, read_mark::NULL);
        return Ok(());
    }
    match &column.values {
        Values::Text(bytes) => {
            let text = expected.as_str();
            prop_assert_eq!(mark, if text.is_some() { read_mark::VALUE } else { read_mark::OTHER });
            prop_assert_eq!(bytes.get(0), text.unwrap_or("").as_bytes());
        }
        Values::Integer(values) => {
            let whole = expected.as_number().and_then(|number| reference::whole(&number.to_string()));
            prop_assert_eq!(mark, if whole.is_some() { read_mark::VALUE } else { read_mark::OTHER });
            prop_assert_eq!(values[0], whole.unwrap_or(0));
        }
        Values::Float(values) => {
            let float = expected.as_number().and_then(|number| number.to_string().parse::<f64>().ok());
            let float = float.filter(|value| value.is_finite());
            prop_assert_eq!(mark, if float.is_some() { read_mark::VALUE } else { read_mark::OTHER });
            prop_assert_eq!(values[0], float.unwrap_or(0.0));
        }
        Values::Boolean(values) => {
            prop_assert_eq!(mark, if expected.is_boolean() { read_mark::VALUE } else { read_mark::OTHER });
            prop_assert_eq!(values[0], u8::from(expected.as_bool() == Some(true)));
        }
        Values::Json(bytes) => {
            prop_assert_eq!(mark, read_mark::VALUE);
            prop_assert_eq!(&serde_json::from_slice::<Value>(bytes.get(0)).unwrap(), expected);
        }
    }
    Ok(())
}

#[test]
fn nesting_ends_at_128() {
    let nested = |depth: usize| {
        let inner = depth - 1;
        format!("{{\"a\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    let projection = projection();
    assert_eq!(scanned(&projection, nested(MAX_DEPTH).as_bytes()).0, Scan::Object);
    assert_eq!(scanned(&projection, nested(MAX_DEPTH + 1).as_bytes()).0, Scan::NotAnObject);
    assert_eq!(scanned(&projection, "[".repeat(1 << 20).as_bytes()).0, Scan::NotAnObject);
    assert_eq!(scanned(&projection, "{\"a\":".repeat(1 << 18).as_bytes()).0, Scan::NotAnObject);
    let array = format!("{}{}", "[".repeat(5), "]".repeat(5));
    assert_eq!(Judge::new().judge(array.as_bytes(), 5), Json::Other);
    assert_eq!(Judge::new().judge(array.as_bytes(), 4), Json::Not);
    assert_eq!(Judge::new().judge(b"1", 0), Json::Other);
}

#[test]
fn a_line_is_judged_alone_whatever_follows_it() {
    let projection = projection();
    for (line, next) in [
        ("{\"a\":1", "}"),
        ("{\"a\":12", "34}"),
        ("{\"a\":tr", "ue}"),
        ("{\"a\":\"x", "y\"}"),
        ("{\"a\":\"\\", "u0041\"}"),
    ] {
        let buffer = format!("{line}\n{next}\n");
        let mut scanner = Scanner::new(projection.clone());
        // The second time, its keys are known.
        for _ in 0..2 {
            let (found, _) = scanned_at(&mut scanner, buffer.as_bytes(), 0, line.len());
            assert_eq!(found, Scan::NotAnObject, "{line}");
        }
    }
}

#[test]
fn numbers_that_nobody_wrote_keep_their_digits() {
    let text = r#"{"a":1e400,"b":18446744073709551616,"c":0.10,"d":-0,"x":1}"#;
    let projection = projection();
    let mut batch = batch(&projection, text);
    let node = projection.node(&"a.b".parse().unwrap()).unwrap();
    let column = column_of(&Operation::Integer(1));
    let applied =
        batch.apply(&[Write { node, column: &column }], &[0], |_| true, true, &mut Scratch::default());
    assert_eq!((applied.rows, applied.refused), (0, 1));
    assert_eq!(batch.text(0), text.as_bytes());
    let node = projection.node(&"ключ".parse().unwrap()).unwrap();
    batch.apply(&[Write { node, column: &column }], &[0], |_| true, true, &mut Scratch::default());
    assert_eq!(
        String::from_utf8_lossy(batch.text(0)),
        r#"{"a":1e400,"b":18446744073709551616,"c":0.10,"d":-0,"x":1,"ключ":1}"#
    );
}

#[test]
fn a_float_that_is_not_finite_is_refused_for_its_row_alone() {
    let projection = projection();
    let mut batch = batch(&projection, "{}");
    let node = projection.node(&"a".parse().unwrap()).unwrap();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let column = column_of(&Operation::Float(value));
        let applied =
            batch.apply(&[Write { node, column: &column }], &[0], |_| true, true, &mut Scratch::default());
        assert_eq!((applied.rows, applied.refused), (0, 1));
    }
    assert_eq!(batch.text(0), b"{}");
}

//! Outcomes that break the contract, each in one way.

use super::bindings::hookaroon::hook::types::*;
use super::{Config, events, same};

/// All lies: the tests ask for each.
///
/// `keep_short keep_value too_few_columns too_many_columns values_short marks_short mark_9 merge_text wrong_kind
/// ends_falling ends_beyond ends_before not_utf8 cut_character not_json two_values deep_json boolean_7 remove_whole
/// null_whole set_whole_array after_falling after_beyond after_short emit_array emit_text emit_deep emit_huge
/// write_huge error_beyond error_twice lying_length lying_ends aliased_columns aliased_events`
pub fn tell(config: &Config, batch: &Batch, outcome: &mut Outcome) {
    let rows = batch.rows as usize;
    let json =
        |text: &str| Column { values: Values::Json(events(&vec![text.to_owned(); rows])), marks: Vec::new() };
    let bytes = |data: Vec<u8>, ends: Vec<u32>| Column {
        values: Values::Text(BytesValues { data, ends }),
        marks: Vec::new(),
    };
    let one = |config: &Config| same(config, rows, 1);
    let emit = |text: String| Emission { events: events(&[text]), after: Vec::new() };
    match config.text.as_str() {
        "keep_short" => outcome.keep = vec![1; rows - 1],
        "keep_value" => outcome.keep = vec![7; rows],
        "too_few_columns" => outcome.writes = vec![one(config)],
        "too_many_columns" => outcome.writes = vec![one(config), one(config), one(config)],
        "values_short" => outcome.writes = vec![same(config, rows - 1, 1)],
        "marks_short" => outcome.writes = vec![Column { marks: vec![1; rows - 1], ..one(config) }],
        "mark_9" => outcome.writes = vec![same(config, rows, 9)],
        "merge_text" => outcome.writes = vec![same(config, rows, 4)],
        "wrong_kind" => {
            outcome.writes = vec![Column { values: Values::Integer(vec![1; rows]), marks: Vec::new() }]
        }
        "ends_falling" => {
            let mut ends = vec![2; rows];
            ends[0] = 4;
            outcome.writes = vec![bytes(b"ab".to_vec(), ends)];
        }
        "ends_beyond" => outcome.writes = vec![bytes(b"ab".to_vec(), vec![u32::MAX; rows])],
        "ends_before" => outcome.writes = vec![bytes(b"abc".to_vec(), vec![2; rows])],
        "not_utf8" => outcome.writes = vec![bytes(vec![0xff], vec![1; rows])],
        "cut_character" => {
            let mut ends = vec![2; rows];
            ends[0] = 1;
            outcome.writes = vec![bytes("é".as_bytes().to_vec(), ends)];
        }
        "not_json" => outcome.writes = vec![json("{\"a\":tru}")],
        "two_values" => outcome.writes = vec![json("1 2")],
        "deep_json" => outcome.writes = vec![json(&format!("{}{}", "[".repeat(128), "]".repeat(128)))],
        "boolean_7" => {
            outcome.writes = vec![Column { values: Values::Boolean(vec![7; rows]), marks: Vec::new() }]
        }
        "remove_whole" => outcome.writes = vec![Column { marks: vec![2; rows], ..json("{}") }],
        "null_whole" => outcome.writes = vec![Column { marks: vec![3; rows], ..json("{}") }],
        "set_whole_array" => outcome.writes = vec![json("[]")],
        "after_falling" => {
            let texts = vec!["{}".to_owned(); 2];
            outcome.emit = Emission { events: events(&texts), after: vec![1, 0] };
        }
        "after_beyond" => outcome.emit = Emission { after: vec![rows as u32], ..emit("{}".into()) },
        "after_short" => {
            let texts = vec!["{}".to_owned(); 2];
            outcome.emit = Emission { events: events(&texts), after: vec![0] };
        }
        "emit_array" => outcome.emit = emit("[]".into()),
        "emit_text" => outcome.emit = emit("hello".into()),
        "emit_deep" => outcome.emit = emit(format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128))),
        "emit_huge" => outcome.emit = emit(format!("{{\"a\":\"{}\"}}", "x".repeat(12 << 20))),
        "write_huge" => {
            outcome.writes = vec![bytes(vec![b'x'; 12 << 20], {
                let mut ends = vec![0; rows];
                ends[rows - 1] = 12 << 20;
                ends
            })]
        }
        "lying_length" => outcome.keep = claimed(Box::leak(Box::new([1])).as_mut_ptr(), u32::MAX as usize),
        "lying_ends" => {
            let ends = claimed(Box::leak(Box::new([1_u32])).as_mut_ptr(), 1 << 29);
            outcome.emit.events = BytesValues { data: vec![b'x'], ends };
        }
        "aliased_columns" => {
            let data = vec![b'x'; 1 << 20].leak().as_mut_ptr();
            let column = || bytes(claimed(data, 1 << 20), vec![1 << 20; rows]);
            outcome.writes = (0..4096).map(|_| column()).collect();
        }
        "aliased_events" => {
            // Every event is the same megabyte.
            outcome.emit.events.data = vec![b'x'; 1 << 20];
            outcome.emit.events.ends = vec![1 << 20; 1 << 20];
        }
        "error_beyond" => outcome.errors = vec![RowError { row: rows as u32, message: String::new() }],
        "error_twice" => {
            let error = RowError { row: 0, message: String::new() };
            outcome.errors = vec![error.clone(), error];
        }
        other => panic!("there is no lie {other:?}"),
    }
}

/// A vector that claims more than is there, or what is another's too. It is never dropped: the call fails.
fn claimed<T>(start: *mut T, length: usize) -> Vec<T> {
    unsafe { Vec::from_raw_parts(start, length, length) }
}

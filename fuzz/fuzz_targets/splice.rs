//! Any edits of any event: what is left is an event, and the slots are those of a fresh pass.
#![no_main]

use std::sync::Arc;

use hookaroon::event::batch::{Batch, Origin, SourceId};
use hookaroon::event::column::{Bytes, Column, Values, write_mark};
use hookaroon::event::duplicates::Written;
use hookaroon::event::edit::{Scratch, Write};
use hookaroon::event::field::EventTime;
use hookaroon::event::projection::Projection;
use hookaroon::event::scan::{Json, Judge};
use hookaroon::event::time::TimeFormat;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    event: String,
    edits: Vec<(u8, u8, String)>,
}

fuzz_target!(|input: Input| {
    if input.event.contains('\n') {
        return;
    }
    let paths: Vec<_> = ["a", "b", "a.b", "a.c.d", "\"\""].iter().map(|path| path.parse().unwrap()).collect();
    let projection = Arc::new(Projection::new(&paths).unwrap());
    let mut batch = Batch::new(projection.clone());
    let origin = batch.add_origin(Origin {
        source: SourceId::Source(0),
        source_name: "fuzz".into(),
        stream: "fuzz".into(),
        file: None,
        host: "fuzz".into(),
        time: EventTime::new(&TimeFormat::default(), &projection),
        received_ns: 0,
        identity: 0,
    });
    if !batch.push_text(origin, 0, |out| out.extend_from_slice(input.event.as_bytes())) {
        return;
    }
    let mut scratch = Scratch::default();
    let mut judge = Judge::new();
    for (path, mark, text) in &input.edits {
        let node = projection.node(&paths[usize::from(*path) % paths.len()]).unwrap();
        let text = text.replace(['\n', '\r'], " ");
        let bytes = Bytes { ends: vec![text.len() as u32], data: text.clone().into_bytes() };
        let json = judge.judge(text.as_bytes(), 120);
        let (values, mark) = match mark % 5 {
            0 => (Values::Text(bytes), write_mark::SET),
            1 if json != Json::Not => (Values::Json(bytes), write_mark::SET),
            2 => (Values::Text(bytes), write_mark::REMOVE),
            3 => (Values::Text(bytes), write_mark::NULL),
            4 if json == Json::Object => (Values::Json(bytes), write_mark::MERGE),
            _ => continue,
        };
        let column = Column { values, marks: vec![mark] };
        batch.delete_duplicates(&[0], &Written::Fields(vec![node]));
        batch.apply(&[Write { node, column: &column }], &[0], |_| true, true, &mut scratch);
        // An event still, and its slots are where a fresh pass finds them.
        let mut fresh = Batch::new(projection.clone());
        assert!(fresh.push_text(origin, 0, |out| out.extend_from_slice(batch.text(0))));
        for path in &paths {
            let node = projection.node(path).unwrap();
            assert_eq!(batch.slot(0, node), fresh.slot(0, node));
        }
    }
});

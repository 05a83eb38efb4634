//! Any text: what serde_json calls an object is one, within the depth, and nothing else is.
#![no_main]

use hookaroon::event::projection::Projection;
use hookaroon::event::scan::{Scan, scan};
use hookaroon::event::slot::Slot;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|text: &str| {
    if text.contains('\n') {
        return;
    }
    let paths = ["a", "b", "a.b", "\"\""].map(|path| path.parse().unwrap());
    let projection = Projection::new(&paths).unwrap();
    let mut slots = vec![Slot::default(); projection.width()];
    let line = format!("{text}\n");
    let ours = scan(&projection, line.as_bytes(), 0, text.len(), &mut slots) != Scan::NotAnObject;
    let deepest = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    let starts = text.trim_start_matches([' ', '\t', '\r']).starts_with('{');
    if deepest <= 127 {
        assert_eq!(ours, starts && serde_json::from_str::<IgnoredAny>(text).is_ok());
    }
    for slot in &slots {
        assert!(slot.start <= slot.end && slot.end as usize <= text.len());
    }
});

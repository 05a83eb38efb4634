//! Any lines: what serde_json calls an object is one, within the depth, and nothing else is, whatever the scanner met
//! before.
#![no_main]

use std::sync::Arc;

use hookaroon::event::projection::Projection;
use hookaroon::event::scan::{Scan, Scanner};
use hookaroon::event::slot::Slot;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|text: &str| {
    let paths = ["a", "b", "a.b", "\"\""].map(|path| path.parse().unwrap());
    let projection = Arc::new(Projection::new(&paths).unwrap());
    let mut scanner = Scanner::new(projection.clone());
    let buffer = format!("{text}\n");
    // The second time, the keys are known.
    for _ in 0..2 {
        let mut start = 0;
        for line in text.split('\n') {
            let scan = |scanner: &mut Scanner| {
                let mut slots = vec![Slot::default(); projection.width()];
                let found = scanner.scan(buffer.as_bytes(), start, start + line.len(), &mut slots);
                (found, slots)
            };
            let (found, slots) = scan(&mut scanner);
            let ours = found != Scan::NotAnObject;
            let deepest = line.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
            let starts = line.trim_start_matches([' ', '\t', '\r']).starts_with('{');
            if deepest <= 127 {
                assert_eq!(ours, starts && serde_json::from_str::<IgnoredAny>(line).is_ok());
            }
            if ours {
                assert_eq!((found, slots.clone()), scan(&mut Scanner::new(projection.clone())));
            }
            for slot in &slots {
                assert!(slot.start <= slot.end && slot.end as usize <= line.len());
            }
            start += line.len() + 1;
        }
    }
});

//! Any bytes, in any pieces: every block keeps what the pass relies on, and nothing depends on the pieces.
#![no_main]

use hookaroon::decode::{Format, Framer, Lines, Options};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, arbitrary::Arbitrary)]
struct Input {
    bytes: Vec<u8>,
    piece: u8,
    max: u8,
    format: u8,
}

fn framed(input: &Input, piece: usize) -> Vec<(u64, Vec<u8>)> {
    let format = [Format::Auto, Format::Json, Format::Text, Format::Cri, Format::Docker][usize::from(input.format) % 5];
    let mut framer = Framer::new(Options { max_event_bytes: usize::from(input.max), format }, 0);
    let mut out = Vec::new();
    let mut add = |lines: Lines| {
        assert!(std::str::from_utf8(&lines.block).is_ok());
        for line in &lines.lines {
            assert!(lines.block[line.end as usize] < 0x20);
            out.push((line.offset, lines.block[line.start as usize..line.end as usize].to_vec()));
        }
    };
    for part in input.bytes.chunks(piece) {
        framer.space()[..part.len()].copy_from_slice(part);
        framer.advance(part.len());
        while let Some(lines) = framer.take() {
            add(lines);
        }
    }
    while let Some(lines) = framer.finish() {
        add(lines);
    }
    out
}

fuzz_target!(|input: Input| {
    // The look-ahead depends on the reads only for lines beyond it.
    if input.bytes.len() < usize::from(input.max) {
        assert_eq!(framed(&input, usize::from(input.piece).max(1)), framed(&input, usize::MAX.min(1 << 14)));
    } else {
        framed(&input, usize::from(input.piece).max(1));
    }
});

//! The lines that no application means to write, in the shares that real streams have them.
//!
//! Of 1,000 lines 10 are texts of a stack trace, 2 are broken (cut short, not UTF-8, ended by CR LF), 2 are blank,
//! 10 have other white space, 3 a number that few types hold, 3 a key twice. A line that is cut short still ends in
//! a newline: what was lost is the rest of it.

use crate::event::{COMPACT, Extra, Spacing};
use crate::{Generator, pick};

const SPACINGS: [Spacing; 3] = [
    Spacing { open: "{", colon: ": ", comma: ", ", close: "}" },
    Spacing { open: "{ ", colon: " : ", comma: " , ", close: " }" },
    Spacing { open: " \t{\t", colon: ":\t", comma: ",  ", close: "} " },
];

const STACK_LINES: [&str; 5] = [
    "Traceback (most recent call last):",
    "  File \"/app/llm/client.py\", line 88, in complete",
    "    raise RateLimitError(response.headers[\"retry-after\"])",
    "\tat com.example.llm.Chat.answer(Chat.java:112)",
    "goroutine 41 [running]:",
];

/// Appends a line, odd or not, without a newline.
pub(crate) fn line(generator: &mut Generator, out: &mut Vec<u8>) {
    match generator.rng.u32(0..1000) {
        0..10 => out.extend_from_slice(pick(&mut generator.rng, &STACK_LINES).as_bytes()),
        10..12 => broken(generator, out),
        12..14 => out.extend_from_slice(pick(&mut generator.rng, &["", " ", "\t  "]).as_bytes()),
        14..24 => {
            let spacing = generator.rng.choice(SPACINGS).unwrap_or(COMPACT);
            generator.event(spacing, Extra::None, out);
        }
        24..27 => generator.event(COMPACT, Extra::HugeNumber, out),
        27..30 => generator.event(COMPACT, Extra::DuplicateKey, out),
        _ => generator.event(COMPACT, Extra::None, out),
    }
}

fn broken(generator: &mut Generator, out: &mut Vec<u8>) {
    match generator.rng.u8(0..3) {
        0 => {
            let start = out.len();
            generator.event(COMPACT, Extra::None, out);
            let kept = generator.rng.usize(1..out.len() - start);
            out.truncate(start + kept);
        }
        1 => generator.event(COMPACT, Extra::BadBytes, out),
        _ => {
            generator.event(COMPACT, Extra::None, out);
            out.push(b'\r');
        }
    }
}

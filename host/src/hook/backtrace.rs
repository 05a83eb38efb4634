//! Where in the guest a call ended: the functions by their names, with file and line if the plugin has debug
//! information and the engine kept it.
//!
//! A stranger chose all these names and people read them on terminals, so they come out printable and cut. Bounds:
//! the frames that the engine collects, [`MAX_SYMBOLS`] for each (what the compiler inlined), [`MAX_NAME`] of a name.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::{FrameInfo, WasmBacktrace};

use super::host_api::printable;

/// How many functions that were inlined into one another are told of one frame.
const MAX_SYMBOLS: usize = 16;

/// How much of a name is kept.
const MAX_NAME: usize = 256;

/// How many frames fit into a message.
const IN_A_MESSAGE: usize = 4;

/// How Rust gets from a panic, or from memory that ran out, to its trap. Nobody looks for their mistake there.
const PANIC_MACHINERY: [&str; 9] = [
    "rust_panic",
    "__rust",
    "std::panicking::",
    "std::sys::",
    "std::process::abort",
    "std::alloc::rust_oom",
    "alloc::alloc::handle_alloc_error",
    "core::panicking::",
    "core::option::expect_failed",
];

/// Where the sources of libraries lie.
const LIBRARIES: [&str; 3] = ["/rustc/", "/rustlib/", "/.cargo/registry/"];

/// A function that was at work when the call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Its name, demangled, or its number.
    pub function: String,
    /// The source file and the line, as far as the plugin tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A line of a source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as the compiler was told.
    pub file: String,
    /// The line, from 1; 0 if the compiler does not say.
    pub line: u32,
}

impl Frame {
    /// Whether it is part of how Rust ends a panic.
    pub fn is_panic_machinery(&self) -> bool {
        PANIC_MACHINERY.iter().any(|start| self.function.trim_start_matches('<').starts_with(start))
    }

    /// Whether its file is one of a library and not of the plugin itself.
    pub fn is_of_a_library(&self) -> bool {
        self.place.as_ref().is_some_and(|place| LIBRARIES.iter().any(|part| place.file.contains(part)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(formatter, "{} at {place}", self.function),
            None => formatter.write_str(&self.function),
        }
    }
}

/// The frames of a trap, innermost first.
pub(super) fn frames(error: &wasmtime::Error) -> Vec<Frame> {
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    backtrace.map_or_else(Vec::new, |backtrace| backtrace.frames().iter().flat_map(functions).collect())
}

/// The same for a message: the innermost ones of them, those of a panic and of libraries left out.
pub(super) fn in_a_message(frames: &[Frame]) -> String {
    let named: Vec<String> = frames
        .iter()
        .filter(|frame| !frame.is_panic_machinery() && !frame.is_of_a_library())
        .take(IN_A_MESSAGE)
        .map(Frame::to_string)
        .collect();
    if named.is_empty() { String::new() } else { format!(" (in {})", named.join(", called by ")) }
}

/// The functions of one frame: those that were inlined before the one that they were inlined into.
fn functions(frame: &FrameInfo) -> Vec<Frame> {
    let named = |name: Option<&str>| match name {
        Some(name) => printable(&demangled(name), MAX_NAME),
        None => format!("function {}", frame.func_index()),
    };
    if frame.symbols().is_empty() {
        return vec![Frame { function: named(frame.func_name()), place: None }];
    }
    let symbols = frame.symbols().iter().take(MAX_SYMBOLS);
    symbols
        .map(|symbol| Frame {
            function: named(symbol.name().or(frame.func_name())),
            place: symbol
                .file()
                .map(|file| Place { file: printable(file, MAX_NAME), line: symbol.line().unwrap_or(0) }),
        })
        .collect()
}

/// A Rust name without its hash; any other as it is.
fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_demangled_and_a_panic_s_own_frames_are_left_out() {
        let frame = |name: &str| Frame { function: demangled(name), place: None };
        let frames = [
            frame("rust_panic"),
            frame("_ZN4core9panicking18panic_bounds_check17h0123456789abcdefE"),
            Frame {
                place: Some(Place { file: "/rustc/abc/library/core/src/slice/index.rs".to_owned(), line: 9 }),
                ..frame("index<u8>")
            },
            Frame {
                place: Some(Place { file: "src/lib.rs".to_owned(), line: 7 }),
                ..frame("_ZN4hook3act17h0123456789abcdefE")
            },
            frame("main"),
        ];
        assert_eq!(in_a_message(&frames), " (in hook::act at src/lib.rs:7, called by main)");
        assert_eq!(in_a_message(&[]), "");
    }
}

//! Hookaroon moves logs from sources, through sandboxed WebAssembly hooks, to sinks.
//!
//! ```text
//! source -> decode -> intake queue -> worker: chain of hooks -> router -> sink queue -> sink
//!                     (bounded          (one Store per           (bounded
//!                      in bytes)         hook per worker)         in bytes)
//! ```
//!
//! The modules are listed in the order in which an event meets them. ARCHITECTURE.md says how they hang together.

// `print!` panics when its reader stops reading, as `| head` does; the command line has a `print` of its own.
#![warn(clippy::print_stdout)]

pub mod cli;
pub mod config;
pub mod pipeline;

pub mod decode;
pub mod event;
pub mod hook;
pub mod pool;
pub mod queue;
pub mod router;
pub mod sink;
pub mod source;
pub mod worker;

mod difference;
mod private;
mod rehearsal;
mod replace;

pub mod author;
pub mod bench;
pub mod candidate;
pub mod cases;
pub mod check;
pub mod explain;
pub mod letters;
pub mod live;
pub mod pipe;
pub mod trial;

pub mod admin;
pub mod bell;
pub mod clock;
pub mod drain;
pub mod metrics;
pub mod snapshot;
pub mod summary;
pub mod tap;
pub mod why;

//! (4) Hooks: from a plugin's file to a place in the chain.
//!
//! ```text
//! load: read, pin, trust, scan, compile (child process, cached) -> prepare: init, grants -> seat: process, tick, save -> teardown
//! ```
//!
//! Nothing outside of this module sees a wasm type. Everything that a guest returns is checked in `convert` before
//! any of it is used.

pub mod backtrace;
mod bindings;
pub mod breaker;
pub mod cache;
pub mod chain;
pub mod compile;
pub mod convert;
pub mod dead_letters;
pub mod differences;
pub mod due;
pub mod engine;
pub mod failure;
pub(crate) mod file;
pub mod gate;
pub mod grants;
pub(crate) mod host_api;
pub mod instance;
mod isolate;
pub(crate) mod journey;
pub mod kept;
pub mod limits;
pub mod load;
pub mod manifest;
pub mod options;
pub mod place;
pub mod prepare;
pub mod rollout;
pub mod scan;
pub mod seat;
pub mod spending;
pub mod stage;
pub mod standard;
pub mod suggestion;
pub mod trust;
pub mod verdict;
pub mod wasi;
pub mod wrap;

pub(crate) use host_api::printable;

/// The records of the contract, as they pass to and from a guest.
pub mod contract {
    pub use super::bindings::hookaroon::hook::types::{
        BytesValuesResult, ColumnResult, Emission, Interest, Outcome, Reason, RowError, ValuesResult,
    };
}

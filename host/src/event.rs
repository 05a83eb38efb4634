//! Events in batches: their texts, the one pass over them, columns out, edits back, splice.
//!
//! Everything here is pure: no clock, no I/O, no wasm types. What no edit touches leaves byte for byte as it came.

pub mod batch;
pub mod changes;
pub mod column;
pub mod condition;
pub mod duplicates;
pub mod edit;
pub(crate) mod escape;
pub mod field;
mod keys;
pub mod members;
mod number;
pub mod path;
pub mod projection;
#[cfg(test)]
pub(crate) mod properties;
pub mod scan;
pub mod selection;
mod severity;
mod simd;
pub mod slot;
pub mod time;
mod unescape;
pub mod unseen;

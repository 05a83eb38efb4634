//! What writes hooks with: a folder to start from, the way from it to a plugin, and what a plugin is.
//!
//! ```text
//! new (template, sdk) -> the author's editor -> build: cargo -> finish: strip, component, manifest -> NAME.wasm
//! ```
//!
//! It stands beside the flow, which knows nothing of it. It runs the author's own tools on the author's own sources,
//! and never a plugin: what `build` made is looked at as a stranger's would be, in the compiler process.

pub mod build;
mod cargo;
pub mod describe;
mod finish;
pub mod new;
pub mod options;
pub mod page;
mod sdk;
pub mod template;

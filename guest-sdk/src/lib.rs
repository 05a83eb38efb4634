//! Write Hookaroon hooks in Rust.
//!
//! A hook is a type that implements [`Hook`]: it says at [`init`](Hook::init) which fields it reads and writes, and
//! then sees one [`Event`] after the other, with those fields and nothing else.
//!
//! ```
//! use hookaroon_sdk::{Event, Grant, Hook, Read, Setup, Text, Verdict, Write, config, export};
//!
//! /// Drops debug lines, and sets `country` for everybody else.
//! struct Example {
//!     level: Read<Text>,
//!     country: Write<Text>,
//!     config: Config,
//! }
//!
//! #[config]
//! struct Config {
//!     /// What `country` is set to.
//!     country: String,
//! }
//!
//! impl Hook for Example {
//!     type Config = Config;
//!     const GRANT: Grant = Grant { read: &["level"], write: &["country"], drop: true, ..Grant::NONE };
//!
//!     fn init(config: Config, setup: &mut Setup) -> Result<Example, String> {
//!         Ok(Example { level: setup.read("level"), country: setup.write("country"), config })
//!     }
//!
//!     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
//!         if event.get(self.level) == Some("debug") {
//!             return Verdict::Drop;
//!         }
//!         event.set(self.country, &self.config.country);
//!         Verdict::Keep
//!     }
//! }
//!
//! export!(Example);
//! # fn main() {}
//! ```
//!
//! Build it with `cargo build --release --target wasm32-unknown-unknown`, as a `cdylib`; the `.wasm` file is the
//! plugin. A hook that does not call [`log`] imports nothing. As an `rlib` it can be tested without WebAssembly, see
//! [`testing`].
//!
//! Rows are handed over in batches and as columns; the SDK adds a few nanoseconds a row to that. Whatever a hook
//! does not set is not sent back.
//!
//! A hook may panic: the host replaces its instance, and the events go the way of the operator's `on_error`. Better
//! is an error where there is a place for one: from [`init`](Hook::init) it refuses the config, and
//! [`Event::fail`] says which event could not be processed.

// The macros name this crate as its users do.
extern crate self as hookaroon_sdk;

pub mod bindings;
mod column;
mod event;
mod export;
mod hook;
pub mod log;
mod manifest;
mod percent;
mod schema;
mod setup;
mod severity;
pub mod testing;

/// See [`Hook::PLACEMENT`].
///
/// ```
/// # use hookaroon_sdk::Placement;
/// fn of(means_the_whole_flow: bool) -> Placement {
///     if means_the_whole_flow { Placement::Single } else { Placement::EveryWorker }
/// }
/// ```
#[doc(inline)]
pub use bindings::hookaroon::hook::types::Placement;
/// See [`Hook::teardown`].
///
/// ```
/// # use hookaroon_sdk::Reason;
/// fn has_a_successor(reason: Reason) -> bool {
///     matches!(reason, Reason::Swap | Reason::Recycle)
/// }
/// ```
#[doc(inline)]
pub use bindings::hookaroon::hook::types::Reason;
pub use column::{Boolean, Float, Integer, Json, Kind, Mark, Text};
pub use event::{Batch, Emitter, Event};
#[doc(hidden)]
pub use export::Instance;
pub use hook::{Hook, Verdict};
pub use hookaroon_sdk_macros::config;
pub use manifest::Grant;
#[doc(hidden)]
pub use manifest::{boolean, name_of};
pub use percent::Percent;
#[doc(hidden)]
pub use schema::default_of;
pub use schema::{NoConfig, Piece, Schema};
#[doc(hidden)]
pub use serde;
pub use setup::{Read, Setup, Write};
pub use severity::{Severity, severity};

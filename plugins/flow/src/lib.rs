//! What `throttle`, `count` and `dedupe` share. Not a hook.
//!
//! Their configs are written with [`Span`] and [`Rate`]; [`By`] tells which events belong together and writes that into
//! new events; [`Groups`] keeps something for each of a bounded number of them, by its [`Key`]; [`Writer`] and [`Reader`] make the states
//! that they save.

mod by;
mod groups;
mod key;
mod members;
mod path;
mod rate;
mod span;
mod state;

pub use by::{By, is_missing};
pub use groups::{Groups, MOST_BYTES};
pub use key::{Key, StoredKey};
pub use rate::{Per, Rate};
pub use span::Span;
pub use state::{Reader, Writer};

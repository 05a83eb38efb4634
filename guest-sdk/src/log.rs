//! Lines for the operator, in the host's log with the hook's name.
//!
//! Calling any of these makes the hook import `hookaroon:hook/log`, which needs `imports = ["log"]` in its grant. The
//! host keeps 1 KiB of a line and 100 lines a second.

use crate::bindings::hookaroon::hook::log::{Level, log};

/// For who looks for a fault.
///
/// ```
/// # use hookaroon_sdk::log;
/// fn found(entries: usize) {
///     log::debug(&format!("the table has {entries} entries"));
/// }
/// ```
pub fn debug(message: &str) {
    log(Level::Debug, message);
}

/// What goes on.
pub fn info(message: &str) {
    log(Level::Info, message);
}

/// What may become a fault.
pub fn warn(message: &str) {
    log(Level::Warn, message);
}

/// A fault.
pub fn error(message: &str) {
    log(Level::Error, message);
}

/// From now on the message of a panic and its place are logged before the panic ends the instance. For `init`.
///
/// ```
/// # use hookaroon_sdk::{NoConfig, Setup, log};
/// fn init(_: NoConfig, _: &mut Setup) -> Result<(), String> {
///     log::panics();
///     Ok(())
/// }
/// ```
pub fn panics() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

//! Lines for the operator, in the host's log with the hook's name.
//!
//! Calling any of these makes the hook import `hookaroon:hook/log`, which needs `imports = ["log"]` in its grant. The
//! host keeps 1 KiB of a line and 100 lines a second. Where the hook is not compiled to WebAssembly, in its unit tests,
//! there is no host: the lines go to standard error.
//!
//! ```
//! use hookaroon_sdk::{Event, Grant, Hook, NoConfig, Setup, Verdict, log};
//!
//! struct Speaks;
//!
//! impl Hook for Speaks {
//!     const GRANT: Grant = Grant { imports: &["log"], ..Grant::NONE };
//! #     type Config = NoConfig;
//!
//!     fn init(_: NoConfig, _: &mut Setup) -> Result<Speaks, String> {
//!         log::panics();
//!         log::info("it starts");
//!         Ok(Speaks)
//!     }
//! #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
//! #         Verdict::Keep
//! #     }
//! }
//! # hookaroon_sdk::testing::run::<Speaks>("{}", &["{}"])?;
//! # Ok::<(), String>(())
//! ```

use crate::bindings::hookaroon::hook::log::Level;

/// For who looks for a fault.
///
/// ```
/// # use hookaroon_sdk::log;
/// # let entries = 12;
/// log::debug(&format!("the table has {entries} entries"));
/// ```
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// What goes on.
///
/// ```
/// # use hookaroon_sdk::log;
/// log::info("the table was read again");
/// ```
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// What may become a fault.
///
/// ```
/// # use hookaroon_sdk::log;
/// log::warn("the table is 30 days old");
/// ```
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// A fault.
///
/// ```
/// # use hookaroon_sdk::log;
/// log::error("the table is empty: nothing is looked up");
/// ```
pub fn error(message: &str) {
    write(Level::Error, message);
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

#[cfg(target_arch = "wasm32")]
fn write(level: Level, message: &str) {
    crate::bindings::hookaroon::hook::log::log(level, message);
}

/// What wit-bindgen makes of the import would panic here.
#[cfg(not(target_arch = "wasm32"))]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}

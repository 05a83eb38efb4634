//! The contract as wit-bindgen makes it, for hooks that work on the columns themselves.
//!
//! ```
//! use hookaroon_sdk::bindings::exports::hookaroon::hook::lifecycle::Guest;
//! use hookaroon_sdk::bindings::hookaroon::hook::types::{
//!     Batch, BytesValues, Emission, Interest, Outcome, Placement, Reason, Setup,
//! };
//!
//! /// Drops the second half of every batch.
//! struct Half;
//!
//! impl Guest for Half {
//!     fn init(_: Setup) -> Result<Interest, String> {
//!         let (read, write, extra) = (Vec::new(), Vec::new(), Vec::new());
//!         Ok(Interest { read, write, tick_ms: None, placement: Placement::EveryWorker, extra })
//!     }
//!
//!     fn process(batch: Batch) -> Result<Outcome, String> {
//!         let keep = (0..batch.rows).map(|row| u8::from(row < batch.rows / 2)).collect();
//!         Ok(Outcome { keep, writes: Vec::new(), emit: nothing(), errors: Vec::new() })
//!     }
//! #   fn tick(_: u64) -> Result<Emission, String> {
//! #       Ok(nothing())
//! #   }
//! #   fn save() -> Option<Vec<u8>> {
//! #       None
//! #   }
//! #   fn teardown(_: Reason) -> Emission {
//! #       nothing()
//! #   }
//!     // tick, save and teardown
//! }
//!
//! fn nothing() -> Emission {
//!     Emission { events: BytesValues { data: Vec::new(), ends: Vec::new() }, after: Vec::new() }
//! }
//!
//! #[cfg(target_arch = "wasm32")]
//! hookaroon_sdk::bindings::export!(Half);
//! # let outcome = Half::process(Batch { now_ns: 0, rows: 4, columns: Vec::new() })?;
//! # assert_eq!(outcome.keep, [1, 1, 0, 0]);
//! # Ok::<(), String>(())
//! ```
//!
//! The world names the log, but what a hook does not call is not linked, and so not imported. The lints are off for
//! what is generated.
#![allow(missing_docs, unsafe_code, unused_qualifications)]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

wit_bindgen::generate!({
    inline: "
        package hookaroon:sdk;
        world sdk {
            include hookaroon:hook/hook@0.1.0;
            import hookaroon:hook/log@0.1.0;
        }
    ",
    path: "wit",
    world: "hookaroon:sdk/sdk",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "hookaroon_sdk::bindings",
});

//! The contract as wit-bindgen makes it, for hooks that work on the columns themselves.
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

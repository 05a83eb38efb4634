//! Makes a component of a core module that was built for `wasm32-unknown-unknown` with wit-bindgen.
//!
//! Such a module carries the types of its interface in a custom section; [`wrap`] joins the two, so that a plain
//! `cargo build` is all that a hook's author needs. The host runs it in the compiler's process only, because it is given
//! what a stranger built, and bounds are that process's; `hookaroon build` runs it on what the author just compiled.
//! Failures are [`WrapError`]s, which complete a sentence that starts with the plugin's name.

use serde::{Deserialize, Serialize};
use wit_component::ComponentEncoder;

use super::scan::Scan;

/// Why there is no component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum WrapError {
    /// It was built for a command line or browser, not as a hook.
    #[error(
        "is a core module that imports from {module:?}; build it for the target wasm32-unknown-unknown, or make a \
         component of it"
    )]
    OtherTarget {
        /// What it imports from.
        module: String,
    },
    /// It says nothing about interfaces.
    #[error(
        "is a core module that exports no hook interface, only {exports}; build it with the hookaroon SDK or with \
         wit-bindgen for the target wasm32-unknown-unknown"
    )]
    NoInterface {
        /// What it does export.
        exports: String,
    },
    /// Its code and its types don't fit.
    #[error("is a core module that makes no component: {reason}; build it again with one version of the SDK")]
    Unfit {
        /// What doesn't fit.
        reason: String,
    },
}

/// The component of a core module that was scanned before.
pub fn wrap(module: &[u8], scan: &Scan<'_>) -> Result<Vec<u8>, WrapError> {
    let foreign =
        ["wasi_snapshot_preview1", "wasi_unstable", "env", "wbg", "__wbindgen_placeholder__", "gojs"];
    if let Some(module) = scan.imports.iter().find(|module| foreign.contains(&module.as_str())) {
        return Err(WrapError::OtherTarget { module: module.clone() });
    }
    if !scan.has_component_type {
        return Err(WrapError::NoInterface { exports: listed(&scan.exports) });
    }
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| WrapError::Unfit { reason: format!("{error:#}") })
}

/// Names for a message: quoted, and no more than anyone reads.
pub(super) fn listed(names: &[String]) -> String {
    const MOST: usize = 8;
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let mut text: Vec<String> = names.iter().take(MOST).map(|name| format!("{name:?}")).collect();
    if names.len() > MOST {
        text.push("more".to_owned());
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::scan::{Limits, scan};

    fn refusal(text: &str) -> String {
        let module = wat::parse_str(text).unwrap();
        wrap(&module, &scan(&module, &Limits::DEFAULT).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_module_without_types_is_told_how_to_be_built() {
        let message = refusal(r#"(module (func (export "filter")))"#);
        assert!(message.contains("only \"filter\"") && message.contains("hookaroon SDK"), "{message}");
        assert!(refusal("(module)").contains("only nothing"));
    }

    #[test]
    fn a_module_for_another_target_is_told_which_one_is_right() {
        let message = refusal(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#);
        assert!(message.contains("wasi_snapshot_preview1") && message.contains("wasm32-unknown-unknown"));
    }

    #[test]
    fn types_that_cannot_be_read_are_an_error() {
        let message = refusal(r#"(module (@custom "component-type:hook" "nonsense"))"#);
        assert!(message.contains("makes no component"), "{message}");
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        assert!(listed(&names).ends_with("\"7\", more"));
    }
}

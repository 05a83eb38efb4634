//! Makes a component of a core module that was built for `wasm32-unknown-unknown` with wit-bindgen.
//!
//! Such a module carries the types of its interface in a custom section; [`wrap`] joins the two, so that a plain
//! `cargo build` is all that a hook's author needs. The host runs it in the compiler's process only, because it is given
//! what a stranger built, and bounds are that process's; `hookaroon build` runs it on what the author just compiled.
//! Failures are [`WrapError`]s, which complete a sentence that starts with the plugin's name.

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::load::served;
use super::scan::{Scan, shortened};

/// The target for which hooks are built, and how to get it.
pub(super) const TARGET: &str =
    "build it for wasm32-unknown-unknown (rustup target add wasm32-unknown-unknown)";

/// Why there is no component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum WrapError {
    /// It was built for a command line or browser, not as a hook.
    #[error("imports {import:?}, which no host offers; this one offers {}; {}", served(), remedy(import))]
    OtherTarget {
        /// The first such import: `env::now`.
        import: String,
    },
    /// It is a program.
    #[error(
        "is an executable and no hook, it exports only {exports}; in Rust, make a library of it: crate-type = \
         [\"cdylib\"] below [lib] in Cargo.toml, and hookaroon_sdk::export!(MyHook); in src/lib.rs"
    )]
    Executable {
        /// What it does export.
        exports: String,
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
    if let Some(import) = foreign(module) {
        return Err(WrapError::OtherTarget { import });
    }
    if !scan.has_component_type {
        let exports = listed(&scan.exports);
        let is_program = scan.exports.iter().any(|name| matches!(name.as_str(), "main" | "_start"));
        return Err(if is_program {
            WrapError::Executable { exports }
        } else {
            WrapError::NoInterface { exports }
        });
    }
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| WrapError::Unfit { reason: format!("{error:#}") })
}

/// The first import that is of no interface. Those of interfaces are named `package:name/interface`, `[export]...`,
/// `$root` and, in a later naming, `cm32p2...`.
fn foreign(module: &[u8]) -> Option<String> {
    let is_foreign =
        |name: &str| !name.contains(':') && !name.starts_with(['[', '$']) && !name.starts_with("cm32p2");
    // What is broken in it, the encoder tells.
    let payloads = Parser::new(0).parse_all(module).map_while(Result::ok);
    payloads
        .filter_map(|payload| match payload {
            Payload::ImportSection(section) => Some(section),
            _ => None,
        })
        .flat_map(|section| section.into_imports().map_while(Result::ok))
        .find(|import| is_foreign(import.module))
        .map(|import| format!("{}::{}", shortened(import.module), shortened(import.name)))
}

/// How a hook gets along without an import that is of no interface.
fn remedy(import: &str) -> String {
    match import.split_once("::").map_or(import, |(module, _)| module) {
        module if module.starts_with("wasi") => format!("{TARGET}, in C without printf and files"),
        "wbg" | "__wbindgen_placeholder__" => {
            "turn off the feature of a crate that makes it one for browsers, often \"js\"".to_owned()
        }
        _ => "take out the extern block that names it, or the crate that has one".to_owned(),
    }
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
        assert!(message.contains("wasi_snapshot_preview1::fd_write"), "{message}");
        assert!(message.contains("rustup target add wasm32-unknown-unknown"), "{message}");
        let message = refusal(r#"(module (import "__wbindgen_placeholder__" "now" (func)))"#);
        assert!(message.contains("browsers"), "{message}");
        let interfaces = r#"(import "acme:clock/wall@1.0.0" "now" (func)) (import "[export]a:b/c" "d" (func)) (import "$root" "e" (func))"#;
        let message = refusal(&format!(r#"(module {interfaces} (import "env" "now" (func)))"#));
        assert!(
            message.contains("imports \"env::now\"") && message.contains("hookaroon:hook/log"),
            "{message}"
        );
    }

    #[test]
    fn a_program_is_told_to_be_a_library() {
        let message = refusal(r#"(module (func (export "main")))"#);
        assert!(message.contains("executable") && message.contains("crate-type = [\"cdylib\"]"), "{message}");
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

//! From the module that cargo made to the plugin that is handed out: stripped, a component, with a manifest.
//!
//! Sections are copied as they are, so nothing that runs is changed. The module is the author's own, which their own
//! cargo just compiled; bounds and doubts are for who loads it later.

use serde_json::json;
use wasm_encoder::{ComponentSection, CustomSection, RawSection, Section};
use wasmparser::{Encoding, Parser, Payload};

use super::cargo::{Package, TARGET};
use crate::hook::manifest;
use crate::hook::scan::{Limits, ScanError, scan};
use crate::hook::wrap::{WrapError, wrap};

/// What every hook exports, without the version.
const LIFECYCLE: &str = "hookaroon:hook/lifecycle";

/// Custom sections that are for debuggers and people only.
const DISPENSABLE: [&str; 5] =
    ["name", "producers", "target_features", "sourceMappingURL", "external_debug_info"];

/// Why a module becomes no plugin.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// The author forgot a line.
    #[error("the crate exports no hook; add at the end of src/lib.rs: hookaroon_sdk::export!(MyHook);")]
    NoExport,
    /// It calls what no host has.
    #[error(
        "the hook imports {import:?}, which no host offers; a crate that it depends on, or an extern block, is \
         for another target than {TARGET}: `cargo tree` shows the crates, look for a feature that turns it off"
    )]
    Import {
        /// The first such import: `env::now`.
        import: String,
    },
    /// Something else does not fit.
    #[error("the module that cargo made {0}")]
    Unfit(WrapError),
    /// It is over a limit.
    #[error("the module that cargo made {0}")]
    Scan(#[from] ScanError),
    /// It cannot be read.
    #[error("the module that cargo made cannot be read: {0}")]
    Broken(#[from] wasmparser::BinaryReaderError),
}

/// Makes the plugin of a module. With `debug`, names and lines stay in.
pub fn finish(module: &[u8], package: &Package, debug: bool) -> Result<Vec<u8>, FinishError> {
    let module = if debug { module.to_owned() } else { strip(module)? };
    let limits = Limits { file_bytes: u64::MAX, ..Limits::DEFAULT };
    let found = scan(&module, &limits)?;
    let mut component = wrap(&module, &found).map_err(|error| match error {
        WrapError::OtherTarget { import } => FinishError::Import { import },
        WrapError::NoInterface { .. } | WrapError::Executable { .. } => FinishError::NoExport,
        WrapError::Unfit { .. } => FinishError::Unfit(error),
    })?;
    // The SDK brings the types of the interface, whether a hook is exported or not.
    if !scan(&component, &limits)?.exports.iter().any(|export| export.starts_with(LIFECYCLE)) {
        return Err(FinishError::NoExport);
    }
    if found.manifest.is_none() {
        describe(&mut component, package);
    }
    Ok(component)
}

/// A module without what only debuggers and people read.
fn strip(module: &[u8]) -> Result<Vec<u8>, wasmparser::BinaryReaderError> {
    let mut stripped = Vec::with_capacity(module.len());
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding: Encoding::Module, range, .. } => {
                stripped.extend_from_slice(module.get(range.clone()).unwrap_or_default());
            }
            Payload::CustomSection(section)
                if DISPENSABLE.contains(&section.name()) || section.name().starts_with(".debug") => {}
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    let data = module.get(range).unwrap_or_default();
                    RawSection { id, data }.append_to(&mut stripped);
                }
            }
        }
    }
    Ok(stripped)
}

/// Adds what Cargo.toml says, to a plugin that says nothing of itself because it was built without the SDK.
fn describe(component: &mut Vec<u8>, package: &Package) {
    let about = json!({
        "name": package.name,
        "version": package.version,
        "description": package.description.as_deref().unwrap_or_default(),
    });
    let data = about.to_string().into_bytes();
    let section = CustomSection { name: manifest::SECTION.into(), data: data.into() };
    ComponentSection::append_to_component(&section, component);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Package {
        let package = json!({
            "name": "slow", "version": "1.2.3", "description": "d", "manifest_path": "/slow/Cargo.toml", "targets": [],
        });
        serde_json::from_value(package).unwrap()
    }

    fn refusal(text: &str) -> String {
        finish(&wat::parse_str(text).unwrap(), &package(), false).unwrap_err().to_string()
    }

    #[test]
    fn a_crate_that_forgot_its_export_is_told_the_line_to_add() {
        assert!(refusal("(module)").contains("export!(MyHook)"));
        assert!(refusal("(module (func (export \"process\")))").contains("export!(MyHook)"));
    }

    #[test]
    fn an_import_that_no_host_offers_says_where_to_look() {
        let message = refusal("(module (import \"env\" \"now\" (func)))");
        assert!(message.contains("imports \"env::now\"") && message.contains("cargo tree"), "{message}");
        let message = refusal("(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func)))");
        assert!(message.contains("wasm32-unknown-unknown"), "{message}");
    }

    #[test]
    fn stripping_takes_names_and_debug_sections_and_nothing_else() {
        let text =
            "(module (@custom \".debug_line\" \"x\") (@custom \"hookaroon:manifest\" \"{}\") (memory 1)
                    (func $f (export \"f\") (result i32) i32.const 7) (data (i32.const 0) \"kept\"))";
        let module = wat::parse_str(text).unwrap();
        let stripped = strip(&module).unwrap();
        let customs = |bytes: &[u8]| -> Vec<String> {
            let payloads = Parser::new(0).parse_all(bytes).map(Result::unwrap);
            payloads
                .filter_map(|payload| match payload {
                    Payload::CustomSection(section) => Some(section.name().to_owned()),
                    _ => None,
                })
                .collect()
        };
        assert_eq!(customs(&module), [".debug_line", "hookaroon:manifest", "name"]);
        assert_eq!(customs(&stripped), ["hookaroon:manifest"]);
        let without = text.replace("(@custom \".debug_line\" \"x\")", "").replace("$f ", "");
        assert_eq!(stripped, wat::parse_str(without).unwrap());
    }

    #[test]
    fn a_plugin_that_says_nothing_of_itself_gets_what_cargo_says() {
        let mut component = wat::parse_str("(component)").unwrap();
        describe(&mut component, &package());
        let found = scan(&component, &Limits::DEFAULT).unwrap();
        let manifest = manifest::parse(found.manifest.unwrap()).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("slow", "1.2.3"));
    }
}

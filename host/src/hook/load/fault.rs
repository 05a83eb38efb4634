//! Why a plugin is not loaded, each with its remedy.

use std::io;

use super::{LIFECYCLE, PACKAGE, SERVED, served};
use crate::hook::compile::CompileError;
use crate::hook::manifest::printable;
use crate::hook::standard;
use crate::hook::trust::TrustFault;
use crate::hook::wrap::listed;

/// Why a plugin was not loaded.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}plugin {plugin:?} {}",
    hook.as_ref().map(|hook| format!("hook {hook:?}: ")).unwrap_or_default(),
    printable(&fault.to_string())
)]
pub struct LoadError {
    /// For which hook; nothing: it was only inspected.
    pub hook: Option<String>,
    /// Its standard name or path.
    pub plugin: String,
    /// What is wrong.
    pub fault: LoadFault,
}

/// What is wrong with a plugin. Completes a sentence that starts with its name.
#[derive(Debug, thiserror::Error)]
pub enum LoadFault {
    /// No such file.
    #[error(
        "does not exist; `hookaroon build` makes it of a hook's folder; in a configuration its path is relative to the file"
    )]
    Missing,
    /// No such standard hook.
    #[error("is no standard hook{}; those are {}; a file's name ends in .wasm", similar(*nearest), standard::NAMES.join(", "))]
    NotStandard {
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A standard hook that is not installed.
    #[error(
        "is a standard hook, but this build does not carry it and it is not in {directories}; install it there"
    )]
    NotInstalled {
        /// Where it was looked for.
        directories: String,
    },
    /// A directory, a pipe, a device.
    #[error("is {kind}, not a file; name the .wasm file")]
    NotFile {
        /// What it is.
        kind: &'static str,
    },
    /// The system does not let us.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is not the one that was pinned.
    #[error(
        "has the sha256 {actual}, but {pinned} is pinned; if the change is meant, write the former into the hook's sha256"
    )]
    Pin {
        /// What it has.
        actual: String,
        /// What it must have.
        pinned: String,
    },
    /// It is not signed by who is trusted.
    #[error(transparent)]
    Trust(#[from] TrustFault),
    /// It cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It is WebAssembly, but no hook.
    #[error(
        "is no hook: it does not export {PACKAGE}{LIFECYCLE}, only {exports}; build it for the world \
         hookaroon:hook/hook, in Rust with hookaroon_sdk::export!(MyHook); at the end of src/lib.rs"
    )]
    NoLifecycle {
        /// What it exports.
        exports: String,
    },
    /// It is a hook of another time.
    #[error(
        "is built for {interface}; this host serves {SERVED}; build it for that version, or use a host that serves it"
    )]
    Version {
        /// The interface and its version.
        interface: String,
    },
    /// Its lifecycle is not whole.
    #[error(
        "exports {lifecycle}, but without the function {function}; build it for the world hookaroon:hook/hook"
    )]
    NoFunction {
        /// The export.
        lifecycle: String,
        /// What it lacks.
        function: &'static str,
    },
    /// It wants what no host interface offers.
    #[error("needs import {import:?}, which this host does not serve; it serves {}; {hint}", served())]
    NotServed {
        /// What it wants.
        import: String,
        /// How it gets along without.
        hint: String,
    },
    /// It wants what the operator did not grant.
    #[error(
        "needs import {}, which is not granted; add imports = [{grant}] to [hook.grant]",
        listed(imports)
    )]
    NotGranted {
        /// What it wants, all that is missing.
        imports: Vec<String>,
        /// All that it needs, as the line to add has it.
        grant: String,
    },
    /// wasmtime does not take what its own compiler made.
    #[error("was compiled, but its machine code cannot be loaded: {0}")]
    Artifact(String),
}

impl LoadFault {
    /// Whether what lies at the plugin's path is no plugin.
    pub(super) fn is_of_the_file(&self) -> bool {
        matches!(
            self,
            LoadFault::Missing | LoadFault::NotFile { .. } | LoadFault::Unreadable(_) | LoadFault::Compile(_)
        )
    }
}

fn similar(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean {name}?")).unwrap_or_default()
}

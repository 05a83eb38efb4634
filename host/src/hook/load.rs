//! From a plugin's file to a component that can run: read, check pin and signature (`vet`), compile or take from the
//! cache, check what it needs against what is granted.
//!
//! Bounds: the file's size, and what the scan and the compiler process hold the plugin to. What goes wrong is a
//! [`LoadError`] that names hook, plugin and remedy, and leaves nothing behind; a cache that does not help is only a
//! warning. Whether the types behind the names are those of the contract shows when a blueprint is made of the plugin.

mod fault;
mod vet;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::{Cache, Key};
use super::compile::{Compiled, Compiler, Facts};
use super::engine;
use super::kept::Kept;
use super::manifest::{Manifest, printable};
use super::standard;
use super::trust::{Beside, Trust};
use super::wasi;
use super::wrap::{TARGET, listed};
pub use fault::{LoadError, LoadFault};
pub(crate) use vet::sha256;
use vet::{Found, Vetted};

/// The package of the contract, and the start of the versions that this host serves.
const PACKAGE: &str = "hookaroon:hook/";
const SERVED: &str = "0.1";

/// What every hook exports.
const LIFECYCLE: &str = "lifecycle";
const FUNCTIONS: [&str; 5] = ["init", "process", "tick", "save", "teardown"];

/// The interfaces that this host serves to those who are granted them.
const GRANTABLE: [&str; 1] = ["log"];

/// The interface without functions that comes with the others and needs no grant.
const TYPES: &str = "types";

/// Where a plugin comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// A standard hook, by name.
    Standard(String),
    /// A file.
    File(PathBuf),
}

impl fmt::Display for PluginSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PluginSource::Standard(name) => formatter.write_str(name),
            PluginSource::File(path) => path.display().fmt(formatter),
        }
    }
}

/// What is to be loaded, and for whom.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The hook's name.
    pub hook: &'a str,
    /// Its plugin.
    pub source: PluginSource,
    /// The pin.
    pub sha256: Option<[u8; 32]>,
    /// The host interfaces that it may call, by their short names: `log`.
    pub granted_imports: &'a [String],
}

/// A plugin that is ready to be instantiated.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its standard name or path.
    pub label: String,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// Bytes of its file.
    pub size: u64,
    /// The machine code.
    pub component: Component,
    /// The name under which it exports the lifecycle, with the version that it was built for.
    pub lifecycle: String,
    /// The host interfaces that it calls, all granted.
    pub imports: Vec<Import>,
    /// Its own description.
    pub manifest: Option<Manifest>,
    /// What did not help, but did not stop it either.
    pub warnings: Vec<String>,
    /// Whether it was compiled before.
    pub from_cache: bool,
    /// How long it took to get the machine code, in milliseconds.
    pub compile_ms: u64,
}

/// A host interface that a plugin calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// As it stands in `[hook.grant]`: `log`.
    pub name: String,
    /// As it stands in the plugin: `hookaroon:hook/log@0.1.0`.
    pub interface: String,
}

/// What can be said of a plugin without running or even compiling it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// Bytes of its file.
    pub size: u64,
    /// What it is, imports and exports.
    pub facts: Facts,
    /// The host interfaces that it needs a grant for.
    pub needs: Vec<Import>,
    /// Why it would not load with those grants; nothing: it would.
    pub fault: Option<String>,
    /// The signatures beside its file, unchecked; none: it is no file.
    pub signatures: Option<Vec<Beside>>,
}

impl Inspection {
    /// The version of the contract that it was built for.
    pub fn version(&self) -> Option<&str> {
        self.facts.exports.iter().find_map(|export| ours(export).filter(|(name, _)| *name == LIFECYCLE)?.1)
    }
}

/// The host interfaces that this host offers, for messages.
pub(super) fn served() -> String {
    GRANTABLE.map(|name| format!("{PACKAGE}{name}@{SERVED}")).join(", ")
}

/// Loads plugins.
#[derive(Debug)]
pub struct Loader {
    engine: Engine,
    fingerprint: [u8; 32],
    compiler: Compiler,
    cache: Option<Cache>,
    trust: Trust,
    /// Where plugins that were at work are kept; none: nowhere.
    kept: Option<Kept>,
}

impl Loader {
    /// Loads for `engine` what `trust` lets in. Without a cache, each load compiles.
    pub fn new(engine: Engine, compiler: Compiler, cache: Option<Cache>, trust: Trust) -> Loader {
        let fingerprint = engine::fingerprint(&engine);
        Loader { engine, fingerprint, compiler, cache, trust, kept: None }
    }

    /// The same, and it keeps what it loads, so that a version that was at work can be loaded when its file is gone.
    pub fn keeping(self, kept: Kept) -> Loader {
        Loader { kept: Some(kept), ..self }
    }

    /// Where plugins that were at work are kept.
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// A plugin that it loaded is at work for a hook, or only tried. What goes wrong here is a warning: the hook is at work all the same.
    pub fn note_at_work(&self, hook: &str, plugin: &Plugin, tried: bool) {
        if let Some(kept) = &self.kept
            && let Err(error) = kept.list(hook, &plugin.sha256, &plugin.label, tried)
        {
            tracing::warn!(hook, "its plugin is not kept for later, and cannot be gone back to: {error}");
        }
    }

    /// The engine that the plugins are compiled for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Loads a plugin; takes milliseconds from the cache and up to minutes without it.
    pub fn load(&self, request: &Request<'_>) -> Result<Plugin, LoadError> {
        self.try_load(request).map_err(|fault| LoadError {
            hook: Some(request.hook.to_owned()),
            plugin: request.source.to_string(),
            fault,
        })
    }

    /// Looks at a plugin in the compiler process, without compiling it.
    pub fn inspect(&self, source: &PluginSource) -> Result<Inspection, LoadError> {
        let inspection = self.read(source).and_then(|found| {
            let signatures = found.file().map(Beside::of);
            let vetted = found.vet(None, &self.trust)?;
            Ok(Inspection { signatures, ..self.try_inspect(vetted.bytes())? })
        });
        inspection.map_err(|fault| LoadError { hook: None, plugin: source.to_string(), fault })
    }

    /// The same for a plugin that is going to be in `file`.
    pub fn inspect_bytes(&self, file: &Path, bytes: &[u8]) -> Result<Inspection, LoadError> {
        let inspection = self.try_inspect(bytes);
        let inspection = inspection.map(|found| Inspection { signatures: Some(Beside::of(file)), ..found });
        inspection.map_err(|fault| LoadError { hook: None, plugin: file.display().to_string(), fault })
    }

    fn try_inspect(&self, bytes: &[u8]) -> Result<Inspection, LoadFault> {
        let facts = self.compiler.facts(bytes)?;
        let needs: Vec<Import> = facts.imports.iter().filter_map(|import| need(import)).collect();
        let granted: Vec<String> = needs.iter().map(|need| need.name.clone()).collect();
        let fault = contract(&facts, &granted).err().map(|fault| printable(&fault.to_string()));
        Ok(Inspection {
            sha256: sha256(bytes),
            size: bytes.len() as u64,
            facts,
            needs,
            fault,
            signatures: None,
        })
    }

    /// Checks what can be checked of a plugin that is handed over before it is put anywhere: how large it is and, where
    /// `trust` asks for one, the signature that came along, with the ending of its file.
    pub fn vouch(&self, hook: &str, bytes: &[u8], signature: Option<(&str, &[u8])>) -> Result<(), LoadError> {
        let limit = self.compiler.scan_limits().file_bytes;
        let plugin = format!("{hook}.wasm");
        let checked = match bytes.len() as u64 {
            actual if actual > limit => Err(vet::too_large(actual, limit)),
            _ => self.trust.check_handed(Path::new(&plugin), bytes, signature).map_err(LoadFault::from),
        };
        checked.map_err(|fault| LoadError { hook: Some(hook.to_owned()), plugin, fault })
    }

    /// Loads a plugin that is no file here; the request's source is what errors call it. No signature is asked for:
    /// whoever hands it over vouches for it.
    pub fn load_bytes(&self, request: &Request<'_>, bytes: Vec<u8>) -> Result<Plugin, LoadError> {
        let vetted = Found::handed(bytes).vet(request.sha256, &self.trust);
        vetted.and_then(|vetted| self.load_vetted(request, vetted)).map_err(|fault| LoadError {
            hook: Some(request.hook.to_owned()),
            plugin: request.source.to_string(),
            fault,
        })
    }

    /// The same, but if no plugin lies there any more, the one that was at work last and came from there is loaded.
    pub fn load_or_last(&self, request: &Request<'_>) -> Result<Plugin, LoadError> {
        let loaded = self.load(request);
        let Err(LoadError { fault, .. }) = &loaded else { return loaded };
        let from = request.source.to_string();
        let last = self.kept.as_ref().and_then(|kept| kept.last_from(request.hook, &from));
        let Some(last) = last.filter(|_| fault.is_of_the_file()) else { return loaded };
        let Ok(mut plugin) = self.load(&Request { source: PluginSource::File(last), ..request.clone() })
        else {
            return loaded;
        };
        let digest = hex(&plugin.sha256);
        plugin
            .warnings
            .push(format!("{from} cannot be loaded ({fault}); what was at work last is: {digest}"));
        Ok(plugin)
    }

    fn try_load(&self, request: &Request<'_>) -> Result<Plugin, LoadFault> {
        self.read(&request.source).and_then(|found| self.load_found(request, found))
    }

    fn load_found(&self, request: &Request<'_>, found: Found) -> Result<Plugin, LoadFault> {
        let file = found.file().map(Path::to_owned);
        let vetted = found.vet(request.sha256, &self.trust)?;
        let keep = |kept: &Kept| kept.put(request.hook, &vetted.sha256(), vetted.bytes(), file.as_deref());
        let unkept = self.kept.as_ref().and_then(|kept| keep(kept).err());
        let mut plugin = self.load_vetted(request, vetted)?;
        plugin.warnings.extend(unkept.map(|error| format!("it is not kept for later: {error}")));
        Ok(plugin)
    }

    fn load_vetted(&self, request: &Request<'_>, vetted: Vetted) -> Result<Plugin, LoadFault> {
        let start = Instant::now();
        let mut warnings = Vec::new();
        // What is compiled does not depend on the grants: who adds a missing one finds it in the cache.
        let ready = self.ready(&vetted, &mut warnings)?;
        let compile_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (lifecycle, imports) = contract(&ready.facts, request.granted_imports)?;
        let lifecycle = lifecycle.to_owned();
        if let Some(function) = missing_function(&ready.component, &lifecycle) {
            return Err(LoadFault::NoFunction { lifecycle, function });
        }
        Ok(Plugin {
            label: request.source.to_string(),
            sha256: vetted.sha256(),
            size: vetted.bytes().len() as u64,
            component: ready.component,
            lifecycle,
            imports,
            manifest: ready.facts.manifest,
            warnings,
            from_cache: ready.from_cache,
            compile_ms,
        })
    }

    fn read(&self, source: &PluginSource) -> Result<Found, LoadFault> {
        Found::read(source, self.compiler.scan_limits().file_bytes)
    }

    /// Machine code from the cache, or else from the compiler.
    fn ready(&self, vetted: &Vetted, warnings: &mut Vec<String>) -> Result<Ready, LoadFault> {
        let key = Key::new(&vetted.sha256(), &self.fingerprint, self.compiler.scan_limits());
        if let Some(cache) = &self.cache {
            match cache.get(&key) {
                Ok(Some(compiled)) => match revive(&self.engine, &compiled) {
                    Ok(component) => {
                        return Ok(Ready { facts: compiled.facts().clone(), component, from_cache: true });
                    }
                    Err(reason) => {
                        cache.remove(&key);
                        warnings
                            .push(format!("its machine code in the plugin cache is made again: {reason}"));
                    }
                },
                Ok(None) => {}
                Err(error) => warnings.push(error.to_string()),
            }
        }
        let compiled = self.compiler.compile(vetted.bytes())?;
        let component = revive(&self.engine, &compiled).map_err(LoadFault::Artifact)?;
        if let Some(Err(error)) = self.cache.as_ref().map(|cache| cache.put(&key, &compiled)) {
            warnings.push(error.to_string());
        }
        Ok(Ready { facts: compiled.facts().clone(), component, from_cache: false })
    }
}

/// The plugin's file as it is now, if it has no more than `limit` bytes.
pub(super) fn bytes_of(source: &PluginSource, limit: u64) -> Result<Cow<'static, [u8]>, LoadError> {
    Found::read(source, limit).map(Found::into_bytes).map_err(|fault| LoadError {
        hook: None,
        plugin: source.to_string(),
        fault,
    })
}

/// A plugin with its machine code.
struct Ready {
    facts: Facts,
    component: Component,
    from_cache: bool,
}

/// Puts machine code into this process.
#[allow(unsafe_code)]
fn revive(engine: &Engine, compiled: &Compiled) -> Result<Component, String> {
    // SAFETY: `deserialize` wants the unchanged output of `precompile_component`. A `Compiled` is only made from the
    // answer of a compiler process that this process started from its own executable, or from the bytes of a cache entry
    // that belongs to this user, that nobody else can write, and whose seal, made over the same output with a key that
    // only this user can read, was just checked over these very bytes.
    // wasmtime itself checks that version, target and settings are this engine's, and copies the bytes.
    unsafe { Component::deserialize(engine, compiled.artifact()) }.map_err(|error| format!("{error:#}"))
}

/// Checks the names that a plugin exports and imports. Returns its lifecycle's name and what it calls.
fn contract<'f>(facts: &'f Facts, granted: &[String]) -> Result<(&'f str, Vec<Import>), LoadFault> {
    let lifecycles = || {
        facts.exports.iter().filter_map(|export| match ours(export) {
            Some((LIFECYCLE, version)) => Some((export, version)),
            _ => None,
        })
    };
    let Some((lifecycle, _)) = lifecycles().find(|(_, version)| is_served(*version)) else {
        return Err(match lifecycles().next() {
            Some((export, _)) => LoadFault::Version { interface: export.clone() },
            None => LoadFault::NoLifecycle { exports: listed(&facts.exports) },
        });
    };
    let mut needs = Vec::new();
    for import in &facts.imports {
        match (need(import), ours(import)) {
            (Some(need), _) => needs.push(need),
            (None, Some((TYPES, version))) if is_served(version) => {}
            (None, None) if wasi::is_served(import) => {}
            (None, Some((name, version)))
                if !is_served(version) && (name == TYPES || GRANTABLE.contains(&name)) =>
            {
                return Err(LoadFault::Version { interface: import.clone() });
            }
            _ => return Err(LoadFault::NotServed { import: import.clone(), hint: hint(import) }),
        }
    }
    let is_granted = |need: &Import| granted.contains(&need.name);
    if needs.iter().all(is_granted) {
        return Ok((lifecycle, needs));
    }
    let imports = needs.iter().filter(|need| !is_granted(need)).map(|need| need.interface.clone()).collect();
    // The whole line, so that nothing that was granted before gets lost.
    let mut names: Vec<&str> = granted.iter().map(String::as_str).collect();
    names.extend(needs.iter().filter(|need| !is_granted(need)).map(|need| need.name.as_str()));
    let grant = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    Err(LoadFault::NotGranted { imports, grant })
}

/// The grant that an import needs, if it is one that this host serves.
fn need(import: &str) -> Option<Import> {
    let (name, version) = ours(import)?;
    let served = GRANTABLE.contains(&name) && is_served(version);
    served.then(|| Import { name: name.to_owned(), interface: import.to_owned() })
}

/// Interface and version of a name in the contract's package.
fn ours(name: &str) -> Option<(&str, Option<&str>)> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(rest.split_once('@').map_or((rest, None), |(name, version)| (name, Some(version))))
}

/// Whether this host serves a version: `0.1.x`, and no pre-release, which promises nothing.
fn is_served(version: Option<&str>) -> bool {
    let patch = version.and_then(|version| version.strip_prefix(SERVED)?.strip_prefix('.'));
    patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
}

fn hint(import: &str) -> String {
    if import.starts_with("wasi:") {
        format!("{TARGET}, or without WASI")
    } else {
        "build it without that import".to_owned()
    }
}

fn missing_function(component: &Component, lifecycle: &str) -> Option<&'static str> {
    let instance = component.get_export_index(None, lifecycle);
    FUNCTIONS.into_iter().find(|function| {
        instance
            .as_ref()
            .is_none_or(|instance| component.get_export_index(Some(instance), *function).is_none())
    })
}

fn no_standard(name: &str) -> LoadFault {
    if !standard::NAMES.contains(&name) {
        return LoadFault::NotStandard { nearest: standard::nearest(name) };
    }
    let directories: Vec<String> =
        standard::directories().iter().map(|directory| directory.display().to_string()).collect();
    LoadFault::NotInstalled { directories: directories.join(" or ") }
}

/// A digest as people compare it: 64 lower-case hex digits.
pub fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;

//! From the configuration to hooks that are ready to run: loaded, started once, and checked against their grants.
//!
//! Everything that is wrong with any of them is told at once.

use std::sync::Arc;

use super::failure::{Failure, FailureKind};
use super::grants;
use super::instance::{Blueprint, Instance};
use super::limits::Limits;
use super::load::{Loader, Plugin, Request};
use super::options::{self, Wrong};
use super::seat::Plan;
use crate::config;

/// A hook that is ready: the first of its instances is up.
pub struct Prepared {
    /// The hook as it is configured.
    pub hook: Arc<config::Hook>,
    /// Its plugin.
    pub plugin: Plugin,
    /// What its instances have in common.
    pub plan: Arc<Plan>,
    /// The first of them.
    pub first: Instance,
    /// A version that is tried beside it.
    pub candidate: Option<Box<Prepared>>,
}

impl Prepared {
    /// The same hook once more, with a first instance of its own that knows of nothing.
    pub fn again(&self) -> Result<Prepared, Failure> {
        let (first, asked) = self.plan.blueprint.start(0, &[])?;
        if asked != self.plan.asked {
            let message = "a fresh instance asked for other fields than the first one".to_owned();
            return Err(Failure::new(FailureKind::BadOutput, message, first.cost()));
        }
        Ok(Prepared {
            hook: self.hook.clone(),
            plugin: self.plugin.clone(),
            plan: self.plan.clone(),
            first,
            candidate: None,
        })
    }
}

/// Prepares the hooks that are enabled, in chain order. The errors each name the hook.
pub fn prepare(hooks: &[config::Hook], loader: &Loader, workers: u32) -> Result<Vec<Prepared>, Vec<String>> {
    let mut prepared = Vec::new();
    let mut wrong = Vec::new();
    for hook in hooks.iter().filter(|hook| hook.enabled) {
        let tried = hook.candidate.as_ref().map(|candidate| at_start(&candidate.hook(hook), loader, workers));
        match (at_start(hook, loader, workers), tried.transpose()) {
            (Ok(ready), Ok(tried)) => prepared.push(Prepared { candidate: tried.map(Box::new), ..ready }),
            (ready, tried) => {
                wrong.extend(ready.err().into_iter().flatten());
                wrong.extend(tried.err().into_iter().flatten().map(|error| format!("candidate: {error}")));
            }
        }
    }
    if wrong.is_empty() { Ok(prepared) } else { Err(wrong) }
}

/// Loads, starts and checks one hook.
pub(crate) fn one(hook: &config::Hook, loader: &Loader, workers: u32) -> Result<Prepared, Vec<String>> {
    let plugin = loader.load(&request(hook)).map_err(|error| vec![error.to_string()])?;
    prepare_loaded(hook, plugin, loader, workers)
}

/// The same when a run begins: what lay at the plugin's path when it was at work last will do.
fn at_start(hook: &config::Hook, loader: &Loader, workers: u32) -> Result<Prepared, Vec<String>> {
    let plugin = loader.load_or_last(&request(hook)).map_err(|error| vec![error.to_string()])?;
    prepare_loaded(hook, plugin, loader, workers)
}

fn request(hook: &config::Hook) -> Request<'_> {
    Request {
        hook: &hook.name,
        source: hook.plugin.clone(),
        sha256: hook.sha256,
        granted_imports: &hook.grant.imports,
    }
}

/// The same with a plugin that is loaded already, for this hook and what it is granted.
pub fn prepare_loaded(
    hook: &config::Hook,
    plugin: Plugin,
    loader: &Loader,
    workers: u32,
) -> Result<Prepared, Vec<String>> {
    for warning in &plugin.warnings {
        tracing::warn!(hook = hook.name.as_str(), "{warning}");
    }
    let at = |message: String| format!("{}: hook \"{}\": {message}", hook.place, hook.name);
    check_config(hook, &plugin)?;
    let blueprint = Blueprint::new(loader.engine(), &plugin.component, hook, limits(hook), workers)
        .map_err(|error| vec![at(format!("its plugin does not fit hookaroon:hook@0.1.0: {:#}", error))])?;
    let (first, asked) = blueprint.start(0, &[]).map_err(|failure| vec![at(init_failed(&failure))])?;
    let interest =
        grants::check(&asked, &hook.grant).map_err(|wrong| wrong.into_iter().map(at).collect::<Vec<_>>())?;
    for (key, _) in &asked.extra {
        tracing::info!(
            hook = hook.name.as_str(),
            "its interest has the key {key:?}, which this host does not know; ignored"
        );
    }
    Ok(Prepared {
        hook: Arc::new(hook.clone()),
        plugin,
        plan: Arc::new(Plan { blueprint, asked, interest, recycle: hook.recycle }),
        first,
        candidate: None,
    })
}

/// What each instance of a hook may consume.
pub(crate) fn limits(hook: &config::Hook) -> Limits {
    Limits {
        memory_bytes: usize::try_from(hook.memory_bytes).unwrap_or(usize::MAX),
        init: hook.deadlines.init,
        process: hook.deadlines.process,
        tick: hook.deadlines.tick,
        teardown: hook.deadlines.teardown,
        output: hook.output,
        log: hook.log,
    }
}

/// An error of init refuses the config, so it names that; the SDK does so itself where serde refuses it.
fn init_failed(failure: &Failure) -> String {
    const CONFIG: &str = "[hook.config]: ";
    let is_named = failure.kind != FailureKind::Error || failure.message.starts_with(CONFIG);
    format!("init failed ({}): {}{failure}", failure.kind.name(), if is_named { "" } else { CONFIG })
}

/// Holds a hook's config to the schema in its plugin's manifest, if that has one.
fn check_config(hook: &config::Hook, plugin: &Plugin) -> Result<(), Vec<String>> {
    let Some(schema) = plugin.manifest.as_ref().and_then(|manifest| manifest.config.as_ref()) else {
        return Ok(());
    };
    let settings = serde_json::from_str(&hook.config).unwrap_or_default();
    let tell = |wrong: &Wrong| {
        let message = wrong.message("config.", hook.config_places.is_outside(&wrong.path));
        let message = format!("hook {:?}: {message}", hook.name);
        let placed = hook.config_places.error(&wrong.path, wrong.at_key, message.clone());
        (placed.as_ref().and_then(|error| error.at), placed.map_or(message, |error| error.to_string()))
    };
    let mut wrong: Vec<_> = options::check(schema, &settings).iter().map(tell).collect();
    wrong.sort();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into_iter().map(|(_, message)| message).collect()) }
}

//! The one hook that `test` or `bench` tries out: its plugin, config, grant and limits, from the command line to a hook
//! that is ready to run.
//!
//! The grant is the one that the plugin's manifest suggests for this config, unless another is named. Everything that
//! is wrong is told at once, each with its remedy.

pub mod input;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::config::{self, Batch, Config, Hook, Places, arguments};
use crate::hook::load::{Loader, PluginSource};
use crate::hook::prepare::{Prepared, prepare};
use crate::hook::suggestion;

/// The first moment of the time that is made up: the start of 2026, in nanoseconds since 1970.
pub const START_NS: u64 = 1_767_225_600_000_000_000;

/// What every missing grant can be mended with.
const GRANT_HINT: &str = "the grant is the one that the plugin's manifest suggests (GRANT in the SDK); --grant FILE names \
     another, a file with the keys of [hook.grant]";

/// A hook as the command line describes it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// A file, or a standard hook's name.
    pub plugin: String,
    /// Its config.
    pub settings: Settings,
    /// A file with its grant; none: the manifest's.
    pub grant: Option<PathBuf>,
    /// Its memory cap; none: the default, or what the manifest says that it needs at least.
    pub memory: Option<u64>,
    /// The deadline of each batch; none: the default.
    pub deadline: Option<Duration>,
}

/// Where a hook's config is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// JSON on the command line.
    Json(String),
    /// A file, JSON or, if its name ends so, TOML.
    File(PathBuf),
}

impl std::str::FromStr for Settings {
    type Err = std::convert::Infallible;

    /// `@FILE` or JSON.
    fn from_str(text: &str) -> Result<Settings, Self::Err> {
        Ok(match text.strip_prefix('@') {
            Some(file) => Settings::File(PathBuf::from(file)),
            None => Settings::Json(text.to_owned()),
        })
    }
}

/// A hook that is ready, in a configuration of its own.
pub struct Ready {
    /// The configuration.
    pub config: Config,
    /// The hook.
    pub prepared: Prepared,
}

impl Candidate {
    /// The files that it is made of.
    pub fn files(&self) -> Vec<PathBuf> {
        let plugin = match self.source() {
            PluginSource::File(path) => Some(path),
            PluginSource::Standard(_) => None,
        };
        let settings = match &self.settings {
            Settings::File(path) => Some(path.clone()),
            Settings::Json(_) => None,
        };
        plugin.into_iter().chain(settings).chain(self.grant.clone()).collect()
    }

    fn source(&self) -> PluginSource {
        config::plugin_source(&self.plugin, Path::new(""))
    }

    /// Loads it and starts its first instance.
    pub fn prepare(&self, loader: &Loader, batch: Batch) -> Result<Ready, Vec<String>> {
        let one = |error: String| vec![error];
        let source = self.source();
        let manifest = loader.inspect(&source).map_err(|error| one(error.to_string()))?.facts.manifest;
        let manifest = manifest.as_ref();
        let (settings, places) = self.settings().map_err(one)?;
        let grant = match &self.grant {
            Some(file) => arguments::grant(file).map_err(|errors| one(errors.to_string()))?,
            None => {
                let settings: Value = serde_json::from_str(&settings).unwrap_or_default();
                suggestion::grant(manifest, &settings).map_err(one)?.unwrap_or_default()
            }
        };
        let mut hook = Hook::alone(self.name(), source, grant, settings);
        hook.config_places = places;
        let memory = hook.memory_bytes.max(suggestion::least_memory(manifest));
        hook.memory_bytes = self.memory.unwrap_or(memory);
        hook.deadlines.process = self.deadline.unwrap_or(hook.deadlines.process);
        let config = Config { batch, ..Config::pipe(vec![hook], Path::new("")) };
        let mut hooks = prepare(&config.hooks, loader, config.workers).map_err(with_hint)?;
        let prepared = hooks.pop().ok_or_else(|| one(format!("{}: there is no hook", self.plugin)))?;
        Ok(Ready { config, prepared })
    }

    /// The file's name without its ending.
    fn name(&self) -> String {
        Path::new(&self.plugin).file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The config as the JSON text of an object, and where its parts stand.
    fn settings(&self) -> Result<(String, Places), String> {
        let environment = |name: &str| std::env::var(name).ok();
        let (text, place, dir) = match &self.settings {
            Settings::Json(text) => (text.clone(), "--config".to_owned(), Path::new("")),
            Settings::File(path) if path.extension().is_some_and(|ending| ending == "toml") => {
                return arguments::settings(path, &environment).map_err(|errors| errors.to_string());
            }
            Settings::File(path) => {
                let text = config::text_of(path).map_err(|error| format!("--config: {error}"))?;
                (text, path.display().to_string(), path.parent().unwrap_or(Path::new("")))
            }
        };
        let written: Value = serde_json::from_str(&text).map_err(|error| {
            format!("{place}: it is not JSON: {error}; write for example '{{\"by\": \"id\"}}', or @FILE for a file")
        })?;
        if !written.is_object() {
            return Err(format!("{place}: it is no JSON object; write for example '{{\"by\": \"id\"}}'"));
        }
        let filled =
            config::settings_of(written, dir, &environment).map_err(|error| format!("{place}: {error}"))?;
        Ok((filled.to_string(), Places::default()))
    }
}

/// Says once what a missing grant is mended with.
fn with_hint(mut errors: Vec<String>) -> Vec<String> {
    if errors.iter().any(|error| error.contains("not granted")) {
        errors.push(GRANT_HINT.to_owned());
    }
    errors
}

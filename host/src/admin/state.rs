//! What the API looks at and changes: the run that it belongs to.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::audit::Audit;
use super::tokens::Tokens;
use crate::config::Config;
use crate::drain::Drain;
use crate::hook::dead_letters::store::Store;
use crate::hook::load::{Loader, Plugin};
use crate::hook::prepare::Prepared;
use crate::metrics::Metrics;

/// A run, as the API knows it.
#[derive(Debug)]
pub struct State {
    /// Its configuration.
    pub config: Config,
    /// The same as it is shown: every key, secrets as references.
    pub shown: Value,
    /// Loads plugins as the run does.
    pub loader: Loader,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether it is to end.
    pub drain: Arc<Drain>,
    /// The plugins of the hooks that are enabled, in chain order.
    pub loaded: Vec<Loaded>,
    /// Who may ask.
    pub tokens: Tokens,
    /// What was changed.
    pub audit: Audit,
    /// The events that hooks failed on.
    pub dead_letters: Store,
    /// Held by the one request that runs hooks on an event of its own.
    pub explaining: Mutex<()>,
}

/// A hook's plugin, as it was loaded; whatever lies at its path now.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The hook's number in the configuration.
    pub index: usize,
    /// Its plugin.
    pub plugin: Plugin,
}

/// What a run knows before it has started.
#[derive(Debug)]
pub struct Facts {
    /// As it is shown.
    pub shown: Value,
    /// What loaded the hooks.
    pub loader: Loader,
    /// What it loaded.
    pub loaded: Vec<Loaded>,
}

impl Loaded {
    /// The plugins of these hooks.
    pub fn all(hooks: &[Prepared]) -> Vec<Loaded> {
        hooks.iter().map(|hook| Loaded { index: hook.index, plugin: hook.plugin.clone() }).collect()
    }
}

impl State {
    /// Of a run with this configuration.
    pub fn new(config: &Config, facts: Facts, metrics: Arc<Metrics>, drain: Arc<Drain>) -> State {
        let Facts { shown, loader, loaded } = facts;
        State {
            shown,
            loader,
            metrics,
            drain,
            loaded,
            tokens: Tokens::new(&config.data_dir),
            audit: Audit::new(&config.data_dir),
            dead_letters: Store::new(&config.data_dir, &config.dead_letters),
            explaining: Mutex::default(),
            config: config.clone(),
        }
    }
}

//! What the API looks at and changes: the run that it belongs to.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::audit::Audit;
use super::tokens::Tokens;
use crate::config::Config;
use crate::drain::Drain;
use crate::hook::dead_letters::store::Store;
use crate::live::View;
use crate::live::control::Control;
use crate::live::follow::Nudge;
use crate::metrics::Metrics;

/// A run, as the API knows it.
pub struct State {
    /// Its hooks, and the way to change them.
    pub control: Arc<Control>,
    /// Tells the thread that follows the run of changes for a time.
    pub nudge: Nudge,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether it is to end.
    pub drain: Arc<Drain>,
    /// Where its files are.
    pub data_dir: PathBuf,
    /// Who may ask.
    pub tokens: Tokens,
    /// What was changed.
    pub audit: Audit,
    /// The events that hooks failed on.
    pub dead_letters: Store,
    /// Held by the one request that runs hooks on an event of its own.
    pub explaining: Mutex<()>,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("State").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

impl State {
    /// Of a run with this configuration.
    pub fn new(config: &Config, control: Arc<Control>, nudge: Nudge, drain: Arc<Drain>) -> State {
        State {
            metrics: control.live().metrics().clone(),
            control,
            nudge,
            drain,
            data_dir: config.data_dir.clone(),
            tokens: Tokens::new(&config.data_dir),
            audit: Audit::new(&config.data_dir),
            dead_letters: Store::new(&config.data_dir, &config.dead_letters),
            explaining: Mutex::default(),
        }
    }

    /// The hooks at work now.
    pub fn view(&self) -> Arc<View> {
        self.control.live().view()
    }
}

//! A configuration without a file: hooks of the command line between standard input and standard output.

use std::path::{Path, PathBuf};

use super::schema::{
    BATCH_BYTES, BATCH_ROWS, BATCH_WAIT, COST_WINDOW, DEAD_LETTERS_BYTES, DEADLINE, DRAIN_DEADLINE, EVENTS,
    INIT_DEADLINE, LOG_BYTES, LOG_LINES, MAX_EVENT_BYTES, MEMORY, OUTPUT, STATE, TEARDOWN_DEADLINE,
    TICK_DEADLINE,
};
use super::{
    Batch, Config, DeadLetters, Deadlines, Decode, Grant, Hook, Input, Keep, OnError, Output, OverCost,
    Place, Places, PluginLimits, Recycle, Rollout, Sink, Source, WhenOpen,
};
use crate::event::time::TimeFormat;
use crate::hook::load::PluginSource;
use crate::hook::spending::Budget;
use crate::hook::trust::Trust;
use crate::hook::{breaker, limits};

/// What a hook with so much memory makes the host hold, if nothing is said.
pub(super) fn default_limits(memory_bytes: u64) -> (limits::Output, limits::LogRate) {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let output = limits::Output {
        bytes: bytes(OUTPUT.default),
        events: bytes(EVENTS.default),
        state_bytes: bytes(memory_bytes / 4),
    };
    (output, limits::LogRate { lines: LOG_LINES.default, bytes: LOG_BYTES.default })
}

impl Hook {
    /// A hook with this config, as JSON, and nothing else said.
    pub fn alone(name: String, plugin: PluginSource, grant: Grant, config: String) -> Hook {
        let (output, log) = default_limits(MEMORY.default);
        Hook {
            rollout: Rollout::everyone(&name),
            name,
            plugin,
            sha256: None,
            enabled: true,
            is_paused: false,
            candidate: None,
            from: None,
            conditions: Vec::new(),
            memory_bytes: MEMORY.default,
            deadlines: Deadlines {
                process: DEADLINE.default,
                init: INIT_DEADLINE.default,
                tick: TICK_DEADLINE.default,
                teardown: TEARDOWN_DEADLINE.default,
            },
            output,
            log,
            recycle: Recycle::default(),
            on_error: OnError::DeadLetter,
            when_open: WhenOpen::Block,
            breaker: breaker::Settings::default(),
            budget: Budget { cost: None, share: None, window: COST_WINDOW.default },
            over_cost: OverCost::Warn,
            required: false,
            grant,
            config,
            config_places: Places::default(),
            place: Place { file: PathBuf::new(), line: 0 },
        }
    }
}

impl Hook {
    /// Whether a configuration could give it these limits. The error names the first that it could not.
    pub fn check_limits(&self) -> Result<(), String> {
        let Deadlines { process, init, tick, teardown } = self.deadlines;
        let times = [
            ("deadline", process, &DEADLINE),
            ("init_deadline", init, &INIT_DEADLINE),
            ("tick_deadline", tick, &TICK_DEADLINE),
            ("teardown_deadline", teardown, &TEARDOWN_DEADLINE),
        ];
        if !MEMORY.allowed.contains(&self.memory_bytes) {
            return Err(format!("memory is {} bytes, which no configuration allows", self.memory_bytes));
        }
        let limits::Output { bytes, events, state_bytes } = self.output;
        let sizes = [("output", bytes, &OUTPUT), ("events", events, &EVENTS), ("state", state_bytes, &STATE)];
        if let Some((key, size, _)) =
            sizes.into_iter().find(|(_, size, bounds)| !bounds.allowed.contains(&(*size as u64)))
        {
            return Err(format!("{key} is {size}, which no configuration allows"));
        }
        match times.into_iter().find(|(_, time, bounds)| !bounds.allowed.contains(time)) {
            Some((key, time, _)) => Err(format!("{key} is {time:?}, which no configuration allows")),
            None => Ok(()),
        }
    }
}

impl Config {
    /// Standard input through `hooks` to standard output.
    pub fn pipe(hooks: Vec<Hook>, data_dir: &Path) -> Config {
        Config {
            file: PathBuf::new(),
            includes: Vec::new(),
            data_dir: data_dir.to_owned(),
            workers: 1,
            max_event_bytes: MAX_EVENT_BYTES.default as usize,
            drain_deadline: DRAIN_DEADLINE.default,
            plugin_limits: PluginLimits::default(),
            trust: Trust::default(),
            batch: Batch::default(),
            dead_letters: DeadLetters::default(),
            admin: None,
            sources: vec![Source {
                name: "stdin".to_owned(),
                input: Input::Stdin,
                decode: Decode::Auto,
                time: TimeFormat::default(),
            }],
            hooks,
            sinks: vec![Sink {
                name: "stdout".to_owned(),
                output: Output::Stdout,
                from: None,
                conditions: Vec::new(),
                include: Vec::new(),
            }],
            tests: Vec::new(),
        }
    }
}

impl Default for Batch {
    fn default() -> Batch {
        Batch {
            rows: BATCH_ROWS.default as usize,
            bytes: BATCH_BYTES.default as usize,
            wait: BATCH_WAIT.default,
        }
    }
}

impl Default for DeadLetters {
    fn default() -> DeadLetters {
        DeadLetters { max_bytes: DEAD_LETTERS_BYTES.default, max_age: None, keep: Keep::Event }
    }
}

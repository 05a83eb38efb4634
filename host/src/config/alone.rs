//! A configuration without a file: hooks of the command line between standard input and standard output.

use std::path::{Path, PathBuf};

use super::schema::{
    BATCH_BYTES, BATCH_ROWS, BATCH_WAIT, COST_WINDOW, DEADLINE, EVENTS, INIT_DEADLINE, LOG_BYTES, LOG_LINES,
    MAX_EVENT_BYTES, MEMORY, OUTPUT, TEARDOWN_DEADLINE, TICK_DEADLINE,
};
use super::{
    Batch, Config, Deadlines, Decode, Grant, Hook, Input, OnError, Output, OverCost, Place, Places,
    PluginLimits, Recycle, Sink, Source, WhenOpen,
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
            name,
            plugin,
            sha256: None,
            enabled: true,
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

impl Config {
    /// Standard input through `hooks` to standard output.
    pub fn pipe(hooks: Vec<Hook>, data_dir: &Path) -> Config {
        Config {
            file: PathBuf::new(),
            data_dir: data_dir.to_owned(),
            workers: 1,
            max_event_bytes: MAX_EVENT_BYTES.default as usize,
            plugin_limits: PluginLimits::default(),
            trust: Trust::default(),
            batch: Batch::default(),
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

//! A configuration without a file: hooks of the command line between standard input and standard output.

use std::path::{Path, PathBuf};

use super::schema::{
    BATCH_BYTES, BATCH_ROWS, BATCH_WAIT, DEADLINE, INIT_DEADLINE, MAX_EVENT_BYTES, MEMORY, TEARDOWN_DEADLINE,
    TICK_DEADLINE,
};
use super::{
    Batch, Config, Deadlines, Decode, Grant, Hook, Input, OnError, Output, Place, Places, PluginLimits,
    Recycle, Sink, Source,
};
use crate::event::time::TimeFormat;
use crate::hook::load::PluginSource;
use crate::hook::trust::Trust;

impl Hook {
    /// A hook with this config, as JSON, and nothing else said.
    pub fn alone(name: String, plugin: PluginSource, grant: Grant, config: String) -> Hook {
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
            recycle: Recycle::default(),
            on_error: OnError::DeadLetter,
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

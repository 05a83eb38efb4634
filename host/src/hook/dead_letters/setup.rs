//! A hook as it was set up when it failed: all that, with the event, makes the same call again on another machine.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::objects::{Objects, digest};
use crate::config::{self, Deadlines};
use crate::event::path::Pattern;
use crate::hook::limits::Output;
use crate::hook::load::{self, Plugin, PluginSource, hex};

/// A hook's plugin, config, grant and limits, and what its instance was started with.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The hook's name.
    pub hook: String,
    /// SHA-256 of its plugin's file.
    pub plugin: String,
    /// Its own config, JSON as a text.
    pub config: String,
    /// What it may do.
    pub grant: Granted,
    /// The cap of the instance.
    pub memory_bytes: u64,
    /// CPU time for each kind of call.
    pub deadlines_ms: DeadlinesMs,
    /// What one call makes the host hold.
    pub output: Output,
    /// The number of the worker.
    pub worker: u32,
    /// How many workers there were.
    pub workers: u32,
    /// SHA-256 of the last save, which a fresh instance is started with; none: there was none.
    pub state: Option<String>,
    /// Where the plugin came from and how large it was, while the hook is at work.
    #[serde(skip)]
    source: Option<(PluginSource, u64)>,
}

/// A grant in the words of `[hook.grant]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    /// Fields that it may read.
    pub read: Vec<String>,
    /// Fields that it may write.
    pub write: Vec<String>,
    /// Whether it may drop events.
    pub drop: bool,
    /// Whether it may emit events.
    pub emit: bool,
    /// Host interfaces that it may call.
    pub imports: Vec<String>,
}

/// Deadlines in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadlinesMs {
    /// Of `init`.
    pub init: u64,
    /// Of `process`.
    pub process: u64,
    /// Of `tick` and `save`.
    pub tick: u64,
    /// Of `teardown`.
    pub teardown: u64,
}

impl fmt::Debug for Setup {
    /// Without the config, which may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Setup")
            .field("hook", &self.hook)
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}

impl Setup {
    /// A hook among so many workers, before any of its instances has a state.
    pub fn new(hook: &config::Hook, plugin: &Plugin, workers: u32) -> Setup {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Setup {
            hook: hook.name.clone(),
            plugin: hex(&plugin.sha256),
            config: hook.config.clone(),
            grant: Granted::from(&hook.grant),
            memory_bytes: hook.memory_bytes,
            deadlines_ms: DeadlinesMs {
                init: ms(hook.deadlines.init),
                process: ms(hook.deadlines.process),
                tick: ms(hook.deadlines.tick),
                teardown: ms(hook.deadlines.teardown),
            },
            output: hook.output,
            worker: 0,
            workers,
            state: None,
            source: Some((hook.plugin.clone(), plugin.size)),
        }
    }

    /// Keeps it with the plugin and this state of this worker's instance. Returns the digest that stands for it.
    pub(super) fn keep(&self, objects: &Objects, worker: u32, state: Option<&[u8]>) -> io::Result<String> {
        if let Some((source, size)) = self.source.as_ref().filter(|_| !objects.has(&self.plugin)) {
            let bytes = load::bytes_of(source, *size).map_err(io::Error::other)?;
            if digest(&bytes) != self.plugin {
                let message = format!(
                    "plugin {source} is no longer the one that runs, whose SHA-256 is {}",
                    self.plugin
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            objects.put(&bytes)?;
        }
        let state = state.map(|state| objects.put(state)).transpose()?;
        let setup = Setup { worker, state, ..self.clone() };
        let kept = objects.put(&serde_json::to_vec(&setup)?)?;
        let wanted = [Some(self.plugin.as_str()), setup.state.as_deref(), Some(kept.as_str())];
        objects.trim(&wanted.into_iter().flatten().collect::<Vec<_>>())?;
        Ok(kept)
    }

    /// The hook in a configuration once more, with this as its plugin.
    pub fn hook(&self, source: PluginSource) -> Result<config::Hook, String> {
        let grant = self.grant.grant()?;
        let ms = Duration::from_millis;
        let mut hook = config::Hook::alone(self.hook.clone(), source, grant, self.config.clone());
        hook.memory_bytes = self.memory_bytes;
        hook.deadlines = Deadlines {
            process: ms(self.deadlines_ms.process),
            init: ms(self.deadlines_ms.init),
            tick: ms(self.deadlines_ms.tick),
            teardown: ms(self.deadlines_ms.teardown),
        };
        hook.output = self.output;
        hook.check_limits()?;
        Ok(hook)
    }
}

impl Granted {
    /// The fields that may be read.
    pub fn read_patterns(&self) -> Vec<Pattern> {
        // They were patterns before they were texts.
        self.read.iter().filter_map(|pattern| pattern.parse().ok()).collect()
    }

    fn grant(&self) -> Result<config::Grant, String> {
        let patterns = |texts: &[String]| {
            let parse = |text: &String| text.parse().map_err(|error| format!("grant {text:?}: {error}"));
            texts.iter().map(parse).collect::<Result<Vec<Pattern>, String>>()
        };
        Ok(config::Grant {
            read: patterns(&self.read)?,
            write: patterns(&self.write)?,
            drop: self.drop,
            emit: self.emit,
            imports: self.imports.clone(),
        })
    }
}

impl From<&config::Grant> for Granted {
    fn from(grant: &config::Grant) -> Granted {
        let texts = |patterns: &[Pattern]| patterns.iter().map(Pattern::to_string).collect();
        Granted {
            read: texts(&grant.read),
            write: texts(&grant.write),
            drop: grant.drop,
            emit: grant.emit,
            imports: grant.imports.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn setup() -> Setup {
        Setup {
            hook: "h".to_owned(),
            plugin: digest(b"plugin"),
            config: "{}".to_owned(),
            grant: Granted { read: vec!["geo.*".to_owned()], drop: true, ..Granted::default() },
            memory_bytes: 1 << 20,
            deadlines_ms: DeadlinesMs { init: 1000, process: 50, tick: 50, teardown: 200 },
            output: Output { bytes: 1 << 20, events: 7, state_bytes: 1 << 10 },
            worker: 0,
            workers: 1,
            state: None,
            source: None,
        }
    }

    fn hook(setup: &Setup) -> Result<config::Hook, String> {
        setup.hook(PluginSource::File(PathBuf::from("p.wasm")))
    }

    #[test]
    fn a_hook_is_configured_as_it_was() {
        let hook = hook(&setup()).unwrap();
        assert_eq!(Granted::from(&hook.grant), setup().grant);
        assert_eq!((hook.memory_bytes, hook.deadlines.init.as_millis()), (1 << 20, 1000));
        assert_eq!(hook.output, setup().output);
    }

    #[test]
    fn limits_that_no_configuration_could_have_are_refused() {
        let wrong = [
            Setup { memory_bytes: u64::MAX, ..setup() },
            Setup { deadlines_ms: DeadlinesMs { process: u64::MAX, ..setup().deadlines_ms }, ..setup() },
            Setup { output: Output { bytes: usize::MAX, ..setup().output }, ..setup() },
            Setup { grant: Granted { write: vec!["a..b".to_owned()], ..Granted::default() }, ..setup() },
        ];
        for (setup, told) in wrong.iter().zip(["memory is", "deadline is", "output is", "grant \"a..b\""]) {
            let error = hook(setup).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn each_state_is_kept_once_with_its_setup_and_the_plugin_once() {
        let dir = tempfile::tempdir().unwrap();
        let plugin = dir.path().join("p.wasm");
        std::fs::write(&plugin, b"plugin").unwrap();
        let setup = Setup { source: Some((PluginSource::File(plugin.clone()), 6)), ..setup() };
        let objects = Objects::in_dir(dir.path().join("objects"));
        let first = setup.keep(&objects, 0, Some(b"1")).unwrap();
        // What is kept already is not read again.
        std::fs::write(&plugin, b"mended").unwrap();
        assert_eq!(setup.keep(&objects, 0, Some(b"1")).unwrap(), first);
        let second = setup.keep(&objects, 0, Some(b"2")).unwrap();
        assert_ne!(first, second);
        assert_eq!(std::fs::read_dir(dir.path().join("objects")).unwrap().count(), 5);
        let kept: Setup = serde_json::from_slice(&objects.get(&second).unwrap()).unwrap();
        assert_eq!(objects.get(&kept.state.unwrap()).unwrap(), b"2");
        let elsewhere = Objects::in_dir(dir.path().join("elsewhere"));
        let error = setup.keep(&elsewhere, 0, None).unwrap_err().to_string();
        assert!(error.contains("is no longer the one that runs"), "{error}");
    }
}

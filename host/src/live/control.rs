//! The hooks as they are wanted: what the files say, what operators changed since, and the verbs that change that.
//!
//! Each verb makes a new wish, has it made true ([`Live::apply`]), and keeps it only then; a wish that cannot be made true
//! changes nothing. What operators changed is kept in `data_dir/live.toml` and is there again after a restart; what is for a
//! time ends by itself. Files are read again when they change ([`follow`](super::follow)): then what differs is done, under
//! what operators changed.

pub mod told;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use toml::{Table, Value};

use super::overlay::{Change, Overlay, Position, Trial, Version};
use super::trials::{Decision, Trials};
use super::{Applied, ChangeError, HookView, Live, Options};
use crate::config::{self, Config, Errors, Files, is_name, of_table, suggestion};
use crate::hook::load::{PluginSource, hex};
use crate::hook::verdict::Verdict;
use crate::metrics::ROLLED_BACK;
use crate::replace::replace_own;

/// The file of what operators changed.
const FILE: &str = "live.toml";

/// How long a change that is for a time may be for.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The environment, for `{ env = ... }`.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No such hook.
    #[error("there is no hook {name:?}; {hint}")]
    NoHook {
        /// What was asked for.
        name: String,
        /// Which there are.
        hint: String,
    },
    /// The request itself is wrong.
    #[error("{0}")]
    Wrong(String),
    /// It could be another time: as things are it makes no sense.
    #[error("{0}")]
    Conflict(String),
    /// With it the configuration would not be valid.
    #[error("{0}")]
    Config(Errors),
    /// It cannot be made true.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A file in the data directory cannot be used.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Who asks for a change, and how it is to be made.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who.
    pub by: String,
    /// Everything is tried, and nothing is changed.
    pub dry_run: bool,
    /// It ends by itself after so long.
    pub lasts: Option<Duration>,
}

/// What came of an order.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    /// What was done with which hook: `loaded`, `swapped`, `changed`, `unloaded`.
    pub hooks: Vec<(String, &'static str)>,
    /// Whether the order of the hooks is another.
    pub reordered: bool,
    /// How long the flow stood still, in milliseconds.
    pub pause_ms: f64,
    /// Keys of the configuration that take effect at the next start.
    pub at_next_start: Vec<&'static str>,
    /// Nothing was changed, it would have been.
    pub dry_run: bool,
    /// Why it will be forgotten at the next start, if it cannot be kept.
    pub not_kept: Option<String>,
}

/// A plugin that somebody hands over.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its signature, and the ending of such a file: `minisig` or `sig`.
    pub signature: Option<(String, Vec<u8>)>,
}

/// What the files came to when they were read last.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reading {
    /// How often they were read anew.
    pub times: u64,
    /// When that was, the last time, in seconds since 1970.
    pub at: Option<u64>,
    /// What was wrong with them, if nothing was done.
    pub errors: Vec<String>,
}

/// The way to change hooks.
pub struct Control {
    live: Arc<Live>,
    environment: Environment,
    wanted: Mutex<Wanted>,
    /// Apart, so that whoever looks at it does not wait for a change that is under way.
    reading: Mutex<Reading>,
    trials: Mutex<Trials>,
    /// Where what operators changed is kept.
    file: PathBuf,
}

struct Wanted {
    files: Files,
    overlay: Overlay,
}

/// What a run begins with: the files and what operators changed before.
pub struct Beginning {
    /// What is wanted.
    pub config: Config,
    files: Files,
    overlay: Overlay,
}

impl Beginning {
    /// Reads `file`, what it includes, and what is kept in its data directory.
    pub fn read(
        file: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Beginning, ControlError> {
        let files = Files::read(file, environment).map_err(ControlError::Config)?;
        let kept = files.config.data_dir.join(FILE);
        let unusable = |error: io::Error| ControlError::File { path: kept.clone(), error };
        let mut overlay = match fs::read_to_string(&kept) {
            Ok(text) => {
                toml::from_str::<Overlay>(&text).map_err(|error| unusable(io::Error::other(error)))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Overlay::default(),
            Err(error) => return Err(unusable(error)),
        };
        overlay.expire(now());
        let config = wanted(&files, &overlay, &kept, environment).map_err(ControlError::Config)?;
        Ok(Beginning { config, files, overlay })
    }
}

/// What files and operators want together.
fn wanted(
    files: &Files,
    overlay: &Overlay,
    kept: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Errors> {
    if overlay.is_empty() {
        return Ok(files.config.clone());
    }
    let mut config = of_table(&overlay.onto(&files.table), kept, environment)?;
    config.file.clone_from(&files.config.file);
    // By default it is relative to the files, and not to what is kept in it.
    config.data_dir.clone_from(&files.config.data_dir);
    for hook in &mut config.hooks {
        hook.is_paused = overlay.paused().any(|name| name == hook.name);
        let as_in_file = files.config.hooks.iter().find(|other| other.name == hook.name);
        // Errors name the place where somebody can change it.
        if let Some(other) = as_in_file {
            hook.place.clone_from(&other.place);
        }
        if hook.is_paused && hook.required {
            let message = format!(
                "hook {:?} is paused, which lets events by that it did not process, and required = true forbids that",
                hook.name
            );
            return Err(Errors(vec![config::Error { file: kept.to_owned(), at: None, message }]));
        }
    }
    Ok(config)
}

impl Control {
    /// The control of a run that began so.
    pub fn new(live: Arc<Live>, beginning: Beginning, environment: Environment) -> Control {
        let Beginning { config, files, overlay } = beginning;
        let file = config.data_dir.join(FILE);
        let wanted = Mutex::new(Wanted { files, overlay });
        Control { live, environment, wanted, reading: Mutex::default(), trials: Mutex::default(), file }
    }

    /// The hooks at work.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// What operators changed.
    pub fn overlay(&self) -> Overlay {
        self.lock().overlay.clone()
    }

    /// What the files came to when they were read last.
    pub fn reading(&self) -> Reading {
        self.read().clone()
    }

    /// Puts the one hook of a text into the chain, at its end. What of it is a secret, as JSON pointers, is never shown.
    pub fn load(
        &self,
        text: &str,
        hidden: &BTreeSet<String>,
        upload: Option<&Upload>,
        order: &Order,
    ) -> Result<Done, ControlError> {
        let table = hook_in(text)?;
        let name = table.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !is_name(&name) {
            return Err(ControlError::Wrong(format!(
                "name {name:?} is no name of a hook; letters, digits, \"_\", \"-\" and \".\" are"
            )));
        }
        refuse_references(&table)?;
        if self.live.view().config.hooks.iter().any(|hook| hook.name == name) {
            let message =
                format!("there is a hook {name:?} already; swap it, set its keys, or unload it first");
            return Err(ControlError::Conflict(message));
        }
        let load = |table: Table| {
            self.change(order, &[], |overlay, change| {
                overlay.hook.remove(&name);
                let changes = overlay.of(&name);
                changes.loaded = Some(change.of(table));
                changes.hidden.clone_from(hidden);
            })
        };
        let Some(upload) = upload else { return load(table) };
        self.with_stored(&name, upload, order, |Version { plugin, sha256 }| {
            let mut table = table;
            table.insert("plugin".to_owned(), Value::String(plugin));
            table.entry("sha256").or_insert(Value::String(sha256));
            load(table)
        })
    }

    /// Takes a hook out of the chain.
    pub fn unload(&self, name: &str, order: &Order) -> Result<Done, ControlError> {
        self.known(name)?;
        self.change(order, &[], |overlay, change| {
            let changes = overlay.of(name);
            if change.until.is_none() && changes.loaded.is_some() {
                overlay.hook.remove(name);
            } else {
                changes.unloaded = Some(change.of(true));
            }
        })
    }

    /// Gives a hook another version of its plugin.
    pub fn swap(&self, name: &str, upload: &Upload, order: &Order) -> Result<Done, ControlError> {
        self.known(name)?;
        self.refuse_unpinned(name, upload)?;
        self.with_stored(name, upload, order, |version| self.swap_to(name, version, order))
    }

    /// Tries another version of its plugin beside a hook; `trial` has the keys of `[hook.candidate]`, but for the plugin.
    pub fn try_out(
        &self,
        name: &str,
        upload: &Upload,
        trial: &[(String, String)],
        order: &Order,
    ) -> Result<Done, ControlError> {
        self.known(name)?;
        self.refuse_unpinned(name, upload)?;
        let mut table = Table::new();
        for (key, text) in trial {
            table.insert(key.clone(), value(text));
        }
        refuse_references(&table)?;
        let instead_of = self.tried_in_files(name);
        self.with_stored(name, upload, order, |Version { plugin, sha256 }| {
            table.insert("plugin".to_owned(), Value::String(plugin));
            table.insert("sha256".to_owned(), Value::String(sha256));
            self.change(order, &[], |overlay, change| {
                overlay.of(name).try_out(change.of(Trial { table: Some(table), instead_of }));
            })
        })
    }

    /// Lets the version that is tried beside a hook take over, with what it has become.
    pub fn promote(&self, name: &str, order: &Order) -> Result<Done, ControlError> {
        let view = self.live.view();
        let candidate = self.at_work(&view.hooks, name)?.candidate.as_ref();
        let Some(candidate) = candidate else { return Err(no_candidate(name)) };
        let sha256 = hex(&candidate.plugin.sha256);
        let kept = self.live.loader().kept();
        let plugin = match (&candidate.hook.plugin, kept) {
            (PluginSource::File(_), Some(kept)) => kept.file(name, &sha256).to_string_lossy().into_owned(),
            (source, _) => source.to_string(),
        };
        // As it stands there: secrets stay references.
        let config = self.hook_table(name).and_then(|hook| hook.get("candidate")?.get("config").cloned());
        let instead_of = self.tried_in_files(name);
        self.change(order, &[], |overlay, change| {
            let changes = overlay.of(name);
            changes.swapped = Some(change.of(Version { plugin, sha256 }));
            changes.try_out(change.of(Trial { table: None, instead_of }));
            if let Some(config) = config {
                changes.set.insert("config".to_owned(), change.of(config));
            }
        })
    }

    /// Ends the trial beside a hook.
    fn end_trial(&self, name: &str, order: &Order) -> Result<Done, ControlError> {
        let instead_of = self.tried_in_files(name);
        self.change(order, &[], |overlay, change| {
            overlay.of(name).try_out(change.of(Trial { table: None, instead_of }));
        })
    }

    /// Takes back or promotes the versions that are tried, where what they did decides it.
    pub fn judge(&self) {
        let view = self.live.view();
        let mut trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        for Decision { hook, verdict } in trials.look(&view.hooks, crate::clock::now_ns()) {
            let hook = hook.as_str();
            let by = |what: &str| Order { by: format!("hookaroon: {what}"), dry_run: false, lasts: None };
            let made = match &verdict {
                Verdict::GoOn => continue,
                Verdict::RollBack(worse) => {
                    tracing::warn!(hook, "its candidate is taken back: {worse}");
                    self.live.metrics().changes.add(ROLLED_BACK);
                    self.end_trial(hook, &by(&format!("automatic rollback, {worse}")))
                }
                Verdict::Promote => {
                    tracing::info!(
                        hook,
                        "its candidate takes over: it did no worse for as long as was asked"
                    );
                    self.promote(hook, &by("automatic promotion"))
                }
            };
            if let Err(error) = made {
                tracing::error!(hook, "that could not be done, and is tried again: {error}");
            }
        }
    }

    /// Whether anything is tried.
    pub fn is_trying(&self) -> bool {
        self.live.view().hooks.iter().any(|hook| hook.candidate.is_some())
    }

    /// What the files want to be tried beside a hook.
    fn tried_in_files(&self, name: &str) -> Option<Table> {
        let wanted = self.lock();
        table_of(&wanted.files.table, name)?.get("candidate")?.as_table().cloned()
    }

    /// Ends the trial beside a hook, or goes back to the version that was at work before, or to the one of this digest.
    pub fn rollback(&self, name: &str, sha256: Option<&str>, order: &Order) -> Result<Done, ControlError> {
        match self.earlier(name, sha256)? {
            None => self.end_trial(name, order),
            Some(version) => self.swap_to(name, version, order),
        }
    }

    /// The version that a rollback goes back to; none: it ends the trial beside the hook.
    pub fn earlier(&self, name: &str, sha256: Option<&str>) -> Result<Option<Version>, ControlError> {
        self.known(name)?;
        let view = self.live.view();
        let at_work = view.hooks.iter().find(|hook| hook.hook.name == name);
        if sha256.is_none() && at_work.is_some_and(|hook| hook.candidate.is_some()) {
            return Ok(None);
        }
        let now = at_work.map(|hook| hex(&hook.plugin.sha256));
        let versions = self.versions(name)?;
        let mut others = versions
            .iter()
            .rev()
            .filter(|version| Some(&version.sha256) != now.as_ref() && (!version.tried || sha256.is_some()));
        let found = match sha256 {
            None => others.next(),
            Some(start) => others.find(|version| version.sha256.starts_with(start)),
        };
        let (Some(version), Some(kept)) = (found, self.live.loader().kept()) else {
            let known: Vec<String> =
                versions.iter().map(|version| version.sha256.chars().take(12).collect()).collect();
            let message =
                format!("no other version of hook {name:?} is kept; there are: {}", known.join(", "));
            return Err(ControlError::Conflict(message));
        };
        let plugin = kept.file(name, &version.sha256).to_string_lossy().into_owned();
        Ok(Some(Version { plugin, sha256: version.sha256.clone() }))
    }

    /// Sets keys of a hook, each as a path and a TOML value, or a text where it is none.
    /// What of them is a secret, as JSON pointers into the hook, is never shown.
    pub fn set(
        &self,
        name: &str,
        keys: &[(String, String)],
        hidden: &BTreeSet<String>,
        order: &Order,
    ) -> Result<Done, ControlError> {
        self.known(name)?;
        if let Some((key, _)) =
            keys.iter().find(|(key, _)| matches!(key.as_str(), "name" | "plugin" | "sha256"))
        {
            return Err(ControlError::Wrong(format!(
                "{key} cannot be set; swap the hook, or load another one"
            )));
        }
        let keys: Vec<(String, Value)> = keys.iter().map(|(key, text)| (key.clone(), value(text))).collect();
        for (_, value) in &keys {
            refuse_references(value)?;
        }
        self.change(order, &[], |overlay, change| {
            let changes = overlay.of(name);
            changes.hidden.extend(hidden.iter().cloned());
            let set = &mut changes.set;
            // What was set below or above a key is part of it.
            for (key, _) in &keys {
                let within = |one: &str, other: &str| {
                    one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'))
                };
                set.retain(|known, _| !within(known, key));
            }
            set.extend(keys.into_iter().map(|(key, value)| (key, change.of(value))));
        })
    }

    /// Lets events pass a hook by, with its instances and what they remember as they are.
    pub fn pause(&self, name: &str, order: &Order) -> Result<Done, ControlError> {
        self.known(name)?;
        self.change(order, &[], |overlay, change| overlay.of(name).paused = Some(change.of(true)))
    }

    /// Hands it events again.
    pub fn resume(&self, name: &str, order: &Order) -> Result<Done, ControlError> {
        self.known(name)?;
        self.change(order, &[], |overlay, _| overlay.of(name).paused = None)
    }

    /// Gives it another place in the chain.
    pub fn place(&self, name: &str, position: &Position, order: &Order) -> Result<Done, ControlError> {
        self.known(name)?;
        if let Position::Before(other) | Position::After(other) = position {
            self.known(other)?;
        }
        self.change(order, &[], |overlay, change| overlay.of(name).moved = Some(change.of(position.clone())))
    }

    /// Forgets what operators changed about a hook: it is as the files say.
    pub fn revert(&self, name: &str, order: &Order) -> Result<Done, ControlError> {
        if !self.lock().overlay.hook.contains_key(name) {
            self.known(name)?;
        }
        self.change(order, &[], |overlay, _| {
            overlay.hook.remove(name);
        })
    }

    /// Reads a hook's plugin again from where it lies, and lets it take over.
    pub fn reload(&self, name: &str, order: &Order) -> Result<Done, ControlError> {
        self.known(name)?;
        self.change(order, &[name.to_owned()], |_, _| {})
    }

    /// Reads the files again and does what differs. Nothing if they are as they were, unless that is asked for.
    pub fn read_files(&self, always: bool) -> Option<Result<Done, ControlError>> {
        let mut wanted = self.lock();
        let read = Files::read(&wanted.files.config.file.clone(), &self.environment);
        let is_same = read.as_ref().is_ok_and(|files| files.texts == wanted.files.texts);
        if is_same && !always && self.read().errors.is_empty() {
            return None;
        }
        let done =
            read.map_err(ControlError::Config).and_then(|files| self.take_up(&mut wanted, files, false));
        let before = self.note_reading(&done);
        let is_told = done.is_ok() || self.read().errors != before;
        is_told.then_some(done)
    }

    /// Reads the files again because somebody asks for it, and says what came of that.
    pub fn reload_files(&self, dry_run: bool) -> Result<Done, ControlError> {
        let mut wanted = self.lock();
        let read = Files::read(&wanted.files.config.file.clone(), &self.environment);
        let done =
            read.map_err(ControlError::Config).and_then(|files| self.take_up(&mut wanted, files, dry_run));
        if !dry_run {
            self.note_reading(&done);
        }
        done
    }

    /// Notes what the files came to; what was wrong with them before.
    fn note_reading(&self, done: &Result<Done, ControlError>) -> Vec<String> {
        let errors = |error: &ControlError| error.to_string().lines().map(str::to_owned).collect();
        let mut reading = self.read();
        (reading.times, reading.at) = (reading.times + 1, Some(now()));
        std::mem::replace(&mut reading.errors, done.as_ref().err().map(errors).unwrap_or_default())
    }

    /// Makes true what files say.
    fn take_up(&self, wanted: &mut Wanted, files: Files, dry_run: bool) -> Result<Done, ControlError> {
        let config = self.config(&files, &wanted.overlay)?;
        let applied = self.live.apply(&config, &Options { dry_run, ..Options::default() })?;
        if !dry_run {
            wanted.files = files;
        }
        Ok(Done::new(applied, dry_run, None))
    }

    /// The files whose changes matter.
    pub fn files(&self) -> Vec<PathBuf> {
        self.lock().files.texts.iter().map(|(path, _)| path.clone()).collect()
    }

    /// The patterns of the files that are included, which may match others one day.
    pub fn patterns(&self) -> Vec<PathBuf> {
        let wanted = self.lock();
        let file = &wanted.files.config.file;
        let dir = file.parent().unwrap_or(Path::new("")).to_owned();
        wanted.files.config.includes.iter().map(|pattern| dir.join(pattern)).collect()
    }

    /// Ends what was for a time and is over; how long until the next is.
    pub fn expire(&self) -> Option<Duration> {
        let mut wanted = self.lock();
        let mut overlay = wanted.overlay.clone();
        let ended = overlay.expire(now());
        if !ended.is_empty() {
            let config = self.config(&wanted.files, &overlay);
            let applied = config.and_then(|config| Ok(self.live.apply(&config, &Options::default())?));
            for (hook, key) in &ended {
                tracing::info!(hook = hook.as_str(), "{key}: its time is over");
            }
            match applied {
                Ok(_) => {
                    self.keep(&overlay);
                    wanted.overlay = overlay;
                }
                Err(error) => {
                    tracing::error!(
                        "what was changed for a time cannot be taken back, and is tried again: {error}"
                    );
                    return Some(Duration::from_secs(5));
                }
            }
        }
        let end = wanted.overlay.next_end()?;
        Some(Duration::from_secs(end.saturating_sub(now())))
    }

    /// What is at work and does not stand in the files: for each hook its changes.
    fn config(&self, files: &Files, overlay: &Overlay) -> Result<Config, ControlError> {
        wanted(files, overlay, &self.file, &self.environment).map_err(ControlError::Config)
    }

    fn swap_to(&self, name: &str, version: Version, order: &Order) -> Result<Done, ControlError> {
        self.change(order, &[], |overlay, change| {
            let changes = overlay.of(name);
            match changes.loaded.as_mut().filter(|_| change.until.is_none()) {
                Some(loaded) => {
                    loaded.value.insert("plugin".to_owned(), Value::String(version.plugin));
                    loaded.value.insert("sha256".to_owned(), Value::String(version.sha256));
                    changes.swapped = None;
                }
                None => changes.swapped = Some(change.of(version)),
            }
        })
    }

    /// Makes a change of what operators want, and keeps it if it could be made true.
    fn change(
        &self,
        order: &Order,
        reload: &[String],
        make: impl FnOnce(&mut Overlay, &Made),
    ) -> Result<Done, ControlError> {
        if order.lasts.is_some_and(|lasts| lasts > LONGEST || lasts.is_zero()) {
            return Err(ControlError::Wrong(
                "a change for a time is for more than nothing and at most 366 days".to_owned(),
            ));
        }
        let mut wanted = self.lock();
        let mut overlay = wanted.overlay.clone();
        let at = now();
        let until = order.lasts.map(|lasts| at + lasts.as_secs().max(1));
        make(&mut overlay, &Made { by: order.by.clone(), at, until });
        overlay.hook.retain(|_, changes| !changes.is_empty());
        let config = self.config(&wanted.files, &overlay)?;
        let options = Options {
            dry_run: order.dry_run,
            reload: reload.iter().cloned().collect(),
            ..Options::default()
        };
        let applied = self.live.apply(&config, &options)?;
        let mut not_kept = None;
        if !order.dry_run {
            not_kept = self.keep(&overlay);
            wanted.overlay = overlay;
        }
        Ok(Done::new(applied, order.dry_run, not_kept))
    }

    /// Writes down what operators changed; why not, if it cannot be.
    fn keep(&self, overlay: &Overlay) -> Option<String> {
        let written = toml::to_string(overlay)
            .map_err(io::Error::other)
            .and_then(|text| replace_own(&self.file, text.as_bytes()));
        let error = written.err()?;
        let message = format!(
            "{} cannot be written, so the next start will not know of it: {error}",
            self.file.display()
        );
        tracing::error!("{message}");
        Some(message)
    }

    /// Puts a plugin that was handed over where versions are kept.
    fn store(&self, name: &str, upload: &Upload) -> Result<Version, ControlError> {
        let kept = self.live.loader().kept();
        let Some(kept) = kept else {
            return Err(ControlError::Wrong(
                "no plugin can be handed over without a data directory".to_owned(),
            ));
        };
        let signature = upload.signature.as_ref().map(|(ending, bytes)| (ending.as_str(), bytes.as_slice()));
        let vouched = self.live.loader().vouch(name, &upload.bytes, signature);
        vouched.map_err(|error| ChangeError::Hooks(vec![error.to_string()]))?;
        let digest = crate::hook::load::sha256(&upload.bytes);
        kept.put(name, &digest, &upload.bytes, None).map_err(|error| self.unusable(error))?;
        if let Some((ending, bytes)) = &upload.signature {
            kept.put_signature(name, &digest, ending, bytes).map_err(|error| self.unusable(error))?;
        }
        let sha256 = hex(&digest);
        let plugin = kept.file(name, &sha256).to_string_lossy().into_owned();
        Ok(Version { plugin, sha256 })
    }

    /// Does something with a plugin that is handed over, of which nothing is left if nothing came of it.
    fn with_stored(
        &self,
        name: &str,
        upload: &Upload,
        order: &Order,
        make: impl FnOnce(Version) -> Result<Done, ControlError>,
    ) -> Result<Done, ControlError> {
        let version = self.store(name, upload)?;
        let sha256 = version.sha256.clone();
        let done = make(version);
        if (order.dry_run || done.is_err())
            && let Some(kept) = self.live.loader().kept()
        {
            kept.remove_unlisted(name, &sha256).map_err(|error| self.unusable(error))?;
        }
        done
    }

    /// A digest that a file pins is changed there.
    fn refuse_unpinned(&self, name: &str, upload: &Upload) -> Result<(), ControlError> {
        let sha256 = hex(&crate::hook::load::sha256(&upload.bytes));
        let wanted = self.lock();
        let pin = table_of(&wanted.files.table, name).and_then(|hook| hook.get("sha256")?.as_str());
        match pin.filter(|pin| !pin.eq_ignore_ascii_case(&sha256)) {
            None => Ok(()),
            Some(pin) => Err(ControlError::Wrong(format!(
                "hook {name:?} is pinned to the plugin {pin}, and this is {sha256}; change sha256 in its [[hook]], or take it out"
            ))),
        }
    }

    /// A hook's table as it is in force.
    fn hook_table(&self, name: &str) -> Option<Table> {
        let wanted = self.lock();
        table_of(&wanted.overlay.onto(&wanted.files.table), name).cloned()
    }

    fn at_work<'h>(&self, hooks: &'h [HookView], name: &str) -> Result<&'h HookView, ControlError> {
        self.known(name)?;
        let found = hooks.iter().find(|hook| hook.hook.name == name);
        found.ok_or_else(|| ControlError::Conflict(format!("hook {name:?} is not enabled")))
    }

    fn known(&self, name: &str) -> Result<(), ControlError> {
        let view = self.live.view();
        let names: Vec<&str> = view.config.hooks.iter().map(|hook| hook.name.as_str()).collect();
        if names.contains(&name) {
            return Ok(());
        }
        Err(ControlError::NoHook { name: name.to_owned(), hint: suggestion(name, &names) })
    }

    fn unusable(&self, error: io::Error) -> ControlError {
        ControlError::File { path: self.file.with_file_name("plugins"), error }
    }

    fn read(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table of one hook in a configuration.
fn table_of<'c>(config: &'c Table, name: &str) -> Option<&'c Table> {
    let hooks = config.get("hook")?.as_array()?;
    hooks
        .iter()
        .filter_map(Value::as_table)
        .find(|hook| hook.get("name").and_then(Value::as_str) == Some(name))
}

fn no_candidate(name: &str) -> ControlError {
    ControlError::Conflict(format!(
        "nothing is tried beside hook {name:?}; `hooks swap {name} FILE --share 5%` begins that"
    ))
}

/// Who made a change, and when.
struct Made {
    by: String,
    at: u64,
    until: Option<u64>,
}

impl Made {
    fn of<T>(&self, value: T) -> Change<T> {
        Change { value, by: self.by.clone(), at: self.at, until: self.until }
    }
}

impl Done {
    fn new(applied: Applied, dry_run: bool, not_kept: Option<String>) -> Done {
        Done {
            hooks: applied.hooks.into_iter().map(|(hook, did)| (hook, did.name())).collect(),
            reordered: applied.reordered,
            pause_ms: (applied.pause.as_secs_f64() * 1e6).round() / 1e3,
            at_next_start: applied.at_next_start,
            dry_run,
            not_kept,
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A TOML value, or a text where it is none: `set h share=5%` needs no quotes.
pub fn value(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok();
    let only = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    only.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The one `[[hook]]` of a text.
pub fn hook_in(text: &str) -> Result<Table, ControlError> {
    let wrong = |message: String| ControlError::Wrong(message);
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let hooks = match table.remove("hook") {
        Some(Value::Array(hooks)) => hooks,
        _ => return Err(wrong("there is no [[hook]] in it".to_owned())),
    };
    if let Some(key) = table.keys().next() {
        return Err(wrong(format!("{key} stands beside the [[hook]]; only that can be loaded")));
    }
    match <[Value; 1]>::try_from(hooks) {
        Ok([Value::Table(hook)]) => Ok(hook),
        Ok(_) => Err(wrong("hook is no table; write [[hook]]".to_owned())),
        Err(hooks) => {
            Err(wrong(format!("there are {} [[hook]] in it; one can be loaded at a time", hooks.len())))
        }
    }
}

/// Whoever changes a hook from outside does not read this machine's files and environment with it.
fn refuse_references<'v>(value: impl Into<Tree<'v>>) -> Result<(), ControlError> {
    match value.into() {
        Tree::Table(table) => {
            let reference = table.iter().next().filter(|(key, value)| {
                table.len() == 1 && matches!(key.as_str(), "file" | "env") && value.is_str()
            });
            if let Some((key, _)) = reference {
                let message = format!(
                    "{{ {key} = ... }} is read on this machine and can stand in its files only; hand over the text itself"
                );
                return Err(ControlError::Wrong(message));
            }
            table.values().try_for_each(refuse_references)
        }
        Tree::Array(list) => list.iter().try_for_each(refuse_references),
        Tree::Leaf => Ok(()),
    }
}

enum Tree<'v> {
    Table(&'v Table),
    Array(&'v [Value]),
    Leaf,
}

impl<'v> From<&'v Table> for Tree<'v> {
    fn from(table: &'v Table) -> Tree<'v> {
        Tree::Table(table)
    }
}

impl<'v> From<&'v Value> for Tree<'v> {
    fn from(value: &'v Value) -> Tree<'v> {
        match value {
            Value::Table(table) => Tree::Table(table),
            Value::Array(list) => Tree::Array(list),
            _ => Tree::Leaf,
        }
    }
}

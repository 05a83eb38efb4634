//! One dead letter with all that its call needs, in one file that another machine can replay.
//!
//! Three lines of JSON (what the file is, the letter, the hook's setup), then the plugin's bytes and those of the state.
//! The event goes alone to a fresh instance that starts with the last save, at the time that the hook was told then: so
//! a failure comes again unless it needed other rows since that save.
//!
//! A file may come from a stranger. Bounds: [`MAX_LINE`] for each line, the scan's limit for the plugin, a quarter of
//! the memory cap for the state, limits that a configuration could have; the plugin is compiled and runs as contained
//! as any.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{Config, is_name};
use crate::event::batch::{Batch, SourceId};
use crate::event::field::EventTime;
use crate::event::projection::TooManyFields;
use crate::hook::chain::Stop;
use crate::hook::dead_letters::DeadLetters;
use crate::hook::dead_letters::objects::digest;
use crate::hook::dead_letters::record::{Content, Letter};
use crate::hook::dead_letters::setup::Setup;
use crate::hook::dead_letters::store::Store;
use crate::hook::failure::{Failure, FailureKind};
use crate::hook::file;
use crate::hook::load::{LoadError, Loader, PluginSource, Request};
use crate::hook::prepare::prepare_loaded;
use crate::hook::scan;
use crate::hook::stage::failed_in;
use crate::pipeline::wiring::{Around, Wiring};

/// What the first line says it is.
const FORMAT: &str = "hookaroon-dead-letter";
const VERSION: u32 = 1;

/// No line is longer: the largest file in a hook's config, escaped, is less.
const MAX_LINE: u64 = 256 << 20;

/// The most workers that a configuration allows.
const MAX_WORKERS: u32 = 256;

/// Why a letter cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Only its hash is kept.
    #[error(
        "dead letter {0} cannot be exported: of its event only the hash is kept, because of keep = \"hash\" in [dead_letters]"
    )]
    NoEvent(String),
    /// There was no call.
    #[error(
        "dead letter {0} cannot be exported: the hook was not called, because its breaker was open; replay it instead"
    )]
    NotCalled(String),
    /// What its call needs was not kept, or is gone.
    #[error(
        "dead letter {id} cannot be exported: the plugin, config and state of its call are not kept ({reason}); \
         those of the latest failures are"
    )]
    NoSetup {
        /// The letter.
        id: String,
        /// What is missing.
        reason: String,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is something else, or was changed.
    #[error("{} is no exported dead letter: {reason}; `hookaroon dead-letters export ID` makes one", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The plugin does not load here.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The hook does not start here.
    #[error("{0}")]
    Prepare(String),
    /// Too many fields.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// The call could not be made.
    #[error(transparent)]
    Stop(#[from] Stop),
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    plugin_bytes: u64,
    state_bytes: Option<u64>,
}

/// A dead letter that can be replayed anywhere.
pub struct Reproducer {
    /// The letter.
    pub letter: Letter,
    setup: Setup,
    plugin: Vec<u8>,
    state: Option<Vec<u8>>,
}

/// What came of the event.
#[derive(Debug)]
pub struct Reproduced {
    /// What the letter tells.
    pub expected: Failure,
    /// How the hook failed now; none: it did not.
    pub actual: Option<Failure>,
}

impl Reproducer {
    /// Puts together what is kept of a letter.
    pub fn gather(store: &Store, letter: Letter) -> Result<Reproducer, ExportError> {
        if matches!(letter.content, Content::Hash(_) | Content::Nothing) {
            return Err(ExportError::NoEvent(letter.id));
        }
        if letter.kind == FailureKind::Open.name() {
            return Err(ExportError::NotCalled(letter.id));
        }
        let objects = store.objects(&letter.hook);
        let gather = || {
            let digest = letter.setup.as_deref().ok_or_else(|| io::Error::other("it names none"))?;
            let setup: Setup = serde_json::from_slice(&objects.get(digest)?)?;
            let plugin = objects.get(&setup.plugin)?;
            let state = setup.state.as_deref().map(|state| objects.get(state)).transpose()?;
            Ok((setup, plugin, state))
        };
        let missing =
            |error: io::Error| ExportError::NoSetup { id: letter.id.clone(), reason: error.to_string() };
        let (setup, plugin, state) = gather().map_err(missing)?;
        Ok(Reproducer { letter, setup, plugin, state })
    }

    /// Writes the file, for this user only: the config in it may hold secrets. One that is there is not overwritten.
    pub fn write(&self, path: &Path) -> Result<(), ExportError> {
        let written = self.bytes().and_then(|bytes| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&bytes)?;
            file.sync_all()
        });
        written.map_err(|error| ExportError::Unwritable { path: path.to_owned(), error })
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            plugin_bytes: self.plugin.len() as u64,
            state_bytes: self.state.as_ref().map(|state| state.len() as u64),
        };
        let mut bytes = serde_json::to_vec(&header)?;
        bytes.push(b'\n');
        self.letter.write(&mut bytes);
        serde_json::to_writer(&mut bytes, &self.setup)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.plugin);
        bytes.extend_from_slice(self.state.as_deref().unwrap_or_default());
        Ok(bytes)
    }

    /// Reads such a file.
    pub fn read(path: &Path) -> Result<Reproducer, ReproduceError> {
        let unreadable = |error| ReproduceError::Unreadable { path: path.to_owned(), error };
        let file = file::open(path).map_err(unreadable)?;
        file::regular(&file).map_err(unreadable)?;
        Reproducer::parse(&mut BufReader::new(file)).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => {
                ReproduceError::Malformed { path: path.to_owned(), reason: error.to_string() }
            }
            _ => unreadable(error),
        })
    }

    fn parse(input: &mut impl BufRead) -> io::Result<Reproducer> {
        let header: Header = serde_json::from_slice(&line(input)?).map_err(malformed)?;
        if (header.format.as_str(), header.version) != (FORMAT, VERSION) {
            return Err(malformed(format!("it is {:?} version {}", header.format, header.version)));
        }
        let letter = Letter::read(&line(input)?).map_err(malformed)?;
        let setup: Setup = serde_json::from_slice(&line(input)?).map_err(malformed)?;
        if !is_name(&setup.hook) || (&letter.hook, &letter.plugin) != (&setup.hook, &setup.plugin) {
            return Err(malformed("the letter and the setup are of different hooks"));
        }
        let plugin = part(input, header.plugin_bytes, scan::Limits::DEFAULT.file_bytes, "plugin")?;
        let most = setup.output.state_bytes as u64;
        let state = header.state_bytes.map(|bytes| part(input, bytes, most, "state")).transpose()?;
        if digest(&plugin) != setup.plugin || state.as_deref().map(digest) != setup.state {
            return Err(malformed("the plugin or the state was changed"));
        }
        if setup.workers > MAX_WORKERS || setup.worker >= setup.workers {
            return Err(malformed(format!("there is no worker {} of {}", setup.worker, setup.workers)));
        }
        Ok(Reproducer { letter, setup, plugin, state })
    }

    /// Makes the call once more.
    pub fn reproduce(&self, loader: &Loader) -> Result<Reproduced, ReproduceError> {
        let Letter { hook, time_ns, plugin, .. } = &self.letter;
        let unknown =
            || ReproduceError::Prepare(format!("this version knows no failure {:?}", self.letter.kind));
        let expected = self.letter.failure().ok_or_else(unknown)?;
        let source = PluginSource::File(PathBuf::from(format!("sha256:{plugin}")));
        let configured = self.setup.hook(source.clone()).map_err(ReproduceError::Prepare)?;
        let request = Request { hook, source, sha256: None, granted_imports: &configured.grant.imports };
        let plugin = loader.load_bytes(&request, self.plugin.clone())?;
        let prepared = prepare_loaded(&configured, plugin, loader, self.setup.workers)
            .map_err(|errors| ReproduceError::Prepare(errors.join("\n")))?;
        let config = Config::pipe(vec![configured], Path::new(""));
        let letters = Arc::new(DeadLetters::in_memory());
        let around = Around { dead_letters: &letters, has_gates: false };
        let wiring = Wiring::new(&config, vec![prepared], self.setup.workers, &around)?;
        let mut batch = Batch::new(wiring.projection.clone());
        let stage =
            wiring.chains.into_iter().nth(self.setup.worker as usize).and_then(|mut chain| chain.pop());
        let Some(mut stage) = stage else { return Ok(Reproduced { expected, actual: None }) };
        stage.restore(self.state.as_deref().map(Arc::from));
        stage.replays(1);
        self.add_event(&mut batch);
        stage.process(&mut batch, *time_ns, false)?;
        let actual = stage.take_failed().into_iter().next().map(|(_, failure)| failure);
        Ok(Reproduced { expected, actual })
    }

    fn add_event(&self, batch: &mut Batch) {
        let (Content::Event(text) | Content::Granted(text)) = &self.letter.content else { return };
        let time = self.letter.origin.as_ref().map_or(0, |whence| whence.event_time_ns);
        let Some(origin) = self.letter.origin(SourceId::Source(0), EventTime::known(time)) else { return };
        let origin = batch.add_origin(origin);
        let offset = self.letter.origin.as_ref().map_or(0, |whence| whence.offset);
        batch.push_text(origin, offset, |out| out.extend_from_slice(text));
    }
}

impl Reproduced {
    /// Whether the hook failed as it did then. Where a deadline finds it depends on the machine, so that is not looked
    /// at; of a letter whose batch was not searched to its end, what failed last is.
    pub fn is_same(&self) -> bool {
        let Some(actual) = self.actual.as_ref().filter(|actual| actual.kind == self.expected.kind) else {
            return false;
        };
        if actual.kind == FailureKind::Deadline {
            return failed_in(&self.expected.cause()) == actual.cause();
        }
        failed_in(&self.expected.message) == actual.message && self.expected.frames == actual.frames
    }
}

/// A line without its end.
fn line(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        _ => Err(malformed("it ends within a line")),
    }
}

/// So many bytes, at most `most`.
fn part(input: &mut impl BufRead, bytes: u64, most: u64, what: &str) -> io::Result<Vec<u8>> {
    if bytes > most {
        return Err(malformed(format!("its {what} has {bytes} bytes; {most} are the most")));
    }
    let mut part = Vec::new();
    input.take(bytes).read_to_end(&mut part)?;
    if part.len() as u64 == bytes { Ok(part) } else { Err(malformed(format!("it ends within its {what}"))) }
}

fn malformed(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

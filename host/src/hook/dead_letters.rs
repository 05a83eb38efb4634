//! Events that a hook could not process, on disk with the reason.
//!
//! One file a hook, `DATA_DIR/dead-letters/HOOK.ndjson`, one JSON object a line: when, which hook, the kind of
//! failure, its message, where the event came from, and the event byte for byte as it was when the hook got it.
//! A line is on disk before the event leaves the chain. While that cannot be done the worker waits and tries
//! again, until the run is asked to end; what is then still not written is told as an error. A run offline keeps
//! them in memory, at most [`MOST_IN_MEMORY`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::failure::FailureKind;
use crate::drain::Drain;
use crate::event::batch::Batch;
use crate::event::escape;

/// How long to wait before trying again to write.
const RETRY: Duration = Duration::from_secs(1);

/// Where they are, below the data directory.
const DIR: &str = "dead-letters";

/// How many bytes of them are kept in memory.
pub const MOST_IN_MEMORY: usize = 256 << 20;

/// The dead letters of all hooks.
#[derive(Debug)]
pub struct DeadLetters {
    kept: Kept,
    /// One writer at a time, so that lines stay whole. What is kept in memory.
    writing: Mutex<Vec<u8>>,
}

#[derive(Debug)]
enum Kept {
    OnDisk { dir: PathBuf, drain: Arc<Drain> },
    InMemory,
}

/// Why an event is a dead letter.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// The hook's name.
    pub hook: &'a str,
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What happened.
    pub message: &'a str,
    /// When, in nanoseconds since 1970.
    pub now_ns: u64,
}

impl DeadLetters {
    /// Dead letters below `data_dir`; nothing is made until there is one.
    pub fn new(data_dir: &Path, drain: Arc<Drain>) -> DeadLetters {
        let kept = Kept::OnDisk { dir: data_dir.join(DIR), drain };
        DeadLetters { kept, writing: Mutex::default() }
    }

    /// Where those of a hook are.
    pub fn path(data_dir: &Path, hook: &str) -> PathBuf {
        file_of(&data_dir.join(DIR), hook)
    }

    /// Dead letters that nobody needs once the run has ended.
    pub fn in_memory() -> DeadLetters {
        DeadLetters { kept: Kept::InMemory, writing: Mutex::default() }
    }

    /// The lines that are kept in memory.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.writing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts whole lines where they are kept. Waits while that is not possible; an error once the run is to end.
    pub fn append(&self, hook: &str, lines: &[u8]) -> io::Result<()> {
        let mut memory = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (dir, drain) = match &self.kept {
            Kept::OnDisk { dir, drain } => (dir, drain),
            Kept::InMemory if memory.len() + lines.len() > MOST_IN_MEMORY => {
                let message = format!("over {MOST_IN_MEMORY} bytes of events failed; take a smaller input");
                return Err(io::Error::new(io::ErrorKind::StorageFull, message));
            }
            Kept::InMemory => {
                memory.extend_from_slice(lines);
                return Ok(());
            }
        };
        let path = file_of(dir, hook);
        loop {
            let Err(error) = append_once(dir, &path, lines) else { return Ok(()) };
            let error = io::Error::new(
                error.kind(),
                format!("dead letters of hook \"{hook}\": {}: {error}", path.display()),
            );
            tracing::error!("{error}; the events wait until it can be written");
            if drain.wait(RETRY) {
                return Err(error);
            }
        }
    }
}

fn file_of(dir: &Path, hook: &str) -> PathBuf {
    dir.join(format!("{hook}.ndjson"))
}

fn append_once(dir: &Path, path: &Path, lines: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let before = file.metadata()?.len();
    if let Err(error) = write_synced(&mut file, lines) {
        // Half a line would spoil the next one.
        file.set_len(before)?;
        return Err(error);
    }
    Ok(())
}

fn write_synced(file: &mut File, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines)?;
    file.sync_data()
}

/// Appends the line of one dead letter.
pub fn write_record(batch: &Batch, row: u32, reason: &Reason<'_>, out: &mut Vec<u8>) {
    let text = |key: &str, value: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(key.as_bytes());
        escape::append_string(value.as_bytes(), out);
    };
    let number = |key: &str, value: u64, out: &mut Vec<u8>| {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    };
    number("{\"time_ns\":", reason.now_ns, out);
    text(",\"hook\":", reason.hook, out);
    text(",\"kind\":", reason.kind.name(), out);
    text(",\"message\":", reason.message, out);
    if let Some(origin) = batch.origin(row) {
        text(",\"source\":", &origin.source_name, out);
        text(",\"stream\":", &origin.stream, out);
        number(",\"offset\":", batch.offset(row), out);
    }
    out.extend_from_slice(b",\"event\":");
    out.extend_from_slice(batch.text(row));
    out.extend_from_slice(b"}\n");
}

//! What was changed, by whom, and what came of it: `data_dir/audit.ndjson`, one line for each request for a change.
//!
//! A line is on disk before its request is answered. Before a change begins, room for its line is reserved, and without
//! that nothing is changed: a full disk or a file that is not this user's stops changes, not the flow. Refusals are
//! written too, but at most [`REFUSALS`] a minute; how many were not is in the next line. Bounds: [`FILE_BYTES`] a file, of
//! which [`FILES`] are kept, [`VALUE_BYTES`] of what was before and after.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::role::Role;
use crate::hook::dead_letters::files::{append_lines, at, lock, make_dir};
use crate::hook::file::{open_regular, regular};
use crate::hook::load::hex;

/// The most bytes of a file, but for the lines of changes that were under way when it was begun.
const FILE_BYTES: u64 = 10 << 20;

/// How many files there are: the one that is written and those before it.
const FILES: u32 = 5;

/// The most bytes of what was before a change, and of what is after it; of more the digest is kept.
const VALUE_BYTES: usize = 16 << 10;

/// The most bytes of any text in a line.
const TEXT_BYTES: usize = 1 << 10;

/// Room for any line: twice a value, and six texts of which each byte may be written as six.
const LINE_BYTES: u64 = 2 * VALUE_BYTES as u64 + 6 * 6 * TEXT_BYTES as u64;

/// How many refusals are written in a minute.
const REFUSALS: u32 = 60;

const MINUTE: Duration = Duration::from_secs(60);

/// One request for a change.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Entry {
    /// When it was answered.
    pub time: String,
    /// The name of the token, or who typed a command; none: nobody known.
    pub who: Option<String>,
    /// The token's role.
    pub role: Option<Role>,
    /// The address, `unix`, or `command line`.
    pub from: String,
    /// What was asked for.
    pub action: &'static str,
    /// What it was asked of.
    pub target: String,
    /// How that was before.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// How it is after, or would be.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub after: Value,
    /// SHA-256 of the plugin that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether it was only asked what would happen.
    pub dry_run: bool,
    /// What came of it.
    pub result: Outcome,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many refusals before it are not in the log.
    #[serde(skip_serializing_if = "is_zero")]
    pub unwritten_refusals: u64,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is so, or would be.
    #[default]
    Done,
    /// It could not be done; nothing is changed.
    Failed,
    /// Whoever asked may not.
    Refused,
}

/// The log of a data directory.
#[derive(Debug)]
pub struct Audit {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Changes under way, each with room reserved for its line.
    pending: u64,
    /// What is left of this minute's refusals, and when it began.
    refusals: u32,
    since: Instant,
    unwritten: u64,
}

/// A change under way, whose line has room.
#[derive(Debug)]
pub struct Pending<'a>(&'a Audit);

/// The newest lines.
#[derive(Debug, Serialize)]
pub struct Newest {
    /// Oldest first.
    pub entries: Vec<Value>,
    /// Lines among them that are none, as a crash may leave one.
    pub unreadable: u64,
}

impl Audit {
    /// The one below `data_dir`; nothing is made until there is something to write.
    pub fn new(data_dir: &Path) -> Audit {
        let state = State { pending: 0, refusals: REFUSALS, since: Instant::now(), unwritten: 0 };
        Audit { dir: data_dir.to_owned(), state: Mutex::new(state) }
    }

    /// Where it is.
    pub fn file(&self) -> PathBuf {
        self.dir.join("audit.ndjson")
    }

    /// Reserves room for a line. Without it nothing may be changed.
    pub fn begin(&self) -> io::Result<Pending<'_>> {
        make_dir(&self.dir)?;
        let mut state = self.state();
        let _lock = self.lock()?;
        self.make_room((state.pending + 1) * LINE_BYTES)?;
        state.pending += 1;
        Ok(Pending(self))
    }

    /// Writes that somebody may not do what was asked, unless there are too many of them.
    pub fn refuse(&self, entry: Entry) {
        let is_told = {
            let mut state = self.state();
            if state.since.elapsed() >= MINUTE {
                (state.since, state.refusals) = (Instant::now(), REFUSALS);
            }
            let is_told = state.refusals > 0;
            match is_told {
                true => state.refusals -= 1,
                false => state.unwritten += 1,
            }
            is_told
        };
        let entry = Entry { result: Outcome::Refused, ..entry };
        if is_told && let Err(error) = self.begin().and_then(|pending| pending.end(entry)) {
            tracing::error!("the audit log cannot be written: {error}; a refusal is not in it");
        }
    }

    /// The newest lines, at most so many and of about so many bytes.
    pub fn newest(&self, limit: usize, bytes: usize) -> io::Result<Newest> {
        let mut newest = VecDeque::new();
        let (mut taken, mut unreadable) = (0, 0);
        for number in 0..FILES {
            let text = read(&self.numbered(number))?;
            for line in text.split(|byte| *byte == b'\n').rev().filter(|line| !line.is_empty()) {
                if newest.len() >= limit || taken + line.len() > bytes {
                    return Ok(Newest { entries: newest.into(), unreadable });
                }
                taken += line.len();
                match serde_json::from_slice(line) {
                    Ok(entry) => newest.push_front(entry),
                    Err(_) => unreadable += 1,
                }
            }
        }
        Ok(Newest { entries: newest.into(), unreadable })
    }

    /// Begins a new file if this one is full, and reserves room in it.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let path = self.file();
        let used = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(at(&path)(error)),
        };
        let used = if used > 0 && used + bytes > FILE_BYTES { self.rotate()? } else { used };
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).mode(0o600).custom_flags(flags).open(&path);
        let file = file.map_err(at(&path))?;
        regular(&file).map_err(at(&path))?;
        match fallocate(&file, FallocateFlags::KEEP_SIZE, used, bytes) {
            // Not every file system reserves; that it could be opened is all that is known then.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(at(&path)(error.into())),
        }
    }

    /// The size of the new file.
    fn rotate(&self) -> io::Result<u64> {
        for number in (0..FILES - 1).rev() {
            let (from, to) = (self.numbered(number), self.numbered(number + 1));
            match fs::rename(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&from)(error)),
                _ => {}
            }
        }
        Ok(0)
    }

    /// 0 is the one that is written, the others are older the higher they are.
    fn numbered(&self, number: u32) -> PathBuf {
        match number {
            0 => self.file(),
            number => self.dir.join(format!("audit.{number}.ndjson")),
        }
    }

    fn lock(&self) -> io::Result<crate::hook::dead_letters::files::Lock> {
        lock(&self.dir.join(".audit.lock"), "writes the audit log here")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending<'_> {
    /// Writes what came of it, and waits until that is on disk.
    pub fn end(self, entry: Entry) -> io::Result<()> {
        let audit = self.0;
        let unwritten = std::mem::take(&mut audit.state().unwritten);
        let entry = Entry {
            time: Timestamp::now().to_string(),
            who: entry.who.map(shortened),
            from: shortened(entry.from),
            target: shortened(entry.target),
            before: bounded(entry.before),
            after: bounded(entry.after),
            error: entry.error.map(shortened),
            unwritten_refusals: unwritten,
            ..entry
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        let _lock = audit.lock()?;
        append_lines(&audit.file(), &line)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.pending = state.pending.saturating_sub(1);
    }
}

/// What is too long for a line is told by its digest.
fn bounded(value: Value) -> Value {
    let text = value.to_string();
    if text.len() <= VALUE_BYTES {
        return value;
    }
    json!({ "bytes": text.len(), "sha256": hex(&Sha256::digest(&text).into()) })
}

fn shortened(mut text: String) -> String {
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
    }
    text
}

/// A file's bytes; none if it is not there.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // What was written by this process while it is read may make it a little larger.
    let read = open_regular(path).and_then(|file| file.take(2 * FILE_BYTES).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(bytes),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;

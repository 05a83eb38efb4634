//! The dead letters on disk: segments that only grow, and what became of their letters beside them.
//!
//! ```text
//! DATA_DIR/dead-letters/.lock                 held while anything is written, marked or removed
//!                       .replaying            held by the one process that replays
//!                       HOOK/00000001.ndjson  a segment, one letter a line
//!                            00000001.marks   what became of them, one attempt a line
//!                            objects/SHA256   plugins, states and setups that the letters refer to
//! ```
//!
//! Processes meet here: a run appends, a replay marks, an operator lists. Each change is whole lines appended under the
//! lock, or a segment removed under it, and nobody keeps a file open in between, so none can spoil another's. A segment
//! that was begun is closed when it is large ([`SEGMENT_BYTES`], or an eighth of `max_bytes`) or spans an eighth of
//! `max_age`. Segments go as a whole: when all their letters were replayed, and when the last letter of one is too old.
//! Bounds: `max_bytes` for segments and marks, [`objects`](super::objects) for the rest.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::files::{Lock, append_lines, at, lock, lock_file, make_dir, remove};
use super::marks::{self, Attempts};
use super::objects::Objects;
use super::record::Letter;
use crate::config;
use crate::hook::file;

/// The largest segment that is still appended to: a reader holds one in memory.
const SEGMENT_BYTES: u64 = 16 << 20;

/// How many segments what is kept is divided into at least.
const PARTS: u32 = 8;

/// The endings of a segment's two files.
const LETTERS: &str = "ndjson";
const MARKS: &str = "marks";

/// The dead letters of one data directory.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    max_bytes: u64,
    max_age: Option<Duration>,
}

/// A part of a hook's letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The hook.
    pub hook: String,
    number: u64,
    /// Its letters.
    pub path: PathBuf,
}

/// What is in a segment.
#[derive(Debug, Default)]
pub struct Contents {
    /// The letters that can be read, with their attempts counted, in the order in which they were written.
    pub letters: Vec<Letter>,
    /// Which of them were replayed.
    pub replayed: Vec<bool>,
    /// What cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A line that is no letter, as a crash may leave it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unreadable {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of lines that were to be appended.
#[derive(Debug)]
pub enum Appended {
    /// They are on disk.
    Whole,
    /// They are not, because that would be over `max_bytes`.
    Full {
        /// What is there, and what to do.
        remedy: String,
    },
}

/// Held by the one process that replays.
#[derive(Debug)]
pub struct Replaying(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

impl Store {
    /// Those below `data_dir`; nothing is made until there is one.
    pub fn new(data_dir: &Path, limits: &config::DeadLetters) -> Store {
        let dir = data_dir.join("dead-letters");
        Store { dir, max_bytes: limits.max_bytes, max_age: limits.max_age }
    }

    /// The same without a bound: for who only moves letters from one hook to another.
    pub fn unbounded(self) -> Store {
        Store { max_bytes: u64::MAX, max_age: None, ..self }
    }

    /// The bytes of all of them, and how many there may be; without the lock, so a segment that goes meanwhile may count.
    pub fn fill(&self) -> io::Result<(u64, u64)> {
        Ok((used(&self.segments()?)?, self.max_bytes))
    }

    /// Where all of them are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the letters of a hook refer to.
    pub fn objects(&self, hook: &str) -> Objects {
        Objects::in_dir(self.dir.join(hook).join("objects"))
    }

    /// Appends whole lines to the letters of a hook, after removing what is too old.
    pub fn append(&self, hook: &str, lines: &[u8], now: SystemTime) -> io::Result<Appended> {
        if lines.is_empty() {
            return Ok(Appended::Whole);
        }
        let dir = self.dir.join(hook);
        make_dir(&dir)?;
        let _lock = self.lock()?;
        self.remove_older(now)?;
        let segments = self.segments()?;
        let used = used(&segments)?;
        // Whatever the bound, one call's letters have a place.
        if used > 0 && used.saturating_add(lines.len() as u64) > self.max_bytes {
            return Ok(Appended::Full { remedy: self.remedy() });
        }
        let last = segments.iter().rfind(|segment| segment.hook == hook);
        let path = match last {
            Some(last) if self.takes_more(last, now)? => last.path.clone(),
            last => segment_path(&dir, last.map_or(1, |last| last.number + 1)),
        };
        append_lines(&path, lines)?;
        Ok(Appended::Whole)
    }

    fn remedy(&self) -> String {
        format!(
            "those in {} have reached max_bytes of [dead_letters], {} bytes; replay them (`hookaroon dead-letters \
             replay`), remove segments there, or raise max_bytes",
            self.dir.display(),
            self.max_bytes
        )
    }

    /// Whether a segment is not closed yet.
    fn takes_more(&self, segment: &Segment, now: SystemTime) -> io::Result<bool> {
        let most = SEGMENT_BYTES.min(self.max_bytes / u64::from(PARTS));
        if size(&segment.path)? >= most {
            return Ok(false);
        }
        let Some(max_age) = self.max_age else { return Ok(true) };
        let began = began(&segment.path)?;
        Ok(began.is_none_or(|began| now.duration_since(began).unwrap_or_default() < max_age / PARTS))
    }

    /// Removes the segments whose last letter is too old.
    pub fn remove_old(&self, now: SystemTime) -> io::Result<()> {
        if self.max_age.is_none() || !self.dir.exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        self.remove_older(now)
    }

    /// The same, while the lock is held.
    fn remove_older(&self, now: SystemTime) -> io::Result<()> {
        let Some(max_age) = self.max_age else { return Ok(()) };
        for segment in self.segments()? {
            let written = there(fs::metadata(&segment.path)).map_err(at(&segment.path))?;
            let Some(written) = written.and_then(|metadata| metadata.modified().ok()) else { continue };
            if now.duration_since(written).unwrap_or_default() <= max_age {
                continue;
            }
            let letters = segment.read()?.replayed.iter().filter(|replayed| !**replayed).count();
            segment.remove()?;
            let (hook, path) = (segment.hook.as_str(), segment.path.display());
            tracing::warn!(hook, "{letters} dead letters were older than max_age and are removed: {path}");
        }
        Ok(())
    }

    /// The segments of all hooks, by hook, in the order in which they were begun.
    pub fn segments(&self) -> io::Result<Vec<Segment>> {
        let mut segments = Vec::new();
        for hook in entries(&self.dir)? {
            let Some(name) = hook.file_name().and_then(|name| name.to_str()) else { continue };
            if name.starts_with('.') || !hook.is_dir() {
                continue;
            }
            for path in entries(&hook)? {
                let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
                if let (Some(number), true) =
                    (number, path.extension().is_some_and(|ending| ending == LETTERS))
                {
                    segments.push(Segment { hook: name.to_owned(), number, path });
                }
            }
        }
        segments.sort();
        Ok(segments)
    }

    /// What is in a segment; nothing if it is gone meanwhile.
    pub fn read(&self, segment: &Segment) -> io::Result<Contents> {
        let _lock = self.lock()?;
        segment.read()
    }

    /// Notes attempts, lines as [`marks`] writes them, at letters of a segment.
    pub fn mark(&self, segment: &Segment, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let _lock = self.lock()?;
        append_lines(&segment.marks(), lines)
    }

    /// Removes a segment if every letter of it was replayed and nothing else is in it.
    pub fn remove_if_replayed(&self, segment: &Segment) -> io::Result<()> {
        let _lock = self.lock()?;
        let contents = segment.read()?;
        let is_done = contents.unreadable.is_empty() && contents.replayed.iter().all(|replayed| *replayed);
        if is_done { segment.remove() } else { Ok(()) }
    }

    /// Makes this process the one that replays; none if another one does.
    pub fn start_replaying(&self) -> io::Result<Option<Replaying>> {
        let path = self.dir.join(".replaying");
        let file = lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Replaying(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    fn lock(&self) -> io::Result<Lock> {
        lock(&self.dir.join(".lock"), "reads or writes dead letters here")
    }
}

impl Segment {
    fn marks(&self) -> PathBuf {
        self.path.with_extension(MARKS)
    }

    fn read(&self) -> io::Result<Contents> {
        let mut contents = Contents::default();
        let unreadable = |file: &Path, line, reason: &str| Unreadable {
            file: file.to_owned(),
            line,
            reason: reason.to_owned(),
        };
        let path = self.marks();
        let (attempts, torn) = marks::read(&read(&path)?);
        contents.unreadable.extend(torn.into_iter().map(|line| unreadable(&path, line, "no attempt")));
        let text = read(&self.path)?;
        for (line, number) in text.split(|&byte| byte == b'\n').zip(1..).filter(|(line, _)| !line.is_empty())
        {
            match Letter::read(line) {
                Ok(mut letter) => {
                    let Attempts { failed, replayed } = attempts.get(&letter.id).copied().unwrap_or_default();
                    letter.count += failed;
                    contents.letters.push(letter);
                    contents.replayed.push(replayed);
                }
                Err(reason) => contents.unreadable.push(unreadable(&self.path, number, &reason)),
            }
        }
        Ok(contents)
    }

    /// The letters first: marks without letters mean nothing.
    fn remove(&self) -> io::Result<()> {
        remove(&self.path)?;
        remove(&self.marks())
    }
}

/// Eight digits are more segments than there will be.
fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.{LETTERS}"))
}

/// The bytes of all letters and marks.
fn used(segments: &[Segment]) -> io::Result<u64> {
    segments.iter().map(|segment| Ok(size(&segment.path)? + size(&segment.marks())?)).sum()
}

/// The size of a file, none for one that is not there.
fn size(path: &Path) -> io::Result<u64> {
    Ok(there(fs::metadata(path)).map_err(at(path))?.map_or(0, |metadata| metadata.len()))
}

/// When the first letter of a segment was written, which it begins with.
fn began(path: &Path) -> io::Result<Option<SystemTime>> {
    let mut head = Vec::new();
    if let Some(file) = there(File::open(path)).map_err(at(path))? {
        file.take(64).read_to_end(&mut head).map_err(at(path))?;
    }
    let digits = head.strip_prefix(b"{\"time_ns\":".as_slice());
    let digits = digits.and_then(|rest| std::str::from_utf8(rest.split(|byte| *byte == b',').next()?).ok());
    Ok(digits.and_then(|digits| Some(UNIX_EPOCH + Duration::from_nanos(digits.parse().ok()?))))
}

/// What is in a directory; nothing if there is none.
fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(entries) = there(fs::read_dir(dir)).map_err(at(dir))? else { return Ok(Vec::new()) };
    entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>().map_err(at(dir))
}

/// A file's bytes; none if it is not there.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let whole = || {
        let mut bytes = Vec::new();
        file::open_regular(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    Ok(there(whole()).map_err(at(path))?.unwrap_or_default())
}

/// Nothing, if it is not there: an operator may remove a segment at any time.
fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;

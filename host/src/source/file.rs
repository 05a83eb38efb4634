//! Files, read to their end: globs, gzip, FIFOs.
//!
//! What can be found wrong beforehand (nothing there, a directory, no permission) is an error before anything is
//! read. A gzip file is known by its first bytes, whatever its name; what comes through a FIFO is read as it is.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Arrival, Context, End, SourceError, Stream};
use crate::drain::Drain;
use crate::queue::Sender;

/// How often a quiet FIFO or standard input looks whether the run is to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The first bytes of a gzip file.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its device and inode.
    pub identity: (u64, u64),
    /// How many bytes it had.
    pub bytes: u64,
    /// It is a FIFO, which may be quiet for long.
    pub is_fifo: bool,
}

/// Finds the files of the source `name`: those that its patterns match, each once, sorted by path. A pattern
/// without wildcards must name a file; one with wildcards may match none. Directories that a wildcard matches are
/// passed over.
pub fn find(name: &str, patterns: &[String]) -> Result<Vec<Found>, SourceError> {
    let mut paths = BTreeSet::new();
    let mut found = Vec::new();
    for pattern in patterns {
        if Path::new(pattern).symlink_metadata().is_ok() || !pattern.contains(['*', '?', '[']) {
            let path = PathBuf::from(pattern);
            let (source_name, text) = (name.to_owned(), pattern.clone());
            match fs::metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(SourceError::Missing { source_name, path: text });
                }
                Err(error) => return Err(SourceError::Unreadable { source_name, path: text, error }),
                Ok(metadata) if metadata.is_dir() => {
                    return Err(SourceError::Directory { source_name, path: text });
                }
                Ok(_) => paths.insert(path),
            };
            continue;
        }
        let error = |message: String| SourceError::Pattern {
            source_name: name.to_owned(),
            pattern: pattern.clone(),
            message,
        };
        let before = paths.len();
        for entry in glob::glob(pattern).map_err(|wrong| error(wrong.to_string()))? {
            match entry {
                Ok(path) if path.is_dir() => {}
                Ok(path) => {
                    paths.insert(path);
                }
                Err(wrong) => tracing::warn!(source = name, "{wrong}"),
            }
        }
        if paths.len() == before {
            tracing::warn!(source = name, "no file matches {pattern}");
        }
    }
    for path in paths {
        let wrong = |error| SourceError::Unreadable {
            source_name: name.to_owned(),
            path: path.display().to_string(),
            error,
        };
        let metadata = fs::metadata(&path).map_err(wrong)?;
        let is_fifo = metadata.file_type().is_fifo();
        if !is_fifo {
            File::open(&path).map_err(wrong)?;
        }
        let identity = (metadata.dev(), metadata.ino());
        found.push(Found { path, identity, bytes: metadata.len(), is_fifo });
    }
    Ok(found)
}

/// Reads files one after the other, each to its end, until the run is to end. A line that is then incomplete
/// stays in its file.
pub fn read_all(context: &Context, files: &[Found], to: &Sender<Arrival>) {
    for found in files {
        if context.drain.requested() {
            return;
        }
        match read(context, found, to) {
            Ok(End::Fine) => {}
            Ok(End::Unwanted) => return,
            Err(error) => {
                context.metrics.unreadable.add(1);
                let source = &*context.name;
                tracing::error!(source, "{}: {error}; what was read before counts", found.path.display());
            }
        }
    }
}

fn read(context: &Context, found: &Found, to: &Sender<Arrival>) -> io::Result<End> {
    let name = found.path.to_string_lossy();
    let mut stream = Stream::new(context, &name, Some(&found.path), to);
    // Without this, opening a FIFO would wait for its writer where nothing can end the wait.
    let non_blocking = if found.is_fifo { rustix::fs::OFlags::NONBLOCK.bits() as i32 } else { 0 };
    let mut file = OpenOptions::new().read(true).custom_flags(non_blocking).open(&found.path)?;
    if found.is_fifo {
        return read_fifo(&mut stream, &mut file, &context.drain);
    }
    let mut start = [0; GZIP.len()];
    let is_gzip = file.read_exact(&mut start).is_ok() && start == GZIP;
    file.rewind()?;
    if is_gzip {
        let mut packed = MultiGzDecoder::new(BufReader::with_capacity(64 << 10, file));
        match read_to_end(&mut stream, &mut packed, &context.drain) {
            // What `gzip` calls trailing garbage: zeros that fill a block, mostly.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput && stream.has_begun => {
                let source = &*context.name;
                tracing::warn!(source, "{name}: what follows the end of its gzip data is not read: {error}");
                Ok(End::Fine)
            }
            ended => ended,
        }
    } else {
        read_to_end(&mut stream, &mut file, &context.drain)
    }
}

fn read_to_end(stream: &mut Stream<'_>, input: &mut impl Read, drain: &Drain) -> io::Result<End> {
    while !drain.requested() {
        match stream.read(input) {
            Ok(Some(End::Fine)) => {}
            Ok(Some(End::Unwanted)) => return Ok(End::Unwanted),
            Ok(None) => return Ok(stream.finish()),
            Err(error) => {
                stream.finish();
                return Err(error);
            }
        }
    }
    Ok(End::Fine)
}

fn read_fifo(stream: &mut Stream<'_>, file: &mut File, drain: &Drain) -> io::Result<End> {
    loop {
        if wait_readable(file, drain)? == Readable::Draining {
            return Ok(stream.finish());
        }
        match stream.read(file) {
            Ok(Some(End::Fine)) => {}
            Ok(Some(End::Unwanted)) => return Ok(End::Unwanted),
            Ok(None) => return Ok(stream.finish()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Why a wait for input ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readable {
    /// There is something to read, or the end.
    Yes,
    /// The run is to end.
    Draining,
}

/// Waits until there is something to read or the run is to end.
pub(super) fn wait_readable(file: &impl AsFd, drain: &Drain) -> io::Result<Readable> {
    let every = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK_EVERY.subsec_nanos()) };
    loop {
        if drain.requested() {
            return Ok(Readable::Draining);
        }
        match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&every)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(Readable::Yes),
            Err(error) => return Err(error.into()),
        }
    }
}

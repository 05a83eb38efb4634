//! Files that others may have put there: looked up once, and never waited for.
//!
//! What is asked of a file (its kind, its owner, its size) and what is read is of one descriptor, so both are of the same
//! file whatever happens to its name meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file to read it. One that is a pipe is open at once, whether or not it has a writer.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    with(path, OFlags::NONBLOCK)
}

/// The same, but what is a link is an error.
pub(super) fn open_itself(path: &Path) -> io::Result<File> {
    with(path, OFlags::NONBLOCK | OFlags::NOFOLLOW)
}

fn with(path: &Path, flags: OFlags) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// A file that is a file: no link, no pipe, no device.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_itself(path)?;
    regular(&file)?;
    Ok(file)
}

/// Refuses what is open and no file.
pub(crate) fn regular(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file; remove it"))
}

/// The rest of a file; none if that is more than `most` bytes.
pub(super) fn rest(file: &File, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

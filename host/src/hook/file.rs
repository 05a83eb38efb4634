//! Files that others may have put there: looked up once, and never waited for.
//!
//! What is asked of a file (its kind, its owner, its size) and what is read is of one descriptor, so both are of the same
//! file whatever happens to its name meanwhile.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Permissions that a secret must not have: any for others than its owner.
pub(crate) const OTHERS: u32 = 0o077;

/// Opens a file to read it. One that is a pipe is open at once, whether or not it has a writer.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    with(path, OFlags::NONBLOCK)
}

/// The same, but what is a link is an error.
pub(crate) fn open_itself(path: &Path) -> io::Result<File> {
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
pub(crate) fn rest(file: &File, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// What lets others at a file or directory: its owner, or one of these permissions.
pub(crate) fn exposed(metadata: &Metadata, forbidden: u32) -> Option<String> {
    let (me, owner, mode) = (rustix::process::geteuid().as_raw(), metadata.uid(), metadata.mode());
    if owner != me {
        return Some(format!("it belongs to user {owner} and this is user {me}"));
    }
    let what = if forbidden & 0o044 == 0 { "write to" } else { "read" };
    (mode & forbidden != 0).then(|| format!("others than its owner may {what} it (mode {:o})", mode & 0o7777))
}

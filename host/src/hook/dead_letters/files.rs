//! Files that only grow by whole, synced lines, and are this user's only.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::hook::file;

/// How long another process may hold a lock before that is an error, which a run tells and tries again after.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Held while something is changed that several processes change.
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// Waits for the lock that is this file; `what` is what any other that holds it does.
pub(crate) fn lock(path: &Path, what: &str) -> io::Result<Lock> {
    let file = lock_file(path)?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                thread::sleep(Duration::from_millis(5))
            }
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process holds it; it is one that {what}");
                return Err(at(path)(io::Error::new(io::ErrorKind::WouldBlock, message)));
            }
            Err(TryLockError::Error(error)) => return Err(at(path)(error)),
        }
    }
}

/// Opens the file of a lock, or makes it.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(at(path))
}

/// Makes a directory and those above it, for this user only, and waits until they are on disk.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let above = dir.parent().unwrap_or(Path::new(""));
    make_dir(above)?;
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at(dir)(error)),
        _ => {}
    }
    sync_dir(if above.as_os_str().is_empty() { Path::new(".") } else { above })
}

/// Appends whole lines and waits until they are on disk. What was there before stays if that fails. A last line that
/// was torn gets its newline first.
pub(crate) fn append_lines(path: &Path, lines: &[u8]) -> io::Result<()> {
    let is_new = !path.exists();
    // A link could lead anywhere, and a pipe would wait for its reader.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    let mut file =
        options.create(true).append(true).mode(0o600).custom_flags(flags).open(path).map_err(at(path))?;
    file::regular(&file).map_err(at(path))?;
    let before = file.metadata().map_err(at(path))?.len();
    let whole = ends_whole(path)?;
    let written = if whole { Ok(()) } else { file.write_all(b"\n") }
        .and_then(|()| file.write_all(lines))
        .and_then(|()| file.sync_data());
    if let Err(error) = written {
        // Half a line would spoil the next one.
        file.set_len(before).map_err(at(path))?;
        return Err(at(path)(error));
    }
    if is_new { sync_dir(path.parent().unwrap_or(Path::new("."))) } else { Ok(()) }
}

/// Whether a file is empty, not there, or ends with a newline.
pub(super) fn ends_whole(path: &Path) -> io::Result<bool> {
    let mut file = match file::open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(at(path)(error)),
    };
    if file.metadata().map_err(at(path))?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(at(path))?;
    Ok(last == *b"\n")
}

/// A new name is only safe once its directory is.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Says which file an error is about.
pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

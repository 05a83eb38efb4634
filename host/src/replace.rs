//! Files that are replaced as a whole or not at all: who reads one meanwhile sees the old or the new one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process;

/// Whether a file that is to be written is one of these, under whatever name.
pub(crate) fn is_one_of(path: &Path, files: &[PathBuf]) -> bool {
    let Ok(place) = path.canonicalize() else { return false };
    files.iter().any(|file| file.canonicalize().is_ok_and(|file| file == place))
}

/// Puts `bytes` in place of a file. A link stays one: what it names is replaced.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, 0o666)
}

/// The same for a file that is this user's own, if it was not there before.
pub(crate) fn replace_own(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, 0o600)
}

fn replace_with(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".unfinished-{}", process::id()));
    let unfinished = place.with_file_name(name);
    let written = write(&unfinished, &place, bytes, mode);
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write(unfinished: &Path, place: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(unfinished)?;
    file.write_all(bytes)?;
    if let Ok(before) = fs::metadata(place) {
        file.set_permissions(before.permissions())?;
    }
    file.sync_all()?;
    fs::rename(unfinished, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_file_stays_a_link_and_nothing_is_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        replace(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(replace(&dir.path().join("none/file"), b"").is_err());
    }
}

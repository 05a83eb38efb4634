//! Files that this user alone may read: secrets, and where to find who knows them.
//!
//! One is whole before it has its name, so that nobody reads half of it. What is a link, belongs to somebody else or can be
//! read or written by others is refused, not mended: whoever could read it knows the secret already.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process;

use crate::hook::file::{OTHERS, exposed, open_itself, regular, rest};

/// The whole file, of at most so many bytes, as text. Only this user may have had a hand in it.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<String> {
    read_open(&open_itself(path).map_err(|error| refused(path, &error))?, path, most)
}

/// The same of a file that is open already; `path` is for errors.
pub(crate) fn read_open(file: &File, path: &Path, most: u64) -> io::Result<String> {
    let refuse = |error: io::Error| refused(path, &error);
    regular(file).map_err(refuse)?;
    if let Some(exposed) = exposed(&file.metadata().map_err(refuse)?, OTHERS) {
        let remedy = "make it this user's own with chown and chmod 600, and its secrets anew if others may have read them";
        return Err(refuse(io::Error::new(io::ErrorKind::PermissionDenied, format!("{exposed}; {remedy}"))));
    }
    let bytes = rest(file, most).map_err(refuse)?;
    let bytes = bytes.ok_or_else(|| refuse(io::Error::other(format!("it has over {most} bytes"))))?;
    String::from_utf8(bytes)
        .map_err(|_| refuse(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))
}

/// Makes the file, or puts another in its place.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    place(path, text, |unfinished| fs::rename(unfinished, path))
}

/// Makes the file; one that is there already, which another process may just have made, is an error and stays.
pub(crate) fn make(path: &Path, text: &str) -> io::Result<()> {
    place(path, text, |unfinished| {
        fs::hard_link(unfinished, path)?;
        fs::remove_file(unfinished)
    })
}

fn place(path: &Path, text: &str, name: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let unfinished = unfinished(path);
    // What a crash left, of another process with this one's number.
    let _ = fs::remove_file(&unfinished);
    let written = write_new(&unfinished, text).and_then(|()| name(&unfinished));
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&unfinished);
    }
    written.map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".unfinished-{}", process::id()));
    path.with_file_name(name)
}

fn refused(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_is_written_is_this_users_alone_and_nothing_is_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        make(&path, "one").unwrap();
        assert_eq!(make(&path, "two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&path, 10).unwrap(), "one");
        write(&path, "three").unwrap();
        assert_eq!(read(&path, 10).unwrap(), "three");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_others_had_a_hand_in_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("secret"), dir.path().join("link"));
        write(&path, "text").unwrap();
        symlink(&path, &link).unwrap();
        assert!(read(&link, 10).is_err());
        assert!(read(&path, 3).unwrap_err().to_string().contains("it has over 3 bytes"));
        for mode in [0o604, 0o640, 0o620, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path, 10).unwrap_err().to_string();
            assert!(
                error.contains("others than its owner may read it") && error.contains("chmod 600"),
                "{error}"
            );
        }
    }
}

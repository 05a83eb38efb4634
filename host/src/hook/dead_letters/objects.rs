//! Plugins, states and setups that dead letters refer to, each kept once under the SHA-256 of its content.
//!
//! Bounds: [`MOST`] objects and [`MOST_BYTES`] of them for each hook; those that were written longest ago go first. A
//! letter whose objects are gone can be replayed but no longer exported. They are secrets as much as the configuration
//! is: the directory and each file are this user's only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::files::{at, make_dir, remove};
use crate::hook::load::hex;

/// The most objects of a hook: thirty states with their setups, and the plugins.
pub const MOST: usize = 64;

/// The most bytes of them: a few of the largest plugins and states.
pub const MOST_BYTES: u64 = 256 << 20;

/// Names for files that are not finished, unique in this process.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// The objects of one hook.
#[derive(Clone, Debug)]
pub struct Objects {
    dir: PathBuf,
}

impl Objects {
    /// Those in this directory; it is made with the first one.
    pub fn in_dir(dir: PathBuf) -> Objects {
        Objects { dir }
    }

    /// Keeps `bytes`. Returns their digest.
    pub fn put(&self, bytes: &[u8]) -> io::Result<String> {
        if bytes.len() as u64 > MOST_BYTES / 2 {
            let message =
                format!("{} bytes are too many to keep; {} are the most", bytes.len(), MOST_BYTES / 2);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let digest = digest(bytes);
        let path = self.dir.join(&digest);
        if let Ok(file) = OpenOptions::new().append(true).open(&path) {
            // It is younger now than what nobody wants any more.
            file.set_modified(SystemTime::now()).map_err(at(&path))?;
            return Ok(digest);
        }
        make_dir(&self.dir)?;
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.dir.join(format!("{digest}.unfinished-{}-{number}", process::id()));
        let written = write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            // It may never have been made.
            let _ = fs::remove_file(&unfinished);
            return Err(at(&path)(error));
        }
        Ok(digest)
    }

    /// Whether the object of this digest is there.
    pub fn has(&self, digest: &str) -> bool {
        is_digest(digest) && self.dir.join(digest).exists()
    }

    /// The object of this digest, whose content is checked.
    pub fn get(&self, wanted: &str) -> io::Result<Vec<u8>> {
        let path = self.dir.join(wanted);
        if !is_digest(wanted) {
            let message = format!("{wanted:?} is no SHA-256 in hex");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
            .map_err(at(&path))?;
        if digest(&bytes) != wanted {
            let message = format!("{}: its content does not have this digest", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(bytes)
    }

    /// Removes what is too much, but for `wanted`.
    pub fn trim(&self, wanted: &[&str]) -> io::Result<()> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(at(&self.dir))? {
            let entry = entry.map_err(at(&self.dir))?;
            // Another worker may just have renamed or removed it.
            let Ok(metadata) = entry.metadata() else { continue };
            all.push((metadata.modified().map_err(at(&entry.path()))?, metadata.len(), entry.path()));
        }
        all.sort();
        let (mut count, mut bytes) = (all.len(), all.iter().map(|(_, bytes, _)| bytes).sum::<u64>());
        for (_, size, path) in all {
            if count <= MOST && bytes <= MOST_BYTES {
                break;
            }
            let name = path.file_name().unwrap_or_default();
            if !wanted.iter().any(|wanted| name == *wanted) {
                remove(&path)?;
                (count, bytes) = (count - 1, bytes - size);
            }
        }
        Ok(())
    }
}

/// The SHA-256 of `bytes` in hex.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes).into())
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    #[test]
    fn the_same_is_kept_once_for_this_user_only_and_a_changed_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::in_dir(dir.path().join("objects"));
        let digest = objects.put(b"secret").unwrap();
        assert_eq!(objects.put(b"secret").unwrap(), digest);
        assert_eq!(objects.get(&digest).unwrap(), b"secret");
        let path = dir.path().join("objects").join(&digest);
        assert_eq!(fs::read_dir(dir.path().join("objects")).unwrap().count(), 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&dir.path().join("objects"))), (0o600, 0o700));
        fs::write(&path, "other").unwrap();
        assert!(objects.get(&digest).unwrap_err().to_string().contains("digest"));
        assert!(objects.get("../../etc/passwd").is_err());
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_but_never_what_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::in_dir(dir.path().to_owned());
        let all: Vec<String> = (0..MOST + 3).map(|n| objects.put(&n.to_le_bytes()).unwrap()).collect();
        for (digest, age) in all.iter().zip((0..1000).rev()) {
            let file = File::options().append(true).open(dir.path().join(digest)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(5000 - age)).unwrap();
        }
        objects.trim(&[&all[0]]).unwrap();
        let left: Vec<bool> = all.iter().map(|digest| objects.has(digest)).collect();
        assert_eq!(left[..5], [true, false, false, false, true]);
        assert_eq!(left.iter().filter(|there| **there).count(), MOST);
    }
}

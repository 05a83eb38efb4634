//! What seals the cache's entries: HMAC-SHA256 under 32 random bytes, in a file that nobody but this user may read.
//!
//! The key is made where there is none. One that cannot be what was made here (of another length, all zeros as a disk
//! leaves it after a crash, a link, somebody else's, or open to others) is replaced by a new one, with a warning. Either
//! way what was sealed before is foreign from then on, so it is compiled again and never loaded. Fails where no key can be
//! made; then there is no cache.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::unfinished;
use crate::hook::file::{self, OTHERS, exposed};

/// Bytes of the key, and of a seal.
pub(super) const SEAL_BYTES: usize = 32;

/// Seals entries, and knows its own seals.
#[derive(Clone)]
pub(super) struct Sealer(Hmac<Sha256>);

impl fmt::Debug for Sealer {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealer")
    }
}

impl Sealer {
    /// With the key in the file `path`.
    pub(super) fn open(path: &Path) -> io::Result<Sealer> {
        match read(path) {
            Ok(key) => return Sealer::new(&key),
            Err(Fault::Missing) => {}
            Err(Fault::Unfit(why)) => {
                tracing::warn!(
                    "the key of the plugin cache, {path:?}, is made anew, because {why}; plugins are compiled again"
                );
                fs::remove_file(path)?;
            }
        }
        match make(path) {
            // Another process that starts now was faster, and its key is as good.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read(path) {
                Ok(key) => Sealer::new(&key),
                Err(_) => Err(error),
            },
            made => Sealer::new(&made?),
        }
    }

    fn new(key: &[u8; SEAL_BYTES]) -> io::Result<Sealer> {
        Hmac::new_from_slice(key).map(Sealer).map_err(io::Error::other)
    }

    /// The seal over all parts, one after another.
    pub(super) fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        self.over(parts).finalize().into_bytes().into()
    }

    /// Whether this is the seal over all parts; takes as long whatever is wrong with it.
    pub(super) fn is_seal(&self, seal: &[u8; SEAL_BYTES], parts: &[&[u8]]) -> bool {
        self.over(parts).verify_slice(seal).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

/// Why a file's content is not the key.
enum Fault {
    Missing,
    Unfit(String),
}

fn read(path: &Path) -> Result<[u8; SEAL_BYTES], Fault> {
    let unfit = |error: io::Error| Fault::Unfit(format!("it cannot be read: {error}"));
    let file = match file::open_itself(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Fault::Missing),
        Err(error) => return Err(unfit(error)),
    };
    let metadata = file.metadata().map_err(unfit)?;
    if !metadata.is_file() {
        return Err(Fault::Unfit("it is no file".to_owned()));
    }
    if let Some(exposed) = exposed(&metadata, OTHERS) {
        return Err(Fault::Unfit(exposed));
    }
    let bytes = file::rest(&file, SEAL_BYTES as u64).map_err(unfit)?.unwrap_or_default();
    match <[u8; SEAL_BYTES]>::try_from(bytes) {
        Ok(key) if key != [0; SEAL_BYTES] => Ok(key),
        Ok(_) => Err(Fault::Unfit("it is all zeros".to_owned())),
        Err(_) => Err(Fault::Unfit(format!("it does not have {SEAL_BYTES} bytes"))),
    }
}

/// A new key, unless there is one meanwhile. It is whole before it has its name, so that a process which starts at the same
/// time finds all of it or none.
fn make(path: &Path) -> io::Result<[u8; SEAL_BYTES]> {
    let mut key = [0; SEAL_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let unfinished = unfinished(path);
    // What a crash left, of another process with this one's number.
    let _ = fs::remove_file(&unfinished);
    let named = write(&unfinished, &key).and_then(|()| match fs::hard_link(&unfinished, path) {
        // Not every file system has links. Of two processes one then has a key that it alone knows, and compiles twice.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::rename(&unfinished, path),
        linked => linked,
    });
    // Gone already if it was renamed.
    let _ = fs::remove_file(&unfinished);
    named.map(|()| key)
}

fn write(path: &Path, key: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

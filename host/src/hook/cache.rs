//! Compiled plugins on disk, so that a start takes milliseconds and not the seconds that compiling takes.
//!
//! What is read here is executed as machine code, so an entry is used only if
//! - the directory and the entry's file belong to this user and nobody else may write to them;
//! - it is sealed with the key in `cache-key`, beside the directory ([`seal`]), over what it is for (the plugin's content,
//!   the engine, the scan's limits) and all that it holds. The bytes whose seal was checked are the bytes that are used:
//!   a file is read once, through one descriptor, and never mapped.
//!
//! This keeps out torn writes, bad disks, entries under another one's name, and whatever was not written by a process
//! that could read the key: a cache that was copied, restored, built into an image, or written to through a mistaken
//! path. It does not keep out who can read this user's files or run code as this user; such a one can as well replace the
//! executable. Nor does it say whose plugin it is: `trust` does ([`trust`](super::trust)).
//!
//! Bounds: [`MAX_ENTRIES`] and [`MAX_BYTES`], the least recently used go first. No failure here stops a plugin from
//! loading: the caller compiles instead, and passes the error on as a warning.
//!
//! An entry is a seal of 32 bytes, and a frame as the compiler process makes them.

mod seal;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::compile::{Compiled, MAX_OUTPUT};
use super::file::{self, exposed};
use super::load::hex;
use super::scan;
use seal::{SEAL_BYTES, Sealer};

/// Below the data directory: where the entries are, and the key that seals them. Apart, so that a cache that comes from
/// elsewhere does not bring its own.
const DIRECTORY: &str = "cache";
const KEY_FILE: &str = "cache-key";

/// Permissions that the directory and its files must not have: others may not write.
const WRITABLE: u32 = 0o022;

/// The most entries: more plugins than anyone chains, each in a few versions.
const MAX_ENTRIES: usize = 64;

/// The most bytes of one entry.
const MAX_ENTRY_BYTES: u64 = SEAL_BYTES as u64 + MAX_OUTPUT;

/// The most bytes of all entries together: 20 Python hooks.
const MAX_BYTES: u64 = 2 << 30;

/// Changes when what is compiled, what the scan lets through or how it is stored changes in a way that nothing else in
/// the key shows. 2: passive elements are counted, texts are printable. 3: types are counted. 4: entries are sealed.
const LAYOUT: u32 = 4;

/// Names for files that are not finished, unique in this process.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// Why the cache does not help.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The directory cannot be made or looked at.
    #[error("the plugin cache {path:?} cannot be used: {reason}; every start compiles the plugins again")]
    Directory {
        /// Where.
        path: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// There is no key and none can be made.
    #[error(
        "the plugin cache is not used, because its key {path:?} cannot be made: {reason}; every start compiles the plugins again"
    )]
    Key {
        /// Where.
        path: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// Somebody else could put machine code there.
    #[error(
        "the plugin cache {path:?} is not used, because {fault}; make it this user's own with chmod 700 and chown"
    )]
    Exposed {
        /// Which file or directory.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// An entry cannot be read.
    #[error("the plugin cache's entry {path:?} is compiled again: {reason}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An entry cannot be written.
    #[error(
        "the plugin cache's entry {path:?} cannot be written: {reason}; the next start compiles it again"
    )]
    Write {
        /// Which.
        path: PathBuf,
        /// The system's word.
        reason: String,
    },
}

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of a plugin with this SHA-256, compiled for the engine with this fingerprint, which holds wasmtime's
    /// version and the target, and let through by these limits.
    pub fn new(plugin: &[u8; 32], engine: &[u8; 32], limits: &scan::Limits) -> Key {
        let mut digest = Sha256::new();
        digest.update(b"hookaroon compiled plugin");
        digest.update(LAYOUT.to_le_bytes());
        // wit-component, which makes components of modules, comes with the crate's version. No other part varies
        // in length.
        digest.update(Sha256::digest(env!("CARGO_PKG_VERSION")));
        digest.update(plugin);
        digest.update(engine);
        let scan::Limits { file_bytes, functions, function_bytes, globals, instantiated, nesting, names } =
            *limits;
        for limit in [file_bytes, functions, function_bytes, globals, instantiated, nesting, names] {
            digest.update(limit.to_le_bytes());
        }
        Key(digest.finalize().into())
    }
}

/// A directory of compiled plugins.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    sealer: Sealer,
}

impl Cache {
    /// The cache in this data directory; what is missing of it is made.
    pub fn open(data_dir: &Path) -> Result<Cache, CacheError> {
        let directory = data_dir.join(DIRECTORY);
        let failed =
            |error: io::Error| CacheError::Directory { path: directory.clone(), reason: error.to_string() };
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
        // Resolved once, so that a link that is moved later leads nowhere else.
        let directory = directory.canonicalize().map_err(failed)?;
        own(&directory, &fs::metadata(&directory).map_err(failed)?)?;
        let path = data_dir.join(KEY_FILE);
        let sealer =
            Sealer::open(&path).map_err(|error| CacheError::Key { path, reason: error.to_string() })?;
        Ok(Cache { directory, sealer })
    }

    /// The entry for `key`, if there is one that was written here and is whole. Any other is removed.
    pub fn get(&self, key: &Key) -> Result<Option<Compiled>, CacheError> {
        let path = self.path(key);
        let failed = |reason: String| CacheError::Read { path: path.clone(), reason };
        let file = match file::open_itself(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                self.remove(key);
                return Err(failed(error.to_string()));
            }
        };
        let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
        own(&path, &metadata)?;
        match self.read(&file, &metadata, key) {
            Ok(compiled) => {
                // Used now, so removed last. Where that fails, it counts as unused.
                let _ = file.set_modified(SystemTime::now());
                Ok(Some(compiled))
            }
            Err(reason) => {
                self.remove(key);
                Err(failed(reason))
            }
        }
    }

    /// What an open file holds, once its seal is checked; from here on the file does not matter any more.
    fn read(&self, file: &File, metadata: &fs::Metadata, key: &Key) -> Result<Compiled, String> {
        if !metadata.is_file() {
            return Err("it is no file".to_owned());
        }
        let bytes = file::rest(file, MAX_ENTRY_BYTES).map_err(|error| error.to_string())?;
        let bytes = bytes.ok_or_else(|| format!("it has more than {MAX_ENTRY_BYTES} bytes"))?;
        let (seal, frame) = bytes.split_first_chunk().ok_or("it is too short")?;
        if !self.sealer.is_seal(seal, &[&key.0, frame]) {
            return Err("it was changed, or not written with this cache's key".to_owned());
        }
        Compiled::decode(bytes, SEAL_BYTES)
    }

    /// Keeps a compiled plugin, and removes what is too much.
    pub fn put(&self, key: &Key, compiled: &Compiled) -> Result<(), CacheError> {
        let path = self.path(key);
        let unfinished = unfinished(&path);
        let written = write(&unfinished, &self.sealer.seal(&[&key.0, compiled.frame()]), compiled.frame())
            .and_then(|()| fs::rename(&unfinished, &path))
            .and_then(|()| self.trim(&path));
        written.map_err(|error| {
            // A full disk is not made fuller. It may never have been created.
            let _ = fs::remove_file(&unfinished);
            CacheError::Write { path, reason: error.to_string() }
        })
    }

    /// Forgets an entry that turned out to be of no use.
    pub fn remove(&self, key: &Key) {
        // What cannot be removed is refused again when it is read again.
        let _ = fs::remove_file(self.path(key));
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(hex(&key.0))
    }

    /// Removes the least recently used files, among them what a crash left unfinished, but never `newest`.
    fn trim(&self, newest: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            // Another process that trims too may be faster.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                files.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
        files.sort_unstable();
        let mut count = files.len();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in &files {
            if count <= MAX_ENTRIES && bytes <= MAX_BYTES {
                break;
            }
            if path != newest {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                count -= 1;
                bytes -= length;
            }
        }
        Ok(())
    }
}

/// The name of a file while it is written, which is no other's in this process or in one beside it.
fn unfinished(path: &Path) -> PathBuf {
    let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("unfinished-{}-{number}", process::id()))
}

/// Machine code is taken from this user only.
fn own(path: &Path, metadata: &fs::Metadata) -> Result<(), CacheError> {
    exposed(metadata, WRITABLE)
        .map_or(Ok(()), |fault| Err(CacheError::Exposed { path: path.to_owned(), fault }))
}

/// Writes a whole file down to the disk, readable by this user only.
fn write(path: &Path, seal: &[u8], frame: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(seal)?;
    file.write_all(frame)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;

//! Compiled plugins on disk, so that a start takes milliseconds and not the seconds that compiling takes.
//!
//! What is read here is executed as machine code. So the directory and each file must belong to this user and be
//! writable by nobody else; an entry is bound to the plugin's content, the engine and the scan's limits; and its
//! digest is checked, which finds torn writes and bad disks (not forgers: those are kept out by the permissions).
//! Bounds: [`MAX_ENTRIES`] and [`MAX_BYTES`], the least recently used go first. No failure here stops a plugin from
//! loading: the caller compiles instead, and passes the error on as a warning.
//!
//! An entry is the SHA-256 of its key and the rest, and a frame as the compiler process makes them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::compile::Compiled;
use super::load::hex;
use super::scan;

/// The most entries: more plugins than anyone chains, each in a few versions.
const MAX_ENTRIES: usize = 64;

/// The most bytes of all entries together: 20 Python hooks.
const MAX_BYTES: u64 = 2 << 30;

/// Changes when what is compiled, what the scan lets through or how it is stored changes in a way that nothing else in
/// the key shows. 2: passive elements are counted, texts are printable. 3: types are counted.
const LAYOUT: u32 = 3;

const DIGEST_BYTES: usize = 32;

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
pub struct Key([u8; DIGEST_BYTES]);

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

    fn seal(&self, frame: &[u8]) -> [u8; DIGEST_BYTES] {
        Sha256::new().chain_update(self.0).chain_update(frame).finalize().into()
    }
}

/// A directory of compiled plugins.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// The cache in `directory`, which is made if it is missing.
    pub fn open(directory: &Path) -> Result<Cache, CacheError> {
        let failed = |error: io::Error| CacheError::Directory {
            path: directory.to_owned(),
            reason: error.to_string(),
        };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        // Resolved once, so that a link that is moved later leads nowhere else.
        let directory = directory.canonicalize().map_err(failed)?;
        let metadata = fs::metadata(&directory).map_err(failed)?;
        own(&directory, metadata.uid(), metadata.mode())?;
        Ok(Cache { directory })
    }

    /// The entry for `key`, if there is one that is whole. A broken one is removed.
    pub fn get(&self, key: &Key) -> Result<Option<Compiled>, CacheError> {
        let path = self.path(key);
        let failed = |reason: String| CacheError::Read { path: path.clone(), reason };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
        own(&path, metadata.uid(), metadata.mode())?;
        match read(&mut file, key) {
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

    /// Keeps a compiled plugin, and removes what is too much.
    pub fn put(&self, key: &Key, compiled: &Compiled) -> Result<(), CacheError> {
        let path = self.path(key);
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.directory.join(format!("unfinished-{}-{number}", process::id()));
        let written = write(&unfinished, &key.seal(compiled.frame()), compiled.frame())
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

/// Machine code is taken from this user only.
fn own(path: &Path, uid: u32, mode: u32) -> Result<(), CacheError> {
    let me = rustix::process::geteuid().as_raw();
    let fault = if uid != me {
        format!("it belongs to user {uid} and this is user {me}")
    } else if mode & 0o022 != 0 {
        format!("others than its owner may write to it (mode {:o})", mode & 0o7777)
    } else {
        return Ok(());
    };
    Err(CacheError::Exposed { path: path.to_owned(), fault })
}

fn read(file: &mut File, key: &Key) -> Result<Compiled, String> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let (seal, frame) = bytes.split_first_chunk::<DIGEST_BYTES>().ok_or("it is too short")?;
    if *seal != key.seal(frame) {
        return Err("its digest does not match its content".to_owned());
    }
    Compiled::decode(bytes, DIGEST_BYTES)
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

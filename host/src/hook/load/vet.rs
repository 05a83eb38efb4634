//! From a plugin's name to bytes that may be compiled: read once, held against the pin, held against `trust`.
//!
//! [`Found`] is what was in a file when it was read, [`Vetted`] the same bytes once they are known to be the ones that the
//! operator lets in. The file is not read again, and the cache and the compiler are handed nothing but a [`Vetted`]: who
//! swaps the file after the check has swapped nothing. A standard hook in this executable is trusted with it; one that is
//! a file beside it needs a signature like any other.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{LoadFault, PluginSource, hex, no_standard};
use crate::hook::compile::{CompileError, Refusal};
use crate::hook::file;
use crate::hook::scan::{Limit, ScanError};
use crate::hook::standard;
use crate::hook::trust::Trust;

/// A plugin as it was read.
#[derive(Debug)]
pub(super) struct Found {
    bytes: Cow<'static, [u8]>,
    /// None: it came with this executable, or from somebody who vouches for it.
    file: Option<PathBuf>,
}

/// A plugin that may be compiled.
#[derive(Debug)]
pub(super) struct Vetted {
    bytes: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

impl Found {
    /// The whole plugin, if it has at most `limit` bytes.
    pub(super) fn read(source: &PluginSource, limit: u64) -> Result<Found, LoadFault> {
        match source {
            PluginSource::Standard(name) => match standard::embedded(name) {
                Some(bytes) => Ok(Found { bytes: Cow::Borrowed(bytes), file: None }),
                None => Found::of_file(&standard::file(name).ok_or_else(|| no_standard(name))?, limit),
            },
            PluginSource::File(path) => Found::of_file(path, limit),
        }
    }

    /// A plugin that is no file here; whoever hands it over vouches for it.
    pub(super) fn handed(bytes: Vec<u8>) -> Found {
        Found { bytes: Cow::Owned(bytes), file: None }
    }

    fn of_file(path: &Path, limit: u64) -> Result<Found, LoadFault> {
        let opened = file::open(path).map_err(unreadable)?;
        let metadata = opened.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            let kind = if metadata.is_dir() { "a directory" } else { "a pipe, socket or device" };
            return Err(LoadFault::NotFile { kind });
        }
        let bytes = file::rest(&opened, limit).map_err(unreadable)?;
        let bytes = bytes.ok_or_else(|| too_large(metadata.len().max(limit.saturating_add(1)), limit))?;
        Ok(Found { bytes: Cow::Owned(bytes), file: Some(path.to_owned()) })
    }

    /// Where it was read from; none: from this executable.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What it is.
    pub(super) fn into_bytes(self) -> Cow<'static, [u8]> {
        self.bytes
    }

    /// Holds it against the pin and against who is trusted.
    pub(super) fn vet(self, pin: Option<[u8; 32]>, trust: &Trust) -> Result<Vetted, LoadFault> {
        let sha256 = sha256(&self.bytes);
        if let Some(pinned) = pin.filter(|pinned| *pinned != sha256) {
            return Err(LoadFault::Pin { actual: hex(&sha256), pinned: hex(&pinned) });
        }
        if let Some(file) = &self.file {
            trust.check(file, &self.bytes)?;
        }
        Ok(Vetted { bytes: self.bytes, sha256 })
    }
}

impl Vetted {
    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their SHA-256.
    /// What a plugin is known by.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

/// What a plugin is known by.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn unreadable(error: io::Error) -> LoadFault {
    match error.kind() {
        io::ErrorKind::NotFound => LoadFault::Missing,
        _ => LoadFault::Unreadable(error),
    }
}

pub(super) fn too_large(actual: u64, limit: u64) -> LoadFault {
    let error = ScanError::OverLimit { which: Limit::FileBytes, actual, limit };
    CompileError::from(Refusal::from(error)).into()
}

#[cfg(test)]
mod tests;

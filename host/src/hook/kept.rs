//! The versions of each hook's plugin that ran last, by digest, in the data directory: going back to one, or starting
//! again, does not depend on what lies at a path by then.
//!
//! ```text
//! plugins/HOOK/SHA256.wasm            with the signatures that came beside the file: SHA256.wasm.minisig, SHA256.wasm.sig
//! plugins/HOOK/versions.toml          the last MOST of them that were at work, the newest last
//! ```
//!
//! A plugin is written when it was read and is listed once it is at work; what is not listed goes with the next one that is.
//! A file is used only by its digest, and is held against pin, signatures and scan again like any other.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf, absolute};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::load::hex;
use crate::replace::replace_own;

/// How many versions of a hook are kept.
pub const MOST: usize = 5;

const DIRECTORY: &str = "plugins";
const INDEX: &str = "versions.toml";

/// The endings of signatures.
const SIGNATURES: [&str; 2] = ["minisig", "sig"];

/// Where the plugins of all hooks are kept.
#[derive(Clone, Debug)]
pub struct Kept {
    directory: PathBuf,
}

/// A version of a hook that was at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// SHA-256 of its plugin, 64 hex digits.
    pub sha256: String,
    /// What it was loaded from.
    pub from: String,
    /// When, in seconds since 1970.
    pub since: u64,
    /// It was only tried, beside another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tried: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    #[serde(default)]
    version: Vec<Version>,
}

impl Kept {
    /// In this data directory; nothing is made until there is something to keep.
    pub fn new(data_dir: &Path) -> Kept {
        let directory = data_dir.join(DIRECTORY);
        // A path that is written down means the same wherever it is read.
        Kept { directory: absolute(&directory).unwrap_or(directory) }
    }

    /// Where a version of a hook is, if it is kept.
    pub fn file(&self, hook: &str, sha256: &str) -> PathBuf {
        self.directory.join(hook).join(format!("{sha256}.wasm"))
    }

    /// Puts a plugin there, with the signatures that lie beside `file`.
    pub fn put(&self, hook: &str, sha256: &[u8; 32], bytes: &[u8], file: Option<&Path>) -> io::Result<()> {
        let kept = self.file(hook, &hex(sha256));
        DirBuilder::new().recursive(true).mode(0o700).create(self.directory.join(hook))?;
        if file.is_some_and(|file| file == kept) {
            return Ok(());
        }
        if fs::metadata(&kept).map(|metadata| metadata.len()).ok() != Some(bytes.len() as u64) {
            replace_own(&kept, bytes)?;
        }
        for ending in SIGNATURES {
            let Some(file) = file else { break };
            match fs::read(beside(file, ending)) {
                Ok(signature) => replace_own(&beside(&kept, ending), &signature)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Puts a signature beside a plugin that is there; its ending says of which form it is.
    pub fn put_signature(&self, hook: &str, sha256: &[u8; 32], ending: &str, bytes: &[u8]) -> io::Result<()> {
        if !SIGNATURES.contains(&ending) {
            let message = format!("{ending:?} is no ending of a signature; minisig and sig are");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        replace_own(&beside(&self.file(hook, &hex(sha256)), ending), bytes)
    }

    /// A version of a hook is at work, or tried: it is listed as the newest, and what is no longer among the last is removed.
    pub fn list(&self, hook: &str, sha256: &[u8; 32], from: &str, tried: bool) -> io::Result<()> {
        let mut versions = self.versions(hook)?;
        let sha256 = hex(sha256);
        // Where it came from first: going back to it is no other place.
        let known = versions.iter().position(|version| version.sha256 == sha256);
        let known = known.map(|at| versions.remove(at));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let is_own = Path::new(from).starts_with(&self.directory);
        let from = match known {
            Some(known) if is_own => known.from,
            _ => from.to_owned(),
        };
        versions.push(Version { sha256, from, since, tried });
        let surplus = versions.len().saturating_sub(MOST);
        versions.drain(..surplus);
        let text = toml::to_string(&Index { version: versions.clone() }).map_err(io::Error::other)?;
        replace_own(&self.directory.join(hook).join(INDEX), text.as_bytes())?;
        let is_listed = |name: &str| {
            name == INDEX || versions.iter().any(|version| name.starts_with(version.sha256.as_str()))
        };
        for entry in fs::read_dir(self.directory.join(hook))? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(is_listed) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes a version that was put there and came to nothing.
    pub fn remove_unlisted(&self, hook: &str, sha256: &str) -> io::Result<()> {
        if self.versions(hook)?.iter().any(|version| version.sha256 == sha256) {
            return Ok(());
        }
        let kept = self.file(hook, sha256);
        let signatures = SIGNATURES.map(|ending| beside(&kept, ending));
        for file in signatures.iter().chain([&kept]) {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // One that nothing is kept in, of a hook that never was.
        let _ = fs::remove_dir(self.directory.join(hook));
        Ok(())
    }

    /// The versions of a hook that were at work, the newest last.
    pub fn versions(&self, hook: &str) -> io::Result<Vec<Version>> {
        let text = match fs::read_to_string(self.directory.join(hook).join(INDEX)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let index: Index = toml::from_str(&text).map_err(io::Error::other)?;
        Ok(index.version.into_iter().filter(|version| is_digest(&version.sha256)).collect())
    }

    /// The file of the version that was loaded from this place last.
    pub(super) fn last_from(&self, hook: &str, from: &str) -> Option<PathBuf> {
        let versions = self.versions(hook).ok()?;
        let last = versions.iter().rev().find(|version| version.from == from && !version.tried)?;
        Some(self.file(hook, &last.sha256))
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::load::hex;

    #[test]
    fn the_last_versions_are_kept_and_what_never_ran_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(dir.path());
        for number in 0..9u8 {
            kept.put("h", &[number; 32], &[number], None).unwrap();
            if number % 2 == 0 {
                kept.list("h", &[number; 32], &format!("v{number}.wasm"), false).unwrap();
            }
        }
        for number in [1u8, 3, 5, 7] {
            assert!(!kept.file("h", &hex(&[number; 32])).exists(), "{number} never ran");
        }
        kept.put("h", &[10; 32], &[10], None).unwrap();
        kept.list("h", &[10; 32], "v10.wasm", false).unwrap();
        let from: Vec<String> = kept.versions("h").unwrap().into_iter().map(|version| version.from).collect();
        assert_eq!(from, ["v2.wasm", "v4.wasm", "v6.wasm", "v8.wasm", "v10.wasm"]);
        assert_eq!(fs::read_dir(dir.path().join("plugins/h")).unwrap().count(), MOST + 1);
        assert_eq!(kept.last_from("h", "v4.wasm"), Some(kept.file("h", &hex(&[4; 32]))));
        assert_eq!(kept.last_from("h", "v0.wasm"), None);
    }

    #[test]
    fn a_version_that_comes_back_is_the_newest_and_from_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(dir.path());
        for number in [1u8, 2] {
            kept.put("h", &[number; 32], &[number], None).unwrap();
            kept.list("h", &[number; 32], &format!("v{number}.wasm"), false).unwrap();
        }
        let own = kept.file("h", &hex(&[1; 32]));
        kept.put("h", &[1; 32], &[1], Some(&own)).unwrap();
        kept.list("h", &[1; 32], own.to_str().unwrap(), false).unwrap();
        let from: Vec<String> = kept.versions("h").unwrap().into_iter().map(|version| version.from).collect();
        assert_eq!(from, ["v2.wasm", "v1.wasm"]);
    }
}

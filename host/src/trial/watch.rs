//! Waits until one of some files changes, is replaced, comes or goes.
//!
//! Asked every [`EVERY`] by the files' metadata: it takes no resources, works on every file system, and sees a file
//! that a build puts in another's place. A change while nobody waits is seen at the next wait.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::drain::Drain;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Files and how they were when they were last looked at.
#[derive(Debug)]
pub struct Watch {
    files: Vec<PathBuf>,
    seen: Vec<Option<State>>,
}

/// What changes with a file. None: it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A file changed.
    Changed,
    /// It was asked for.
    Ended,
}

impl Watch {
    /// Notes how the files are now. Do it before they are read.
    pub fn new(files: Vec<PathBuf>) -> Watch {
        let seen = states(&files);
        Watch { files, seen }
    }

    /// The files.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Waits until a file is no longer as it was noted, and notes how it is then.
    pub fn wait(&mut self, end: &Drain) -> Woken {
        loop {
            let now = states(&self.files);
            if now != self.seen {
                self.seen = now;
                return Woken::Changed;
            }
            if end.wait(EVERY) {
                return Woken::Ended;
            }
        }
    }

    /// Notes how the files are now: what changed them was no one else.
    pub fn note(&mut self) {
        self.seen = states(&self.files);
    }
}

fn states(files: &[PathBuf]) -> Vec<Option<State>> {
    let state = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some(State {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    };
    files.iter().map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_replaced_goes_or_comes_ends_the_wait() {
        let dir = tempfile::tempdir().unwrap();
        let (file, other) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&file, "1").unwrap();
        let end = Drain::default();
        let mut watch = Watch::new(vec![file.clone(), other.clone()]);
        fs::write(dir.path().join("new"), "2").unwrap();
        fs::rename(dir.path().join("new"), &file).unwrap();
        assert_eq!(watch.wait(&end), Woken::Changed);
        fs::remove_file(&file).unwrap();
        assert_eq!(watch.wait(&end), Woken::Changed);
        fs::write(&other, "").unwrap();
        assert_eq!(watch.wait(&end), Woken::Changed);
        end.request();
        assert_eq!(watch.wait(&end), Woken::Ended);
    }
}

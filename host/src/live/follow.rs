//! Follows the files of a configuration: when they change, or SIGHUP comes, they are read again and what differs is done.
//!
//! The directories are watched and not the files, because editors and Kubernetes put new files and links in place of old
//! ones; what counts is whether the texts are others. Ten changes at once end in the last one: a change is taken up when
//! nothing has moved for [`QUIET`], or after [`LATEST`]. Where a file system tells nothing, looking every [`LOOK`] does. One
//! thread, which also ends what operators changed for a time, and what is tried and does worse.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::control::{Control, ControlError, Done};

/// How long nothing has to move.
const QUIET: Duration = Duration::from_millis(100);

/// How long a change waits at most.
const LATEST: Duration = Duration::from_secs(1);

/// How often the files are looked at although nothing was told.
const LOOK: Duration = Duration::from_secs(5);

/// How often versions that are tried are judged.
const JUDGE: Duration = Duration::from_millis(250);

/// What the thread is told.
enum Word {
    /// Something moved in a directory.
    Moved,
    /// The files are to be read, whether or not they changed.
    Read,
    /// A change may be for a time.
    Timed,
    /// Enough.
    End,
}

/// The thread that follows.
pub struct Follower {
    words: Sender<Word>,
    thread: Option<JoinHandle<()>>,
}

/// Tells the thread something.
#[derive(Clone)]
pub struct Nudge(Sender<Word>);

impl Nudge {
    /// The files are to be read again.
    pub fn read(&self) {
        // If the thread has ended, so has the run.
        let _ = self.0.send(Word::Read);
    }

    /// A change was made that may be for a time.
    pub fn timed(&self) {
        let _ = self.0.send(Word::Timed);
    }
}

impl Follower {
    /// Follows until it is dropped; the files, if they are to be.
    pub fn start(control: Arc<Control>, reads: bool) -> std::io::Result<Follower> {
        let (words, heard) = channel();
        let watcher = if reads { watcher(words.clone()) } else { None };
        let following = Following { reads, watcher, watched: BTreeSet::new(), control, heard };
        let thread = Builder::new().name("config".to_owned()).spawn(move || following.run())?;
        Ok(Follower { words, thread: Some(thread) })
    }

    /// What tells it something.
    pub fn nudge(&self) -> Nudge {
        Nudge(self.words.clone())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.words.send(Word::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watcher(words: Sender<Word>) -> Option<RecommendedWatcher> {
    let moved = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = words.send(Word::Moved);
        }
    };
    match notify::recommended_watcher(moved) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(
                "changes of the configuration are found only every {LOOK:?}, because nothing can be watched: {error}"
            );
            None
        }
    }
}

struct Following {
    reads: bool,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    control: Arc<Control>,
    heard: Receiver<Word>,
}

impl Following {
    fn run(mut self) {
        loop {
            self.watch();
            let end = self.control.expire();
            self.control.judge();
            let look = if self.control.is_trying() { JUDGE } else { LOOK };
            let wait = end.map_or(look, |end| end.min(look));
            match self.heard.recv_timeout(wait) {
                Ok(Word::End) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Word::Timed) => {}
                Ok(Word::Read) => self.read(true),
                Ok(Word::Moved) => match self.settle() {
                    Some(Word::End) => return,
                    Some(Word::Read) => self.read(true),
                    _ => self.read(false),
                },
                Err(RecvTimeoutError::Timeout) => self.read(false),
            }
        }
    }

    /// Waits until nothing moves any more; what else was said meanwhile that matters more.
    fn settle(&self) -> Option<Word> {
        let latest = Instant::now() + LATEST;
        loop {
            let left = latest.saturating_duration_since(Instant::now()).min(QUIET);
            match self.heard.recv_timeout(left) {
                Ok(Word::Moved | Word::Timed) if !left.is_zero() => {}
                Ok(Word::Moved | Word::Timed) | Err(RecvTimeoutError::Timeout) => return None,
                Ok(word) => return Some(word),
                Err(RecvTimeoutError::Disconnected) => return Some(Word::End),
            }
        }
    }

    fn read(&self, always: bool) {
        if !self.reads {
            return;
        }
        match self.control.read_files(always) {
            None => {}
            Some(Ok(done)) => tell(&done),
            Some(Err(ControlError::Config(errors))) => {
                tracing::error!(
                    "the configuration has changed and is not valid; the hooks go on as they are:\n{errors}"
                );
            }
            Some(Err(error)) => {
                tracing::error!(
                    "the configuration has changed and was not taken over; the hooks go on as they are:\n{error}"
                );
            }
        }
    }

    /// Watches the directories of all files, and those that links lead to.
    fn watch(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut wanted = BTreeSet::new();
        for file in self.control.files() {
            wanted.insert(directory(&file));
            if let Ok(place) = file.canonicalize() {
                wanted.insert(directory(&place));
            }
        }
        for pattern in self.control.patterns() {
            wanted.insert(fixed(&pattern));
        }
        for gone in self.watched.difference(&wanted) {
            // It may be gone itself.
            let _ = watcher.unwatch(gone);
        }
        self.watched.retain(|directory| wanted.contains(directory));
        for new in wanted {
            // One that is not there yet is looked for again; meanwhile the files are looked at now and then.
            if watcher.watch(&new, RecursiveMode::NonRecursive).is_ok() {
                self.watched.insert(new);
            }
        }
    }
}

fn tell(done: &Done) {
    let hooks: Vec<String> = done.hooks.iter().map(|(hook, did)| format!("{hook} {did}")).collect();
    let hooks = if hooks.is_empty() { "no hook differs".to_owned() } else { hooks.join(", ") };
    tracing::info!("the configuration was read again: {hooks}");
    if !done.at_next_start.is_empty() {
        tracing::warn!("these take effect at the next start: {}", done.at_next_start.join(", "));
    }
}

fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The directory in front of the first wildcard of a pattern.
fn fixed(pattern: &Path) -> PathBuf {
    let has_wildcard =
        |part: &std::path::Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let start: PathBuf = pattern.components().take_while(|part| !has_wildcard(part)).collect();
    if start == pattern { directory(pattern) } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_watched_of_a_pattern_is_the_directory_in_front_of_it() {
        for (pattern, directory) in [
            ("/etc/h/conf.d/*.toml", "/etc/h/conf.d"),
            ("conf.d/a.toml", "conf.d"),
            ("/etc/*/x.toml", "/etc"),
            ("x.toml", "."),
        ] {
            assert_eq!(fixed(Path::new(pattern)), Path::new(directory), "{pattern}");
        }
    }
}

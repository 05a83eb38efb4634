//! Events that a hook could not process, kept with the reason until they are replayed.
//!
//! A line is on disk before its event leaves the chain. While that cannot be done, because the disk or the `max_bytes`
//! of `[dead_letters]` is full, the worker waits and tries again, which makes the source wait, until the run is asked to
//! end; what is then still not written is told as an error. A run offline keeps them in memory, at most
//! [`MOST_IN_MEMORY`].
//!
//! [`record`] is one of them as a line, [`store`] the segments that the lines are in, [`marks`] what became of them
//! since, [`objects`] what the calls that failed can be made again from.

pub(crate) mod files;
pub mod filter;
mod granted;
pub mod marks;
pub mod objects;
pub mod record;
pub mod setup;
pub mod store;

use std::io;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::failure::Failure;
use crate::config::Keep;
use crate::drain::Drain;
use crate::event::batch::Batch;
use crate::metrics::waits::Waitings;
use record::{Content, Letter};
use setup::Setup;
use store::{Appended, Store};

/// How long to wait before trying again to write.
const RETRY: Duration = Duration::from_secs(1);

/// How many bytes of them are kept in memory.
pub const MOST_IN_MEMORY: usize = 256 << 20;

/// The dead letters of all hooks.
#[derive(Debug)]
pub struct DeadLetters {
    kept: Kept,
    /// What is kept of each event.
    keep: Keep,
    /// One writer at a time, so that lines stay whole. What is kept in memory.
    writing: Mutex<Vec<u8>>,
    /// Numbers them, for their IDs.
    made: AtomicU64,
    /// How long workers wait until they can be written, by hook.
    waits: Waitings,
}

#[derive(Debug)]
enum Kept {
    OnDisk { store: Store, drain: Arc<Drain> },
    InMemory,
}

/// Why an event is a dead letter.
#[derive(Clone, Debug)]
pub struct Reason<'a> {
    /// The hook as it was set up.
    pub setup: &'a Setup,
    /// The digest of the same, with its state, among the objects that are kept.
    pub kept: Option<&'a str>,
    /// The hooks that other hooks' rollouts left the event to.
    pub aside: Vec<String>,
    /// What happened.
    pub failure: &'a Failure,
    /// When, in nanoseconds since 1970.
    pub now_ns: u64,
}

impl DeadLetters {
    /// Dead letters in this store; nothing is made until there is one.
    pub fn on_disk(store: Store, keep: Keep, drain: Arc<Drain>) -> DeadLetters {
        let (kept, writing, made) = (Kept::OnDisk { store, drain }, Mutex::default(), AtomicU64::new(0));
        DeadLetters { kept, keep, writing, made, waits: Waitings::default() }
    }

    /// Dead letters that nobody needs once the run has ended.
    pub fn in_memory() -> DeadLetters {
        let (writing, made) = (Mutex::default(), AtomicU64::new(0));
        DeadLetters { kept: Kept::InMemory, keep: Keep::Event, writing, made, waits: Waitings::default() }
    }

    /// How long workers wait until they can be written, by hook.
    pub fn waits(&self) -> &Waitings {
        &self.waits
    }

    /// The lines that are kept in memory.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.writing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Appends the line of one dead letter to `lines`.
    pub fn write(&self, batch: &Batch, row: u32, reason: &Reason<'_>, lines: &mut Vec<u8>) {
        let content = match self.keep {
            Keep::Event => Content::event(batch.text(row)),
            Keep::Granted => Content::granted(batch.text(row), &reason.setup.grant.read_patterns()),
            Keep::Hash => Content::hash(batch.text(row)),
        };
        let id = self.next_id(reason.now_ns, &reason.setup.hook);
        Letter::new(id, batch, row, reason, content).write(lines);
    }

    /// Unlike any other of this store: of the time, the process and a count.
    fn next_id(&self, now_ns: u64, hook: &str) -> String {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{now_ns} {} {made} {hook}", process::id());
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(unique.as_bytes()))
    }

    /// Keeps what the next call of an instance can be made again from. Returns the digest that letters refer to it by;
    /// none if nobody could make use of it.
    pub fn keep_setup(&self, setup: &Setup, worker: u32, state: Option<&[u8]>) -> io::Result<Option<String>> {
        match &self.kept {
            Kept::OnDisk { store, .. } if self.keep != Keep::Hash => {
                setup.keep(&store.objects(&setup.hook), worker, state).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Puts whole lines where they are kept. Waits while that is not possible; an error once the run is to end.
    pub fn append(&self, hook: &str, lines: &[u8]) -> io::Result<()> {
        let mut memory = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, drain) = match &self.kept {
            Kept::OnDisk { store, drain } => (store, drain),
            Kept::InMemory if memory.len() + lines.len() > MOST_IN_MEMORY => {
                let message = format!("over {MOST_IN_MEMORY} bytes of events failed; take a smaller input");
                return Err(io::Error::new(io::ErrorKind::StorageFull, message));
            }
            Kept::InMemory => {
                memory.extend_from_slice(lines);
                return Ok(());
            }
        };
        let mut told = String::new();
        loop {
            let (kind, reason) = match store.append(hook, lines, SystemTime::now()) {
                Ok(Appended::Whole) => return Ok(()),
                Ok(Appended::Full { remedy }) => (io::ErrorKind::StorageFull, remedy),
                Err(error) => (error.kind(), error.to_string()),
            };
            let message = format!("dead letters of hook \"{hook}\": {reason}");
            if message != told {
                tracing::error!("{message}; the events wait until then, and so does their source");
                told.clone_from(&message);
            }
            if self.waits.of(hook).during(|| drain.wait(RETRY)) {
                return Err(io::Error::new(kind, message));
            }
        }
    }

    /// Removes what is too old, and tells it; what cannot be removed is told too.
    pub fn remove_old(&self) {
        let Kept::OnDisk { store, .. } = &self.kept else { return };
        if let Err(error) = store.remove_old(SystemTime::now()) {
            tracing::warn!("old dead letters cannot be removed: {error}");
        }
    }
}

//! Looking at events while they flow: as they leave the chain, or before and after one hook.
//!
//! A tap is in nobody's way. Without one the flow looks at one number, once for a batch and each hook. With one it copies a
//! few events, as many as the tap's [`Allowance`] lets it, into a queue of [`MOST_WAITING`] events and [`MOST_BYTES`] bytes;
//! what is over the rate is not even looked at, and what the queue has no room for is lost to the tap. Both are counted, and
//! the flow never waits. Differences are made by whoever reads. At most [`MOST_TAPS`] at a time.
//!
//! The queue is tokio's, because its reader is the admin API; nothing here waits for it.

mod allowance;
mod filter;
pub(crate) mod meeting;
pub mod sight;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::mpsc;

use crate::config;
use crate::event::batch::Batch;
use crate::event::condition::Condition;
use crate::event::projection::TooManyFields;
use crate::metrics::Counter;
pub use allowance::{Allowance, Rate};
use filter::Filter;
use sight::{Sight, What};

/// How many taps there are at a time.
pub const MOST_TAPS: usize = 8;

/// How many events of a tap wait for its reader.
const MOST_WAITING: usize = 256;

/// The same in bytes.
const MOST_BYTES: usize = 4 << 20;

/// All taps of a run.
#[derive(Debug, Default)]
pub struct Taps {
    /// How many there are, for who looks often.
    count: AtomicUsize,
    all: RwLock<Vec<Arc<Tap>>>,
}

/// What somebody wants to look at.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Events before and after this hook; none: as they leave the chain.
    pub hook: Option<String>,
    /// Only those of this source, or of `hook:NAME`.
    pub source: Option<String>,
    /// Only those for which all of this holds. Before and after a hook it is asked before.
    pub conditions: Vec<Condition>,
    /// As many as this.
    pub rate: Rate,
}

/// Why there is no tap.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// There are enough.
    #[error("{MOST_TAPS} taps are open, which is as many as there can be")]
    TooMany,
    /// Its conditions ask for too much.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
}

/// What happened at a tap. Every event that passed was looked at or left out.
#[derive(Debug, Default)]
pub struct Counts {
    /// Events that passed while it was open.
    pub passed: Counter,
    /// Those that were not looked at, because the rate was used up.
    pub left_out: Counter,
    /// Those that were to be shown and had no room in the queue.
    pub lost: Counter,
    /// The bytes that are in the queue.
    waiting: AtomicUsize,
}

/// One tap, as the flow sees it.
#[derive(Debug)]
struct Tap {
    hook: Option<String>,
    /// Held by the worker that looks. One that would have to wait for it looks at nothing.
    look: Mutex<Look>,
    queue: mpsc::Sender<Sight>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Look {
    filter: Filter,
    allowance: Allowance,
}

/// A tap, as its reader sees it. It is closed when this is dropped.
#[derive(Debug)]
pub struct Tapped {
    taps: Arc<Taps>,
    counts: Arc<Counts>,
    queue: mpsc::Receiver<Sight>,
}

/// Rows of a batch that are shown, and how many were not looked at.
#[derive(Debug, Default)]
struct Picked {
    rows: Vec<u32>,
    passed: usize,
    left_out: usize,
}

impl Taps {
    /// Opens a tap; the sources are for the time of events.
    pub fn open(self: &Arc<Taps>, wanted: Wanted, sources: &[config::Source]) -> Result<Tapped, TapError> {
        let Wanted { hook, source, conditions, rate } = wanted;
        let filter = Filter::new(source, &conditions, sources)?;
        let look = Mutex::new(Look { filter, allowance: Allowance::new(rate, Instant::now()) });
        let (sender, queue) = mpsc::channel(MOST_WAITING);
        let counts: Arc<Counts> = Arc::default();
        let tap = Arc::new(Tap { hook, look, queue: sender, counts: counts.clone() });
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_TAPS {
            return Err(TapError::TooMany);
        }
        all.push(tap);
        self.count.store(all.len(), Ordering::Relaxed);
        Ok(Tapped { taps: self.clone(), counts, queue })
    }

    /// A batch leaves the chain.
    pub fn leaving(&self, batch: &Batch) {
        if self.are_none() {
            return;
        }
        for tap in self.at(None) {
            let picked = tap.pick(batch, batch.order());
            picked.rows.iter().for_each(|&row| tap.show(batch, row, batch.text(row), What::Left));
            tap.count(&picked);
        }
    }

    /// The run is over: those who look are told so, once they have read what they have.
    pub fn close(&self) {
        let all = std::mem::take(&mut *self.all.write().unwrap_or_else(PoisonError::into_inner));
        self.count.store(0, Ordering::Relaxed);
        drop(all);
    }

    fn are_none(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// The taps at a hook, or behind the chain.
    fn at(&self, hook: Option<&str>) -> Vec<Arc<Tap>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|tap| tap.hook.as_deref() == hook).cloned().collect()
    }

    fn remove(&self, counts: &Arc<Counts>) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|tap| !Arc::ptr_eq(&tap.counts, counts));
        self.count.store(all.len(), Ordering::Relaxed);
    }
}

impl Tap {
    /// Which of these rows are shown.
    fn pick(&self, batch: &Batch, rows: &[u32]) -> Picked {
        let mut picked = Picked { rows: Vec::new(), passed: rows.len(), left_out: rows.len() };
        let Ok(mut look) = self.look.try_lock() else { return picked };
        let Look { filter, allowance } = &mut *look;
        let begun = Instant::now();
        allowance.refill(begun);
        for &row in rows {
            if !allowance.has_room() {
                break;
            }
            picked.left_out -= 1;
            if filter.takes(batch, row) {
                // At a hook the event is copied twice.
                let copies = if self.hook.is_some() { 2 } else { 1 };
                allowance.take(batch.text(row).len() * copies);
                picked.rows.push(row);
            }
        }
        allowance.looked(begun.elapsed());
        picked
    }

    fn count(&self, picked: &Picked) {
        self.counts.passed.add(picked.passed as u64);
        self.counts.left_out.add(picked.left_out as u64);
    }

    /// Shows an event, if there is room.
    fn show(&self, batch: &Batch, row: u32, event: &[u8], what: What) {
        let Some(origin) = batch.origin(row) else { return };
        let (source, stream) = (origin.source_name.clone(), origin.stream.clone());
        let sight = Sight { source, stream, event: event.to_vec(), what };
        let bytes = sight.bytes();
        let waiting = &self.counts.waiting;
        let has_room = waiting.fetch_add(bytes, Ordering::Relaxed) + bytes <= MOST_BYTES;
        if has_room && self.queue.try_send(sight).is_ok() {
            return;
        }
        waiting.fetch_sub(bytes, Ordering::Relaxed);
        self.counts.lost.add(1);
    }
}

impl Tapped {
    /// What happened until now.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes the next event out; whoever asks is woken when there is one.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Sight>> {
        self.queue.poll_recv(context).map(|sight| self.taken(sight))
    }

    /// Takes the next event out, if there is one.
    pub fn try_next(&mut self) -> Option<Sight> {
        let sight = self.queue.try_recv().ok();
        self.taken(sight)
    }

    fn taken(&self, sight: Option<Sight>) -> Option<Sight> {
        let bytes = sight.as_ref().map_or(0, Sight::bytes);
        self.counts.waiting.fetch_sub(bytes, Ordering::Relaxed);
        sight
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.taps.remove(&self.counts);
    }
}

#[cfg(test)]
mod tests;

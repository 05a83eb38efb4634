//! Which sink takes which event, and the text that it gets. Pure.
//!
//! A sink takes the events of its sources for which its `match` holds; each event goes to every sink that takes
//! it. What no sink takes is counted.

use crate::event::batch::Batch;
use crate::event::path::Meta;
use crate::event::selection::{Decision, Selection};
use crate::pool::{Buffer, Pool};

/// From so many bytes in a batch on, its texts are written to a buffer that goes round.
const LARGE: usize = 64 << 10;

/// No larger buffer goes round: twice the usual batch.
const LARGEST: usize = 2 << 20;

/// What one sink takes.
#[derive(Clone, Debug)]
pub struct Route {
    /// Which events.
    pub selection: Selection,
    /// The metadata that is added to them.
    pub include: Vec<Meta>,
}

/// What one sink gets of a batch: events, each on a line of its own.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Their texts.
    pub lines: Buffer,
    /// How many they are.
    pub events: u64,
    /// When the first event of their batch was received, in nanoseconds since 1970.
    pub received_ns: i64,
}

/// The sinks' routes.
#[derive(Clone, Debug)]
pub struct Router {
    routes: Vec<Route>,
    pool: Pool,
    /// Memory to read fields in.
    scratch: Vec<u8>,
    rows: Vec<u32>,
    taken: Vec<bool>,
}

impl Router {
    /// A router to as many sinks as there are routes.
    pub fn new(routes: Vec<Route>) -> Router {
        Router { routes, pool: Pool::new(LARGEST), scratch: Vec::new(), rows: Vec::new(), taken: Vec::new() }
    }

    /// Whether it looks at fields, so that edits must keep track of where they are.
    pub fn reads_fields(&self) -> bool {
        self.routes.iter().any(|route| !route.selection.matchers.is_empty() || !route.include.is_empty())
    }

    /// The routes, in the order of the sinks.
    pub(crate) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Gives each sink its events, in order. Returns how many events no sink takes.
    pub fn route(&mut self, batch: &Batch, mut deliver: impl FnMut(usize, Chunk)) -> u64 {
        self.taken.clear();
        self.taken.resize(batch.len(), false);
        let received_ns = batch.received_ns().unwrap_or_default();
        for (index, route) in self.routes.iter().enumerate() {
            self.rows.clear();
            for (&row, taken) in batch.order().iter().zip(&mut self.taken) {
                if route.selection.takes(batch, row, &mut self.scratch) {
                    *taken = true;
                    self.rows.push(row);
                }
            }
            if self.rows.is_empty() {
                continue;
            }
            // A few lines get memory of their own size, however large the buffers are that go round.
            let mut lines = Buffer::default();
            if batch.bytes() >= LARGE {
                lines = self.pool.take();
                lines.clear();
                // Rounded, because texts are never of quite the same size, and with room for what was added to them.
                let room = batch.bytes() + batch.bytes() / 8;
                lines.reserve_exact(room.next_multiple_of(LARGE));
            }
            route.write(batch, &self.rows, &mut lines);
            deliver(index, Chunk { lines, events: self.rows.len() as u64, received_ns });
        }
        self.taken.iter().filter(|&&taken| !taken).count() as u64
    }
}

impl Route {
    /// Whether a row is taken, and why.
    pub(crate) fn decide(&self, batch: &Batch, row: u32) -> Decision {
        self.selection.decide(batch, row)
    }

    /// Appends the texts of rows as they leave.
    pub(crate) fn write(&self, batch: &Batch, rows: &[u32], lines: &mut Vec<u8>) {
        if self.include.is_empty() {
            batch.write_all(rows, lines);
        } else {
            batch.write_all_with(rows, &self.include, lines);
        }
    }
}

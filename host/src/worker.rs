//! One worker: lines in, batches through its chain of hooks, texts out to the sinks. One thread.
//!
//! Batches fill up to their rows or bytes, or until they have waited long enough. When the chain has to stop, the
//! worker takes everything that still comes and counts it, so that nobody upstream waits for ever.

pub mod unbatched;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock;
use crate::config;
use crate::drain::Drain;
use crate::event::batch::Batch;
use crate::event::unseen::{self, Missing, Unseen};
use crate::hook::chain::{Chain, Stop};
use crate::hook::limits::thread_cpu_time;
use crate::metrics::Metrics;
use crate::queue::{Receiver, Sender, Taken};
use crate::router::{Chunk, Router};
use crate::source::Arrival;
use unbatched::{Filled, Unbatched};

/// How often a worker looks whether a hook is to be saved while nothing comes.
const IDLE: Duration = Duration::from_secs(1);

/// A worker and all that it works with.
pub struct Worker {
    /// What comes in.
    pub arrivals: Receiver<Arrival>,
    /// When a batch is full.
    pub filling: config::Batch,
    /// Its hooks.
    pub chain: Chain,
    /// The batch that is filled, with the pipeline's projection.
    pub batch: Batch,
    /// What goes out.
    pub exits: Exits,
    /// The fields that did not come yet.
    pub unseen: Arc<Unseen>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The end of the run.
    pub drain: Arc<Drain>,
}

/// The way out to the sinks.
pub struct Exits {
    /// Which sink takes what.
    pub router: Router,
    /// One for each sink.
    pub sinks: Vec<Sender<Chunk>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Exits {
    fn deliver(&mut self, batch: &Batch) {
        let unrouted = self.router.route(batch, |index, chunk| {
            let bytes = chunk.lines.len();
            if let Some(sink) = self.sinks.get(index) {
                // A sink that is gone has said so itself, with the count of what it did not get.
                let _ = sink.send(chunk, bytes);
            }
        });
        self.metrics.unrouted.add(unrouted);
    }
}

impl Worker {
    /// Works until nothing more comes, then ends its hooks.
    pub fn run(mut self) -> Result<(), Stop> {
        let ended = self.flow();
        self.metrics.worker_cpu_ns.add(clock::nanos(thread_cpu_time()));
        match ended {
            Ok(()) => self.end(),
            Err(stop) => {
                self.drain.request();
                self.count_what_is_left();
                Err(stop)
            }
        }
    }

    fn flow(&mut self) -> Result<(), Stop> {
        let mut full_at: Option<Instant> = None;
        loop {
            let idle = Instant::now() + IDLE;
            let until = [full_at, self.chain.next_tick()].into_iter().flatten().fold(idle, Instant::min);
            match self.arrivals.take(Some(until)) {
                Taken::Item(arrival) => {
                    self.add(&arrival)?;
                    full_at = if self.batch.is_empty() {
                        None
                    } else {
                        full_at.or(Some(Instant::now() + self.filling.wait))
                    };
                }
                Taken::Nothing => {}
                Taken::Closed => return self.process(),
            }
            if full_at.is_some_and(|at| at <= Instant::now()) {
                self.process()?;
                full_at = None;
            }
            // Ticks bring events of their own, in a batch of their own.
            if self.batch.is_empty() {
                self.tick()?;
            } else if self.chain.next_tick().is_some_and(|at| at <= Instant::now()) {
                self.process()?;
                full_at = None;
                self.tick()?;
            }
        }
    }

    /// Adds lines to the batch, and processes it each time it is full.
    fn add(&mut self, arrival: &Arrival) -> Result<(), Stop> {
        let mut lines = Unbatched::new(&arrival.lines, &arrival.origin);
        while lines.fill(&mut self.batch, &self.filling, &self.metrics.input) == Filled::Full {
            if let Err(stop) = self.process() {
                self.count_stopped(lines.left() as u64);
                return Err(stop);
            }
        }
        Ok(())
    }

    fn process(&mut self) -> Result<(), Stop> {
        if !self.batch.is_empty() {
            self.unseen.before(&self.batch);
            self.chain.note_queue(self.arrivals.is_waiting());
            self.chain.process(&mut self.batch, clock::now_ns())?;
            self.exits.deliver(&self.batch);
            for Missing { path, nearest } in self.unseen.after(&self.batch) {
                let meant = nearest.map_or(String::new(), |nearest| format!("; is \"{nearest}\" meant?"));
                tracing::warn!("no event among the first {} has the field \"{path}\"{meant}", unseen::EVENTS);
            }
        }
        self.batch.clear();
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Stop> {
        let exits = &mut self.exits;
        self.batch.clear();
        self.chain.tick(&mut self.batch, Instant::now(), clock::now_ns(), |batch| exits.deliver(batch))
    }

    fn end(self) -> Result<(), Stop> {
        let Worker { chain, mut batch, mut exits, .. } = self;
        chain.teardown(&mut batch, clock::now_ns(), |batch| exits.deliver(batch))
    }

    fn count_what_is_left(&mut self) {
        self.metrics.stopped.add(self.batch.len() as u64);
        while let Taken::Item(arrival) = self.arrivals.take(None) {
            self.count_stopped(arrival.lines.lines.len() as u64);
        }
    }

    /// Events that came in and are in no batch.
    fn count_stopped(&self, events: u64) {
        self.metrics.input.events.add(events);
        self.metrics.stopped.add(events);
    }
}

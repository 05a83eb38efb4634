//! One worker: lines in, batches through its chain of hooks, texts out to the sinks. One thread.
//!
//! Batches fill up to their rows or bytes, or until they have waited long enough. Wherever the worker waits, for lines, for a
//! breaker or for a sink, it can be called to its [`Desk`], where its chain is changed. When the chain has to stop, the
//! worker takes everything that still comes and counts it, so that nobody upstream waits for ever.

pub mod desk;
pub mod unbatched;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock;
use crate::config;
use crate::drain::Drain;
use crate::event::batch::{Batch, Origin};
use crate::event::projection::Projection;
use crate::event::unseen::{self, Missing, Unseen};
use crate::hook::chain::{Chain, Progress, Stop};
use crate::hook::limits::thread_cpu_time;
use crate::hook::rollout::Asides;
use crate::metrics::{Metrics, SourceMetrics};
use crate::queue::{Receiver, Sender, Taken, Unsent};
use crate::router::{Chunk, Router};
use crate::source::{Arrival, Times};
use desk::Desk;
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
    /// How the events of each source carry their time.
    pub times: Arc<Times>,
    /// The hooks that rollouts leave events to.
    pub asides: Arc<Asides>,
    /// Where its chain is changed.
    pub desk: Arc<Desk>,
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
    /// What has left the chain and no sink has taken yet, each with the number of its sink.
    pub outgoing: VecDeque<(usize, Chunk)>,
}

/// What is new for a worker whose chain was changed.
pub struct Fit {
    /// The fields that are asked for now.
    pub projection: Arc<Projection>,
    /// Which sink takes what, by these.
    pub router: Router,
    /// The fields that did not come yet.
    pub unseen: Arc<Unseen>,
    /// How the events of each source carry their time, by the same fields.
    pub times: Arc<Times>,
    /// The hooks that rollouts leave events to.
    pub asides: Arc<Asides>,
}

impl Worker {
    /// Works until nothing more comes, then ends its hooks.
    pub fn run(mut self) -> Result<(), Stop> {
        self.arrivals.listen(self.desk.bell());
        self.exits.sinks.iter().for_each(|sink| sink.listen(self.desk.bell()));
        self.desk.bell().add(self.drain.clone());
        let mut ended = self.flow();
        self.desk.leave();
        self.metrics.worker_cpu_ns.add(clock::nanos(thread_cpu_time()));
        if ended.is_ok() {
            ended = self.end();
        } else {
            self.drain.request();
            self.count_what_is_left();
        }
        ended
    }

    fn flow(&mut self) -> Result<(), Stop> {
        let mut full_at: Option<Instant> = None;
        loop {
            let idle = Instant::now() + IDLE;
            let until = [full_at, self.chain.next_tick()].into_iter().flatten().fold(idle, Instant::min);
            let take = || self.arrivals.take_unless_called(until, self.desk.bell());
            match self.metrics.waits.lines.during(take) {
                Taken::Item(arrival) => {
                    self.add(arrival)?;
                    full_at = if self.batch.is_empty() {
                        None
                    } else {
                        full_at.or(Some(Instant::now() + self.filling.wait))
                    };
                }
                Taken::Called => self.attend()?,
                Taken::Nothing => {}
                Taken::Closed => {
                    self.process()?;
                    return self.part();
                }
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
    fn add(&mut self, arrival: Arrival) -> Result<(), Stop> {
        let mut lines = Unbatched::new(&arrival.lines);
        loop {
            // By the fields that are asked for now: the chain may have changed since the lines were read.
            let time = self.times.of(arrival.origin.source);
            let origin = Origin { time, ..arrival.origin.clone() };
            if lines.fill(&mut self.batch, &origin, &self.filling, &arrival.metrics) == Filled::AllIn {
                return Ok(());
            }
            if let Err(stop) = self.process() {
                self.count_stopped(&arrival.metrics, lines.left() as u64);
                return Err(stop);
            }
        }
    }

    /// Passes the batch, if there is one, through the chain and out.
    fn process(&mut self) -> Result<(), Stop> {
        if self.batch.is_empty() {
            self.batch.clear();
            return Ok(());
        }
        self.unseen.before(&self.batch);
        self.chain.note_queue(self.arrivals.is_waiting());
        self.chain.set_out();
        self.pass()?;
        for Missing { path, nearest } in self.unseen.after(&self.batch) {
            let meant = nearest.map_or(String::new(), |nearest| format!("; is \"{nearest}\" meant?"));
            tracing::warn!("no event among the first {} has the field \"{path}\"{meant}", unseen::EVENTS);
        }
        self.deliver()
    }

    /// Passes the batch through the hooks that it has not met, however long it has to wait for one.
    fn pass(&mut self) -> Result<(), Stop> {
        loop {
            match self.chain.advance(&mut self.batch, clock::now_ns())? {
                Progress::Through => return Ok(()),
                Progress::Waits(hook, pause) => {
                    let wait = || self.drain.wait_unless_called(pause, self.desk.bell());
                    if self.metrics.waits.breakers.of(&hook).during(wait) {
                        return Err(Stop::Blocked { hook: hook.to_string() });
                    }
                    if self.desk.bell().is_ringing() {
                        self.attend()?;
                    }
                }
            }
        }
    }

    /// Hands the batch to the sinks; it is empty then.
    fn deliver(&mut self) -> Result<(), Stop> {
        self.chain.taps().leaving(&self.batch);
        let Exits { router, outgoing, .. } = &mut self.exits;
        let sinks = &self.metrics.sinks;
        let unrouted = router.route(&self.batch, |sink, chunk| {
            if let Some(metrics) = sinks.get(sink) {
                metrics.routed.add(chunk.events);
            }
            outgoing.push_back((sink, chunk));
        });
        self.metrics.unrouted.add(unrouted);
        self.batch.clear();
        while let Some((index, chunk)) = self.exits.outgoing.pop_front() {
            let bytes = chunk.lines.len();
            let Some(sink) = self.exits.sinks.get(index) else { continue };
            let name = self.metrics.sinks.get(index).map_or("", |sink| &sink.name);
            let waiting = self.metrics.waits.sinks.of(name);
            let send = || sink.send_unless_called(chunk, bytes, self.desk.bell());
            // A sink that is gone has said so itself, with the count of what it did not get.
            if let Err(Unsent::Called(chunk)) = waiting.during(send) {
                self.exits.outgoing.push_front((index, chunk));
                self.attend()?;
            }
        }
        Ok(())
    }

    /// Tells the time to hooks that asked for it; lets out what was left by hooks that are gone. The batch is empty.
    fn tick(&mut self) -> Result<(), Stop> {
        self.part()?;
        self.batch.clear();
        let now = Instant::now();
        while self.chain.tick(&mut self.batch, now, clock::now_ns()) {
            self.pass()?;
            self.deliver()?;
        }
        Ok(())
    }

    /// Lets out the last events of hooks that are gone. The batch is empty.
    fn part(&mut self) -> Result<(), Stop> {
        while self.chain.take_farewell(&mut self.batch, clock::now_ns()) {
            self.pass()?;
            self.deliver()?;
        }
        Ok(())
    }

    /// Lets the chain be changed. The batch, wherever it is on its way, goes on in the chain that comes back.
    fn attend(&mut self) -> Result<(), Stop> {
        let (chain, fit) = self.desk.attend(std::mem::take(&mut self.chain))?;
        self.chain = chain;
        if let Some(Fit { projection, router, unseen, times, asides }) = fit {
            self.batch.refit(&projection, |source| times.of(source));
            asides.take_over(&self.asides, &mut self.batch);
            self.exits.router = router;
            (self.unseen, self.times, self.asides) = (unseen, times, asides);
        }
        Ok(())
    }

    /// Ends the hooks; the batch is empty.
    fn end(&mut self) -> Result<(), Stop> {
        while self.chain.teardown_next(&mut self.batch, clock::now_ns()) {
            self.pass()?;
            self.deliver()?;
        }
        Ok(())
    }

    fn count_what_is_left(&mut self) {
        self.metrics.stopped.add(self.batch.len() as u64);
        while let Taken::Item(arrival) = self.arrivals.take(None) {
            self.count_stopped(&arrival.metrics, arrival.lines.lines.len() as u64);
        }
    }

    /// Events that came in and are in no batch.
    fn count_stopped(&self, source: &SourceMetrics, events: u64) {
        source.events.add(events);
        self.metrics.stopped.add(events);
    }
}

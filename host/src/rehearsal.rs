//! The chain over events in memory: the same decoding, hooks, limits and routing as in a run, without threads, files
//! and the machine's clock. The cases of `check`, `explain`, `test` and `bench` stand on it.
//!
//! One worker, at a time that is made up ([`Clock`]). Where that moves, who asked for ticks is told the time when it is
//! due, and once more after the last batch; where it stands still nothing ticks. What hooks say at teardown comes at the
//! end. Dead letters stay in memory. Bounds: what goes in is the caller's to bound, what comes out is [`MOST_OUT`].

mod clock;

use std::sync::Arc;

use crate::config::{self, Config};
use crate::decode::{Framer, Lines};
use crate::drain::Drain;
use crate::event::batch::{Batch, Origin};
use crate::event::projection::TooManyFields;
use crate::hook::chain::{Chain, Stop};
use crate::hook::dead_letters::DeadLetters;
use crate::hook::prepare::Prepared;
use crate::metrics::{Metrics, SourceMetrics};
use crate::pipeline::wiring::{Around, Wiring};
use crate::router::{Chunk, Router};
use crate::worker::unbatched::{Filled, Unbatched};
pub(crate) use clock::Clock;

/// How many bytes of events the sinks take at most: what the hooks emit without end stops there.
pub(crate) const MOST_OUT: usize = 256 << 20;

/// The unit of order that all events belong to. Not a file's path, so that nothing depends on where a file lies.
const STREAM: &str = "rehearsal";

/// The machine that they were written on: the same wherever they are tried out.
const HOST: &str = "localhost";

/// Why events could not be passed through to the end.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// Too many fields.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// The chain could not go on.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// Hooks emit without end.
    #[error("the sinks would take over {MOST_OUT} bytes; a rehearsal is for a few events")]
    TooMuch,
}

/// Everything that events pass, wired and ready.
pub(crate) struct Rehearsal {
    pub(crate) wiring: Wiring,
    dead_letters: Arc<DeadLetters>,
}

/// Decoded lines of a source and where they come from.
pub(crate) struct Decoded {
    pub(crate) lines: Vec<Lines>,
    pub(crate) origin: Origin,
    /// What is counted of the source.
    pub(crate) metrics: Arc<SourceMetrics>,
}

/// What hooks remember from batch to batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Everything, as in a run.
    Kept,
    /// Nothing: each batch is handed to fresh instances, and nobody is told the time between them.
    Fresh,
}

/// When events left the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// With the batch of this number, from 0.
    Batch(usize),
    /// In a tick after so many batches.
    Tick(usize),
    /// In the teardown.
    Teardown,
}

/// Events that left the chain for a sink.
pub(crate) struct Delivery {
    pub(crate) moment: Moment,
    /// The sink's number in the configuration.
    pub(crate) sink: usize,
    pub(crate) chunk: Chunk,
}

/// A rehearsal under way.
pub(crate) struct Flow {
    chain: Chain,
    batch: Batch,
    full: config::Batch,
    out: Out,
    clock: Clock,
    dead_letters: Arc<DeadLetters>,
}

/// The way out.
struct Out {
    router: Router,
    metrics: Arc<Metrics>,
    batches: usize,
    bytes: usize,
}

/// What is left of a rehearsal that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What was counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The dead letters, one JSON object a line.
    pub(crate) dead_letters: Vec<u8>,
    /// How many batches there were.
    pub(crate) batches: usize,
}

impl Rehearsal {
    /// Wires `hooks` for a rehearsal.
    pub(crate) fn new(config: &Config, hooks: Vec<Prepared>) -> Result<Rehearsal, TooManyFields> {
        let dead_letters = Arc::new(DeadLetters::in_memory());
        let around = Around { dead_letters: &dead_letters, has_gates: false };
        Ok(Rehearsal { wiring: Wiring::new(config, hooks, 1, &around)?, dead_letters })
    }

    /// What the source of this number makes of these bytes, received at that time.
    pub(crate) fn decode(
        &self,
        config: &Config,
        source: usize,
        bytes: &[u8],
        now_ns: u64,
    ) -> Option<Decoded> {
        let context = self.wiring.context(config, source, &Arc::new(Drain::default()))?;
        let mut framer = Framer::new(context.framing, 0);
        let mut lines = Vec::new();
        let mut left = bytes;
        while !left.is_empty() {
            let space = framer.space();
            let (now, later) = left.split_at(left.len().min(space.len()));
            space.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            framer.advance(now.len());
            left = later;
            lines.extend(std::iter::from_fn(|| framer.take()));
        }
        lines.extend(std::iter::from_fn(|| framer.finish()));
        let received_ns = i64::try_from(now_ns).unwrap_or(i64::MAX);
        let origin = Origin { received_ns, host: Arc::from(HOST), ..context.origin(STREAM, None) };
        Some(Decoded { lines, origin, metrics: context.metrics })
    }

    /// Lets it flow, from this time on.
    pub(crate) fn start(mut self, config: &Config, clock: Clock) -> Flow {
        let metrics = self.wiring.metrics.clone();
        let stages = self.wiring.chains.pop().unwrap_or_default();
        Flow {
            chain: Chain::new(stages, clock.now()),
            batch: Batch::new(self.wiring.projection.clone()),
            full: config.batch,
            out: Out { router: self.wiring.router, metrics, batches: 0, bytes: 0 },
            clock,
            dead_letters: self.dead_letters,
        }
    }
}

impl Decoded {
    /// How many events there are.
    pub(crate) fn events(&self) -> u64 {
        self.lines.iter().map(|lines| lines.lines.len() as u64).sum()
    }
}

impl Flow {
    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.out.metrics
    }

    /// Forgets the dead letters and how much came out: for those who repeat the same events and keep nothing.
    pub(crate) fn forget(&mut self) {
        self.dead_letters.take();
        self.out.bytes = 0;
    }

    /// Passes all of it, in batches as a worker fills them.
    pub(crate) fn pass(
        &mut self,
        decoded: &Decoded,
        memory: Memory,
        mut deliver: impl FnMut(Delivery),
    ) -> Result<(), RehearsalError> {
        for lines in &decoded.lines {
            let mut left = Unbatched::new(lines);
            while left.fill(&mut self.batch, &decoded.origin, &self.full, &decoded.metrics) == Filled::Full {
                self.pass_batch(memory, &mut deliver)?;
            }
        }
        self.pass_batch(memory, &mut deliver)
    }

    fn pass_batch(
        &mut self,
        memory: Memory,
        deliver: &mut impl FnMut(Delivery),
    ) -> Result<(), RehearsalError> {
        if self.batch.is_empty() {
            self.batch.clear();
            return Ok(());
        }
        if memory == Memory::Fresh {
            self.chain.renew();
        }
        self.chain.process(&mut self.batch, self.clock.now_ns())?;
        self.out.deliver(Moment::Batch(self.out.batches), &self.batch, deliver);
        self.batch.clear();
        self.out.batches += 1;
        self.clock.step();
        match memory {
            Memory::Kept => self.tick(deliver),
            Memory::Fresh => self.out.within_bounds(),
        }
    }

    fn tick(&mut self, deliver: &mut impl FnMut(Delivery)) -> Result<(), RehearsalError> {
        let Flow { chain, batch, out, clock, .. } = self;
        if !clock.is_still() {
            let moment = Moment::Tick(out.batches);
            chain
                .tick_all(batch, clock.now(), clock.now_ns(), |batch| out.deliver(moment, batch, deliver))?;
        }
        out.within_bounds()
    }

    /// Tells the time once more to those who asked for it, and ends the hooks.
    pub(crate) fn end(mut self, mut deliver: impl FnMut(Delivery)) -> Result<Ended, RehearsalError> {
        if let Some(due) = self.chain.next_tick().filter(|_| !self.clock.is_still()) {
            self.clock.move_to(due);
            self.tick(&mut deliver)?;
        }
        let Flow { chain, mut batch, mut out, clock, dead_letters, .. } = self;
        chain.teardown(&mut batch, clock.now_ns(), |batch| {
            out.deliver(Moment::Teardown, batch, &mut deliver);
        })?;
        out.within_bounds()?;
        Ok(Ended { metrics: out.metrics, dead_letters: dead_letters.take(), batches: out.batches })
    }
}

impl Out {
    fn deliver(&mut self, moment: Moment, batch: &Batch, deliver: &mut impl FnMut(Delivery)) {
        let bytes = &mut self.bytes;
        let unrouted = self.router.route(batch, |sink, chunk| {
            *bytes += chunk.lines.len();
            deliver(Delivery { moment, sink, chunk });
        });
        self.metrics.unrouted.add(unrouted);
    }

    fn within_bounds(&self) -> Result<(), RehearsalError> {
        if self.bytes > MOST_OUT { Err(RehearsalError::TooMuch) } else { Ok(()) }
    }
}

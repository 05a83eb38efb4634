//! The chain over a few events in memory: the same decoding, hooks, limits and routing as in a run, without threads,
//! files and the machine's clock.
//!
//! One worker, and one moment for everything: nothing ticks, and what hooks say at teardown comes at the end. Dead
//! letters stay in memory. Bounds: what goes in is the caller's to bound, what comes out is [`MOST_OUT`].

use std::sync::Arc;
use std::time::Instant;

use crate::config::Config;
use crate::decode::{Framer, Lines};
use crate::drain::Drain;
use crate::event::batch::{Batch, Origin};
use crate::event::projection::TooManyFields;
use crate::hook::chain::{Chain, Stop};
use crate::hook::dead_letters::DeadLetters;
use crate::hook::prepare::Prepared;
use crate::metrics::Metrics;
use crate::pipeline::wiring::Wiring;
use crate::router::Router;
use crate::worker::unbatched::{Filled, Unbatched};

/// How many bytes of events the sinks take at most: what the hooks emit without end stops there.
const MOST_OUT: usize = 256 << 20;

/// The unit of order that all events belong to.
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

/// What came of a rehearsal.
#[derive(Debug)]
pub(crate) struct Rehearsed {
    /// What each sink took: lines.
    pub(crate) sinks: Vec<Vec<u8>>,
    /// What was counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The dead letters, one JSON object a line.
    pub(crate) dead_letters: Vec<u8>,
}

/// Decoded lines of a source and where they come from.
pub(crate) struct Decoded {
    pub(crate) lines: Vec<Lines>,
    pub(crate) origin: Origin,
}

impl Rehearsal {
    /// Wires `hooks` for a rehearsal.
    pub(crate) fn new(config: &Config, hooks: Vec<Prepared>) -> Result<Rehearsal, TooManyFields> {
        let dead_letters = Arc::new(DeadLetters::in_memory());
        Ok(Rehearsal { wiring: Wiring::new(config, hooks, 1, &dead_letters)?, dead_letters })
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
        Some(Decoded { lines, origin })
    }

    /// Passes all of it through, and ends the hooks.
    pub(crate) fn run(
        mut self,
        config: &Config,
        decoded: &Decoded,
        now_ns: u64,
    ) -> Result<Rehearsed, RehearsalError> {
        let metrics = self.wiring.metrics.clone();
        let stages = self.wiring.chains.pop().unwrap_or_default();
        let mut chain = Chain::new(stages, metrics.clone(), Instant::now());
        let mut batch = Batch::new(self.wiring.projection.clone());
        let mut out = Out {
            router: self.wiring.router,
            sinks: config.sinks.iter().map(|_| Vec::new()).collect(),
            metrics: metrics.clone(),
        };
        for lines in &decoded.lines {
            let mut left = Unbatched::new(lines, &decoded.origin);
            while left.fill(&mut batch, &config.batch, &metrics.input) == Filled::Full {
                out.process(&mut chain, &mut batch, now_ns)?;
            }
        }
        out.process(&mut chain, &mut batch, now_ns)?;
        chain.teardown(&mut batch, now_ns, |batch| out.deliver(batch))?;
        out.within_bounds()?;
        Ok(Rehearsed { sinks: out.sinks, metrics, dead_letters: self.dead_letters.take() })
    }
}

/// The way out.
struct Out {
    router: Router,
    sinks: Vec<Vec<u8>>,
    metrics: Arc<Metrics>,
}

impl Out {
    fn process(&mut self, chain: &mut Chain, batch: &mut Batch, now_ns: u64) -> Result<(), RehearsalError> {
        if !batch.is_empty() {
            chain.process(batch, now_ns)?;
            self.deliver(batch);
            self.within_bounds()?;
        }
        batch.clear();
        Ok(())
    }

    fn deliver(&mut self, batch: &Batch) {
        let unrouted = self.router.route(batch, |index, chunk| {
            if let Some(sink) = self.sinks.get_mut(index) {
                sink.extend_from_slice(&chunk.lines);
            }
        });
        self.metrics.unrouted.add(unrouted);
    }

    fn within_bounds(&self) -> Result<(), RehearsalError> {
        let bytes: usize = self.sinks.iter().map(Vec::len).sum();
        if bytes > MOST_OUT { Err(RehearsalError::TooMuch) } else { Ok(()) }
    }
}

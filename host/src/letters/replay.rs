//! Dead letters through the configured chain once more, from the hook that failed on, to the configured sinks, in this
//! process.
//!
//! At least once: a batch is delivered and on disk before its letters are marked as replayed, so what is interrupted
//! in between is delivered again, and nothing is lost. A letter that the hook fails on again stays, with its count
//! raised; what a later hook fails on becomes a letter of that hook. Whatever its `on_error` says, no hook drops, passes
//! or stops anything in a replay. Instances are fresh: they know nothing of what those of a run remember.
//!
//! A run may go on meanwhile: sinks append whole lines, and letters are only marked, never moved
//! ([`store`](crate::hook::dead_letters::store)). A second replay is refused.

pub mod report;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::clock;
use crate::config::{Config, OnError};
use crate::drain::Drain;
use crate::event::batch::{Batch, SourceId};
use crate::event::field::EventTime;
use crate::event::projection::TooManyFields;
use crate::hook::chain::{Chain, Stop};
use crate::hook::dead_letters::DeadLetters;
use crate::hook::dead_letters::filter::Filter;
use crate::hook::dead_letters::marks::{self, Attempt};
use crate::hook::dead_letters::record::{Content, Letter};
use crate::hook::dead_letters::store::{Segment, Store};
use crate::hook::load::PluginSource;
use crate::hook::prepare::Prepared;
use crate::hook::rollout::Asides;
use crate::metrics::Metrics;
use crate::pipeline::open_outputs;
use crate::pipeline::wiring::{Around, Wiring};
use crate::router::Router;
use crate::sink::{Output, SinkError};
use crate::source::Times;
use report::Report;

/// Why a replay did not get to its end. Letters that were not marked until then stay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Too many fields.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// A sink cannot be opened.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Letters cannot be read or marked.
    #[error("dead letters: {0}; those that were not marked as replayed stay")]
    Letters(#[from] io::Error),
    /// A letter of a later hook cannot be written.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// Another process replays.
    #[error("another replay of the letters in {0} is under way; start this one when it has ended")]
    Busy(String),
}

/// What is to be replayed, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which letters.
    pub filter: Filter,
    /// Nothing is delivered, marked or kept.
    pub dry_run: bool,
}

/// The configuration for a replay: no hook drops, passes or stops anything, and `plugin`, if there is one, takes the
/// place of this hook's.
pub fn configured(config: &Config, plugin: Option<(&str, PathBuf)>) -> Config {
    let mut config = config.clone();
    for hook in &mut config.hooks {
        hook.on_error = OnError::DeadLetter;
        if let Some((_, path)) = plugin.as_ref().filter(|(name, _)| *name == hook.name) {
            (hook.plugin, hook.sha256) = (PluginSource::File(path.clone()), None);
        }
    }
    config
}

/// A replay under way.
struct Replay<'r> {
    config: &'r Config,
    store: &'r Store,
    request: &'r Request,
    drain: &'r Drain,
    chain: Chain,
    batch: Batch,
    exits: Exits,
    metrics: Arc<Metrics>,
    dead_letters: Arc<DeadLetters>,
    /// How the events of each source carry their time.
    times: Arc<Times>,
    /// The hooks of the chain, by name.
    hooks: Vec<String>,
    /// Those that rollouts leave events to.
    asides: Arc<Asides>,
    report: Report,
}

/// The way out.
struct Exits {
    router: Router,
    /// Those of the sinks; empty in a dry run.
    outputs: Vec<Output>,
    names: Vec<String>,
    delivered: u64,
    /// The first thing that went wrong.
    failed: Option<SinkError>,
}

/// Replays the letters of `store` that are asked for through `hooks`, which were prepared from `config`.
pub fn replay(
    config: &Config,
    hooks: Vec<Prepared>,
    store: &Store,
    request: &Request,
    drain: &Arc<Drain>,
) -> Result<Report, ReplayError> {
    let _replaying = if request.dry_run {
        None
    } else {
        let busy = || ReplayError::Busy(store.dir().display().to_string());
        Some(store.start_replaying()?.ok_or_else(busy)?)
    };
    let names: Vec<String> = hooks.iter().map(|prepared| prepared.hook.name.clone()).collect();
    let segments = store.segments()?;
    let segments = segments.iter().filter(|segment| request.filter.may_take_hook(&segment.hook));
    // Against the chain's order, so that what a later hook fails on now is not given to it once more.
    let place = |hook: &str| names.iter().position(|name| name == hook).unwrap_or(usize::MAX);
    let mut segments: Vec<(usize, &Segment)> =
        segments.map(|segment| (place(&segment.hook), segment)).collect();
    segments.sort_by_key(|&(at, segment)| (Reverse(at), segment));
    let mut replay = Replay::new(config, hooks, names, store, request, drain)?;
    for (at, segment) in segments {
        if drain.requested() {
            replay.report.is_interrupted = true;
            break;
        }
        replay.segment(at, segment)?;
    }
    replay.end()
}

impl<'r> Replay<'r> {
    fn new(
        config: &'r Config,
        hooks: Vec<Prepared>,
        names: Vec<String>,
        store: &'r Store,
        request: &'r Request,
        drain: &'r Arc<Drain>,
    ) -> Result<Replay<'r>, ReplayError> {
        // What a later hook fails on was a letter before, so there is room for it.
        let kept = store.clone().unbounded();
        let dead_letters = Arc::new(if request.dry_run {
            DeadLetters::in_memory()
        } else {
            DeadLetters::on_disk(kept, config.dead_letters.keep, drain.clone())
        });
        let around = Around { dead_letters: &dead_letters, has_gates: false };
        let mut wiring = Wiring::new(config, hooks, 1, &around)?;
        let stages = wiring.chains.pop().unwrap_or_default();
        let outputs = if request.dry_run { Vec::new() } else { open_outputs(config, &[])? };
        Ok(Replay {
            config,
            store,
            request,
            drain,
            chain: Chain::new(stages, Instant::now()).unused(),
            batch: Batch::new(wiring.projection.clone()),
            exits: Exits {
                router: wiring.router,
                outputs,
                names: config.sinks.iter().map(|sink| sink.name.clone()).collect(),
                delivered: 0,
                failed: None,
            },
            metrics: wiring.metrics,
            dead_letters,
            times: wiring.times,
            hooks: names,
            asides: wiring.asides,
            report: Report { is_dry: request.dry_run, ..Report::default() },
        })
    }

    /// Replays the letters of one segment, which are of the hook with this place in the chain.
    fn segment(&mut self, at: usize, segment: &Segment) -> Result<(), ReplayError> {
        let contents = self.store.read(segment)?;
        let letters = contents.letters.iter().zip(&contents.replayed);
        let wanted = letters.filter(|(letter, replayed)| !**replayed && self.request.filter.takes(letter));
        let wanted: Vec<&Letter> = wanted.map(|(letter, _)| letter).collect();
        self.report.unreadable.extend(contents.unreadable);
        if at >= self.hooks.len() {
            if !wanted.is_empty() {
                *self.report.without_hook.entry(segment.hook.clone()).or_default() += wanted.len() as u64;
            }
            return Ok(());
        }
        let mut letters = wanted.into_iter().peekable();
        while letters.peek().is_some() {
            if self.drain.requested() {
                self.report.is_interrupted = true;
                break;
            }
            let mut handed = Vec::new();
            while handed.len() < self.config.batch.rows && self.batch.bytes() < self.config.batch.bytes {
                let Some(letter) = letters.next() else { break };
                if self.add(letter) {
                    handed.push(letter);
                } else {
                    self.report.without_event += 1;
                }
            }
            self.pass(at, segment, &handed)?;
        }
        if !self.request.dry_run {
            self.store.remove_if_replayed(segment)?;
        }
        Ok(())
    }

    /// Puts a letter's event into the batch; whether it is there to be put.
    fn add(&mut self, letter: &Letter) -> bool {
        let (Content::Event(text), Some(whence)) = (&letter.content, &letter.origin) else { return false };
        let (source, time) = self.source(&whence.source);
        let Some(origin) = letter.origin(source, time) else { return false };
        let origin = self.batch.add_origin(origin);
        if !self.batch.push_text(origin, whence.offset, |out| out.extend_from_slice(text)) {
            return false;
        }
        // What was left to a hook is left to it still, and its own letters are its own whatever rollouts say now.
        let left_to = whence.aside.iter().chain([&letter.hook]).map(String::as_str);
        if let Some(&row) = self.batch.order().last() {
            self.asides.restore(&mut self.batch, row, left_to);
        }
        true
    }

    /// The source or hook of this name. One that is no longer there is one that no `from` names.
    fn source(&self, name: &str) -> (SourceId, Arc<EventTime>) {
        let hook = name.strip_prefix("hook:");
        let hook = hook.and_then(|hook| self.hooks.iter().position(|name| name == hook));
        let source = self.config.sources.iter().position(|source| source.name == name);
        let id = match (hook, source) {
            (Some(place), _) => SourceId::Hook(place as u32),
            (None, place) => SourceId::Source(place.map_or(u32::MAX, |place| place as u32)),
        };
        (id, self.times.of(id))
    }

    /// Passes the batch, which these letters are the rows of, and marks them once it is delivered.
    fn pass(&mut self, at: usize, segment: &Segment, handed: &[&Letter]) -> Result<(), ReplayError> {
        let now_ns = clock::now_ns();
        if handed.is_empty() {
            return Ok(());
        }
        self.chain.use_from(at);
        let Some(stage) = self.chain.stage(at) else { return Ok(()) };
        stage.replays(handed.len() as u32);
        self.chain.pass(&mut self.batch, at, now_ns)?;
        let failed = self.chain.stage(at).map(|stage| {
            let failed: HashSet<u32> = stage.take_failed().into_iter().map(|(row, _)| row).collect();
            stage.replays(0);
            failed
        });
        let failed = failed.unwrap_or_default();
        self.exits.deliver(&self.batch);
        self.batch.clear();
        self.tick(now_ns)?;
        self.exits.check()?;
        let mut lines = Vec::new();
        for (letter, row) in handed.iter().zip(0u32..) {
            let attempt = if failed.contains(&row) { Attempt::Failed } else { Attempt::Replayed };
            match attempt {
                Attempt::Failed => *self.report.failed.entry(letter.hook.clone()).or_default() += 1,
                Attempt::Replayed => self.report.replayed += 1,
            }
            marks::write(&letter.id, attempt, now_ns, &mut lines);
        }
        if self.request.dry_run {
            self.dead_letters.take();
            return Ok(());
        }
        Ok(self.store.mark(segment, &lines)?)
    }

    /// Tells the time to the hooks that asked for it.
    fn tick(&mut self, now_ns: u64) -> Result<(), ReplayError> {
        let exits = &mut self.exits;
        Ok(self.chain.tick_all(&mut self.batch, Instant::now(), now_ns, |batch| exits.deliver(batch))?)
    }

    /// Ends the hooks, whose last events are delivered too.
    fn end(self) -> Result<Report, ReplayError> {
        let Replay { chain, mut batch, mut exits, mut report, metrics, .. } = self;
        chain.teardown(&mut batch, clock::now_ns(), |batch| exits.deliver(batch))?;
        exits.check()?;
        report.delivered = exits.delivered;
        for hook in metrics.hooks().iter() {
            let again = report.failed.get(&hook.name).copied().unwrap_or(0);
            let made = hook.dead_letters.get().saturating_sub(again);
            if made > 0 {
                report.made.insert(hook.name.clone(), made);
            }
        }
        Ok(report)
    }
}

impl Exits {
    fn deliver(&mut self, batch: &Batch) {
        let Exits { router, outputs, names, delivered, failed } = self;
        router.route(batch, |sink, chunk| {
            *delivered += chunk.events;
            let written = outputs.get_mut(sink).map_or(Ok(()), |output| output.write_synced(&chunk.lines));
            if let (Err(error), None) = (written, &failed) {
                let sink = names.get(sink).cloned().unwrap_or_default();
                *failed = Some(SinkError::Write { sink, error, events: chunk.events });
            }
        });
    }

    /// Whether everything was delivered so far.
    fn check(&mut self) -> Result<(), SinkError> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

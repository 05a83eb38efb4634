//! One hook in a chain of its own, over events in memory: pass, columns, call, checks, splice, out.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use hookaroon::config::{self, OnError};
use hookaroon::event::batch::{Batch, Block, Origin, SourceId};
use hookaroon::event::column::Column;
use hookaroon::event::duplicates::Written;
use hookaroon::event::field::{EventTime, Field};
use hookaroon::event::path::Path as FieldPath;
use hookaroon::event::projection::{NodeId, Projection};
use hookaroon::event::selection::Selection;
use hookaroon::event::time::TimeFormat;
use hookaroon::hook::chain::Chain;
use hookaroon::hook::compile::{self, Compiler};
use hookaroon::hook::dead_letters::DeadLetters;
use hookaroon::hook::dead_letters::setup::Setup;
use hookaroon::hook::load::Loader;
use hookaroon::hook::place::places;
use hookaroon::hook::prepare::prepare;
use hookaroon::hook::stage::{Stage, StagePlan};
use hookaroon::hook::trust::Trust;
use hookaroon::hook::{engine, scan};
use hookaroon::metrics::{Counted, HookMetrics, Role};
use tempfile::TempDir;

use crate::children;
use crate::measure::{Pairs, on_thread};

/// How far time moves from batch to batch.
pub const STEP_NS: u64 = 1_000_000;

/// A hook that is ready, and what it asked for.
pub struct One {
    pub projection: Arc<Projection>,
    /// What it reads: where, and an empty column of the kind.
    pub reads: Vec<(Field, Column)>,
    pub writes: Vec<NodeId>,
    pub written: Option<Written>,
    /// Its config, a JSON text.
    pub config: String,
    chain: Chain,
    now_ns: u64,
}

impl One {
    /// Starts a hook; `table` is the rest of its `[[hook]]`.
    pub fn start(name: &str, plugin: &str, table: &str) -> Result<One> {
        let config = config(name, plugin, table)?;
        let compiler = Compiler::new(children::HOOKAROON, scan::Limits::DEFAULT, compile::Limits::DEFAULT);
        let loader = Loader::new(engine::new()?, compiler, None, Trust::default());
        let prepared = prepare(&config.hooks, &loader, 1).map_err(|wrong| anyhow!(wrong.join("\n")))?;
        let prepared = prepared.into_iter().next().context("a hook")?;
        let settings = config.hooks.first().context("a hook")?;
        let interest = &prepared.plan.interest;
        let paths: Vec<&FieldPath> =
            interest.read.iter().chain(&interest.write).map(|field| &field.path).collect();
        let projection = Arc::new(Projection::new(paths)?);
        let reads = interest
            .read
            .iter()
            .map(|field| Some((projection.field(&field.path)?, Column::new(field.kind))))
            .collect::<Option<Vec<_>>>()
            .context("a field that was asked for")?;
        let writes: Vec<_> = interest.write.iter().filter_map(|field| projection.node(&field.path)).collect();
        let written = (!writes.is_empty()).then(|| {
            if writes.contains(&NodeId::ROOT) { Written::Whole } else { Written::Fields(writes.clone()) }
        });
        let metrics = Arc::new(HookMetrics::new(Counted {
            name: name.to_owned(),
            sha256: prepared.plugin.sha256,
            role: Role::AtWork,
            limits: *prepared.plan.blueprint.limits(),
            instances: 1,
            log: Arc::default(),
        }));
        let stage = StagePlan {
            name: Arc::from(name),
            metrics,
            is_paused: false,
            selection: Selection::default(),
            projection: projection.clone(),
            rollout: None,
            asides: Arc::default(),
            reads: reads.clone(),
            writes: writes.clone(),
            written: written.clone(),
            tick_every: None,
            gate: None,
            on_error: OnError::Stop,
            dead_letters: Arc::new(DeadLetters::in_memory()),
            setup: Setup::new(settings, &prepared.plugin, 1),
            origin: origin(&projection),
            hands_back: false,
            shadow: None,
            is_last: false,
        };
        let place = places(&prepared.plan, prepared.first, 1).pop().context("a place")?;
        let chain = Chain::new(vec![Stage::new(Arc::new(stage), place)], Instant::now());
        let settings = settings.config.clone();
        Ok(One { projection, reads, writes, written, config: settings, chain, now_ns: 0 })
    }

    /// Hands a batch to the hook.
    pub fn process(&mut self, batch: &mut Batch) -> Result<()> {
        self.now_ns += STEP_NS;
        Ok(self.chain.process(batch, self.now_ns)?)
    }
}

/// A configuration with this one hook.
fn config(name: &str, plugin: &str, table: &str) -> Result<config::Config> {
    let dir = TempDir::new()?;
    let path = dir.path().join("one.toml");
    fs::write(
        &path,
        format!(
            "[[source]]\nname = \"in\"\ntype = \"stdin\"\n[[sink]]\nname = \"out\"\ntype = \"stdout\"\n\
             [[hook]]\nname = \"{name}\"\nplugin = \"{plugin}\"\n{table}"
        ),
    )?;
    config::load(&path, &|_| None).map_err(|errors| anyhow!("{errors}"))
}

/// Both filters over the same events by turns, in batches of `rows`, and what came out of each.
pub fn race(
    events: &Block,
    rows: usize,
    projection: &Arc<Projection>,
    mut first: impl FnMut(&mut Batch) -> Result<()>,
    mut second: impl FnMut(&mut Batch) -> Result<()>,
) -> Result<(Pairs, [Vec<u8>; 2])> {
    let side = || (Batch::new(projection.clone()), Vec::new());
    let ((mut first_batch, mut first_out), (mut second_batch, mut second_out)) = (side(), side());
    let pairs = Pairs::measure(
        || on_thread(|| flow(events, rows, &mut first_batch, &mut first_out, &mut first)),
        || on_thread(|| flow(events, rows, &mut second_batch, &mut second_out, &mut second)),
    )?;
    Ok((pairs, [first_out, second_out]))
}

/// Events in, through `filter` in batches of `rows`, texts out.
fn flow(
    block: &Block,
    rows: usize,
    batch: &mut Batch,
    out: &mut Vec<u8>,
    mut filter: impl FnMut(&mut Batch) -> Result<()>,
) -> Result<()> {
    out.clear();
    let mut start = 0;
    let mut ends = memchr::memchr_iter(b'\n', block).peekable();
    while ends.peek().is_some() {
        batch.clear();
        let number = batch.add_block(block.clone());
        let origin = batch.add_origin(origin(batch.projection()));
        for end in ends.by_ref().take(rows) {
            ensure!(
                batch.push_line(number, start as u32, end as u32, origin, start as u64),
                "a line was refused"
            );
            start = end + 1;
        }
        filter(batch)?;
        batch.write_all(batch.order(), out);
    }
    Ok(())
}

/// Where the events come from.
pub fn origin(projection: &Projection) -> Origin {
    Origin {
        source: SourceId::Source(0),
        source_name: "bench".into(),
        stream: "bench".into(),
        file: None,
        host: "here".into(),
        time: EventTime::new(&TimeFormat::default(), projection),
        received_ns: 0,
        identity: 0,
    }
}

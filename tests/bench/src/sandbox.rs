//! What the sandbox costs: the same filter through WebAssembly and natively, on the same pass and splice.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hookaroon::config::{Grant, OnError};
use hookaroon::drain::Drain;
use hookaroon::event::batch::{Batch, Block, Origin, SourceId};
use hookaroon::event::column::{Column, Kind, Values, write_mark};
use hookaroon::event::duplicates::Written;
use hookaroon::event::edit::{Scratch, Write};
use hookaroon::event::field::{EventTime, Field};
use hookaroon::event::projection::{NodeId, Projection};
use hookaroon::event::selection::Selection;
use hookaroon::event::time::TimeFormat;
use hookaroon::hook::chain::{Chain, places};
use hookaroon::hook::compile::{self, Compiler};
use hookaroon::hook::dead_letters::DeadLetters;
use hookaroon::hook::instance::Blueprint;
use hookaroon::hook::limits::Limits;
use hookaroon::hook::load::{Loader, PluginSource, Request};
use hookaroon::hook::seat::Plan;
use hookaroon::hook::stage::{Stage, StagePlan};
use hookaroon::hook::{engine, grants, scan};
use hookaroon::metrics::Metrics;

use crate::children;
use crate::measure::{Pairs, events, on_thread};

const EVENTS: usize = 65_536;

struct Fields {
    level: NodeId,
    client_ip: NodeId,
    country: NodeId,
}

pub fn run() -> Result<()> {
    let text: Block = Arc::new(events(EVENTS));
    let paths =
        ["level", "client_ip", "country"].iter().map(|path| path.parse()).collect::<Result<Vec<_>, _>>()?;
    let projection = Arc::new(Projection::new(&paths)?);
    let node = |path: &str| -> Result<NodeId> {
        projection.node(&path.parse()?).context("a field that was asked for")
    };
    let fields = Fields { level: node("level")?, client_ip: node("client_ip")?, country: node("country")? };
    let mut chain = chain(&projection, &fields)?;
    println!("the sandbox: reads two fields, writes one; pass, columns, call, checks, splice, out");
    for rows in [1, 16, 256, 1024, 4096] {
        let mut native_out = Vec::new();
        let mut scratch = Scratch::default();
        let mut native_batch = Batch::new(projection.clone());
        let native = || {
            on_thread(|| {
                flow(&text, rows, &mut native_batch, &mut native_out, |batch| {
                    native_filter(batch, &fields, &mut scratch);
                    Ok(())
                })
            })
        };
        let mut wasm_out = Vec::new();
        let mut wasm_batch = Batch::new(projection.clone());
        let wasm = || {
            on_thread(|| {
                flow(&text, rows, &mut wasm_batch, &mut wasm_out, |batch| Ok(chain.process(batch, 1)?))
            })
        };
        let pairs = Pairs::measure(native, wasm)?;
        ensure!(native_out == wasm_out, "the two filters do not do the same");
        let (native, wasm) = pairs.ns_each(EVENTS);
        println!(
            "  {rows:5} rows: native {native:6.0} ns/event, sandboxed {wasm:6.0}: {} ns more, {:.2} of native speed",
            pairs.difference(EVENTS),
            native / wasm
        );
    }
    println!();
    Ok(())
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

/// What the hook does, without columns in between.
fn native_filter(batch: &mut Batch, fields: &Fields, scratch: &mut Scratch) {
    let rows = batch.order().to_vec();
    let mut column = Column::new(Kind::Text);
    for &row in &rows {
        let text = batch.text(row);
        let read = |node| std::str::from_utf8(batch.slot(row, node).inner(text)).ok();
        match country::country(read(fields.level), read(fields.client_ip)) {
            Some(country) => column.push_bytes(country.as_bytes()),
            None => column.push_unset(write_mark::LEAVE),
        }
    }
    debug_assert!(matches!(column.values, Values::Text(_)));
    batch.apply(&[Write { node: fields.country, column: &column }], &rows, |_| true, true, scratch);
}

fn origin(projection: &Projection) -> Origin {
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

/// A chain of the one hook.
fn chain(projection: &Arc<Projection>, fields: &Fields) -> Result<Chain> {
    let limits = Limits {
        memory_bytes: 32 << 20,
        init: Duration::from_secs(1),
        process: Duration::from_millis(50),
        tick: Duration::from_millis(50),
        teardown: Duration::from_millis(200),
    };
    let compiler = Compiler::new(children::HOOKAROON, scan::Limits::DEFAULT, compile::Limits::DEFAULT);
    let loader = Loader::new(engine::new()?, compiler, None);
    let source = PluginSource::File(children::HOOK.into());
    let plugin = loader.load(&Request { hook: "country", source, sha256: None, granted_imports: &[] })?;
    let blueprint = Blueprint::new(loader.engine(), &plugin.component, "country", "{}", limits, 1)
        .map_err(|error| anyhow!("{error:#}"))?;
    let (first, asked) = blueprint.start(0, &[]).map_err(|failure| anyhow!("{failure}"))?;
    let grant = Grant { read: vec!["*".parse()?], write: vec!["*".parse()?], ..Grant::default() };
    let interest = grants::check(&asked, &grant).map_err(|wrong| anyhow!("{wrong:?}"))?;
    let plan = Arc::new(Plan { blueprint, asked, interest });
    let stage = StagePlan {
        name: "country".to_owned(),
        selection: Selection::default(),
        reads: vec![
            (Field::Node(fields.level), Column::new(Kind::Text)),
            (Field::Node(fields.client_ip), Column::new(Kind::Text)),
        ],
        writes: vec![fields.country],
        written: Some(Written::Fields(vec![fields.country])),
        tick_every: None,
        on_error: OnError::Stop,
        dead_letters: Arc::new(DeadLetters::new(Path::new("unused"), Arc::new(Drain::default()))),
        origin: origin(projection),
        is_last: false,
    };
    let place = places(&plan, first, 1).pop().context("a place")?;
    let metrics = Arc::new(Metrics::new([("country", 32 << 20)], []));
    Ok(Chain::new(vec![Stage::new(Arc::new(stage), place)], metrics, Instant::now()))
}

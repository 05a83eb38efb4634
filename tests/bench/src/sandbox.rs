//! What the sandbox costs: the same filter through WebAssembly and natively, on the same pass and splice.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use hookaroon::event::batch::{Batch, Block};
use hookaroon::event::column::{Column, Kind, Values, write_mark};
use hookaroon::event::edit::{Scratch, Write};
use hookaroon::event::projection::NodeId;

use crate::children;
use crate::measure::events;
use crate::one::{One, race};

const EVENTS: usize = 65_536;

struct Fields {
    level: NodeId,
    client_ip: NodeId,
    country: NodeId,
}

pub fn run() -> Result<()> {
    let text: Block = Arc::new(events(EVENTS).into());
    let mut hook = One::start(
        "country",
        children::HOOK,
        "[hook.grant]\nread = [\"level\", \"client_ip\"]\nwrite = [\"country\"]\n",
    )?;
    let projection = hook.projection.clone();
    let node = |path: &str| -> Result<NodeId> {
        projection.node(&path.parse()?).context("a field that was asked for")
    };
    let fields = Fields { level: node("level")?, client_ip: node("client_ip")?, country: node("country")? };
    println!("the sandbox: reads two fields, writes one; pass, columns, call, checks, splice, out");
    for rows in [1, 16, 256, 1024, 4096] {
        let mut scratch = Scratch::default();
        let (pairs, [native_out, wasm_out]) = race(
            &text,
            rows,
            &projection,
            |batch| {
                native_filter(batch, &fields, &mut scratch);
                Ok(())
            },
            |batch| hook.process(batch),
        )?;
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

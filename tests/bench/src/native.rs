//! A hook without the sandbox: compiled for this machine, with the columns and edits that the host gives everybody.

use anyhow::{Result, anyhow};
use hookaroon::event::batch::Batch;
use hookaroon::event::column::{Bytes, Column, Values};
use hookaroon::event::edit::{Scratch, Write};
use hookaroon_sdk::bindings::hookaroon::hook::types as wit;
use hookaroon_sdk::{Hook, Instance};

use crate::one::{One, STEP_NS, origin};

/// What a batch is handed to.
pub type Call = Box<dyn Fn(&wit::Batch) -> Result<wit::Outcome, String>>;

/// Starts a hook with this config, a JSON text.
pub fn start<H: Hook + 'static>(config: &str) -> Result<Call> {
    let instance: Instance<H> = Instance::new();
    let setup = wit::Setup {
        config: config.to_owned(),
        states: Vec::new(),
        worker: 0,
        workers: 1,
        extra: Vec::new(),
    };
    instance.init(setup).map_err(|error| anyhow!(error))?;
    Ok(Box::new(move |batch| instance.process(batch)))
}

/// A hook that is ready.
pub struct Native {
    call: Call,
    columns: Vec<Column>,
    scratch: Scratch,
    emitted: u64,
    now_ns: u64,
}

impl Native {
    /// For the fields that `one` asked for.
    pub fn new(call: Call, one: &One) -> Native {
        let columns = one.reads.iter().map(|(_, column)| column.clone()).collect();
        Native { call, columns, scratch: Scratch::default(), emitted: 0, now_ns: 0 }
    }

    /// Hands a batch to the hook and does what it says, unchecked.
    pub fn process(&mut self, one: &One, batch: &mut Batch) -> Result<()> {
        self.now_ns += STEP_NS;
        let rows = batch.order().to_vec();
        if let Some(written) = &one.written {
            batch.delete_duplicates(&rows, written);
        }
        for (column, (field, _)) in self.columns.iter_mut().zip(&one.reads) {
            column.read_field(batch, *field, &rows);
        }
        // Nothing is copied: the columns are the hook's for the call.
        let lent = wit::Batch {
            now_ns: self.now_ns,
            rows: rows.len() as u32,
            columns: self.columns.drain(..).map(to_hook).collect(),
        };
        let outcome = (self.call)(&lent).map_err(|error| anyhow!(error))?;
        self.columns.extend(lent.columns.into_iter().map(from_hook));

        let columns: Vec<Column> = outcome.writes.into_iter().map(from_hook).collect();
        let keep = outcome.keep;
        let stays = |place: usize| keep.get(place).is_none_or(|keep| *keep != 0);
        if !columns.is_empty() {
            let writes: Vec<_> =
                one.writes.iter().zip(&columns).map(|(&node, column)| Write { node, column }).collect();
            batch.apply(&writes, &rows, stays, true, &mut self.scratch);
        }
        let events = Bytes { data: outcome.emit.events.data, ends: outcome.emit.events.ends };
        if !events.ends.is_empty() {
            let origin = batch.add_origin(origin(&one.projection));
            for index in 0..events.ends.len() {
                batch.push_text(origin, self.emitted, |out| out.extend_from_slice(events.get(index)));
                self.emitted += 1;
            }
        }
        if !events.ends.is_empty() || !keep.is_empty() {
            batch.settle(&rows, stays, events.ends.len(), &outcome.emit.after);
        }
        Ok(())
    }
}

fn to_hook(column: Column) -> wit::Column {
    let bytes = |bytes: Bytes| wit::BytesValues { data: bytes.data, ends: bytes.ends };
    let values = match column.values {
        Values::Text(values) => wit::Values::Text(bytes(values)),
        Values::Integer(values) => wit::Values::Integer(values),
        Values::Float(values) => wit::Values::Float(values),
        Values::Boolean(values) => wit::Values::Boolean(values),
        Values::Json(values) => wit::Values::Json(bytes(values)),
    };
    wit::Column { values, marks: column.marks }
}

fn from_hook(column: wit::Column) -> Column {
    let bytes = |bytes: wit::BytesValues| Bytes { data: bytes.data, ends: bytes.ends };
    let values = match column.values {
        wit::Values::Text(values) => Values::Text(bytes(values)),
        wit::Values::Integer(values) => Values::Integer(values),
        wit::Values::Float(values) => Values::Float(values),
        wit::Values::Boolean(values) => Values::Boolean(values),
        wit::Values::Json(values) => Values::Json(bytes(values)),
    };
    Column { values, marks: column.marks }
}

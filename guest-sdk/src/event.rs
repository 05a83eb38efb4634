//! A batch, one event of it at a time, and what comes of it.
//!
//! What comes of it is built when something does: a batch whose events all pass as they are costs a few bytes for each
//! column and none for each event. What a hook does is not checked here: the host checks it in full.

use crate::bindings::hookaroon::hook::types as wit;
use crate::column::{Declared, Json, Kind, Mark, Readable, Written};
use crate::setup::{Read, Write};

/// The events that a hook is handed in one call.
///
/// ```
/// # use hookaroon_sdk::{Batch, Read, Text};
/// fn debug_lines(batch: &mut Batch<'_>, level: Read<Text>) -> usize {
///     let mut count = 0;
///     while let Some(event) = batch.next_event() {
///         count += usize::from(event.get(level) == Some("debug"));
///     }
///     count
/// }
/// ```
#[derive(Debug)]
pub struct Batch<'b> {
    batch: &'b wit::Batch,
    columns: Vec<Readable<'b>>,
    row: usize,
    /// Empty while every row is kept.
    keep: Vec<u8>,
    writes: Vec<Written>,
    emitted: Emitter,
    after: Vec<u32>,
    errors: Vec<wit::RowError>,
}

impl<'b> Batch<'b> {
    pub(crate) fn new(batch: &'b wit::Batch, writes: &[Declared]) -> Batch<'b> {
        Batch {
            batch,
            columns: batch.columns.iter().map(Readable::new).collect(),
            row: 0,
            keep: Vec::new(),
            writes: writes.iter().map(|field| Written::new(*field, batch.rows as usize)).collect(),
            emitted: Emitter::default(),
            after: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// How many events there are.
    ///
    /// ```
    /// # use hookaroon_sdk::Batch;
    /// fn is_a_test_call(batch: &Batch<'_>) -> bool {
    ///     batch.rows() == 0
    /// }
    /// ```
    pub fn rows(&self) -> usize {
        self.batch.rows as usize
    }

    /// Host time in nanoseconds since 1970; it never goes back.
    ///
    /// ```
    /// # use hookaroon_sdk::Batch;
    /// fn seconds(batch: &Batch<'_>) -> u64 {
    ///     batch.now_ns() / 1_000_000_000
    /// }
    /// ```
    pub fn now_ns(&self) -> u64 {
        self.batch.now_ns
    }

    /// The next event, in order; each is handed out once.
    ///
    /// ```
    /// # use hookaroon_sdk::Batch;
    /// fn drop_all(batch: &mut Batch<'_>) {
    ///     while let Some(mut event) = batch.next_event() {
    ///         event.drop_it();
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        let row = self.row;
        if row >= self.rows() {
            return None;
        }
        self.row += 1;
        let Batch { batch, columns, keep, writes, emitted, after, errors, .. } = self;
        Some(Event { batch, columns, row, keep, writes, emitted, after, errors })
    }

    pub(crate) fn finish(self) -> wit::Outcome {
        let wrote = self.writes.iter().any(|column| !column.is_empty());
        let writes = if wrote { self.writes.into_iter().map(Written::finish).collect() } else { Vec::new() };
        let emit = wit::Emission { events: self.emitted.events, after: self.after };
        wit::Outcome { keep: self.keep, writes, emit, errors: self.errors }
    }
}

/// One event: the fields that the hook asked for, and what it may do.
///
/// ```
/// # use hookaroon_sdk::{Event, Read, Text, Verdict, Write};
/// fn mask(event: &mut Event<'_>, user: Read<Text>, masked: Write<Text>) -> Verdict {
///     if event.get(user).is_some() {
///         event.set(masked, "***");
///     }
///     Verdict::Keep
/// }
/// ```
#[derive(Debug)]
pub struct Event<'e> {
    batch: &'e wit::Batch,
    columns: &'e [Readable<'e>],
    row: usize,
    keep: &'e mut Vec<u8>,
    writes: &'e mut [Written],
    emitted: &'e mut Emitter,
    after: &'e mut Vec<u32>,
    errors: &'e mut Vec<wit::RowError>,
}

impl<'e> Event<'e> {
    /// A field's value; none if it is absent, null or of another kind. It outlives what is done to the event.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Integer, Read};
    /// fn is_slow(event: &Event<'_>, duration: Read<Integer>) -> bool {
    ///     event.get(duration).is_some_and(|ms| ms > 1000)
    /// }
    /// ```
    #[inline]
    pub fn get<K: Kind>(&self, field: Read<K>) -> Option<K::Value<'e>> {
        let column = self.columns.get(field.index)?;
        if column.mark(self.row) != Mark::Value {
            return None;
        }
        K::get(column, self.row)
    }

    /// What a field is.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Integer, Mark, Read};
    /// fn is_no_number(event: &Event<'_>, status: Read<Integer>) -> bool {
    ///     event.mark(status) == Mark::Other
    /// }
    /// ```
    #[inline]
    pub fn mark<K: Kind>(&self, field: Read<K>) -> Mark {
        self.columns.get(field.index).map_or(Mark::Absent, |column| column.mark(self.row))
    }

    /// Whether a field has a value, of whatever kind; `null` is none.
    ///
    /// ```
    /// # use hookaroon_sdk::{Boolean, Event, Read, Text, Write};
    /// fn set_default(event: &mut Event<'_>, zone: Read<Boolean>, write: Write<Text>) {
    ///     // Of all kinds, this one costs the host least to read.
    ///     if !event.has(zone) {
    ///         event.set(write, "unknown");
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn has<K: Kind>(&self, field: Read<K>) -> bool {
        self.columns.get(field.index).is_some_and(|column| column.has(self.row))
    }

    /// Sets a field.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Float, Text, Write};
    /// fn place(event: &mut Event<'_>, city: Write<Text>, latitude: Write<Float>) {
    ///     event.set(city, "Erfurt");
    ///     event.set(latitude, 50.98);
    /// }
    /// ```
    #[inline]
    pub fn set<K: Kind>(&mut self, field: Write<K>, value: K::Value<'_>) {
        if let Some(column) = self.writes.get_mut(field.index) {
            column.set::<K>(self.row, value, 1);
        }
    }

    /// Removes a field.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Text, Write};
    /// fn forget(event: &mut Event<'_>, password: Write<Text>) {
    ///     event.remove(password);
    /// }
    /// ```
    pub fn remove<K: Kind>(&mut self, field: Write<K>) {
        self.mark_written(field.index, 2);
    }

    /// Sets a field to `null`.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Text, Write};
    /// fn clear(event: &mut Event<'_>, user: Write<Text>) {
    ///     event.set_null(user);
    /// }
    /// ```
    pub fn set_null<K: Kind>(&mut self, field: Write<K>) {
        self.mark_written(field.index, 3);
    }

    /// Sets the members of `object`, a JSON object, in the object at a field.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Json, Write};
    /// fn enrich(event: &mut Event<'_>, host: Write<Json>) {
    ///     event.merge(host, r#"{"zone":"a","rack":7}"#);
    /// }
    /// ```
    pub fn merge(&mut self, field: Write<Json>, object: &str) {
        if let Some(column) = self.writes.get_mut(field.index) {
            column.set::<Json>(self.row, object, 4);
        }
    }

    fn mark_written(&mut self, index: usize, mark: u8) {
        if let Some(column) = self.writes.get_mut(index) {
            column.mark(self.row, mark);
        }
    }

    /// Says that the hook could not process this event; it follows the operator's `on_error`. The first message
    /// counts.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Read, Text, Verdict};
    /// fn need(event: &mut Event<'_>, id: Read<Text>) -> Verdict {
    ///     if event.get(id).is_none() {
    ///         event.fail("it has no id");
    ///     }
    ///     Verdict::Keep
    /// }
    /// ```
    pub fn fail(&mut self, message: &str) {
        let row = self.row as u32;
        if self.errors.last().is_none_or(|last| last.row != row) {
            self.errors.push(wit::RowError { row, message: message.to_owned() });
        }
    }

    /// Emits a new event, a JSON object, after this one. Needs the grant `emit`.
    ///
    /// ```
    /// # use hookaroon_sdk::Event;
    /// fn alert(event: &mut Event<'_>) {
    ///     event.emit(r#"{"message":"disk full","level":"error"}"#);
    /// }
    /// ```
    pub fn emit(&mut self, object: &str) {
        self.emitted.emit(object);
        self.after.push(self.row as u32);
    }

    /// Drops this event. Needs the grant `drop`.
    ///
    /// ```
    /// # use hookaroon_sdk::{Batch, Read, Text};
    /// fn drop_debug(batch: &mut Batch<'_>, level: Read<Text>) {
    ///     while let Some(mut event) = batch.next_event() {
    ///         if event.get(level) == Some("debug") {
    ///             event.drop_it();
    ///         }
    ///     }
    /// }
    /// ```
    pub fn drop_it(&mut self) {
        if self.keep.is_empty() {
            self.keep.resize(self.batch.rows as usize, 1);
        }
        if let Some(keep) = self.keep.get_mut(self.row) {
            *keep = 0;
        }
    }

    /// Its place in the batch, from 0.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Verdict};
    /// fn every_tenth_of_a_batch(event: &Event<'_>) -> Verdict {
    ///     if event.row() % 10 == 0 { Verdict::Keep } else { Verdict::Drop }
    /// }
    /// ```
    pub fn row(&self) -> usize {
        self.row
    }

    /// Host time in nanoseconds since 1970; it never goes back.
    ///
    /// ```
    /// # use hookaroon_sdk::Event;
    /// fn minute(event: &Event<'_>) -> u64 {
    ///     event.now_ns() / 60_000_000_000
    /// }
    /// ```
    pub fn now_ns(&self) -> u64 {
        self.batch.now_ns
    }
}

/// New events.
///
/// ```
/// # use hookaroon_sdk::Emitter;
/// fn report(count: u64, out: &mut Emitter) {
///     out.emit(&format!("{{\"message\":\"seen\",\"count\":{count}}}"));
/// }
/// ```
#[derive(Debug)]
pub struct Emitter {
    events: wit::BytesValues,
}

impl Default for Emitter {
    fn default() -> Emitter {
        Emitter { events: wit::BytesValues { data: Vec::new(), ends: Vec::new() } }
    }
}

impl Emitter {
    /// Emits a new event, a JSON object. Needs the grant `emit`.
    ///
    /// ```
    /// let mut out = hookaroon_sdk::Emitter::default();
    /// out.emit(r#"{"message":"the hook ends"}"#);
    /// ```
    pub fn emit(&mut self, object: &str) {
        self.events.data.extend_from_slice(object.as_bytes());
        self.events.ends.push(self.events.data.len() as u32);
    }

    pub(crate) fn finish(self) -> wit::Emission {
        wit::Emission { events: self.events, after: Vec::new() }
    }
}

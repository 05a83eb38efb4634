//! The way of one event: how it is decoded, what each hook is asked and does, which sinks take it and what they get.
//!
//! The hooks and the router are those of a run, with their limits and one batch; what is looked at is what they
//! decided. Events that hooks emit have ways of their own, from the hook after. Dead letters are not written. A hook
//! that only speaks at ticks or at its end says nothing here.

mod show;

use std::collections::HashMap;

use serde::Serialize;

use crate::config::{self, Config, Otherwise};
use crate::decode::{Counts, Form, Lines};
use crate::event::batch::Batch;
use crate::event::changes::{Change, changes};
use crate::event::field::Tested;
use crate::event::projection::TooManyFields;
use crate::event::selection::Decision;
use crate::hook::prepare::Prepared;
use crate::hook::rollout::{self, Admission};
use crate::hook::stage::Stage;
use crate::metrics::SourceMetrics;
use crate::rehearsal::{Decoded, Rehearsal};
use crate::router::Router;
use crate::worker::unbatched::Unbatched;

/// The way of an event and of what it brought about.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The source that it was taken to come from.
    pub source: String,
    /// What the source makes of it.
    pub decoded: Decoding,
    /// The event's own way, then those of the events that hooks emitted.
    pub ways: Vec<Way>,
    /// Why a run would stop there.
    pub stopped: Option<String>,
}

/// What a source makes of bytes.
#[derive(Debug, Serialize)]
pub struct Decoding {
    /// The line was no JSON object, or its source says it is none, and became the text of `message`.
    pub wrapped: bool,
    /// It was not UTF-8: each wrong sequence has become U+FFFD.
    pub repaired: bool,
    /// It was over `max_event_bytes`, and this is its first part.
    pub parts: usize,
    /// The event.
    pub event: String,
}

/// The way of one event.
#[derive(Debug, Serialize)]
pub struct Way {
    /// Its source, or `hook:NAME`.
    pub from: String,
    /// Its text at the start.
    pub event: String,
    /// The hooks that it met, in chain order.
    pub hooks: Vec<Met>,
    /// The sinks; none if it did not come so far.
    pub sinks: Vec<Exit>,
}

/// An event and a hook.
#[derive(Debug, Serialize)]
pub struct Met {
    /// The hook's name.
    pub hook: String,
    /// Whether it was left to this hook; none: no rollout of another hook names it.
    pub left_by: Option<LeftBy>,
    /// Whether it was handed over, and why.
    #[serde(flatten)]
    pub asked: Asked,
    /// Whether it is in the share of the hook's rollout; none: it has none, or was not asked.
    pub rollout: Option<Rollout>,
    /// What the hook did.
    #[serde(flatten)]
    pub fate: Fate,
}

/// Whether an event was left to a hook.
#[derive(Debug, Serialize)]
pub struct LeftBy {
    /// The hook whose rollout says `otherwise`.
    pub hook: String,
    /// Whether it did leave it.
    pub holds: bool,
}

/// Whether an event is in a hook's share, and what becomes of it if not.
#[derive(Debug, Serialize)]
pub struct Rollout {
    /// What decided.
    #[serde(flatten)]
    pub decision: rollout::Decision,
    /// The hook that is handed it if it is not, or `pass`.
    pub otherwise: String,
}

/// Whether an event was let through, and what decided.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// The names in `from`; none: it does not ask.
    pub from: Option<Vec<String>>,
    /// Whether the event's source is among them.
    pub from_holds: Option<bool>,
    /// The conditions of `match`, up to the first that does not hold.
    #[serde(rename = "match")]
    pub conditions: Vec<Tested>,
}

/// What became of an event at a hook.
#[derive(Debug, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// The hook is not enabled.
    NotEnabled,
    /// It was not handed over.
    PassedBy,
    /// The hook kept it.
    Kept {
        /// What the hook changed.
        changes: Vec<Change>,
        /// The events that it emitted.
        emitted: Vec<String>,
        /// Writes that had nowhere to go.
        refused_writes: u64,
        /// Earlier occurrences of keys that were deleted before it.
        duplicates_deleted: u64,
    },
    /// The hook dropped it.
    Dropped {
        /// The events that it emitted.
        emitted: Vec<String>,
    },
    /// The hook failed on it.
    Failed {
        /// The kind of failure.
        kind: &'static str,
        /// What happened.
        message: String,
        /// What the hook's `on_error` makes of the event.
        on_error: &'static str,
    },
}

/// An event and a sink.
#[derive(Debug, Serialize)]
pub struct Exit {
    /// The sink's name.
    pub sink: String,
    /// Whether it takes the event.
    pub taken: bool,
    /// Why.
    #[serde(flatten)]
    pub asked: Asked,
    /// The bytes that it gets, without the newline.
    pub event: Option<String>,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Too many fields.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// No such source.
    #[error("there is no source {name:?}; {hint}")]
    Source {
        /// What was asked for.
        name: String,
        /// Which there are.
        hint: String,
    },
    /// Not one event.
    #[error("it holds {0} events; explain shows the way of one")]
    NotOne(usize),
}

/// The number of the source of this name; without one the first.
pub fn source(config: &Config, name: Option<&str>) -> Result<usize, ExplainError> {
    let Some(name) = name else { return Ok(0) };
    let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    names
        .iter()
        .position(|known| *known == name)
        .ok_or_else(|| ExplainError::Source { name: name.to_owned(), hint: config::suggestion(name, &names) })
}

/// Follows the event in `bytes` from the source of this number, received at that time.
pub fn explain(
    config: &Config,
    hooks: Vec<Prepared>,
    source: usize,
    bytes: &[u8],
    now_ns: u64,
) -> Result<Explanation, ExplainError> {
    let mut rehearsal = Rehearsal::new(config, hooks)?;
    let bytes = on_one_line(bytes);
    let decoded = rehearsal.decode(config, source, &bytes, now_ns);
    let Some(decoded) = decoded else { return Err(ExplainError::NotOne(0)) };
    let mut batch = Batch::new(rehearsal.wiring.projection.clone());
    let decoding = decode(&decoded, &mut batch)?;
    let stages = rehearsal.wiring.chains.pop().unwrap_or_default();
    let mut walk = Walk { config, batch, ways: Vec::new() };
    walk.arrive();
    let stopped = walk.through(stages, now_ns);
    if stopped.is_none() {
        walk.leave(&rehearsal.wiring.router);
    }
    let source = config.sources.get(source).map(|source| source.name.clone()).unwrap_or_default();
    Ok(Explanation { source, decoded: decoding, ways: walk.ways, stopped })
}

/// A JSON object that is spread over lines, as people write it, is one event: the lines' breaks become spaces.
fn on_one_line(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.trim_ascii();
    let is_object = text.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    if !is_object {
        return bytes.to_vec();
    }
    text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

/// Puts the one event into the batch; of one that was too long its first part.
fn decode(decoded: &Decoded, batch: &mut Batch) -> Result<Decoding, ExplainError> {
    let count: usize = decoded.lines.iter().map(|lines| lines.lines.len()).sum();
    let oversize: u64 = decoded.lines.iter().map(|lines| lines.counts.oversize_lines).sum();
    let first = decoded.lines.iter().find(|lines| !lines.lines.is_empty());
    let (Some(first), true) = (first, count == 1 || oversize == 1) else {
        return Err(ExplainError::NotOne(count));
    };
    let line: Vec<_> = first.lines.iter().take(1).copied().collect();
    let is_text = line.iter().any(|line| line.form == Form::Text);
    let one = Lines { block: first.block.clone(), lines: line, counts: Counts::default() };
    let counts = SourceMetrics::default();
    let whole = config::Batch { rows: usize::MAX, bytes: usize::MAX, wait: Default::default() };
    Unbatched::new(&one).fill(batch, &decoded.origin, &whole, &counts);
    let event = batch.order().first().map(|&row| text(batch, row)).unwrap_or_default();
    Ok(Decoding {
        wrapped: is_text || counts.wrapped.get() > 0,
        repaired: decoded.lines.iter().any(|lines| lines.counts.repaired_lines > 0),
        parts: count,
        event,
    })
}

/// A batch on its way, with what is known of each of its rows.
struct Walk<'c> {
    config: &'c Config,
    batch: Batch,
    /// By row.
    ways: Vec<Way>,
}

impl Walk<'_> {
    /// Rows that were not there before begin their way.
    fn arrive(&mut self) -> Vec<u32> {
        let mut new: Vec<u32> =
            self.batch.order().iter().copied().filter(|&row| row as usize >= self.ways.len()).collect();
        new.sort_unstable();
        for &row in &new {
            let from = self.batch.origin(row).map(|origin| origin.source_name.to_string());
            self.ways.push(Way {
                from: from.unwrap_or_default(),
                event: text(&self.batch, row),
                hooks: Vec::new(),
                sinks: Vec::new(),
            });
        }
        new
    }

    /// Passes the batch through all hooks. Why it does not get through, if it does not.
    fn through(&mut self, stages: Vec<Stage>, now_ns: u64) -> Option<String> {
        let mut stages = stages.into_iter();
        for hook in &self.config.hooks {
            if !hook.enabled {
                self.pass_by(&hook.name);
                continue;
            }
            let Some(stage) = stages.next() else { break };
            if let Some(stopped) = self.meet(hook, stage.watched(), now_ns) {
                return Some(stopped);
            }
        }
        None
    }

    /// A hook that is not enabled is met and does nothing.
    fn pass_by(&mut self, hook: &str) {
        for row in self.batch.order().to_vec() {
            let asked = Asked { from: None, from_holds: None, conditions: Vec::new() };
            let (hook, fate) = (hook.to_owned(), Fate::NotEnabled);
            self.note(row, Met { hook, left_by: None, asked, rollout: None, fate });
        }
    }

    fn meet(&mut self, hook: &config::Hook, mut stage: Stage, now_ns: u64) -> Option<String> {
        let plan = stage.plan().clone();
        let rows: Vec<(u32, Admission, String)> = self
            .batch
            .order()
            .iter()
            .map(|&row| (row, stage.admission(&self.batch, row), text(&self.batch, row)))
            .collect();
        let stopped = stage.process(&mut self.batch, now_ns, false).err().map(|stop| stop.to_string());
        let failed: HashMap<u32, _> = stage.take_failed().into_iter().collect();
        let new = self.arrive();
        let mut emitted: Vec<String> = new.iter().map(|&row| text(&self.batch, row)).collect();
        let last = rows.iter().rev().find(|(_, admission, _)| admission.is_handed()).map(|(row, ..)| *row);
        let names_it = |other: &&config::Hook| other.rollout.otherwise == Otherwise::Hook(hook.name.clone());
        let leaves_to_it = self.config.hooks.iter().find(names_it).map(|other| other.name.clone());
        for (row, admission, before) in rows {
            let emitted = if Some(row) == last { std::mem::take(&mut emitted) } else { Vec::new() };
            let fate = match failed.get(&row) {
                _ if !admission.is_handed() => Fate::PassedBy,
                Some(failure) => Fate::Failed {
                    kind: failure.kind.name(),
                    message: failure.message.clone(),
                    on_error: hook.on_error.name(),
                },
                None if self.batch.order().contains(&row) => Fate::Kept {
                    changes: changes(before.as_bytes(), self.batch.text(row)),
                    emitted,
                    refused_writes: plan.metrics.refused.get(),
                    duplicates_deleted: plan.metrics.duplicates.get(),
                },
                None => Fate::Dropped { emitted },
            };
            let Admission { selection, rollout } = admission;
            let left_by = leaves_to_it.clone().zip(selection.aside);
            let left_by = left_by.map(|(hook, holds)| LeftBy { hook, holds });
            let otherwise = hook.rollout.otherwise.name();
            let rollout = rollout.map(|decision| Rollout { decision, otherwise: otherwise.to_owned() });
            let asked = asked(hook.from.as_deref(), selection);
            self.note(row, Met { hook: plan.name.to_string(), left_by, asked, rollout, fate });
        }
        stopped
    }

    fn note(&mut self, row: u32, met: Met) {
        if let Some(way) = self.ways.get_mut(row as usize) {
            way.hooks.push(met);
        }
    }

    /// What is left of the batch goes to the sinks.
    fn leave(&mut self, router: &Router) {
        for &row in self.batch.order() {
            let Some(way) = self.ways.get_mut(row as usize) else { continue };
            for (sink, route) in self.config.sinks.iter().zip(router.routes()) {
                let decision = route.decide(&self.batch, row);
                let taken = decision.taken;
                let event = taken.then(|| {
                    let mut line = Vec::new();
                    route.write(&self.batch, &[row], &mut line);
                    String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned()
                });
                let asked = asked(sink.from.as_deref(), decision);
                way.sinks.push(Exit { sink: sink.name.clone(), taken, asked, event });
            }
        }
    }
}

fn asked(from: Option<&[String]>, decision: Decision) -> Asked {
    Asked { from: from.map(<[String]>::to_vec), from_holds: decision.from, conditions: decision.tested }
}

fn text(batch: &Batch, row: u32) -> String {
    String::from_utf8_lossy(batch.text(row)).into_owned()
}

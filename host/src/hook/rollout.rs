//! Which of its events a hook is applied to: a share of them, chosen by what they hold. Pure.
//!
//! An event is in the share if all conditions of `only` hold, if it has a value in every field of `by`, and if the hash of
//! the seed and these values falls among the share's steps. Nothing else counts, so a decision is the same in every
//! worker, after every restart and on every machine, and a larger share has everybody of a smaller one. `docs/rollout.md`
//! defines the hash for others, with test vectors that are held against this file.
//!
//! Nothing is allocated for a row once the memory has grown to the longest values; these are bounded by the event's size.

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::{self, Otherwise, Share};
use crate::event::batch::{Aside, Batch};
use crate::event::condition::Value;
use crate::event::field::{Field, Matcher, Tested};
use crate::event::path::Path;
use crate::event::projection::Projection;
use crate::event::selection::{self, Selection};

/// The rollout of a hook that is not applied to everybody.
#[derive(Clone, Debug)]
pub struct Rollout {
    share: Share,
    /// What every hash begins with.
    seed: Vec<u8>,
    by: Vec<(Path, Field)>,
    only: Vec<Matcher>,
    /// The hook that is handed the rows that are not in the share; none: they pass.
    otherwise: Option<Aside>,
}

/// Memory that is kept from row to row.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// A value whose escapes are resolved.
    text: Vec<u8>,
    /// What is hashed.
    hashed: Vec<u8>,
}

/// How it was decided whether an event is in the share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it is.
    pub inside: bool,
    /// The share, as it would be written.
    pub share: String,
    /// The conditions of `only` that were tested: all up to the first that does not hold.
    pub only: Vec<Tested>,
    /// The fields that decide, up to the first without a value; none if a condition decided.
    pub by: Vec<Seen>,
    /// The step that its values fall on, from 0; none if something else decided.
    pub step: Option<u32>,
    /// How many steps, from 0, the share has.
    pub steps: u32,
}

/// A field that decides, and what was seen there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its path.
    pub field: String,
    /// The value as JSON; none: there is none.
    pub value: Option<String>,
    /// Whether that is one that can decide.
    pub counts: bool,
}

/// Whether a row is handed to a hook, and why.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// What `from`, `match` and the rollouts of others say.
    pub(crate) selection: selection::Decision,
    /// What the hook's own rollout says of a row that these let through; none: it is applied to everybody.
    pub(crate) rollout: Option<Decision>,
}

/// The hooks that are handed the rows which other hooks' rollouts leave to them, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Asides(Vec<String>);

impl Rollout {
    /// The rollout that a hook was given; none if it is applied to everybody, which then costs nothing.
    pub fn new(rollout: &config::Rollout, projection: &Projection, asides: &Asides) -> Option<Rollout> {
        if rollout.is_everyone() {
            return None;
        }
        let by = rollout.by.iter().filter_map(|path| Some((path.clone(), projection.field(path)?)));
        let only = rollout.only.iter().filter_map(|condition| Matcher::new(condition, projection));
        let mut seed = Vec::new();
        push(rollout.seed.as_bytes(), &mut seed);
        Some(Rollout {
            share: rollout.share,
            seed,
            by: by.collect(),
            only: only.collect(),
            otherwise: match &rollout.otherwise {
                Otherwise::Pass => None,
                Otherwise::Hook(name) => asides.of(name),
            },
        })
    }

    /// Whether a row is in the share.
    pub fn takes(&self, batch: &Batch, row: u32, scratch: &mut Scratch) -> bool {
        self.only.iter().all(|matcher| matcher.holds(batch, row, &mut scratch.text))
            && self.step_of(batch, row, scratch).is_some_and(|step| self.share.has_step(step))
    }

    /// Leaves those of `rows` that are in the share, and puts the others aside if another hook is handed them. Returns how
    /// many these are.
    pub fn split(&self, batch: &mut Batch, rows: &mut Vec<u32>, scratch: &mut Scratch) -> u64 {
        let before = rows.len();
        rows.retain(|&row| {
            let inside = self.takes(batch, row, scratch);
            if let (false, Some(otherwise)) = (inside, self.otherwise) {
                batch.put_aside(row, otherwise);
            }
            inside
        });
        (before - rows.len()) as u64
    }

    /// Whether a row is in the share, with the reasons.
    pub fn decide(&self, batch: &Batch, row: u32) -> Decision {
        let mut scratch = Scratch::default();
        let (share, steps) = (self.share.to_string(), self.share.steps());
        let mut decision =
            Decision { inside: false, share, only: Vec::new(), by: Vec::new(), step: None, steps };
        for matcher in &self.only {
            let tested = matcher.test(batch, row);
            let holds = tested.holds;
            decision.only.push(tested);
            if !holds {
                return decision;
            }
        }
        for (path, field) in &self.by {
            let counts = text(&batch.value_of(row, *field, &mut scratch.text)).is_some();
            let value = batch.json_of(row, *field);
            decision.by.push(Seen { field: path.to_string(), value, counts });
            if !counts {
                return decision;
            }
        }
        decision.step = self.step_of(batch, row, &mut scratch);
        decision.inside = decision.step.is_some_and(|step| self.share.has_step(step));
        decision
    }

    /// The step that a row's values fall on; none if one of them is missing.
    fn step_of(&self, batch: &Batch, row: u32, scratch: &mut Scratch) -> Option<u32> {
        let Scratch { text: unescaped, hashed } = scratch;
        hashed.clear();
        hashed.extend_from_slice(&self.seed);
        for (_, field) in &self.by {
            push(text(&batch.value_of(row, *field, unescaped))?.as_bytes(), hashed);
        }
        Some(step(xxh3_64(hashed)))
    }
}

/// The text that a value decides by: `1` and `"1"` are the same. None if it cannot decide: nothing, `null`, an object or
/// a list, which could be written in many ways.
fn text<'v>(value: &Value<'v>) -> Option<&'v str> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text),
        Value::Boolean(true) => Some("true"),
        Value::Boolean(false) => Some("false"),
        Value::Absent | Value::Null | Value::Other => None,
    }
}

/// Appends a text with its length before it, so that no two lists of texts become the same bytes. No event is so long that
/// its length does not fit.
fn push(text: &[u8], hashed: &mut Vec<u8>) {
    hashed.extend_from_slice(&(text.len() as u32).to_le_bytes());
    hashed.extend_from_slice(text);
}

/// The step that a hash falls on, each equally likely.
fn step(hash: u64) -> u32 {
    ((u128::from(hash) * u128::from(Share::WHOLE)) >> 64) as u32
}

impl Admission {
    /// How it is decided for a row.
    pub(crate) fn new(
        selection: &Selection,
        rollout: Option<&Rollout>,
        batch: &Batch,
        row: u32,
    ) -> Admission {
        let selection = selection.decide(batch, row);
        let rollout = rollout.filter(|_| selection.taken).map(|rollout| rollout.decide(batch, row));
        Admission { selection, rollout }
    }

    /// Whether it is handed over.
    pub(crate) fn is_handed(&self) -> bool {
        self.selection.taken && self.rollout.as_ref().is_none_or(|rollout| rollout.inside)
    }
}

impl Asides {
    /// Those of these rollouts that leave rows to another hook.
    pub fn new<'r>(rollouts: impl IntoIterator<Item = &'r config::Rollout>) -> Asides {
        let named = rollouts.into_iter().filter_map(|rollout| match &rollout.otherwise {
            Otherwise::Pass => None,
            Otherwise::Hook(name) => Some(name.clone()),
        });
        Asides(named.collect())
    }

    /// What is put aside for the hook of this name; none if it is handed events as any other hook is.
    pub fn of(&self, hook: &str) -> Option<Aside> {
        Aside::new(self.0.iter().position(|name| name == hook)?)
    }

    /// The names of the hooks that a row was put aside for.
    pub(crate) fn names(&self, batch: &Batch, row: u32) -> Vec<String> {
        let is_aside = |name: &&String| self.of(name).is_some_and(|aside| batch.is_aside(row, aside));
        self.0.iter().filter(is_aside).cloned().collect()
    }

    /// Marks the rows of a batch that were put aside by the numbers of `before` by its own.
    pub(crate) fn take_over(&self, before: &Asides, batch: &mut Batch) {
        if self.0 == before.0 {
            return;
        }
        for row in batch.order().to_vec() {
            let names = before.names(batch, row);
            batch.forget_asides(row);
            self.restore(batch, row, names.iter().map(String::as_str));
        }
    }

    /// Puts a row aside for these hooks again.
    pub(crate) fn restore<'n>(&self, batch: &mut Batch, row: u32, names: impl IntoIterator<Item = &'n str>) {
        for aside in names.into_iter().filter_map(|name| self.of(name)) {
            batch.put_aside(row, aside);
        }
    }
}

#[cfg(test)]
mod tests;

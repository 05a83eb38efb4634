//! Fields that were asked for and never came: most likely a misspelt path. Pure; who asks does the telling.
//!
//! Looks at the first [`EVENTS`] events only, and remembers the names of at most [`NAMES`] fields of the first
//! [`SAMPLED`] of them, to say which one was meant.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::batch::Batch;
use super::members::{members, skip_space};
use super::path::Path;

/// How many events have to go by without a field.
pub const EVENTS: usize = 10_000;

const SAMPLED: usize = 100;
const NAMES: usize = 1_000;

/// A field that never came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The path that was asked for.
    pub path: Path,
    /// The nearest one that came, if any is near.
    pub nearest: Option<Path>,
}

/// The fields that did not come yet, for all workers together.
#[derive(Debug)]
pub struct Unseen {
    done: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    events: usize,
    wanted: Vec<Path>,
    found: BTreeSet<Vec<String>>,
}

impl Unseen {
    /// Waits for those of `paths` that are fields.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Unseen {
        let mut wanted: Vec<Path> = Vec::new();
        for path in paths {
            if matches!(path, Path::Field(_)) && !wanted.contains(path) {
                wanted.push(path.clone());
            }
        }
        let done = AtomicBool::new(wanted.is_empty());
        Unseen { done, state: Mutex::new(State { events: 0, wanted, found: BTreeSet::new() }) }
    }

    /// Looks at a batch before the chain, where fields may be dropped.
    pub fn before(&self, batch: &Batch) {
        if self.done.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.strike_off(batch);
        let sampled = SAMPLED.saturating_sub(state.events);
        for &row in batch.order().iter().take(sampled) {
            let text = batch.text(row);
            collect(text, skip_space(text, 0), &mut Vec::new(), &mut state.found);
        }
        state.events += batch.len();
    }

    /// Looks at it again after the chain, where fields may be new. Returns what never came, once, when enough events
    /// went by.
    pub fn after(&self, batch: &Batch) -> Vec<Missing> {
        if self.done.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.strike_off(batch);
        if state.events < EVENTS && !state.wanted.is_empty() {
            return Vec::new();
        }
        self.done.store(true, Ordering::Relaxed);
        let State { wanted, found, .. } = &mut *state;
        let missing = |path: Path| Missing { nearest: nearest(&path, found), path };
        std::mem::take(wanted).into_iter().map(missing).collect()
    }
}

impl State {
    fn strike_off(&mut self, batch: &Batch) {
        // Not by the slots: after the last hook nobody keeps track of them.
        let came = |path: &Path| batch.order().iter().any(|&row| has(batch.text(row), path));
        self.wanted.retain(|path| !came(path));
    }
}

/// Whether an event has the field at a path.
fn has(text: &[u8], path: &Path) -> bool {
    let Path::Field(keys) = path else { return false };
    let mut at = skip_space(text, 0);
    keys.iter().all(|key| {
        let members = if text.get(at) == Some(&b'{') { members(text, at) } else { Vec::new() };
        let found = members.iter().rev().find(|member| *member.name(text) == *key.as_bytes());
        at = found.map_or(at, |member| member.value.start);
        found.is_some()
    })
}

/// The fields of an object and of the objects in it.
fn collect(text: &[u8], object: usize, above: &mut Vec<String>, found: &mut BTreeSet<Vec<String>>) {
    for member in members(text, object) {
        if found.len() >= NAMES {
            return;
        }
        above.push(String::from_utf8_lossy(&member.name(text)).into_owned());
        found.insert(above.clone());
        if text.get(member.value.start) == Some(&b'{') {
            collect(text, member.value.start, above, found);
        }
        above.pop();
    }
}

fn nearest(path: &Path, found: &BTreeSet<Vec<String>>) -> Option<Path> {
    let wanted = path.to_string();
    let candidates = found.iter().map(|keys| Path::Field(keys.clone()));
    let near =
        candidates.map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_string()), candidate));
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + wanted.len() / 3).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::projection::Projection;
    use crate::event::properties::origin;

    #[test]
    fn a_path_that_never_came_is_told_once_with_the_nearest_one() {
        let paths: Vec<Path> =
            ["levle", "geo.country", "message"].iter().map(|path| path.parse().unwrap()).collect();
        let projection = Arc::new(Projection::new(&paths).unwrap());
        let unseen = Unseen::new(&paths);
        let mut batch = Batch::new(projection.clone());
        let origin = batch.add_origin(origin(&projection));
        for _ in 0..EVENTS / 2 {
            batch.push_text(origin, 0, |out| {
                out.extend_from_slice(br#"{"level":"info","geo":{"city":"x"},"message":1}"#)
            });
        }
        unseen.before(&batch);
        assert_eq!(unseen.after(&batch), []);
        unseen.before(&batch);
        let told: Vec<String> = unseen
            .after(&batch)
            .iter()
            .map(|missing| {
                format!(
                    "{} {}",
                    missing.path,
                    missing.nearest.as_ref().map_or(String::new(), Path::to_string)
                )
            })
            .collect();
        assert_eq!(told, ["levle level", "geo.country geo.city"]);
        assert_eq!(unseen.after(&batch), []);
    }
}

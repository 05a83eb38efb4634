//! What operators do with dead letters: look at them, send them on their way again, take one along.
//!
//! [`list`] shows those that wait; [`replay`] sends them through the configured chain, from the hook that failed on; a
//! [`reproducer`] is one of them with all that its call needs, in one file. A run may go on meanwhile.

pub mod list;
pub mod replay;
pub mod reproducer;

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use crate::clock;
use crate::config::{arguments, suggestion};
use crate::hook::dead_letters::filter::Filter;
use crate::hook::dead_letters::record::Letter;
use crate::hook::dead_letters::store::Store;
use crate::hook::failure::FailureKind;

/// Why the letters that were named cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// They cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No such letter.
    #[error(
        "there is no dead letter {id:?} in {dir}; `hookaroon dead-letters list` shows those that are there, and one whose \
         segment was replayed is gone"
    )]
    Unknown {
        /// What was asked for.
        id: String,
        /// Where it was looked for.
        dir: String,
    },
    /// Several.
    #[error("{id:?} is the start of several IDs, {first} and {second} among them; write more of it")]
    Ambiguous {
        /// What was asked for.
        id: String,
        /// One of them.
        first: String,
        /// Another one.
        second: String,
    },
}

/// The name of a kind of failure.
pub(crate) fn kind(text: &str) -> Result<String, String> {
    let names = FailureKind::ALL.map(FailureKind::name);
    let known = names.contains(&text).then(|| text.to_owned());
    known.ok_or_else(|| format!("there is no such kind; {}", suggestion(text, &names)))
}

/// A moment, or how long ago it was, in nanoseconds since 1970.
pub(crate) fn moment(text: &str) -> Result<u64, String> {
    if let Ok(ago) = arguments::duration(text) {
        return Ok(clock::now_ns().saturating_sub(clock::nanos(ago)));
    }
    let time: Timestamp = text.parse().map_err(|_| {
        "it is no time; write for example 2026-11-28T12:00:00Z, or 2h for two hours ago".to_owned()
    })?;
    u64::try_from(time.as_nanosecond()).map_err(|_| "it is before 1970".to_owned())
}

/// How many letters wait to be replayed, by hook. An ID must be the start of just one letter's; one that was replayed
/// already counts as found.
pub fn waiting(store: &Store, filter: &Filter) -> Result<BTreeMap<String, u64>, FindError> {
    let mut waiting = BTreeMap::new();
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for segment in store.segments()?.iter().filter(|segment| filter.may_take_hook(&segment.hook)) {
        let contents = store.read(segment)?;
        for (letter, replayed) in contents.letters.iter().zip(&contents.replayed) {
            note_ids(filter, letter, &mut found)?;
            if !replayed && filter.takes(letter) {
                *waiting.entry(letter.hook.clone()).or_default() += 1;
            }
        }
    }
    match filter.ids.iter().find(|id| !found.contains_key(id.as_str())) {
        Some(id) => Err(FindError::Unknown { id: id.clone(), dir: store.dir().display().to_string() }),
        None => Ok(waiting),
    }
}

/// The letter whose ID starts so, replayed or not.
pub fn find(store: &Store, id: &str) -> Result<Letter, FindError> {
    let filter = Filter { ids: vec![id.to_owned()], ..Filter::default() };
    let (mut found, mut ids) = (None, BTreeMap::new());
    for segment in store.segments()? {
        for letter in store.read(&segment)?.letters {
            note_ids(&filter, &letter, &mut ids)?;
            if filter.takes(&letter) {
                found = Some(letter);
            }
        }
    }
    found.ok_or_else(|| FindError::Unknown { id: id.to_owned(), dir: store.dir().display().to_string() })
}

/// Notes which of the wanted IDs a letter has.
fn note_ids<'f>(
    filter: &'f Filter,
    letter: &Letter,
    found: &mut BTreeMap<&'f str, String>,
) -> Result<(), FindError> {
    for id in filter.ids.iter().filter(|id| letter.id.starts_with(id.as_str())) {
        match found.insert(id, letter.id.clone()) {
            Some(first) if first != letter.id => {
                let second = letter.id.clone();
                return Err(FindError::Ambiguous { id: id.clone(), first, second });
            }
            _ => {}
        }
    }
    Ok(())
}

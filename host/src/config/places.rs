//! Where each part of a hook's config stands in its file, so that whoever finds it wrong later can say where.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::errors::{Error, Text};

/// One step down into a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a table's member.
    Key(String),
    /// To a list's entry, from 0.
    Entry(usize),
}

/// The places of one hook's config. By default it was not read from a file.
#[derive(Clone, Default)]
pub struct Places {
    file: PathBuf,
    text: Arc<str>,
    root: Spot,
}

/// One value, in bytes of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Spot {
    /// Where its key starts; for what has none where the value does.
    pub(super) key: usize,
    pub(super) value: usize,
    /// Its text came from elsewhere, and may be a secret.
    pub(super) is_outside: bool,
    pub(super) members: BTreeMap<String, Spot>,
    pub(super) entries: Vec<Spot>,
}

impl fmt::Debug for Places {
    /// Without the text, which may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Places").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Spot {
    pub(super) fn new(key: &Range<usize>, value: &Range<usize>) -> Spot {
        Spot { key: key.start, value: value.start, ..Spot::default() }
    }

    fn below(&self, step: &Step) -> Option<&Spot> {
        match step {
            Step::Key(key) => self.members.get(key),
            Step::Entry(index) => self.entries.get(*index),
        }
    }
}

impl Places {
    pub(super) fn new(text: Text<'_>, root: Spot) -> Places {
        Places { file: text.file.to_owned(), text: Arc::from(text.text), root }
    }

    /// What is wrong with a key, or with a value, as an error with its place; none if it stands in no file.
    pub fn error(&self, path: &[Step], at_key: bool, message: String) -> Option<Error> {
        if self.text.is_empty() {
            return None;
        }
        let spot = self.spot(path);
        let at = if at_key { spot.key } else { spot.value };
        Some(Text { file: &self.file, text: &self.text }.error(&(at..at), message))
    }

    /// Whether a value's text came from a file or the environment.
    pub fn is_outside(&self, path: &[Step]) -> bool {
        self.spot(path).is_outside
    }

    /// The spot of a value, or of the nearest one around it.
    fn spot(&self, path: &[Step]) -> &Spot {
        let mut spot = &self.root;
        for step in path {
            let Some(below) = spot.below(step) else { break };
            spot = below;
        }
        spot
    }
}

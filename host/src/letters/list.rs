//! The dead letters that wait, for people and for programs: the newest in full, all of them by hook and kind.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::hook::dead_letters::filter::Filter;
use crate::hook::dead_letters::record::{Content, Letter, Whence};
use crate::hook::dead_letters::store::{Store, Unreadable};
use crate::hook::host_api::printable;

/// How much of a message is shown in the table.
const SHOWN: usize = 80;

/// Dead letters that wait.
#[derive(Debug, Serialize)]
pub struct Listing {
    /// The newest of them, oldest first.
    pub letters: Vec<Listed>,
    /// How many there are.
    pub total: u64,
    /// All of them, by hook and kind.
    pub summary: Vec<Group>,
    /// Lines that are no letters.
    pub unreadable: Vec<Unreadable>,
}

/// One letter.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// When the hook failed.
    pub time: String,
    /// What is known of it.
    #[serde(flatten)]
    pub letter: Letter,
    /// Where the event came from.
    #[serde(flatten)]
    pub origin: Option<Whence>,
    /// The event, if it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Value>,
    /// What of it the hook was granted to read, if that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<Value>,
    /// Its SHA-256, if that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_sha256: Option<String>,
}

/// The letters of one hook and kind.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The hook.
    pub hook: String,
    /// The kind of failure.
    pub kind: String,
    /// How many there are.
    pub letters: u64,
    /// How often the hook was given them in vain.
    pub attempts: u64,
    /// When the first of them failed.
    pub first: String,
    /// When the last of them did.
    pub last: String,
}

/// How much is shown in full: the newest letters.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many.
    pub letters: usize,
    /// Bytes of what is kept of their events.
    pub bytes: usize,
}

/// A group while it is counted.
#[derive(Clone, Copy)]
struct Count {
    letters: u64,
    attempts: u64,
    first_ns: u64,
    last_ns: u64,
}

impl Listing {
    /// The letters that `filter` takes and that were not replayed; of them in full what is within `bounds`.
    pub fn new(store: &Store, filter: &Filter, bounds: Bounds) -> io::Result<Listing> {
        let mut newest: VecDeque<Letter> = VecDeque::new();
        let mut bytes = 0;
        let mut groups: BTreeMap<(String, String), Count> = BTreeMap::new();
        let mut unreadable = Vec::new();
        for segment in store.segments()?.iter().filter(|segment| filter.may_take_hook(&segment.hook)) {
            let contents = store.read(segment)?;
            unreadable.extend(contents.unreadable);
            let letters = contents.letters.into_iter().zip(contents.replayed);
            for (letter, _) in letters.filter(|(letter, replayed)| !replayed && filter.takes(letter)) {
                let none = Count { letters: 0, attempts: 0, first_ns: u64::MAX, last_ns: 0 };
                let count = groups.entry((letter.hook.clone(), letter.kind.clone())).or_insert(none);
                count.letters += 1;
                count.attempts += letter.count;
                count.first_ns = count.first_ns.min(letter.time_ns);
                count.last_ns = count.last_ns.max(letter.time_ns);
                // By hook they come in order; all together they are put in order as they are kept.
                let place = newest.partition_point(|other| other.time_ns <= letter.time_ns);
                bytes += letter.content.bytes();
                newest.insert(place, letter);
                while newest.len() > bounds.letters || bytes > bounds.bytes {
                    let Some(oldest) = newest.pop_front() else { break };
                    bytes -= oldest.content.bytes();
                }
            }
        }
        let total = groups.values().map(|count| count.letters).sum();
        let summary = groups.into_iter().map(|((hook, kind), count)| Group {
            hook,
            kind,
            letters: count.letters,
            attempts: count.attempts,
            first: time(count.first_ns),
            last: time(count.last_ns),
        });
        let letters = newest.into_iter().map(Listed::from).collect();
        Ok(Listing { letters, total, summary: summary.collect(), unreadable })
    }
}

impl From<Letter> for Listed {
    fn from(mut letter: Letter) -> Listed {
        let parsed = |text: &[u8]| serde_json::from_slice(text).ok();
        let (mut event, mut granted, mut event_sha256) = (None, None, None);
        match std::mem::take(&mut letter.content) {
            Content::Event(text) => event = parsed(&text),
            Content::Granted(text) => granted = parsed(&text),
            Content::Hash(digest) => event_sha256 = Some(digest),
            Content::Nothing => {}
        }
        let origin = letter.origin.take();
        Listed { time: time(letter.time_ns), letter, origin, event, granted, event_sha256 }
    }
}

impl fmt::Display for Listing {
    /// A table, and a summary by hook and kind.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total == 0 {
            return writeln!(formatter, "no dead letters");
        }
        let hooks = self.summary.iter().map(|group| group.hook.len()).max().unwrap_or(0).max(4);
        let kinds = self.summary.iter().map(|group| group.kind.len()).max().unwrap_or(0).max(4);
        if !self.letters.is_empty() {
            writeln!(
                formatter,
                "{:16}  {:20}  {:hooks$}  {:kinds$}  {:>5}  MESSAGE",
                "ID", "TIME", "HOOK", "KIND", "COUNT"
            )?;
        }
        for Listed { time, letter, .. } in &self.letters {
            let Letter { id, hook, count, .. } = letter;
            let (kind, message) =
                (printable(&letter.kind, SHOWN), shortened(&printable(&letter.message, 4 * SHOWN)));
            writeln!(formatter, "{id:16}  {time:20}  {hook:hooks$}  {kind:kinds$}  {count:>5}  {message}")?;
        }
        let shown = self.letters.len() as u64;
        if shown < self.total {
            writeln!(formatter, "... and {} older ones; --limit shows more", self.total - shown)?;
        }
        writeln!(formatter)?;
        writeln!(
            formatter,
            "{:hooks$}  {:kinds$}  {:>9}  {:>9}  {:20}  LAST",
            "HOOK", "KIND", "LETTERS", "ATTEMPTS", "FIRST"
        )?;
        for Group { hook, kind, letters, attempts, first, last } in &self.summary {
            let kind = printable(kind, SHOWN);
            writeln!(
                formatter,
                "{hook:hooks$}  {kind:kinds$}  {letters:>9}  {attempts:>9}  {first:20}  {last}"
            )?;
        }
        Ok(())
    }
}

/// A time for people and programs, to the second.
pub fn time(ns: u64) -> String {
    let seconds = i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| ns.to_string(), |time| time.to_string())
}

/// The start of a message.
fn shortened(message: &str) -> String {
    match message.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", message.get(..end).unwrap_or(message)),
        None => message.to_owned(),
    }
}

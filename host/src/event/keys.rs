//! Keys that were met before, and which one came after which. The lines of a log resemble each other, so most keys
//! are known before they are read: one comparison then stands for finding the key's end and its colon and for asking
//! whether anybody reads the field.
//!
//! A guess is only ever taken if the text is, byte for byte, one that was read in full before, in the same container:
//! the answer never depends on what is remembered, only its speed. [`KEYS`] are remembered; a further one takes the
//! place of another.

use super::simd;

/// How many keys are remembered: more than the lines of most logs have, and they stay in the first-level cache.
const KEYS: usize = 64;

/// Where a key may be remembered: in so many places from the one on that its hash gives.
const PLACES: usize = 4;

/// How many words of eight bytes of a key are compared, its quotes and colon included. Longer keys are read anew.
const WORDS: usize = 3;

/// A key that was met, by its place in the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known(u8);

/// Before the first key of a line.
pub(crate) const START: Known = Known(KEYS as u8);

/// A key that was guessed right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guess {
    /// Which one it is.
    pub(crate) key: Known,
    /// The node that it leads to.
    pub(crate) node: u16,
    /// One past its colon, or past the space after that.
    pub(crate) end: usize,
}

/// The memory of keys, for one projection.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// The last one stands for the start of a line.
    entries: Box<[Entry; KEYS + 1]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// From the key's opening quote to its colon, and one space after it; in little endian, zero beyond the end.
    text: [u64; WORDS],
    /// The bits of `text` that count.
    mask: [u64; WORDS],
    /// How many bytes count; 0: nothing is remembered here.
    length: u8,
    /// The container that the key is in, and the node that it leads to.
    parent: u16,
    node: u16,
    /// The keys that came next the last two times that nobody had guessed them.
    next: [u8; 2],
}

impl Keys {
    /// Remembers nothing yet.
    pub(crate) fn new() -> Keys {
        Keys { entries: Box::new([Entry::default(); KEYS + 1]) }
    }

    /// The key at `at`, if it is one that came after `last` before.
    #[inline(always)]
    pub(crate) fn guess(&self, last: Known, parent: u16, buffer: &[u8], at: usize) -> Option<Guess> {
        let text = words(buffer.get(at..)?.first_chunk()?)?;
        let [likely, other] = self.entries.get(usize::from(last.0))?.next;
        // No closures and no iterators from here on: they are compiled apart, which doubles the time of the whole pass.
        match self.is_at(likely, parent, text, at) {
            Some(guess) => Some(guess),
            None => self.is_at(other, parent, text, at),
        }
    }

    #[inline(always)]
    fn is_at(&self, key: u8, parent: u16, text: [u64; WORDS], at: usize) -> Option<Guess> {
        let entry = self.entries.get(usize::from(key))?;
        let [text0, text1, text2] = text;
        let [known0, known1, known2] = entry.text;
        let [mask0, mask1, mask2] = entry.mask;
        let differs = (text0 ^ known0) & mask0
            | (text1 ^ known1) & mask1
            | (text2 ^ known2) & mask2
            | u64::from(entry.parent ^ parent);
        if differs != 0 || entry.length == 0 {
            return None;
        }
        Some(Guess { key: Known(key), node: entry.node, end: at + usize::from(entry.length) })
    }

    /// Remembers that the key in `buffer[at..end]`, read in full, came after `last`. The text has no escapes, begins
    /// with the opening quote and ends with the colon or a space after it, so that nothing in it ends a line.
    #[inline(never)]
    pub(crate) fn learn(
        &mut self,
        last: Known,
        parent: u16,
        node: u16,
        buffer: &[u8],
        at: usize,
        end: usize,
    ) -> Known {
        let length = end.saturating_sub(at);
        let text = buffer.get(at..).and_then(|rest| rest.first_chunk::<{ 8 * WORDS }>());
        let Some(text) = text.and_then(words).filter(|_| (1..=8 * WORDS).contains(&length)) else {
            return last;
        };
        let mut entry = Entry { length: length as u8, parent, node, ..Entry::default() };
        let mut hash = u64::from(parent);
        let compared = text.into_iter().zip(&mut entry.text).zip(&mut entry.mask);
        for (index, ((word, known), mask)) in compared.enumerate() {
            *mask = match length.saturating_sub(8 * index) {
                bytes @ 0..8 => (1 << (8 * bytes)) - 1,
                _ => u64::MAX,
            };
            *known = word & *mask;
            // The multiplier is the golden ratio's: consecutive keys fall far apart.
            hash = (hash ^ *known).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        let place = self.place(hash, &entry);
        if let Some(last) = self.entries.get_mut(usize::from(last.0)) {
            last.next = [place, last.next[0]];
        }
        Known(place)
    }

    /// Where `entry` is remembered: where it is already, else where nothing is, else in the place of another.
    fn place(&mut self, hash: u64, entry: &Entry) -> u8 {
        // The product's high bits are the ones that depend on all of the key.
        let first = (hash >> 32) as usize;
        let places = || (first..first + PLACES).map(|place| place % KEYS);
        let same = |known: &Entry| {
            known.text == entry.text && known.length == entry.length && known.parent == entry.parent
        };
        let find = |wanted: &dyn Fn(&Entry) -> bool| {
            places().find(|place| self.entries.get(*place).is_some_and(wanted))
        };
        if let Some(place) = find(&same) {
            return place as u8;
        }
        let place = find(&|known| known.length == 0).unwrap_or(first % KEYS);
        if let Some(known) = self.entries.get_mut(place) {
            *known = *entry;
        }
        place as u8
    }
}

/// The words that are compared, in little endian.
#[inline(always)]
fn words(text: &[u8; 8 * WORDS]) -> Option<[u64; WORDS]> {
    Some([simd::word_at(text, 0)?, simd::word_at(text, 8)?, simd::word_at(text, 16)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learns the keys of `text`, which stand one after the other, each with its colon.
    fn learn(keys: &mut Keys, buffer: &[u8], ends: &[usize]) {
        let (mut last, mut at) = (START, 0);
        for (node, end) in ends.iter().enumerate() {
            last = keys.learn(last, 0, node as u16, buffer, at, *end);
            at = *end;
        }
    }

    #[test]
    fn a_key_is_guessed_where_it_came_before_and_nowhere_else() {
        let mut keys = Keys::new();
        let buffer = br#""level":"message": "and what is beyond them"#;
        learn(&mut keys, buffer, &[8, 19]);
        let first = keys.guess(START, 0, buffer, 0).unwrap();
        assert_eq!((first.node, first.end), (0, 8));
        let second = keys.guess(first.key, 0, buffer, 8).unwrap();
        assert_eq!((second.node, second.end), (1, 19));
        assert!(keys.guess(START, 1, buffer, 0).is_none(), "in another container");
        assert!(keys.guess(START, 0, buffer, 8).is_none(), "it did not come first");
        assert!(keys.guess(START, 0, br#""levels":"message":"and more"#, 0).is_none());
        assert!(keys.guess(START, 0, &buffer[..20], 0).is_none(), "too near to the buffer's end to compare");
    }

    #[test]
    fn two_that_follow_by_turns_are_both_guessed() {
        let mut keys = Keys::new();
        let (one, other) =
            (br#""one":1,............................"#, br#""other":2,.........................."#);
        keys.learn(START, 0, 1, one, 0, 6);
        keys.learn(START, 0, 2, other, 0, 8);
        assert_eq!(keys.guess(START, 0, one, 0).unwrap().node, 1);
        assert_eq!(keys.guess(START, 0, other, 0).unwrap().node, 2);
    }

    #[test]
    fn more_keys_than_are_remembered_take_each_others_places() {
        let mut keys = Keys::new();
        let mut last = START;
        for number in 0..10 * KEYS as u16 {
            let text = format!("\"key {number:04}\":                     ");
            let end = text.find(':').unwrap() + 1;
            let next = keys.learn(last, 0, number, text.as_bytes(), 0, end);
            let guess = keys.guess(last, 0, text.as_bytes(), 0).unwrap();
            assert_eq!((guess.node, guess.end), (number, end));
            last = next;
        }
    }

    #[test]
    fn a_key_too_long_to_compare_is_not_remembered() {
        let mut keys = Keys::new();
        let text = format!("\"{}\":            ", "k".repeat(22));
        keys.learn(START, 0, 1, text.as_bytes(), 0, 25);
        assert!(keys.guess(START, 0, text.as_bytes(), 0).is_none());
    }
}

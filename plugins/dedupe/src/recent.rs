//! The keys of a while ago up to now, oldest first, and how often each came again.
//!
//! Bounds: a number of keys, and `MOST_BYTES` of what may be written of them at once. Who adds a key takes the oldest
//! out until there is room. A known key allocates nothing.

use std::collections::VecDeque;

use hashbrown::HashTable;
use hookaroon_flow::{Key, MOST_BYTES, StoredKey};

/// Some keys.
#[derive(Debug)]
pub struct Recent {
    entries: VecDeque<Entry>,
    /// The numbers of the entries, by hash. An entry keeps its number while older ones go.
    table: HashTable<u64>,
    /// The number of the oldest entry.
    oldest: u64,
    most: usize,
    /// What a key may come to beside its own bytes.
    fixed: usize,
    bytes: usize,
}

/// A key.
#[derive(Debug)]
pub struct Entry {
    /// The key.
    pub key: StoredKey,
    /// When it came first, host time in nanoseconds.
    pub since: u64,
    /// How often it came again.
    pub again: u64,
}

impl Recent {
    /// None yet, and at most `most`, each of which comes to `fixed` bytes beside its own.
    pub fn new(most: u32, fixed: usize) -> Recent {
        Recent {
            entries: VecDeque::new(),
            table: HashTable::new(),
            oldest: 0,
            most: usize::try_from(most).unwrap_or(usize::MAX),
            fixed,
            bytes: 0,
        }
    }

    /// How often this key came again, if it is known.
    #[inline]
    pub fn again(&mut self, key: Key<'_>) -> Option<&mut u64> {
        let is_it = |number: &u64| self.entry(*number).is_some_and(|entry| entry.key.is(key));
        let place = self.place(*self.table.find(key.hash, is_it)?)?;
        self.entries.get_mut(place).map(|entry| &mut entry.again)
    }

    /// Adds a key that is not known, and not older than those that are.
    pub fn add(&mut self, key: Key<'_>, since: u64, again: u64) {
        let number = self.oldest.wrapping_add(self.entries.len() as u64);
        self.bytes += key.text.len() + self.fixed;
        self.entries.push_back(Entry { key: key.into(), since, again });
        let Recent { entries, table, oldest, .. } = self;
        table.insert_unique(key.hash, number, |number| {
            let place = usize::try_from(number.wrapping_sub(*oldest)).ok();
            place.and_then(|place| entries.get(place)).map_or(0, |entry| entry.key.hash)
        });
    }

    /// Takes the oldest out if it came before `time`.
    pub fn take_before(&mut self, time: u64) -> Option<Entry> {
        self.take_if(|oldest| oldest.since < time)
    }

    /// Takes the oldest out if there are more than there may be.
    pub fn take_excess(&mut self) -> Option<Entry> {
        let is_over = self.entries.len() > self.most || self.bytes > MOST_BYTES;
        self.take_if(|_| is_over)
    }

    /// Takes the oldest out.
    pub fn take(&mut self) -> Option<Entry> {
        self.take_if(|_| true)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    fn take_if(&mut self, wanted: impl FnOnce(&Entry) -> bool) -> Option<Entry> {
        if !self.entries.front().is_some_and(wanted) {
            return None;
        }
        let entry = self.entries.pop_front()?;
        if let Ok(place) = self.table.find_entry(entry.key.hash, |number| *number == self.oldest) {
            place.remove();
        }
        self.oldest = self.oldest.wrapping_add(1);
        self.bytes -= entry.key.text.len() + self.fixed;
        Some(entry)
    }

    #[inline]
    fn entry(&self, number: u64) -> Option<&Entry> {
        self.entries.get(self.place(number)?)
    }

    #[inline]
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.wrapping_sub(self.oldest)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_until_they_are_taken_out_oldest_first() {
        let mut recent = Recent::new(300, 1);
        // What a plain list says.
        let mut expected: VecDeque<String> = VecDeque::new();
        for n in 0..2000u64 {
            let key = format!("{}", n * 7919 % 2000);
            assert!(recent.again(Key::new(&key)).is_none());
            recent.add(Key::new(&key), n, 0);
            expected.push_back(key);
            while let Some(entry) = recent.take_excess() {
                assert_eq!(Some(String::from(entry.key.text)), expected.pop_front());
            }
            if n % 100 == 0 {
                for key in &expected {
                    *recent.again(Key::new(key)).unwrap() += 1;
                }
            }
        }
        assert_eq!(recent.iter().len(), 300);
        assert!(recent.take_before(1700).is_none());
        assert_eq!(recent.take_before(1701).unwrap().again, 3);
        assert_eq!(std::iter::from_fn(|| recent.take()).count(), 299);
        assert!(recent.table.is_empty() && recent.bytes == 0);
    }

    #[test]
    fn the_bytes_of_all_keys_are_bounded() {
        let mut recent = Recent::new(u32::MAX, 24);
        for n in 0..10_000u64 {
            recent.add(Key::new(&format!("{n:01000}")), n, 0);
            while recent.take_excess().is_some() {}
        }
        assert_eq!(recent.iter().len(), MOST_BYTES / 1024);
    }
}

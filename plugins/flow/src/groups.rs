//! Something for each key, for a bounded number of keys.
//!
//! Bounds: the number of keys that the hook says, [`MOST_BYTES`] of what may be written of them at once, and
//! [`LONGEST`] bytes for one key. A key beyond that gets nothing, and the hook says what becomes of it. A known key
//! allocates nothing.

use hashbrown::HashTable;

use crate::key::{Key, StoredKey};

/// The most bytes of new events, or of a saved state, that all keys of a hook may come to. The host lifts 8 MiB a call,
/// and takes a state of a quarter of the hook's memory.
pub const MOST_BYTES: usize = 2 << 20;

/// The longest key.
const LONGEST: usize = 1024;

/// Some keys, and a value of each.
#[derive(Debug)]
pub struct Groups<V> {
    /// Places in `groups`, by hash.
    table: HashTable<u32>,
    groups: Vec<Group<V>>,
    most: usize,
    /// What a key may come to beside its own bytes.
    fixed: usize,
    bytes: usize,
    refused: bool,
}

#[derive(Debug)]
struct Group<V> {
    key: StoredKey,
    value: V,
}

impl<V> Groups<V> {
    /// No keys yet, and at most `most`, each of which comes to `fixed` bytes beside its own.
    pub fn new(most: u32, fixed: usize) -> Groups<V> {
        Groups {
            table: HashTable::new(),
            groups: Vec::new(),
            most: usize::try_from(most).unwrap_or(usize::MAX),
            fixed,
            bytes: 0,
            refused: false,
        }
    }

    /// The value of a key, a new one if there is none yet. None: there is no room for this key.
    #[inline]
    pub fn of(&mut self, key: &str, new: impl FnOnce() -> V) -> Option<&mut V> {
        let key = Key::new(key);
        let groups = &self.groups;
        let is_it = |place: &u32| groups.get(*place as usize).is_some_and(|group| group.key.is(key));
        let place = match self.table.find(key.hash, is_it) {
            Some(place) => *place as usize,
            None => self.add(key, new)?,
        };
        self.groups.get_mut(place).map(|group| &mut group.value)
    }

    fn add(&mut self, key: Key<'_>, new: impl FnOnce() -> V) -> Option<usize> {
        let bytes = self.bytes + key.text.len() + self.fixed;
        if self.groups.len() >= self.most || bytes > MOST_BYTES || key.text.len() > LONGEST {
            self.refused = true;
            return None;
        }
        let place = self.groups.len();
        self.bytes = bytes;
        self.groups.push(Group { key: key.into(), value: new() });
        self.index(place);
        Some(place)
    }

    fn index(&mut self, place: usize) {
        let groups = &self.groups;
        let hash = |place: &u32| groups.get(*place as usize).map_or(0, |group| group.key.hash);
        // There are fewer than MOST_BYTES.
        let place = place as u32;
        self.table.insert_unique(hash(&place), place, hash);
    }

    /// Whether a key was turned away since the last [`Groups::retain`].
    pub fn has_refused(&self) -> bool {
        self.refused
    }

    /// Forgets the keys whose value `keep` does not want.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut V) -> bool) {
        self.refused = false;
        let before = self.groups.len();
        let Groups { groups, bytes, fixed, .. } = self;
        groups.retain_mut(|group| {
            let keep = keep(&mut group.value);
            if !keep {
                *bytes -= group.key.text.len() + *fixed;
            }
            keep
        });
        if groups.len() == before {
            return;
        }
        self.table.clear();
        for place in 0..self.groups.len() {
            self.index(place);
        }
    }

    /// The values, in no order that means anything.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.groups.iter_mut().map(|group| &mut group.value)
    }

    /// The keys in the order of their texts, and their values.
    pub fn sorted(&self) -> Vec<(&str, &V)> {
        let mut sorted: Vec<(&str, &V)> =
            self.groups.iter().map(|group| (&*group.key.text, &group.value)).collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(groups: &mut Groups<u64>, key: &str) -> Option<u64> {
        groups.of(key, || 0).map(|count| {
            *count += 1;
            *count
        })
    }

    #[test]
    fn keys_are_told_apart_and_come_in_the_order_of_their_texts() {
        let mut groups = Groups::new(1000, 10);
        for round in 1..=3 {
            for n in (0..500).rev() {
                assert_eq!(count(&mut groups, &format!("{n:03}")), Some(round));
            }
        }
        let expected: Vec<String> = (0..500).map(|n| format!("{n:03}")).collect();
        let sorted = groups.sorted();
        assert!(sorted.iter().map(|(key, _)| *key).eq(expected.iter().map(String::as_str)));
        assert!(sorted.iter().all(|(_, count)| **count == 3));
    }

    #[test]
    fn what_there_is_no_room_for_gets_nothing_until_something_is_forgotten() {
        let mut groups = Groups::new(2, 0);
        assert_eq!((count(&mut groups, "a"), count(&mut groups, "b")), (Some(1), Some(1)));
        assert!(!groups.has_refused());
        assert_eq!((count(&mut groups, "c"), count(&mut groups, "b")), (None, Some(2)));
        assert!(groups.has_refused());
        groups.retain(|count| *count > 1);
        assert!(!groups.has_refused());
        assert_eq!((count(&mut groups, "c"), count(&mut groups, "b")), (Some(1), Some(3)));
        assert_eq!(groups.sorted(), [("b", &3), ("c", &1)]);
    }

    #[test]
    fn the_bytes_of_all_keys_are_bounded_and_given_back() {
        let mut groups = Groups::new(u32::MAX, 1024);
        assert_eq!(count(&mut groups, &"x".repeat(LONGEST + 1)), None);
        let key = |n: usize| format!("{n:01024}");
        for n in 0..MOST_BYTES / 2048 {
            assert_eq!(count(&mut groups, &key(n)), Some(1));
        }
        assert_eq!(count(&mut groups, "y"), None);
        groups.retain(|_| false);
        assert_eq!(groups.sorted(), []);
        assert_eq!(count(&mut groups, "y"), Some(1));
    }
}

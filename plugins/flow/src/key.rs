//! Keys that a table is asked for with every event.
//!
//! Hashed and compared a word at a time: what 64-bit processors have beside that, products of 128 bits and vectors,
//! WebAssembly calls a function for.

use xxhash_rust::xxh64::xxh64;

/// A key and its hash, which is made once however often the key is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Key<'k> {
    /// The hash: xxh64. It is good for this run only; nothing that is saved or documented depends on it.
    pub hash: u64,
    /// The key itself.
    pub text: &'k str,
}

impl<'k> Key<'k> {
    /// A key.
    #[inline]
    pub fn new(text: &'k str) -> Key<'k> {
        Key { hash: xxh64(text.as_bytes(), 0), text }
    }
}

/// A key in a table.
#[derive(Debug)]
pub struct StoredKey {
    /// See [`Key`].
    pub hash: u64,
    /// The key itself.
    pub text: Box<str>,
}

impl StoredKey {
    /// Whether it is this one.
    #[inline]
    pub fn is(&self, key: Key<'_>) -> bool {
        self.hash == key.hash && same(self.text.as_bytes(), key.text.as_bytes())
    }
}

impl From<Key<'_>> for StoredKey {
    fn from(key: Key<'_>) -> StoredKey {
        StoredKey { hash: key.hash, text: key.text.into() }
    }
}

#[inline]
fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let (lefts, left_rest) = left.as_chunks::<8>();
    let (rights, right_rest) = right.as_chunks::<8>();
    let words = lefts.iter().zip(rights);
    words.into_iter().all(|(left, right)| u64::from_le_bytes(*left) == u64::from_le_bytes(*right))
        && match (left.last_chunk::<8>(), right.last_chunk::<8>()) {
            // The last word has the rest in it.
            (Some(left), Some(right)) => u64::from_le_bytes(*left) == u64::from_le_bytes(*right),
            _ => left_rest.iter().zip(right_rest).all(|(left, right)| left == right),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_if_every_byte_is() {
        let text = "0123456789abcdefghijklmnopqrstuvwxyz";
        for length in 0..text.len() {
            let key = Key::new(&text[..length]);
            let stored = StoredKey::from(key);
            assert!(stored.is(key));
            assert!(!stored.is(Key { hash: key.hash, text: &text[..length + 1] }));
            for at in 0..length {
                let mut other = text[..length].to_owned();
                other.replace_range(at..=at, "-");
                assert!(!stored.is(Key { hash: key.hash, text: &other }), "{other}");
                assert_ne!(Key::new(&other).hash, key.hash);
            }
        }
    }
}

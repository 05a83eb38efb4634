//! Bytes of a text, found eight at a time.
//!
//! Most values are shorter than what a search by vectors has to set up, and WebAssembly has 64-bit words on every
//! machine. The time is in proportion to where the byte is.

use memchr::memmem::Finder;

const WORD: usize = 8;

/// The first place of a byte.
#[inline]
pub fn find(text: &[u8], byte: u8) -> Option<usize> {
    first(text, |word| zeros(word ^ each(byte)), |other| other == byte)
}

/// The first place of one of two bytes.
#[inline]
pub fn find_either(text: &[u8], one: u8, two: u8) -> Option<usize> {
    first(
        text,
        |word| zeros(word ^ each(one)) | zeros(word ^ each(two)),
        |other| other == one || other == two,
    )
}

/// A text that is looked for again and again. Mostly it has a few bytes and is compared as one word; a longer one is
/// left to the searcher that is made for that.
#[derive(Debug)]
pub struct Needle {
    finder: Finder<'static>,
    /// Of one that fits a word: its bytes, and which bytes of a word they are.
    word: u64,
    mask: u64,
}

impl Needle {
    /// The needle for a text.
    pub fn new(text: &str) -> Needle {
        let finder = Finder::new(text).into_owned();
        let (mut word, mut mask) = (0, 0);
        if text.len() <= WORD {
            for byte in text.bytes().rev() {
                word = word << 8 | u64::from(byte);
                mask = mask << 8 | 0xFF;
            }
        }
        Needle { finder, word, mask }
    }

    /// Its text.
    #[inline]
    pub fn text(&self) -> &[u8] {
        self.finder.needle()
    }

    /// Whether a text starts with it.
    #[inline]
    pub fn starts(&self, text: &[u8]) -> bool {
        match text.first_chunk::<WORD>() {
            Some(word) if self.text().len() <= WORD => u64::from_le_bytes(*word) & self.mask == self.word,
            _ => text.starts_with(self.text()),
        }
    }

    /// Its first place in a text.
    #[inline]
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        let (first, length) = (self.word as u8, self.text().len());
        if !(1..=WORD).contains(&length) {
            return self.finder.find(text);
        }
        let mut from = 0;
        loop {
            let at = from + find(text.get(from..)?, first)?;
            if length == 1 || self.starts(text.get(at..)?) {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

#[inline]
fn first(text: &[u8], in_word: impl Fn(u64) -> u64, is_it: impl Fn(u8) -> bool) -> Option<usize> {
    let (words, rest) = text.as_chunks::<WORD>();
    for (index, word) in words.iter().enumerate() {
        let found = in_word(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(index * WORD + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| is_it(*byte)).map(|at| words.len() * WORD + at)
}

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

/// The lowest byte that is 0: its highest bit is set, and none below it. Bits above it mean nothing.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_where_they_are_first() {
        // Neighbours that a borrow would reach, and bytes above ASCII.
        let text: Vec<u8> =
            (0..3).flat_map(|_| [b'!', b'"', b'#', 0xA2, b'[', b'\\', b']', 0xDC, 0]).collect();
        for start in 0..text.len() {
            for end in start..text.len() {
                let text = &text[start..end];
                for byte in [b'"', b'\\', 0xA2, 0, b'x'] {
                    assert_eq!(find(text, byte), text.iter().position(|other| *other == byte));
                }
                let either = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
                assert_eq!(find_either(text, b'"', b'\\'), either, "{text:?}");
            }
        }
    }

    #[test]
    fn needles_of_every_length_are_found_where_a_plain_search_finds_them() {
        let text = "aabaabaacaabaabaabaabaacaab";
        for length in 0..=12 {
            for at in 0..=text.len() - length {
                let pattern = &text[at..at + length];
                let needle = Needle::new(pattern);
                assert_eq!(needle.text(), pattern.as_bytes());
                for start in 0..=text.len() {
                    let rest = &text[start..];
                    assert_eq!(needle.find(rest.as_bytes()), rest.find(pattern), "{pattern:?} in {rest:?}");
                    assert_eq!(needle.starts(rest.as_bytes()), rest.starts_with(pattern));
                }
            }
        }
    }
}

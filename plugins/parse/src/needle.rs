//! A text that is looked for in line after line.

use hookaroon_find::{first, is};
use memchr::memmem::Finder;

const WORD: usize = 8;

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

    /// Its first place in a text. The first place of its first byte mostly is it: what comes then is apart, because each
    /// loop costs a check of the deadline where it begins.
    #[inline(always)]
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        if !(1..=WORD).contains(&self.text().len()) {
            return self.find_long(text);
        }
        let at = first(text, is(self.word as u8))?;
        if self.starts(text.get(at..)?) {
            return Some(at);
        }
        self.find_after(text, at + 1)
    }

    #[inline(never)]
    fn find_long(&self, text: &[u8]) -> Option<usize> {
        self.finder.find(text)
    }

    #[inline(never)]
    fn find_after(&self, text: &[u8], mut from: usize) -> Option<usize> {
        loop {
            let at = from + first(text.get(from..)?, is(self.word as u8))?;
            if self.starts(text.get(at..)?) {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

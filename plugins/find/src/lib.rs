//! Bytes of a kind, found eight at a time, for `parse` and `redact`. Not a hook.
//!
//! Most values are shorter than what a search by vectors has to set up, and WebAssembly has 64-bit words on every
//! machine. The time is in proportion to where the byte is.
//!
//! Which bytes of a word are of a kind is told by the highest bit of each, of which the lowest that is set counts: bits
//! above it mean nothing. The first byte of a text is the lowest of its word.

const WORD: usize = 8;

/// The first place of a byte that `in_word` finds.
///
/// ```
/// use hookaroon_find::{first, is};
/// assert_eq!(first(b"198.51.100.7 - -", is(b' ')), Some(12));
/// assert_eq!(first(b"none", is(b' ')), None);
/// ```
#[inline]
pub fn first(text: &[u8], in_word: impl Fn(u64) -> u64) -> Option<usize> {
    let at = |start: usize, found: u64| start + found.trailing_zeros() as usize / 8;
    let (words, _) = text.as_chunks::<WORD>();
    for (index, word) in words.iter().enumerate() {
        let found = in_word(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at(index * WORD, found));
        }
    }
    match text.last_chunk::<WORD>() {
        // It overlaps the word before, in which there is nothing.
        Some(last) => {
            let found = in_word(u64::from_le_bytes(*last));
            (found != 0).then(|| at(text.len() - WORD, found))
        }
        None => {
            let found = in_word(padded(text));
            (found != 0).then(|| at(0, found)).filter(|at| *at < text.len())
        }
    }
}

/// Less than a word, and zeros behind it.
#[inline(never)]
fn padded(text: &[u8]) -> u64 {
    text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Finds a byte.
#[inline]
pub fn is(byte: u8) -> impl Fn(u64) -> u64 {
    move |word| zeros(word ^ each(byte))
}

/// Finds either of two bytes.
#[inline]
pub fn either(one: u8, two: u8) -> impl Fn(u64) -> u64 {
    move |word| zeros(word ^ each(one)) | zeros(word ^ each(two))
}

/// Finds a digit.
#[inline]
pub fn digit(word: u64) -> u64 {
    // A digit less its `0` is below 10, so that adding 6 does not reach the upper half of the byte.
    let value = word ^ each(b'0');
    let upper = (value | ((value & each(0x0F)) + each(6))) & each(0xF0);
    // No byte carries into the next one, because the highest bit of each is left out.
    !(((upper & each(0x7F)) + each(0x7F)) | upper) & each(0x80)
}

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

/// The lowest byte that is 0.
#[inline]
const fn zeros(word: u64) -> u64 {
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
                    assert_eq!(first(text, is(byte)), text.iter().position(|other| *other == byte));
                }
                let place = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
                assert_eq!(first(text, either(b'"', b'\\')), place, "{text:?}");
            }
        }
    }

    #[test]
    fn every_digit_is_found_wherever_it_stands_and_nothing_else_is() {
        for byte in 0..=u8::MAX {
            for length in [1, 7, 8, 20] {
                for at in 0..length {
                    let mut text = vec![b'x'; length];
                    text[at] = byte;
                    assert_eq!(first(&text, digit), byte.is_ascii_digit().then_some(at), "{byte} at {at}");
                }
            }
        }
        // Of each byte, not of the first alone.
        let digits = digit(u64::from_le_bytes(*b"0/9:1\xb05\xff"));
        assert_eq!(digits, u64::from_le_bytes([128, 0, 128, 0, 128, 0, 128, 0]));
    }
}

//! Bytes of a text, found eight at a time.
//!
//! Most values are shorter than what a search by vectors has to set up, and WebAssembly has 64-bit words on every
//! machine. Both take time in proportion to where the byte is.

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

/// Whether a text starts with this one, of which there is little: the standard comparison is a call.
#[inline]
pub fn starts_with(text: &[u8], start: &[u8]) -> bool {
    text.len() >= start.len() && text.iter().zip(start).all(|(byte, expected)| byte == expected)
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
    fn a_start_is_compared_to_its_end() {
        assert!(starts_with(b"ab", b"ab") && starts_with(b"abc", b"ab") && starts_with(b"", b""));
        assert!(!starts_with(b"a", b"ab") && !starts_with(b"ac", b"ab"));
    }
}

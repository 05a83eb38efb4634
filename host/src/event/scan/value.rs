//! The pass within one value: white space, strings, numbers, literals.

use super::Pass;
use crate::event::simd::{self, Lanes};
use crate::event::slot::SlotKind;

impl Pass<'_> {
    /// Skips a value that is no container: what it is, and one past its last byte.
    #[inline(always)]
    pub(super) fn scalar<L: Lanes>(&self, at: usize) -> Option<(SlotKind, usize)> {
        match self.byte(at) {
            b'"' => {
                let (close, escaped) = self.string::<L>(at)?;
                Some((if escaped { SlotKind::EscapedText } else { SlotKind::Text }, close + 1))
            }
            b'-' | b'0'..=b'9' => Some((SlotKind::Number, self.number(at)?)),
            b't' => Some((SlotKind::True, self.literal(at, b"true")?)),
            b'f' => Some((SlotKind::False, self.literal(at, b"false")?)),
            b'n' => Some((SlotKind::Null, self.literal(at, b"null")?)),
            _ => None,
        }
    }

    #[inline(always)]
    pub(super) fn byte(&self, at: usize) -> u8 {
        // 0 is a control character: beyond the buffer nothing fits the grammar.
        self.buffer.get(at).copied().unwrap_or(0)
    }

    /// The first byte at or after `at` that is not white space. Never beyond the line's end: the newline that
    /// follows it is white space to JSON too.
    #[inline(always)]
    pub(super) fn space(&self, at: usize) -> usize {
        if self.byte(at) > b' ' { at } else { self.long_space(at) }
    }

    fn long_space(&self, mut at: usize) -> usize {
        while at < self.end && matches!(self.byte(at), b' ' | b'\t' | b'\r' | b'\n') {
            at += 1;
        }
        at
    }

    /// Skips the string whose opening quote is at `open`: where its closing quote is and whether it has escapes.
    #[inline(always)]
    pub(super) fn string<L: Lanes>(&self, open: usize) -> Option<(usize, bool)> {
        let stop = simd::find_stop::<L>(self.buffer, open + 1);
        match self.byte(stop) {
            b'"' => Some((stop, false)),
            b'\\' => self.string_with_escapes(stop).map(|close| (close, true)),
            _ => None,
        }
    }

    /// The rest of a string from its first backslash on.
    #[inline(never)]
    fn string_with_escapes(&self, mut at: usize) -> Option<usize> {
        loop {
            match self.byte(at) {
                b'"' => return Some(at),
                b'\\' => match self.byte(at + 1) {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' => {
                        let digits = self.buffer.get(at + 2..at + 6)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return None;
                        }
                        at += 6;
                    }
                    _ => return None,
                },
                0..0x20 => return None,
                _ => at = plain_run(self.buffer, at),
            }
        }
    }

    /// Skips a number: one past its last byte.
    #[inline(always)]
    fn number(&self, mut at: usize) -> Option<usize> {
        if self.byte(at) == b'-' {
            at += 1;
        }
        match self.byte(at) {
            b'0' => at += 1,
            b'1'..=b'9' => at = self.digits(at + 1),
            _ => return None,
        }
        if self.byte(at) == b'.' {
            let from = at + 1;
            at = self.digits(from);
            if at == from {
                return None;
            }
        }
        if matches!(self.byte(at), b'e' | b'E') {
            at += 1;
            if matches!(self.byte(at), b'+' | b'-') {
                at += 1;
            }
            let from = at;
            at = self.digits(from);
            if at == from {
                return None;
            }
        }
        Some(at)
    }

    /// One past the digits that start at `at`. Eight are looked at as one number: how many there are then decides
    /// no branch, which matters more than their number, because nothing foretells how long a number is.
    #[inline(always)]
    fn digits(&self, mut at: usize) -> usize {
        while let Some(word) = simd::word_at(self.buffer, at) {
            let count = leading_digits(word);
            at += count;
            if count < 8 {
                return at;
            }
        }
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    #[inline(always)]
    fn literal(&self, at: usize, word: &[u8]) -> Option<usize> {
        let end = at + word.len();
        (self.buffer.get(at..end)? == word).then_some(end)
    }
}

/// The first byte at or after `at` that may end a string or start an escape, looked at one by one: escapes come
/// close together, where vectors do not pay.
fn plain_run(buffer: &[u8], mut at: usize) -> usize {
    while buffer.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

/// How many of a word's bytes, the first in its lowest bits, are digits before the first that is not.
#[inline(always)]
fn leading_digits(word: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A digit becomes 0 to 9. What is more has its high bit set, or gets it when 0x76 is added; a carry only
    // reaches bytes after it.
    let values = word ^ (ONES * 0x30);
    let others = (values.wrapping_add(ONES * 0x76) | values) & (ONES * 0x80);
    (others.trailing_zeros() / 8) as usize
}

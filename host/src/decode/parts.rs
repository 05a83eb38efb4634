//! A line that is longer than the largest event, as events of its parts:
//! `{"message":"<part>","part":1,"parts":3}`.
//!
//! The parts' texts, one after the other, are the line's text. None has more bytes than the largest event and none
//! ends inside a character; each is as long as that allows. When the line's end is not in sight, `parts` is null
//! in all but the last part, which has their number: a reader that sees it knows that it has all of them.

use super::{Draft, Form};
use crate::event::escape;

/// What must follow a part that is not known to be the last one: the rest of its last character, a carriage return
/// that is dropped, and something for the next part.
const MARGIN: usize = 8;

const REPLACEMENT: &str = "\u{fffd}";

/// How far a line has been taken apart.
#[derive(Debug, Default)]
pub(super) struct Parts {
    written: u64,
    repaired: bool,
}

impl Parts {
    /// Takes apart a line of which all is there.
    pub(super) fn whole(raw: &[u8], offset: u64, max: usize, draft: &mut Draft) {
        let mut total = 0;
        let mut rest = raw;
        while !rest.is_empty() {
            rest = rest.get(next_len(rest, max)..).unwrap_or(&[]);
            total += 1;
        }
        Parts::default().cut(raw, offset, max, 0, Some(total), draft);
    }

    /// Writes the parts of `raw` that are surely not the last ones. Returns how many bytes they took.
    pub(super) fn more(&mut self, raw: &[u8], offset: u64, max: usize, draft: &mut Draft) -> usize {
        self.cut(raw, offset, max, max + MARGIN, None, draft)
    }

    /// Writes the last parts of a line that was not in sight as a whole.
    pub(super) fn last(mut self, raw: &[u8], offset: u64, max: usize, draft: &mut Draft) {
        self.cut(raw, offset, max, 0, None, draft);
    }

    /// Writes parts while at least `keep` bytes and more than none are left. Returns how many bytes they took.
    fn cut(
        &mut self,
        raw: &[u8],
        offset: u64,
        max: usize,
        keep: usize,
        total: Option<u64>,
        draft: &mut Draft,
    ) -> usize {
        draft.counts.oversize_lines += u64::from(self.written == 0);
        let mut rest = raw;
        while rest.len() >= keep.max(1) {
            let (part, after) = rest.split_at_checked(next_len(rest, max)).unwrap_or((rest, &[]));
            self.written += 1;
            let number = self.written;
            let total = total.or(if after.is_empty() { Some(number) } else { None });
            let mut repaired = false;
            draft.push(offset + (raw.len() - rest.len()) as u64, Form::Event, |out| {
                out.extend_from_slice(b"{\"message\":\"");
                for chunk in part.utf8_chunks() {
                    escape::append(chunk.valid().as_bytes(), out);
                    if !chunk.invalid().is_empty() {
                        out.extend_from_slice(REPLACEMENT.as_bytes());
                        repaired = true;
                    }
                }
                out.push(b'"');
                members(number, total, out);
                out.push(b'}');
            });
            draft.counts.repaired_lines += u64::from(repaired && !self.repaired);
            self.repaired |= repaired;
            rest = after;
        }
        raw.len() - rest.len()
    }
}

/// Appends the members that tell which part an event is.
pub(super) fn members(number: u64, total: Option<u64>, out: &mut Vec<u8>) {
    let parts = total.map_or_else(|| "null".to_owned(), |total| total.to_string());
    out.extend_from_slice(format!(",\"part\":{number},\"parts\":{parts}").as_bytes());
}

/// How many bytes at the front of `raw` make the next part. Not 0, as `max` has room for any character.
fn next_len(raw: &[u8], max: usize) -> usize {
    // A character that starts before `max` ends before `max + 3`; one that this cuts is beyond the part.
    let window = raw.get(..max + 3).unwrap_or(raw);
    let (mut taken, mut text) = (0, 0);
    for chunk in window.utf8_chunks() {
        let valid = chunk.valid();
        if text + valid.len() > max {
            return taken + valid.floor_char_boundary(max - text);
        }
        taken += valid.len();
        text += valid.len();
        if !chunk.invalid().is_empty() {
            if text + REPLACEMENT.len() > max {
                return taken;
            }
            taken += chunk.invalid().len();
            text += REPLACEMENT.len();
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_between_characters_and_is_as_long_as_it_may_be() {
        assert_eq!(next_len("abcdef".as_bytes(), 4), 4);
        assert_eq!(next_len("abcé".as_bytes(), 4), 3);
        assert_eq!(next_len("😀😀".as_bytes(), 7), 4);
        assert_eq!(next_len("a😀b".as_bytes(), 5), 5);
        assert_eq!(next_len(b"ab", 4), 2);
    }

    #[test]
    fn what_is_not_utf8_is_measured_as_what_it_becomes() {
        assert_eq!(next_len(b"\xff\xff\xff", 6), 2);
        assert_eq!(next_len(b"ab\xff\xff", 4), 2);
        assert_eq!(next_len(b"\xf0\x9f\x98", 4), 3);
    }
}

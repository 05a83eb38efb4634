//! What was found in a line, and the kinds that values may have.
//!
//! A value is a place in the line, or in a buffer where escapes were resolved; the memory for both is kept from line
//! to line. A value that is not of its kind makes the line a mismatch, so that nothing is lost or half written.

use std::num::NonZeroU64;
use std::ops::Range;

/// The kind of a value.
#[hookaroon_sdk::config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Float,
    /// `true` or `false`, in any case.
    Boolean,
}

impl Kind {
    /// With its article, for people.
    pub fn a_name(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Integer => "an integer",
            Kind::Float => "a number",
            Kind::Boolean => "true or false",
        }
    }
}

/// Why a line was not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It has another form.
    Form,
    /// It is longer than the most that is looked at.
    Length,
    /// It has more values than are taken.
    Count,
    /// The value with this number is not of its kind.
    Kind(usize),
}

/// Where a value is: in the line, as it stands there, or in the buffer of [`Values`]. One number, which stays in a
/// register: where it starts and ends, of 31 bits each (texts are not longer than 256 KiB), which of the two, and a 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place(NonZeroU64);

impl Place {
    const IN_BUFFER: u64 = 1 << 1;

    /// In the line.
    #[inline]
    pub fn line(range: Range<usize>) -> Place {
        Place(NonZeroU64::MIN | ((range.start as u64) << 33 | (range.end as u64) << 2))
    }

    /// In the buffer.
    #[inline]
    pub fn buffer(range: Range<usize>) -> Place {
        Place(Place::line(range).0 | Place::IN_BUFFER)
    }

    /// A part of what is there.
    #[inline]
    pub fn part(self, range: Range<usize>) -> Place {
        let part = Place::line(self.start() + range.start..self.start() + range.end);
        Place(part.0 | (self.0.get() & Place::IN_BUFFER))
    }

    #[inline]
    fn is_in_buffer(self) -> bool {
        self.0.get() & Place::IN_BUFFER != 0
    }

    #[inline]
    fn start(self) -> usize {
        (self.0.get() >> 33) as usize
    }

    #[inline]
    fn end(self) -> usize {
        (self.0.get() >> 2) as usize & 0x7FFF_FFFF
    }
}

/// A value of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'t> {
    /// A text.
    Text(&'t str),
    /// A number, or `true` or `false`.
    Plain(Plain),
}

/// A value that is no text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plain {
    /// A whole number.
    Integer(i64),
    /// A number that is finite.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
}

/// The values of a line, by number.
#[derive(Debug, Default)]
pub struct Values {
    places: Vec<Option<Place>>,
    /// Values that do not stand in the line as they are.
    pub buffer: String,
}

impl Values {
    /// Forgets the last line; from now on there are `count` values, none of them known.
    pub fn start(&mut self, count: usize) {
        self.places.clear();
        self.places.resize(count, None);
        self.buffer.clear();
    }

    /// Sets the value with this number. It must exist.
    pub fn set(&mut self, number: usize, place: Place) {
        if let Some(known) = self.places.get_mut(number) {
            *known = Some(place);
        }
    }

    /// Adds a value after the last.
    pub fn push(&mut self, place: Place) {
        self.places.push(Some(place));
    }

    /// How many there are, known or not.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The text of a value, if it is known.
    #[inline]
    pub fn text<'t>(&'t self, number: usize, line: &'t str) -> Option<&'t str> {
        self.at((*self.places.get(number)?)?, line)
    }

    /// How many bytes their texts have together.
    pub fn bytes(&self) -> usize {
        self.places.iter().flatten().map(|place| place.end() - place.start()).sum()
    }

    /// The text at a place.
    #[inline]
    pub fn at<'t>(&'t self, place: Place, line: &'t str) -> Option<&'t str> {
        let text = if place.is_in_buffer() { self.buffer.as_str() } else { line };
        text.get(place.start()..place.end())
    }

    /// The value with this number as this kind; nothing if there is none. An empty text is no number.
    pub fn get<'t>(
        &'t self,
        number: usize,
        kind: Kind,
        line: &'t str,
    ) -> Result<Option<Value<'t>>, Mismatch> {
        match kind {
            Kind::Text => Ok(self.text(number, line).map(Value::Text)),
            _ => Ok(self.plain(number, kind, line)?.map(Value::Plain)),
        }
    }

    /// The same of a kind that is not text.
    #[inline]
    pub fn plain(&self, number: usize, kind: Kind, line: &str) -> Result<Option<Plain>, Mismatch> {
        let Some(text) = self.text(number, line) else { return Ok(None) };
        match short_integer(text) {
            Some(number) if kind == Kind::Integer => Ok(Some(Plain::Integer(number))),
            _ => plain(text, kind).ok_or(Mismatch::Kind(number)),
        }
    }
}

/// The value that a text stands for as a kind other than text; none if it is not of the kind.
#[inline(never)]
fn plain(text: &str, kind: Kind) -> Option<Option<Plain>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    let value = match kind {
        Kind::Integer => text.parse().ok().map(Plain::Integer),
        Kind::Float => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Plain::Float),
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Some(Plain::Boolean(true)),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Some(Plain::Boolean(false)),
        Kind::Boolean | Kind::Text => None,
    };
    value.map(Some)
}

/// The number that a few digits stand for: a status, a count of bytes, a port. The general way is a call.
#[inline]
fn short_integer(text: &str) -> Option<i64> {
    if !(1..=9).contains(&text.len()) {
        return None;
    }
    let mut number = 0;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, kind: Kind) -> Result<Option<Value<'_>>, Mismatch> {
        let mut values = Values::default();
        values.start(1);
        values.set(0, Place::line(0..text.len()));
        // Values of texts lie in the line here, so the borrow of `values` does not matter to the others.
        values.get(0, kind, text).map(|value| match value {
            Some(Value::Text(_)) => Some(Value::Text(text)),
            Some(Value::Plain(value)) => Some(Value::Plain(value)),
            None => None,
        })
    }

    #[test]
    fn a_place_says_where_it_is() {
        let mut values = Values::default();
        values.buffer.push_str("the buffer");
        let line = "the line";
        let (in_line, in_buffer) = (Place::line(4..8), Place::buffer(4..10));
        assert_eq!((values.at(in_line, line), values.at(in_buffer, line)), (Some("line"), Some("buffer")));
        assert_eq!(values.at(in_buffer.part(3..6), line), Some("fer"));
        assert_eq!(values.at(in_line.part(0..0), line), Some(""));
        let far = Place::line(0x7FFF_FFFE..0x7FFF_FFFF);
        assert_eq!((far.start(), far.end(), far.is_in_buffer()), (0x7FFF_FFFE, 0x7FFF_FFFF, false));
        assert_eq!((values.at(far, line), size_of::<Option<Place>>()), (None, 8));
    }

    #[test]
    fn a_value_is_of_its_kind_or_a_mismatch_and_an_empty_one_is_no_number() {
        for (text, kind, value) in [
            ("", Kind::Text, Value::Text("")),
            (" x ", Kind::Text, Value::Text(" x ")),
            ("200", Kind::Integer, Value::Plain(Plain::Integer(200))),
            (" -7 ", Kind::Integer, Value::Plain(Plain::Integer(-7))),
            ("007", Kind::Integer, Value::Plain(Plain::Integer(7))),
            ("+7", Kind::Integer, Value::Plain(Plain::Integer(7))),
            ("999999999", Kind::Integer, Value::Plain(Plain::Integer(999_999_999))),
            ("1000000000", Kind::Integer, Value::Plain(Plain::Integer(1_000_000_000))),
            ("9223372036854775807", Kind::Integer, Value::Plain(Plain::Integer(i64::MAX))),
            ("0.25", Kind::Float, Value::Plain(Plain::Float(0.25))),
            ("1e3", Kind::Float, Value::Plain(Plain::Float(1000.0))),
            ("TRUE", Kind::Boolean, Value::Plain(Plain::Boolean(true))),
            ("false", Kind::Boolean, Value::Plain(Plain::Boolean(false))),
        ] {
            assert_eq!(get(text, kind), Ok(Some(value)), "{text:?}");
        }
        for kind in [Kind::Integer, Kind::Float, Kind::Boolean] {
            assert_eq!(get(" ", kind), Ok(None));
        }
        for (text, kind) in [
            ("1.0", Kind::Integer),
            ("0x10", Kind::Integer),
            ("9223372036854775808", Kind::Integer),
            ("NaN", Kind::Float),
            ("inf", Kind::Float),
            ("1e999", Kind::Float),
            ("12ms", Kind::Float),
            ("yes", Kind::Boolean),
            ("1", Kind::Boolean),
        ] {
            assert_eq!(get(text, kind), Err(Mismatch::Kind(0)), "{text:?}");
        }
    }
}

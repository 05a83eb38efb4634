//! Lengths of time in configs, in the units of the host's own.
//!
//! A number without a unit, or a time that is too long for nanoseconds in 64 bits, is an error of the config.

use std::fmt;
use std::time::Duration;

use hookaroon_sdk::{Piece, Schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

const UNITS: [(&str, u64); 4] =
    [("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];

/// A length of time, at least a millisecond: `"500ms"`, `"10s"`, `"2m"`, `"1h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(u64);

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Span {
        Span(seconds as u64 * 1_000_000_000)
    }

    /// Nanoseconds.
    pub fn ns(self) -> u64 {
        self.0
    }

    /// As the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    fn parse(text: &str) -> Option<Span> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let (_, ns) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        number.parse::<u64>().ok()?.checked_mul(*ns).filter(|ns| *ns > 0).map(Span)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().rev().find(|(_, ns)| self.0.is_multiple_of(*ns));
        unit.map_or(Ok(()), |(name, ns)| write!(formatter, "{}{name}", self.0 / ns))
    }
}

impl Schema for Span {
    const MEMBERS: Piece = Piece::Json(r#""type":"string","pattern":"^[0-9]+ *(ms|s|m|h)$""#);
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time such as \"10s\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
        Span::parse(text).ok_or_else(|| {
            E::custom(format!(
                "{text:?} is no time of at least 1ms; write a whole number and ms, s, m or h: \"10s\""
            ))
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Span, E> {
        Err(E::custom(format!("{number} lacks its unit; write for example \"{number}s\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Span, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn times_have_a_unit_and_are_shown_in_the_largest_that_fits() {
        for (json, ns, shown) in [
            ("\"500ms\"", 500_000_000, "500ms"),
            ("\"10 s\"", 10_000_000_000, "10s"),
            ("\"120s\"", 120_000_000_000, "2m"),
            ("\"1h\"", 3_600_000_000_000, "1h"),
        ] {
            let span = read(json).unwrap();
            assert_eq!((span.ns(), span.to_string().as_str()), (ns, shown));
        }
        assert_eq!(Span::seconds(90).to_string(), "90s");
    }

    #[test]
    fn what_is_no_time_says_how_to_write_one() {
        for wrong in ["\"\"", "\"s\"", "\"0s\"", "\"-1s\"", "\"1.5s\"", "\"1 day\"", "\"99999999999h\""] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains("\"10s\""), "{wrong}: {error}");
        }
        assert!(read("10").unwrap_err().contains("\"10s\""));
        assert!(read("null").unwrap_err().contains("\"10s\""));
    }
}

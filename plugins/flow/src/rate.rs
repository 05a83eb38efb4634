//! Rates in configs: so many events in a second, minute, hour or day.
//!
//! A number without its unit, and none at all, are errors of the config.

use std::fmt;

use hookaroon_sdk::{Piece, Schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// So many events in a window: `"1000/min"`, `"50/s"`, `"10/h"`, `"1/day"`. At least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In what time.
    pub per: Per,
}

/// The window of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// `/s`
    Second,
    /// `/min`
    Minute,
    /// `/h`
    Hour,
    /// `/day`
    Day,
}

impl Per {
    const ALL: [Per; 4] = [Per::Second, Per::Minute, Per::Hour, Per::Day];

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
            Per::Day => "day",
        }
    }

    /// How many nanoseconds it has.
    pub const fn ns(self) -> u64 {
        let seconds = match self {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3_600,
            Per::Day => 86_400,
        };
        seconds * 1_000_000_000
    }
}

impl Rate {
    fn parse(text: &str) -> Option<Rate> {
        let (count, per) = text.split_once('/')?;
        let count = count.trim();
        // A sign would pass for a part of the number.
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let count = count.parse().ok().filter(|count| *count > 0)?;
        Some(Rate { count, per: Per::ALL.into_iter().find(|known| known.name() == per.trim())? })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.count, self.per.name())
    }
}

impl Schema for Rate {
    const MEMBERS: Piece = Piece::Json(r#""type":"string","pattern":"^[0-9]+ */ *(s|min|h|day)$""#);
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl Visitor<'_> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a rate such as \"1000/min\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
        Rate::parse(text).ok_or_else(|| {
            E::custom(format!(
                "{text:?} is no rate; write a whole number from 1 to {} and /s, /min, /h or /day: \"1000/min\"",
                u32::MAX
            ))
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Rate, E> {
        Err(E::custom(format!("{number} lacks its window; write for example \"{number}/min\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Rate, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn rates_are_read_and_shown_in_the_same_form() {
        for (text, count, ns) in [
            ("50/s", 50, 1_000_000_000),
            ("1000/min", 1000, 60_000_000_000),
            ("4294967295/h", u32::MAX, 3_600_000_000_000),
            ("1/day", 1, 86_400_000_000_000),
        ] {
            let rate = read(&format!("{text:?}")).unwrap();
            assert_eq!((rate.count, rate.per.ns(), rate.to_string().as_str()), (count, ns, text));
        }
        assert_eq!(read("\"10 / min\""), read("\"10/min\""));
    }

    #[test]
    fn what_is_no_rate_says_how_to_write_one() {
        let wrong =
            ["", "/", "10", "/s", "0/s", "-1/s", "+1/s", "1.5/s", "1/m", "1/S", "1/10s", "4294967296/s"];
        for wrong in wrong {
            let error = read(&format!("{wrong:?}")).unwrap_err();
            assert!(error.contains("\"1000/min\""), "{wrong}: {error}");
        }
        assert!(read("10").unwrap_err().contains("\"10/min\""));
        assert!(read("null").unwrap_err().contains("\"1000/min\""));
    }
}

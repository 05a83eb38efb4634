//! Shares of events.
//!
//! What is not between 0 % and 100 %, or has no sign, is an error of the configuration.

use serde::de::{Deserializer, Error, Visitor};
use std::fmt;

use crate::schema::{Piece, Schema};

/// A share between 0 and 100 %, written with its sign: `"5%"`, `"0.01%"`. A bare number is an error, because it
/// could be meant either way.
///
/// ```
/// use hookaroon_sdk::Percent;
///
/// let half: Percent = serde_json::from_str("\"50%\"")?;
/// assert_eq!(half.share(), 0.5);
/// assert!(half.takes(0) && !half.takes(u64::MAX));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(f64);

impl Percent {
    /// The share of all, from 0 to 1.
    ///
    /// ```
    /// # use hookaroon_sdk::Percent;
    /// let keep: Percent = serde_json::from_str("\"5%\"")?;
    /// assert_eq!(keep.share(), 0.05);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }

    /// Whether a hash falls into the share; of many evenly spread hashes, that share does.
    ///
    /// ```
    /// # use hookaroon_sdk::Percent;
    /// let quarter: Percent = serde_json::from_str("\"25%\"")?;
    /// assert!(quarter.takes(u64::MAX / 5) && !quarter.takes(u64::MAX / 3));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn takes(self, hash: u64) -> bool {
        // 2^64 as a float; a full share takes the largest hash too.
        (hash as f64) < self.share() * 18_446_744_073_709_551_616.0 || self.0 >= 100.0
    }
}

impl Schema for Percent {
    const MEMBERS: Piece = Piece::Json(r#""type":"string","pattern":"^\\s*[0-9.]+\\s*%$""#);
}

impl<'de> serde::Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Percent, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

struct PercentVisitor;

impl PercentVisitor {
    fn bare<E: Error>(number: f64) -> E {
        // Without the digits that a float's hundredfold may have too many: 0.29 is 29, not 28.999999999999996.
        let other = (number * 1e11).round() / 1e9;
        E::custom(format!("{number} could mean \"{number}%\" or \"{other}%\"; write the one that is meant"))
    }
}

impl Visitor<'_> for PercentVisitor {
    type Value = Percent;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a share such as \"5%\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Percent, E> {
        let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match number {
            Some(number) if (0.0..=100.0).contains(&number) => Ok(Percent(number)),
            Some(number) => Err(E::custom(format!("{number}% is not between 0% and 100%"))),
            None => Err(E::custom(format!("{text:?} is no share; write for example \"5%\""))),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Percent, E> {
        Err(PercentVisitor::bare(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Percent, E> {
        Err(PercentVisitor::bare(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Percent, E> {
        Err(PercentVisitor::bare(number as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Percent, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn shares_are_written_with_their_sign() {
        assert_eq!(read("\"5%\""), Ok(Percent(5.0)));
        assert_eq!(read("\"0.01 %\""), Ok(Percent(0.01)));
        assert!(read("\"101%\"").unwrap_err().contains("between"));
        assert!(read("\"half\"").unwrap_err().contains("5%"));
        let error = read("0.5").unwrap_err();
        assert!(error.contains("\"0.5%\"") && error.contains("\"50%\""), "{error}");
        assert!(read("0.29").unwrap_err().contains("\"29%\""));
        assert!(read("5").unwrap_err().contains("\"5%\" or \"500%\""));
        assert!(read("\"NaN%\"").is_err() && read("null").is_err());
    }

    #[test]
    fn nothing_and_all_are_exact() {
        assert!(!Percent(0.0).takes(0));
        assert!(Percent(100.0).takes(u64::MAX));
        assert!(Percent(50.0).takes(u64::MAX / 2 - 2048) && !Percent(50.0).takes(u64::MAX / 2 + 2048));
    }
}

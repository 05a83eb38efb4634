//! A severity in the config, by the names that events have.

use std::fmt;

use hookaroon_sdk::{Piece, Schema, Severity, severity};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The least severity that is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minimum(pub(crate) Severity);

impl Schema for Minimum {
    const MEMBERS: Piece = Piece::Json(r#""type":"string""#);
}

impl<'de> Deserialize<'de> for Minimum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Minimum, D::Error> {
        deserializer.deserialize_str(MinimumVisitor)
    }
}

struct MinimumVisitor;

impl Visitor<'_> for MinimumVisitor {
    type Value = Minimum;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a severity such as \"info\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Minimum, E> {
        severity(text).map(Minimum).ok_or_else(|| {
            E::custom(format!("{text:?} is no severity; write trace, debug, info, warn, error or fatal"))
        })
    }
}

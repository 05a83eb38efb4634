//! The envelope of Docker's json-file driver.
//!
//! A line that is not an object with the strings `log`, `stream` and `time` is refused; other members, such as
//! `attrs`, are passed over.

use std::borrow::Cow;

use serde::Deserialize;

use super::container::{Stream, Unpacked};

/// A line's members. They borrow from it where they hold no escape, which for `log` is never: it ends in `\n`.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Envelope<'a>> {
        serde_json::from_slice(line).ok()
    }

    /// What is in it, unless it comes from a stream that programs do not have.
    pub(super) fn unpack(&self) -> Option<Unpacked<'_>> {
        let log = self.log.as_bytes();
        let ended = log.strip_suffix(b"\n");
        let text = ended.map_or(log, |line| line.strip_suffix(b"\r").unwrap_or(line));
        let stream = Stream::from_name(self.stream.as_bytes())?;
        Some(Unpacked { stream, time: self.time.as_bytes(), text, complete: ended.is_some() })
    }
}

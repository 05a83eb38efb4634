//! Whether a text is a JSON object, and whether it has the members that the envelope would add.
//!
//! One pass of serde_json that keeps nothing. A container in it is passed over without recursion, so its depth
//! costs no stack; the worker's own pass has the last word on what is too deep.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// A text that is an object.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// It without its last brace and what follows.
    pub(super) open: &'a [u8],
    pub(super) is_empty: bool,
    pub(super) has_stream: bool,
    pub(super) has_time: bool,
}

impl<'a> Object<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Option<Object<'a>> {
        let open = text.trim_ascii_end().strip_suffix(b"}")?;
        let mut reader = serde_json::Deserializer::from_slice(text);
        let (members, has_stream, has_time) = reader.deserialize_map(Members).ok()?;
        reader.end().ok()?;
        Some(Object { open, is_empty: members == 0, has_stream, has_time })
    }
}

/// Counts an object's members and looks for two of them.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = (usize, bool, bool);

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut members, mut has_stream, mut has_time) = (0, false, false);
        while let Some(key) = map.next_key_seed(KeySeed)? {
            map.next_value::<IgnoredAny>()?;
            members += 1;
            has_stream |= key == Key::Stream;
            has_time |= key == Key::Time;
        }
        Ok((members, has_stream, has_time))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Key {
    Stream,
    Time,
    Other,
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "stream" => Key::Stream,
            "time" => Key::Time,
            _ => Key::Other,
        })
    }
}

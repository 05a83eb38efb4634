//! One dead letter, as a JSON object on a line of its own.
//!
//! The event, or what is kept of it, is the last member, byte for byte. Keys that this version does not know are
//! ignored, so that letters of a newer one can be read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reason;
use super::granted;
use super::objects::digest;
use crate::config::is_name;
use crate::event::batch::{Batch, Origin, SourceId};
use crate::event::escape;
use crate::event::field::EventTime;
use crate::event::members::members;
use crate::event::path::Pattern;
use crate::hook::backtrace::Frame;
use crate::hook::failure::{Cost, Failure, FailureKind};

/// A dead letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// When the hook failed, which is also what it took for now, in nanoseconds since 1970.
    pub time_ns: u64,
    /// Tells it from all others; never changes.
    pub id: String,
    /// The hook's name.
    pub hook: String,
    /// SHA-256 of its plugin's file.
    pub plugin: String,
    /// What kind of failure it was.
    pub kind: String,
    /// What happened.
    pub message: String,
    /// How often the hook was given the event in vain: once when the letter was written, and once for each replay since
    /// that failed.
    pub count: u64,
    /// Where in the guest the call ended, innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backtrace: Vec<Frame>,
    /// The digest of the hook's setup among the objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// Where the event came from; its members stand among these.
    #[serde(skip)]
    pub origin: Option<Whence>,
    /// What is kept of the event.
    #[serde(skip)]
    pub content: Content,
}

/// Where an event came from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whence {
    /// The source's name, or `hook:NAME`.
    pub source: String,
    /// The stream within it.
    pub stream: String,
    /// Its place there, in bytes.
    pub offset: u64,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The machine.
    pub host: String,
    /// When it was received, in nanoseconds since 1970.
    pub received_ns: i64,
    /// Its own time.
    pub event_time_ns: i64,
    /// The hash of the stream's identity, in hex.
    pub identity: String,
    /// The hooks that other hooks' rollouts left it to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<String>,
}

/// What is kept of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Its text.
    Event(Vec<u8>),
    /// An object with the fields that the hook was granted to read.
    Granted(Vec<u8>),
    /// The SHA-256 of its text, in hex.
    Hash(String),
    /// Nothing; no letter is written so.
    #[default]
    Nothing,
}

impl Content {
    /// All of it.
    pub fn event(text: &[u8]) -> Content {
        Content::Event(text.to_vec())
    }

    /// What these grants let a hook read.
    pub fn granted(text: &[u8], patterns: &[Pattern]) -> Content {
        let mut object = Vec::new();
        granted::append(text, patterns, &mut object);
        Content::Granted(object)
    }

    /// Its digest.
    pub fn hash(text: &[u8]) -> Content {
        Content::Hash(digest(text))
    }

    /// How many bytes that is.
    pub fn bytes(&self) -> usize {
        match self {
            Content::Event(text) | Content::Granted(text) => text.len(),
            Content::Hash(digest) => digest.len(),
            Content::Nothing => 0,
        }
    }

    fn key(&self) -> &'static str {
        match self {
            Content::Event(_) | Content::Nothing => "event",
            Content::Granted(_) => "granted",
            Content::Hash(_) => "event_sha256",
        }
    }

    /// What was found under a key.
    fn found(key: &[u8], value: &[u8]) -> Option<Content> {
        match key {
            b"event" => Some(Content::Event(value.to_vec())),
            b"granted" => Some(Content::Granted(value.to_vec())),
            b"event_sha256" => serde_json::from_slice(value).ok().map(Content::Hash),
            _ => None,
        }
    }
}

/// How many frames of a backtrace are read: more than are ever written.
const MAX_FRAMES: usize = 256;

impl Letter {
    /// The letter of a row.
    pub(super) fn new(id: String, batch: &Batch, row: u32, reason: &Reason<'_>, content: Content) -> Letter {
        let failure = reason.failure;
        Letter {
            time_ns: reason.now_ns,
            id,
            hook: reason.setup.hook.clone(),
            plugin: reason.setup.plugin.clone(),
            kind: failure.kind.name().to_owned(),
            message: failure.message.clone(),
            count: 1,
            backtrace: failure.frames.clone(),
            setup: reason.kept.map(str::to_owned),
            origin: batch.origin(row).map(|origin| Whence {
                source: origin.source_name.to_string(),
                stream: origin.stream.to_string(),
                offset: batch.offset(row),
                file: origin.file.as_deref().map(str::to_owned),
                host: origin.host.to_string(),
                received_ns: origin.received_ns,
                event_time_ns: batch.time_ns(row),
                identity: format!("{:016x}", origin.identity),
                aside: reason.aside.clone(),
            }),
            content,
        }
    }

    /// Appends it as a line.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        // Neither its texts and numbers nor memory can fail to be written.
        if serde_json::to_writer(&mut *out, self).is_err() {
            out.truncate(start);
            return;
        }
        out.pop();
        let joint = out.len();
        if self.origin.as_ref().is_some_and(|whence| serde_json::to_writer(&mut *out, whence).is_ok()) {
            out.pop();
            if let Some(brace) = out.get_mut(joint) {
                *brace = b',';
            }
        }
        out.extend_from_slice(b",\"");
        out.extend_from_slice(self.content.key().as_bytes());
        out.extend_from_slice(b"\":");
        match &self.content {
            Content::Event(text) | Content::Granted(text) => out.extend_from_slice(text),
            Content::Hash(digest) => escape::append_string(digest.as_bytes(), out),
            Content::Nothing => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b"}\n");
    }

    /// Reads a line. The error says what is wrong with it.
    pub fn read(line: &[u8]) -> Result<Letter, String> {
        if !line.starts_with(b"{") {
            return Err("it is no JSON object".to_owned());
        }
        let mut letter: Letter = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        // Both become the names of files.
        if !is_name(&letter.id) || !is_name(&letter.hook) {
            return Err("its id or its hook could be no name of a file".to_owned());
        }
        letter.backtrace.truncate(MAX_FRAMES);
        // Apart, because serde would have to hold the whole event to flatten what stands beside it.
        letter.origin = serde_json::from_slice(line).ok();
        // It is valid JSON now, so its members can be told apart without looking into them.
        let content = members(line, 0).into_iter().rev().find_map(|member| {
            let value = line.get(member.value.clone()).unwrap_or(&[]);
            Content::found(&member.name(line), value)
        });
        letter.content = content.ok_or("it has no event")?;
        Ok(letter)
    }

    /// The failure that it tells of; none if this version does not know its kind.
    pub fn failure(&self) -> Option<Failure> {
        let kind = FailureKind::named(&self.kind)?;
        let failure = Failure::new(kind, self.message.clone(), Cost::default());
        Some(Failure { frames: self.backtrace.clone(), ..failure })
    }

    /// Where its event is to come from once more.
    pub fn origin(&self, source: SourceId, time: Arc<EventTime>) -> Option<Origin> {
        let whence = self.origin.as_ref()?;
        Some(Origin {
            source,
            source_name: Arc::from(whence.source.as_str()),
            stream: Arc::from(whence.stream.as_str()),
            file: whence.file.as_deref().map(Arc::from),
            host: Arc::from(whence.host.as_str()),
            time,
            received_ns: whence.received_ns,
            identity: u64::from_str_radix(&whence.identity, 16).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::backtrace::Place;

    fn letter(content: Content) -> Letter {
        Letter {
            time_ns: 7,
            id: "00000000000000ab".to_owned(),
            hook: "h".to_owned(),
            plugin: digest(b"plugin"),
            kind: "trap".to_owned(),
            message: "un\"reachable".to_owned(),
            count: 1,
            backtrace: vec![Frame {
                function: "act".to_owned(),
                place: Some(Place { file: "src/lib.rs".to_owned(), line: 3 }),
            }],
            setup: None,
            origin: Some(Whence {
                source: "in".to_owned(),
                stream: "in.log".to_owned(),
                offset: u64::MAX,
                file: None,
                host: "here".to_owned(),
                received_ns: -1,
                event_time_ns: 5,
                identity: "ffffffffffffffff".to_owned(),
                aside: vec!["stable".to_owned()],
            }),
            content,
        }
    }

    #[test]
    fn a_letter_reads_back_as_it_was_written_with_the_event_byte_for_byte() {
        for event in ["{\"b\":1e400, \"a\":\"\\ud83d\",\"event\":{}}", "{}"] {
            let letter = letter(Content::event(event.as_bytes()));
            let mut line = Vec::new();
            letter.write(&mut line);
            let end = format!(",\"event\":{event}}}\n");
            assert!(line.ends_with(end.as_bytes()), "{}", String::from_utf8_lossy(&line));
            let read = Letter::read(&line).unwrap();
            assert_eq!(format!("{read:?}"), format!("{letter:?}"));
            assert_eq!(read.failure().unwrap().kind, FailureKind::Trap);
        }
        let mut line = Vec::new();
        letter(Content::hash(b"{}")).write(&mut line);
        assert_eq!(Letter::read(&line).unwrap().content, Content::Hash(digest(b"{}")));
    }

    #[test]
    fn every_part_of_a_line_is_refused_and_none_panics() {
        let mut line = Vec::new();
        letter(Content::event(b"{\"a\":\"b\"}")).write(&mut line);
        for end in 0..line.len() - 2 {
            assert!(Letter::read(&line[..end]).is_err(), "{end}");
        }
        for other in ["[1,\"a\",\"h\",\"\",\"\",\"\",1]", "null", " {}", "{}", "\0\0\0"] {
            assert!(Letter::read(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn what_a_newer_version_adds_is_ignored() {
        let line = b"{\"new\":[1],\"time_ns\":1,\"id\":\"00000000000000ab\",\"hook\":\"h\",\"plugin\":\"\",\"kind\":\"odd\",\"message\":\"\",\
                    \"count\":1,\"event\":{}}";
        let letter = Letter::read(line).unwrap();
        assert!(letter.failure().is_none() && letter.origin.is_none());
    }
}

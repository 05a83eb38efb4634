//! Log files that container runtimes write: the program's line, in an envelope with its stream and time.
//!
//! - CRI (containerd, CRI-O): `2025-10-01T12:00:00.123456789Z stdout F <text>`; `P` instead of `F` says that the
//!   line goes on. <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>
//! - Docker's json-file driver: `{"log":"<text>\n","stream":"stdout","time":"<time>"}`; a `log` without a newline
//!   at its end goes on. <https://docs.docker.com/engine/logging/drivers/json-file/>
//!
//! A text that is a JSON object passes with the members `stream` and `time` added, unless it has them; any other
//! becomes `{"message":"<text>","stream":"stdout","time":"<time>"}`. A line that goes on waits for its end, one for
//! stdout and one for stderr; what would grow beyond the largest event leaves in parts, as other long lines do.
//! A line in another shape is a text like any other.

use super::{Draft, Form, docker, object, parts};
use crate::event::escape;

/// The two streams of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub(super) fn from_name(name: &[u8]) -> Option<Stream> {
        match name {
            b"stdout" => Some(Stream::Stdout),
            b"stderr" => Some(Stream::Stderr),
            _ => None,
        }
    }

    fn name(self) -> &'static [u8] {
        match self {
            Stream::Stdout => b"stdout",
            Stream::Stderr => b"stderr",
        }
    }
}

/// A line without its envelope.
#[derive(Debug)]
pub(super) struct Unpacked<'a> {
    pub(super) stream: Stream,
    pub(super) time: &'a [u8],
    pub(super) text: &'a [u8],
    /// The program's line ends here.
    pub(super) complete: bool,
}

#[derive(Clone, Copy, Debug)]
enum Envelope {
    Cri,
    Docker,
}

/// A line that goes on.
#[derive(Debug)]
struct Pending {
    time: Vec<u8>,
    text: Vec<u8>,
    /// Of the first line that `text` came from.
    offset: u64,
    /// How many parts have left already.
    parts: u64,
}

/// Unpacks the lines of one log file.
#[derive(Debug)]
pub(super) struct Container {
    envelope: Envelope,
    max: usize,
    stdout: Option<Pending>,
    stderr: Option<Pending>,
}

impl Container {
    pub(super) fn cri(max: usize) -> Container {
        Container { envelope: Envelope::Cri, max, stdout: None, stderr: None }
    }

    pub(super) fn docker(max: usize) -> Container {
        Container { envelope: Envelope::Docker, ..Container::cri(max) }
    }

    /// Adds what a line of UTF-8 holds, or keeps it until the rest has come.
    pub(super) fn line(&mut self, line: &[u8], offset: u64, draft: &mut Draft) {
        let envelope;
        let unpacked = match self.envelope {
            Envelope::Cri => unpack_cri(line),
            Envelope::Docker => {
                envelope = docker::Envelope::parse(line);
                envelope.as_ref().and_then(docker::Envelope::unpack)
            }
        };
        match unpacked {
            Some(unpacked) => self.accept(unpacked, offset, draft),
            None => draft.push(offset, Form::Text, |out| out.extend_from_slice(line)),
        }
    }

    /// Adds the lines whose rest has not come.
    pub(super) fn finish(&mut self, draft: &mut Draft) {
        let first_is_stderr = match (&self.stdout, &self.stderr) {
            (Some(stdout), Some(stderr)) => stderr.offset < stdout.offset,
            _ => false,
        };
        let order =
            if first_is_stderr { [Stream::Stderr, Stream::Stdout] } else { [Stream::Stdout, Stream::Stderr] };
        for stream in order {
            if let Some(pending) = self.pending(stream).take() {
                pending.complete(stream, draft);
            }
        }
    }

    fn pending(&mut self, stream: Stream) -> &mut Option<Pending> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn accept(&mut self, unpacked: Unpacked, offset: u64, draft: &mut Draft) {
        let Unpacked { stream, time, text, complete } = unpacked;
        let max = self.max;
        let slot = self.pending(stream);
        if complete && slot.is_none() {
            return push_text(text, stream, time, offset, draft);
        }
        let pending =
            slot.get_or_insert_with(|| Pending { time: time.to_vec(), text: Vec::new(), offset, parts: 0 });
        if pending.text.is_empty() {
            pending.offset = offset;
        } else if pending.text.len() + text.len() > max {
            pending.push_part(None, stream, draft);
            pending.text.clear();
            pending.offset = offset;
        }
        pending.text.extend_from_slice(text);
        if complete && let Some(pending) = slot.take() {
            pending.complete(stream, draft);
        }
    }
}

impl Pending {
    fn complete(mut self, stream: Stream, draft: &mut Draft) {
        if self.parts == 0 {
            push_text(&self.text, stream, &self.time, self.offset, draft);
        } else {
            let total = self.parts + 1;
            self.push_part(Some(total), stream, draft);
        }
    }

    fn push_part(&mut self, total: Option<u64>, stream: Stream, draft: &mut Draft) {
        draft.counts.oversize_lines += u64::from(self.parts == 0);
        self.parts += 1;
        draft.push(self.offset, Form::Event, |out| {
            out.extend_from_slice(b"{\"message\":");
            escape::append_string(&self.text, out);
            parts::members(self.parts, total, out);
            out.push(b',');
            stream_member(stream, out);
            out.push(b',');
            time_member(&self.time, out);
            out.push(b'}');
        });
    }
}

fn push_text(text: &[u8], stream: Stream, time: &[u8], offset: u64, draft: &mut Draft) {
    if text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
        draft.counts.blank_lines += 1;
        return;
    }
    let Some(object) = object::Object::parse(text) else {
        return draft.push(offset, Form::Event, |out| {
            out.extend_from_slice(b"{\"message\":");
            escape::append_string(text, out);
            out.push(b',');
            stream_member(stream, out);
            out.push(b',');
            time_member(time, out);
            out.push(b'}');
        });
    };
    draft.push(offset, Form::Auto, |out| {
        let start = out.len();
        out.extend_from_slice(object.open);
        let mut comma = !object.is_empty;
        if !object.has_stream {
            out.extend_from_slice(if comma { b"," } else { b"" });
            stream_member(stream, out);
            comma = true;
        }
        if !object.has_time {
            out.extend_from_slice(if comma { b"," } else { b"" });
            time_member(time, out);
        }
        out.push(b'}');
        // Only between an object's tokens: its strings cannot hold one. An event is one line.
        for byte in out.get_mut(start..).unwrap_or(&mut []).iter_mut().filter(|byte| **byte == b'\n') {
            *byte = b' ';
        }
    });
}

fn stream_member(stream: Stream, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"stream\":\"");
    out.extend_from_slice(stream.name());
    out.push(b'"');
}

fn time_member(time: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"time\":");
    escape::append_string(time, out);
}

/// `<time> <stream> <tags> <text>`; the first of the tags, which colons divide, is P or F.
fn unpack_cri(line: &[u8]) -> Option<Unpacked<'_>> {
    let (time, rest) = word(line)?;
    let (stream, rest) = word(rest)?;
    let (tags, text) = word(rest).unwrap_or((rest, &[]));
    let stream = Stream::from_name(stream)?;
    let complete = match tags.split(|byte| *byte == b':').next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    let is_time = time.first().is_some_and(u8::is_ascii_digit)
        && time.contains(&b'T')
        && time.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'T' | b'Z' | b':' | b'.' | b'+' | b'-'));
    is_time.then_some(Unpacked { stream, time, text, complete })
}

fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = line.split_at_checked(memchr::memchr(b' ', line)?)?;
    Some((word, rest.get(1..)?))
}

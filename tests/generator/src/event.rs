//! The usual line: a JSON object of one step of a request.

use fastrand::Rng;

use crate::{Generator, message, pick, push_number, push_padded};

const EVENTS: [&str; 8] = [
    "chat.completion",
    "chat.stream",
    "tool.call",
    "retrieval.query",
    "embedding.batch",
    "cache.lookup",
    "moderation.check",
    "session.update",
];

/// What a request's lines have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    trace: u128,
    app: u64,
    user: u64,
    host: usize,
}

impl Request {
    pub(crate) fn new(rng: &mut Rng, hosts: usize) -> Request {
        Request {
            trace: rng.u128(..),
            app: rng.u64(1..40),
            user: rng.u64(1..200_000),
            host: rng.usize(..hosts),
        }
    }
}

/// The white space of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spacing {
    pub(crate) open: &'static str,
    pub(crate) colon: &'static str,
    pub(crate) comma: &'static str,
    pub(crate) close: &'static str,
}

/// None at all.
pub(crate) const COMPACT: Spacing = Spacing { open: "{", colon: ":", comma: ",", close: "}" };

/// What an event has besides the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    /// Nothing.
    None,
    /// A number that few types hold instead of its duration.
    HugeNumber,
    /// A key for the second time, with another value.
    DuplicateKey,
    /// Bytes in its message that are not UTF-8.
    BadBytes,
}

/// Each is a JSON number; what it reads as is up to the reader.
const HUGE_NUMBERS: [&str; 6] = [
    "123456789012345678901234567890",
    "-9223372036854775809",
    "18446744073709551616",
    "1.7976931348623157e308",
    "1E+400",
    "0.1000000000000000055511151231257827021181583404541015625",
];

const DUPLICATES: [(&str, &str); 3] = [("level", "\"info\""), ("user_id", "\"u-000000\""), ("status", "299")];

impl Generator {
    /// Appends an event, without a newline.
    pub(crate) fn event(&mut self, spacing: Spacing, extra: Extra, out: &mut Vec<u8>) {
        let Generator { rng, clock, hosts, request, .. } = self;
        let level = match rng.u8(0..100) {
            0..20 => "debug",
            20..85 => "info",
            85..95 => "warning",
            _ => "error",
        };
        let failed = level == "error";
        let mut members = Members { spacing, out, first: true };

        members.string("time", |out| clock.push(out));
        members.text("level", level);
        members.text("event", pick(rng, &EVENTS));
        members.string("trace_id", |out| push_hex(request.trace, out));
        members.value("duration_ms", |out| match extra {
            Extra::HugeNumber => out.extend_from_slice(pick(rng, &HUGE_NUMBERS).as_bytes()),
            _ => {
                // Most are short: a product of two has its weight at the low end.
                push_number(rng.u64(1..100) * rng.u64(1..80), out);
                out.push(b'.');
                push_padded(rng.u64(0..1000), 3, out);
            }
        });
        members.string("app_id", |out| {
            out.extend_from_slice(b"app-");
            push_padded(request.app, 2, out);
        });
        members.string("user_id", |out| {
            out.extend_from_slice(b"u-");
            push_padded(request.user, 6, out);
        });
        members.text("client_ip", hosts.get(request.host).map_or("192.0.2.1", |host| &host.ip));
        members.value("status", |out| {
            let status = if failed { pick(rng, &["500", "502", "503", "504"]) } else { "200" };
            out.extend_from_slice(
                if level == "warning" { pick(rng, &["200", "404", "429"]) } else { status }.as_bytes(),
            );
        });
        members.value("usage", |out| {
            let mut usage = Members { spacing, out, first: true };
            usage.value("prompt", |out| push_number(rng.u64(8..4000), out));
            usage.value("completion", |out| push_number(rng.u64(0..1200), out));
            usage.close();
        });
        members.string("message", |out| {
            message::push(rng, failed, out);
            if extra == Extra::BadBytes {
                // A byte of Latin-1, a character cut short, a surrogate of CESU-8.
                let bad: [&[u8]; 3] = [b" caf\xe9", b" \xf0\x9f\x98", b" \xed\xa0\x80"];
                out.extend_from_slice(rng.choice(bad).unwrap_or(b"\xff"));
            }
        });
        if extra == Extra::DuplicateKey
            && let Some((key, value)) = rng.choice(DUPLICATES)
        {
            members.value(key, |out| out.extend_from_slice(value.as_bytes()));
        }
        members.close();
    }
}

/// An object while it is written.
struct Members<'a> {
    spacing: Spacing,
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Members<'_> {
    fn value(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let before = if self.first { self.spacing.open } else { self.spacing.comma };
        self.first = false;
        self.out.extend_from_slice(before.as_bytes());
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'"');
        self.out.extend_from_slice(self.spacing.colon.as_bytes());
        write(self.out);
    }

    fn string(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.value(key, |out| {
            out.push(b'"');
            write(out);
            out.push(b'"');
        });
    }

    fn text(&mut self, key: &str, text: &str) {
        self.string(key, |out| out.extend_from_slice(text.as_bytes()));
    }

    fn close(self) {
        self.out.extend_from_slice(self.spacing.close.as_bytes());
    }
}

fn push_hex(number: u128, out: &mut Vec<u8>) {
    out.extend((0..32u32).rev().map(|place| match (number >> (4 * place)) as u8 & 15 {
        digit @ 0..10 => b'0' + digit,
        letter => b'a' + letter - 10,
    }));
}

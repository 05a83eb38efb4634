//! What the standard hooks cost: each through WebAssembly and compiled for this machine, and `redact` against the same
//! regular expressions.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use hookaroon::event::batch::{Batch, Block};
use hookaroon::event::column::{Column, Kind, Values, write_mark};
use hookaroon::event::edit::{Scratch, Write};
use hookaroon_generator::hosts_csv;
use regex::{NoExpand, Regex};

use crate::measure::events;
use crate::native::{self, Call, Native};
use crate::one::{One, race};

const EVENTS: usize = 65_536;
const ROWS: usize = 1024;

/// A hook, and what it does here.
struct Case {
    name: &'static str,
    start: fn(&str) -> Result<Call>,
    /// The rest of its `[[hook]]`.
    table: String,
    events: Block,
}

pub fn run() -> Result<()> {
    println!("the standard hooks, batches of {ROWS} rows: pass, columns, hook, splice, out");
    for case in cases() {
        compare(&case).with_context(|| case.name)?;
    }
    redact()?;
    println!();
    Ok(())
}

fn compare(case: &Case) -> Result<()> {
    let Case { name, start, table, events } = case;
    let mut sandboxed = One::start(name, name, table)?;
    let one = One::start(name, name, table)?;
    let mut hook = Native::new(start(&one.config)?, &one);
    let (pairs, [native_out, wasm_out]) = race(
        events,
        ROWS,
        &one.projection,
        |batch| hook.process(&one, batch),
        |batch| sandboxed.process(batch),
    )?;
    ensure!(native_out == wasm_out, "the hook does not do the same natively");
    // `count` only counts until it is told the time.
    ensure!(native_out != ***events || *name == "count", "the hook does nothing here");
    let (native, wasm) = pairs.ns_each(EVENTS);
    println!(
        "  {name:8} native {native:5.0} ns/event, sandboxed {wasm:5.0}: {} times the time",
        pairs.ratio()
    );
    Ok(())
}

fn cases() -> Vec<Case> {
    let application: Block = Arc::new(events(EVENTS).into());
    let case = |name, start, grant: &str, config: &str| Case {
        name,
        start,
        table: format!("[hook.grant]\n{grant}\n[hook.config]\n{config}\n"),
        events: application.clone(),
    };
    vec![
        case("redact", native::start::<hookaroon_redact::Redact>, MESSAGE, ""),
        case(
            "sample",
            native::start::<hookaroon_sample::Sample>,
            "read = [\"trace_id\", \"level\", \"severity\"]\ndrop = true",
            "by = \"trace_id\"\nkeep = \"50%\"",
        ),
        case(
            "enrich",
            native::start::<hookaroon_enrich::Enrich>,
            "read = [\"client_ip\", \"country\", \"city\"]\nwrite = [\"country\", \"city\"]",
            &format!(
                "by = \"client_ip\"\nset = {{ country = \"country\", city = \"city\" }}\ntable = '''\n{}'''",
                hosts_csv()
            ),
        ),
        case(
            "level",
            native::start::<hookaroon_level::Level>,
            "read = [\"level\", \"severity\"]\ndrop = true",
            "min = \"info\"",
        ),
        Case {
            events: traced(&application),
            ..case("trace", native::start::<hookaroon_trace::Trace>, "read = [\"*\"]\nwrite = [\"*\"]", "")
        },
        Case {
            events: access_logs(),
            ..case(
                "parse",
                native::start::<hookaroon_parse::Parse>,
                "read = [\".\"]\nwrite = [\".\"]",
                "format = \"combined\"",
            )
        },
        case(
            "schema",
            native::start::<hookaroon_schema::Schema>,
            "read = [\"*\"]\nwrite = [\"schema_violation\"]",
            "required = [\"time\", \"message\"]\n[hook.config.fields]\nevent = \"text\"\n\
             status = { type = \"integer\", min = 100, max = 399 }\n\
             duration_ms = { type = \"float\", min = 0, required_when = { event = \"chat.completion\" } }",
        ),
        case(
            "throttle",
            native::start::<hookaroon_throttle::Throttle>,
            "read = [\"app_id\"]\ndrop = true\nemit = true",
            "rate = \"100/s\"\nby = [\"app_id\"]",
        ),
        case(
            "count",
            native::start::<hookaroon_count::Count>,
            "read = [\"level\", \"event\"]\nemit = true",
            "by = [\"level\", \"event\"]",
        ),
        case(
            "dedupe",
            native::start::<hookaroon_dedupe::Dedupe>,
            "read = [\"app_id\", \"message\"]\ndrop = true\nemit = true",
            "by = [\"app_id\", \"message\"]",
        ),
    ]
}

const MESSAGE: &str = "read = [\"message\"]\nwrite = [\"message\"]";

/// The events, each with a `traceparent` instead of its `trace_id`.
fn traced(events: &Block) -> Block {
    let text = String::from_utf8_lossy(events).replace("\"trace_id\":\"", "\"traceparent\":\"00-");
    let mut out = String::with_capacity(text.len() + EVENTS * 20);
    for line in text.split_inclusive('\n') {
        match line.split_once("\"traceparent\":\"00-") {
            Some((before, after)) => {
                let (id, rest) = after.split_at(32);
                let _ = write!(out, "{before}\"traceparent\":\"00-{id}-00f067aa0ba902b7-01{rest}");
            }
            None => out.push_str(line),
        }
    }
    Arc::new(out.into_bytes().into())
}

/// Lines of a web server, each the message of an event.
fn access_logs() -> Block {
    let mut out = String::new();
    for number in 0..EVENTS {
        let _ = writeln!(
            out,
            "{{\"message\":\"198.51.100.{} - - [10/Oct/2025:13:55:{:02} +0000] \\\"GET /api/v1/apps/{number}/runs \
             HTTP/1.1\\\" {} {} \\\"https://app.example.com/\\\" \\\"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 \
             Firefox/128.0\\\"\"}}",
            number % 254,
            number % 60,
            if number % 50 == 0 { 502 } else { 200 },
            500 + number % 4000,
        );
    }
    Arc::new(out.into_bytes().into())
}

/// What `redact` looks for, as one would write it with the regex crate.
const REGEXES: [(&str, &str); 6] = [
    ("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    ("ipv4", r"(?-u:\b)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?-u:\b)"),
    ("ipv6", r"(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4})+|(?:[0-9A-Fa-f]{1,4}:)+:"),
    ("card", r"(?-u:\b)[0-9](?:[ -]?[0-9]){12,18}(?-u:\b)"),
    ("bearer", r"(?i-u)\bbearer[ \t]+[A-Za-z0-9._~+/-]{8,}=*"),
    ("api_key", r"(?-u:\b)(?:sk-[A-Za-z0-9_-]{16,}|A[KS]IA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,})"),
];

/// `redact` in the sandbox against these regular expressions natively: with its own patterns, which check more, and
/// with the very same expressions.
fn redact() -> Result<()> {
    let block: Block = Arc::new(events(EVENTS).into());
    let own: String = REGEXES.iter().map(|(name, regex)| format!("{name} = '{regex}'\n")).collect();
    for (what, config) in [
        ("its patterns", String::new()),
        ("the same regexes", format!("patterns = []\n[hook.config.regexes]\n{own}")),
    ] {
        let table = format!("[hook.grant]\n{MESSAGE}\n[hook.config]\n{config}");
        let mut sandboxed = One::start("redact", "redact", &table)?;
        let one = One::start("redact", "redact", &table)?;
        let regexes = REGEXES
            .iter()
            .map(|(name, regex)| Ok((format!("[{name}]"), Regex::new(regex)?)))
            .collect::<Result<Vec<_>>>()?;
        let (mut read, mut scratch) = (Column::new(Kind::Text), Scratch::default());
        let (pairs, _) = race(
            &block,
            ROWS,
            &one.projection,
            |batch| replace(&one, &regexes, batch, &mut read, &mut scratch),
            |batch| sandboxed.process(batch),
        )?;
        let (native, wasm) = pairs.ns_each(EVENTS);
        println!(
            "  redact   regexes natively {native:.0} ns/event, {what} in the sandbox {wasm:.0}: {} times the time",
            pairs.ratio()
        );
    }
    Ok(())
}

fn replace(
    one: &One,
    regexes: &[(String, Regex)],
    batch: &mut Batch,
    read: &mut Column,
    scratch: &mut Scratch,
) -> Result<()> {
    let rows = batch.order().to_vec();
    let (field, _) = one.reads.first().context("the message")?;
    read.read_field(batch, *field, &rows);
    let Values::Text(texts) = &read.values else { bail!("a column of another kind") };
    let mut column = Column::new(Kind::Text);
    for index in 0..rows.len() {
        let mut text = Cow::Borrowed(std::str::from_utf8(texts.get(index))?);
        for (replacement, regex) in regexes {
            if let Cow::Owned(clean) = regex.replace_all(&text, NoExpand(replacement)) {
                text = Cow::Owned(clean);
            }
        }
        match text {
            Cow::Owned(clean) => column.push_bytes(clean.as_bytes()),
            Cow::Borrowed(_) => column.push_unset(write_mark::LEAVE),
        }
    }
    let node = one.writes.first().copied().context("the message")?;
    batch.apply(&[Write { node, column: &column }], &rows, |_| true, true, scratch);
    Ok(())
}

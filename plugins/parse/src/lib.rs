//! Takes texts apart and sets what they say as fields of the event.
//!
//! ```toml
//! [[hook]]
//! name = "parse"
//! plugin = "parse"
//! [hook.grant]                     # with logfmt and without `into`: ["."]
//! read = ["message", "http"]       # the text, and what could be there already, unless overwrite = true
//! write = ["http"]
//! [hook.config]
//! format = "combined"              # or common, vhost_combined, nginx_main, ingress_nginx, logfmt, syslog
//! # instead of a format, the shape of a line as in nginx's log_format:
//! # template = '$client_ip - $user [$time] "$request" $status $bytes $request_time'
//! # or regular expressions with named groups, of which the first that matches counts:
//! # regex = ['^user (?<user>\w+) from (?<client_ip>\S+)$', '^(?<error>[A-Z]\w+): (?<reason>.*)']
//! field = "message"                # the default: the text that is parsed
//! into = "http"                    # the object that values go into; by default they are fields of the event
//! types = { upstream_status = "integer" }   # text, integer, float or boolean; texts by default
//! on_mismatch = "keep"             # the default: the event passes as it is; or "drop", or "fail", for on_error
//! remove = false                   # true: what was parsed goes
//! overwrite = false                # the default; true also sets fields that are there, and need not read them
//! flags = false                    # true: words of logfmt that stand alone have the value "true"
//! ```
//!
//! | format | values |
//! | --- | --- |
//! | `common` | `client_ip`, `ident`, `user`, `time`, `method`, `path`, `protocol` (or `request`, if it is none), `status`, `bytes` |
//! | `combined` (Apache, nginx) | and `referer`, `user_agent` |
//! | `vhost_combined` | and before them `vhost`, `port` |
//! | `nginx_main` | those of `combined`, and `forwarded_for` |
//! | `ingress_nginx` | those of `combined`, and the request's length and time, the upstream's values, `request_id` |
//! | `syslog` (RFC 3164 and 5424) | `facility`, `severity`, `time`, `host`, `app`, `pid` (or `procid`), `msgid`, `structured_data`, `message` |
//! | `logfmt` | the keys of the line, those with a dot as they are |
//!
//! In access logs a `-` is no value, statuses, sizes and ports are integers, durations floats, and `time` is written
//! as RFC 3339 has it; in a template, names of nginx's variables are known likewise. Escapes in quotes are resolved.
//!
//! What is there stays, because an event's own fields are better known than a text's: `null` counts as not there, and
//! a value named as the parsed field takes its place. A value that is not of its kind makes the text a mismatch, so
//! nothing is set by half. An event without the text passes as it is. The time is linear in the text, of which 256 KiB
//! are the most; it remembers nothing from one event to the next.

mod access;
mod logfmt;
mod needle;
mod object;
mod parser;
mod pattern;
mod syslog;
mod target;
mod template;
mod unescape;
mod values;

use std::collections::BTreeMap;

use hookaroon_sdk::{Event, Grant, Hook, Piece, Read, Schema, Setup, Text, Verdict, config, export};
use parser::Parser;
use values::{Kind, Mismatch, Values};

/// The longest text that is parsed. With a longer one an event costs too much of a batch's deadline.
const MAX_TEXT: usize = 256 << 10;

/// Takes a text apart and sets what it says as fields of the event: by a `format`, a `template` or a `regex`.
#[config]
#[derive(Debug)]
pub struct Config {
    /// The field with the text.
    #[default("message")]
    field: String,
    /// The form of the text: `logfmt`, `common`, `combined`, `vhost_combined`, `nginx_main`, `ingress_nginx` or `syslog`.
    #[example("combined")]
    format: Option<Format>,
    /// Instead of a format, the shape of a line as in nginx's `log_format`: `$client_ip [$time] "$request" $status`.
    template: Option<String>,
    /// Instead of a format, a regular expression with named groups, or several: the first that matches counts.
    regex: Option<Regexes>,
    /// The object that values go into; by default they are fields of the event.
    #[default("")]
    into: String,
    /// Kinds of values that are no texts: `{ status = "integer" }`.
    #[default({})]
    types: BTreeMap<String, Kind>,
    /// What becomes of an event whose text is of another form.
    #[default("keep")]
    on_mismatch: OnMismatch,
    /// Whether the field with the text is removed once it is parsed.
    #[default(false)]
    remove: bool,
    /// Whether fields that are there are set too.
    #[default(false)]
    overwrite: bool,
    /// For `logfmt`: whether words that stand alone are keys with the text `true`, or what `types` says. By default they are skipped.
    #[default(false)]
    flags: bool,
}

/// A known form.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `level=info msg="a text"`.
    Logfmt,
    /// Access logs in the Common Log Format.
    Common,
    /// And with referer and user agent, as Apache and nginx have it.
    Combined,
    /// And with the virtual host before it, as Debian's Apache has it.
    VhostCombined,
    /// The `main` of nginx's packages: combined, and `X-Forwarded-For`.
    NginxMain,
    /// That of the ingress controller for Kubernetes.
    IngressNginx,
    /// Lines of RFC 3164 and RFC 5424.
    Syslog,
}

/// One expression, or several.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged, expecting = "regex: an expression is needed, or a list of them")]
enum Regexes {
    One(String),
    Many(Vec<String>),
}

impl Schema for Regexes {
    const MEMBERS: Piece = Piece::Json(r#""type":["string","array"],"items":{"type":"string"}"#);
}

/// What becomes of an event whose text does not parse.
#[config]
#[derive(Clone, Copy, Debug)]
enum OnMismatch {
    /// It passes as it is.
    Keep,
    /// It is dropped.
    Drop,
    /// It follows the operator's `on_error`.
    Fail,
}

/// The hook.
#[derive(Debug)]
pub struct Parse {
    source: Read<Text>,
    parser: Parser,
    values: Values,
    on_mismatch: OnMismatch,
    field: String,
}

impl Hook for Parse {
    type Config = Config;
    /// What it writes depends on what its expressions name.
    const GRANT: Grant = Grant { read: &["."], write: &["."], drop: true, ..Grant::NONE };

    fn init(config: Config, setup: &mut Setup) -> Result<Parse, String> {
        let source = setup.read(&config.field);
        let Config { field, on_mismatch, .. } = &config;
        let (field, on_mismatch) = (field.clone(), *on_mismatch);
        let parser = Parser::new(config, setup)?;
        Ok(Parse { source, parser, values: Values::default(), on_mismatch, field })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        let Some(text) = event.get(self.source) else { return Verdict::Keep };
        let parsed = if text.len() > MAX_TEXT {
            Err(Mismatch::Length)
        } else {
            self.parser.parse(text, &mut self.values, event)
        };
        match (parsed, self.on_mismatch) {
            (Ok(()), _) | (Err(_), OnMismatch::Keep) => Verdict::Keep,
            (Err(_), OnMismatch::Drop) => Verdict::Drop,
            (Err(mismatch), OnMismatch::Fail) => {
                let reason = self.parser.describe(mismatch, &self.values, text);
                event.fail(&format!("{}: {reason}", self.field));
                Verdict::Keep
            }
        }
    }
}

export!(Parse);

#[cfg(test)]
mod tests;

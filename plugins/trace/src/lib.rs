//! Says which trace and span an event belongs to, and how severe it is, in OpenTelemetry's terms.
//!
//! ```toml
//! [[hook]]
//! name = "trace"
//! plugin = "trace"
//! [hook.grant]
//! read = ["traceparent", "level", "trace_id", "span_id", "severity_number", "severity_text"]
//! write = ["trace_id", "span_id", "severity_number", "severity_text"]
//! [hook.config]
//! traceparent = "traceparent"          # where the W3C traceparent stands; "" leaves traces alone
//! trace_id = "trace_id"
//! span_id = "span_id"
//! trace_flags = "trace_flags"          # by default the flags are not written
//! level = ["level", "severity"]        # where levels stand, the first known one counts; by default "level"
//! severity_number = "severity_number"  # 1 to 24; "" writes none
//! severity_text = "severity_text"      # "" writes none
//! severity_text_is = "short_name"      # the default: INFO, WARN, ERROR2; or "level": the level as it came
//! library = "python"                   # whose numbers they are; by default the names of all, the numbers of pino
//! levels = { audit = "INFO3" }         # own levels, by name or number
//! overwrite = false                    # the default; true also sets fields that are there, and need not read them
//! ```
//!
//! A `traceparent` is checked as W3C Trace Context says; one that is not valid is as if it were not there. An event
//! that names another trace already gets no span of this one. `null` counts as not there. A level that is not known
//! sets nothing. It remembers nothing and cannot fail on an event.

mod context;
mod level;

use std::collections::BTreeMap;

use context::Context;
use hookaroon_sdk::{
    Boolean, Event, Grant, Hook, Integer, Json, Kind, Mark, Piece, Read, Schema, Setup, Text, Verdict, Write,
    config, export,
};
use level::{Library, Severity, SeverityConfig};
use serde::Deserialize;

/// Sets a trace's and a span's id from a W3C `traceparent`, and OpenTelemetry's severity from the level names and numbers
/// of common libraries.
#[config]
#[derive(Debug)]
pub struct Config {
    /// The field with the W3C `traceparent`; `""` leaves traces alone.
    #[default("traceparent")]
    traceparent: String,
    /// Where the trace's id goes, 32 hex digits.
    #[default("trace_id")]
    trace_id: String,
    /// Where the span's id goes, 16 hex digits.
    #[default("span_id")]
    span_id: String,
    /// Where the flags go, two hex digits; by default they are not written.
    #[default("")]
    trace_flags: String,
    /// The field with the level, or several of them: the first whose level is known counts.
    #[default("level")]
    level: OneOrMany,
    /// Where the severity number goes, 1 to 24; `""` writes none.
    #[default("severity_number")]
    severity_number: String,
    /// Where the severity's text goes; `""` writes none.
    #[default("severity_text")]
    severity_text: String,
    /// What the text is: `short_name`, such as `WARN`, or `level`, the level as it came.
    #[default("short_name")]
    severity_text_is: TextForm,
    /// Whose levels they are: `auto`, `pino`, `bunyan`, `python`, `syslog`, `dotnet`, `winston`, `zap`, `slog`, `zerolog`,
    /// `logrus`, `log4j`, `jul`, `gcp`, `windows`, `android` or `otel`. `auto` knows the names of all and pino's numbers.
    #[default("auto")]
    library: Library,
    /// Own levels: a name or number, and its severity, 1 to 24 or a short name.
    #[default({})]
    levels: BTreeMap<String, SeverityConfig>,
    /// Whether fields that are there are set too.
    #[default(false)]
    overwrite: bool,
}

/// A path, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a path is needed, or a list of paths")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Schema for OneOrMany {
    const MEMBERS: Piece = Piece::Json(r#""type":["string","array"],"items":{"type":"string"}"#);
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            OneOrMany::One(path) if path.is_empty() => &[],
            OneOrMany::One(path) => std::slice::from_ref(path),
            OneOrMany::Many(paths) => paths,
        }
    }
}

/// What a severity's text is.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextForm {
    ShortName,
    Level,
}

/// The hook.
#[derive(Debug)]
pub struct Trace {
    trace: Option<TraceFields>,
    severity: Option<SeverityFields>,
}

#[derive(Debug)]
struct TraceFields {
    traceparent: Read<Text>,
    /// The trace that the event names already; none if that does not matter.
    known: Option<Read<Text>>,
    trace_id: Target<Text>,
    span_id: Target<Text>,
    flags: Option<Target<Text>>,
}

#[derive(Debug)]
struct SeverityFields {
    levels: Vec<Read<Json>>,
    own: Vec<(String, Severity)>,
    library: Library,
    number: Option<Target<Integer>>,
    text: Option<Target<Text>>,
    text_is: TextForm,
}

/// A field that is set.
#[derive(Debug)]
struct Target<K> {
    write: Write<K>,
    /// To see whether it is there; none if that does not matter. Of the kind that costs least.
    read: Option<Read<Boolean>>,
}

impl<K: Kind> Target<K> {
    fn new(path: &str, overwrite: bool, setup: &mut Setup) -> Target<K> {
        Target { write: setup.write(path), read: (!overwrite).then(|| setup.read(path)) }
    }

    fn optional(path: &str, overwrite: bool, setup: &mut Setup) -> Option<Target<K>> {
        (!path.is_empty()).then(|| Target::new(path, overwrite, setup))
    }

    #[inline]
    fn set(&self, event: &mut Event<'_>, value: K::Value<'_>) {
        if !self.read.is_some_and(|read| event.has(read)) {
            event.set(self.write, value);
        }
    }
}

impl Hook for Trace {
    type Config = Config;
    const GRANT: Grant = Grant {
        read: &[
            "{traceparent}",
            "{level}",
            "{trace_id}",
            "{span_id}",
            "{trace_flags}",
            "{severity_number}",
            "{severity_text}",
        ],
        write: &["{trace_id}", "{span_id}", "{trace_flags}", "{severity_number}", "{severity_text}"],
        ..Grant::NONE
    };

    fn init(config: Config, setup: &mut Setup) -> Result<Trace, String> {
        let mut hook = Trace { trace: None, severity: None };
        let overwrite = config.overwrite;
        if !config.traceparent.is_empty() {
            if config.trace_id.is_empty() || config.span_id.is_empty() {
                return Err(
                    "trace_id and span_id need a path; traceparent = \"\" leaves traces alone".to_owned()
                );
            }
            hook.trace = Some(TraceFields {
                traceparent: setup.read(&config.traceparent),
                known: (!overwrite).then(|| setup.read(&config.trace_id)),
                trace_id: Target::new(&config.trace_id, overwrite, setup),
                span_id: Target::new(&config.span_id, overwrite, setup),
                flags: Target::optional(&config.trace_flags, overwrite, setup),
            });
        }
        let levels = config.level.as_slice();
        let is_written = !config.severity_number.is_empty() || !config.severity_text.is_empty();
        if is_written && !levels.is_empty() {
            let mut own = Vec::with_capacity(config.levels.len());
            for (name, severity) in &config.levels {
                let severity = severity.severity().map_err(|error| format!("levels: {name}: {error}"))?;
                own.push((name.clone(), severity));
            }
            hook.severity = Some(SeverityFields {
                levels: levels.iter().map(|path| setup.read(path)).collect(),
                own,
                library: config.library,
                number: Target::optional(&config.severity_number, overwrite, setup),
                text: Target::optional(&config.severity_text, overwrite, setup),
                text_is: config.severity_text_is,
            });
        }
        if hook.trace.is_none() && hook.severity.is_none() {
            return Err("there is nothing to do; set traceparent, or level and severity_number".to_owned());
        }
        Ok(hook)
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        if let Some(fields) = &self.trace {
            fields.set(event);
        }
        if let Some(fields) = &self.severity {
            fields.set(event);
        }
        Verdict::Keep
    }
}

export!(Trace);

impl TraceFields {
    fn set(&self, event: &mut Event<'_>) {
        let Some(context) = event.get(self.traceparent).and_then(Context::parse) else { return };
        if let Some(known) = self.known
            && matches!(event.mark(known), Mark::Value | Mark::Other)
            && event.get(known) != Some(context.trace_id)
        {
            return;
        }
        self.trace_id.set(event, context.trace_id);
        self.span_id.set(event, context.span_id);
        if let Some(flags) = &self.flags {
            flags.set(event, context.flags);
        }
    }
}

impl SeverityFields {
    fn set(&self, event: &mut Event<'_>) {
        for read in &self.levels {
            let Some(json) = event.get(*read) else { continue };
            let plain = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            // Nobody escapes a level, but one may.
            let unescaped: String;
            let level = match plain {
                Some(text) if text.contains('\\') => {
                    unescaped = serde_json::from_str(json).unwrap_or_default();
                    &unescaped
                }
                Some(text) => text,
                None => json,
            };
            let Some(severity) = self.severity(level, plain.is_some()) else { continue };
            if let Some(number) = &self.number {
                number.set(event, severity.number());
            }
            if let Some(text) = &self.text {
                let level_has_name = self.text_is == TextForm::Level && plain.is_some();
                text.set(event, if level_has_name { level } else { severity.name() });
            }
            return;
        }
    }

    fn severity(&self, level: &str, is_text: bool) -> Option<Severity> {
        let own = self.own.iter().find(|(name, _)| name.eq_ignore_ascii_case(level));
        match own {
            Some((_, severity)) => Some(*severity),
            None if is_text => self.library.of_name(level),
            None => self.library.of_number(whole(level)?),
        }
    }
}

/// The value of a JSON number that is whole; of another value, none.
fn whole(json: &str) -> Option<i64> {
    json.parse().ok().or_else(|| {
        let number: f64 = json.parse().ok()?;
        // Levels are small; floats are exact there.
        (number.fract() == 0.0 && number.abs() < 1e6).then_some(number as i64)
    })
}

#[cfg(test)]
mod tests;

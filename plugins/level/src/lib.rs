//! Keeps events of a minimum severity, which may differ per source and per logger.
//!
//! ```toml
//! [[hook]]
//! name = "level"
//! plugin = "level"
//! [hook.grant]
//! read = ["level", "severity", "logger", "%source"]
//! drop = true
//! [hook.config]
//! min = "info"                # needed; what is less severe is dropped
//! sources = { worker = "debug" }            # another minimum for these sources; needs to read "%source"
//! loggers = { sqlalchemy = "warn" }         # and for these loggers, "sqlalchemy.engine" included
//! logger = "logger"           # where the logger's name stands; read only if there are loggers
//! level = "level"             # where the severity stands; by default in `level`, else in `severity`
//! unknown = "keep"            # or "drop": events without a severity, or with one that nobody knows
//! ```
//!
//! The longest prefix of the logger's name that ends at a dot counts, then the source, then `min`. Severities are the
//! names of the common libraries in any case and the numbers of pino and bunyan: trace, debug, info, warn, error, fatal
//! and what others call them.
//!
//! It remembers nothing and cannot fail on an event.

mod loggers;
mod minimum;

use std::collections::BTreeMap;

use hookaroon_sdk::{
    Event, Grant, Hook, Json, Read, Setup, Severity, Text, Verdict, config, export, severity,
};
use loggers::Loggers;
use minimum::Minimum;

/// Drops events below a minimum severity, which may differ for sources and loggers.
#[config]
#[derive(Debug)]
pub struct Config {
    /// The least severity that is kept: `"info"`.
    #[example("info")]
    min: Minimum,
    /// The least severity for the events of a source: `{ worker = "debug" }`.
    #[default({})]
    sources: BTreeMap<String, Minimum>,
    /// The least severity for the events of a logger and those below it: `{ sqlalchemy = "warn" }` means
    /// `sqlalchemy.engine` too. The longest name counts, and counts more than the source.
    #[default({})]
    loggers: BTreeMap<String, Minimum>,
    /// The field in which the logger's name stands.
    #[default("logger")]
    logger: String,
    /// The field in which the severity stands; by default `level`, and `severity` where that says nothing.
    level: Option<String>,
    /// What becomes of an event without a severity, or with one that nobody knows.
    #[default("keep")]
    unknown: Unknown,
}

/// What becomes of an event whose severity is not known.
#[config]
#[derive(Clone, Copy, Debug)]
enum Unknown {
    /// It is kept.
    Keep,
    /// It is dropped.
    Drop,
}

/// The hook.
#[derive(Debug)]
pub struct Level {
    min: Severity,
    /// Read only if a source has a minimum of its own.
    source: Option<Read<Text>>,
    sources: BTreeMap<String, Severity>,
    /// Read only if a logger has one.
    logger: Option<Read<Text>>,
    loggers: Loggers,
    levels: Vec<Read<Json>>,
    unknown: Verdict,
}

impl Hook for Level {
    type Config = Config;
    const GRANT: Grant =
        Grant { read: &["level", "severity", "{level}", "{logger}", "%source"], drop: true, ..Grant::NONE };

    fn init(config: Config, setup: &mut Setup) -> Result<Level, String> {
        let levels = match &config.level {
            Some(level) => vec![setup.read(level)],
            None => vec![setup.read("level"), setup.read("severity")],
        };
        Ok(Level {
            min: config.min.0,
            source: (!config.sources.is_empty()).then(|| setup.read("%source")),
            sources: config.sources.into_iter().map(|(name, min)| (name, min.0)).collect(),
            logger: (!config.loggers.is_empty()).then(|| setup.read(&config.logger)),
            loggers: Loggers::new(config.loggers.into_iter().map(|(name, min)| (name, min.0))),
            levels,
            unknown: match config.unknown {
                Unknown::Keep => Verdict::Keep,
                Unknown::Drop => Verdict::Drop,
            },
        })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        match self.severity(event) {
            Some(severity) if severity >= self.minimum(event) => Verdict::Keep,
            Some(_) => Verdict::Drop,
            None => self.unknown,
        }
    }
}

impl Level {
    /// The event's severity: a name, or a number of pino.
    #[inline]
    fn severity(&self, event: &Event<'_>) -> Option<Severity> {
        self.levels.iter().find_map(|level| severity(event.get(*level)?.trim_matches('"')))
    }

    /// The minimum for an event.
    #[inline]
    fn minimum(&self, event: &Event<'_>) -> Severity {
        let by_logger = || self.loggers.minimum(event.get(self.logger?)?);
        let by_source = || self.sources.get(event.get(self.source?)?).copied();
        by_logger().or_else(by_source).unwrap_or(self.min)
    }
}

export!(Level);

#[cfg(test)]
mod tests;

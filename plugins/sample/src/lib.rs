//! Keeps a share of events, the same ones everywhere, and every error.
//!
//! ```toml
//! [[hook]]
//! name = "sample"
//! plugin = "sample"
//! [hook.grant]
//! read = ["trace_id", "level", "severity"]
//! drop = true
//! [hook.config]
//! keep = "10%"          # the share; needed
//! by = "trace_id"       # events with the same value here are kept or dropped together; needed
//! level = ["level", "severity"] # where the severity stands; events of level error and worse are always kept
//! ```
//!
//! The share is taken by a hash of the value's JSON text (xxh3, 64 bits), so it is the same on every machine and
//! in every run. An event without the value is kept, because it belongs to no group that could be dropped.
//!
//! It remembers nothing and cannot fail on an event; a level that is not known is less than an error.

use hookaroon_sdk::{
    Event, Grant, Hook, Json, Percent, Read, Setup, Severity, Verdict, config, export, severity,
};
use xxhash_rust::xxh3::xxh3_64;

/// Keeps a share of events, the same ones on every machine and in every run, and never drops an error.
#[config]
#[derive(Debug)]
pub struct Config {
    /// The share that is kept: `"10%"`.
    #[example("10%")]
    keep: Percent,
    /// The field that is hashed: events with the same value are kept or dropped together. Events without it are kept.
    #[example("trace_id")]
    by: String,
    /// The fields in which the severity may stand. Events of level error and worse in one of them are always kept.
    #[default(["level", "severity"])]
    level: Vec<String>,
}

/// The hook.
#[derive(Debug)]
pub struct Sample {
    keep: Percent,
    by: Read<Json>,
    levels: Vec<Read<Json>>,
}

impl Hook for Sample {
    type Config = Config;
    const GRANT: Grant = Grant { read: &["{by}", "{level}"], drop: true, ..Grant::NONE };

    fn init(config: Config, setup: &mut Setup) -> Result<Sample, String> {
        let by = setup.read(&config.by);
        Ok(Sample {
            keep: config.keep,
            by,
            levels: config.level.iter().map(|path| setup.read(path)).collect(),
        })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        let Some(value) = event.get(self.by) else { return Verdict::Keep };
        if self.keep.takes(xxh3_64(value.as_bytes())) {
            return Verdict::Keep;
        }
        // A text, or the number of pino.
        let mut levels =
            self.levels.iter().filter_map(|field| severity(event.get(*field)?.trim_matches('"')));
        if levels.any(|level| level >= Severity::Error) { Verdict::Keep } else { Verdict::Drop }
    }
}

export!(Sample);

#[cfg(test)]
mod tests {
    use super::*;
    use hookaroon_sdk::testing;

    fn kept(config: &str, events: &[String]) -> Vec<String> {
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let ran = testing::run::<Sample>(config, &events).unwrap();
        ran.events.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_share_is_kept_and_traces_stay_whole() {
        let events: Vec<String> = (0..4000).map(|n| format!("{{\"trace_id\":\"t{}\"}}", n / 2)).collect();
        let kept = kept("{\"keep\":\"25%\",\"by\":\"trace_id\"}", &events);
        assert!((900..1100).contains(&kept.len()), "{}", kept.len());
        assert!(kept.chunks(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn errors_and_events_without_the_value_are_never_dropped() {
        let events = [
            "{\"id\":1,\"level\":\"ERROR\"}",
            "{\"id\":1,\"level\":60}",
            "{\"id\":1,\"severity\":\"FATAL\"}",
            "{\"id\":1,\"level\":\"info\",\"severity\":\"ERROR\"}",
            "{\"id\":1,\"level\":\"warn\"}",
            "{\"id\":1}",
            "{\"level\":\"debug\"}",
        ];
        let kept = kept("{\"keep\":\"0%\",\"by\":\"id\"}", &events.map(str::to_owned));
        assert_eq!(kept.len(), 5);
    }

    #[test]
    fn a_share_without_its_sign_is_refused() {
        let error = testing::run::<Sample>("{\"keep\":0.5,\"by\":\"id\"}", &[]).unwrap_err();
        assert!(error.contains("\"50%\""), "{error}");
    }
}

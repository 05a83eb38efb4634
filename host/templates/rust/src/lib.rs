//! Marks the requests that were slow.

use hookaroon_sdk::{Boolean, Event, Grant, Hook, Integer, Read, Setup, Verdict, Write, config, export};

/// What the operator writes into `[hook.config]`. These comments end up in the plugin, and `hookaroon inspect` shows
/// them.
#[config]
#[derive(Debug)]
pub struct Config {
    /// A request that took this many milliseconds or more was slow.
    #[default(1000)]
    slow_ms: i64,
    /// The field in which the duration stands, in milliseconds.
    #[default("duration_ms")]
    field: String,
}

/// The hook: what it needs for each event.
#[derive(Debug)]
pub struct Slow {
    slow_ms: i64,
    duration: Read<Integer>,
    slow: Write<Boolean>,
}

impl Hook for Slow {
    type Config = Config;

    /// What the operator has to grant. `{field}` stands for the field that the option `field` names.
    const GRANT: Grant = Grant { read: &["{field}"], write: &["slow"], ..Grant::NONE };

    /// Called once. The handles that come from `setup` are all that the hook will see of an event.
    fn init(config: Config, setup: &mut Setup) -> Result<Slow, String> {
        if config.slow_ms <= 0 {
            return Err(format!("slow_ms is {}; give it a number of milliseconds above 0", config.slow_ms));
        }
        Ok(Slow {
            slow_ms: config.slow_ms,
            duration: setup.read(&config.field),
            slow: setup.write("slow"),
        })
    }

    /// Called for each event. A field that is absent, or no whole number, reads as `None`.
    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        if event.get(self.duration).is_some_and(|ms| ms >= self.slow_ms) {
            event.set(self.slow, true);
        }
        Verdict::Keep
    }
}

export!(Slow);

/// These run natively, with `cargo test`: no WebAssembly, no host.
#[cfg(test)]
mod tests {
    use super::*;
    use hookaroon_sdk::testing;

    #[test]
    fn a_request_over_the_limit_is_marked_and_others_are_left_alone() {
        let events = [r#"{"duration_ms":1000}"#, r#"{"duration_ms":999}"#, r#"{"message":"no duration"}"#];
        let ran = testing::run::<Slow>("{}", &events).unwrap();
        assert_eq!(ran.events[0]["slow"], true);
        assert!(ran.events[1].get("slow").is_none());
        assert_eq!(ran.events[2].to_string(), events[2]);
    }

    #[test]
    fn the_limit_and_the_field_are_options() {
        let config = r#"{"slow_ms":5,"field":"http.took"}"#;
        let ran = testing::run::<Slow>(config, &[r#"{"http":{"took":5}}"#]).unwrap();
        assert_eq!(ran.events[0]["slow"], true);
    }

    #[test]
    fn a_limit_that_makes_no_sense_is_refused() {
        let error = testing::run::<Slow>(r#"{"slow_ms":0}"#, &[]).unwrap_err();
        assert!(error.contains("above 0"), "{error}");
    }
}

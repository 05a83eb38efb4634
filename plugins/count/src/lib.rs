//! Counts events by fields, and emits the counts again and again.
//!
//! ```toml
//! [[hook]]
//! name = "count"
//! plugin = "count"
//! [hook.grant]
//! read = ["service", "level"]
//! emit = true
//! [hook.config]
//! by = ["service", "level"]   # events with the same values here are counted together; without, all are
//! every = "1m"                # how often the counts are emitted
//! into = "count"              # where the count stands in the event that is emitted
//! max_groups = 10000          # how many counts are kept at once
//! ```
//!
//! Each time, and at the end, it emits one event a group, in the order of the values' JSON texts:
//! `{"service":"api","level":"error","count":12}`. It is what came since the last time; nothing is emitted of a group
//! of which nothing came. A field that an event does not have is missing in its group's event, too.
//!
//! Groups beyond `max_groups`, or beyond 2 MiB of events to emit, or with values of more than 1,024 bytes, are counted
//! together in one more event, `{"count":3,"overflow":true}`, so the sum is right whatever comes.
//!
//! One instance counts for all workers. A fresh instance goes on with what was saved last, so what an instance that
//! fails learned since, in about a second, is lost, and what it reported since is reported again.

use hookaroon_flow::{By, Groups, Reader, Span, Writer};
use hookaroon_sdk::{Emitter, Event, Grant, Hook, Placement, Reason, Setup, Verdict, config, export};

/// What marks the event that counts everything for which there was no room.
const OVERFLOW: &str = "overflow";

/// The longest number.
const DIGITS: usize = 20;

/// The version of the state.
const STATE: u64 = 1;

/// Counts events by the values of fields.
#[config]
#[derive(Debug)]
pub struct Config {
    /// The fields whose values tell the groups apart. Without any, all events are one group.
    #[default([])]
    #[example(["service", "level"])]
    by: Vec<String>,
    /// How often the counts are emitted.
    #[default("1m")]
    every: Span,
    /// The path of the count in an event that is emitted.
    #[default("count")]
    into: String,
    /// How many groups are counted at once, at least 1. What is beyond is counted as one more.
    #[default(10000)]
    max_groups: u32,
}

/// The hook.
#[derive(Debug)]
pub struct Count {
    by: By,
    groups: Groups<u64>,
    /// The events whose group had no room.
    overflow: u64,
}

impl Hook for Count {
    type Config = Config;
    const GRANT: Grant = Grant { read: &["{by}"], emit: true, ..Grant::NONE };
    const PLACEMENT: Placement = Placement::Single;
    const MEMORY: Option<&'static str> = Some("16MiB");

    fn init(config: Config, setup: &mut Setup) -> Result<Count, String> {
        if config.max_groups == 0 {
            return Err("max_groups: 0 leaves nothing to count; write at least 1".to_owned());
        }
        let by = By::new(config.by, &[&config.into, OVERFLOW], setup)?;
        setup.tick_every(config.every.duration());
        let groups = Groups::new(config.max_groups, by.fixed() + DIGITS);
        let mut count = Count { by, groups, overflow: 0 };
        for state in setup.states() {
            count.restore(state)?;
        }
        Ok(count)
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        let count = self.groups.of(self.by.key(event), || 0).unwrap_or(&mut self.overflow);
        *count += 1;
        Verdict::Keep
    }

    fn tick(&mut self, _now_ns: u64, out: &mut Emitter) -> Result<(), String> {
        self.emit(out);
        Ok(())
    }

    fn save(&self) -> Option<Vec<u8>> {
        let groups = self.groups.sorted();
        let mut state = Writer::new("count", STATE);
        state.text(&self.by.identity());
        state.number(self.overflow);
        state.number(groups.len() as u64);
        for (key, count) in groups {
            state.text(key);
            state.number(*count);
        }
        Some(state.finish())
    }

    fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
        // Whoever takes over has the counts.
        if matches!(reason, Reason::Unload | Reason::Shutdown) {
            self.emit(out);
        }
    }
}

impl Count {
    fn emit(&mut self, out: &mut Emitter) {
        let mut object = String::new();
        for (key, count) in self.groups.sorted() {
            object.clear();
            self.by.write(Some(key), &[&count.to_string(), ""], &mut object);
            out.emit(&object);
        }
        if self.overflow > 0 {
            object.clear();
            self.by.write(None, &[&self.overflow.to_string(), "true"], &mut object);
            out.emit(&object);
        }
        self.groups.retain(|_| false);
        self.overflow = 0;
    }

    /// Adds what another instance counted and did not emit.
    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let mut state = Reader::new(state, "count", STATE)?;
        state.same_by(&self.by)?;
        self.overflow = self.overflow.saturating_add(state.number()?);
        for _ in 0..state.number()? {
            let key = state.text()?;
            let count = self.groups.of(key, || 0).unwrap_or(&mut self.overflow);
            *count = count.saturating_add(state.number()?);
        }
        Ok(())
    }
}

export!(Count);

#[cfg(test)]
mod tests;

//! Drops events that are repeated within a time, and reports how many.
//!
//! ```toml
//! [[hook]]
//! name = "dedupe"
//! plugin = "dedupe"
//! [hook.grant]
//! read = ["service", "message"]
//! drop = true
//! emit = true
//! [hook.config]
//! by = ["service", "message"] # needed; an event with the same values here is a repetition
//! window = "1m"               # for so long after the one that passed
//! into = "dedupe"             # where the report stands in the event that is emitted
//! max_keys = 10000            # how many different ones are remembered
//! ```
//!
//! The first event passes, and those like it are dropped until `window` has gone by since then; the next one passes
//! again, so what never stops is still seen once in each window. Time is the host's, when the batch is processed. An
//! event that has none of the fields repeats nothing and is kept.
//!
//! When a window of which something was dropped is over, and at the end, an event says so, in the order in which the
//! windows began: `{"service":"api","message":"timeout","dedupe":{"suppressed":41,"window":"1m"}}`.
//!
//! Beyond `max_keys`, or beyond 2 MiB of reports, the oldest is forgotten, which ends its window early. An event whose
//! values have more than 64 KiB is kept.
//!
//! One instance looks at the events of all workers. A fresh instance goes on with what was saved last, so what an
//! instance that fails learned since, in about a second, is lost, and what it reported since is reported again.

mod recent;

use hookaroon_flow::{By, Key, Reader, Span, Writer, is_missing};
use hookaroon_sdk::{Emitter, Event, Grant, Hook, Placement, Reason, Setup, Verdict, config, export};
use recent::{Entry, Recent};

/// The version of the state.
const STATE: u64 = 1;

/// The longest key, in bytes.
const LONGEST: usize = 64 << 10;

/// The longest report of a key, in bytes.
const REPORT: usize = 72;

/// How long a report may be late while nothing comes.
const LATE: Span = Span::seconds(10);

/// Drops events that repeat another one within a time, and reports how many.
#[config]
#[derive(Debug)]
pub struct Config {
    /// The fields in which an event has the same values as the one that it repeats, at least one.
    #[example(["service", "message"])]
    by: Vec<String>,
    /// For how long after an event that passed those like it are dropped.
    #[default("1m")]
    window: Span,
    /// The path of the report in an event that is emitted.
    #[default("dedupe")]
    into: String,
    /// How many different events are remembered, at least 1. The oldest is forgotten first.
    #[default(10000)]
    max_keys: u32,
}

/// The hook.
#[derive(Debug)]
pub struct Dedupe {
    by: By,
    window: Span,
    recent: Recent,
    /// The latest time that was told: between workers it can go back.
    now: u64,
    /// What is emitted; kept for its memory.
    object: String,
}

impl Hook for Dedupe {
    type Config = Config;
    const GRANT: Grant = Grant { read: &["{by}"], drop: true, emit: true, ..Grant::NONE };
    const PLACEMENT: Placement = Placement::Single;
    const MEMORY: Option<&'static str> = Some("16MiB");

    fn init(config: Config, setup: &mut Setup) -> Result<Dedupe, String> {
        if config.by.is_empty() {
            return Err("by: no field; name at least one, or every event is a repetition".to_owned());
        }
        if config.max_keys == 0 {
            return Err("max_keys: 0 leaves nothing to compare with; write at least 1".to_owned());
        }
        let by = By::new(config.by, &[&config.into], setup)?;
        setup.tick_every(config.window.min(LATE).duration());
        let recent = Recent::new(config.max_keys, by.fixed() + REPORT);
        let mut dedupe = Dedupe { by, window: config.window, recent, now: 0, object: String::new() };
        dedupe.restore(setup.states())?;
        Ok(dedupe)
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        self.end_windows(event.now_ns(), |report| event.emit(report));
        let key = self.by.key(event);
        if is_missing(key) || key.len() > LONGEST {
            return Verdict::Keep;
        }
        let key = Key::new(key);
        if let Some(again) = self.recent.again(key) {
            *again += 1;
            return Verdict::Drop;
        }
        self.recent.add(key, self.now, 0);
        while let Some(entry) = self.recent.take_excess() {
            self.report(&entry, |report| event.emit(report));
        }
        Verdict::Keep
    }

    fn tick(&mut self, now_ns: u64, out: &mut Emitter) -> Result<(), String> {
        self.end_windows(now_ns, |report| out.emit(report));
        Ok(())
    }

    fn save(&self) -> Option<Vec<u8>> {
        let entries = self.recent.iter();
        let mut state = Writer::new("dedupe", STATE);
        state.text(&self.by.identity());
        state.number(entries.len() as u64);
        for entry in entries {
            state.text(&entry.key.text);
            state.number(entry.since);
            state.number(entry.again);
        }
        Some(state.finish())
    }

    fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
        // Whoever takes over has what was counted.
        if matches!(reason, Reason::Unload | Reason::Shutdown) {
            while let Some(entry) = self.recent.take() {
                self.report(&entry, |report| out.emit(report));
            }
        }
    }
}

impl Dedupe {
    /// Forgets what came a window ago or earlier.
    #[inline]
    fn end_windows(&mut self, now: u64, mut emit: impl FnMut(&str)) {
        self.now = self.now.max(now);
        // Before this time, exclusively: what came exactly a window ago is over.
        let Some(until) = self.now.checked_sub(self.window.ns()) else { return };
        while let Some(entry) = self.recent.take_before(until.saturating_add(1)) {
            self.report(&entry, &mut emit);
        }
    }

    fn report(&mut self, entry: &Entry, mut emit: impl FnMut(&str)) {
        if entry.again == 0 {
            return;
        }
        let report = format!("{{\"suppressed\":{},\"window\":\"{}\"}}", entry.again, self.window);
        self.object.clear();
        self.by.write(Some(&entry.key.text), &[&report], &mut self.object);
        emit(&self.object);
    }

    /// Goes on with what other instances knew. If that is more than there is room for, the next event brings the
    /// reports of what is forgotten.
    fn restore(&mut self, states: &[Vec<u8>]) -> Result<(), String> {
        let mut entries: Vec<(u64, &str, u64)> = Vec::new();
        for state in states {
            let mut state = Reader::new(state, "dedupe", STATE)?;
            state.same_by(&self.by)?;
            for _ in 0..state.number()? {
                let key = state.text()?;
                entries.push((state.number()?, key, state.number()?));
            }
        }
        entries.sort_unstable();
        for (since, key, again) in entries {
            let key = Key::new(key);
            match self.recent.again(key) {
                Some(known) => *known = known.saturating_add(again),
                None => self.recent.add(key, since, again),
            }
        }
        Ok(())
    }
}

export!(Dedupe);

#[cfg(test)]
mod tests;

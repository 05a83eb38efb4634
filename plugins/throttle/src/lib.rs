//! Lets so many events pass in a time, drops the others, and reports how many.
//!
//! ```toml
//! [[hook]]
//! name = "throttle"
//! plugin = "throttle"
//! [hook.grant]
//! read = ["service"]
//! drop = true                 # mode = "observe" does not need it
//! emit = true
//! [hook.config]
//! rate = "1000/min"           # needed; /s, /min, /h or /day
//! burst = 200                 # how many pass at once after a pause; by default the rate's number
//! by = ["service"]            # events with the same values here have a rate of their own; without, all share it
//! mode = "enforce"            # or "observe", which drops nothing
//! report = "1m"               # how often it reports; by default once in the rate's window
//! into = "throttle"           # where the report stands in the event that is emitted
//! max_keys = 10000            # how many values of `by` have a rate of their own
//! ```
//!
//! Time is the host's, when the batch is processed: a file that is read at full speed comes at once, whenever its
//! events were written. Each key has a token bucket that starts full.
//!
//! Each time, and at the end, one event is emitted for each key of which something was dropped since the last time, in
//! the order of the values' JSON texts:
//! `{"service":"api","throttle":{"mode":"enforce","rate":"1000/min","burst":200,"kept":1000,"dropped":57}}`.
//!
//! With `mode = "observe"` it is one event for all that was seen since the start:
//! `{"throttle":{"mode":"observe","rate":"1000/min","burst":200,"events":9000,"would_drop":450,`
//! `"would_drop_share":"5.00%","windows":12,"p50":700,"p99":1900,"max":1900}}`. Its rates are in the unit of `rate`: how
//! many events of a key came in a window of that length, over the windows and keys in which some came; above 255 they
//! are exact to one in 128. A window that the end cuts short counts as it is.
//!
//! A key whose bucket is full again is forgotten when room is needed. Keys beyond `max_keys`, or beyond 2 MiB of
//! reports, or of more than 1,024 bytes, share one more bucket of the same rate, reported with `"overflow":true`.
//!
//! One instance counts for all workers. A fresh instance goes on with what was saved last, so what an instance that
//! fails learned since, in about a second, is lost, and what it reported since is reported again.

mod bucket;
mod observe;

use std::time::Duration;

use bucket::{Bucket, Limit};
use hookaroon_flow::{By, Groups, Rate, Reader, Span, Writer};
use hookaroon_sdk::{Emitter, Event, Grant, Hook, Placement, Reason, Setup, Verdict, config, export};
use observe::Observed;

/// The version of the state.
const STATE: u64 = 1;

/// The longest report of a key, in bytes.
const REPORT: usize = 160;

/// How often it looks for keys to forget while there is no room, in nanoseconds: it looks at every key.
const SWEEP_EVERY: u64 = 1_000_000_000;

/// Drops events above a rate, for each key, and reports how many; or only observes the rate.
#[config]
#[derive(Debug)]
pub struct Config {
    /// How many events pass in what time, of each key: `"1000/min"`, with `/s`, `/min`, `/h` or `/day`.
    #[example("1000/min")]
    rate: Rate,
    /// How many pass at once after a pause, at least 1; by default the rate's number.
    burst: Option<u32>,
    /// Events with the same values in these fields have a rate of their own. Without any, all events share one.
    #[default([])]
    #[example(["service"])]
    by: Vec<String>,
    /// Whether events are dropped.
    #[default("enforce")]
    mode: Mode,
    /// How often it reports; by default once in the rate's window.
    report: Option<Span>,
    /// The path of the report in an event that is emitted.
    #[default("throttle")]
    into: String,
    /// How many keys have a rate of their own, at least 1. What is beyond shares one more.
    #[default(10000)]
    max_keys: u32,
}

/// Whether events are dropped.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// What is above the rate is dropped.
    Enforce,
    /// Nothing is dropped; the rates that were seen are reported, and what this rate would have dropped.
    Observe,
}

/// The hook.
#[derive(Debug)]
pub struct Throttle {
    by: By,
    /// How the limit is written in reports.
    limit_text: String,
    limit: Limit,
    buckets: Groups<Bucket>,
    /// The bucket of keys without room.
    overflow: Bucket,
    /// When keys were last forgotten, host time in nanoseconds.
    swept: u64,
    /// Only if that is the mode.
    observed: Option<Observed>,
}

impl Hook for Throttle {
    type Config = Config;
    const GRANT: Grant = Grant { read: &["{by}"], drop: true, emit: true, ..Grant::NONE };
    const PLACEMENT: Placement = Placement::Single;
    const MEMORY: Option<&'static str> = Some("16MiB");

    fn init(config: Config, setup: &mut Setup) -> Result<Throttle, String> {
        let Config { rate, by, mode, into, .. } = config;
        let burst = config.burst.unwrap_or(rate.count);
        if burst == 0 {
            return Err("burst: 0 lets nothing pass; write at least 1, or leave it out".to_owned());
        }
        if config.max_keys == 0 {
            return Err("max_keys: 0 leaves no key a rate of its own; write at least 1".to_owned());
        }
        let by = By::new(by, &[&into], setup)?;
        setup.tick_every(config.report.map_or(Duration::from_nanos(rate.per.ns()), Span::duration));
        let limit = Limit::new(rate, burst);
        let mut throttle = Throttle {
            limit_text: format!("\"rate\":\"{rate}\",\"burst\":{burst}"),
            limit,
            buckets: Groups::new(config.max_keys, by.fixed() + REPORT),
            by,
            overflow: Bucket::full(&limit, 0),
            swept: 0,
            observed: (mode == Mode::Observe).then(|| Observed::new(rate.per.ns())),
        };
        for state in setup.states() {
            throttle.restore(state)?;
        }
        Ok(throttle)
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        let now = event.now_ns();
        self.close_window(now);
        self.make_room(now);
        let limit = &self.limit;
        let bucket =
            self.buckets.of(self.by.key(event), || Bucket::full(limit, now)).unwrap_or(&mut self.overflow);
        let passes = bucket.take(limit, now);
        if let Some(observed) = &mut self.observed {
            bucket.seen += 1;
            observed.events += 1;
            observed.would_drop += u64::from(!passes);
            return Verdict::Keep;
        }
        if passes {
            bucket.kept += 1;
            Verdict::Keep
        } else {
            bucket.dropped += 1;
            Verdict::Drop
        }
    }

    fn tick(&mut self, now_ns: u64, out: &mut Emitter) -> Result<(), String> {
        self.close_window(now_ns);
        self.report(out);
        Ok(())
    }

    fn save(&self) -> Option<Vec<u8>> {
        let buckets = self.buckets.sorted();
        let mut state = Writer::new("throttle", STATE);
        state.text(&self.by.identity());
        save_bucket(&self.overflow, &mut state);
        state.number(buckets.len() as u64);
        for (key, bucket) in buckets {
            state.text(key);
            save_bucket(bucket, &mut state);
        }
        // What was observed is of one limit only.
        state.text(if self.observed.is_some() { &self.limit_text } else { "" });
        if let Some(observed) = &self.observed {
            observed.save(&mut state);
        }
        Some(state.finish())
    }

    fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
        // Whoever takes over has what was counted.
        if matches!(reason, Reason::Unload | Reason::Shutdown) {
            self.count_window();
            self.report(out);
        }
    }
}

impl Throttle {
    /// Notes how many events came, if a window is over.
    #[inline]
    fn close_window(&mut self, now: u64) {
        if self.observed.as_mut().is_some_and(|observed| observed.is_over(now)) {
            self.count_window();
        }
    }

    fn count_window(&mut self) {
        let Some(observed) = &mut self.observed else { return };
        for bucket in self.buckets.values_mut().chain([&mut self.overflow]) {
            observed.add(std::mem::take(&mut bucket.seen));
        }
    }

    /// Forgets keys that a new bucket would be as good for, if there was no room for one.
    #[inline]
    fn make_room(&mut self, now: u64) {
        if self.buckets.has_refused() && now.saturating_sub(self.swept) >= SWEEP_EVERY {
            self.swept = now;
            self.buckets.retain(|bucket| !bucket.is_as_new(&self.limit, now));
        }
    }

    fn report(&mut self, out: &mut Emitter) {
        let mut object = String::new();
        let dropped = self.buckets.sorted().into_iter().map(|(key, bucket)| (Some(key), bucket));
        for (key, bucket) in dropped.chain([(None, &self.overflow)]).filter(|(_, bucket)| bucket.dropped > 0)
        {
            let report = enforced(&self.limit_text, bucket, key.is_none());
            object.clear();
            self.by.write(key, &[&report], &mut object);
            out.emit(&object);
        }
        for bucket in self.buckets.values_mut().chain([&mut self.overflow]) {
            (bucket.kept, bucket.dropped) = (0, 0);
        }
        // Before the first window is over there is no rate to tell.
        if let Some(observed) = self.observed.as_ref().filter(|observed| observed.windows() > 0) {
            let report = format!(
                "{{\"mode\":\"observe\",{},\"events\":{},\"would_drop\":{},\"would_drop_share\":\"{}\",\
                 \"windows\":{},\"p50\":{},\"p99\":{},\"max\":{}}}",
                self.limit_text,
                observed.events,
                observed.would_drop,
                observed.share(),
                observed.windows(),
                observed.percentile(50),
                observed.percentile(99),
                observed.most()
            );
            object.clear();
            self.by.write(None, &[&report], &mut object);
            out.emit(&object);
        }
    }

    /// Goes on with what another instance knew.
    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let mut state = Reader::new(state, "throttle", STATE)?;
        state.same_by(&self.by)?;
        self.overflow.merge(&read_bucket(&mut state)?);
        let limit = &self.limit;
        for _ in 0..state.number()? {
            let key = state.text()?;
            let bucket = self.buckets.of(key, || Bucket::full(limit, 0)).unwrap_or(&mut self.overflow);
            bucket.merge(&read_bucket(&mut state)?);
        }
        let limit_text = state.text()?;
        match &mut self.observed {
            Some(observed) if limit_text == self.limit_text => observed.restore(&mut state)?,
            _ => {
                // Another limit: what is observed starts anew, the window that was under way included.
                for bucket in self.buckets.values_mut().chain([&mut self.overflow]) {
                    bucket.seen = 0;
                }
            }
        }
        Ok(())
    }
}

/// The report of a key of which events were dropped.
fn enforced(limit: &str, bucket: &Bucket, overflow: bool) -> String {
    let overflow = if overflow { ",\"overflow\":true" } else { "" };
    let Bucket { kept, dropped, .. } = bucket;
    format!("{{\"mode\":\"enforce\",{limit},\"kept\":{kept},\"dropped\":{dropped}{overflow}}}")
}

fn save_bucket(bucket: &Bucket, state: &mut Writer) {
    let Bucket { level, at, kept, dropped, seen } = *bucket;
    for number in [(level >> 64) as u64, level as u64, at, kept, dropped, seen] {
        state.number(number);
    }
}

fn read_bucket(state: &mut Reader<'_>) -> Result<Bucket, String> {
    let high = u128::from(state.number()?);
    let level = (high << 64) | u128::from(state.number()?);
    Ok(Bucket {
        level,
        at: state.number()?,
        kept: state.number()?,
        dropped: state.number()?,
        seen: state.number()?,
    })
}

export!(Throttle);

#[cfg(test)]
mod tests;

//! Runs a hook over events without WebAssembly, for its unit tests.
//!
//! Fields are read and written with serde_json, so this is about what a hook does; the host's own tests are about
//! how its edits are spliced. Metadata such as `%time` are read as absent, and grants are not checked. What is not
//! JSON is an error, be it an event or what the hook wrote or emitted.
//!
//! ```
//! # use hookaroon_sdk::{Event, Hook, NoConfig, Read, Setup, Text, Verdict, testing};
//! # struct Quiet(Read<Text>);
//! # impl Hook for Quiet {
//! #     type Config = NoConfig;
//! #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Quiet, String> {
//! #         Ok(Quiet(setup.read("level")))
//! #     }
//! #     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
//! #         if event.get(self.0) == Some("debug") { Verdict::Drop } else { Verdict::Keep }
//! #     }
//! # }
//! let ran = testing::run::<Quiet>("{}", &[r#"{"level":"debug"}"#, r#"{"level":"info"}"#])?;
//! assert_eq!(ran.events, [serde_json::json!({ "level": "info" })]);
//! # Ok::<(), String>(())
//! ```

mod fields;

use serde_json::Value;

use crate::bindings::hookaroon::hook::types as wit;
use crate::column::{Json, Kind, Readable};
use crate::export::Instance;
use crate::hook::Hook;

/// What came of a run.
///
/// ```
/// # use hookaroon_sdk::{Event, Hook, NoConfig, Read, Setup, Text, Verdict, testing};
/// # struct Picky(Read<Text>);
/// # impl Hook for Picky {
/// #     type Config = NoConfig;
/// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Picky, String> {
/// #         Ok(Picky(setup.read("id")))
/// #     }
/// #     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
/// #         if event.get(self.0).is_none() {
/// #             event.fail("it has no id");
/// #         }
/// #         Verdict::Keep
/// #     }
/// # }
/// let ran: testing::Ran = testing::run::<Picky>("{}", &[r#"{"id":"a"}"#, "{}"])?;
/// assert_eq!(ran.errors, [(1, "it has no id".to_owned())]);
/// assert_eq!((ran.events.len(), ran.saved, ran.last.len()), (2, None, 0));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Default)]
pub struct Ran {
    /// The events that were kept, as they are now, and after each what was emitted there.
    pub events: Vec<Value>,
    /// The rows that failed, and why. Their events are among the others, as the hook left them: what becomes of them is
    /// for the operator to say, with `on_error`.
    pub errors: Vec<(usize, String)>,
    /// What the hook saved afterwards.
    pub saved: Option<Vec<u8>>,
    /// The events of its teardown.
    pub last: Vec<Value>,
}

/// Runs a hook with this config over these events in one batch, JSON texts all, and ends it.
///
/// ```
/// # use hookaroon_sdk::{Event, Hook, NoConfig, Read, Setup, Text, Verdict, testing};
/// # struct Picky(Read<Text>);
/// # impl Hook for Picky {
/// #     type Config = NoConfig;
/// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Picky, String> {
/// #         Ok(Picky(setup.read("id")))
/// #     }
/// #     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
/// #         if event.get(self.0).is_none() {
/// #             event.fail("it has no id");
/// #         }
/// #         Verdict::Keep
/// #     }
/// # }
/// let ran = testing::run::<Picky>("{}", &[r#"{"id":"a"}"#])?;
/// assert_eq!(ran.events, [serde_json::json!({ "id": "a" })]);
/// # Ok::<(), String>(())
/// ```
pub fn run<H: Hook>(config: &str, events: &[&str]) -> Result<Ran, String> {
    let running: Running<H> = Running::start(config, Vec::new())?;
    let mut ran = running.batch(0, events)?;
    ran.saved = running.save();
    ran.last = running.end(wit::Reason::Shutdown)?;
    Ok(ran)
}

/// A hook that was started, for tests of what happens between batches.
///
/// ```
/// # use hookaroon_sdk::{Emitter, Event, Hook, NoConfig, Setup, Verdict, testing::Running};
/// # struct Count(u64);
/// # impl Hook for Count {
/// #     type Config = NoConfig;
/// #     fn init(_: NoConfig, _: &mut Setup) -> Result<Count, String> {
/// #         Ok(Count(0))
/// #     }
/// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
/// #         self.0 += 1;
/// #         Verdict::Keep
/// #     }
/// #     fn tick(&mut self, _: u64, out: &mut Emitter) -> Result<(), String> {
/// #         out.emit(&format!("{{\"count\":{}}}", self.0));
/// #         Ok(())
/// #     }
/// # }
/// let counting: Running<Count> = Running::start("{}", Vec::new())?;
/// counting.batch(0, &["{}"])?;
/// counting.batch(1, &["{}", "{}"])?;
/// assert_eq!(counting.tick(2)?, [serde_json::json!({ "count": 3 })]);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct Running<H> {
    instance: Instance<H>,
    interest: wit::Interest,
}

impl<H: Hook> Running<H> {
    /// Starts a hook with this config, a JSON text, and what earlier ones saved, as the only worker.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, NoConfig, Setup, Verdict, testing::Running};
    /// # struct Count(u64);
    /// # impl Hook for Count {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Count, String> {
    /// #         Ok(Count(setup.states().iter().map(|state| u64::from(state[0])).sum()))
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         Verdict::Keep
    /// #     }
    /// #     fn save(&self) -> Option<Vec<u8>> {
    /// #         Some(vec![self.0 as u8])
    /// #     }
    /// # }
    /// let saved = vec![40];
    /// let counting: Running<Count> = Running::start("{}", vec![saved])?;
    /// assert_eq!(counting.save(), Some(vec![40]));
    /// # Ok::<(), String>(())
    /// ```
    pub fn start(config: &str, states: Vec<Vec<u8>>) -> Result<Running<H>, String> {
        let instance: Instance<H> = Instance::new();
        let setup =
            wit::Setup { config: config.to_owned(), states, worker: 0, workers: 1, extra: Vec::new() };
        let interest = instance.init(setup)?;
        Ok(Running { instance, interest })
    }

    /// Hands it these events, JSON texts, at this time. Of what came of it, only the events and errors are set.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, Integer, NoConfig, Setup, Verdict, Write, testing::Running};
    /// # struct Stamp(Write<Integer>);
    /// # impl Hook for Stamp {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Stamp, String> {
    /// #         Ok(Stamp(setup.write("at")))
    /// #     }
    /// #     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
    /// #         event.set(self.0, event.now_ns() as i64);
    /// #         Verdict::Keep
    /// #     }
    /// # }
    /// let stamping: Running<Stamp> = Running::start("{}", Vec::new())?;
    /// let ran = stamping.batch(1_700_000_000, &[r#"{"a":1}"#])?;
    /// assert_eq!(ran.events, [serde_json::json!({ "a": 1, "at": 1_700_000_000 })]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn batch(&self, now_ns: u64, events: &[&str]) -> Result<Ran, String> {
        let rows: Vec<Value> = events.iter().map(|event| parse(event)).collect::<Result<_, String>>()?;
        let columns = self.interest.read.iter().map(|field| fields::column(field, events, &rows)).collect();
        let outcome = self.instance.process(&wit::Batch { now_ns, rows: rows.len() as u32, columns })?;
        let emitted = parse_all(outcome.emit.events)?;
        let mut emitted = outcome.emit.after.into_iter().zip(emitted).peekable();
        let mut ran = Ran::default();
        for (index, mut event) in rows.into_iter().enumerate() {
            for (field, column) in self.interest.write.iter().zip(&outcome.writes) {
                fields::write(&mut event, field, column, index)?;
            }
            if outcome.keep.get(index).is_none_or(|keep| *keep == 1) {
                ran.events.push(event);
            }
            while let Some((_, event)) = emitted.next_if(|(after, _)| *after as usize == index) {
                ran.events.push(event);
            }
        }
        ran.errors = outcome.errors.into_iter().map(|error| (error.row as usize, error.message)).collect();
        Ok(ran)
    }

    /// Ticks at this time; what it emitted.
    ///
    /// ```
    /// # use hookaroon_sdk::{Emitter, Event, Hook, NoConfig, Setup, Verdict, testing::Running};
    /// # struct Count(u64);
    /// # impl Hook for Count {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, _: &mut Setup) -> Result<Count, String> {
    /// #         Ok(Count(0))
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         Verdict::Keep
    /// #     }
    /// #     fn tick(&mut self, _: u64, out: &mut Emitter) -> Result<(), String> {
    /// #         out.emit(&format!("{{\"count\":{}}}", self.0));
    /// #         Ok(())
    /// #     }
    /// # }
    /// let counting: Running<Count> = Running::start("{}", Vec::new())?;
    /// assert_eq!(counting.tick(0)?, [serde_json::json!({ "count": 0 })]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn tick(&self, now_ns: u64) -> Result<Vec<Value>, String> {
        parse_all(self.instance.tick(now_ns)?.events)
    }

    /// What it saves.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, NoConfig, Setup, Verdict, testing::Running};
    /// # struct Count(u64);
    /// # impl Hook for Count {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, _: &mut Setup) -> Result<Count, String> {
    /// #         Ok(Count(0))
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         self.0 += 1;
    /// #         Verdict::Keep
    /// #     }
    /// #     fn save(&self) -> Option<Vec<u8>> {
    /// #         Some(vec![self.0 as u8])
    /// #     }
    /// # }
    /// let counting: Running<Count> = Running::start("{}", Vec::new())?;
    /// counting.batch(0, &["{}", "{}"])?;
    /// assert_eq!(counting.save(), Some(vec![2]));
    /// # Ok::<(), String>(())
    /// ```
    pub fn save(&self) -> Option<Vec<u8>> {
        self.instance.save()
    }

    /// Ends it; what it emitted.
    ///
    /// ```
    /// # use hookaroon_sdk::{Emitter, Event, Hook, NoConfig, Reason, Setup, Verdict, testing::Running};
    /// # struct Count(u64);
    /// # impl Hook for Count {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, _: &mut Setup) -> Result<Count, String> {
    /// #         Ok(Count(0))
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         Verdict::Keep
    /// #     }
    /// #     fn teardown(&mut self, _: Reason, out: &mut Emitter) {
    /// #         out.emit(&format!("{{\"count\":{}}}", self.0));
    /// #     }
    /// # }
    /// let counting: Running<Count> = Running::start("{}", Vec::new())?;
    /// assert_eq!(counting.end(Reason::Shutdown)?, [serde_json::json!({ "count": 0 })]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn end(self, reason: wit::Reason) -> Result<Vec<Value>, String> {
        parse_all(self.instance.teardown(reason).events)
    }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))
}

/// The events of an emission.
fn parse_all(events: wit::BytesValues) -> Result<Vec<Value>, String> {
    let rows = events.ends.len();
    let events = wit::Values::Json(events);
    let events = Readable::of(&events, &[]);
    (0..rows).map(|row| parse(Json::get(&events, row).ok_or("what was emitted is not UTF-8")?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Emitter, Event, Float, Integer, Mark, NoConfig, Reason, Setup, Text, Verdict, Write};
    use serde_json::json;

    /// Does to each event what its `do` says, and counts.
    #[derive(Debug)]
    struct Puppet {
        what: crate::Read<Text>,
        integer: crate::Read<Integer>,
        quoted: Write<Float>,
        object: Write<Json>,
        count: u64,
    }

    impl Hook for Puppet {
        type Config = NoConfig;

        fn init(_config: NoConfig, setup: &mut Setup) -> Result<Puppet, String> {
            setup.tick_every(std::time::Duration::from_millis(1500));
            Ok(Puppet {
                what: setup.read("do"),
                integer: setup.read("n"),
                quoted: setup.write("a.\"b.c\""),
                object: setup.write("o"),
                count: setup.states().iter().filter_map(|state| state.first()).map(|n| u64::from(*n)).sum(),
            })
        }

        fn process(&mut self, event: &mut Event<'_>) -> Verdict {
            self.count += 1;
            match event.get(self.what) {
                Some("drop") => return Verdict::Drop,
                Some("set") => event.set(self.quoted, 0.5),
                Some("null") => event.set_null(self.object),
                Some("remove") => event.remove(self.object),
                Some("merge") => event.merge(self.object, "{\"x\":1}"),
                Some("fail") => event.fail("told to"),
                Some("emit") => event.emit("{\"new\":true}"),
                Some("integer") => {
                    let integer = event.get(self.integer).map_or("none".to_owned(), |n| n.to_string());
                    event.set(
                        self.object,
                        &format!("[{integer:?},{:?}]", event.mark(self.integer) == Mark::Other),
                    );
                }
                _ => {}
            }
            Verdict::Keep
        }

        fn process_batch(&mut self, batch: &mut Batch<'_>) -> Result<(), String> {
            if batch.now_ns() == 13 {
                return Err("an unlucky time".to_owned());
            }
            while let Some(mut event) = batch.next_event() {
                if self.process(&mut event) == Verdict::Drop {
                    event.drop_it();
                }
            }
            Ok(())
        }

        fn tick(&mut self, now_ns: u64, out: &mut Emitter) -> Result<(), String> {
            out.emit(&format!("{{\"now\":{now_ns}}}"));
            Ok(())
        }

        fn save(&self) -> Option<Vec<u8>> {
            Some(vec![self.count as u8])
        }

        fn teardown(&mut self, _reason: Reason, out: &mut Emitter) {
            out.emit(&format!("{{\"count\":{}}}", self.count));
        }
    }

    fn one(event: Value) -> Value {
        run::<Puppet>("{}", &[&event.to_string()]).unwrap().events.remove(0)
    }

    #[test]
    fn every_edit_is_made() {
        assert_eq!(one(json!({"do":"set"})), json!({"do":"set","a":{"b.c":0.5}}));
        assert_eq!(one(json!({"do":"null","o":1})), json!({"do":"null","o":null}));
        assert_eq!(one(json!({"do":"remove","o":1})), json!({"do":"remove"}));
        assert_eq!(one(json!({"do":"merge","o":{"y":2}}))["o"], json!({"x":1,"y":2}));
        assert_eq!(one(json!({"do":"integer","n":12.0}))["o"], json!(["12", false]));
        assert_eq!(one(json!({"do":"integer","n":0.5}))["o"], json!(["none", true]));
    }

    #[test]
    fn rows_keep_their_order_and_an_untouched_batch_sends_nothing_back() {
        let ran =
            run::<Puppet>("{}", &["{\"do\":\"emit\"}", "{\"do\":\"drop\"}", "{\"do\":\"fail\"}"]).unwrap();
        assert_eq!(ran.events, [json!({"do":"emit"}), json!({"new":true}), json!({"do":"fail"})]);
        assert_eq!(ran.errors, [(2, "told to".to_owned())]);

        let running: Running<Puppet> = Running::start("{}", Vec::new()).unwrap();
        let columns = running.interest.read.iter().map(|field| fields::column(field, &["{}"], &[json!({})]));
        let batch = wit::Batch { now_ns: 0, rows: 1, columns: columns.collect() };
        let outcome = running.instance.process(&batch).unwrap();
        assert!(outcome.keep.is_empty() && outcome.writes.is_empty() && outcome.errors.is_empty());
        assert_eq!(running.interest.tick_ms, Some(1500));
    }

    #[test]
    fn a_state_is_taken_over_and_errors_reach_the_test() {
        let running: Running<Puppet> = Running::start("{}", vec![vec![40], vec![1]]).unwrap();
        running.batch(1, &["{}"]).unwrap();
        assert_eq!(running.batch(13, &["{}"]).unwrap_err(), "an unlucky time");
        assert_eq!(running.tick(7).unwrap(), [json!({"now":7})]);
        assert_eq!(running.save(), Some(vec![42]));
        assert_eq!(running.end(Reason::Swap).unwrap(), [json!({"count":42})]);
        assert!(Running::<Puppet>::start("{\"x\":1}", Vec::new()).unwrap_err().contains("unknown field `x`"));
    }
}

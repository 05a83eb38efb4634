//! What a hook is.
//!
//! The host never calls two of these at once in one instance. A call that traps or oversteps a limit ends its
//! instance; a fresh one starts with the last save.

use serde::de::DeserializeOwned;

use crate::bindings::hookaroon::hook::types::{Placement, Reason};
use crate::event::{Batch, Emitter, Event};
use crate::manifest::Grant;
use crate::schema::Schema;
use crate::setup::Setup;

/// What becomes of an event.
///
/// ```
/// # use hookaroon_sdk::Verdict;
/// fn only_if(wanted: bool) -> Verdict {
///     if wanted { Verdict::Keep } else { Verdict::Drop }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Keep,
    /// It ends here. Needs the grant `drop`.
    Drop,
}

/// A hook. One value of it lives in each instance, and is never called twice at once.
///
/// ```
/// use hookaroon_sdk::{Emitter, Event, Grant, Hook, NoConfig, Placement, Reason, Setup, Verdict, export};
///
/// /// Counts events, and says how many at the end and every minute.
/// struct Count(u64);
///
/// impl Hook for Count {
///     type Config = NoConfig;
///     const GRANT: Grant = Grant { emit: true, ..Grant::NONE };
///     const PLACEMENT: Placement = Placement::Single;
///     const MEMORY: Option<&'static str> = Some("2MiB");
///
///     fn init(_: NoConfig, setup: &mut Setup) -> Result<Count, String> {
///         setup.tick_every(std::time::Duration::from_secs(60));
///         let saved = setup.states().first().and_then(|state| state.as_slice().try_into().ok());
///         Ok(Count(saved.map_or(0, u64::from_le_bytes)))
///     }
///
///     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
///         self.0 += 1;
///         Verdict::Keep
///     }
///
///     fn tick(&mut self, _now_ns: u64, out: &mut Emitter) -> Result<(), String> {
///         out.emit(&format!("{{\"count\":{}}}", self.0));
///         Ok(())
///     }
///
///     fn save(&self) -> Option<Vec<u8>> {
///         Some(self.0.to_le_bytes().to_vec())
///     }
///
///     fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
///         if reason == Reason::Shutdown {
///             out.emit(&format!("{{\"count\":{}}}", self.0));
///         }
///     }
/// }
///
/// export!(Count);
/// # fn main() {}
/// ```
pub trait Hook: Sized + 'static {
    /// Its `[hook.config]`, a type under [`#[config]`](macro@crate::config); [`NoConfig`](crate::NoConfig) for none.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, Read, Setup, Text, Verdict, config, testing};
    /// #[config]
    /// struct Config {
    ///     /// The field that tells how bad an event is.
    ///     #[default("level")]
    ///     level: String,
    /// }
    ///
    /// # struct Quiet(Read<Text>);
    /// impl Hook for Quiet {
    ///     type Config = Config;
    /// #     fn init(config: Config, setup: &mut Setup) -> Result<Quiet, String> {
    /// #         Ok(Quiet(setup.read(&config.level)))
    /// #     }
    /// #     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
    /// #         if event.get(self.0) == Some("debug") { Verdict::Drop } else { Verdict::Keep }
    /// #     }
    /// }
    ///
    /// # fn main() -> Result<(), String> {
    /// let ran = testing::run::<Quiet>(r#"{"level":"severity"}"#, &[r#"{"severity":"debug"}"#])?;
    /// assert!(ran.events.is_empty());
    /// assert!(testing::run::<Quiet>(r#"{"levl":"severity"}"#, &[]).is_err());
    /// # Ok(())
    /// # }
    /// ```
    type Config: DeserializeOwned + Schema;

    /// The grant that it needs. It is written into the plugin's manifest, where `inspect` shows it
    /// and `pipe` takes it from; what the operator grants is what counts.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Grant, Hook, NoConfig, Read, Setup, Text, Verdict};
    /// # struct Quiet(Read<Text>);
    /// impl Hook for Quiet {
    /// #     type Config = NoConfig;
    ///     const GRANT: Grant = Grant { read: &["level"], drop: true, ..Grant::NONE };
    /// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Quiet, String> {
    /// #         Ok(Quiet(setup.read("level")))
    /// #     }
    /// #     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
    /// #         if event.get(self.0) == Some("debug") { Verdict::Drop } else { Verdict::Keep }
    /// #     }
    /// }
    /// assert!(Quiet::GRANT.drop && !Quiet::GRANT.emit);
    /// ```
    const GRANT: Grant = Grant::NONE;

    /// Where its instances live: one for each worker, or a single one for what means the whole flow, such as a
    /// counter.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, NoConfig, Placement, Setup, Verdict};
    /// # struct Count;
    /// impl Hook for Count {
    /// #     type Config = NoConfig;
    ///     const PLACEMENT: Placement = Placement::Single;
    /// #     fn init(_: NoConfig, _: &mut Setup) -> Result<Count, String> {
    /// #         Ok(Count)
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         Verdict::Keep
    /// #     }
    /// }
    /// assert_eq!(Count::PLACEMENT, Placement::Single);
    /// ```
    const PLACEMENT: Placement = Placement::EveryWorker;

    /// The smallest memory that it runs with, if that is known: `Some("8MiB")`.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, NoConfig, Setup, Verdict};
    /// # struct Table;
    /// impl Hook for Table {
    /// #     type Config = NoConfig;
    ///     const MEMORY: Option<&'static str> = Some("8MiB");
    /// #     fn init(_: NoConfig, _: &mut Setup) -> Result<Table, String> {
    /// #         Ok(Table)
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         Verdict::Keep
    /// #     }
    /// }
    /// assert_eq!(Table::MEMORY, Some("8MiB"));
    /// ```
    const MEMORY: Option<&'static str> = None;

    /// Starts with its config and says through `setup` what it reads and writes. An error refuses the config; its
    /// message reaches the operator.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, Integer, Read, Setup, Verdict, Write, Boolean, config, testing};
    /// # struct Slow { duration: Read<Integer>, slow: Write<Boolean>, over: i64 }
    /// # #[config]
    /// # struct Config { over_ms: i64 }
    /// # impl Hook for Slow {
    /// #     type Config = Config;
    /// fn init(config: Config, setup: &mut Setup) -> Result<Slow, String> {
    ///     if config.over_ms < 0 {
    ///         return Err(format!("over_ms is {}; write 0 or more", config.over_ms));
    ///     }
    ///     Ok(Slow { duration: setup.read("duration_ms"), slow: setup.write("slow"), over: config.over_ms })
    /// }
    /// #     fn process(&mut self, event: &mut Event<'_>) -> Verdict {
    /// #         let slow = event.get(self.duration).is_some_and(|ms| ms > self.over);
    /// #         event.set(self.slow, slow);
    /// #         Verdict::Keep
    /// #     }
    /// # }
    /// # fn main() {
    /// let refused = testing::run::<Slow>(r#"{"over_ms":-1}"#, &[]);
    /// assert_eq!(refused.unwrap_err(), "over_ms is -1; write 0 or more");
    /// # }
    /// ```
    fn init(config: Self::Config, setup: &mut Setup) -> Result<Self, String>;

    /// Looks at one event.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, NoConfig, Read, Setup, Text, Verdict, Write, testing};
    /// # struct Tidy { level: Read<Text>, password: Write<Text> }
    /// # impl Hook for Tidy {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Tidy, String> {
    /// #         Ok(Tidy { level: setup.read("level"), password: setup.write("password") })
    /// #     }
    /// fn process(&mut self, event: &mut Event<'_>) -> Verdict {
    ///     if event.get(self.level) == Some("debug") {
    ///         return Verdict::Drop;
    ///     }
    ///     event.remove(self.password);
    ///     Verdict::Keep
    /// }
    /// # }
    /// # let ran = testing::run::<Tidy>("{}", &[r#"{"level":"debug"}"#, r#"{"level":"info","password":"x"}"#])?;
    /// # assert_eq!(ran.events, [serde_json::json!({ "level": "info" })]);
    /// # Ok::<(), String>(())
    /// ```
    fn process(&mut self, event: &mut Event<'_>) -> Verdict;

    /// Looks at a batch of events; by default at one after the other. An error fails the whole batch, which is
    /// then tried once more on a fresh instance.
    ///
    /// ```
    /// # use hookaroon_sdk::{Batch, Event, Hook, Integer, NoConfig, Setup, Verdict, Write, testing};
    /// # struct Stamp(Write<Integer>);
    /// # impl Hook for Stamp {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Stamp, String> {
    /// #         Ok(Stamp(setup.write("batch")))
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         Verdict::Keep
    /// #     }
    /// fn process_batch(&mut self, batch: &mut Batch<'_>) -> Result<(), String> {
    ///     let rows = batch.rows() as i64;
    ///     while let Some(mut event) = batch.next_event() {
    ///         event.set(self.0, rows);
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// # let ran = testing::run::<Stamp>("{}", &["{}", "{}"])?;
    /// # assert_eq!(ran.events, [serde_json::json!({ "batch": 2 }), serde_json::json!({ "batch": 2 })]);
    /// # Ok::<(), String>(())
    /// ```
    fn process_batch(&mut self, batch: &mut Batch<'_>) -> Result<(), String> {
        while let Some(mut event) = batch.next_event() {
            if self.process(&mut event) == Verdict::Drop {
                event.drop_it();
            }
        }
        Ok(())
    }

    /// Called about as often as [`Setup::tick_every`] asked for, between batches. `now_ns` is host time in
    /// nanoseconds since 1970.
    ///
    /// ```
    /// # use hookaroon_sdk::{Emitter, Event, Hook, NoConfig, Setup, Verdict, testing::Running};
    /// # struct Count(u64);
    /// # impl Hook for Count {
    /// #     type Config = NoConfig;
    /// #     fn init(_: NoConfig, setup: &mut Setup) -> Result<Count, String> {
    /// #         setup.tick_every(std::time::Duration::from_secs(60));
    /// #         Ok(Count(0))
    /// #     }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         self.0 += 1;
    /// #         Verdict::Keep
    /// #     }
    /// fn tick(&mut self, now_ns: u64, out: &mut Emitter) -> Result<(), String> {
    ///     out.emit(&format!("{{\"count\":{},\"at\":{}}}", self.0, now_ns / 1_000_000_000));
    ///     self.0 = 0;
    ///     Ok(())
    /// }
    /// # }
    /// # let running: Running<Count> = Running::start("{}", Vec::new())?;
    /// # running.batch(0, &["{}", "{}"])?;
    /// # assert_eq!(running.tick(60_000_000_000)?, [serde_json::json!({ "count": 2, "at": 60 })]);
    /// # Ok::<(), String>(())
    /// ```
    fn tick(&mut self, now_ns: u64, out: &mut Emitter) -> Result<(), String> {
        let _ = (now_ns, out);
        Ok(())
    }

    /// What a successor must know, at most a quarter of the memory cap. It comes back through [`Setup::states`].
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Hook, NoConfig, Setup, Verdict, testing::Running};
    /// # struct Count(u64);
    /// # impl Hook for Count {
    /// #     type Config = NoConfig;
    /// fn init(_: NoConfig, setup: &mut Setup) -> Result<Count, String> {
    ///     let saved = setup.states().iter().filter_map(|state| state.as_slice().try_into().ok());
    ///     Ok(Count(saved.map(u64::from_le_bytes).sum()))
    /// }
    ///
    /// fn save(&self) -> Option<Vec<u8>> {
    ///     Some(self.0.to_le_bytes().to_vec())
    /// }
    /// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
    /// #         self.0 += 1;
    /// #         Verdict::Keep
    /// #     }
    /// # }
    /// # let before: Running<Count> = Running::start("{}", Vec::new())?;
    /// # before.batch(0, &["{}", "{}"])?;
    /// # let after: Running<Count> = Running::start("{}", before.save().into_iter().collect())?;
    /// # after.batch(0, &["{}"])?;
    /// # assert_eq!(after.save(), Some(3u64.to_le_bytes().to_vec()));
    /// # Ok::<(), String>(())
    /// ```
    fn save(&self) -> Option<Vec<u8>> {
        None
    }

    /// The end: the last chance to emit what it still holds.
    ///
    /// ```
    /// # use hookaroon_sdk::{Emitter, Event, Hook, NoConfig, Reason, Setup, Verdict, testing};
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
    /// fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
    ///     // After a swap or a recycling, a successor counts on from what was saved.
    ///     if matches!(reason, Reason::Shutdown | Reason::Unload) {
    ///         out.emit(&format!("{{\"count\":{}}}", self.0));
    ///     }
    /// }
    /// # }
    /// # let ran = testing::run::<Count>("{}", &["{}", "{}"])?;
    /// # assert_eq!(ran.last, [serde_json::json!({ "count": 2 })]);
    /// # Ok::<(), String>(())
    /// ```
    fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
        let _ = (reason, out);
    }
}

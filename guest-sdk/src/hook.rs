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
    type Config: DeserializeOwned + Schema;

    /// The grant that it needs. It is written into the plugin's manifest, where `inspect` shows it
    /// and `pipe` takes it from; what the operator grants is what counts.
    const GRANT: Grant = Grant::NONE;

    /// Where its instances live: one for each worker, or a single one for what means the whole flow, such as a
    /// counter.
    const PLACEMENT: Placement = Placement::EveryWorker;

    /// The smallest memory that it runs with, if that is known: `Some("8MiB")`.
    const MEMORY: Option<&'static str> = None;

    /// Starts with its config and says through `setup` what it reads and writes. An error refuses the config; its
    /// message reaches the operator.
    fn init(config: Self::Config, setup: &mut Setup) -> Result<Self, String>;

    /// Looks at one event.
    fn process(&mut self, event: &mut Event<'_>) -> Verdict;

    /// Looks at a batch of events; by default at one after the other. An error fails the whole batch, which is
    /// then tried once more on a fresh instance.
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
    fn tick(&mut self, now_ns: u64, out: &mut Emitter) -> Result<(), String> {
        let _ = (now_ns, out);
        Ok(())
    }

    /// What a successor must know, at most a quarter of the memory cap. It comes back through [`Setup::states`].
    fn save(&self) -> Option<Vec<u8>> {
        None
    }

    /// The end: the last chance to emit what it still holds.
    fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
        let _ = (reason, out);
    }
}

//! What a hook starts with, and what it asks for.
//!
//! Asking for more than the operator granted, or for paths that overlap, is refused by the host when init returns.

use std::marker::PhantomData;
use std::time::Duration;

use crate::bindings::hookaroon::hook::types as wit;
use crate::column::{Json, Kind};

/// A field that the hook reads, among its other ones.
///
/// ```
/// # use hookaroon_sdk::{Integer, Read, Setup};
/// fn duration(setup: &mut Setup) -> Read<Integer> {
///     setup.read("duration_ms")
/// }
/// ```
#[derive(Debug)]
pub struct Read<K> {
    pub(crate) index: usize,
    kind: PhantomData<K>,
}

/// A field that the hook writes, among its other ones.
///
/// ```
/// # use hookaroon_sdk::{Setup, Text, Write};
/// fn country(setup: &mut Setup) -> Write<Text> {
///     setup.write("geo.country")
/// }
/// ```
#[derive(Debug)]
pub struct Write<K> {
    pub(crate) index: usize,
    kind: PhantomData<K>,
}

impl<K> Clone for Read<K> {
    fn clone(&self) -> Read<K> {
        *self
    }
}

impl<K> Copy for Read<K> {}

impl<K> Clone for Write<K> {
    fn clone(&self) -> Write<K> {
        *self
    }
}

impl<K> Copy for Write<K> {}

/// What a hook is handed at init, and takes its fields from.
///
/// ```
/// # use hookaroon_sdk::{Read, Setup, Text, Write};
/// fn fields(setup: &mut Setup) -> (Read<Text>, Write<Text>) {
///     (setup.read("client_ip"), setup.write("country"))
/// }
/// ```
#[derive(Debug)]
pub struct Setup {
    states: Vec<Vec<u8>>,
    worker: u32,
    workers: u32,
    interest: wit::Interest,
}

impl Setup {
    pub(crate) fn new(setup: wit::Setup, placement: wit::Placement) -> Setup {
        let interest = wit::Interest {
            read: Vec::new(),
            write: Vec::new(),
            tick_ms: None,
            placement,
            extra: Vec::new(),
        };
        Setup { states: setup.states, worker: setup.worker, workers: setup.workers, interest }
    }

    pub(crate) fn into_interest(self) -> wit::Interest {
        self.interest
    }

    /// Reads the field at `path`: `geo.country`, `resource."service.name"`, `%time`. The operator must grant it.
    ///
    /// ```
    /// # use hookaroon_sdk::{Integer, Read, Setup, Text};
    /// fn fields(setup: &mut Setup) -> (Read<Text>, Read<Integer>) {
    ///     (setup.read("resource.\"service.name\""), setup.read("%time"))
    /// }
    /// ```
    pub fn read<K: Kind>(&mut self, path: &str) -> Read<K> {
        self.interest.read.push(wit::Field { path: path.to_owned(), kind: K::KIND });
        Read { index: self.interest.read.len() - 1, kind: PhantomData }
    }

    /// Writes the field at `path`. The operator must grant it; no two written fields may overlap.
    ///
    /// ```
    /// # use hookaroon_sdk::{Boolean, Setup, Write};
    /// fn slow(setup: &mut Setup) -> Write<Boolean> {
    ///     setup.write("slow")
    /// }
    /// ```
    pub fn write<K: Kind>(&mut self, path: &str) -> Write<K> {
        self.interest.write.push(wit::Field { path: path.to_owned(), kind: K::KIND });
        Write { index: self.interest.write.len() - 1, kind: PhantomData }
    }

    /// Reads the text of the whole event. Needs the grant `"."`.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Json, Read, Setup};
    /// fn whole(setup: &mut Setup) -> Read<Json> {
    ///     setup.read_event()
    /// }
    /// fn bytes(event: &Event<'_>, whole: Read<Json>) -> usize {
    ///     event.get(whole).map_or(0, str::len)
    /// }
    /// ```
    pub fn read_event(&mut self) -> Read<Json> {
        self.read(".")
    }

    /// Replaces the whole event, or merges an object into it. Needs the grant `"."`.
    ///
    /// ```
    /// # use hookaroon_sdk::{Event, Json, Setup, Write};
    /// fn whole(setup: &mut Setup) -> Write<Json> {
    ///     setup.write_event()
    /// }
    /// fn parsed(event: &mut Event<'_>, whole: Write<Json>) {
    ///     event.merge(whole, r#"{"method":"GET","status":200}"#);
    /// }
    /// ```
    pub fn write_event(&mut self) -> Write<Json> {
        self.write(".")
    }

    /// Asks for [`Hook::tick`](crate::Hook::tick) about this often, at least every millisecond.
    ///
    /// ```
    /// # use hookaroon_sdk::Setup;
    /// fn every_minute(setup: &mut Setup) {
    ///     setup.tick_every(std::time::Duration::from_secs(60));
    /// }
    /// ```
    pub fn tick_every(&mut self, time: Duration) {
        self.interest.tick_ms = Some(u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1));
    }

    /// Where the hook's instances live, if that depends on its config; by default
    /// [`Hook::PLACEMENT`](crate::Hook::PLACEMENT).
    ///
    /// ```
    /// # use hookaroon_sdk::{Placement, Setup};
    /// fn placed(setup: &mut Setup, exact: bool) {
    ///     if exact {
    ///         setup.place(Placement::Single);
    ///     }
    /// }
    /// ```
    pub fn place(&mut self, placement: wit::Placement) {
        self.interest.placement = placement;
    }

    /// What earlier instances saved. Empty: a first start.
    ///
    /// ```
    /// # use hookaroon_sdk::Setup;
    /// fn counted_before(setup: &Setup) -> u64 {
    ///     let counts = setup.states().iter().filter_map(|state| state.as_slice().try_into().ok());
    ///     counts.map(u64::from_le_bytes).sum()
    /// }
    /// ```
    pub fn states(&self) -> &[Vec<u8>] {
        &self.states
    }

    /// This worker's number, from 0.
    ///
    /// ```
    /// # use hookaroon_sdk::Setup;
    /// fn is_first(setup: &Setup) -> bool {
    ///     setup.worker() == 0
    /// }
    /// ```
    pub fn worker(&self) -> u32 {
        self.worker
    }

    /// How many workers there are.
    ///
    /// ```
    /// # use hookaroon_sdk::Setup;
    /// fn my_share(all: u64, setup: &Setup) -> u64 {
    ///     all / u64::from(setup.workers())
    /// }
    /// ```
    pub fn workers(&self) -> u32 {
        self.workers
    }
}

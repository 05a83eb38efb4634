//! One instance of a hook: its Store, its calls, its end.
//!
//! A call takes the instance and gives it back only if it succeeded, because a Store that trapped can never be
//! entered again and one whose guest lied is not worth it. Whoever loses an instance starts a fresh one from the
//! [`Blueprint`] with the last save.
//!
//! Bounds: the memory cap over all memories and tables, CPU time for each call, the bytes of lists lifted by one
//! call, handles, and the counts in [`limits`](super::limits).

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store, Trap};

use super::backtrace;
use super::bindings::hookaroon::hook::types::{Batch, Emission, Interest, Outcome, Reason, Setup};
use super::bindings::{BoundHook, BoundHookPre};
use super::failure::{Cost, Failure, FailureKind};
use super::host_api::{HookLog, printable};
use super::limits::{Deadline, Limits, Meter};
use super::wasi::{self, World};
use crate::config;
use crate::metrics::LogMetrics;

/// How many handles an instance holds; hooks need none yet.
pub const MAX_HANDLES: usize = 1024;

/// How much of a failure's message is kept.
const MAX_MESSAGE: usize = 4096;

/// How a panic, which ends in `unreachable`, gets its message to the operator. Whether it was one is not known here.
const PANIC: &str = "; after a panic, its message is in the log if init called hookaroon_sdk::log::panics(), which \
                     needs imports = [\"log\"] in [hook.grant]";

/// What an instance is made from, again and again.
pub struct Blueprint {
    pre: BoundHookPre<Guest>,
    limits: Limits,
    config: String,
    name: String,
    /// The host interfaces that it may call.
    granted: Vec<String>,
    log: Arc<HookLog>,
    workers: u32,
}

/// What the host keeps in an instance's Store.
pub(crate) struct Guest {
    meter: Meter,
    output_bytes: usize,
    deadline: Deadline,
    pub(crate) world: World,
    pub(crate) log: Arc<HookLog>,
}

/// A running instance.
pub struct Instance {
    store: Store<Guest>,
    hook: BoundHook,
    limits: Limits,
}

impl Blueprint {
    /// A blueprint of this hook. Fails if the component's imports or types are not those of the contract.
    pub fn new(
        engine: &Engine,
        component: &Component,
        hook: &config::Hook,
        limits: Limits,
        workers: u32,
    ) -> wasmtime::Result<Blueprint> {
        let mut linker = Linker::new(engine);
        wasi::link(&mut linker, component, engine)?;
        BoundHook::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        let pre = BoundHookPre::new(linker.instantiate_pre(component)?)?;
        let log = Arc::new(HookLog::new(&hook.name, limits.log));
        let (name, config, granted) = (hook.name.clone(), hook.config.clone(), hook.grant.imports.clone());
        Ok(Blueprint { pre, limits, config, name, granted, log, workers })
    }

    /// The limits of each of its instances.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same for a hook whose limits and grants are others now; what it wrote to the log goes on being counted.
    pub(crate) fn adapted(&self, hook: &config::Hook, limits: Limits) -> Blueprint {
        let log = match limits.log == self.limits.log {
            true => self.log.clone(),
            false => Arc::new(self.log.at_rate(limits.log)),
        };
        Blueprint {
            pre: self.pre.clone(),
            limits,
            config: self.config.clone(),
            name: self.name.clone(),
            granted: hook.grant.imports.clone(),
            log,
            workers: self.workers,
        }
    }

    /// What its instances wrote to the log.
    pub(crate) fn log_metrics(&self) -> Arc<LogMetrics> {
        self.log.metrics()
    }

    /// A fresh instance, initialised with what earlier ones saved, and what it asks for.
    pub fn start(&self, worker: u32, states: &[&[u8]]) -> Result<(Instance, Interest), Failure> {
        let guest = Guest {
            meter: Meter::new(self.limits.memory_bytes),
            output_bytes: self.limits.output.bytes,
            deadline: Deadline::start("init_deadline", self.limits.init),
            world: World::new(&self.name, &self.granted, &self.log),
            log: self.log.clone(),
        };
        let mut store = limited(self.pre.engine(), guest);
        let hook = match self.pre.instantiate(&mut store) {
            Ok(hook) => hook,
            Err(error) => return Err(failure(&error, store.data())),
        };
        let mut instance = Instance { store, hook, limits: self.limits };
        let setup = Setup { config: &self.config, states, worker, workers: self.workers, extra: &[] };
        instance.start_call("init_deadline", self.limits.init);
        match instance.hook.hookaroon_hook_lifecycle().call_init(&mut instance.store, setup) {
            Ok(Ok(interest)) => Ok((instance, interest)),
            Ok(Err(message)) => Err(refused(&message, instance.cost())),
            Err(error) => Err(failure(&error, instance.store.data())),
        }
    }
}

impl Instance {
    /// Hands it a batch.
    pub fn process(mut self, batch: Batch<'_>) -> Result<(Instance, Outcome), Failure> {
        self.start_call("deadline", self.limits.process);
        self.store.data_mut().world.now_ns = batch.now_ns;
        match self.hook.hookaroon_hook_lifecycle().call_process(&mut self.store, batch) {
            Ok(Ok(outcome)) => Ok((self, outcome)),
            Ok(Err(message)) => Err(refused(&message, self.cost())),
            Err(error) => Err(failure(&error, self.store.data())),
        }
    }

    /// Tells it that time has passed.
    pub fn tick(mut self, now_ns: u64) -> Result<(Instance, Emission), Failure> {
        self.start_call("tick_deadline", self.limits.tick);
        self.store.data_mut().world.now_ns = now_ns;
        match self.hook.hookaroon_hook_lifecycle().call_tick(&mut self.store, now_ns) {
            Ok(Ok(emission)) => Ok((self, emission)),
            Ok(Err(message)) => Err(refused(&message, self.cost())),
            Err(error) => Err(failure(&error, self.store.data())),
        }
    }

    /// Asks for what a successor must know.
    pub fn save(mut self) -> Result<(Instance, Option<Vec<u8>>), Failure> {
        self.start_call("tick_deadline", self.limits.tick);
        let most = self.limits.output.state_bytes;
        match self.hook.hookaroon_hook_lifecycle().call_save(&mut self.store) {
            Ok(Some(state)) if state.len() > most => Err(Failure::new(
                FailureKind::BadOutput,
                format!(
                    "it saved {} bytes; {most} bytes is the most; let it keep less, or raise state in its [hook.limits]",
                    state.len()
                ),
                self.cost(),
            )),
            Ok(state) => Ok((self, state)),
            Err(error) => Err(failure(&error, self.store.data())),
        }
    }

    /// Ends it: its last events, and what the call cost.
    pub fn teardown(mut self, reason: Reason) -> (Result<Emission, Failure>, Cost) {
        self.start_call("teardown_deadline", self.limits.teardown);
        let emission = match self.hook.hookaroon_hook_lifecycle().call_teardown(&mut self.store, reason) {
            Ok(emission) => Ok(emission),
            Err(error) => Err(failure(&error, self.store.data())),
        };
        let cost = self.cost();
        (emission, cost)
    }

    /// From now on it is held to the limits of another blueprint of the same hook.
    pub(crate) fn adapt(&mut self, blueprint: &Blueprint) {
        self.limits = blueprint.limits;
        let guest = self.store.data_mut();
        guest.meter.set_cap(self.limits.memory_bytes);
        guest.output_bytes = self.limits.output.bytes;
        guest.world.grant(&blueprint.granted, &blueprint.log);
        guest.log = blueprint.log.clone();
        self.store.set_hostcall_fuel(self.limits.output.bytes);
    }

    /// The memory that it uses, in bytes. It never shrinks.
    pub fn memory(&self) -> usize {
        self.store.data().meter.used()
    }

    /// What the last call cost. Right after it, on the same thread.
    pub fn cost(&self) -> Cost {
        self.store.data().cost()
    }

    fn start_call(&mut self, key: &'static str, limit: Duration) {
        let guest = self.store.data_mut();
        guest.meter.start_call();
        guest.deadline = Deadline::start(key, limit);
        self.store.set_epoch_deadline(1);
    }
}

impl Guest {
    fn cost(&self) -> Cost {
        Cost { cpu: self.deadline.used(), memory: self.meter.used() }
    }
}

/// A Store that holds its guest to its limits.
fn limited(engine: &Engine, guest: Guest) -> Store<Guest> {
    let output_bytes = guest.output_bytes;
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.meter);
    store.set_hostcall_fuel(output_bytes);
    store.set_max_component_handles(MAX_HANDLES);
    store.epoch_deadline_callback(|mut context| Ok(context.data_mut().deadline.check()));
    store.set_epoch_deadline(1);
    store
}

/// A failure that the hook itself reports.
fn refused(message: &str, cost: Cost) -> Failure {
    Failure::new(FailureKind::Error, printable(message, MAX_MESSAGE), cost)
}

/// What a call that did not return counts as. A language runtime over its cap often just executes `unreachable`,
/// so what the limiter and the clock know comes first.
fn failure(error: &wasmtime::Error, guest: &Guest) -> Failure {
    let cause = error.root_cause();
    let frames = backtrace::frames(error);
    let place = backtrace::in_a_message(&frames);
    let (kind, message) = if guest.deadline.passed() {
        let limit = guest.deadline.limit().as_millis();
        let key = guest.deadline.key();
        let hint = format!("if it loops for ever, mend it, else raise {key} in its [[hook]]");
        (
            FailureKind::Deadline,
            format!("it was stopped at its deadline of {limit} ms CPU time{place}; {hint}"),
        )
    } else if guest.meter.refused() {
        let cap = guest.meter.cap();
        (
            FailureKind::Memory,
            format!(
                "it asked for more memory than its cap of {cap} bytes, then: {cause}{place}; let it keep less, or \
                 raise memory in its [[hook]]"
            ),
        )
    } else if let Some(trap) = error.downcast_ref::<Trap>() {
        let hint = if *trap == Trap::UnreachableCodeReached { PANIC } else { "" };
        (FailureKind::Trap, format!("{cause}{place}{hint}"))
    } else if cause.to_string().contains("fuel allocated for hostcalls") {
        // Its type is private.
        let message = format!(
            "it handed the host more than {} bytes in one call{place}; let it return less, lower rows or bytes in \
             [batch], or raise output in its [hook.limits]",
            guest.output_bytes
        );
        (FailureKind::BadOutput, message)
    } else {
        (FailureKind::BadOutput, format!("{cause}{place}"))
    };
    Failure { frames, ..Failure::new(kind, printable(&message, MAX_MESSAGE), guest.cost()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::engine;
    use crate::hook::limits::LogRate;

    #[test]
    fn a_guest_that_makes_many_handles_gets_as_many_as_are_allowed_and_no_more() {
        let engine = engine::new().unwrap();
        let text = "(component
            (type $r (resource (rep i32)))
            (core func $new (canon resource.new $r))
            (core module $m
                (import \"\" \"new\" (func $new (param i32) (result i32)))
                (func (export \"make\") (param $left i32)
                    (loop
                        (drop (call $new (i32.const 7)))
                        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                        (br_if 0 (local.get $left)))))
            (core instance $i (instantiate $m (with \"\" (instance (export \"new\" (func $new))))))
            (func (export \"make\") (param \"count\" u32) (canon lift (core func $i \"make\"))))";
        let component = Component::from_binary(&engine, &wat::parse_str(text).unwrap()).unwrap();
        let make = |count: usize| {
            let log = Arc::new(HookLog::new("handles", LogRate { lines: 1, bytes: 1 }));
            let guest = Guest {
                meter: Meter::new(1 << 20),
                output_bytes: 1 << 20,
                deadline: Deadline::start("deadline", Duration::from_secs(10)),
                world: World::new("handles", &[], &log),
                log,
            };
            let mut store = limited(&engine, guest);
            let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
            let make = instance.get_typed_func::<(u32,), ()>(&mut store, "make").unwrap();
            make.call(&mut store, (count as u32,)).map_err(|error| failure(&error, store.data()))
        };
        assert_eq!(make(MAX_HANDLES), Ok(()));
        for count in [MAX_HANDLES + 1, 1_000_000] {
            let failure = make(count).unwrap_err();
            assert_eq!(failure.kind, FailureKind::BadOutput, "{failure}");
            assert!(failure.message.contains("handle limit"), "{failure}");
        }
    }
}

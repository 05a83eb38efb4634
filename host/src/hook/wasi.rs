//! A WASI 0.2 with nothing behind it, for languages whose runtime imports one: no files, no environment, no arguments, no
//! sockets. What a hook prints are lines of its log, if that is granted. Its clock is the host time of its batch and its
//! random numbers come from a seed, so that it does the same each time; the real ones are granted as `wasi:clocks` and
//! `wasi:random`.
//!
//! Nothing here blocks: whoever waits is told at once that it is over. What has no answer here fails the call, and the
//! failure has its name. Bounds: handles are those of the instance, lists are paid for with its fuel, lines are cut.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::rand::{GetRandomFlags, getrandom};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, Resource, ResourceAny, ResourceType, Val};
use wasmtime::{AsContextMut, Engine, StoreContextMut, bail};

use super::bindings::hookaroon::hook::log::Level;
use super::host_api::HookLog;
use super::instance::Guest;
use crate::clock::nanos;

/// What a hook may be granted of it.
pub const GRANTABLE: [&str; 2] = [CLOCKS, RANDOM];
const CLOCKS: &str = "wasi:clocks";
const RANDOM: &str = "wasi:random";

/// The packages that are answered at all.
const PACKAGES: [&str; 6] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];

/// How many bytes a stream takes at once, and how long a line of its log is at most.
const WRITE_BYTES: u64 = 4096;
const LINE_BYTES: usize = 1024;

/// How many random bytes there are at once.
const RANDOM_BYTES: u64 = 64 << 10;

/// Any of its resources. Which one it is, nobody needs to know but for the streams.
struct Virtual;

/// The streams among them; everything else is 0.
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// Whether an import is one of those that are answered: `wasi:cli/environment@0.2.6`.
pub fn is_served(import: &str) -> bool {
    let Some((name, version)) = import.split_once('@') else { return false };
    let package = name.split('/').next().unwrap_or_default();
    PACKAGES.contains(&package)
        && version.strip_prefix("0.2.").is_some_and(|patch| patch.parse::<u32>().is_ok())
}

/// What an instance sees of the world.
#[derive(Debug)]
pub(crate) struct World {
    /// Host time in nanoseconds; 1970 until the first batch.
    pub(crate) now_ns: u64,
    started: Instant,
    random: u64,
    real_clocks: bool,
    real_random: bool,
    /// What was printed and has no end of line yet, of each stream.
    unfinished: [Vec<u8>; 2],
    /// None: what is printed is not kept.
    log: Option<Arc<HookLog>>,
}

impl World {
    /// The world of a hook with these grants; its random numbers depend on its name alone.
    pub(crate) fn new(name: &str, granted: &[String], log: &Arc<HookLog>) -> World {
        let mut world = World {
            now_ns: 0,
            started: Instant::now(),
            random: xxhash_rust::xxh3::xxh3_64(name.as_bytes()),
            real_clocks: false,
            real_random: false,
            unfinished: Default::default(),
            log: None,
        };
        world.grant(granted, log);
        world
    }

    /// From now on the hook has these grants.
    pub(crate) fn grant(&mut self, granted: &[String], log: &Arc<HookLog>) {
        let has = |grant: &str| granted.iter().any(|granted| granted == grant);
        self.real_clocks = has(CLOCKS);
        self.real_random = has(RANDOM);
        self.log = has("log").then(|| log.clone());
    }

    fn now(&self) -> Duration {
        if !self.real_clocks {
            return Duration::from_nanos(self.now_ns);
        }
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// A time that never goes back.
    fn elapsed(&self) -> Duration {
        if self.real_clocks { self.started.elapsed() } else { Duration::from_nanos(self.now_ns) }
    }

    /// Random bytes.
    fn random_bytes(&mut self, count: usize) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        if self.real_random {
            let mut left = bytes.as_mut_slice();
            while !left.is_empty() {
                let filled = getrandom(&mut *left, GetRandomFlags::empty())?;
                left = left.get_mut(filled..).unwrap_or_default();
            }
            return Ok(bytes);
        }
        for chunk in bytes.chunks_mut(8) {
            let number = self.next_random()?.to_le_bytes();
            chunk.copy_from_slice(number.get(..chunk.len()).unwrap_or_default());
        }
        Ok(bytes)
    }

    /// The next number of a sequence: splitmix64.
    fn next_random(&mut self) -> wasmtime::Result<u64> {
        if self.real_random {
            let mut bytes = [0; 8];
            getrandom(&mut bytes, GetRandomFlags::empty())?;
            return Ok(u64::from_le_bytes(bytes));
        }
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Ok(mixed ^ (mixed >> 31))
    }

    fn print(&mut self, stream: u32, bytes: impl Iterator<Item = u8>) {
        let Some(log) = &self.log else { return };
        let Some(line) = self.unfinished.get_mut(usize::from(stream == STDERR)) else { return };
        for byte in bytes {
            if byte == b'\n' || line.len() >= LINE_BYTES {
                log.write(Level::Info, &String::from_utf8_lossy(line));
                line.clear();
            }
            if byte != b'\n' {
                line.push(byte);
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let Some(log) = &self.log else { return };
        for line in self.unfinished.iter().filter(|line| !line.is_empty()) {
            log.write(Level::Info, &String::from_utf8_lossy(line));
        }
    }
}

/// Answers what a component imports of WASI, under the names that it uses.
pub(crate) fn link(
    linker: &mut Linker<Guest>,
    component: &Component,
    engine: &Engine,
) -> wasmtime::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        if !is_served(name) {
            continue;
        }
        let interface = name.split('@').next().unwrap_or_default().to_owned();
        let mut answered = linker.instance(name)?;
        for (export, item) in instance.exports(engine) {
            match item.ty {
                ComponentItem::Resource(_) => {
                    answered.resource(export, ResourceType::host::<Virtual>(), |_, _| Ok(()))?;
                }
                ComponentItem::ComponentFunc(_) => {
                    let (interface, function) = (interface.clone(), export.to_owned());
                    answered.func_new(export, move |mut store, _, parameters, results| {
                        let of = release(parameters, &mut store)?;
                        let answer = answer(&interface, &function, parameters, of, store)?;
                        if let (Some(result), Some(answer)) = (results.first_mut(), answer) {
                            *result = answer;
                        }
                        Ok(())
                    })?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Gives up the handles that were lent for a call, which is needed for it to end well. Which resource the first one is.
fn release(parameters: &[Val], store: &mut StoreContextMut<'_, Guest>) -> wasmtime::Result<u32> {
    let mut first = None;
    let lists = parameters.iter().flat_map(|parameter| match parameter {
        Val::List(list) => list.as_slice(),
        _ => std::slice::from_ref(parameter),
    });
    for value in lists {
        if let Val::Resource(resource) = value {
            let resource = resource.try_into_resource::<Virtual>(store.as_context_mut())?;
            first.get_or_insert(resource.rep());
        }
    }
    Ok(first.unwrap_or_default())
}

/// What a function returns; none: nothing. It gets the parameters as the component has them, and which resource it is `of`.
fn answer(
    interface: &str,
    function: &str,
    parameters: &[Val],
    of: u32,
    mut store: StoreContextMut<'_, Guest>,
) -> wasmtime::Result<Option<Val>> {
    let ok = |value: Option<Val>| Val::Result(Ok(value.map(Box::new)));
    let answer = match (interface, function) {
        ("wasi:cli/environment", "get-environment" | "get-arguments")
        | ("wasi:filesystem/preopens", "get-directories") => Val::List(Vec::new()),
        ("wasi:cli/environment", "initial-cwd")
        | ("wasi:cli/terminal-stdin" | "wasi:cli/terminal-stdout" | "wasi:cli/terminal-stderr", _)
        | ("wasi:filesystem/types", "filesystem-error-code") => Val::Option(None),
        ("wasi:cli/exit", _) => bail!("it called exit; a hook fails a call by returning an error"),
        ("wasi:cli/stdin", "get-stdin") => resource(0, &mut store)?,
        ("wasi:cli/stdout", "get-stdout") => resource(STDOUT, &mut store)?,
        ("wasi:cli/stderr", "get-stderr") => resource(STDERR, &mut store)?,

        ("wasi:io/streams", "[method]output-stream.check-write") => ok(Some(Val::U64(WRITE_BYTES))),
        (
            "wasi:io/streams",
            "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush",
        ) => {
            print(of, parameters, &mut store);
            ok(None)
        }
        ("wasi:io/streams", "[method]output-stream.flush" | "[method]output-stream.blocking-flush") => {
            ok(None)
        }
        (
            "wasi:io/streams",
            "[method]input-stream.read"
            | "[method]input-stream.blocking-read"
            | "[method]input-stream.skip"
            | "[method]input-stream.blocking-skip",
        ) => Val::Result(Err(Some(Box::new(Val::Variant("closed".to_owned(), None))))),
        ("wasi:io/streams", "[method]output-stream.subscribe" | "[method]input-stream.subscribe")
        | ("wasi:clocks/monotonic-clock", "subscribe-duration" | "subscribe-instant") => {
            resource(0, &mut store)?
        }
        ("wasi:io/poll", "poll") => match parameters.first() {
            Some(Val::List(all)) => Val::List((0..all.len()).map(|index| Val::U32(index as u32)).collect()),
            _ => Val::List(Vec::new()),
        },
        ("wasi:io/poll", "[method]pollable.ready") => Val::Bool(true),
        ("wasi:io/poll", "[method]pollable.block") => return Ok(None),
        ("wasi:io/error", "[method]error.to-debug-string") => Val::String(String::new()),

        ("wasi:sockets/instance-network", "instance-network") => resource(0, &mut store)?,
        ("wasi:sockets/tcp-create-socket" | "wasi:sockets/udp-create-socket", _)
        | ("wasi:sockets/ip-name-lookup", "resolve-addresses") => {
            Val::Result(Err(Some(Box::new(Val::Enum("access-denied".to_owned())))))
        }

        ("wasi:clocks/monotonic-clock", "now") => Val::U64(nanos(store.data().world.elapsed())),
        ("wasi:clocks/monotonic-clock", "resolution") => Val::U64(1),
        ("wasi:clocks/wall-clock", "now") => datetime(store.data().world.now()),
        ("wasi:clocks/wall-clock", "resolution") => datetime(Duration::from_nanos(1)),

        ("wasi:random/random", "get-random-u64") | ("wasi:random/insecure", "get-insecure-random-u64") => {
            Val::U64(store.data_mut().world.next_random()?)
        }
        ("wasi:random/random", "get-random-bytes")
        | ("wasi:random/insecure", "get-insecure-random-bytes") => match parameters.first() {
            Some(Val::U64(count)) if *count <= RANDOM_BYTES => {
                let bytes = store.data_mut().world.random_bytes(*count as usize)?;
                Val::List(bytes.into_iter().map(Val::U8).collect())
            }
            _ => bail!("it asked for more than {RANDOM_BYTES} random bytes at once"),
        },
        ("wasi:random/insecure-seed", _) => {
            let world = &mut store.data_mut().world;
            Val::Tuple(vec![Val::U64(world.next_random()?), Val::U64(world.next_random()?)])
        }
        _ => bail!(
            "it called {interface}#{function}; there is nothing behind it, because a hook has no files and no network"
        ),
    };
    Ok(Some(answer))
}

fn resource(rep: u32, store: &mut StoreContextMut<'_, Guest>) -> wasmtime::Result<Val> {
    let resource = Resource::<Virtual>::new_own(rep);
    Ok(Val::Resource(ResourceAny::try_from_resource(resource, store.as_context_mut())?))
}

/// Takes what is written to a stream.
fn print(stream: u32, parameters: &[Val], store: &mut StoreContextMut<'_, Guest>) {
    let Some(Val::List(bytes)) = parameters.get(1) else { return };
    let bytes = bytes.iter().filter_map(|byte| match byte {
        Val::U8(byte) => Some(*byte),
        _ => None,
    });
    store.data_mut().world.print(stream, bytes);
}

fn datetime(time: Duration) -> Val {
    Val::Record(vec![
        ("seconds".to_owned(), Val::U64(time.as_secs())),
        ("nanoseconds".to_owned(), Val::U32(time.subsec_nanos())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_and_versions_that_are_answered_are_served() {
        for (import, served) in [
            ("wasi:cli/environment@0.2.6", true),
            ("wasi:sockets/tcp@0.2.0", true),
            ("wasi:http/types@0.2.0", false),
            ("wasi:cli/environment@0.3.0", false),
            ("wasi:cli/environment@0.2.0-rc-1", false),
            ("wasi:cli/environment", false),
            ("wasi:clinic/x@0.2.0", false),
        ] {
            assert_eq!(is_served(import), served, "{import}");
        }
    }
}

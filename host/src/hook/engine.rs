//! The one engine that all hooks are compiled for and run on, and the clock that its deadlines hang on.
//!
//! What is switched off here is not needed by hooks and would be more surface: hooks from Rust, C, JavaScript and
//! Python do without. Bounds: a guest's stack, the frames of a backtrace, and [`TICK`], the grain of every deadline.
//! Making an engine fails only if the machine cannot run it or a thread cannot be started.

use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine, EngineWeak, Strategy, WasmBacktraceDetails};

/// How often a running call looks at its deadline. Shorter costs a system call more often and stops no spinning
/// guest noticeably sooner: the shortest useful deadline is a few of these.
pub const TICK: Duration = Duration::from_millis(5);

/// A guest's stack. Rust hooks use a few KiB, the Python and JavaScript interpreters stay under this.
pub const STACK_BYTES: usize = 512 << 10;

/// How many frames wasmtime collects when a guest traps; walking a deep recursion in full costs more than it tells.
const BACKTRACE_FRAMES: usize = 16;

/// The same when an author looks for a mistake: a panic alone has ten.
const DEBUG_BACKTRACE_FRAMES: usize = 64;

/// What becomes of a plugin's debug information. It makes the machine code several times as large, so only those who
/// look for a mistake keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DebugInfo {
    /// Backtraces name functions.
    #[default]
    Ignored,
    /// Backtraces name files and lines too.
    Kept,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refuses the settings on this machine.
    #[error("the WebAssembly engine cannot run on this machine: {0}")]
    Settings(String),
    /// The ticker thread could not be started.
    #[error("cannot start the thread that ends overdue hook calls: {0}; raise the limit on threads")]
    Ticker(#[source] std::io::Error),
}

/// An engine whose epoch moves every [`TICK`] for as long as the engine lives.
pub fn new() -> Result<Engine, EngineError> {
    running(DebugInfo::Ignored)
}

/// The same for those who look for a mistake in a plugin; it runs what was compiled with debug information only.
pub fn with_debug_info() -> Result<Engine, EngineError> {
    running(DebugInfo::Kept)
}

fn running(debug: DebugInfo) -> Result<Engine, EngineError> {
    let engine = for_compiling(debug)?;
    let ticked = engine.weak();
    thread::Builder::new()
        .name("hook-ticker".to_owned())
        .spawn(move || tick(&ticked))
        .map_err(EngineError::Ticker)?;
    Ok(engine)
}

/// An engine with the same settings that runs nothing, and so needs no ticker.
pub(super) fn for_compiling(debug: DebugInfo) -> Result<Engine, EngineError> {
    Engine::new(&config(debug)).map_err(|error| EngineError::Settings(format!("{error:#}")))
}

/// Digest of everything about the engine that a compiled plugin depends on: target, compiler flags, settings and
/// wasmtime's version. Equal fingerprints mean that the artifacts of one engine load in the other.
pub fn fingerprint(engine: &Engine) -> [u8; 32] {
    let mut hasher = DigestHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

fn config(debug: DebugInfo) -> Config {
    let (details, frames) = match debug {
        DebugInfo::Ignored => (WasmBacktraceDetails::Disable, BACKTRACE_FRAMES),
        DebugInfo::Kept => (WasmBacktraceDetails::Enable, DEBUG_BACKTRACE_FRAMES),
    };
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .wasm_backtrace_max_frames(NonZeroUsize::new(frames))
        .wasm_backtrace_details(details)
        // The adapters that wasmtime itself puts between nested components have several memories.
        .wasm_multi_memory(true)
        // A shared memory would escape the memory cap.
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        // Switches component-model async off as well.
        .concurrency_support(false);
    config
}

/// Moves the epoch until nobody holds the engine any more.
fn tick(engine: &EngineWeak) {
    loop {
        thread::sleep(TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}

/// Feeds what [`Hash`] writes to a digest that, unlike the standard library's hasher, is the same in every build.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.clone().finalize().iter().take(8).fold(0, |value, &byte| value << 8 | u64::from(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{Instance, Module, Store, Trap, UpdateDeadline};

    fn module(engine: &Engine, text: &str) -> wasmtime::Result<Module> {
        Module::from_binary(engine, &wat::parse_str(text).unwrap())
    }

    #[test]
    fn a_fingerprint_depends_on_the_settings_and_on_nothing_else() {
        let here = fingerprint(&new().unwrap());
        assert_eq!(here, fingerprint(&for_compiling(DebugInfo::Ignored).unwrap()));
        assert_ne!(here, fingerprint(&for_compiling(DebugInfo::Kept).unwrap()));
        let mut other = config(DebugInfo::Ignored);
        other.epoch_interruption(false);
        assert_ne!(here, fingerprint(&Engine::new(&other).unwrap()));
    }

    #[test]
    fn the_epoch_of_a_live_engine_moves_by_itself() {
        let engine = new().unwrap();
        let module = module(&engine, "(module (func (export \"spin\") (loop br 0)))").unwrap();
        let mut store = Store::new(&engine, 0_u32);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            *context.data_mut() += 1;
            Ok(if *context.data() < 3 { UpdateDeadline::Continue(1) } else { UpdateDeadline::Interrupt })
        });
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let spin = instance.get_typed_func::<(), ()>(&mut store, "spin").unwrap();
        let error = spin.call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
        assert_eq!(*store.data(), 3);
    }

    #[test]
    fn the_ticker_ends_with_its_engine() {
        let engine = for_compiling(DebugInfo::Ignored).unwrap();
        let weak = engine.weak();
        let ticker = thread::spawn(move || tick(&weak));
        drop(engine);
        ticker.join().unwrap();
    }

    #[test]
    fn modules_that_need_what_is_switched_off_are_refused() {
        let engine = for_compiling(DebugInfo::Ignored).unwrap();
        for text in [
            "(module (memory i64 1))",
            "(module (memory 1 1 shared))",
            "(module (func $f return_call $f))",
            "(module (type (struct)))",
            "(module (tag))",
        ] {
            assert!(module(&engine, text).is_err(), "{text}");
        }
        assert!(module(&engine, "(module (memory 1) (memory 1))").is_ok());
    }
}

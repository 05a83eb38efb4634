//! A hook that calls what no host offers, as crates do that were made for another target.

use hookaroon_sdk::{Event, Hook, Integer, NoConfig, Setup, Verdict, Write, export};

#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "acme")]
unsafe extern "C" {
    safe fn wall_clock() -> i64;
}

#[cfg(not(target_arch = "wasm32"))]
fn wall_clock() -> i64 {
    0
}

struct Stamp(Write<Integer>);

impl Hook for Stamp {
    type Config = NoConfig;

    fn init(_: NoConfig, setup: &mut Setup) -> Result<Stamp, String> {
        Ok(Stamp(setup.write("at")))
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        event.set(self.0, wall_clock());
        Verdict::Keep
    }
}

export!(Stamp);

//! A hook that imports an interface of somebody else's.

use hookaroon_sdk::{Event, Hook, Integer, NoConfig, Setup, Verdict, Write, export};

wit_bindgen::generate!({
    inline: "
        package acme:clock@1.0.0;
        interface wall { now: func() -> u64; }
        world clock { import wall; }
    ",
});

struct Stamp(Write<Integer>);

impl Hook for Stamp {
    type Config = NoConfig;

    fn init(_: NoConfig, setup: &mut Setup) -> Result<Stamp, String> {
        Ok(Stamp(setup.write("at")))
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        event.set(self.0, acme::clock::wall::now() as i64);
        Verdict::Keep
    }
}

export!(Stamp);

//! The villain: keeps a copy of every event for ever, as many a real hook does by accident.
//!
//! It changes nothing, has nothing to configure and needs `read = ["."]`. Its memory grows until the cap stops it,
//! which ends the instance; what the host does then is what this hook is there to show.
//!
//! ```toml
//! [[hook]]
//! name = "leak"
//! plugin = "leak"
//! memory = "16MiB"
//! [hook.grant]
//! read = ["."]
//! ```

use hookaroon_sdk::{Event, Grant, Hook, Json, NoConfig, Read, Setup, Verdict, export};

/// The hook.
#[derive(Debug)]
pub struct Leak {
    event: Read<Json>,
    hoard: Vec<String>,
}

impl Hook for Leak {
    type Config = NoConfig;
    const GRANT: Grant = Grant { read: &["."], ..Grant::NONE };

    fn init(_config: NoConfig, setup: &mut Setup) -> Result<Leak, String> {
        Ok(Leak { event: setup.read_event(), hoard: Vec::new() })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        self.hoard.extend(event.get(self.event).map(str::to_owned));
        Verdict::Keep
    }
}

export!(Leak);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_pass_as_they_are() {
        let ran = hookaroon_sdk::testing::run::<Leak>("{}", &["{\"a\":1}", "{}"]).unwrap();
        assert_eq!(ran.events.len(), 2);
    }
}

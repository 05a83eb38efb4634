//! A hook whose author forgot to export it.

use hookaroon_sdk::{Event, Hook, NoConfig, Setup, Verdict};

/// The hook.
pub struct Nothing;

impl Hook for Nothing {
    type Config = NoConfig;

    fn init(_: NoConfig, _: &mut Setup) -> Result<Nothing, String> {
        Ok(Nothing)
    }

    fn process(&mut self, _: &mut Event<'_>) -> Verdict {
        Verdict::Keep
    }
}

//! From a [`Hook`] to the exports of a component.
//!
//! A config that does not fit [`Hook::Config`] refuses the start, with serde's words for what is wrong.

use std::cell::RefCell;

use crate::bindings::hookaroon::hook::types as wit;
use crate::column::Declared;
use crate::event::{Batch, Emitter};
use crate::hook::Hook;
use crate::setup::Setup;

/// A hook in an instance: none before init. [`export!`](macro@crate::export) keeps one.
#[derive(Debug)]
pub struct Instance<H> {
    started: RefCell<Option<Started<H>>>,
}

#[derive(Debug)]
struct Started<H> {
    hook: H,
    writes: Vec<Declared>,
}

/// What the host is told if it calls before init; it never does.
const NOT_STARTED: &str = "the hook was not initialised";

impl<H: Hook> Instance<H> {
    /// Before init.
    pub const fn new() -> Instance<H> {
        Instance { started: RefCell::new(None) }
    }

    /// `lifecycle.init`
    pub fn init(&self, mut setup: wit::Setup) -> Result<wit::Interest, String> {
        let config = std::mem::take(&mut setup.config);
        let config =
            serde_json::from_str(&config).map_err(|error| format!("[hook.config]: {}", unplaced(&error)))?;
        let mut setup = Setup::new(setup, H::PLACEMENT);
        let hook = H::init(config, &mut setup)?;
        let interest = setup.into_interest();
        let writes = interest.write.iter().map(|field| Declared::new(field.kind)).collect();
        *self.started.borrow_mut() = Some(Started { hook, writes });
        Ok(interest)
    }

    /// `lifecycle.process`
    pub fn process(&self, batch: &wit::Batch) -> Result<wit::Outcome, String> {
        let mut started = self.started.borrow_mut();
        let Started { hook, writes } = started.as_mut().ok_or(NOT_STARTED)?;
        let mut rows = Batch::new(batch, writes);
        hook.process_batch(&mut rows)?;
        let outcome = rows.finish();
        for (declared, column) in writes.iter_mut().zip(&outcome.writes) {
            declared.note(column);
        }
        Ok(outcome)
    }

    /// `lifecycle.tick`
    pub fn tick(&self, now_ns: u64) -> Result<wit::Emission, String> {
        let mut emitter = Emitter::default();
        self.started.borrow_mut().as_mut().ok_or(NOT_STARTED)?.hook.tick(now_ns, &mut emitter)?;
        Ok(emitter.finish())
    }

    /// `lifecycle.save`
    pub fn save(&self) -> Option<Vec<u8>> {
        self.started.borrow().as_ref()?.hook.save()
    }

    /// `lifecycle.teardown`
    pub fn teardown(&self, reason: wit::Reason) -> wit::Emission {
        let mut emitter = Emitter::default();
        if let Some(mut started) = self.started.borrow_mut().take() {
            started.hook.teardown(reason, &mut emitter);
        }
        emitter.finish()
    }
}

/// What is wrong with a config. Its JSON was made by the host, so a place in it means nothing to who wrote TOML.
fn unplaced(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or_else(|| text.clone(), str::to_owned)
}

impl<H: Hook> Default for Instance<H> {
    fn default() -> Instance<H> {
        Instance::new()
    }
}

/// Makes a type that implements [`Hook`] the hook of this component. Where it is not compiled to WebAssembly, for
/// unit tests, there is nothing to export.
///
/// ```
/// use hookaroon_sdk::{Event, Hook, NoConfig, Setup, Verdict, export};
///
/// struct MyHook;
///
/// impl Hook for MyHook {
///     // ...
/// #     type Config = NoConfig;
/// #     fn init(_: NoConfig, _: &mut Setup) -> Result<MyHook, String> {
/// #         Ok(MyHook)
/// #     }
/// #     fn process(&mut self, _: &mut Event<'_>) -> Verdict {
/// #         Verdict::Keep
/// #     }
/// }
///
/// export!(MyHook);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($hook:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::exports::hookaroon::hook::lifecycle::Guest;
            use $crate::bindings::hookaroon::hook::types as wit;

            thread_local! {
                static INSTANCE: $crate::Instance<$hook> = const { $crate::Instance::new() };
            }

            const MANIFEST: $crate::Piece = $crate::__manifest!($hook);

            #[used]
            #[unsafe(link_section = "hookaroon:manifest")]
            static SECTION: [u8; MANIFEST.length()] = MANIFEST.bytes();

            struct Exported;

            impl Guest for Exported {
                fn init(setup: wit::Setup) -> Result<wit::Interest, String> {
                    INSTANCE.with(|instance| instance.init(setup))
                }

                fn process(batch: wit::Batch) -> Result<wit::Outcome, String> {
                    INSTANCE.with(|instance| instance.process(&batch))
                }

                fn tick(now_ns: u64) -> Result<wit::Emission, String> {
                    INSTANCE.with(|instance| instance.tick(now_ns))
                }

                fn save() -> Option<Vec<u8>> {
                    INSTANCE.with(|instance| instance.save())
                }

                fn teardown(reason: wit::Reason) -> wit::Emission {
                    INSTANCE.with(|instance| instance.teardown(reason))
                }
            }

    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}

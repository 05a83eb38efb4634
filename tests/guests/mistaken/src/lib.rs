//! A hook that is written with the SDK and makes the mistake that its config names.
//!
//! What it reads and writes is the config's as well, so that a grant can be missing. It imports the log, as every hook
//! does that has its panics logged.

use hookaroon_sdk::{Event, Hook, Read, Setup, Text, Verdict, Write, config, export, log};

/// The hook.
#[derive(Debug)]
pub struct Mistaken {
    config: Config,
    read: Option<Read<Text>>,
    write: Option<Write<Text>>,
}

/// Which mistake, and on which fields.
#[config]
#[derive(Clone, Debug)]
pub struct Config {
    /// What it does.
    #[default("nothing")]
    mistake: Mistake,
    /// Has its panics logged.
    #[default(false)]
    log_panics: bool,
    /// A text that it reads.
    read: Option<String>,
    /// A text that it sets to what it read, else to "x".
    write: Option<String>,
    /// It refuses whatever is over 10.
    at_most_10: Option<i64>,
}

/// A mistake.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// None.
    Nothing,
    /// It panics.
    Panic,
    /// It loops for ever.
    Loop,
    /// It drops.
    Drop,
    /// It emits.
    Emit,
    /// It panics at init.
    PanicAtInit,
}

impl Hook for Mistaken {
    type Config = Config;

    fn init(config: Config, setup: &mut Setup) -> Result<Mistaken, String> {
        if config.log_panics {
            log::panics();
        }
        if config.mistake == Mistake::PanicAtInit {
            panic!("there is no table");
        }
        if let Some(number) = config.at_most_10.filter(|number| *number > 10) {
            return Err(format!("at_most_10 is {number}; write 10 or less"));
        }
        let read = config.read.as_ref().map(|path| setup.read(path));
        let write = config.write.as_ref().map(|path| setup.write(path));
        Ok(Mistaken { config, read, write })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        match self.config.mistake {
            Mistake::Panic => {
                let numbers: Vec<u64> = Vec::new();
                event.emit(&numbers[event.row()].to_string());
            }
            Mistake::Loop => loop {
                std::hint::black_box(());
            },
            Mistake::Drop => return Verdict::Drop,
            Mistake::Emit => event.emit("{}"),
            Mistake::Nothing | Mistake::PanicAtInit => {}
        }
        if let Some(write) = self.write {
            event.set(write, self.read.and_then(|read| event.get(read)).unwrap_or("x"));
        }
        Verdict::Keep
    }
}

export!(Mistaken);

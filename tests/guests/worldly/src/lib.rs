//! Looks for a world around it, with the standard library as it is for WASI 0.2, and writes down what there is.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hookaroon_sdk::{Event, Grant, Hook, Json, Read, Setup, Text, Verdict, Write, config, export};

/// What it does.
#[config]
#[derive(Debug)]
pub struct Config {
    /// `look`, `exit` or `bytes`: more random ones than there are.
    #[default("look")]
    mode: String,
}

/// The hook.
#[derive(Debug)]
pub struct Worldly {
    mode: String,
    text: Read<Text>,
    found: Write<Json>,
}

impl Hook for Worldly {
    type Config = Config;
    const GRANT: Grant = Grant { read: &["m"], write: &["found"], ..Grant::NONE };

    fn init(config: Config, setup: &mut Setup) -> Result<Worldly, String> {
        Ok(Worldly { mode: config.mode, text: setup.read("m"), found: setup.write("found") })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        if self.mode == "exit" {
            std::process::exit(3);
        }
        println!("printed for {}", event.get(self.text).unwrap_or("nobody"));
        eprint!("half a line, ");
        eprintln!("and the rest");
        let before = Instant::now();
        std::thread::sleep(Duration::from_secs(3600));
        let mut input = String::new();
        let found = serde_json::json!({
            "arguments": std::env::args().count(),
            "variables": std::env::vars().count(),
            "file": std::fs::read("/etc/passwd").is_ok(),
            "written": std::fs::write("/tmp/worldly", "x").is_ok(),
            "network": TcpStream::connect("127.0.0.1:80").is_ok(),
            "input": std::io::stdin().read_to_string(&mut input).unwrap_or(0),
            "flushed": std::io::stdout().flush().is_ok(),
            "slept_ms": before.elapsed().as_millis() as u64,
            "time": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
            "random": RandomState::new().hash_one(1),
        });
        event.set(self.found, &found.to_string());
        Verdict::Keep
    }
}

export!(Worldly);

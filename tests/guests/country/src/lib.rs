//! Reads `level` and `client_ip` and writes `country`: the job that the benchmarks compare.

use hookaroon_sdk::{Event, Grant, Hook, NoConfig, Read, Setup, Text, Verdict, Write, export};

/// The hook.
#[derive(Debug)]
pub struct Country {
    level: Read<Text>,
    client_ip: Read<Text>,
    country: Write<Text>,
}

/// What the field is set to; the native filters of the benchmarks call the same.
pub fn country(level: Option<&str>, client_ip: Option<&str>) -> Option<&'static str> {
    if level == Some("trace") {
        return None;
    }
    match client_ip?.as_bytes().first()? {
        b'1' => Some("de"),
        b'2' => Some("fr"),
        _ => Some("us"),
    }
}

impl Hook for Country {
    type Config = NoConfig;
    const GRANT: Grant = Grant { read: &["level", "client_ip"], write: &["country"], ..Grant::NONE };

    fn init(_config: NoConfig, setup: &mut Setup) -> Result<Country, String> {
        Ok(Country {
            level: setup.read("level"),
            client_ip: setup.read("client_ip"),
            country: setup.write("country"),
        })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        if let Some(country) = country(event.get(self.level), event.get(self.client_ip)) {
            event.set(self.country, country);
        }
        Verdict::Keep
    }
}

export!(Country);

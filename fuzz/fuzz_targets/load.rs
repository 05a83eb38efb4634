//! Any file as a plugin, all the way to where the compiler would start: it is refused with an error, or what is known of
//! it is within bounds and can be shown to people. The second half of the input is a manifest as well.
#![no_main]

use hookaroon::hook::compile::look;
use hookaroon::hook::manifest::{self, Manifest};
use hookaroon::hook::scan::Limits;
use libfuzzer_sys::fuzz_target;

/// Small, so that each of them is reached, but the plugin of `tests/fixtures`, a seed, is within them.
const LIMITS: Limits = Limits {
    file_bytes: 256 << 10,
    functions: 1000,
    function_bytes: 16 << 10,
    globals: 100,
    instantiated: 1000,
    nesting: 4,
    names: 50,
};

fn is_printable(text: &str) -> bool {
    text.chars().all(|letter| !letter.is_control())
}

fn check(manifest: &Manifest) {
    let Manifest { name, version, description, memory, placement, grant, .. } = manifest;
    let texts = [name, version, description].into_iter().chain(memory).chain(placement);
    let granted = grant.iter().flat_map(|grant| grant.read.iter().chain(&grant.write).chain(&grant.imports));
    assert!(texts.chain(granted).all(|text| is_printable(text)));
    manifest.grant_for(&serde_json::Value::Null);
}

fuzz_target!(|bytes: &[u8]| {
    match look(bytes, &LIMITS) {
        Ok((facts, component)) => {
            assert!(facts.imports.len() as u64 <= LIMITS.names && facts.exports.len() as u64 <= LIMITS.names);
            facts.manifest.iter().for_each(check);
            // What is handed to the compiler passes a second look: as a component, and as the same one.
            let (again, _) = look(&component, &Limits { file_bytes: u64::MAX, ..LIMITS }).unwrap();
            assert_eq!((again.imports, again.exports), (facts.imports, facts.exports));
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    if let Ok(manifest) = manifest::parse(bytes.get(bytes.len() / 2..).unwrap_or_default()) {
        check(&manifest);
    }
});

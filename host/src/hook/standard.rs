//! The standard hooks: plugins that come with the host and are asked for by name.
//!
//! A release carries them inside the executable (the cargo feature `embed-plugins`), a development build finds them
//! beside it. Either way they take the same road as everybody's plugins: read, scanned, compiled in a child.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// The names, said once.
macro_rules! standard_hooks {
    ($($name:literal),+ $(,)?) => {
        /// Their names.
        pub const NAMES: &[&str] = &[$($name),+];

        #[cfg(feature = "embed-plugins")]
        fn embedded(name: &str) -> Option<&'static [u8]> {
            match name {
                $($name => {
                    Some(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/plugins/", $name, ".wasm")))
                })+
                _ => None,
            }
        }
    };
}

standard_hooks![
    "redact", "sample", "enrich", "level", "trace", "parse", "schema", "throttle", "count", "dedupe", "leak"
];

/// A name that is this similar to a wrong one is worth telling.
const SIMILAR: f64 = 0.75;

/// The plugin of the standard hook `name`, at most `limit` bytes and one more. Nothing: this build does not have it.
pub fn bytes(name: &str, limit: u64) -> io::Result<Option<Cow<'static, [u8]>>> {
    if !NAMES.contains(&name) {
        return Ok(None);
    }
    if let Some(bytes) = embedded(name) {
        return Ok(Some(Cow::Borrowed(bytes)));
    }
    for directory in directories() {
        match File::open(directory.join(name).with_extension("wasm")) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
                return Ok(Some(Cow::Owned(bytes)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Where they are looked for if they are not embedded: `plugins` beside the executable and one level above it.
pub fn directories() -> Vec<PathBuf> {
    let Ok(exe) = std::env::current_exe() else { return Vec::new() };
    exe.ancestors().skip(1).take(2).map(|directory| directory.join("plugins")).collect()
}

/// The standard hook that `name` was probably meant to be.
pub fn nearest(name: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .copied()
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

#[cfg(not(feature = "embed-plugins"))]
fn embedded(_name: &str) -> Option<&'static [u8]> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("redcat"), Some("redact"));
        assert_eq!(nearest("samples"), Some("sample"));
        assert_eq!(nearest("kubernetes"), None);
    }

    #[test]
    fn a_name_never_becomes_a_path() {
        assert!(bytes("../redact", 1 << 20).unwrap().is_none());
    }

    #[test]
    #[cfg(feature = "embed-plugins")]
    fn a_release_carries_every_one() {
        for name in NAMES.iter().copied() {
            assert!(bytes(name, 1 << 20).unwrap().is_some_and(|bytes| bytes.starts_with(b"\0asm")));
        }
    }
}

//! The standard hooks: plugins that come with the host and are asked for by name.
//!
//! A release carries them inside the executable (the cargo feature `embed-plugins`), a development build finds them
//! beside it. Either way they take the same road as everybody's plugins: read, scanned, compiled in a child.

use std::path::PathBuf;

/// The names, said once.
macro_rules! standard_hooks {
    ($($name:literal),+ $(,)?) => {
        /// Their names.
        pub const NAMES: &[&str] = &[$($name),+];

        /// The plugin of the standard hook `name`, if this executable carries it.
        #[cfg(feature = "embed-plugins")]
        pub fn embedded(name: &str) -> Option<&'static [u8]> {
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

/// The file of the standard hook `name` beside the executable, if there is one.
pub fn file(name: &str) -> Option<PathBuf> {
    if !NAMES.contains(&name) {
        return None;
    }
    let files = directories().into_iter().map(|directory| directory.join(name).with_extension("wasm"));
    files.into_iter().find(|file| file.exists())
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

/// The plugin of the standard hook `name`, if this executable carries it.
#[cfg(not(feature = "embed-plugins"))]
pub fn embedded(_name: &str) -> Option<&'static [u8]> {
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
        assert!(embedded("../redact").is_none() && file("../redact").is_none());
    }

    #[test]
    #[cfg(feature = "embed-plugins")]
    fn a_release_carries_every_one() {
        for name in NAMES.iter().copied() {
            assert!(embedded(name).is_some_and(|bytes| bytes.starts_with(b"\0asm")));
        }
    }
}

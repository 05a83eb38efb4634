//! The SDK, in source, as it lies beside the hooks that `hookaroon new` makes.
//!
//! The executable carries it, so that a hook builds with the SDK of the host that it was made for, on a machine that
//! knows nothing but crates.io, whether or not the SDK is published there. The build script says which files these are.

/// Name below the SDK's folder, and content.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_source_file_of_the_sdk_is_carried() {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk");
        let pattern = sdk.join("**/*.rs").display().to_string();
        let there: Vec<_> = glob::glob(&pattern).unwrap().map(Result::unwrap).collect();
        assert!(there.len() > 10, "{pattern} finds {}", there.len());
        for file in there {
            let name = file.strip_prefix(&sdk).unwrap().display().to_string();
            // No hook is built from the SDK's own tests.
            if name.starts_with("macros/tests/") {
                continue;
            }
            assert!(FILES.iter().any(|(carried, _)| *carried == name), "{name} is missing");
        }
        assert!(FILES.iter().any(|(name, _)| *name == "wit/world.wit"));
    }

    #[test]
    fn its_manifests_stand_without_the_workspace() {
        let manifests: Vec<_> = FILES.iter().filter(|(name, _)| name.ends_with("Cargo.toml")).collect();
        assert_eq!(manifests.len(), 2);
        for (name, text) in manifests {
            let manifest: toml::Table = text.parse().unwrap();
            assert_eq!(manifest["package"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")), "{name}");
            assert!(!text.contains("workspace"), "{name}: {text}");
        }
    }
}

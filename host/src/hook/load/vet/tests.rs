use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use std::fs;

const GOOD: &[u8] = b"\0asm good";
const BAD: &[u8] = b"\0asm bad";

/// A signed plugin, and who trusts its signer.
fn signed() -> (tempfile::TempDir, PathBuf, Trust) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.wasm");
    let key = SigningKey::from_bytes(&[5; 32]);
    fs::write(&path, GOOD).unwrap();
    fs::write(path.with_extension("wasm.sig"), key.sign(GOOD).to_bytes()).unwrap();
    let public = format!("ed25519:{}", STANDARD.encode(key.verifying_key().as_bytes()));
    (dir, path, Trust::new(vec![public.parse().unwrap()]))
}

#[test]
fn a_file_that_is_swapped_after_it_was_read_is_not_what_is_checked_or_loaded() {
    let (_dir, path, trust) = signed();
    let found = Found::read(&PluginSource::File(path.clone()), 100).unwrap();
    fs::write(&path, BAD).unwrap();
    let vetted = found.vet(Some(sha256(GOOD)), &trust).unwrap();
    assert_eq!((vetted.bytes(), vetted.sha256()), (GOOD, sha256(GOOD)));
    // Even if all of it is gone.
    fs::remove_file(&path).unwrap();
    assert_eq!(vetted.bytes(), GOOD);
}

#[test]
fn a_file_that_is_swapped_before_it_is_read_is_refused() {
    let (_dir, path, trust) = signed();
    fs::write(&path, BAD).unwrap();
    let found = || Found::read(&PluginSource::File(path.clone()), 100).unwrap();
    assert!(matches!(found().vet(None, &trust), Err(LoadFault::Trust(_))));
    assert!(matches!(found().vet(Some(sha256(GOOD)), &trust), Err(LoadFault::Pin { .. })));
    assert!(found().vet(Some(sha256(BAD)), &Trust::default()).is_ok());
}

#[test]
#[cfg(feature = "embed-plugins")]
fn a_standard_hook_in_the_executable_needs_no_signature() {
    let (_dir, _, trust) = signed();
    let found = Found::read(&PluginSource::Standard("redact".to_owned()), 1 << 30).unwrap();
    assert_eq!(found.file(), None);
    assert!(found.vet(None, &trust).is_ok());
}

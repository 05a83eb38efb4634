use super::*;
use ed25519_dalek::{Signer as _, SigningKey};
use minisign::KeyPair;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The key and signatures of the documentation of minisign's libraries, over `test`.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const PREHASHED: &str = "untrusted comment: signature from minisign secret key\n\
    RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
    trusted comment: timestamp:1556193335\tfile:test\n\
    y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n";
const LEGACY: &str = "untrusted comment: signature from minisign secret key\n\
    RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
    trusted comment: timestamp:1555779966\tfile:test\n\
    QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n";
const TEST: &[u8] = b"test";

/// A plugin's file with what is beside it.
struct Plugin {
    _dir: TempDir,
    path: PathBuf,
}

impl Plugin {
    fn new(beside: &[(&str, &[u8])]) -> Plugin {
        let dir = TempDir::new().unwrap();
        for (name, content) in beside {
            fs::write(dir.path().join(name), content).unwrap();
        }
        Plugin { path: dir.path().join("p.wasm"), _dir: dir }
    }

    fn check(&self, trust: &[&str], bytes: &[u8]) -> Result<(), String> {
        let keys = trust.iter().map(|key| key.parse().unwrap()).collect();
        Trust::new(keys).check(&self.path, bytes).map_err(|fault| fault.to_string())
    }
}

fn bare(seed: u8) -> (SigningKey, String) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let public = PublicKey::Bare(key.verifying_key()).to_string();
    (key, public)
}

/// A pair of minisign's, and what its `.pub` file has in its second line.
fn minisign() -> (KeyPair, String) {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let public = pair.pk.to_base64();
    (pair, public)
}

fn signed(pair: &KeyPair, bytes: &[u8]) -> String {
    minisign::sign(None, &pair.sk, bytes, Some("file:p.wasm"), None).unwrap().into_string()
}

#[track_caller]
fn assert_says(result: Result<(), String>, parts: &[&str]) {
    let message = result.unwrap_err();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
}

#[test]
fn signatures_of_both_of_minisigns_forms_fit_what_they_sign_and_nothing_else() {
    for signature in [PREHASHED, LEGACY] {
        let plugin = Plugin::new(&[("p.wasm.minisig", signature.as_bytes())]);
        assert_eq!(plugin.check(&[KEY], TEST), Ok(()));
        let result = plugin.check(&[KEY], b"Test");
        assert_says(result, &["does not fit its signature", "p.wasm.minisig", "E7620F1842B4E81F"]);
    }
    let (pair, key) = minisign();
    let plugin = Plugin::new(&[("p.wasm.minisig", signed(&pair, b"bytes").as_bytes())]);
    assert_eq!(plugin.check(&[KEY, &key], b"bytes"), Ok(()), "any of the keys will do");
}

#[test]
fn a_signature_whose_trusted_comment_was_changed_does_not_fit() {
    let changed = PREHASHED.replace("file:test", "file:text");
    let plugin = Plugin::new(&[("p.wasm.minisig", changed.as_bytes())]);
    assert_says(plugin.check(&[KEY], TEST), &["does not fit", "changed after"]);
    // The other comment is anybody's.
    let changed = PREHASHED.replace("signature from", "whatever stands in");
    assert_eq!(Plugin::new(&[("p.wasm.minisig", changed.as_bytes())]).check(&[KEY], TEST), Ok(()));
}

#[test]
fn a_bare_signature_fits_as_bytes_and_in_base64_on_several_lines() {
    let (key, public) = bare(1);
    let signature = key.sign(TEST).to_bytes();
    let text = BASE64.encode(signature);
    let lines = format!("{}\n{}\n", &text[..64], &text[64..]);
    for content in [&signature[..], text.as_bytes(), lines.as_bytes()] {
        let plugin = Plugin::new(&[("p.wasm.sig", content)]);
        assert_eq!(plugin.check(&[&public], TEST), Ok(()));
        let (_, other) = bare(2);
        assert_eq!(plugin.check(&[&other, &public, KEY], TEST), Ok(()));
        for result in [plugin.check(&[&public], b"Test"), plugin.check(&[&other], TEST)] {
            assert_says(result, &["p.wasm.sig", "with none of the Ed25519 keys in trust", "ed25519:"]);
        }
    }
}

#[test]
fn without_keys_nothing_is_asked_for_and_with_them_each_missing_file_is_named() {
    let plugin = Plugin::new(&[]);
    assert_eq!(plugin.check(&[], TEST), Ok(()));
    let (_, public) = bare(1);
    assert_says(
        plugin.check(&[KEY], TEST),
        &["is not signed", "p.wasm.minisig\"; sign it with `minisign -S"],
    );
    assert_says(
        plugin.check(&[&public], TEST),
        &["p.wasm.sig\"; sign it with `openssl pkeyutl -sign -rawin"],
    );
    assert_says(plugin.check(&[&public, KEY], TEST), &["p.wasm.minisig\" and no \"", "p.wasm.sig\";"]);
    // A signature that no key can check is none.
    let plugin = Plugin::new(&[("p.wasm.minisig", PREHASHED.as_bytes())]);
    assert_says(plugin.check(&[&public], TEST), &["is not signed"]);
}

#[test]
fn a_signature_by_another_key_names_both() {
    let (pair, key) = minisign();
    let plugin = Plugin::new(&[("p.wasm.minisig", signed(&pair, TEST).as_bytes())]);
    let id = key.parse::<PublicKey>().unwrap().to_string();
    assert_says(plugin.check(&[KEY], TEST), &["signed by key", &id, "it names \"E7620F1842B4E81F\""]);
}

#[test]
fn a_key_that_only_claims_the_number_of_a_trusted_one_is_not_trusted() {
    let (pair, key) = minisign();
    let mut lines: Vec<String> = signed(&pair, TEST).lines().map(str::to_owned).collect();
    let mut forged = BASE64.decode(&lines[1]).unwrap();
    forged[2..10].copy_from_slice(&BASE64.decode(KEY).unwrap()[2..10]);
    lines[1] = BASE64.encode(forged);
    let plugin = Plugin::new(&[("p.wasm.minisig", lines.join("\n").as_bytes())]);
    assert_says(plugin.check(&[KEY], TEST), &["does not fit", "E7620F1842B4E81F"]);
    assert_says(plugin.check(&[KEY, &key], TEST), &["does not fit"]);
}

#[test]
fn one_of_two_signatures_is_enough_and_what_is_wrong_with_the_first_is_told() {
    let (key, public) = bare(1);
    let signature = key.sign(TEST).to_bytes();
    let plugin = Plugin::new(&[("p.wasm.minisig", b"broken"), ("p.wasm.sig", &signature)]);
    assert_eq!(plugin.check(&[KEY, &public], TEST), Ok(()));
    assert_says(plugin.check(&[KEY, &public], b"Test"), &["p.wasm.minisig\" that is none"]);
}

#[test]
fn what_is_no_signature_says_what_it_should_be() {
    let of = |name: &str, content: &[u8]| {
        let (_, public) = bare(1);
        Plugin::new(&[(name, content)]).check(&[KEY, &public], TEST)
    };
    for end in (0..PREHASHED.len() - 2).step_by(7) {
        assert!(of("p.wasm.minisig", &PREHASHED.as_bytes()[..end]).is_err(), "cut at {end}");
    }
    for content in [&b""[..], b"\xff\xfe", b"one\ntwo\nthree\nfour\n", &[b'A'; 60]] {
        assert_says(of("p.wasm.minisig", content), &["four lines", "minisign -S"]);
        assert_says(of("p.wasm.sig", content), &["64 bytes", "openssl pkeyutl"]);
    }
    let other = PREHASHED.replacen("RUQf", "QUQf", 1);
    assert_says(of("p.wasm.minisig", other.as_bytes()), &["algorithm"]);
    assert_says(of("p.wasm.sig", &vec![b' '; 20 << 10]), &["cannot be read", "more than 16384 bytes"]);
    let plugin = Plugin::new(&[]);
    fs::create_dir(Form::Minisign.beside(&plugin.path)).unwrap();
    assert_says(plugin.check(&[KEY], TEST), &["cannot be read", "it is no file"]);
}

#[test]
fn a_key_is_read_as_its_owner_publishes_it_and_shown_the_same_way() {
    assert_eq!(KEY.parse::<PublicKey>().unwrap().to_string(), "E7620F1842B4E81F");
    let (_, public) = bare(7);
    assert_eq!(format!(" {public}\n").parse::<PublicKey>().unwrap().to_string(), public);
}

#[test]
fn what_is_no_key_is_told_without_being_repeated() {
    let (pair, _) = minisign();
    let secret = pair.sk.to_box(None).unwrap().into_string().lines().nth(1).unwrap().to_owned();
    let long = format!("{BARE}{}", BASE64.encode([3; 44]));
    let weak = format!("{BARE}{}", BASE64.encode([0; 32]));
    for (text, part) in [
        ("untrusted comment: minisign public key E7620F1842B4E81F", "second line"),
        ("", "second line"),
        (&KEY[..50], "second line"),
        (secret.as_str(), "secret key"),
        ("ed25519:@", "not base64"),
        (long.as_str(), "44 bytes"),
        (weak.as_str(), "no usable"),
    ] {
        let message = text.parse::<PublicKey>().unwrap_err().to_string();
        assert!(message.contains(part) && !message.contains(&secret), "{text}: {message}");
        assert!(text.len() < 20 || !message.contains(text), "{message}");
    }
}

#[test]
fn whose_a_signature_says_that_it_is_can_be_asked_without_trusting_anybody() {
    let plugin = Plugin::new(&[("p.wasm.minisig", PREHASHED.as_bytes()), ("p.wasm.sig", b"short")]);
    let [minisign, bare] = <[Beside; 2]>::try_from(Beside::of(&plugin.path)).unwrap();
    assert_eq!(minisign.key_id.as_deref(), Some("E7620F1842B4E81F"));
    assert_eq!((minisign.fault, bare.form), (None, "ed25519"));
    assert!(bare.fault.unwrap().contains("64 bytes"));
    assert_eq!(Beside::of(Path::new("/nonexistent/p.wasm")), []);
}

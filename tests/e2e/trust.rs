//! `trust`: whose plugins are loaded, by the signatures beside their files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use hookaroon::hook::compile::{self, Compiler};
use hookaroon::hook::load::{Loader, PluginSource};
use hookaroon::hook::trust::Trust;
use hookaroon::hook::{engine, scan};
use minisign::KeyPair;

use crate::support::{BINARY, FILE_TO_FILE, Ran, Trial, misbehave, scale};

/// A configuration that trusts `keys`, with the plugin `p.wasm`.
fn config(keys: &[&str]) -> String {
    format!("trust = {keys:?}\n{FILE_TO_FILE}{HOOK}")
}

const HOOK: &str = "[[hook]]\nname = \"h\"\nplugin = \"p.wasm\"\n[hook.grant]\nimports = [\"log\"]\n\
                    [hook.config]\ndo = \"nothing\"\n";

pub fn pair() -> (KeyPair, String) {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let public = pair.pk.to_base64();
    (pair, public)
}

/// Signs a file as `minisign -S` does.
pub fn sign(pair: &KeyPair, file: &Path) {
    let signature = minisign::sign(None, &pair.sk, fs::File::open(file).unwrap(), None, None).unwrap();
    fs::write(format!("{}.minisig", file.display()), signature.into_string()).unwrap();
}

/// A plugin `p.wasm` and an event; nobody has signed the plugin yet.
fn trial() -> Trial {
    let trial = Trial::with_input("{\"n\":1}\n");
    trial.write("p.wasm", fs::read(misbehave()).unwrap());
    trial
}

/// Fails unless every command that loads a configuration's plugins refuses this one and says all of this.
#[track_caller]
fn assert_refused(trial: &Trial, config: &str, all: &[&str]) {
    trial.write("event.json", "{\"n\":1}");
    trial.write("hookaroon.toml", config);
    for arguments in [&["check"][..], &["run", "--once"], &["explain", "event.json"]] {
        let ran: Ran = trial.ended(trial.command(arguments).output().unwrap());
        assert_eq!(ran.code, Some(78), "{arguments:?}: {}", ran.stderr);
        ran.says(&["hook \"h\": plugin ", "p.wasm\" "]);
        ran.says(all);
    }
    assert!(!trial.path("out.ndjson").exists(), "nothing has run");
}

#[test]
fn a_plugin_that_a_trusted_key_signed_runs_and_any_other_is_refused_by_every_command() {
    let trial = trial();
    let ((mine, key), (other, other_key)) = (pair(), pair());
    // Compiled and cached while anybody was trusted: that is no way around the signature.
    assert_eq!(trial.run(&format!("{FILE_TO_FILE}{HOOK}")).lines(), ["{\"n\":1}"]);
    fs::remove_file(trial.path("out.ndjson")).unwrap();
    assert_refused(&trial, &config(&[&key]), &["is not signed", "p.wasm.minisig", "minisign -S"]);
    sign(&other, &trial.path("p.wasm"));
    assert_refused(&trial, &config(&[&key]), &["is signed by key", "add its public key to trust"]);
    sign(&mine, &trial.path("p.wasm"));
    for keys in [&[key.as_str()][..], &[&other_key, &key]] {
        let ran = trial.run(&config(keys));
        assert_eq!((ran.code, ran.lines()), (Some(0), vec!["{\"n\":1}"]), "{}", ran.stderr);
        assert_eq!(trial.check(&config(keys)).code, Some(0));
        fs::remove_file(trial.path("out.ndjson")).unwrap();
    }
    let mut changed = fs::read(trial.path("p.wasm")).unwrap();
    changed.push(0);
    trial.write("p.wasm", changed);
    assert_refused(&trial, &config(&[&key]), &["does not fit its signature", "get both anew"]);
    trial.write("p.wasm.minisig", "no signature");
    assert_refused(&trial, &config(&[&key]), &["p.wasm.minisig\" that is none"]);
}

#[test]
fn a_signature_is_looked_for_beside_the_path_that_is_configured() {
    let trial = trial();
    let (mine, key) = pair();
    sign(&mine, &trial.path("p.wasm"));
    fs::rename(trial.path("p.wasm"), trial.path("p-2.wasm")).unwrap();
    symlink("p-2.wasm", trial.path("p.wasm")).unwrap();
    assert_eq!(trial.check(&config(&[&key])).code, Some(0));
}

#[test]
fn the_standard_hooks_in_the_executable_are_trusted_with_it() {
    let trial = Trial::with_input("{\"message\":\"to bob@example.com\"}\n");
    let hook = "[[hook]]\nname = \"redact\"\nplugin = \"redact\"\n\
                grant = { read = [\"message\"], write = [\"message\"] }\n";
    let ran = trial.run(&format!("trust = {:?}\n{FILE_TO_FILE}{hook}", [pair().1]));
    assert_eq!(ran.lines(), ["{\"message\":\"to [email]\"}"], "{}", ran.stderr);
}

#[test]
fn what_is_no_key_names_its_line_and_nothing_is_loaded() {
    let trial = trial();
    let key = pair().1;
    for (trust, place, part) in [
        (format!("[\n\"{key}\",\n\"{}\"]", &key[1..]), ":3:1: trust: ", "this is no public key"),
        ("\"ed25519:AAAA\"".to_owned(), ":1:9: trust: ", "3 bytes"),
        ("[]".to_owned(), ":1:9: trust ", "names no key"),
        ("[7]".to_owned(), ":1:10: an entry of trust ", "a string is needed"),
    ] {
        let ran = trial.check(&format!("trust = {trust}\n{FILE_TO_FILE}{HOOK}"));
        assert_eq!(ran.code, Some(78));
        ran.says(&[&format!("hookaroon.toml{place}"), part]);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn inspect_says_which_key_a_signature_names() {
    let trial = trial();
    let inspect = |more: &[&str]| {
        let ran = trial.ended(trial.command(["inspect", "p.wasm"].iter().chain(more)).output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(inspect(&[]).contains("signature  none\n"));
    let (mine, key) = pair();
    sign(&mine, &trial.path("p.wasm"));
    // A trusted key is named in the same way.
    trial.write("other.wasm", "");
    let text = inspect(&[]);
    let json: serde_json::Value = serde_json::from_str(&inspect(&["--json"])).unwrap();
    let id = json["signatures"][0]["key_id"].as_str().unwrap();
    assert!(
        text.contains(&format!("p.wasm.minisig (minisign), by key {id} as it says; not checked")),
        "{text}"
    );
    assert_eq!(key.parse::<hookaroon::hook::trust::PublicKey>().unwrap().to_string(), id);
}

#[test]
fn a_file_that_is_swapped_all_the_time_is_loaded_as_it_was_signed_or_not_at_all() {
    let trial = trial();
    let (mine, key) = pair();
    let path = trial.path("p.wasm");
    sign(&mine, &path);
    let good = fs::read(&path).unwrap();
    // It would load, but says other things of itself.
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins/leak.wasm");
    trial.write("good.wasm", &good);
    let compiler = Compiler::new(BINARY, scan::Limits::DEFAULT, compile::Limits::DEFAULT);
    let trust = Trust::new(vec![key.parse().unwrap()]);
    let loader = Loader::new(engine::new().unwrap(), compiler, None, trust);
    let source = |name: &str| PluginSource::File(trial.path(name));
    fs::copy(trial.path("p.wasm.minisig"), trial.path("good.wasm.minisig")).unwrap();
    let signed = loader.inspect(&source("good.wasm")).unwrap();
    let is_over = AtomicBool::new(false);
    let loads = scale(2_000);
    let (mut loaded, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let swapped = [fs::read(&other).unwrap(), good.clone()];
            for bytes in swapped.iter().cycle() {
                trial.write("new.wasm", bytes);
                fs::rename(trial.path("new.wasm"), &path).unwrap();
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        while loaded < loads || refused < loads {
            match loader.inspect(&source("p.wasm")) {
                Ok(inspection) => {
                    assert_eq!(inspection.sha256, signed.sha256);
                    assert_eq!(inspection.facts, signed.facts);
                    loaded += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("does not fit its signature"), "{error}");
                    refused += 1;
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

//! Plugins that are handed over: tried, promoted, taken back, and whose they are.

use std::fs;

use serde_json::json;

use super::{other_version, told, version};
use crate::support::run::{ADMIN, ENDS, Run, stamp};
use crate::support::{Trial, misbehave};
use crate::trust::{pair, sign};

#[test]
fn a_version_is_tried_on_a_share_or_on_copies_then_promoted_or_taken_back() {
    let mut run = Run::start_admin(&stamp("a", "1"));
    run.trial.write("a2.wasm", other_version());
    run.pass(1);
    let first = version(&run, "a");
    run.tell(&["hooks", "swap", "a", "a2.wasm", "--share", "50%", "--by", "n", "--failures", "100%"]);
    run.pass(20);
    let candidate = told(&run, "a")["candidate"].clone();
    assert_eq!(candidate["share"], "50%");
    let rows = candidate["rows"].as_u64().unwrap();
    assert!((1..20).contains(&rows), "{candidate}");
    assert!(run.tell(&["hooks", "list"]).contains(&format!(" on 50%, {rows} rows, failed 0 times")));
    run.tell(&["hooks", "set", "a", "candidate.share=0.01%"]);
    assert_eq!(told(&run, "a")["candidate"]["share"], "0.01%");
    run.tell(&["hooks", "rollback", "a"]);
    assert_eq!((told(&run, "a")["candidate"].clone(), version(&run, "a")), (json!(null), first.clone()));

    run.tell(&["hooks", "swap", "a", "a2.wasm", "--shadow"]);
    run.pass(5);
    let text = run.tell(&["hooks", "show", "a"]);
    assert!(
        text.contains("tried beside it: ") && text.contains("of 5 events it would have changed 0 otherwise"),
        "{text}"
    );
    let promoted = run.tell(&["hooks", "promote", "a"]);
    assert!(promoted.starts_with("a: promoted ("), "{promoted}");
    run.pass(1);
    let second = version(&run, "a");
    assert_ne!(second, first);
    let versions = run.json(&["hooks", "versions", "a"]);
    assert_eq!(versions["versions"].as_array().unwrap().last().unwrap()["at_work"], true);
    assert!(run.tell(&["hooks", "versions", "a"]).starts_with(&second));
    let ran = run.end();
    assert!(ran.lines().iter().all(|line| line.ends_with("\"a\":\"1\"}")), "{}", ran.stderr);
    assert_eq!((ran.lines().len(), ran.number("hooks.0.rows")), (27, 27));
}

#[test]
fn a_plugin_that_is_handed_over_is_trusted_by_the_signature_beside_its_file_and_keeps_it() {
    let trial = Trial::new();
    let ((mine, key), (other, _)) = (pair(), pair());
    fs::copy(misbehave(), trial.path("p.wasm")).unwrap();
    sign(&mine, &trial.path("p.wasm"));
    let hooks = stamp("a", "1").replace(misbehave().to_str().unwrap(), "p.wasm");
    let config = format!("trust = [{key:?}]\n{ENDS}{ADMIN}{hooks}");
    trial.write("hookaroon.toml", &config);
    let mut run = Run::start_as_is(trial, "hookaroon.toml").going_on();
    run.pass(1);
    let first = version(&run, "a");
    let plugin = run.trial.path("p2.wasm");
    run.trial.write("p2.wasm", other_version());
    run.trial.write("b.toml", stamp("b", "1").replace(misbehave().to_str().unwrap(), "p2.wasm"));
    for arguments in [
        &["hooks", "swap", "a", "p2.wasm"][..],
        &["hooks", "swap", "a", "p2.wasm", "--shadow"],
        &["hooks", "load", "b.toml"],
    ] {
        run.refused(arguments, &["is not signed"]);
    }
    sign(&other, &plugin);
    run.refused(&["hooks", "swap", "a", "p2.wasm"], &["is signed by key"]);
    sign(&mine, &run.trial.path("p.wasm"));
    fs::copy(run.trial.path("p.wasm.minisig"), run.trial.path("p2.wasm.minisig")).unwrap();
    run.refused(&["hooks", "swap", "a", "p2.wasm"], &["does not fit its signature"]);
    // The version at work, handed over with a signature that does not fit, keeps its own.
    sign(&other, &plugin);
    fs::copy(run.trial.path("p.wasm"), run.trial.path("p3.wasm")).unwrap();
    fs::copy(run.trial.path("p2.wasm.minisig"), run.trial.path("p3.wasm.minisig")).unwrap();
    run.refused(&["hooks", "swap", "a", "p3.wasm"], &["is signed by key"]);
    assert_eq!(version(&run, "a"), first);
    sign(&mine, &plugin);
    run.tell(&["hooks", "swap", "a", "p2.wasm"]);
    run.tell(&["hooks", "load", "b.toml"]);
    run.pass(1);
    for file in ["p2.wasm", "p2.wasm.minisig"] {
        fs::remove_file(run.trial.path(file)).unwrap();
    }
    let trial = run.stop();
    let mut run = Run::start_as_is(trial, "hookaroon.toml").going_on();
    run.pass(1);
    assert_ne!(version(&run, "a"), first);
    run.tell(&["hooks", "rollback", "a"]);
    assert_eq!(version(&run, "a"), first);
    let ran = run.end();
    assert_eq!(ran.lines()[2], "{\"n\":2,\"a\":\"1\",\"b\":\"1\"}", "{}", ran.stderr);
}

#[test]
fn a_pin_in_the_files_holds_for_what_is_handed_over() {
    let trial = Trial::new();
    let inspected = trial.command(["inspect", misbehave().to_str().unwrap(), "--json"]).output().unwrap();
    let inspected: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    let sha256 = inspected["sha256"].as_str().unwrap();
    let pinned = stamp("a", "1").replace("[hook.grant]", &format!("sha256 = {sha256:?}\n[hook.grant]"));
    let mut run = Run::start_admin_in(trial, &pinned);
    run.trial.write("a2.wasm", other_version());
    run.trial.write("large.wasm", vec![0; (32 << 20) + 1]);
    run.pass(1);
    for trial in [&[][..], &["--shadow"]] {
        run.refused(
            &[&["hooks", "swap", "a", "a2.wasm"], trial].concat(),
            &["is pinned to the plugin", "change sha256"],
        );
    }
    run.refused(&["hooks", "swap", "a", "large.wasm"], &["it has more than 33554432 bytes"]);
    run.tell(&["hooks", "swap", "a", misbehave().to_str().unwrap()]);
    run.end();
}

//! The verbs of `hookaroon hooks`, each through the real command line against a run whose events flow.

mod keeping;
mod manual;
mod plugins;
mod roles;

use serde_json::{Value, json};

use crate::support::run::{Run, stamp};
use crate::support::{hook, misbehave};

/// The plugin of the tests as another version: with a section that means nothing.
pub fn other_version() -> Vec<u8> {
    let mut bytes = std::fs::read(misbehave()).unwrap();
    bytes.extend([0, 2, 1, b'x']);
    bytes
}

/// What `hooks show` tells of a hook.
fn told(run: &Run, name: &str) -> Value {
    run.json(&["hooks", "show", name])
}

fn version(run: &Run, name: &str) -> String {
    told(run, name)["version"].as_str().unwrap().to_owned()
}

#[test]
fn every_verb_takes_effect_between_two_events_and_is_in_the_audit_log() {
    let mut run = Run::start_admin(&stamp("a", "1"));
    run.trial.write("b.toml", stamp("b", "1"));
    run.trial.write("a2.wasm", other_version());
    run.pass(1);
    let mut audited = Vec::new();
    let mut verb = |run: &mut Run, arguments: &[&str], action: &str, says: &str| {
        let text = run.tell(&[&["hooks"], arguments].concat());
        assert!(text.starts_with(says), "{text:?} for {arguments:?}");
        assert!(text.contains("the flow stood still for "), "{text}");
        audited.push((action.to_owned(), arguments[1].to_owned()));
        run.pass(1);
    };
    verb(&mut run, &["load", "b.toml"], "loadHook", "b: loaded; ");
    audited_last_is(&run, "b");
    verb(&mut run, &["set", "b", "config.text=2"], "setHook", "b: set; ");
    verb(&mut run, &["pause", "a"], "pauseHook", "a: paused; ");
    assert_eq!(told(&run, "a")["state"], "paused");
    verb(&mut run, &["resume", "a"], "resumeHook", "a: resumed; ");
    verb(&mut run, &["move", "b", "--before", "a"], "moveHook", "b: moved; ");
    let first = version(&run, "a");
    verb(&mut run, &["swap", "a", "a2.wasm"], "putPlugin", "a: swapped (");
    let second = version(&run, "a");
    assert_ne!(first, second);
    verb(&mut run, &["rollback", "a"], "rollbackHook", &format!("a: rolled back ({first})"));
    assert_eq!(version(&run, "a"), first);
    verb(
        &mut run,
        &["rollback", "a", "--to", &second],
        "rollbackHook",
        &format!("a: rolled back ({second})"),
    );
    verb(&mut run, &["reload", "a"], "reloadHook", "a: reloaded; ");
    verb(&mut run, &["revert", "a"], "revertHook", "a: reverted; ");
    assert_eq!(version(&run, "a"), first);
    verb(&mut run, &["unload", "b"], "unloadHook", "b: unloaded; ");
    let audit: Vec<Value> = run.audit();
    assert_eq!(audit.len(), audited.len());
    for (line, (action, _)) in audit.iter().zip(&audited) {
        assert_eq!((&line["action"], &line["who"]), (&json!(action), &json!("admin")), "{line}");
        assert_eq!((&line["result"], &line["dry_run"]), (&json!("done"), &json!(false)), "{line}");
    }
    let swap = &audit[5];
    assert!(swap["digest"].as_str().unwrap().starts_with(&second), "{swap}");
    assert!(swap["before"]["version"].as_str().unwrap().starts_with(&first), "{swap}");
    assert_eq!(swap["after"]["version"], swap["digest"]);
    let ran = run.end();
    let expected = [
        "{\"n\":0,\"a\":\"1\"}",
        "{\"n\":1,\"a\":\"1\",\"b\":\"1\"}",
        "{\"n\":2,\"a\":\"1\",\"b\":\"2\"}",
        "{\"n\":3,\"b\":\"2\"}",
        "{\"n\":4,\"a\":\"1\",\"b\":\"2\"}",
        "{\"n\":5,\"b\":\"2\",\"a\":\"1\"}",
        "{\"n\":6,\"b\":\"2\",\"a\":\"1\"}",
        "{\"n\":7,\"b\":\"2\",\"a\":\"1\"}",
        "{\"n\":8,\"b\":\"2\",\"a\":\"1\"}",
        "{\"n\":9,\"b\":\"2\",\"a\":\"1\"}",
    ];
    assert_eq!(ran.lines()[..10], expected, "{}", ran.stderr);
    assert_eq!(ran.lines()[11], "{\"n\":11,\"a\":\"1\"}");
    assert_eq!((ran.number("events_in"), ran.number("events_out.out")), (12, 12));
}

#[track_caller]
fn audited_last_is(run: &Run, target: &str) {
    assert_eq!(run.audit().last().unwrap()["target"], target);
}

#[test]
fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let mut run = Run::start_admin(&format!("{}{}", stamp("a", "1"), stamp("b", "1")));
    run.trial.write("c.toml", stamp("c", "1"));
    run.trial.write("a2.wasm", other_version());
    run.pass(1);
    let state = |run: &Run| {
        let mut hooks = run.json(&["hooks", "list"]);
        hooks["hooks"].as_array_mut().unwrap().iter_mut().for_each(|hook| hook["memory"] = Value::Null);
        let files: Vec<_> = walk(&run.trial.path("hookaroon-data/plugins"));
        (hooks, run.json(&["hooks", "versions", "a"]), run.json(&["config", "diff"]), files)
    };
    let before = state(&run);
    for arguments in [
        &["load", "c.toml"][..],
        &["unload", "a"],
        &["swap", "a", "a2.wasm"],
        &["swap", "a", "a2.wasm", "--shadow"],
        &["set", "a", "deadline=20ms", "rollout.share=5%"],
        &["pause", "a", "--for", "1s"],
        &["resume", "a"],
        &["move", "a", "--last"],
        &["reload", "a"],
        &["revert", "a"],
    ] {
        let text = run.tell(&[&["hooks"], arguments, &["--dry-run"]].concat());
        assert!(text.contains(": would be ") && text.contains("; nothing is changed\n"), "{text}");
        assert_eq!(run.audit().last().unwrap()["dry_run"], true);
    }
    let read = run.tell(&["config", "reload", "--dry-run"]);
    assert!(read.starts_with("config: would be read again; "), "{read}");
    assert_eq!(state(&run), before);
    assert!(!run.trial.path("hookaroon-data/live.toml").exists());
    run.pass(1);
    let ran = run.end();
    assert_eq!(ran.lines()[1], "{\"n\":1,\"a\":\"1\",\"b\":\"1\"}");
}

/// All files below a directory.
fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn what_cannot_be_changes_nothing_and_says_what_to_do() {
    let mut run = Run::start_admin(&(stamp("alpha", "1") + &hook("off", "enabled = false", "nothing", "")));
    run.trial.write("alpha.toml", stamp("alpha", "1"));
    run.trial.write("two.toml", stamp("x", "1") + &stamp("y", "1"));
    run.trial.write("more.toml", format!("workers = 2\n{}", stamp("x", "1")));
    run.trial.write("gone.toml", stamp("x", "1").replace(misbehave().to_str().unwrap(), "gone.wasm"));
    run.trial.write("key.toml", stamp("x", "1").replace("[hook.grant]", "dealine = \"1s\"\n[hook.grant]"));
    run.trial.write("garbage.wasm", "no plugin");
    run.pass(1);
    for (arguments, says) in [
        (&["hooks", "pause", "alhpa"][..], &["there is no hook \"alhpa\"; did you mean \"alpha\"?"][..]),
        (&["hooks", "show", "alhpa"], &["did you mean \"alpha\"?"]),
        (&["hooks", "move", "alpha", "--after", "beta"], &["there is no hook \"beta\""]),
        (&["hooks", "load", "alpha.toml"], &["there is a hook \"alpha\" already; swap it"]),
        (&["hooks", "load", "two.toml"], &["two.toml: there are 2 [[hook]] in it"]),
        (&["hooks", "load", "more.toml"], &["workers stands beside the [[hook]]"]),
        (&["hooks", "load", "gone.toml"], &["gone.wasm: No such file"]),
        (&["hooks", "load", "key.toml"], &["unknown key \"dealine\"", "did you mean \"deadline\"?"]),
        (&["hooks", "load", "none.toml"], &["cannot read none.toml"]),
        (&["hooks", "swap", "alpha", "garbage.wasm"], &["hook \"alpha\": plugin "]),
        (&["hooks", "set", "alpha", "deadline=fast"], &["deadline"]),
        (&["hooks", "set", "alpha", "deadlin=1s"], &["did you mean \"deadline\"?"]),
        (&["hooks", "set", "alpha", "plugin=x.wasm"], &["plugin cannot be set; swap the hook"]),
        (&["hooks", "promote", "alpha"], &["nothing is tried beside hook \"alpha\""]),
        (&["hooks", "promote", "off"], &["hook \"off\" is not enabled"]),
        (&["hooks", "rollback", "alpha"], &["no other version of hook \"alpha\" is kept"]),
        (&["hooks", "rollback", "alpha", "--to", "00"], &["no other version of hook \"alpha\" is kept"]),
        (&["hooks", "pause", "alpha", "--for", "soon"], &["for = \"soon\" is no time; write 30s, 10m or 2h"]),
        (&["hooks", "pause", "alpha", "--for", "9000h"], &["at most 366 days"]),
        (
            &["hooks", "swap", "alpha", "garbage.wasm", "--rows", "3"],
            &["rows belongs to a version that is tried"],
        ),
    ] {
        run.refused(arguments, says);
        run.pass(1);
    }
    let usage = run.ask(&["hooks", "set", "alpha", "deadline"]);
    assert_eq!(usage.code, Some(2), "{}", usage.stderr);
    assert_eq!(run.json(&["config", "diff"])["differences"], json!([]));
    assert!(run.audit().iter().all(|line| line["result"] == "failed"), "{:?}", run.audit());
    let ran = run.end();
    assert!(ran.lines().iter().all(|line| line.ends_with("\"alpha\":\"1\"}")), "{}", ran.stderr);
    assert_eq!(ran.number("events_out.out"), 21);
}

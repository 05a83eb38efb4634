//! What operators changed: over a restart, against the files, and for a time.

use serde_json::json;

use super::{other_version, told, version};
use crate::support::run::{ADMIN, Run, stamp};
use crate::support::wait_until;

#[test]
fn what_was_changed_is_so_after_a_restart_though_the_files_it_came_from_are_gone() {
    let mut run = Run::start_admin(&(stamp("a", "1") + &stamp("b", "1")));
    run.trial.write("c.wasm", other_version());
    let plugin = crate::support::misbehave();
    run.trial.write("c.toml", stamp("c", "1").replace(plugin.to_str().unwrap(), "./c.wasm"));
    run.trial.write("a2.wasm", other_version());
    let first = version(&run, "a");
    run.tell(&["hooks", "load", "c.toml"]);
    run.tell(&["hooks", "swap", "a", "a2.wasm"]);
    run.tell(&["hooks", "pause", "b"]);
    run.tell(&["hooks", "move", "c", "--first"]);
    run.tell(&["hooks", "set", "a", "config.text=2", "deadline=40ms"]);
    let second = version(&run, "a");
    run.pass(1);
    for file in ["c.wasm", "c.toml", "a2.wasm"] {
        std::fs::remove_file(run.trial.path(file)).unwrap();
    }
    let mut run = Run::start_admin_in(run.stop(), &(stamp("a", "1") + &stamp("b", "1")));
    run.pass(1);
    assert_eq!((version(&run, "a"), version(&run, "c")), (second.clone(), second));
    assert_eq!(told(&run, "b")["state"], "paused");
    let a = told(&run, "a");
    assert!(a["origins"]["deadline"].as_str().unwrap() == "API: admin", "{a}");
    assert!(a["origins"]["name"].as_str().unwrap().contains("hookaroon.toml:"), "{a}");
    let differences = run.json(&["config", "diff"]);
    let keys: Vec<_> = differences["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| {
            format!("{}.{}", difference["hook"].as_str().unwrap(), difference["key"].as_str().unwrap())
        })
        .collect();
    assert!(keys.contains(&"a.deadline".to_owned()) && keys.contains(&"c.".to_owned()), "{keys:?}");
    // Back to what the files say, with the version that came from there.
    run.tell(&["hooks", "rollback", "a"]);
    assert_eq!(version(&run, "a"), first);
    for name in ["a", "b"] {
        run.tell(&["hooks", "revert", name]);
    }
    run.tell(&["hooks", "unload", "c"]);
    assert_eq!(run.tell(&["config", "diff"]), "no difference\n");
    run.pass(1);
    let ran = run.end();
    let changed = "\"c\":\"1\",\"a\":\"2\"}";
    assert_eq!(
        ran.lines(),
        [
            format!("{{\"n\":0,{changed}"),
            format!("{{\"n\":1,{changed}"),
            "{\"n\":2,\"a\":\"1\",\"b\":\"1\"}".to_owned()
        ],
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_for_a_time_ends_by_itself() {
    let mut run = Run::start_admin(&(stamp("a", "1") + &stamp("b", "1")));
    run.trial.write("c.toml", stamp("c", "1"));
    run.trial.write("a2.wasm", other_version());
    run.pass(1);
    let first = version(&run, "a");
    let second = "1s";
    run.tell(&["hooks", "load", "c.toml", "--for", second]);
    run.tell(&["hooks", "swap", "a", "a2.wasm", "--for", second]);
    run.tell(&["hooks", "set", "a", "deadline=40ms", "--for", second]);
    run.tell(&["hooks", "unload", "b", "--for", second]);
    let all = run.json(&["hooks", "list"]);
    assert!(all.to_string().contains("\"until\":"), "{all}");
    wait_until(|| run.json(&["config", "diff"])["differences"] == json!([]));
    assert_eq!(version(&run, "a"), first);
    run.tell(&["hooks", "pause", "a", "--for", second]);
    wait_until(|| told(&run, "a")["state"] == "at_work");
    run.pass(1);
    let ran = run.end();
    assert_eq!(ran.lines()[1], "{\"n\":1,\"a\":\"1\",\"b\":\"1\"}", "{}", ran.stderr);
    assert_eq!(ran.number("events_out.out"), 2);
}

#[test]
fn a_hook_that_was_taken_out_is_still_told_and_comes_back() {
    let mut run = Run::start_admin(&stamp("a", "1"));
    run.pass(1);
    run.tell(&["hooks", "unload", "a"]);
    run.pass(1);
    assert_eq!(told(&run, "a")["state"], "unloaded");
    assert!(run.tell(&["hooks", "list"]).contains("  unloaded by admin, "));
    run.tell(&["hooks", "revert", "a"]);
    run.pass(1);
    let ran = run.end();
    assert_eq!(ran.lines(), ["{\"n\":0,\"a\":\"1\"}", "{\"n\":1}", "{\"n\":2,\"a\":\"1\"}"]);
}

#[test]
fn the_files_are_read_again_when_that_is_asked_for_and_their_errors_are_told() {
    let mut run = Run::start_admin(&stamp("a", "1"));
    run.pass(1);
    let text = String::from_utf8(run.trial.read("hookaroon.toml")).unwrap();
    run.trial.write("hookaroon.toml", text.replace("[hook.grant]", "dealine = \"1s\"\n[hook.grant]"));
    run.refused(&["config", "reload"], &["did you mean \"deadline\"?"]);
    wait_until(|| run.tell(&["config", "diff"]).contains("the files are not valid"));
    run.trial.write("hookaroon.toml", text.replace("text = \"1\"", "text = \"2\""));
    run.tell(&["config", "reload"]);
    run.pass(1);
    assert!(run.trial.read("hookaroon.toml").starts_with(b"[batch]") && text.contains(ADMIN));
    let ran = run.end();
    assert_eq!(ran.lines(), ["{\"n\":0,\"a\":\"1\"}", "{\"n\":1,\"a\":\"2\"}"], "{}", ran.stderr);
}

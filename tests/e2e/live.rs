//! Hooks that change while events flow, through the files of the configuration: nothing is lost, and only what differs is
//! done.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::run::{ENDS, Run, stamp};
use crate::support::{Trial, hook, misbehave, numbered, wait_until};

/// A hook that counts what it saw, in `c`; another `text` is another config, so that new instances take over.
fn count(text: &str, options: &str) -> String {
    hook("c", options, "count", &format!("write = [{{ path = \"c\", kind = \"integer\" }}]\ntext = {text:?}"))
}

const READ: &str = "the configuration was read again";

#[test]
fn hooks_join_change_and_leave_as_the_file_says() {
    let mut run = Run::start("");
    run.pass(1);
    run.edit(&stamp("a", "1"), "a loaded");
    run.pass(1);
    run.edit(&format!("{}{}", stamp("a", "2"), stamp("b", "1")), "a swapped, b loaded");
    run.pass(1);
    run.edit(&format!("{}{}", stamp("b", "1"), stamp("a", "2")), READ);
    run.pass(1);
    run.edit(
        &stamp("b", "1").replace("[hook.grant]", "match = [\"n >= 5\"]\n[hook.grant]"),
        "b changed, a unloaded",
    );
    run.pass(2);
    run.edit("", "b unloaded");
    run.pass(1);
    let ran = run.end();
    let expected = [
        "{\"n\":0}",
        "{\"n\":1,\"a\":\"1\"}",
        "{\"n\":2,\"a\":\"2\",\"b\":\"1\"}",
        "{\"n\":3,\"b\":\"1\",\"a\":\"2\"}",
        "{\"n\":4}",
        "{\"n\":5,\"b\":\"1\"}",
        "{\"n\":6}",
    ];
    assert_eq!(ran.lines(), expected, "{}", ran.stderr);
    assert_eq!((ran.number("events_in"), ran.number("events_out.out")), (7, 7));
    let rows = |name: &str| {
        let hooks = ran.summary["hooks"].as_array().unwrap();
        hooks.iter().find(|hook| hook["name"] == name).unwrap()["rows"].as_u64().unwrap()
    };
    assert_eq!(
        (rows("a"), rows("b")),
        (3, 3),
        "hooks that are gone, and all their versions, are in the books"
    );
}

#[test]
fn state_is_exact_through_swaps_and_the_last_events_of_each_come_out() {
    let mut run = Run::start(&count("0", ""));
    for version in 1..=20 {
        run.pass(3);
        run.edit(&count(&version.to_string(), ""), "c swapped");
    }
    run.pass(1);
    let ran = run.end();
    let expected: Vec<String> = (0..61).map(|n| format!("{{\"n\":{n},\"c\":{}}}", n + 1)).collect();
    assert_eq!(ran.lines(), expected, "{}", ran.stderr);

    let last = |text: &str| hook("e", "", "emit", &format!("in = \"teardown\"\ntext = {text:?}"));
    let mut run = Run::start(&last("first"));
    run.pass(1);
    run.edit(&last("second"), "e swapped");
    run.pass(1);
    run.edit("", "e unloaded");
    run.pass(1);
    let ran = run.end();
    let expected =
        ["{\"n\":0}", "{\"emitted\":\"first\"}", "{\"n\":1}", "{\"emitted\":\"second\"}", "{\"n\":2}"];
    assert_eq!(ran.lines(), expected, "{}", ran.stderr);
    assert_eq!((ran.number("events_in"), ran.number("events_out.out")), (3, 5));
}

#[test]
fn what_cannot_take_over_changes_nothing_and_says_why() {
    let good = count("0", "");
    let mut run = Run::start(&good);
    run.pass(2);
    let refuse_state =
        count("1", "").replace("do = \"count\"", "do = \"trap\"\nin = \"init\"\nrestored = true");
    for (wrong, told) in [
        (hook("c", "", "trap", "in = \"init\""), "init failed (trap)"),
        (hook("c", "init_deadline = \"20ms\"", "spin", "in = \"init\""), "init failed (deadline)"),
        (refuse_state, "the new instances did not take over, and the old ones go on: trap"),
        (
            hook("c", "", "trap", "in = \"process\""),
            "the new instances did not take over, and the old ones go on: trap",
        ),
        (
            count("1", "").replace("read = [\".\"", "read = [\"n\"").replace("write = [\".\"]", "write = []"),
            "it writes \"c\", which is not granted",
        ),
        (good.replace(misbehave().to_str().unwrap(), "hookaroon.toml"), "hookaroon.toml"),
        (format!("{good}\n[[hook]]\nname = 5\n"), "name is integer"),
        ("[[hook]]".to_owned(), "name is missing"),
        ("[[hook".to_owned(), "hookaroon.toml:"),
    ] {
        let before = run.log().matches("the hooks go on as they are").count();
        run.trial.write("hookaroon.toml", format!("{ENDS}{wrong}"));
        run.wait_for("the hooks go on as they are", before + 1);
        run.wait_for(told, 1);
        run.pass(2);
    }
    run.edit(&good, READ);
    run.pass(1);
    let ran = run.end();
    let expected: Vec<String> = (0..21).map(|n| format!("{{\"n\":{n},\"c\":{}}}", n + 1)).collect();
    assert_eq!(ran.lines(), expected, "the old one counted on: {}", ran.stderr);
    assert_eq!(ran.number("events_out.out"), 21);
}

#[test]
fn limits_and_grants_change_without_other_instances() {
    let mut run = Run::start(&count("0", ""));
    run.pass(3);
    // Whoever starts anew traps: the instance is the same one.
    run.edit(&count("0", "memory = \"16MiB\"\ndeadline = \"40ms\"\nwhen_open = \"pass\""), "c changed");
    run.pass(3);
    run.edit(&count("0", "memory = \"16MiB\"").replace("emit = true", "emit = false"), "c changed");
    run.pass(3);
    let ran = run.end();
    assert_eq!(ran.lines().last(), Some(&"{\"n\":8,\"c\":9}"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("swapped"), "{}", ran.stderr);
    assert_eq!(ran.number("hooks.0.memory_cap_bytes"), 16 << 20);
}

#[test]
fn changes_in_quick_succession_end_in_the_last_one() {
    let mut run = Run::start(&stamp("a", "0"));
    run.pass(1);
    for version in 1..=10 {
        run.trial.write("hookaroon.toml", format!("{ENDS}{}", stamp("a", &version.to_string())));
    }
    run.wait_for(READ, 1);
    wait_until(|| {
        run.pass(1);
        let out = String::from_utf8(run.trial.read("out.ndjson")).unwrap();
        out.lines().last().unwrap().ends_with("\"a\":\"10\"}")
    });
    assert!(run.log().matches(READ).count() <= 3, "{}", run.log());
    run.end();
}

#[test]
fn links_that_are_swapped_included_files_and_a_hangup_are_followed() {
    // As Kubernetes mounts a ConfigMap: the file is a link into a directory behind a link that is replaced.
    let trial = Trial::new();
    for (directory, version) in [("v1", "1"), ("v2", "2")] {
        fs::create_dir(trial.path(directory)).unwrap();
        trial.write(
            &format!("{directory}/hookaroon.toml"),
            format!(
                "data_dir = \"../data\"\ninclude = [\"conf.d/*.toml\"]\n{}{}",
                ENDS.replace("out.ndjson", "../out.ndjson"),
                stamp("a", version)
            ),
        );
    }
    symlink("v1", trial.path("..data")).unwrap();
    symlink("..data/hookaroon.toml", trial.path("hookaroon.toml")).unwrap();
    fs::create_dir(trial.path("conf.d")).unwrap();
    let config = fs::read_to_string(trial.path("v1/hookaroon.toml")).unwrap();
    for directory in ["v1", "v2"] {
        let text = config.replace("../data", "data").replace("../out", "out");
        let text = if directory == "v2" { text.replace("text = \"1\"", "text = \"2\"") } else { text };
        trial.write(&format!("{directory}/hookaroon.toml"), text);
    }
    let mut run = Run::start_as_is(trial, "hookaroon.toml");
    run.pass(1);
    symlink("v2", run.trial.path("..new")).unwrap();
    fs::rename(run.trial.path("..new"), run.trial.path("..data")).unwrap();
    run.wait_for("a swapped", 1);
    run.pass(1);
    run.trial.write("conf.d/b.toml", stamp("b", "1"));
    run.wait_for("b loaded", 1);
    run.pass(1);
    let before = run.log().matches(READ).count();
    kill_process(Pid::from_child(&run.child), Signal::HUP).unwrap();
    run.wait_for(READ, before + 1);
    fs::remove_file(run.trial.path("conf.d/b.toml")).unwrap();
    run.wait_for("b unloaded", 1);
    run.pass(1);
    let ran = run.end();
    let expected = [
        "{\"n\":0,\"a\":\"1\"}",
        "{\"n\":1,\"a\":\"2\"}",
        "{\"n\":2,\"a\":\"2\",\"b\":\"1\"}",
        "{\"n\":3,\"a\":\"2\"}",
    ];
    assert_eq!(ran.lines(), expected, "{}", ran.stderr);
}

#[test]
fn what_needs_a_restart_is_told_and_the_rest_is_done() {
    let mut run = Run::start("");
    run.pass(1);
    run.trial.write("hookaroon.toml", format!("workers = 2\n{ENDS}{}", stamp("a", "1")));
    run.wait_for("these take effect at the next start: workers", 1);
    run.wait_for("a loaded", 1);
    run.pass(1);
    run.end().says(&["a loaded"]);
}

#[test]
fn a_plugin_that_is_gone_or_broken_at_its_path_starts_as_it_was_at_work_last() {
    let trial = Trial::with_input(numbered(2));
    fs::copy(misbehave(), trial.path("hook.wasm")).unwrap();
    let text = stamp("a", "1").replace(misbehave().to_str().unwrap(), "hook.wasm");
    let ran = trial.through(&text);
    assert_eq!(ran.lines(), ["{\"n\":0,\"a\":\"1\"}", "{\"n\":1,\"a\":\"1\"}"]);
    for broken in [Some("no plugin"), None] {
        match broken {
            Some(text) => trial.write("hook.wasm", text),
            None => fs::remove_file(trial.path("hook.wasm")).unwrap(),
        }
        fs::remove_file(trial.path("out.ndjson")).unwrap();
        let ran = trial.through(&text);
        assert_eq!(ran.lines(), ["{\"n\":0,\"a\":\"1\"}", "{\"n\":1,\"a\":\"1\"}"], "{}", ran.stderr);
        ran.says(&["hook.wasm cannot be loaded (", "what was at work last is: "]);
    }
    // Nothing was ever at work from here.
    let ran =
        trial.check(&format!("{}{}", crate::support::FILE_TO_FILE, text.replace("hook.wasm", "other.wasm")));
    assert_eq!(ran.code, Some(78));
}

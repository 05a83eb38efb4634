//! `pipe`: hooks on standard input, without a configuration.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Ran, Trial, misbehave};

fn start(trial: &Trial, words: &[&str]) -> Child {
    let arguments = ["pipe", "--data-dir", "state"].iter().chain(words);
    trial.command(arguments).env("REDACT_KEY", "hunter2").stdin(Stdio::piped()).spawn().unwrap()
}

fn pipe(trial: &Trial, words: &[&str], input: &str) -> Ran {
    let mut child = start(trial, words);
    // Who refuses its options reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    trial.ended(child.wait_with_output().unwrap())
}

fn out(ran: &Ran) -> &str {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    std::str::from_utf8(&ran.stdout).unwrap()
}

#[test]
fn hooks_are_applied_in_their_order_with_the_options_after_them() {
    let trial = Trial::new();
    trial.write("hosts.csv", "ip,city\n10.0.0.1,Bonn\n");
    let input = "{\"ip\":\"10.0.0.1\",\"message\":\"a@b.example from 10.0.0.9\"}\nplain c@d.example\n{\"id\":7,\"level\":\"info\"}\n";
    let words = [
        "redact",
        "patterns=email",
        "enrich",
        "by=ip",
        "table.file=hosts.csv",
        "set.\"geo.city\"=city",
        "sample",
        "by=id",
        "keep=0%",
    ];
    assert_eq!(
        out(&pipe(&trial, &words, input)),
        "{\"ip\":\"10.0.0.1\",\"message\":\"[email] from 10.0.0.9\",\"geo\":{\"city\":\"Bonn\"}}\n{\"message\":\"plain [email]\"}\n"
    );
    let swapped = ["redact", "patterns=email,ipv4", "redact", "patterns=email", "replacement=x"];
    let ran = pipe(&trial, &swapped, "{\"message\":\"a@b.example 10.0.0.9\"}\n");
    assert_eq!(out(&ran), "{\"message\":\"[email] [ipv4]\"}\n");
    assert_eq!(ran.stderr, "");
}

#[test]
fn values_have_the_type_that_the_hook_says() {
    let trial = Trial::new();
    trial.write("hosts.csv", "ip,city\n1,x\n");
    let words = ["enrich", "by=ip", "table.file=hosts.csv", "overwrite=true", "set={\"city\":\"city\"}"];
    assert_eq!(
        out(&pipe(&trial, &words, "{\"ip\":\"1\",\"city\":\"y\"}\n")),
        "{\"ip\":\"1\",\"city\":\"x\"}\n"
    );
    let hashed =
        pipe(&trial, &["redact", "fields=a,b", "hash.key.env=REDACT_KEY"], "{\"b\":\"c@d.example\"}\n");
    assert!(out(&hashed).starts_with("{\"b\":\"[email:"), "{}", out(&hashed));
}

#[test]
fn the_grant_is_the_one_that_the_plugin_suggests_for_these_options() {
    let trial = Trial::new();
    let ran =
        pipe(&trial, &["redact", "fields=note"], "{\"note\":\"a@b.example\",\"message\":\"c@d.example\"}\n");
    assert_eq!(out(&ran), "{\"note\":\"[email]\",\"message\":\"c@d.example\"}\n");
    // A plugin without a manifest may do nothing.
    let path = misbehave();
    let ran = pipe(&trial, &[path.to_str().unwrap(), "do=nothing"], "");
    assert_eq!(ran.code, Some(2));
    ran.says(&["hook \"misbehave\": its plugin suggests no grant", "hookaroon run"]);
}

#[test]
fn a_plugins_file_is_a_hook_too() {
    let trial = Trial::new();
    let plugin = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/plugins/redact.wasm");
    std::fs::copy(plugin, trial.path("mine.wasm")).unwrap();
    let ran = pipe(&trial, &["./mine.wasm", "patterns=email"], "{\"message\":\"a@b.example\"}\n");
    assert_eq!(out(&ran), "{\"message\":\"[email]\"}\n");
}

#[test]
fn a_command_line_that_is_wrong_says_what_was_meant_and_ends_with_2() {
    let trial = Trial::new();
    let cases: [(&[&str], &[&str]); 9] = [
        (&["redcat"], &["\"redcat\" is no standard hook, did you mean redact?"]),
        (
            &["redact", "paterns=email", "hash.kye=1", "sample", "keep=5%"],
            &[
                "hook \"redact\": option paterns: unknown key; did you mean \"patterns\"?",
                "hook \"redact\": option hash.kye: unknown key; did you mean \"key\"?",
                "hook \"redact\": option hash.key: this is missing",
                "hook \"sample\": option by: this is missing: The field that is hashed",
            ],
        ),
        (
            &["enrich", "by=ip", "table=a", "overwrite=yes"],
            &["option overwrite is \"yes\"; true or false is needed"],
        ),
        (
            &["enrich", "by=ip", "table.file=none.csv"],
            &["hook \"enrich\": option table: cannot read none.csv"],
        ),
        (&["redact", "hash.key.env=NO_SUCH"], &["the environment has no variable NO_SUCH"]),
        (&["patterns=email"], &["comes before any hook"]),
        (&["redact", "patterns"], &["hook \"redact\": option patterns has no value; write patterns=VALUE"]),
        (&["redact", "patterns=emial"], &["hook \"redact\": init failed", "email"]),
        (&[], &["Usage: hookaroon pipe"]),
    ];
    for (words, says) in cases {
        let ran = pipe(&trial, words, "");
        assert_eq!(ran.code, Some(2), "{words:?}: {}", ran.stderr);
        ran.says(says);
    }
}

#[test]
fn each_line_comes_out_before_the_next_goes_in_and_a_signal_drains() {
    let trial = Trial::new();
    let mut child = start(&trial, &["redact", "patterns=email"]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for number in 0..3 {
        input.write_all(format!("{{\"n\":{number},\"message\":\"a@b.example\"}}\n").as_bytes()).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, format!("{{\"n\":{number},\"message\":\"[email]\"}}\n"));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!((ran.code, rest.as_str()), (Some(0), ""), "{}", ran.stderr);
}

#[test]
fn without_a_data_directory_the_users_own_is_used_and_none_is_made_here() {
    let trial = Trial::new();
    let mut command = trial.command(["pipe", "redact"]);
    let mut child = command.env("XDG_STATE_HOME", trial.path("home")).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{}\n").unwrap();
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!(out(&ran), "{}\n");
    assert!(trial.path("home/hookaroon/cache").is_dir() && !trial.path("hookaroon-data").exists());
}

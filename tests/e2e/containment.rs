//! Hooks that misbehave: every kind is counted, no event is lost or changed, and the host lives.

use std::io::Write;

use serde_json::Value;

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, numbered};

const EVENTS: u64 = 50;

/// Every event is in the output as it was, or a dead letter as it was.
fn nothing_is_lost(trial: &Trial, ran: &Ran, hook: &str) {
    let mut all: Vec<String> = ran.lines().iter().map(|line| (*line).to_owned()).collect();
    all.extend(trial.dead_letters(hook).iter().map(|letter| letter["event"].to_string()));
    all.sort();
    let mut expected: Vec<String> = numbered(EVENTS).lines().map(str::to_owned).collect();
    expected.sort();
    assert_eq!(all, expected, "{}", ran.stderr);
}

fn misbehaving(mode: &str, options: &str, more: &str) -> (Trial, Ran) {
    let trial = Trial::with_input(numbered(EVENTS));
    let ran = trial.through(&hook("bad", options, mode, more));
    (trial, ran)
}

#[test]
fn each_kind_of_failure_is_told_apart_and_no_event_is_lost() {
    for (mode, kind) in
        [("trap", "trap"), ("stack", "trap"), ("spin", "deadline"), ("grow", "memory"), ("error", "error")]
    {
        let (trial, ran) = misbehaving(mode, "memory = \"4MiB\"", "");
        // Twice as a whole, then its halves down to single rows; of what takes its whole deadline 20 times at most.
        let most = if mode == "spin" { 22 } else { 2 * EVENTS };
        let least = if mode == "spin" { 10 } else { 2 * EVENTS };
        let failed = ran.failed("bad", kind);
        assert!((least..=most).contains(&failed), "{mode}: {failed}: {}", ran.stderr);
        assert_eq!((ran.number("hooks.0.failures"), ran.number("hooks.0.isolations")), (failed, 1));
        let letters = trial.dead_letters("bad");
        assert_eq!(letters.len() as u64, EVENTS);
        assert!(
            letters.iter().all(|letter| letter["kind"] == kind && letter["source"] == "in"),
            "{letters:?}"
        );
        assert_eq!(ran.number("dead_letters.bad"), EVENTS);
        nothing_is_lost(&trial, &ran, "bad");
    }
}

#[test]
fn a_lie_is_bad_output_and_never_a_panic() {
    let lies: [(&str, &str); 29] = [
        ("keep_short", "text"),
        ("keep_value", "text"),
        ("too_few_columns", "two"),
        ("too_many_columns", "two"),
        ("values_short", "text"),
        ("marks_short", "text"),
        ("mark_9", "text"),
        ("merge_text", "text"),
        ("wrong_kind", "text"),
        ("ends_falling", "text"),
        ("ends_beyond", "text"),
        ("ends_before", "text"),
        ("not_utf8", "text"),
        ("cut_character", "text"),
        ("not_json", "json"),
        ("two_values", "json"),
        ("deep_json", "json"),
        ("boolean_7", "boolean"),
        ("remove_whole", "whole"),
        ("null_whole", "whole"),
        ("set_whole_array", "whole"),
        ("after_falling", "text"),
        ("after_beyond", "text"),
        ("after_short", "text"),
        ("emit_array", "text"),
        ("emit_text", "text"),
        ("emit_deep", "text"),
        ("error_beyond", "text"),
        ("error_twice", "text"),
    ];
    for (lie, field) in lies {
        let write = match field {
            "text" => "[\"w\"]",
            "two" => "[\"v\", \"w\"]",
            "json" => "[{ path = \"w\", kind = \"json\" }]",
            "boolean" => "[{ path = \"w\", kind = \"boolean\" }]",
            _ => "[{ path = \".\", kind = \"json\" }]",
        };
        let (trial, ran) = misbehaving("lie", "", &format!("text = {lie:?}\nwrite = {write}"));
        // Of a single row some lies are true: it is written then.
        assert!(ran.failed("bad", "bad_output") >= 2, "{lie}: {}", ran.stderr);
        let lines = ran.lines();
        let events = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let letters = trial.dead_letters("bad").into_iter().map(|letter| letter["event"].clone());
        let mut numbers: Vec<u64> = events.chain(letters).filter_map(|event| event["n"].as_u64()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..EVENTS).collect::<Vec<u64>>(), "{lie}: {}", ran.stderr);
    }
}

#[test]
fn what_a_guest_returns_is_bounded_before_the_host_holds_it() {
    for lie in ["emit_huge", "write_huge"] {
        let (trial, ran) =
            misbehaving("lie", "memory = \"64MiB\"", &format!("text = {lie:?}\nwrite = [\"w\"]"));
        assert!(ran.failed("bad", "bad_output") >= 2, "{lie}: {}", ran.stderr);
        ran.says(&[
            "it handed the host more than 8388608 bytes in one call",
            "lower rows or bytes in [batch], or raise output in its [hook.limits]",
        ]);
        nothing_is_lost(&trial, &ran, "bad");
    }
}

#[test]
fn what_was_not_granted_is_bad_output() {
    for (mode, line) in [("drop", "drop = true"), ("emit_each", "emit = true")] {
        let trial = Trial::with_input(numbered(EVENTS));
        let ran = trial.through(&hook("bad", "", mode, "n = 1").replace("drop = true\nemit = true\n", ""));
        assert!(ran.failed("bad", "bad_output") >= 2);
        assert!(trial.dead_letters("bad")[0]["message"].as_str().unwrap().contains(line));
        nothing_is_lost(&trial, &ran, "bad");
    }
}

#[test]
fn a_failure_that_a_fresh_instance_does_not_repeat_costs_no_event() {
    // Each instance survives one call only.
    let trial = Trial::with_input(numbered(EVENTS));
    let config = format!("[batch]\nrows = 5\n{FILE_TO_FILE}{}", hook("bad", "", "trap", "from_call = 2"));
    let ran = trial.run(&config);
    assert_eq!((ran.code, ran.lines().len() as u64), (Some(0), EVENTS));
    assert_eq!((ran.failed("bad", "trap"), ran.number("hooks.0.calls")), (9, 19));
    assert!(trial.dead_letters("bad").is_empty());
}

#[test]
fn on_error_says_what_becomes_of_the_rows() {
    let (_, ran) = misbehaving("trap", "on_error = \"pass\"", "");
    assert_eq!((ran.lines().len() as u64, ran.number("hooks.0.passed")), (EVENTS, EVENTS));
    let (_, ran) = misbehaving("trap", "on_error = \"drop\"", "");
    assert_eq!((ran.lines().len(), ran.summary["dropped"]["on_error:bad"].as_u64()), (0, Some(EVENTS)));
    let trial = Trial::with_input(numbered(EVENTS));
    let ran = trial.run(&format!("{FILE_TO_FILE}{}", hook("bad", "on_error = \"stop\"", "trap", "")));
    assert_eq!(ran.code, Some(4));
    ran.says(&["hook \"bad\" failed", "on_error = \"stop\"", "unreachable"]);
    // The first guilty one is kept; those behind it were not processed.
    assert_eq!((trial.dead_letters("bad").len(), ran.number("dropped.stopped")), (1, EVENTS - 1));
}

#[test]
fn a_run_that_stops_counts_every_event_that_it_read() {
    const MANY: u64 = 5000;
    for (mode, more) in [("nothing", "poison = \"150\""), ("fail_row", "text = \"150\"")] {
        let trial = Trial::with_input(numbered(MANY));
        let more = format!("read = [{{ path = \"n\", kind = \"json\" }}]\n{more}");
        let bad = hook("bad", "on_error = \"stop\"", mode, &more);
        let ran = trial.run(&format!("[batch]\nrows = 64\n{FILE_TO_FILE}{bad}"));
        assert_eq!((ran.code, ran.number("events_in")), (Some(4), MANY), "{mode}: {}", ran.stderr);
        let (out, letters) = (ran.lines().len() as u64, trial.dead_letters("bad").len() as u64);
        assert_eq!(out + letters + ran.number("dropped.stopped"), MANY, "{mode}: {}", ran.summary);
        assert_eq!((out, letters, ran.number("dead_letters.bad")), (128, 1, 1), "{mode}");
    }
}

#[test]
fn a_failure_in_any_call_is_told() {
    for (call, mode) in [("tick", "trap"), ("tick", "error"), ("process", "trap"), ("process", "fail_row")] {
        let trial = Trial::new();
        let more = format!("in = {call:?}\nread = [\"n\"]\ntext = \"\"\ntick_ms = 1");
        let (child, mut input) = trial.start_stdin(&hook("bad", "on_error = \"pass\"", mode, &more));
        input.write_all(b"{\"n\":\"1\"}\n").unwrap();
        // It waits for more for 20 ms, in which the hook is told the time.
        trial.wait_for_lines(1);
        drop(input);
        let ran = trial.ended(child.wait_with_output().unwrap());
        let told = match mode {
            "fail_row" => "it says that rows failed: told to fail".to_owned(),
            _ => format!("{call} failed: {mode}: "),
        };
        ran.says(&[&told, "(failure 1)"]);
    }
}

#[test]
fn what_was_saved_is_told_at_the_end_even_if_the_last_instance_failed() {
    let trial = Trial::new();
    // What it emits in a tick is saved at once.
    let more = "in = \"tick teardown\"\ntick_ms = 500\ntext = \"told\"\nread = [\"m\"]\npoison = \"poison\"";
    let (child, mut input) = trial.start_stdin(&hook("h", "", "emit", more));
    input.write_all(b"{\"m\":\"fine\"}\n").unwrap();
    trial.wait_for_lines(2);
    input.write_all(b"{\"m\":\"poison\"}\n").unwrap();
    drop(input);
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.lines()[..2], ["{\"m\":\"fine\"}", "{\"emitted\":\"told\"}"], "{}", ran.stderr);
    assert!(ran.lines().len() > 2, "the teardown's is missing: {}", ran.stderr);
    assert_eq!(trial.dead_letters("h").len(), 1);
}

#[test]
fn a_save_that_fails_or_is_too_large_is_told_and_costs_no_event() {
    for (save, kind, told) in [
        ("trap", "trap", "save failed: trap: "),
        (
            "huge",
            "bad_output",
            "it saved 2097152 bytes; 1048576 bytes is the most; let it keep less, or raise state in its [hook.limits]",
        ),
    ] {
        let trial = Trial::new();
        let more = format!("in = \"tick\"\ntick_ms = 10\ntext = \"x\"\nsave = {save:?}\nn = 2097152");
        let (child, mut input) = trial.start_stdin(&hook("bad", "memory = \"4MiB\"", "emit", &more));
        input.write_all(b"{\"m\":1}\n").unwrap();
        trial.wait_for_lines(3);
        input.write_all(b"{\"m\":2}\n").unwrap();
        drop(input);
        let ran = trial.ended(child.wait_with_output().unwrap());
        ran.says(&[told]);
        assert!(ran.failed("bad", kind) > 0, "{}", ran.summary);
        let events: Vec<&str> = ran.lines().into_iter().filter(|line| line.contains("\"m\"")).collect();
        assert_eq!(events, ["{\"m\":1}", "{\"m\":2}"]);
    }
}

#[test]
fn only_the_rows_that_a_hook_says_failed_follow_on_error() {
    let trial = Trial::with_input("{\"m\":\"ok\"}\n{\"m\":\"bad one\"}\n{\"m\":\"fine\"}\n");
    let ran = trial.through(&hook("picky", "", "fail_row", "read = [\"m\"]\ntext = \"bad\""));
    assert_eq!(ran.lines(), ["{\"m\":\"ok\"}", "{\"m\":\"fine\"}"]);
    let letters = trial.dead_letters("picky");
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&letters[0]["kind"], &letters[0]["message"], &letters[0]["offset"]),
        (&Value::from("row_error"), &Value::from("told to fail"), &Value::from(11))
    );
    assert_eq!((ran.failed("picky", "row_error"), ran.number("hooks.0.rows")), (1, 3));
}

#[test]
fn a_dead_letter_holds_the_event_byte_for_byte() {
    let event = "{\"b\":1e400, \"a\":\"\\ud83d\\ude00\",\"n\":18446744073709551616}";
    let trial = Trial::with_input(format!("{event}\n"));
    trial.through(&hook("bad", "", "trap", ""));
    let letters = String::from_utf8(trial.dead_letter_lines("bad")).unwrap();
    assert!(letters.ends_with(&format!(",\"event\":{event}}}\n")), "{letters}");
}

#[test]
fn a_guest_cannot_flood_the_log_or_drive_the_terminal() {
    let trial = Trial::with_input(numbered(5));
    let ran = trial.through(&hook("loud", "deadline = \"5s\"", "flood", ""));
    let lines = ran.stderr.lines().filter(|line| line.contains("xxxx")).count();
    let (written, thrown_away) =
        (ran.number("hooks.0.log_lines"), ran.number("hooks.0.log_lines_suppressed"));
    assert!((1..=1000).contains(&lines), "{lines}");
    assert_eq!((written, written + thrown_away), (lines as u64, 100_000), "{}", ran.stderr);
    ran.says(&[
        "lines over 100 lines or 65536 bytes a second were thrown away",
        "raise log_lines or log_bytes",
    ]);
    let trial = Trial::with_input(numbered(5));
    let ran = trial.through(&hook("loud", "", "error", "text = \"\\u001b[2Jgone\\nfake line\""));
    assert!(!ran.stderr.contains('\u{1b}') && ran.stderr.contains("u{1b}[2Jgone"), "{}", ran.stderr);
}

#[test]
fn a_log_that_cannot_be_written_costs_no_event_and_nobody_waits_for_who_does_not_read_it() {
    let trial = Trial::with_input(numbered(EVENTS));
    let loud = "deadline = \"5s\"\nlimits = { log_lines = 1000000, log_bytes = \"1GiB\" }";
    let hooks = hook("loud", &format!("on_error = \"pass\"\n{loud}"), "flood", "n = 1");
    trial.write("hookaroon.toml", format!("[batch]\nrows = 10\n{FILE_TO_FILE}{hooks}"));
    for stderr in ["2> /dev/full", "2>&1 >&- | true"] {
        let output = trial
            .shell(&format!("\"$0\" run --once --summary summary.json {stderr}; true"))
            .output()
            .unwrap();
        let ran = trial.ended(output);
        assert_eq!((ran.lines().len() as u64, ran.number("events_in")), (EVENTS, EVENTS), "{stderr}");
        std::fs::remove_file(trial.path("out.ndjson")).unwrap();
    }
    // Nobody reads the pipe, which holds 64 KiB.
    let child = trial.command(["run", "--once", "--summary", "summary.json"]).spawn().unwrap();
    trial.wait_for_lines(EVENTS as usize);
    drop(child.wait_with_output().unwrap());
}

#[test]
fn a_failing_tick_or_teardown_is_counted_and_harms_nobody() {
    for (call, mode) in [("teardown", "trap"), ("teardown", "spin"), ("teardown", "grow")] {
        let (_, ran) = misbehaving(mode, "memory = \"4MiB\"", &format!("in = {call:?}"));
        assert_eq!((ran.lines().len() as u64, ran.number("hooks.0.failures")), (EVENTS, 1), "{call} {mode}");
    }
}

#[test]
fn written_json_stays_on_one_line() {
    let trial = Trial::with_input("{}\n");
    let more = "write = [{ path = \"w\", kind = \"json\" }]\ntext = \"{\\n\\\"a\\\":\\r\\n1}\"";
    let ran = trial.through(&hook("h", "", "set", more));
    assert_eq!(ran.lines(), ["{\"w\":{ \"a\":  1}}"]);
}

#[test]
fn every_limit_has_a_default_and_can_be_set_and_the_summary_says_what_holds() {
    let limits = |options: &str| {
        let trial = Trial::with_input(numbered(1));
        trial.through(&hook("h", options, "nothing", "")).summary["hooks"][0].clone()
    };
    let defaults = limits("");
    assert_eq!(defaults["memory_cap_bytes"], 32 << 20);
    assert_eq!(
        defaults["limits"],
        serde_json::json!({
            "deadline_ms": 50, "init_deadline_ms": 1000, "tick_deadline_ms": 50, "teardown_deadline_ms": 200,
            "output_bytes": 8 << 20, "events": 65_536, "state_bytes": 8 << 20, "log_lines": 100,
            "log_bytes": 64 << 10, "stack_bytes": 512 << 10, "handles": 1024,
        })
    );
    let set = limits(
        "memory = \"16MiB\"\ndeadline = \"20ms\"\ninit_deadline = \"2s\"\ntick_deadline = \"30ms\"\n\
         teardown_deadline = \"40ms\"\nlimits = { output = \"1MiB\", events = 7, log_lines = 3, log_bytes = \"1KiB\" }",
    );
    assert_eq!(
        set["limits"],
        serde_json::json!({
            "deadline_ms": 20, "init_deadline_ms": 2000, "tick_deadline_ms": 30, "teardown_deadline_ms": 40,
            "output_bytes": 1 << 20, "events": 7, "state_bytes": 4 << 20, "log_lines": 3, "log_bytes": 1024,
            "stack_bytes": 512 << 10, "handles": 1024,
        })
    );
    assert_eq!(limits("limits = { state = \"9KiB\" }")["limits"]["state_bytes"], 9 << 10);
}

#[test]
fn what_a_call_hands_over_is_held_to_the_operators_limits() {
    for (limit, mode, more, told) in [
        ("events = 49", "emit_each", "", "it emitted 50 events in one call; 49 is the most"),
        (
            "output = \"4KiB\"",
            "set",
            "write = [\"w\"]\ntext = \"a text of some length, fifty times over, and over again, \
          so that it is more than is allowed\"",
            "it handed the host more than 4096 bytes in one call",
        ),
    ] {
        let (trial, ran) = misbehaving(mode, &format!("limits = {{ {limit} }}"), more);
        // Its halves are within the limit.
        assert_eq!(
            (ran.failed("bad", "bad_output"), trial.dead_letters("bad").len()),
            (2, 0),
            "{}",
            ran.stderr
        );
        ran.says(&[told, "in its [hook.limits]"]);
    }
    let (_, ran) = misbehaving("emit", "limits = { events = 1 }", "in = \"teardown\"\ntext = \"last\"");
    assert_eq!((ran.number("hooks.0.failures"), ran.number("hooks.0.emitted")), (0, 1));
}

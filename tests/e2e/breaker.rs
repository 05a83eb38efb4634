//! Hooks that fail on everything, or cost too much: they are not called for a while, and nothing is lost meanwhile.

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, numbered, wait_until};

const OPEN_FOR_EVER: &str = "breaker = { failures = 3, pause = \"1h\", max_pause = \"1h\" }";

/// In batches of ten.
fn through(trial: &Trial, hooks: &str) -> Ran {
    let ran = trial.run(&format!("[batch]\nrows = 10\n{FILE_TO_FILE}{hooks}"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

#[test]
fn a_hook_that_fails_on_everything_is_not_called_any_more_and_its_events_follow_when_open() {
    for (policy, out, letters, dropped) in
        [("pass", 70, 30, 0), ("drop", 0, 30, 70), ("dead_letter", 0, 100, 0)]
    {
        let trial = Trial::with_input(numbered(100));
        let options = format!("{OPEN_FOR_EVER}\nwhen_open = {policy:?}");
        let ran = through(&trial, &hook("bad", &options, "trap", ""));
        assert_eq!((ran.lines().len(), ran.number("hooks.0.bypassed")), (out, out as u64), "{policy}");
        let found = trial.dead_letters("bad");
        let open = found.iter().filter(|letter| letter["kind"] == "open").count();
        assert_eq!((found.len(), open), (letters, letters - 30), "{policy}");
        assert_eq!(ran.summary["dropped"]["when_open:bad"].as_u64().unwrap_or(0), dropped, "{policy}");
        assert_eq!((ran.number("hooks.0.breaker_opened"), ran.number("hooks.0.breaker_closed")), (1, 0));
        ran.says(&["its breaker opened: 3 batches failed within 30s", "it is tried again in 3600s"]);
    }
}

#[test]
fn events_wait_until_the_hook_is_well_again_and_none_passes_it() {
    let events: String = (0..100)
        .map(|n| format!("{{\"n\":{n},\"m\":\"{}\"}}\n", if n < 40 { "bad" } else { "fine" }))
        .collect();
    let trial = Trial::with_input(&events);
    let options = "required = true\nbreaker = { failures = 3, pause = \"10ms\" }";
    let more = "read = [\"m\"]\nwrite = [\"w\"]\npoison = \"bad\"";
    let ran = through(&trial, &hook("h", options, "echo", more));
    let expected: Vec<String> =
        (40..100).map(|n| format!("{{\"n\":{n},\"m\":\"fine\",\"w\":\"fine\"}}")).collect();
    assert_eq!(
        (ran.lines(), trial.dead_letters("h").len()),
        (expected.iter().map(String::as_str).collect(), 40)
    );
    // The fourth batch was the first to probe it.
    assert_eq!((ran.number("hooks.0.breaker_opened"), ran.number("hooks.0.breaker_closed")), (2, 1));
    ran.says(&["its events wait", "a batch went well"]);
}

#[test]
fn failures_that_are_not_the_hooks_own_do_not_open_it() {
    // Each instance survives one call only, and a fresh one does what it did not.
    let trial = Trial::with_input(numbered(100));
    let ran = through(&trial, &hook("bad", "breaker = { failures = 1 }", "trap", "from_call = 2"));
    assert_eq!(
        (ran.lines().len(), ran.failed("bad", "trap"), ran.number("hooks.0.breaker_opened")),
        (100, 9, 0)
    );
    // Few of many rows are guilty.
    let events: String =
        (0..100).map(|n| format!("{{\"m\":\"{}\"}}\n", if n % 10 < 5 { "bad" } else { "fine" })).collect();
    let trial = Trial::with_input(&events);
    let ran = through(
        &trial,
        &hook("bad", "breaker = { failures = 1 }", "nothing", "read = [\"m\"]\npoison = \"bad\""),
    );
    assert_eq!((ran.lines().len(), ran.number("hooks.0.breaker_opened")), (50, 0), "{}", ran.stderr);
}

#[test]
fn a_hook_that_says_that_most_rows_failed_is_broken_too() {
    let trial = Trial::with_input(numbered(100));
    let more = "read = [{ path = \"n\", kind = \"json\" }]\ntext = \"\"";
    let options = format!("{OPEN_FOR_EVER}\nwhen_open = \"pass\"");
    let ran = through(&trial, &hook("bad", &options, "fail_row", more));
    assert_eq!((ran.number("hooks.0.breaker_opened"), ran.number("hooks.0.bypassed")), (1, 70));
}

#[test]
fn what_starting_a_fresh_instance_costs_is_the_hooks_cost() {
    let trial = Trial::with_input(numbered(400));
    let options = "recycle = { calls = 1 }\ncost = \"10us\"\ncost_window = \"100ms\"";
    let ran = through(&trial, &hook("h", options, "slow", "in = \"init\"\nn = 10"));
    assert!(ran.number("hooks.0.over_budget") > 0, "{}", ran.summary);
    assert_eq!(ran.summary["costliest"]["hook"], "h");
    assert!(ran.summary["costliest"]["cpu_share"].as_f64().unwrap() > 0.5, "{}", ran.summary);
}

#[test]
fn a_hook_that_does_nothing_is_not_dear_however_small_its_batches_are() {
    let trial = Trial::with_input(numbered(20_000));
    let options = "cost = \"2us\"\nover_cost = \"bypass\"\ncost_window = \"100ms\"";
    let ran = trial.run(&format!("[batch]\nrows = 1\n{FILE_TO_FILE}{}", hook("h", options, "nothing", "")));
    assert_eq!((ran.number("hooks.0.bypassed"), ran.lines().len()), (0, 20_000), "{}", ran.stderr);
}

#[test]
fn a_run_that_is_asked_to_end_while_events_wait_says_so_and_counts_them() {
    let trial = Trial::with_input(numbered(100));
    let bad = hook("bad", OPEN_FOR_EVER, "trap", "");
    let child = trial.start(&format!("[batch]\nrows = 10\n{FILE_TO_FILE}{bad}"));
    wait_until(|| trial.dead_letters("bad").len() >= 30);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.lines().len(), trial.dead_letters("bad").len()), (Some(1), 0, 30));
    assert_eq!((ran.number("events_in"), ran.number("dropped.stopped")), (100, 70), "{}", ran.summary);
    ran.says(&["events wait for hook \"bad\", whose breaker is open"]);
}

#[test]
fn what_lets_events_by_is_refused_for_a_required_hook() {
    for line in ["when_open = \"pass\"", "over_cost = \"bypass\""] {
        let bad = hook("h", &format!("required = true\n{line}"), "nothing", "");
        let ran = Trial::with_input("").check(&format!("{FILE_TO_FILE}{bad}"));
        assert_eq!(ran.code, Some(78));
        ran.says(&[&format!("{line} would let events by that it did not process")]);
    }
}

/// Larger than what waits in front of a worker, so that the source waits.
fn large(count: u64) -> String {
    (0..count).map(|n| format!("{{\"n\":{n},\"m\":\"{}\"}}\n", "x".repeat(10_000))).collect()
}

#[test]
fn a_slow_hook_is_told_or_passed_by_and_the_summary_names_it() {
    for (options, is_told, passes) in [
        ("cost = \"100us\"", "set over_cost = \"bypass\"", false),
        ("cost = \"100us\"\nover_cost = \"bypass\"", "its events pass it unprocessed", true),
        ("max_share = \"50%\"\nwhen_open = \"pass\"", "of a worker's CPU time while events wait", true),
    ] {
        let trial = Trial::with_input(large(3000));
        let options =
            format!("{options}\ncost_window = \"100ms\"\nbreaker = {{ pause = \"1h\", max_pause = \"1h\" }}");
        let ran = through(&trial, &hook("slow", &options, "slow", ""));
        assert_eq!(ran.lines().len(), 3000, "{}", ran.stderr);
        ran.says(&[is_told, "slow takes"]);
        assert!(ran.number("hooks.0.over_budget") > 0);
        assert_eq!(ran.number("hooks.0.bypassed") > 0, passes, "{}", ran.summary);
        assert_eq!(ran.summary["costliest"]["hook"], "slow");
        assert!(ran.summary["costliest"]["cpu_share"].as_f64().unwrap() > 0.5, "{}", ran.summary);
    }
}

#[test]
fn a_hook_within_its_budget_is_left_in_peace() {
    let trial = Trial::with_input(large(3000));
    // It takes a few hundred microseconds for each row.
    let options = "cost = \"20ms\"\nmax_share = \"100%\"\ncost_window = \"100ms\"";
    let ran = through(&trial, &hook("slow", options, "slow", ""));
    assert_eq!((ran.number("hooks.0.over_budget"), ran.number("hooks.0.breaker_opened")), (0, 0));
}

//! Events that a hook cannot bear among those that it can: the guilty alone are dead letters, every other one leaves
//! once, as it should be.

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, scale};

/// Events of which those at `poison` trap the hook, and those at `weak` make it trap at the next of them.
fn events(count: u64, poison: &[u64], weak: &[u64]) -> String {
    let word = |n: &u64| match (poison.contains(n), weak.contains(n)) {
        (true, _) => "poison",
        (_, true) => "weakens",
        _ => "fine",
    };
    (0..count).map(|n| format!("{{\"n\":{n},\"m\":\"{}\"}}\n", word(&n))).collect()
}

fn through(trial: &Trial, rows: u64, options: &str, more: &str) -> Ran {
    let more = format!("read = [\"m\"]\nwrite = [\"w\"]\npoison = \"poison\"\n{more}");
    let ran =
        trial.run(&format!("[batch]\nrows = {rows}\n{FILE_TO_FILE}{}", hook("weak", options, "echo", &more)));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

/// What comes out: every event but those at `gone`, each with what the hook wrote.
fn written(input: &str, gone: &[u64]) -> Vec<String> {
    let lines = input.lines().zip(0..).filter(|(_, n)| !gone.contains(n));
    let word = |line: &str| line.split('"').nth(5).unwrap().to_owned();
    lines.map(|(line, _)| format!("{},\"w\":\"{}\"}}", line.strip_suffix('}').unwrap(), word(line))).collect()
}

fn letters(trial: &Trial) -> Vec<u64> {
    trial.dead_letters("weak").iter().map(|letter| letter["event"]["n"].as_u64().unwrap()).collect()
}

#[test]
fn one_among_many_is_found_and_all_others_leave_once_in_order() {
    let count = scale(100_000);
    let guilty = [count * 2 / 3];
    let input = events(count, &guilty, &[]);
    let trial = Trial::with_input(&input);
    let ran = through(&trial, 1024, "", "");
    assert_eq!(ran.lines(), written(&input, &guilty));
    assert_eq!(letters(&trial), guilty);
    assert_eq!((ran.number("hooks.0.isolations"), ran.number("hooks.0.not_isolated")), (1, 0));
    assert!(ran.failed("weak", "trap") <= 13, "{}", ran.summary);
}

#[test]
fn ten_in_one_batch_are_found() {
    let guilty = [0, 1, 100, 101, 300, 512, 700, 801, 1000, 1023];
    let input = events(2048, &guilty, &[]);
    let trial = Trial::with_input(&input);
    let ran = through(&trial, 1024, "", "");
    assert_eq!(ran.lines(), written(&input, &guilty));
    assert_eq!((letters(&trial), ran.number("hooks.0.not_isolated")), (guilty.to_vec(), 0));
}

#[test]
fn a_batch_of_nothing_else_costs_a_bounded_number_of_failures() {
    let guilty: Vec<u64> = (0..1024).collect();
    let input = events(1500, &guilty, &[]);
    let trial = Trial::with_input(&input);
    let ran = through(&trial, 1024, "", "");
    assert_eq!(ran.lines(), written(&input, &guilty));
    assert_eq!(letters(&trial), guilty);
    assert_eq!(ran.failed("weak", "trap"), 2 + 256);
    let left = ran.number("hooks.0.not_isolated");
    let unknown = trial.dead_letters("weak");
    let unknown = unknown.iter().filter(|letter| letter["message"].as_str().unwrap().contains("not known"));
    assert_eq!(unknown.count() as u64, left);
    assert!((1..1024).contains(&left), "{left}");
}

#[test]
fn one_that_harms_only_behind_another_is_not_guilty_alone() {
    for (weak, poison) in [(10, 400), (10, 11), (255, 256), (0, 1)] {
        let input = events(512, &[poison], &[weak]);
        let trial = Trial::with_input(&input);
        let ran = through(&trial, 512, "", "after = \"weakens\"");
        assert_eq!(ran.lines(), written(&input, &[]), "{weak} {poison}");
        assert!(letters(&trial).is_empty() && ran.failed("weak", "trap") > 2);
    }
}

#[test]
fn on_error_is_for_the_guilty_alone() {
    let guilty = [3, 200];
    let input = events(400, &guilty, &[]);
    let trial = Trial::with_input(&input);
    let ran = through(&trial, 400, "on_error = \"drop\"", "");
    assert_eq!(ran.lines(), written(&input, &guilty));
    assert_eq!(ran.summary["dropped"]["on_error:weak"], 2);
    let trial = Trial::with_input(&input);
    let ran = through(&trial, 400, "on_error = \"pass\"", "");
    let passed = ran.lines().iter().filter(|line| !line.contains("\"w\":")).count();
    assert_eq!((ran.lines().len(), passed, ran.number("hooks.0.passed")), (400, 2, 2));
}

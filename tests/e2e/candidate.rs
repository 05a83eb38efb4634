//! A second version of a hook beside the one at work: on a share of the events, or on copies; what becomes of it.

use std::io::Write;

use serde_json::Value;

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, misbehave, numbered, wait_until};

/// A hook `h` that writes `v = "1"`, and beside it one that does `mode`.
fn tried(trial: &str, mode: &str, more: &str) -> String {
    let stable = hook("h", "", "set", "write = [\"v\"]\ntext = \"1\"");
    format!(
        "{stable}[hook.candidate]\nplugin = {:?}\n{trial}\n[hook.candidate.config]\ndo = {mode:?}\n{more}\n",
        misbehave()
    )
}

/// A run over so many users.
fn run(users: u64, hooks: &str) -> Ran {
    let input: String = (0..users).map(|user| format!("{{\"user\":{user}}}\n")).collect();
    Trial::with_input(input).through(hooks)
}

fn versions(ran: &Ran) -> Vec<(u64, String)> {
    let parsed = ran.lines().into_iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    parsed
        .map(|event| (event["user"].as_u64().unwrap(), event["v"].as_str().unwrap_or("").to_owned()))
        .collect()
}

const STAMP: &str = "write = [\"v\"]\ntext = \"2\"";
const FOREVER: &str = "failures = \"100%\"\ndrops = \"100%\"\ncost = 1000";

#[test]
fn a_share_of_the_events_meets_the_candidate_instead_and_always_the_same_ones() {
    let share = |share: &str| tried(&format!("share = {share:?}\nby = [\"user\"]\n{FOREVER}"), "set", STAMP);
    let ran = run(20_000, &share("10%"));
    let all = versions(&ran);
    assert!(all.iter().map(|(user, _)| *user).eq(0..20_000), "every event once, in order");
    let chosen = |all: &[(u64, String)]| -> Vec<u64> {
        all.iter().filter(|(_, version)| version == "2").map(|(user, _)| *user).collect()
    };
    let few = chosen(&all);
    assert!((1870..=2130).contains(&few.len()), "{}", few.len());
    assert!(all.iter().all(|(_, version)| version == "1" || version == "2"));
    assert_eq!(
        (ran.number("hooks.0.rows"), ran.number("events_out.out")),
        (20_000, 20_000),
        "one hook in the books"
    );
    assert_eq!(chosen(&versions(&run(20_000, &share("10%")))), few);
    let more = chosen(&versions(&run(20_000, &share("20%"))));
    assert!(few.iter().all(|user| more.contains(user)));
}

#[test]
fn what_a_candidate_fails_on_is_handed_to_the_version_at_work() {
    let share = format!("share = \"50%\"\nby = [\"user\"]\n{FOREVER}\nrows = 1000000");
    for (mode, more) in
        [("trap", ""), ("error", ""), ("grow", ""), ("fail_row", "read = [\".\"]\ntext = \"user\"")]
    {
        let ran = run(1000, &tried(&share, mode, more));
        assert!(versions(&ran).iter().all(|(_, version)| version == "1"), "{mode}: {}", ran.stderr);
        assert_eq!((ran.lines().len(), ran.number("dead_letters.h")), (1000, 0), "{mode}");
        assert!(ran.number("hooks.0.failures") > 0, "{mode}: its failures are told");
    }
}

#[test]
fn nothing_comes_of_what_a_shadow_does_but_a_count() {
    let trial = format!("shadow = true\n{FOREVER}");
    for (mode, more) in [
        ("set", STAMP),
        ("drop", "n = 3"),
        ("emit_each", ""),
        ("trap", ""),
        ("emit", "in = \"tick teardown\"\ntick_ms = 1"),
    ] {
        let ran = run(1000, &tried(&trial, mode, more));
        assert!(versions(&ran).iter().all(|(_, version)| version == "1"), "{mode}");
        assert_eq!((ran.lines().len(), ran.number("hooks.0.rows")), (1000, 1000), "{mode}: {}", ran.summary);
        assert_eq!((ran.number("hooks.0.emitted"), ran.number("hooks.0.dropped")), (0, 0), "{mode}");
    }
    let ran = run(1000, &tried(&trial, "set", STAMP));
    assert_eq!(ran.number("hooks.0.shadow.compared"), 1000, "{}", ran.summary);
    assert_eq!(ran.number("hooks.0.shadow.changed"), 1000);
    let sample = &ran.summary["hooks"][0]["shadow"]["samples"][0];
    assert_eq!(
        (sample["what"].as_str(), sample["fields"][0]["field"].as_str()),
        (Some("changed"), Some("v"))
    );
    assert_eq!(
        (sample["fields"][0]["before"].as_str(), sample["fields"][0]["after"].as_str()),
        (Some("\"1\""), Some("\"2\""))
    );
    let ran = run(999, &tried(&trial, "drop", "n = 3"));
    assert_eq!((ran.number("hooks.0.shadow.dropped"), ran.number("hooks.0.shadow.changed")), (333, 666));
}

#[test]
fn a_candidate_that_does_worse_is_taken_back_by_itself_and_nothing_is_lost() {
    for (share, mode, more, why) in [
        (
            "share = \"5%\"\nby = [\"n\"]",
            "trap",
            "",
            "it fails on 100.00% of its events, the stable version on 0.00%",
        ),
        ("share = \"50%\"", "drop", "n = 2", "of its events, the stable version 0.00%"),
        ("shadow = true", "trap", "", "it fails on 100.00% of its events"),
        ("share = \"5%\"\nby = [\"n\"]\ncost = 1", "slow", "n = 1", "of CPU time for an event"),
    ] {
        let trial = Trial::new();
        let hooks = tried(&format!("{share}\nrows = 20"), mode, more);
        let hooks = hooks.replace("plugin = ", "deadline = \"5s\"\nplugin = ").replacen(
            "[hook.candidate]\ndeadline = \"5s\"\n",
            "[hook.candidate]\n",
            1,
        );
        let (mut child, mut input) = trial.start_stdin(&hooks);
        let stderr = child.stderr.take().unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let reading = std::thread::spawn(move || {
            let mut all = String::new();
            for line in std::io::BufRead::lines(std::io::BufReader::new(stderr)) {
                let line = line.unwrap();
                if line.contains("its candidate is taken back") {
                    told.send(line.clone()).unwrap();
                }
                all.push_str(&line);
            }
            all
        });
        let mut sent = 0;
        let line = loop {
            if let Ok(line) = heard.try_recv() {
                break line;
            }
            input.write_all(numbered(100).as_bytes()).unwrap();
            sent += 100;
            if mode != "drop" {
                trial.wait_for_lines(sent);
            }
        };
        assert!(line.contains(why), "{line}");
        // From now on it is not called any more.
        wait_until(|| trial.path("hookaroon-data/live.toml").exists());
        input.write_all(numbered(1000).as_bytes()).unwrap();
        drop(input);
        let ran = trial.ended(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", reading.join().unwrap());
        let out = ran.number("events_out.out") + ran.number("dropped.hook:h");
        assert_eq!((out, ran.number("dead_letters.h")), (sent as u64 + 1000, 0), "{}", ran.summary);
        let kept = String::from_utf8(trial.read("hookaroon-data/live.toml")).unwrap();
        assert!(kept.contains("automatic rollback"), "{kept}");
        // It stays away after a restart, until the file names another one.
        std::fs::remove_file(trial.path("out.ndjson")).unwrap();
        let config = format!("{FILE_TO_FILE}{hooks}");
        trial.write("in.log", numbered(1000));
        let ran = trial.run(&config);
        assert!(ran.lines().iter().all(|line| line.ends_with("\"v\":\"1\"}")), "{}", ran.stderr);
        assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.0.failures")), (1000, 0));
    }
}

#[test]
fn a_candidate_that_does_well_takes_over_if_that_was_asked_with_what_it_counted() {
    let trial = Trial::new();
    let count = "write = [{ path = \"c\", kind = \"integer\" }]\nsingle = true";
    let stable = hook("h", "", "count", count);
    let hooks = format!(
        "{stable}[hook.candidate]\nplugin = {:?}\nshadow = true\nrows = 1\npromote_after = \"300ms\"\n[hook.candidate.config]\ndo = \"count\"\ntext = \"2\"\n{count}\n",
        misbehave()
    );
    let (child, mut input) = trial.start_stdin(&hooks);
    let mut sent = 0;
    let kept = || String::from_utf8(trial.read("hookaroon-data/live.toml")).unwrap_or_default();
    while !kept().contains("automatic promotion") {
        input.write_all(numbered(1).as_bytes()).unwrap();
        sent += 1;
        trial.wait_for_lines(sent);
    }
    input.write_all(numbered(10).as_bytes()).unwrap();
    drop(input);
    let ran = trial.ended(child.wait_with_output().unwrap());
    let counts: Vec<u64> = ran
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["c"].as_u64().unwrap())
        .collect();
    assert!(counts.iter().copied().eq(1..=sent as u64 + 10), "{counts:?} {}", ran.stderr);
    ran.says(&["its candidate takes over", "promoted"]);
    // After a restart it is the one at work.
    trial.write("in.log", numbered(1));
    let ran = trial.run(&format!("{FILE_TO_FILE}{hooks}"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(kept().contains("text = \"2\""), "{}", kept());
}

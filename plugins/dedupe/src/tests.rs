//! What is dropped and for how long, what is reported, and what a successor knows.

use super::*;
use hookaroon_sdk::testing::{self, Running};
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;
const BY: &str = r#"{"by":["s","m"],"window":"10s"}"#;

fn start(config: &str, states: Vec<Vec<u8>>) -> Running<Dedupe> {
    Running::start(config, states).unwrap()
}

/// What comes of these events at this second.
fn at(running: &Running<Dedupe>, second: u64, events: &[&str]) -> Vec<Value> {
    running.batch(second * SECOND, events).unwrap().events
}

fn nothing() -> [Value; 0] {
    []
}

#[test]
fn repetitions_are_dropped_until_the_window_is_over_and_then_reported() {
    let running = start(BY, Vec::new());
    let (a, b) = (r#"{"s":1,"m":"x","n":1}"#, r#"{"s":2,"m":"x"}"#);
    let events = [a, b, r#"{"s":1,"m":"x","n":2}"#];
    assert_eq!(at(&running, 100, &events), [json!({"s":1,"m":"x","n":1}), json!({"s":2,"m":"x"})]);
    assert_eq!(at(&running, 109, &[a, a]), nothing());
    assert_eq!(running.tick(109 * SECOND).unwrap(), nothing());
    // Exactly a window after the first one, the next passes; of b nothing was dropped.
    let report = json!({"s":1,"m":"x","dedupe":{"suppressed":3,"window":"10s"}});
    assert_eq!(at(&running, 110, &[a, a]), [json!({"s":1,"m":"x","n":1}), report]);
    let report = json!({"s":1,"m":"x","dedupe":{"suppressed":1,"window":"10s"}});
    assert_eq!(running.tick(120 * SECOND).unwrap(), [report]);
    assert_eq!(running.end(Reason::Shutdown).unwrap(), nothing());
}

#[test]
fn what_never_stops_is_seen_once_in_each_window() {
    let running = start(BY, Vec::new());
    let passed = |second| {
        at(&running, second, &[r#"{"m":"x"}"#]).iter().filter(|event| event.get("dedupe").is_none()).count()
    };
    assert_eq!((100..200).map(passed).sum::<usize>(), 10);
}

#[test]
fn events_without_any_of_the_fields_are_kept_and_missing_is_not_null() {
    let events = ["{}", "{}", r#"{"n":1}"#, r#"{"m":null}"#, r#"{"m":null}"#, r#"{"m":"x"}"#, r#"{"s":"x"}"#];
    let ran = testing::run::<Dedupe>(BY, &events).unwrap();
    assert_eq!(ran.events.len(), 6);
    assert_eq!(ran.last, [json!({"m":null,"dedupe":{"suppressed":1,"window":"10s"}})]);
    let long = format!("{{\"m\":{:?}}}", "x".repeat(LONGEST));
    assert_eq!(testing::run::<Dedupe>(BY, &[&long, &long]).unwrap().events.len(), 2);
}

#[test]
fn the_oldest_is_forgotten_first_and_reported_at_once() {
    let running = start(r#"{"by":["m"],"max_keys":2,"into":"again"}"#, Vec::new());
    let event = |m: u64| json!({ "m": m });
    let texts: Vec<String> = [1, 1, 2, 1, 3, 2, 3, 1].iter().map(|m| event(*m).to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let report = |m: u64, suppressed| json!({"m":m,"again":{"suppressed":suppressed,"window":"1m"}});
    assert_eq!(at(&running, 1, &texts), [event(1), event(2), event(3), report(1, 2), event(1), report(2, 1)]);
    assert_eq!(running.end(Reason::Shutdown).unwrap(), [report(3, 1)]);
}

#[test]
fn time_that_goes_back_between_workers_reopens_nothing() {
    let running = start(BY, Vec::new());
    assert_eq!(at(&running, 105, &[r#"{"m":"x"}"#]).len(), 1);
    assert_eq!(at(&running, 104, &[r#"{"m":"x"}"#, r#"{"m":"y"}"#]).len(), 1);
    assert_eq!(at(&running, 114, &[r#"{"m":"y"}"#]), nothing());
}

#[test]
fn a_successor_remembers_and_nothing_is_reported_twice() {
    let running = start(BY, Vec::new());
    at(&running, 100, &[r#"{"m":"x"}"#, r#"{"m":"x"}"#]);
    at(&running, 101, &[r#"{"m":"y"}"#, r#"{"m":"z"}"#, r#"{"m":"y"}"#]);
    let state = running.save().unwrap();
    assert_eq!(running.save().unwrap(), state, "a save changes nothing");
    let next = start(BY, vec![state.clone()]);
    assert_eq!(running.end(Reason::Recycle).unwrap(), nothing());
    assert_eq!(at(&next, 105, &[r#"{"m":"x"}"#, r#"{"m":"z"}"#]), nothing());
    let report = |m: &str, suppressed| json!({"m":m,"dedupe":{"suppressed":suppressed,"window":"10s"}});
    assert_eq!(next.tick(110 * SECOND).unwrap(), [report("x", 2)]);
    assert_eq!(next.end(Reason::Unload).unwrap(), [report("y", 1), report("z", 1)]);
    // Two predecessors, and less room than they had.
    let next = start(r#"{"by":["s","m"],"max_keys":2,"window":"10s"}"#, vec![state.clone(), state]);
    assert_eq!(at(&next, 102, &[r#"{"m":"w"}"#]), [json!({"m":"w"}), report("x", 2), report("y", 2)]);
}

#[test]
fn the_longest_report_is_within_its_bound() {
    let window: Span = serde_json::from_value(json!("18446744073709ms")).unwrap();
    let report = format!("{{\"suppressed\":{},\"window\":\"{window}\"}}", u64::MAX);
    assert!(report.len() <= REPORT, "{}", report.len());
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let state = start(r#"{"by":["k"]}"#, Vec::new()).save().unwrap();
    for (config, states, expected) in [
        ("{}", vec![], "missing field `by`"),
        (r#"{"by":[]}"#, vec![], "name at least one"),
        (r#"{"by":["m"],"max_keys":0}"#, vec![], "at least 1"),
        (r#"{"by":["m"],"window":60}"#, vec![], "\"60s\""),
        (r#"{"by":["dedupe"]}"#, vec![], "cannot stand in one object"),
        (BY, vec![state], "unload the hook and load it again"),
    ] {
        let error = Running::<Dedupe>::start(config, states).unwrap_err();
        assert!(error.contains(expected), "{config}: {error}");
    }
}

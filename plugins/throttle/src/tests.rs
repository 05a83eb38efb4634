//! What passes, what is dropped, what is reported, and what a successor knows.

use super::*;
use hookaroon_sdk::testing::{self, Running};
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;
/// Some time; a hook's first is never 0.
const START: u64 = 1_764_000_000 * SECOND;

fn start(config: &str, states: Vec<Vec<u8>>) -> Running<Throttle> {
    Running::start(config, states).unwrap()
}

/// How many of as many events at so many seconds pass.
fn pass(running: &Running<Throttle>, second: u64, events: &[&str]) -> usize {
    running.batch(START + second * SECOND, events).unwrap().events.len()
}

fn nothing() -> [Value; 0] {
    []
}

#[test]
fn a_burst_passes_then_the_rate_and_drops_are_reported() {
    let running = start(r#"{"rate":"60/min","burst":3}"#, Vec::new());
    assert_eq!(pass(&running, 0, &["{}"; 10]), 3);
    assert_eq!(pass(&running, 1, &["{}"; 10]), 1);
    assert_eq!(pass(&running, 3, &["{}"; 10]), 2);
    let report = |kept, dropped| json!({"throttle":{"mode":"enforce","rate":"60/min","burst":3,"kept":kept,"dropped":dropped}});
    assert_eq!(running.tick(START + 60 * SECOND).unwrap(), [report(6, 24)]);
    assert_eq!(running.tick(START + 120 * SECOND).unwrap(), nothing());
    assert_eq!(pass(&running, 121, &["{}"; 4]), 3);
    assert_eq!(running.end(Reason::Shutdown).unwrap(), [report(3, 1)]);
}

#[test]
fn each_key_has_a_rate_of_its_own_and_reports_are_in_the_order_of_the_values() {
    let events =
        [r#"{"s":"b","n":1}"#, r#"{"s":"a"}"#, r#"{"s":"b"}"#, r#"{"s":"a"}"#, "{}", r#"{"s":"c"}"#, "{}"];
    let ran = testing::run::<Throttle>(r#"{"rate":"1/h","by":["s"],"into":"dropped.why"}"#, &events).unwrap();
    let expected = [json!({"s":"b","n":1}), json!({"s":"a"}), json!({}), json!({"s":"c"})];
    assert_eq!(ran.events, expected);
    let report = json!({"mode":"enforce","rate":"1/h","burst":1,"kept":1,"dropped":1});
    let expected = [
        json!({"dropped":{"why":report}}),
        json!({"s":"a","dropped":{"why":report}}),
        json!({"s":"b","dropped":{"why":report}}),
    ];
    assert_eq!(ran.last, expected);
}

#[test]
fn keys_without_room_share_one_rate_until_others_are_forgotten() {
    let running = start(r#"{"rate":"1/s","by":["k"],"max_keys":2}"#, Vec::new());
    let events = [r#"{"k":1}"#, r#"{"k":2}"#, r#"{"k":3}"#, r#"{"k":4}"#, r#"{"k":3}"#, r#"{"k":1}"#];
    assert_eq!(pass(&running, 0, &events), 3);
    let report = json!({"mode":"enforce","rate":"1/s","burst":1,"kept":1,"dropped":1});
    let overflow = json!({"mode":"enforce","rate":"1/s","burst":1,"kept":1,"dropped":2,"overflow":true});
    let reports = [json!({"k":1,"throttle":report}), json!({"throttle":overflow})];
    assert_eq!(running.tick(START).unwrap(), reports);
    // The buckets of 1 and 2 are full again, so 3 and 4 have their own.
    assert_eq!(pass(&running, 5, &[r#"{"k":3}"#, r#"{"k":4}"#, r#"{"k":3}"#, r#"{"k":4}"#]), 2);
}

#[test]
fn observing_drops_nothing_and_tells_the_rates_and_what_would_have_been_dropped() {
    let running = start(r#"{"rate":"2/s","by":["k"],"mode":"observe"}"#, Vec::new());
    // Windows of a second, in which 1 to 10 events come: of each above 2, what is above is too much.
    for second in 0..10 {
        let events = vec![r#"{"k":"x"}"#; second as usize + 1];
        assert_eq!(pass(&running, second, &events), events.len());
    }
    let report = |events: u64, would: u64, share: &str, windows: u64, p50: u64, p99: u64, max: u64| {
        json!({"throttle":{
            "mode":"observe","rate":"2/s","burst":2,"events":events,"would_drop":would,"would_drop_share":share,
            "windows":windows,"p50":p50,"p99":p99,"max":max,
        }})
    };
    // The tenth window is not over yet.
    let now = START + 9 * SECOND + SECOND / 2;
    assert_eq!(running.tick(now).unwrap(), [report(55, 36, "65.45%", 9, 5, 9, 9)]);
    assert_eq!(running.batch(now, &[r#"{"k":"y"}"#]).unwrap().events.len(), 1);
    assert_eq!(running.end(Reason::Shutdown).unwrap(), [report(56, 36, "64.29%", 11, 5, 10, 10)]);
}

#[test]
fn observing_nothing_reports_nothing() {
    let ran = testing::run::<Throttle>(r#"{"rate":"2/s","mode":"observe"}"#, &[]).unwrap();
    assert_eq!(ran.last, nothing());
    let running = start(r#"{"rate":"2/s","mode":"observe"}"#, Vec::new());
    pass(&running, 0, &["{}"]);
    assert_eq!(running.tick(START).unwrap(), nothing(), "no window is over");
}

#[test]
fn a_successor_goes_on_with_the_same_buckets_and_nothing_is_reported_twice() {
    let config = r#"{"rate":"2/h","by":["k"]}"#;
    let running = start(config, Vec::new());
    pass(&running, 0, &[r#"{"k":1}"#, r#"{"k":1}"#, r#"{"k":1}"#, r#"{"k":2}"#]);
    let state = running.save().unwrap();
    assert_eq!(running.save().unwrap(), state, "a save changes nothing");
    let next = start(config, vec![state]);
    assert_eq!(running.end(Reason::Swap).unwrap(), nothing());
    assert_eq!(pass(&next, 0, &[r#"{"k":1}"#, r#"{"k":2}"#, r#"{"k":2}"#, r#"{"k":3}"#]), 2);
    let report =
        |kept, dropped| json!({"mode":"enforce","rate":"2/h","burst":2,"kept":kept,"dropped":dropped});
    let reports = [json!({"k":1,"throttle":report(2, 2)}), json!({"k":2,"throttle":report(2, 1)})];
    assert_eq!(next.end(Reason::Unload).unwrap(), reports);
}

#[test]
fn another_limit_starts_what_is_observed_anew_and_keeps_the_buckets() {
    let observe = r#"{"rate":"3/h","mode":"observe"}"#;
    let running = start(observe, Vec::new());
    pass(&running, 0, &["{}"; 4]);
    let state = running.save().unwrap();
    let events = |config: &str, last: &str| -> Value {
        let next = start(config, vec![state.clone()]);
        pass(&next, 0, &["{}"; 2]);
        next.end(Reason::Shutdown).unwrap()[0]["throttle"][last].clone()
    };
    assert_eq!((events(observe, "events"), events(observe, "max")), (json!(6), json!(6)));
    let other = r#"{"rate":"9/h","mode":"observe"}"#;
    assert_eq!((events(other, "events"), events(other, "max")), (json!(2), json!(2)));
    assert_eq!(events(r#"{"rate":"9/h"}"#, "dropped"), json!(2), "the bucket was empty");
}

#[test]
fn the_longest_report_is_within_its_bound() {
    let bucket = Bucket { kept: u64::MAX, dropped: u64::MAX, level: 0, at: 0, seen: 0 };
    let limit = format!("\"rate\":\"{0}/min\",\"burst\":{0}", u32::MAX);
    let report = enforced(&limit, &bucket, true);
    assert!(report.len() <= REPORT, "{}", report.len());
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let state = start(r#"{"rate":"1/s"}"#, Vec::new()).save().unwrap();
    for (config, states, expected) in [
        ("{}", vec![], "missing field `rate`"),
        (r#"{"rate":1000}"#, vec![], "\"1000/min\""),
        (r#"{"rate":"1/s","burst":0}"#, vec![], "burst: 0 lets nothing pass"),
        (r#"{"rate":"1/s","max_keys":0}"#, vec![], "at least 1"),
        (r#"{"rate":"1/s","mode":"watch"}"#, vec![], "`enforce` or `observe`"),
        (r#"{"rate":"1/s","by":["throttle.x"]}"#, vec![], "cannot stand in one object"),
        (r#"{"rate":"1/s","by":["k"]}"#, vec![state], "unload the hook and load it again"),
    ] {
        let error = Running::<Throttle>::start(config, states).unwrap_err();
        assert!(error.contains(expected), "{config}: {error}");
    }
}

use serde_json::json;

use super::*;
use crate::snapshot::Snapshot;

/// Two seconds of one worker, in which 2,000 events came in; `what` is what there was at the end, beside that.
fn findings(what: Value, config: Value) -> Vec<Finding> {
    let snapshot = |value: Value| -> Snapshot { serde_json::from_value(value).unwrap() };
    let before = snapshot(json!({ "uptime_s": 10.0, "workers": 1 }));
    let mut after = json!({ "uptime_s": 12.0, "workers": 1, "events_in": 2000 });
    after.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    let after = snapshot(after);
    why(&Between::new(&before, &after), &Setting::all(&config))
}

fn named(findings: &[Finding]) -> Vec<(Stage, Option<&str>, Option<u64>)> {
    let lost = |finding: &Finding| finding.lost_per_s.map(|lost| lost.round() as u64);
    findings.iter().map(|finding| (finding.stage, finding.name.as_deref(), lost(finding))).collect()
}

#[test]
fn a_hook_that_takes_the_workers_time_is_named_with_what_it_costs() {
    let hooks =
        json!([{ "name": "a", "rows": 2000, "cpu_s": 0.1 }, { "name": "slow", "rows": 2000, "cpu_s": 1.5 }]);
    let found = findings(json!({ "hooks": hooks, "waits": { "lines_s": 0.2 } }), json!({}));
    // Three quarters of the time: without it there would be four times as many.
    assert_eq!(named(&found), [(Stage::Hook, Some("slow"), Some(3000))]);
    assert_eq!(found[0].what, "takes 75% of the workers' time, 750.0 µs for each event");
    assert!(found[0].remedies[1].contains("`workers` (now 1)"), "{:?}", found[0].remedies);
    assert!(found[0].remedies[2].contains("`max_share` of hook \"slow\""), "{:?}", found[0].remedies);
}

#[test]
fn without_a_costly_hook_it_is_the_host_itself() {
    let hooks = json!([{ "name": "a", "rows": 2000, "cpu_s": 0.5 }]);
    let found = findings(json!({ "hooks": hooks, "waits": { "lines_s": 0.0 } }), json!({}));
    assert_eq!(named(&found), [(Stage::Host, None, None)]);
}

#[test]
fn one_instance_that_all_workers_share_is_named_though_it_takes_little_of_all_their_time() {
    let hooks = json!([{ "name": "one", "instances": 1, "rows": 2000, "cpu_s": 1.8 }]);
    let found = findings(json!({ "workers": 4, "hooks": hooks }), json!({}));
    assert_eq!(named(&found), [(Stage::Hook, Some("one"), None)]);
    assert_eq!(
        found[0].what,
        "is one instance for all workers, at work 90% of the time, 900.0 µs for each event"
    );
    // With one for each worker it would be the host's own work.
    let hooks = json!([{ "name": "one", "instances": 4, "rows": 2000, "cpu_s": 1.8 }]);
    let found = findings(json!({ "workers": 4, "hooks": hooks }), json!({}));
    assert_eq!(found[0].what, "is at work 100% of the workers' time; the costliest hook, one, takes 22%");
}

#[test]
fn a_sink_that_workers_wait_for_is_named_though_a_hook_works_too() {
    let hooks = json!([{ "name": "a", "rows": 2000, "cpu_s": 0.3 }]);
    let sinks = json!([{ "name": "out", "events": 1000 }, { "name": "other", "events": 2000 }]);
    let waits = json!({ "sinks_s": { "out": 1.6, "other": 0.0 }, "lines_s": 0.01 });
    let found = findings(json!({ "hooks": hooks, "sinks": sinks, "waits": waits }), json!({}));
    assert_eq!(named(&found), [(Stage::Sink, Some("out"), Some(4000)), (Stage::Hook, Some("a"), Some(176))]);
    assert!(
        found[0].what.starts_with("takes 500 events a second, and workers wait for it 80% of their time")
    );
}

#[test]
fn workers_that_wait_for_lines_are_limited_by_nothing_here() {
    let hooks = json!([{ "name": "a", "rows": 2000, "cpu_s": 0.3 }]);
    let found = findings(json!({ "hooks": hooks, "waits": { "lines_s": 1.6 } }), json!({}));
    assert_eq!(named(&found), [(Stage::Source, None, None)]);
    assert!(found[0].what.starts_with("bring 1,000 events a second"), "{}", found[0].what);
}

#[test]
fn an_open_breaker_is_named_and_what_is_lost_to_it_is_not_made_up() {
    let found = findings(json!({ "events_in": 0, "waits": { "breakers_s": { "weak": 2.0 } } }), json!({}));
    assert_eq!(named(&found), [(Stage::Breaker, Some("weak"), None)]);
    assert!(found[0].remedies[1].contains("when_open = \"pass\""));
}

#[test]
fn dead_letters_that_cannot_be_written_are_named() {
    let found = findings(json!({ "waits": { "dead_letters_s": { "weak": 1.9 } } }), json!({}));
    assert_eq!(found[0].stage, Stage::DeadLetters);
    assert!(found[0].remedies[0].contains("[dead_letters]"));
}

#[test]
fn a_throttle_is_named_with_its_rate_however_idle_the_workers_are() {
    let config = json!({ "hook": [{ "name": "limit", "plugin": "throttle", "config": { "rate": "10/s", "burst": 5 } }] });
    let hooks = json!([{ "name": "limit", "rows": 2000, "dropped": 1980, "cpu_s": 0.01 }]);
    let found = findings(json!({ "hooks": hooks, "waits": { "lines_s": 1.9 } }), config.clone());
    assert_eq!(named(&found), [(Stage::Drops, Some("limit"), Some(990)), (Stage::Source, None, None)]);
    assert_eq!(found[0].what, "drops 99% of its events, 990 of 1,000 a second");
    assert_eq!(found[0].remedies[0], "raise `rate` (now rate = \"10/s\") in the config of hook \"limit\"");
    // One that drops few is told too, behind what takes more.
    let hooks = json!([
        { "name": "limit", "rows": 2000, "dropped": 200, "cpu_s": 0.01 },
        { "name": "slow", "rows": 1800, "cpu_s": 1.8 },
    ]);
    let found = findings(json!({ "hooks": hooks }), config);
    assert_eq!(
        named(&found),
        [(Stage::Hook, Some("slow"), Some(9000)), (Stage::Drops, Some("limit"), Some(100))]
    );
}

#[test]
fn any_hook_that_drops_more_than_it_keeps_is_named_and_one_that_drops_less_is_not() {
    let hooks = |dropped: u64| json!([{ "name": "level", "rows": 2000, "dropped": dropped }]);
    let idle = json!({ "lines_s": 1.9 });
    let config =
        json!({ "hook": [{ "name": "level", "plugin": "/p/level.wasm", "config": { "min": "warn" } }] });
    let found = findings(json!({ "hooks": hooks(1500), "waits": idle }), config.clone());
    assert_eq!(named(&found)[0], (Stage::Drops, Some("level"), Some(750)));
    assert!(found[0].remedies[0].contains("(now {\"min\":\"warn\"})"), "{:?}", found[0].remedies);
    let found = findings(json!({ "hooks": hooks(900), "waits": idle }), config);
    assert_eq!(named(&found), [(Stage::Source, None, None)]);
}

#[test]
fn counters_that_begin_anew_are_no_rate() {
    let snapshot = |value: Value| -> Snapshot { serde_json::from_value(value).unwrap() };
    let before = snapshot(
        json!({ "uptime_s": 10.0, "events_in": 5, "hooks": [{ "name": "a", "rows": 100, "cpu_s": 9.0 }] }),
    );
    let after = snapshot(
        json!({ "uptime_s": 10.0, "events_in": 4, "hooks": [{ "name": "a", "rows": 1, "cpu_s": 0.0 }] }),
    );
    let between = Between::new(&before, &after);
    assert_eq!(between.events_in(), 0.0);
    assert!(!why(&between, &[]).is_empty());
}

//! What is counted, what is emitted and when, and what a successor knows.

use super::*;
use hookaroon_sdk::testing::{self, Running};
use serde_json::{Value, json};

const BY: &str = r#"{"by":["service","http.status"],"every":"10s"}"#;

fn start(config: &str, states: Vec<Vec<u8>>) -> Running<Count> {
    Running::start(config, states).unwrap()
}

#[test]
fn groups_are_counted_and_emitted_in_the_order_of_their_values() {
    let running = start(BY, Vec::new());
    let events = [
        r#"{"service":"web","http":{"status":200}}"#,
        r#"{"service":"api","http":{"status":500}}"#,
        r#"{"service":"web","http":{"status":200},"x":1}"#,
        r#"{"service":"api"}"#,
        r#"{"service":null}"#,
        "{}",
    ];
    let ran = running.batch(5, &events).unwrap();
    assert_eq!(ran.events.len(), events.len(), "every event goes on");
    let counts = [
        json!({"count":1}),
        json!({"service":"api","count":1}),
        json!({"service":"api","http":{"status":500},"count":1}),
        json!({"service":"web","http":{"status":200},"count":2}),
        json!({"service":null,"count":1}),
    ];
    assert_eq!(running.tick(10).unwrap(), counts);
    assert_eq!(running.tick(20).unwrap(), [] as [Value; 0], "nothing came since");
    running.batch(25, &[events[0]]).unwrap();
    let last = json!({"service":"web","http":{"status":200},"count":1});
    assert_eq!(running.end(Reason::Shutdown).unwrap(), [last]);
}

#[test]
fn without_fields_all_are_one_group() {
    let ran = testing::run::<Count>(r#"{"into":"events.seen"}"#, &["{}", r#"{"a":1}"#]).unwrap();
    assert_eq!(ran.last, [json!({"events":{"seen":2}})]);
    assert_eq!(testing::run::<Count>("{}", &[]).unwrap().last, [] as [Value; 0]);
}

#[test]
fn groups_without_room_are_counted_together_and_the_sum_is_right() {
    let events: Vec<String> = (0..10).map(|n| format!("{{\"id\":{n}}}")).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let config = r#"{"by":["id"],"max_groups":3}"#;
    let ran = testing::run::<Count>(config, &[events.as_slice(), &events].concat()).unwrap();
    let counts = [
        json!({"id":0,"count":2}),
        json!({"id":1,"count":2}),
        json!({"id":2,"count":2}),
        json!({"count":14,"overflow":true}),
    ];
    assert_eq!(ran.last, counts);
    let long = format!("{{\"id\":{:?}}}", "x".repeat(2000));
    assert_eq!(
        testing::run::<Count>(r#"{"by":["id"]}"#, &[&long]).unwrap().last,
        [json!({"count":1,"overflow":true})]
    );
}

#[test]
fn there_is_room_for_new_groups_after_each_time() {
    let running = start(r#"{"by":["id"],"max_groups":1}"#, Vec::new());
    running.batch(0, &[r#"{"id":"a"}"#]).unwrap();
    assert_eq!(running.tick(1).unwrap(), [json!({"id":"a","count":1})]);
    running.batch(2, &[r#"{"id":"b"}"#]).unwrap();
    assert_eq!(running.tick(3).unwrap(), [json!({"id":"b","count":1})]);
}

#[test]
fn a_successor_goes_on_counting_and_nothing_is_counted_twice() {
    let running = start(BY, Vec::new());
    running.batch(0, &[r#"{"service":"a"}"#, r#"{"service":"b"}"#]).unwrap();
    let state = running.save().unwrap();
    assert_eq!(running.save().unwrap(), state, "a save changes nothing");
    let next = start(BY, vec![state.clone()]);
    assert_eq!(running.end(Reason::Recycle).unwrap(), [] as [Value; 0]);
    next.batch(0, &[r#"{"service":"a"}"#]).unwrap();
    let counts = [json!({"service":"a","count":2}), json!({"service":"b","count":1})];
    assert_eq!(next.end(Reason::Unload).unwrap(), counts);
    // Those of all workers of a predecessor, and fewer groups than it had.
    let small = r#"{"by":["service","http.status"],"max_groups":1}"#;
    let counts = [json!({"service":"a","count":2}), json!({"count":2,"overflow":true})];
    assert_eq!(start(small, vec![state.clone(), state]).end(Reason::Shutdown).unwrap(), counts);
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let state = start(BY, Vec::new()).save().unwrap();
    for (config, states, expected) in [
        (r#"{"max_groups":0}"#, vec![], "at least 1"),
        (r#"{"by":["count"]}"#, vec![], "\"count\" and \"count\" cannot stand in one object"),
        (r#"{"by":["."]}"#, vec![], "name fields of it"),
        (r#"{"every":10}"#, vec![], "\"10s\""),
        (r#"{"fields":[]}"#, vec![], "unknown field `fields`"),
        (r#"{"by":["service"]}"#, vec![state], "by other fields; unload the hook and load it again"),
        (BY, vec![b"x".to_vec()], "unload the hook and load it again"),
    ] {
        let error = Running::<Count>::start(config, states).unwrap_err();
        assert!(error.contains(expected), "{config}: {error}");
    }
}

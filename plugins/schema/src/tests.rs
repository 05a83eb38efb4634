//! What is found, what becomes of it, and what is counted.

use hookaroon_sdk::testing::{self, Running};
use serde_json::{Value, json};

use super::*;

/// The rules that an event breaks.
fn broken(config: &Value, event: Value) -> String {
    let ran = testing::run::<Schema>(&config.to_string(), &[&event.to_string()]).unwrap();
    ran.events[0]["schema_violation"].as_str().unwrap_or("").to_owned()
}

fn error(config: Value) -> String {
    testing::run::<Schema>(&config.to_string(), &[]).unwrap_err()
}

#[test]
fn required_fields_must_be_there_and_null_is_not() {
    let config = json!({"required": ["a", "b.c"]});
    assert_eq!(broken(&config, json!({"a": {}, "b": {"c": false}})), "");
    assert_eq!(broken(&config, json!({"a": null, "b": 1})), "a is required; b.c is required");
}

#[test]
fn types_are_checked_where_a_field_is_there() {
    for (kind, right, wrong) in [
        ("text", vec![json!(""), json!("1")], vec![json!(1), json!({}), json!(true)]),
        ("integer", vec![json!(0), json!(-7), json!(12.0)], vec![json!(1.5), json!("1"), json!(u64::MAX)]),
        ("float", vec![json!(0), json!(1.5)], vec![json!("1.5"), json!([])]),
        ("boolean", vec![json!(true)], vec![json!("true"), json!(0)]),
        ("object", vec![json!({}), json!({"a": 1})], vec![json!([]), json!("{")]),
        ("array", vec![json!([]), json!([1])], vec![json!({}), json!("[")]),
        ("any", vec![json!([]), json!(0), json!("")], vec![]),
    ] {
        let config = json!({"fields": {"x": kind}});
        for value in right.into_iter().chain([Value::Null]) {
            assert_eq!(broken(&config, json!({ "x": value })), "", "{kind} {value}");
        }
        for value in wrong {
            assert!(broken(&config, json!({ "x": value })).starts_with("x is not a"), "{kind} {value}");
        }
        assert_eq!(broken(&config, json!({})), "");
    }
}

#[test]
fn a_field_may_be_required_only_when_others_have_a_value() {
    let config = json!({"fields": {
        "event": "text",
        "level": {"one_of": ["info", "error"]},
        "duration_ms": {"type": "float", "min": 0, "required_when": {"event": "completion"}},
        "user": {"required_when": {"event": ["login", "logout"], "level": "info"}}
    }});
    assert_eq!(broken(&config, json!({"event": "start"})), "");
    assert_eq!(broken(&config, json!({"event": "completion", "duration_ms": 0})), "");
    let rule = "duration_ms is required when event is \"completion\"";
    assert_eq!(broken(&config, json!({"event": "completion"})), rule);
    assert_eq!(broken(&config, json!({"event": "start", "duration_ms": -1})), "duration_ms is less than 0");
    assert_eq!(broken(&config, json!({"event": "login", "level": "error"})), "");
    assert_eq!(
        broken(&config, json!({"event": "logout", "level": "info"})),
        "user is required when event is \"login\" or \"logout\" and level is \"info\""
    );
    assert_eq!(broken(&config, json!({"level": "INFO"})), "level is not \"info\" or \"error\"");
}

#[test]
fn ranges_and_values_are_those_of_the_type() {
    let config = json!({"fields": {
        "port": {"type": "integer", "min": 1, "max": 65535}, "share": {"max": 1}, "n": {"one_of": [1, 2.5]}
    }});
    assert_eq!(broken(&config, json!({"port": 1, "share": 1, "n": 2.5})), "");
    assert_eq!(
        broken(&config, json!({"port": 65536, "share": 1.01, "n": 2})),
        "n is not 1 or 2.5; port is not from 1 to 65535; share is more than 1"
    );
}

#[test]
fn violations_are_marked_dropped_failed_or_only_counted() {
    let run = |action: &str| {
        let config = json!({"required": ["a"], "on_violation": action, "field": "meta.bad"}).to_string();
        testing::run::<Schema>(&config, &[r#"{"a":1}"#, r#"{"b":1}"#]).unwrap()
    };
    let as_they_came = [json!({"a": 1}), json!({"b": 1})];
    assert_eq!(run("mark").events, [json!({"a": 1}), json!({"b": 1, "meta": {"bad": "a is required"}})]);
    assert_eq!(run("drop").events, [json!({"a": 1})]);
    let failed = run("fail");
    assert_eq!(
        (&failed.events[..], failed.errors),
        (&as_they_came[..], vec![(1, "a is required".to_owned())])
    );
    let counted = run("count");
    assert_eq!((&counted.events[..], counted.errors), (&as_they_came[..], vec![]));
    assert_eq!(
        counted.last[0]["schema"],
        json!({"events": 2, "violating": 1, "broken": {"a is required": 1}})
    );
    assert!(run("mark").last.is_empty() && run("mark").saved.is_none());
}

#[test]
fn counts_are_reported_each_tick_and_a_successor_goes_on_with_them() {
    let config = json!({"required": ["a", "b"], "on_violation": "drop", "report_every": "1s"}).to_string();
    let first: Running<Schema> = Running::start(&config, Vec::new()).unwrap();
    first.batch(0, &["{}", r#"{"a":1}"#, r#"{"a":1,"b":1}"#]).unwrap();
    let reported = first.tick(1).unwrap();
    let rules = json!({"a is required": 1, "b is required": 2});
    assert_eq!(reported[0]["schema"], json!({"events": 3, "violating": 2, "broken": rules}));
    assert_eq!(reported[0]["message"], "2 of 3 events violate the schema");
    assert_eq!(first.tick(2).unwrap(), [Value::Null; 0]);
    first.batch(3, &["{}"]).unwrap();
    let state = first.save().unwrap();
    assert_eq!(first.end(Reason::Swap).unwrap(), [Value::Null; 0]);

    let second: Running<Schema> = Running::start(&config, vec![state]).unwrap();
    second.batch(4, &["{}"]).unwrap();
    let last = second.end(Reason::Shutdown).unwrap();
    let rules = json!({"a is required": 2, "b is required": 2});
    assert_eq!(last[0]["schema"], json!({"events": 2, "violating": 2, "broken": rules}));
    assert!(Running::<Schema>::start(&config, vec![vec![1]]).unwrap_err().contains("this version of schema"));
}

#[test]
fn a_wrong_config_says_what_to_do() {
    for (config, expected) in [
        (json!({}), "there is nothing to check; write required"),
        (json!({"fields": {"a": {}}}), "fields.a: it says nothing; write a type"),
        (json!({"fields": {"a": "int"}}), "unknown variant `int`, expected one of `any`, `text`"),
        (json!({"fields": {"a": 7}}), "a type such as \"text\""),
        (json!({"fields": {"user": {"id": "text"}}}), "unknown field `id`"),
        (json!({"fields": {"user": {"id": "text"}}}), "a path with a dot needs quotes"),
        (
            json!({"fields": {"a": {"required_when": {"b": 1}}}}),
            "\"b\" is not among the fields; add it there",
        ),
        (json!({"fields": {"b": "any", "a": {"required_when": {"b": 1}}}}), "give it such a type"),
        (
            json!({"fields": {"b": "text", "a": {"required_when": {"b": 1}}}}),
            "1 is not a text (see fields.b)",
        ),
        (json!({"fields": {"a": {"required": true, "required_when": {"a": 1}}}}), "exclude each other"),
        (json!({"fields": {"a": {"one_of": []}}}), "one_of: it has 0 values"),
        (json!({"fields": {"a": {"one_of": ["x", 1]}}}), "values are of different types"),
        (
            json!({"fields": {"a": {"type": "text", "min": 1}}}),
            "min and max are for numbers, and it is a text",
        ),
        (json!({"fields": {"a": {"min": 2, "max": 1}}}), "nothing is between them"),
        (json!({"fields": {".": "any"}}), "\".\" is the whole event"),
        (json!({"required": ["a"], "field": ""}), "needs a path"),
        (json!({"required": ["a"], "report_every": 5}), "lacks its unit"),
    ] {
        let error = error(config);
        assert!(error.contains(expected), "{error}");
    }
}

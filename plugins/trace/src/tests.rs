//! What it does to events, one by one.

use hookaroon_sdk::testing;
use serde_json::{Value, json};

use super::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn run(config: Value, event: Value) -> Value {
    run_text(config, &event.to_string())
}

fn run_text(config: Value, event: &str) -> Value {
    testing::run::<Trace>(&config.to_string(), &[event]).unwrap().events.remove(0)
}

fn error(config: Value) -> String {
    testing::run::<Trace>(&config.to_string(), &[]).unwrap_err()
}

/// The severity number and text of a level.
fn severity(config: Value, level: Value) -> (Value, Value) {
    let event = run(config, json!({ "level": level }));
    (event["severity_number"].clone(), event["severity_text"].clone())
}

#[test]
fn a_traceparent_and_a_level_become_opentelemetrys_fields() {
    assert_eq!(
        run(json!({}), json!({"traceparent": PARENT, "level": "warning"})),
        json!({
            "traceparent": PARENT, "level": "warning", "trace_id": TRACE, "span_id": SPAN,
            "severity_number": 13, "severity_text": "WARN"
        })
    );
}

#[test]
fn fields_are_where_the_config_says() {
    let config = json!({
        "traceparent": "http.traceparent", "trace_id": "otel.trace", "span_id": "otel.span", "trace_flags": "otel.flags",
        "level": "log.level", "severity_number": "otel.number", "severity_text": "otel.text"
    });
    let event = json!({"http": {"traceparent": PARENT}, "log": {"level": "E"}});
    let mut expected = event.clone();
    expected["otel"] = json!({"trace": TRACE, "span": SPAN, "flags": "01", "number": 17, "text": "ERROR"});
    assert_eq!(run(config, event), expected);
}

#[test]
fn what_is_there_stays_unless_it_is_null_or_overwritten() {
    let there = json!({
        "traceparent": PARENT, "level": "info", "trace_id": TRACE, "span_id": "mine", "severity_number": 24, "severity_text": 1
    });
    assert_eq!(run(json!({}), there.clone()), there);
    let nulls = json!({
        "traceparent": PARENT, "level": "info", "trace_id": null, "span_id": null, "severity_number": null, "severity_text": null
    });
    let set = json!({
        "traceparent": PARENT, "level": "info", "trace_id": TRACE, "span_id": SPAN, "severity_number": 9, "severity_text": "INFO"
    });
    assert_eq!(run(json!({}), nulls), set);
    assert_eq!(run(json!({"overwrite": true}), there), set);
}

#[test]
fn a_span_is_never_put_beside_another_trace() {
    for other in [json!("0af7651916cd43dd8448eb211c80319c"), json!(""), json!(7), json!({})] {
        let event = json!({"traceparent": PARENT, "trace_id": other});
        assert_eq!(run(json!({}), event.clone()), event);
    }
    let same = run(json!({"trace_flags": "trace_flags"}), json!({"traceparent": PARENT, "trace_id": TRACE}));
    assert_eq!((&same["span_id"], &same["trace_flags"]), (&json!(SPAN), &json!("01")));
}

#[test]
fn a_traceparent_that_is_not_valid_sets_nothing() {
    for parent in [
        json!(PARENT.to_uppercase()),
        json!(null),
        json!(7),
        json!([PARENT]),
        json!(""),
        json!(format!("{PARENT}-x")),
    ] {
        let event = json!({ "traceparent": parent });
        assert_eq!(run(json!({}), event.clone()), event);
    }
    let escaped = format!("{{\"traceparent\":\"{}\"}}", PARENT.replace('-', "\\u002d"));
    assert_eq!(run_text(json!({}), &escaped)["trace_id"], TRACE);
}

#[test]
fn levels_are_texts_or_numbers_and_anything_else_sets_nothing() {
    assert_eq!(severity(json!({}), json!(30)), (json!(9), json!("INFO")));
    assert_eq!(severity(json!({}), json!(30.0)), (json!(9), json!("INFO")));
    assert_eq!(severity(json!({}), json!("30")), (json!(9), json!("INFO")));
    assert_eq!(severity(json!({"library": "syslog"}), json!(2)), (json!(18), json!("ERROR2")));
    assert_eq!(run_text(json!({}), r#"{"level":"\u0057ARN"}"#)["severity_number"], 13);
    assert_eq!(run_text(json!({}), r#"{"level":3e1}"#)["severity_number"], 9);
    for level in [
        json!(null),
        json!(true),
        json!({"a": 1}),
        json!(["info"]),
        json!("?"),
        json!(30.5),
        json!(1e300),
        json!("\""),
    ] {
        assert_eq!(severity(json!({}), level.clone()), (Value::Null, Value::Null), "{level}");
    }
    assert_eq!(run(json!({}), json!({})), json!({}));
}

#[test]
fn the_first_field_whose_level_is_known_counts() {
    let config = json!({"level": ["lvl", "level", "severity"]});
    let event = json!({"lvl": "loud", "level": null, "severity": "ERROR"});
    assert_eq!(run(config.clone(), event)["severity_number"], 17);
    assert_eq!(run(config, json!({"lvl": 20, "level": "info"}))["severity_number"], 5);
}

#[test]
fn own_levels_come_first() {
    let config = json!({"levels": {"Audit": "info3", "30": 24, "error": 13}});
    assert_eq!(severity(config.clone(), json!("AUDIT")), (json!(11), json!("INFO3")));
    assert_eq!(severity(config.clone(), json!(30)), (json!(24), json!("FATAL4")));
    assert_eq!(severity(config.clone(), json!("error")), (json!(13), json!("WARN")));
    assert_eq!(severity(config, json!("info")), (json!(9), json!("INFO")));
}

#[test]
fn the_text_can_be_the_level_as_it_came() {
    let config = json!({"severity_text_is": "level"});
    assert_eq!(severity(config.clone(), json!("Warning")), (json!(13), json!("Warning")));
    assert_eq!(severity(config, json!(40)), (json!(13), json!("WARN")));
}

#[test]
fn either_half_can_be_left_out_and_asks_for_nothing_then() {
    let event = json!({"traceparent": PARENT, "level": "info"});
    let traces = run(json!({"level": ""}), event.clone());
    assert_eq!((traces.get("trace_id").is_some(), traces.get("severity_number")), (true, None));
    let severities = run(json!({"traceparent": "", "severity_text": ""}), event);
    assert_eq!(severities, json!({"traceparent": PARENT, "level": "info", "severity_number": 9}));
    assert!(error(json!({"traceparent": "", "level": []})).contains("nothing to do"));
    assert!(error(json!({"span_id": ""})).contains("trace_id and span_id need a path"));
}

#[test]
fn a_wrong_config_says_what_is_wrong() {
    for (config, expected) in [
        (json!({"levels": {"x": 25}}), "levels: x: 25 is no severity number; they go from 1 to 24"),
        (json!({"levels": {"x": "LOUD"}}), "levels: x: \"LOUD\" is no severity; there is TRACE"),
        (json!({"levels": {"x": []}}), "a number from 1 to 24, or a name"),
        (json!({"level": 7}), "a path is needed, or a list of paths"),
        (json!({"library": "log"}), "unknown variant `log`"),
        (json!({"severity_text_is": "x"}), "`short_name` or `level`"),
        (json!({"tracparent": "x"}), "unknown field `tracparent`"),
    ] {
        let error = error(config);
        assert!(error.contains(expected), "{error}");
    }
}

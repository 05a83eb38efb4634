//! What it does to events, one by one.

use hookaroon_sdk::testing;
use serde_json::{Value, json};

use super::*;

fn run(config: Value, event: Value) -> Value {
    testing::run::<Parse>(&config.to_string(), &[&event.to_string()]).unwrap().events.remove(0)
}

/// What becomes of an event with only this text.
fn text(config: Value, text: &str) -> Value {
    run(config, json!({ "message": text }))
}

fn error(config: Value) -> String {
    testing::run::<Parse>(&config.to_string(), &[]).unwrap_err()
}

const LINE: &str =
    r#"10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a?b=\"c\" HTTP/1.1" 200 - "-" "curl/8.0 \\o/""#;

#[test]
fn an_access_log_becomes_fields_with_types() {
    assert_eq!(
        text(json!({"format": "combined", "remove": true}), LINE),
        json!({
            "client_ip": "10.0.0.1", "time": "2000-10-10T13:55:36-07:00", "method": "GET", "path": "/a?b=\"c\"",
            "protocol": "HTTP/1.1", "status": 200, "user_agent": "curl/8.0 \\o/"
        })
    );
    let parsed = text(
        json!({"format": "combined", "into": "http", "types": {"status": "text"}}),
        &format!("{LINE} \n"),
    );
    assert_eq!(
        (&parsed["http"]["status"], &parsed["message"]),
        (&json!("200"), &json!(format!("{LINE} \n")))
    );
}

#[test]
fn a_template_is_a_form_of_ones_own() {
    let config = json!({
        "template": "$remote_addr \"$request\" $status $request_time [$pod]", "types": {"pod": "integer"}, "remove": true
    });
    assert_eq!(
        text(config, "::1 \"\\x16\\x03\" 400 0.250 [-]"),
        json!({"remote_addr": "::1", "request": "\u{16}\u{3}", "status": 400, "request_time": 0.25})
    );
}

#[test]
fn groups_of_regexes_become_fields_and_types_are_declared() {
    let config = json!({
        "regex": [
            "^(?<verb>\\w+) took (?<timing.ms>[0-9.]+)ms(?: ok=(?<ok>\\w+))?",
            "^user (?<user>.*)$"
        ],
        "types": {"timing.ms": "float", "ok": "boolean"}
    });
    let message = "load took 12.5ms ok=true";
    assert_eq!(
        text(config.clone(), message),
        json!({"message": message, "verb": "load", "timing": {"ms": 12.5}, "ok": true})
    );
    assert_eq!(text(config.clone(), "user bob")["user"], "bob");
    // Of another kind, or of another form: as it is.
    for message in ["load took 1.2.3ms", "load took 1ms ok=maybe", "nothing", ""] {
        assert_eq!(text(config.clone(), message), json!({ "message": message }));
    }
}

#[test]
fn logfmt_becomes_members_of_the_event_or_of_an_object() {
    let message = r#"level=warn msg="a \"b\"\n\u0001" n=7 took=1.50 ok=TRUE tls"#;
    let config = json!({"format": "logfmt", "types": {"n": "integer", "took": "float", "ok": "boolean"}});
    let members = json!({"level": "warn", "msg": "a \"b\"\n\u{1}", "n": 7, "took": 1.5, "ok": true});
    let mut expected = members.clone();
    expected["message"] = json!(message);
    assert_eq!(text(config.clone(), message), expected);

    let mut into = config;
    into["into"] = json!("log.fields");
    into["remove"] = json!(true);
    into["flags"] = json!(true);
    let mut expected = members;
    expected["tls"] = json!("true");
    assert_eq!(
        run(into, json!({"message": message, "log": {"fields": {"level": 3, "x": 1}}})),
        json!({"log": {"fields": {
            "level": 3, "x": 1, "msg": expected["msg"], "n": 7, "took": 1.5, "ok": true, "tls": "true"
        }}})
    );
}

#[test]
fn what_is_there_stays_unless_it_is_null_or_overwritten() {
    let event = json!({"message": "a=1 b=2 c=3", "a": "mine", "b": null});
    let regex = json!({"regex": "a=(?<a>.) b=(?<b>.) c=(?<c>.)"});
    for mut config in [json!({"format": "logfmt"}), regex] {
        for (overwrite, a) in [(false, "mine"), (true, "1")] {
            config["overwrite"] = json!(overwrite);
            let mut expected = json!({"message": "a=1 b=2 c=3", "a": a, "b": "2", "c": "3"});
            config["remove"] = json!(false);
            assert_eq!(run(config.clone(), event.clone()), expected, "{config}");
            config["remove"] = json!(true);
            expected.as_object_mut().unwrap().remove("message");
            assert_eq!(run(config.clone(), event.clone()), expected, "{config}");
        }
    }
}

#[test]
fn a_value_named_as_the_parsed_field_takes_its_place() {
    for remove in [false, true] {
        let parsed = text(json!({"format": "syslog", "remove": remove}), "<13>Jun 14 15:16:01 h app[7]: hi");
        let expected = json!({
            "message": "hi", "facility": "user", "severity": "notice", "time": "Jun 14 15:16:01", "host": "h",
            "app": "app", "pid": 7
        });
        assert_eq!(parsed, expected);
        let parsed = text(json!({"format": "logfmt", "remove": remove}), "message=hi n=1");
        assert_eq!(parsed, json!({"message": "hi", "n": "1"}));
        // An optional group that is not there takes no place.
        let parsed = text(json!({"regex": "(?<n>.)(?<message>.)?", "remove": remove}), "1");
        assert_eq!(parsed, if remove { json!({"n": "1"}) } else { json!({"n": "1", "message": "1"}) });
    }
}

#[test]
fn other_members_keep_their_text_when_the_parsed_one_goes() {
    let config = json!({"format": "logfmt", "remove": true}).to_string();
    for (event, expected) in [
        (r#"{"message":"a=1","n":1.50,"m":2}"#, r#"{"n":1.50,"m":2,"a":"1"}"#),
        (r#"{"n":[1, 2] , "message":"a=1"}"#, r#"{"n":[1, 2],"a":"1"}"#),
        (r#"{"mess\u0061ge":"a=1"}"#, r#"{"a":"1"}"#),
    ] {
        let ran = testing::run::<Parse>(&config, &[event]).unwrap();
        assert_eq!(ran.events, [serde_json::from_str::<Value>(expected).unwrap()]);
    }
}

#[test]
fn an_object_that_is_none_stays_unless_it_is_overwritten() {
    for (overwrite, http) in [(false, json!(5)), (true, json!({"a": "1"}))] {
        let config = json!({"format": "logfmt", "into": "http", "overwrite": overwrite});
        assert_eq!(run(config, json!({"message": "a=1", "http": 5}))["http"], http);
    }
}

#[test]
fn what_does_not_parse_is_kept_dropped_or_failed() {
    let run = |config: Value, message: &str| {
        testing::run::<Parse>(&config.to_string(), &[&json!({ "message": message }).to_string()]).unwrap()
    };
    let config = |on_mismatch: &str| json!({"format": "common", "remove": true, "on_mismatch": on_mismatch});
    let ran = run(config("keep"), "hello");
    assert_eq!((ran.events, ran.errors), (vec![json!({"message": "hello"})], vec![]));
    let ran = run(config("drop"), "hello");
    assert_eq!((ran.events, ran.errors), (vec![], vec![]));
    let failed = |config: Value, message: &str| run(config, message).errors.remove(0).1;
    assert_eq!(failed(config("fail"), "hello"), "message: it is not of the form common");
    let line = r#"h - - [x] "GET /" ok 7"#;
    assert_eq!(failed(config("fail"), line), "message: its value status is not an integer");
    let long = "x".repeat(MAX_TEXT + 1);
    assert!(failed(config("fail"), &long).contains("262145 bytes"));
    for (config, expected) in [
        (json!({"regex": "^(?<a>x)"}), "no regex matches"),
        (json!({"template": "[$a]"}), "it is not of the template's form"),
        (json!({"format": "syslog"}), "it is not of the form syslog"),
        (json!({"format": "logfmt"}), "it has no pair of logfmt"),
    ] {
        let mut config = config;
        config["on_mismatch"] = json!("fail");
        assert!(failed(config, "hello").ends_with(expected));
    }
    let config = json!({"format": "logfmt", "types": {"n": "integer"}, "on_mismatch": "fail"});
    assert!(failed(config.clone(), "a=1 n=x").ends_with("its value n is not an integer"));
    let many: String = (0..101).map(|n| format!("k{n}=v ")).collect();
    assert!(failed(config, &many).ends_with("it has more than 100 pairs"));
}

#[test]
fn groups_that_overlap_cannot_make_an_event_grow_without_end() {
    let nested: String = (0..60).fold(".*".to_owned(), |inner, n| format!("(?<g{n}>{inner})"));
    let config = json!({"regex": format!("^{nested}$"), "on_mismatch": "drop"}).to_string();
    let event = |length: usize| json!({ "message": "x".repeat(length) }).to_string();
    let ran = testing::run::<Parse>(&config, &[&event(1000), &event(100_000)]).unwrap();
    assert_eq!(ran.events.len(), 1);
}

#[test]
fn an_event_without_the_text_passes() {
    for event in [json!({}), json!({"message": null}), json!({"message": 7}), json!({"text": "a=1"})] {
        for on_mismatch in ["keep", "drop", "fail"] {
            let config = json!({"format": "logfmt", "on_mismatch": on_mismatch});
            assert_eq!(run(config, event.clone()), event);
        }
    }
    let config = json!({"format": "logfmt", "field": "log.text"});
    assert_eq!(run(config, json!({"log": {"text": "a=1"}}))["a"], "1");
}

#[test]
fn a_wrong_config_says_what_to_do() {
    for (config, expected) in [
        (json!({}), "write format = \"combined\""),
        (json!({"format": "logfmt", "regex": "(?<a>x)"}), "exclude each other"),
        (json!({"format": "apache"}), "unknown variant `apache`, expected one of `logfmt`, `common`"),
        (json!({"regex": "(?<a>x"}), "regex: regex parse error"),
        (json!({"regex": "[0-9]+"}), "names no group"),
        (json!({"regex": 7}), "an expression is needed, or a list of them"),
        (json!({"template": "x"}), "template: it names no value"),
        (
            json!({"format": "common", "types": {"stauts": "integer"}}),
            "there is no value \"stauts\"; there is client_ip",
        ),
        (
            json!({"regex": "(?<a>x)", "types": {"a": "int"}}),
            "unknown variant `int`, expected one of `text`, `integer`",
        ),
        (json!({"format": "logfmt", "into": "message"}), "into: \"message\" is the text itself"),
        (json!({"format": "logfmt", "into": "message.x"}), "lies in it"),
        (json!({"format": "common", "flags": true}), "it is for format = \"logfmt\""),
        (json!({"format": "logfmt", "field": "a.b", "remove": true}), "write into = "),
        (json!({"format": "common", "fields": "x"}), "unknown field `fields`"),
    ] {
        let error = error(config);
        assert!(error.contains(expected), "{error}");
    }
}

//! What is kept, by level, source and logger.

use super::*;
use hookaroon_sdk::testing;

/// The `n` of the events that are kept.
fn kept(config: &str, events: &[&str]) -> Vec<u64> {
    let events: Vec<String> =
        events.iter().enumerate().map(|(n, event)| format!("{{\"n\":{n}{event}}}")).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let ran = testing::run::<Level>(config, &events).unwrap();
    ran.events.iter().map(|event| event["n"].as_u64().unwrap()).collect()
}

#[test]
fn less_severe_events_are_dropped_and_levels_are_in_order() {
    let events = [",\"level\":\"trace\"", ",\"level\":\"debug\"", ",\"level\":\"info\""];
    let worse = [",\"level\":\"warn\"", ",\"level\":\"error\"", ",\"level\":\"fatal\""];
    let events = [events, worse].concat();
    for (first, min) in ["trace", "debug", "info", "warn", "error", "fatal"].into_iter().enumerate() {
        let expected: Vec<u64> = (first as u64..6).collect();
        assert_eq!(kept(&format!("{{\"min\":{min:?}}}"), &events), expected, "{min}");
    }
}

#[test]
fn levels_are_names_in_any_case_and_numbers() {
    let events = [
        ",\"level\":\"WARNING\"",
        ",\"level\":\"Critical\"",
        ",\"level\":\"err\"",
        ",\"level\":50",
        ",\"level\":\"NOTICE\"",
        ",\"level\":30",
        ",\"level\":\"Verbose\"",
    ];
    assert_eq!(kept("{\"min\":\"Warn\"}", &events), [0, 1, 2, 3]);
    assert_eq!(kept("{\"min\":\"30\"}", &events), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn severity_is_read_where_level_says_nothing() {
    let events = [
        ",\"severity\":\"ERROR\"",
        ",\"severity\":\"DEBUG\"",
        ",\"level\":\"error\",\"severity\":\"DEBUG\"",
        ",\"level\":\"debug\",\"severity\":\"ERROR\"",
        ",\"level\":\"odd\",\"severity\":\"DEBUG\"",
        ",\"level\":null,\"severity\":\"INFO\"",
    ];
    assert_eq!(kept("{\"min\":\"info\",\"unknown\":\"drop\"}", &events), [0, 2, 5]);
    // A field that is named is the only one.
    let events = [",\"severity\":\"ERROR\"", ",\"log\":{\"lvl\":\"info\"}", ",\"log\":{\"lvl\":\"debug\"}"];
    assert_eq!(kept("{\"min\":\"info\",\"level\":\"log.lvl\",\"unknown\":\"drop\"}", &events), [1]);
}

#[test]
fn an_unknown_level_is_kept_unless_it_is_said() {
    let events = [
        "",
        ",\"level\":null",
        ",\"level\":\"\"",
        ",\"level\":\"loud\"",
        ",\"level\":true",
        ",\"level\":{\"info\":1}",
        ",\"level\":[\"error\"]",
        ",\"level\":5",
        ",\"level\":30.5",
        ",\"level\":\"\\\"error\\\"\"",
    ];
    let all: Vec<u64> = (0..events.len() as u64).collect();
    assert_eq!(kept("{\"min\":\"fatal\"}", &events), all);
    assert_eq!(kept("{\"min\":\"fatal\",\"unknown\":\"keep\"}", &events), all);
    assert_eq!(kept("{\"min\":\"trace\",\"unknown\":\"drop\"}", &events), [0; 0]);
}

#[test]
fn loggers_count_more_than_sources_and_sources_more_than_the_minimum() {
    let config = r#"{"min":"info","sources":{"worker":"error"},"loggers":{"db":"debug","db.pool":"warn"}}"#;
    let events = [
        ",\"level\":\"info\"",
        ",\"level\":\"debug\"",
        ",\"level\":\"warn\",\"%source\":\"worker\"",
        ",\"level\":\"error\",\"%source\":\"worker\"",
        ",\"level\":\"info\",\"%source\":\"Worker\"",
        ",\"level\":\"debug\",\"%source\":\"worker\",\"logger\":\"db.engine\"",
        ",\"level\":\"info\",\"%source\":\"worker\",\"logger\":\"db.pool.x\"",
        ",\"level\":\"warn\",\"logger\":\"db.pool\"",
        ",\"level\":\"warn\",\"%source\":\"worker\",\"logger\":\"dbx\"",
        ",\"level\":\"info\",\"logger\":null",
        ",\"level\":\"debug\",\"logger\":7",
    ];
    assert_eq!(kept(config, &events), [0, 3, 4, 5, 7, 9]);
    let config = config.replace("\"min\"", "\"logger\":\"log.name\",\"min\"");
    assert_eq!(kept(&config, &[",\"level\":\"debug\",\"log\":{\"name\":\"db\"},\"logger\":\"x\""]), [0]);
}

#[test]
fn a_config_that_is_wrong_says_what_is_meant() {
    for (config, expected) in [
        ("{}", "missing field `min`"),
        (r#"{"min":"inof"}"#, "\"inof\" is no severity; write trace, debug, info, warn, error or fatal"),
        (r#"{"min":20}"#, "a severity such as \"info\""),
        (r#"{"min":"info","loggers":{"a":"loud"}}"#, "\"loud\" is no severity"),
        (r#"{"min":"info","unknown":"pass"}"#, "unknown variant `pass`, expected `keep` or `drop`"),
        (r#"{"min":"info","source":{}}"#, "unknown field `source`"),
    ] {
        let error = testing::run::<Level>(config, &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

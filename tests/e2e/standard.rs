//! The standard hooks, by name, through the real binary.

use std::collections::BTreeMap;
use std::process::Command;

use hookaroon_generator::{Generator, Options};
use serde_json::Value;

use crate::support::{BINARY, FILE_TO_FILE, Trial, scale};

#[test]
fn redact_enrich_and_sample_work_together() {
    let trial = Trial::with_input(
        "{\"id\":1,\"ip\":\"10.0.0.1\",\"message\":\"mail bob@example.com\"}\n{\"id\":2,\"level\":\"error\",\"message\":\"fine\"}\n{\"id\":3,\"message\":\"x\"}\n",
    );
    trial.write("hosts.csv", "ip,city\n10.0.0.1,Bonn\n");
    let ran = trial.through(
        r#"
        [[hook]]
        name = "redact"
        plugin = "redact"
        grant = { read = ["message"], write = ["message"] }
        [[hook]]
        name = "enrich"
        plugin = "enrich"
        grant = { read = ["ip", "city"], write = ["city"] }
        config = { by = "ip", table = { file = "hosts.csv" } }
        [[hook]]
        name = "sample"
        plugin = "sample"
        match = "id > 1"
        grant = { read = ["id", "level", "severity"], drop = true }
        config = { by = "id", keep = "0%" }
        "#,
    );
    assert_eq!(
        ran.lines(),
        [
            "{\"id\":1,\"ip\":\"10.0.0.1\",\"message\":\"mail [email]\",\"city\":\"Bonn\"}",
            "{\"id\":2,\"level\":\"error\",\"message\":\"fine\"}"
        ]
    );
}

#[test]
fn a_wrong_config_of_a_standard_hook_is_told_with_its_place() {
    let ran = Trial::new().check(&format!(
        "{FILE_TO_FILE}[[hook]]\nname = \"r\"\nplugin = \"redact\"\n[hook.grant]\nread = [\"message\"]\nwrite = [\"message\"]\n[hook.config]\npatterns = [\"emial\"]\n"
    ));
    assert_eq!(ran.code, Some(78));
    ran.says(&["hookaroon.toml:10: hook \"r\": init failed", "emial", "email"]);
}

#[test]
fn the_demo_runs_and_its_books_balance() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo");
    let trial = Trial::new();
    for file in ["hookaroon.toml", "hosts.csv"] {
        std::fs::copy(format!("{demo}/{file}"), trial.path(file)).unwrap();
    }
    std::fs::create_dir(trial.path("out")).unwrap();
    let mut generator = Generator::new(Options { seed: 1, plain: false });
    let mut lines = Vec::new();
    for _ in 0..scale(1_000_000) {
        generator.line(&mut lines);
    }
    trial.write("out/app.ndjson", &lines);
    let output = Command::new(BINARY)
        .args(["run", "--once", "--summary", "summary.json"])
        .current_dir(trial.dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&trial.read("summary.json")).unwrap();
    let sum = |key: &str| -> u64 {
        serde_json::from_value::<BTreeMap<String, u64>>(summary[key].clone()).unwrap().values().sum()
    };
    assert_eq!(
        summary["events_in"].as_u64().unwrap(),
        sum("events_out") + sum("dropped") + sum("dead_letters")
    );
    assert_eq!(sum("dead_letters"), 0);
    let archive = String::from_utf8(trial.read("out/archive.ndjson")).unwrap();
    assert_eq!(archive.lines().count() as u64, sum("events_out"));
    for secret in ["@example", "Bearer ", "sk-"] {
        let leaked = archive.lines().find(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["message"].as_str().is_some_and(|message| message.contains(secret))
        });
        assert_eq!(leaked, None, "{secret}");
    }
}

#[test]
fn trace_tells_severity_and_span_and_level_drops_what_matters_less() {
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trial = Trial::with_input(format!(
        "{{\"level\":\"Warning\",\"traceparent\":\"{traceparent}\"}}\n{{\"level\":20,\"logger\":\"db.pool\"}}\n{{\"level\":20}}\n{{}}\n"
    ));
    let ran = trial.through(
        r#"
        [[hook]]
        name = "trace"
        plugin = "trace"
        [hook.grant]
        read = ["traceparent", "level", "trace_id", "span_id", "severity_number", "severity_text"]
        write = ["trace_id", "span_id", "severity_number", "severity_text"]
        [[hook]]
        name = "level"
        plugin = "level"
        grant = { read = ["level", "severity", "logger"], drop = true }
        config = { min = "info", loggers = { db = "debug" } }
        "#,
    );
    let events = [
        serde_json::json!({
            "level": "Warning", "traceparent": traceparent, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "span_id": "00f067aa0ba902b7", "severity_number": 13, "severity_text": "WARN",
        }),
        serde_json::json!({"level": 20, "logger": "db.pool", "severity_number": 5, "severity_text": "DEBUG"}),
        serde_json::json!({}),
    ];
    let out: Vec<Value> =
        ran.out.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(out, events, "{}", ran.stderr);
    assert_eq!(ran.number("hooks.1.dropped"), 1);
}

#[test]
fn parse_takes_access_logs_and_logfmt_apart_and_schema_says_what_is_missing() {
    let trial = Trial::with_input(
        "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.1\" 200 17 \"-\" \"a \\\"b\\\"\"\n\
         event=completion msg=\"x \\\"y\\\"\"\nhello\n",
    );
    let ran = trial.through(
        r#"
        [[hook]]
        name = "access"
        plugin = "parse"
        grant = { read = ["message", "http"], write = ["message", "http"] }
        config = { format = "combined", into = "http", remove = true }
        [[hook]]
        name = "logfmt"
        plugin = "parse"
        grant = { read = ["."], write = ["."] }
        config = { format = "logfmt", remove = true }
        [[hook]]
        name = "schema"
        plugin = "schema"
        grant = { read = ["event", "duration_ms"], write = ["schema_violation"], emit = true }
        [hook.config]
        report_every = "1h"
        [hook.config.fields]
        event = "text"
        duration_ms = { type = "float", required_when = { event = "completion" } }
        "#,
    );
    let rule = "duration_ms is required when event is \"completion\"";
    let events = [
        serde_json::json!({"http": {
            "client_ip": "10.0.0.1", "time": "2000-10-10T13:55:36-07:00", "method": "GET", "path": "/a",
            "protocol": "HTTP/1.1", "status": 200, "bytes": 17, "user_agent": "a \"b\"",
        }}),
        serde_json::json!({"event": "completion", "msg": "x \"y\"", "schema_violation": rule}),
        serde_json::json!({"message": "hello"}),
        serde_json::json!({
            "level": "warn", "message": "1 of 3 events violate the schema",
            "schema": {"events": 3, "violating": 1, "broken": {rule: 1}},
        }),
    ];
    let out: Vec<Value> =
        ran.out.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(out, events, "{}", ran.stderr);
}

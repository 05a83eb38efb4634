//! What the API answers, held against docs/openapi.json and against what the commands say of the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::http::{Answer, Host, Operation, openapi, operations};
use super::schema::holds;
use crate::hooks::other_version;
use crate::support::{NO_BREAKER, hook, wait_until};

/// Fails unless an answer is what the description says of that operation.
#[track_caller]
fn is_described(document: &Value, operation: &Operation, answer: &Answer) {
    let response = &operation.told["responses"][answer.status.to_string()];
    let place = format!("{} {} {}", operation.method, operation.path, answer.status);
    assert!(response.is_object(), "{place} is not described: {}", answer.body);
    let content = response["content"].as_object().unwrap();
    let kind =
        content.get(answer.header("content-type")).unwrap_or_else(|| panic!("{place}: {}", answer.head));
    let value = match answer.header("content-type") {
        "application/json" => answer.json(),
        _ => Value::from(answer.body.as_str()),
    };
    holds(document, &kind["schema"], &value);
}

/// A hook that drops, one that fails on what is bad, one that is not enabled.
fn hooks() -> String {
    [
        hook("dropping", "match = [\"drop exists\"]", "drop", "n = 1"),
        hook("weak", NO_BREAKER, "echo", "read = [\"m\"]\nwrite = [\"w\"]\npoison = \"bad\""),
        hook("off", "enabled = false", "nothing", ""),
    ]
    .concat()
}

/// Every change of a hook once, so that each can be made: what is asked, where, and with which body.
fn changes() -> Vec<(&'static str, &'static str, &'static str, Vec<u8>)> {
    let json = "application/json";
    let loaded = serde_json::json!({ "hook": hook("more", "", "nothing", "") }).to_string();
    let set =
        b"{\"set\":{\"deadline\":\"40ms\",\"config.text\":\"x\"},\"hidden\":[\"/config/text\"]}".to_vec();
    vec![
        ("setHook", "/api/v1/hooks/weak?for=1h", json, set),
        ("pauseHook", "/api/v1/hooks/weak/pause", "", vec![]),
        ("resumeHook", "/api/v1/hooks/weak/resume", "", vec![]),
        ("moveHook", "/api/v1/hooks/weak/move", json, b"{\"first\":true}".to_vec()),
        ("putPlugin", "/api/v1/hooks/weak/plugin?shadow=true", "application/wasm", other_version()),
        ("getCandidate", "/api/v1/hooks/weak/candidate", "", vec![]),
        ("getHook", "/api/v1/hooks/weak", "", vec![]),
        ("promoteHook", "/api/v1/hooks/weak/promote", "", vec![]),
        ("rollbackHook", "/api/v1/hooks/weak/rollback", "", vec![]),
        ("listVersions", "/api/v1/hooks/weak/versions", "", vec![]),
        ("reloadHook", "/api/v1/hooks/weak/reload", "", vec![]),
        ("loadHook", "/api/v1/hooks", json, loaded.into_bytes()),
        ("getConfigDiff", "/api/v1/config/diff", "", vec![]),
        ("revertHook", "/api/v1/hooks/weak/revert", "", vec![]),
        ("unloadHook", "/api/v1/hooks/dropping", "", vec![]),
        ("getHook", "/api/v1/hooks/dropping", "", vec![]),
        ("reloadConfig", "/api/v1/config/reload", "", vec![]),
    ]
}

#[test]
fn every_answer_is_as_the_description_says_whoever_asks_and_whatever_is_asked() {
    let mut host = Host::start("", &hooks());
    host.send("{\"m\":\"a\"}\n{\"m\":\"bad 1\"}\n{\"m\":\"b\"}\n");
    host.trial.wait_for_lines(2);
    wait_until(|| host.trial.dead_letters("weak").len() == 1);
    let document = openapi();
    let mut met = BTreeSet::new();
    let headers = [&[][..], &[("Content-Type", "application/json")], &[("Content-Type", "image/png")]];
    for operation in operations() {
        let is_change =
            operation.told["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "dry_run");
        // The end of the token that is asked with comes last.
        for name in ["weak", "off", "nobody", "tap"] {
            let path = operation.path.replace("{name}", name);
            for query in ["", "?dry_run=true", "?limit=1", "?limit=many", "?other=1"] {
                // What hooks do is changed further down, in an order that makes sense.
                let is_real =
                    is_change && query != "?dry_run=true" && operation.path.starts_with("/api/v1/hooks");
                let query = if is_real { "?dry_run=true&for=1m" } else { query };
                for token in [None, Some(host.token("read")), Some(host.token("admin"))] {
                    for (headers, body) in headers.iter().zip(["", "{\"m\":\"bad 2\"}", "x"]) {
                        // Once is enough for what is gone then.
                        let is_last = operation.method == "DELETE" && name == "tap" && query.is_empty();
                        if is_last && met.contains(&("revokeToken".to_owned(), 200)) {
                            continue;
                        }
                        let path = format!("{path}{query}");
                        let answer =
                            host.ask(&operation.method, &path, token.as_deref(), headers, body.as_bytes());
                        is_described(&document, &operation, &answer);
                        met.insert((
                            operation.told["operationId"].as_str().unwrap().to_owned(),
                            answer.status,
                        ));
                    }
                }
            }
        }
    }
    for (id, path, kind, body) in changes() {
        let operation = operations().into_iter().find(|one| one.told["operationId"] == id).unwrap();
        let headers: &[_] = if kind.is_empty() { &[] } else { &[("Content-Type", kind)] };
        let answer = host.ask(&operation.method, path, Some(&host.token("admin")), headers, &body);
        assert_eq!(answer.status, 200, "{id}: {}", answer.body);
        is_described(&document, &operation, &answer);
        met.insert((id.to_owned(), 200));
    }
    let hooks = host.get("/api/v1/hooks", Some(&host.token("read")));
    let listing = operations().into_iter().find(|one| one.told["operationId"] == "listHooks").unwrap();
    is_described(&document, &listing, &hooks);
    for operation in operations() {
        let id = operation.told["operationId"].as_str().unwrap();
        assert!(met.contains(&(id.to_owned(), 200)), "{id} was never answered");
    }
    host.end();
}

#[test]
fn the_description_that_is_served_is_the_one_in_docs() {
    let host = Host::start("", "");
    assert_eq!(host.get("/api/v1/openapi.json", Some(&host.token("read"))).json(), openapi());
    host.end();
}

#[test]
fn counts_are_those_of_the_summary() {
    let mut host = Host::start("", &hooks());
    let token = host.token("read");
    host.send(&"{\"m\":\"a\"}\n{\"m\":\"a\",\"drop\":1}\n".repeat(100));
    host.trial.wait_for_lines(100);
    let hook = host.get("/api/v1/hooks/dropping", Some(&token)).json();
    assert_eq!((&hook["enabled"], &hook["counts"]["dropped"]), (&Value::from(true), &Value::from(100)));
    assert_eq!(hook["sha256"].as_str().unwrap().len(), 64);
    let hooks = host.get("/api/v1/hooks", Some(&token)).json();
    let names: Vec<_> =
        hooks["hooks"].as_array().unwrap().iter().map(|hook| hook["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dropping", "weak", "off"]);
    assert_eq!(hooks["hooks"][2]["counts"], Value::Null);
    let status = host.get("/api/v1/status", Some(&token)).json();
    assert_eq!((&status["events_in"], &status["state"]), (&Value::from(200), &Value::from("running")));
    assert_eq!(status["dropped"]["hook:dropping"], 100);
    let metrics = host.get("/metrics", Some(&token)).body;
    let events = metrics.lines().find(|line| line.starts_with("hookaroon_source_events_total{"));
    assert!(events.is_some_and(|line| line.ends_with(" 200")), "{metrics}");
    let ran = host.end();
    assert_eq!((ran.number("events_in"), ran.number("dropped.hook:dropping")), (200, 100));
}

#[test]
fn the_api_says_what_the_commands_say() {
    let mut host = Host::start("", &hooks());
    let token = host.token("read");
    host.send("{\"m\":\"bad 1\"}\n{\"m\":\"bad 2\"}\n{\"m\":\"a\"}\n");
    host.trial.wait_for_lines(1);
    wait_until(|| host.trial.dead_letters("weak").len() == 2);
    let command = |arguments: &[&str]| -> Value {
        let output = host.trial.command(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{:?}", output))
    };
    host.trial.write("event.json", "{\"m\":\"bad 3\"}");
    for (path, arguments) in [
        ("/api/v1/config", &["config", "show", "--defaults", "--json"][..]),
        ("/api/v1/dead-letters", &["dead-letters", "list", "--json"]),
        (
            "/api/v1/dead-letters?limit=1&hook=weak&kind=trap&since=1h",
            &["dead-letters", "list", "--limit", "1", "--json"],
        ),
        ("/api/v1/dead-letters?until=1h", &["dead-letters", "list", "--until", "1h", "--json"]),
    ] {
        assert_eq!(host.get(path, Some(&token)).json(), command(arguments), "{path}");
    }
    let json = [("Content-Type", "application/json; charset=utf-8")];
    let explained =
        host.ask("POST", "/api/v1/explain?source=in", Some(&token), &json, b"{\"m\":\"bad 3\"}").json();
    assert_eq!(explained, command(&["explain", "event.json", "--json"]));
    assert_eq!(explained["ways"][0]["hooks"][1]["fate"], "failed");
    // It was nobody's event.
    assert_eq!(host.trial.dead_letters("weak").len(), 2);
    let ran = host.end();
    assert_eq!(ran.number("events_in"), 3);
}

#[test]
fn no_secret_is_shown_and_the_configuration_is_the_one_that_runs() {
    let hooks = hook("secret", "", "nothing", "text = { file = \"key.txt\" }");
    let trial = crate::support::Trial::new();
    trial.write("key.txt", "hunter2");
    let host = Host::start_in(trial, "", &hooks);
    let text = String::from_utf8(host.trial.read("hookaroon.toml")).unwrap();
    host.trial.write("hookaroon.toml", text.replace("name = \"secret\"", "name = \"renamed\""));
    let config = host.get("/api/v1/config", Some(&host.token("read")));
    assert!(!config.body.contains("hunter2"));
    assert_eq!(config.json()["hook"][0]["name"], "secret");
    assert!(config.json()["hook"][0]["config"]["text"]["file"].as_str().unwrap().ends_with("/key.txt"));
    host.end();
}

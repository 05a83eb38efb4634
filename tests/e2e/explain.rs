//! `explain`: the way of one event, as text and as JSON.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{FILE_TO_FILE, Ran, Trial, hook};

fn trial(config: &str) -> Trial {
    let trial = Trial::new();
    trial.write("hookaroon.toml", config);
    trial
}

/// Explains an event from standard input.
fn explain(trial: &Trial, event: &[u8], more: &[&str]) -> Ran {
    let arguments = ["explain", "-"].iter().chain(more);
    let mut child = trial.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(event).unwrap();
    trial.ended(child.wait_with_output().unwrap())
}

fn text(trial: &Trial, event: &str) -> String {
    let ran = explain(trial, event.as_bytes(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    String::from_utf8(ran.stdout).unwrap()
}

fn report(trial: &Trial, event: &str) -> Value {
    let ran = explain(trial, event.as_bytes(), &["--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn chain() -> String {
    let hooks = [
        "[[hook]]\nname = \"redact\"\nplugin = \"redact\"\nmatch = [\"level >= info\", \"message exists\"]\n\
         grant = { read = [\"message\"], write = [\"message\"] }\n"
            .to_owned(),
        hook("worker", "from = [\"hook:other\"]", "set", "write = [\"w\"]\ntext = \"1\""),
        hook("other", "enabled = false", "nothing", ""),
        hook("sets", "", "set", "write = [\"geo.city\"]\ntext = \"Bonn\""),
    ];
    let sinks = "[[sink]]\nname = \"errors\"\ntype = \"stdout\"\nmatch = \"level == error\"\n\
                 [[sink]]\nname = \"meta\"\ntype = \"file\"\npath = \"meta.ndjson\"\ninclude = [\"%source\"]\n";
    format!("{FILE_TO_FILE}{}{sinks}", hooks.concat())
}

#[test]
fn each_hook_and_sink_says_what_it_decided_and_why() {
    let trial = trial(&chain());
    assert_eq!(
        text(&trial, "{\"level\":\"INFO\", \"message\":\"mail a@b.example\", \"n\":1.0}\n"),
        r#"source "in": a JSON object, taken as it is
  {"level":"INFO", "message":"mail a@b.example", "n":1.0}
hook "redact": kept
  match level >= info: holds, the value is "INFO"
  match message exists: holds, the value is "mail a@b.example"
  message: "mail a@b.example" -> "mail [email]"
hook "worker": passed by
  from ["hook:other"]: it does not
hook "other": not enabled
hook "sets": kept
  geo: nothing -> {"city":"Bonn"}
sink "out": takes it
  {"level":"INFO", "message":"mail [email]", "n":1.0,"geo":{"city":"Bonn"}}
sink "errors": does not take it
  match level == error: does not hold, the value is "INFO"
sink "meta": takes it
  {"level":"INFO", "message":"mail [email]", "n":1.0,"geo":{"city":"Bonn"},"%source":"in"}
"#
    );
    assert!(
        trial.read("out.ndjson").is_empty() && trial.read("meta.ndjson").is_empty(),
        "nothing is written"
    );
}

#[test]
fn the_condition_that_decided_is_the_last_that_is_told() {
    let trial = trial(&chain());
    let report = report(&trial, "{\"level\":\"debug\"}");
    let redact = &report["ways"][0]["hooks"][0];
    assert_eq!(
        (&redact["fate"], &redact["match"]),
        (&json!("passed_by"), &json!([{"condition": "level >= info", "value": "\"debug\"", "holds": false}]))
    );
    let absent = text(&trial, "{}");
    assert!(absent.contains("  match level >= info: does not hold, the value is nothing\n"), "{absent}");
}

#[test]
fn drops_failures_and_emitted_events_have_their_reasons_and_ways() {
    let hooks = hook("twice", "", "emit_each", "text = \"new\"")
        + &hook("fails", "match = \"emitted exists\"", "trap", "")
        + &hook("drops", "", "drop", "n = 1");
    let trial = trial(&format!("{FILE_TO_FILE}{hooks}"));
    let report = report(&trial, "{\"n\":1}");
    let ways = report["ways"].as_array().unwrap();
    assert_eq!(ways.len(), 2, "{report}");
    let fates = |way: usize| -> Vec<&str> {
        ways[way]["hooks"].as_array().unwrap().iter().map(|met| met["fate"].as_str().unwrap()).collect()
    };
    assert_eq!(fates(0), ["kept", "passed_by", "dropped"]);
    assert_eq!(fates(1), ["failed"]);
    assert_eq!(ways[1]["from"], "hook:twice");
    assert_eq!(ways[0]["hooks"][0]["emitted"].as_array().unwrap().len(), 1);
    let failed = &ways[1]["hooks"][0];
    assert_eq!((&failed["kind"], &failed["on_error"]), (&json!("trap"), &json!("dead_letter")));
    assert!(failed["message"].as_str().unwrap().contains("unreachable"), "{failed}");
    assert_eq!((&ways[0]["sinks"], &ways[1]["sinks"]), (&json!([]), &json!([])));
    assert!(trial.dead_letters("fails").is_empty(), "explain writes no dead letters");
    let shown = text(&trial, "{\"n\":1}");
    for part in [
        "hook \"drops\": dropped\n",
        "\nemitted, from \"hook:twice\"\n",
        "failed; on_error = \"dead_letter\"",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn a_hook_that_stops_the_run_ends_the_way() {
    let hooks =
        hook("stops", "on_error = \"stop\"", "error", "text = \"no\"") + &hook("after", "", "nothing", "");
    let trial = trial(&format!("{FILE_TO_FILE}{hooks}"));
    let shown = text(&trial, "{}");
    assert!(shown.contains("hook \"stops\": failed; on_error = \"stop\""), "{shown}");
    assert!(shown.contains("a run would stop here: hook \"stops\" failed"), "{shown}");
    assert!(!shown.contains("\"after\""), "{shown}");
}

#[test]
fn what_no_sink_takes_is_said_to_be_dropped() {
    let config = format!("{FILE_TO_FILE}match = \"level == error\"\n");
    let shown = text(&trial(&config), "plain \u{9b}text");
    assert!(shown.starts_with("source \"in\": a line that is taken as text, wrapped as"), "{shown}");
    assert!(shown.ends_with("no sink takes it: it is counted as dropped, \"unrouted\"\n"), "{shown}");
    assert!(
        shown.contains("plain \\u{9b}text") && !shown.contains('\u{9b}'),
        "it drives no terminal: {shown:?}"
    );
}

#[test]
fn an_event_over_several_lines_is_one_and_the_source_can_be_named() {
    let second = "[[source]]\nname = \"texts\"\ntype = \"stdin\"\ndecode = \"text\"\n";
    let trial = trial(&format!("{FILE_TO_FILE}{second}"));
    trial.write("event.json", "{\n  \"a\": 1\n}\n");
    let run = |more: &[&str]| {
        let arguments = ["explain", "event.json", "--json"].iter().chain(more);
        trial.ended(trial.command(arguments).output().unwrap())
    };
    let report: Value = serde_json::from_slice(&run(&[]).stdout).unwrap();
    assert_eq!((&report["source"], &report["decoded"]["event"]), (&json!("in"), &json!("{   \"a\": 1 }")));
    let report: Value = serde_json::from_slice(&run(&["--source", "texts"]).stdout).unwrap();
    assert_eq!(report["decoded"]["event"], "{\"message\":\"{   \\\"a\\\": 1 }\"}");
    let wrong = run(&["--source", "text"]);
    assert_eq!(wrong.code, Some(2));
    wrong.says(&["there is no source \"text\"; did you mean \"texts\"?"]);
}

#[test]
fn what_is_not_one_event_is_a_usage_error() {
    let trial = trial(FILE_TO_FILE);
    for (input, says) in [("{}\n{}\n", "it holds 2 events"), ("\n", "it holds 0 events")] {
        let ran = explain(&trial, input.as_bytes(), &[]);
        assert_eq!(ran.code, Some(2));
        ran.says(&[says]);
    }
    let ran = trial.ended(trial.command(["explain", "none.json"]).output().unwrap());
    assert_eq!(ran.code, Some(1));
    ran.says(&["cannot read none.json"]);
}

//! Taps: what flows is seen, as it leaves and at a hook, and the flow does not notice.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::admin::http::{Answer, Host, request};
use crate::support::{NO_BREAKER, hook, wait_until};

/// Asks for a tap and waits until it is open.
fn open(host: &Host, query: &str) -> BufReader<TcpStream> {
    let mut stream = host.connect();
    let path = format!("/api/v1/tap{query}");
    stream.write_all(&request("GET", &path, Some(&host.token("tap")), &[], b"")).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    reader
}

/// Everything that an open tap shows until its end.
fn seen(mut tap: BufReader<TcpStream>) -> Vec<Value> {
    let mut text = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    tap.read_to_string(&mut text).unwrap();
    Answer::of(text.as_bytes()).body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The events among them.
fn events(seen: &[Value]) -> Vec<&str> {
    seen.iter().filter_map(|line| line["event"].as_str()).collect()
}

fn command(host: &Host, arguments: &[&str]) -> Child {
    let mut command = host.trial.command(arguments);
    command.stdin(Stdio::null()).env("HOOKAROON_TOKEN", host.token("tap")).spawn().unwrap()
}

#[test]
fn what_leaves_the_chain_is_shown_as_the_sinks_get_it_if_it_matches() {
    let mut host = Host::start("", &hook("set", "", "set", "write = [\"w\"]\ntext = \"x\""));
    let tap = open(&host, "?match=n%20%3E%201&match=n%20%3C%205&source=in&limit=3");
    host.send("{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
    let seen = seen(tap);
    assert_eq!(seen[0], json!({ "source": "in", "stream": "stdin", "event": "{\"n\":2,\"w\":\"x\"}" }));
    assert_eq!(events(&seen).len(), 3);
    assert_eq!(seen[3], json!({ "end": "limit", "passed": 4, "shown": 3, "left_out": 0, "lost": 0 }));
    host.end();
}

#[test]
fn at_a_hook_each_event_is_shown_with_what_became_of_it() {
    let hooks = [
        hook("weak", NO_BREAKER, "echo", "read = [\"m\"]\nwrite = [\"w.x\"]\npoison = \"bad\""),
        hook("dropping", "match = [\"drop exists\"]", "drop", "n = 1"),
        hook("emitting", "match = [\"m == last\"]", "emit_each", ""),
    ];
    let mut host = Host::start("", &hooks.concat());
    let at = |name: &str| open(&host, &format!("?hook={name}&seconds=600"));
    let taps = [at("weak"), at("dropping"), at("emitting")];
    host.send(
        "{\"m\":\"a\",\"w\":{\"x\":\"b\"}}\n{\"m\":\"bad\"}\n{\"m\":\"c\",\"drop\":1}\n{\"m\":\"last\"}\n",
    );
    host.trial.wait_for_lines(3);
    wait_until(|| host.trial.dead_letters("weak").len() == 1);
    host.end();
    let [weak, dropping, emitting] = taps.map(seen);
    let fates = |seen: &[Value]| -> Vec<String> {
        seen.iter().filter_map(|line| line["fate"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(fates(&weak), ["kept", "failed", "kept", "kept"]);
    assert_eq!(weak[0]["changes"], json!([{ "field": "w.x", "before": "\"b\"", "after": "\"a\"" }]));
    assert_eq!(weak[0]["event"], "{\"m\":\"a\",\"w\":{\"x\":\"b\"}}");
    assert_eq!((&weak[1]["kind"], &weak[1]["event"]), (&json!("trap"), &json!("{\"m\":\"bad\"}")));
    assert_eq!(fates(&dropping), ["passed_by", "dropped", "passed_by"]);
    assert_eq!(dropping[0]["why"], "match");
    assert_eq!(fates(&emitting), ["passed_by", "kept", "emitted"]);
    // All told of the end, which came with the run's.
    for (seen, passed) in [(&weak, 4), (&dropping, 3), (&emitting, 3)] {
        let end = seen.last().unwrap();
        assert_eq!((&end["end"], &end["passed"]), (&json!("run"), &json!(passed)));
    }
}

#[test]
fn what_is_over_the_rate_is_counted_to_the_last_event() {
    let mut host = Host::start("", "");
    let tap = open(&host, "?rate=7");
    host.send(&"{\"a\":1}\n".repeat(50_000));
    host.trial.wait_for_lines(50_000);
    let ran = host.end();
    assert_eq!(ran.number("events_out.out"), 50_000);
    let seen = seen(tap);
    let end = seen.last().unwrap();
    let number = |name: &str| end[name].as_u64().unwrap();
    assert_eq!((number("passed"), number("lost")), (50_000, 0));
    assert_eq!(number("shown") + number("left_out"), 50_000);
    assert_eq!(events(&seen).len() as u64, number("shown"));
    assert!(number("shown") >= 7, "{end}");
}

#[test]
fn the_flow_does_not_wait_for_taps_that_nobody_reads() {
    let mut host = Host::start("", &hook("nothing", "", "nothing", ""));
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(10_000));
    let unread: Vec<_> = ["?hook=nothing&", "?"]
        .iter()
        .map(|start| open(&host, &format!("{start}rate=1000&bytes=16777216")))
        .collect();
    for _ in 0..20 {
        host.send(&line.repeat(500));
    }
    host.trial.wait_for_lines(10_000);
    let ran = host.end();
    assert_eq!(ran.number("events_out.out"), 10_000);
    drop(unread);
}

#[test]
fn there_are_eight_taps_at_most_and_one_that_is_left_makes_room() {
    let mut host = Host::start("", "");
    let mut taps: Vec<_> = (0..8).map(|_| open(&host, "")).collect();
    let ask = || host.get("/api/v1/tap", Some(&host.token("tap")));
    let answer = ask();
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_taps"));
    taps.pop();
    wait_until(|| ask().status == 200);
    drop(taps);
    host.send("{}\n");
    host.trial.wait_for_lines(1);
    host.end();
}

#[test]
fn what_there_is_not_cannot_be_tapped() {
    let host = Host::start("", &hook("redact", "", "nothing", ""));
    let token = host.token("tap");
    for (query, status, told) in [
        ("hook=redat", 404, "redact"),
        ("source=ni", 404, "in"),
        ("match=n", 422, "no operator"),
        ("rate=0", 422, "1 to 1000"),
        ("rate=1&rate=2", 422, "twice"),
    ] {
        let answer = host.get(&format!("/api/v1/tap?{query}"), Some(&token));
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains(told), "{query}: {}", answer.body);
    }
    let many = "match=n%20exists&".repeat(33);
    assert_eq!(host.get(&format!("/api/v1/tap?{many}"), Some(&token)).status, 422);
    host.end();
}

#[test]
fn the_command_shows_events_for_people_and_ends_with_whoever_reads_it() {
    let mut host = Host::start("", &hook("set", "", "set", "write = [\"w\"]\ntext = \"x\""));
    let mut child = command(&host, &["tap", "--hook", "set", "--match", "n exists", "--limit", "2"]);
    // It is open once it shows what comes.
    wait_until(|| {
        host.send("{\"n\":1}\n");
        child.try_wait().unwrap().is_some()
    });
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "changed in {\"n\":1}\n  w\n    + \"x\"\n".repeat(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("that is all: 2 of ") && output.status.success(), "{told}");

    // A reader that goes ends it without a word.
    let mut child = host
        .trial
        .shell("\"$0\" tap --json --rate 1000 | head -n 1")
        .env("HOOKAROON_TOKEN", host.token("tap"))
        .spawn()
        .unwrap();
    wait_until(|| {
        host.send("{\"n\":1}\n");
        child.try_wait().unwrap().is_some()
    });
    let output = child.wait_with_output().unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["event"], "{\"n\":1,\"w\":\"x\"}");
    assert!(!String::from_utf8(output.stderr).unwrap().contains("error"));

    // So does the end of the run.
    let child = command(&host, &["tap"]);
    let mut other = command(&host, &["tap", "--limit", "1"]);
    wait_until(|| {
        host.send("{\"n\":1}\n");
        other.try_wait().unwrap().is_some()
    });
    host.end();
    let output = child.wait_with_output().unwrap();
    // Whether it was open by then is not known here.
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the run has ended") || told.contains("nothing answers"), "{told}");
}

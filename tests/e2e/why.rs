//! `status --why` on real runs: what limits them is named, with what is lost to it and what to change.

use std::io::Read as _;
use std::process::Child;

use rustix::process::Signal;
use serde_json::Value;

use crate::admin::http::Host;
use crate::support::{FILE_TO_FILE, NO_BREAKER, Trial, hook, wait_until};

/// What limits a run over half a second.
fn why(host: &Host) -> Vec<Value> {
    let arguments = ["status", "--why", "--interval", "500ms", "--json"];
    let output = host.trial.command(arguments).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    told["why"].as_array().unwrap().clone()
}

/// The kind and the name of what limits most.
fn worst(found: &[Value]) -> (&str, &str) {
    (found[0]["stage"].as_str().unwrap(), found[0]["name"].as_str().unwrap_or_default())
}

fn remedies(finding: &Value) -> String {
    finding["remedies"].to_string()
}

/// A run of these sinks and hooks that never has nothing to do.
fn fed(ends: &str, hooks: &str) -> Host {
    let ends = ends.replace("type = \"file\"\npaths = [\"in.log\"]", "type = \"stdin\"");
    let mut host = Host::run(Trial::new(), &format!("{ends}[admin]\nlisten = \"127.0.0.1:0\"\n{hooks}"));
    host.feed("{\"a\":1}\n".repeat(10_000));
    host
}

/// Lets such a run end.
fn end(host: Host) {
    host.signal(Signal::TERM);
    let ran = host.ended();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn a_throttle_that_is_too_small_is_named_with_its_rate() {
    let throttle = "[[hook]]\nname = \"limit\"\nplugin = \"throttle\"\n[hook.grant]\ndrop = true\nemit = true\n\
                    [hook.config]\nrate = \"5/s\"\nburst = 1\n";
    let host = fed(FILE_TO_FILE, throttle);
    host.trial.wait_for_lines(1);
    let found = why(&host);
    assert_eq!(worst(&found), ("drops", "limit"), "{found:#?}");
    assert!(found[0]["lost_per_s"].as_f64().unwrap() > 1000.0, "{found:#?}");
    assert!(remedies(&found[0]).contains("raise `rate` (now rate = \\\"5/s\\\")"), "{found:#?}");
    let text = host.trial.command(["status", "--why", "--interval", "500ms"]).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\n1. hook limit drops 100% of its events, "), "{text}");
    assert!(text.contains("\n   lost to it: "), "{text}");
    end(host);
}

#[test]
fn a_slow_hook_is_named_and_the_cheap_one_beside_it_is_not() {
    let hooks = hook("cheap", "", "nothing", "") + &hook("slow", "", "slow", "n = 1");
    let host = fed(FILE_TO_FILE, &hooks);
    host.trial.wait_for_lines(1);
    let found = why(&host);
    assert_eq!(worst(&found), ("hook", "slow"), "{found:#?}");
    assert!(found[0]["lost_per_s"].as_f64().unwrap() > 0.0, "{found:#?}");
    assert!(found[0]["what"].as_str().unwrap().contains(" for each event"), "{found:#?}");
    assert!(remedies(&found[0]).contains("`workers` (now 1)"), "{found:#?}");
    assert!(found.iter().all(|finding| finding["name"] != "cheap"), "{found:#?}");
    end(host);
}

#[test]
fn a_sink_that_takes_nothing_is_named_while_workers_wait_for_it() {
    let ends = FILE_TO_FILE.replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\"");
    let mut host = fed(&ends, "");
    // Nobody reads its standard output: once what lies between is full, nothing moves.
    let token = host.token("read");
    let status = || host.get("/api/v1/status", Some(&token)).json();
    wait_until(|| status()["waits"]["sinks_s"]["out"].as_f64().is_some_and(|waited| waited > 0.1));
    let found = why(&host);
    assert_eq!(worst(&found), ("sink", "out"), "{found:#?}");
    assert!(found[0]["what"].as_str().unwrap().contains("its queue is full"), "{found:#?}");
    drain(&mut host.child);
    end(host);
}

/// Reads its standard output from now on.
fn drain(child: &mut Child) {
    let mut stdout = child.stdout.take().unwrap();
    std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
}

#[test]
fn an_open_breaker_that_events_wait_for_is_named() {
    let options = "on_error = \"drop\"\nwhen_open = \"block\"\nbreaker = { failures = 1, pause = \"1h\", max_pause = \"1h\" }";
    let mut host = Host::start("", &hook("weak", options, "error", "text = \"no\""));
    host.send("{}\n");
    let token = host.token("read");
    let opened = || host.get("/api/v1/hooks/weak", Some(&token)).json()["counts"]["breaker_opened"].as_u64();
    wait_until(|| opened() == Some(1));
    host.send("{}\n");
    let status = || host.get("/api/v1/status", Some(&token)).json();
    wait_until(|| status()["waits"]["breakers_s"]["weak"].as_f64().is_some_and(|waited| waited > 0.0));
    let found = why(&host);
    assert_eq!(worst(&found), ("breaker", "weak"), "{found:#?}");
    assert_eq!(found[0]["lost_per_s"], Value::Null);
    assert!(remedies(&found[0]).contains("when_open"), "{found:#?}");
    // What waits for it is not processed, and that is told.
    host.signal(Signal::TERM);
    assert_eq!(host.ended().code, Some(1));
}

#[test]
fn dead_letters_that_have_no_room_are_named() {
    let options = format!("on_error = \"dead_letter\"\n{NO_BREAKER}");
    let hooks = format!(
        "[dead_letters]\nmax_bytes = \"4KiB\"\n{}",
        hook("weak", &options, "fail_row", "read = [\"m\"]\ntext = \"bad\"")
    );
    let mut host = Host::start("", &hooks);
    let token = host.token("read");
    // More and more of them, until there is no room.
    wait_until(|| {
        host.send("{\"m\":\"bad\"}\n");
        let status = host.get("/api/v1/status", Some(&token)).json();
        status["waits"]["dead_letters_s"]["weak"].as_f64().is_some_and(|waited| waited > 0.0)
    });
    let found = why(&host);
    assert_eq!(worst(&found), ("dead_letters", "weak"), "{found:#?}");
    assert!(remedies(&found[0]).contains("`max_bytes` in [dead_letters]"), "{found:#?}");
    host.signal(Signal::TERM);
    assert_eq!(host.ended().code, Some(1));
}

#[test]
fn a_run_that_keeps_up_is_limited_by_what_comes() {
    let mut host = Host::start("", &hook("cheap", "", "nothing", ""));
    host.send("{}\n");
    host.trial.wait_for_lines(1);
    let found = why(&host);
    assert_eq!((worst(&found), found.len()), (("source", ""), 1), "{found:#?}");
    host.end();
}

#[test]
fn status_tells_rates_when_it_looks_twice() {
    let mut host = Host::start("", &hook("cheap", "", "nothing", ""));
    host.send("{}\n");
    host.trial.wait_for_lines(1);
    let output = host.trial.command(["status", "--interval", "100ms"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(": 1 events, 3 B in, 0/s\n"), "{text}");
    assert!(text.contains("  hook   cheap  1 rows, 0/s\n"), "{text}");
    assert!(text.contains("  sink   out    1 events, 0/s\n"), "{text}");
    for wrong in ["1ms", "2h", "often"] {
        let output = host.trial.command(["status", "--interval", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    host.end();
}

//! The end of a run with an admin API, and what it holds while it runs.

use std::fs;
use std::io::{Read as _, Write as _};

use rustix::process::Signal;

use super::http::{Answer, Host, connect, request, rest};
use crate::support::{FILE_TO_FILE, Trial, hook, wait_until};

/// How many entries a directory of a process has in /proc: its threads, its descriptors.
fn count(host: &Host, what: &str) -> usize {
    fs::read_dir(format!("/proc/{}/{what}", host.child.id())).unwrap().count()
}

#[test]
fn a_thousand_requests_leave_no_thread_and_no_descriptor_behind() {
    let mut host = Host::start("", &hook("h", "", "nothing", ""));
    let token = host.token("admin");
    // The API is there before all of the run is.
    host.send("{\"a\":1}\n");
    host.trial.wait_for_lines(1);
    let held = || (count(&host, "task"), count(&host, "fd"));
    let before = held();
    let json = [("Content-Type", "application/json")];
    for number in 0..250 {
        assert_eq!(host.get("/api/v1/hooks", Some(&token)).status, 200);
        assert_eq!(host.get("/health/live", None).status, 200);
        assert_eq!(host.get("/api/v1/status", None).status, 401);
        let answer = match number % 10 {
            0 => host.ask("POST", "/api/v1/explain", Some(&token), &json, b"{\"a\":1}"),
            _ => host.ask("DELETE", "/api/v1/tokens/tap?dry_run=true", Some(&token), &[], b""),
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    // Threads that have no work are kept for half a second.
    wait_until(|| held() == before);
    host.end();
}

#[test]
fn who_comes_while_all_places_are_taken_is_answered_when_one_is_free() {
    let host = Host::start("", "");
    let token = host.token("read");
    let taken: Vec<_> = (0..64)
        .map(|_| {
            let mut stream = connect(&host.url());
            stream.write_all(b"GET /health/live HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    let mut waiting = connect(&host.url());
    waiting.write_all(&request("GET", "/api/v1/hooks", Some(&token), &[], b"")).unwrap();
    drop(taken);
    assert_eq!(Answer::of(&rest(waiting)).status, 200);
    host.end();
}

#[test]
fn at_the_end_nobody_listens_and_kept_connections_are_closed() {
    let host = Host::start("", "");
    assert_eq!(host.get("/health/ready", None).status, 200);
    let url = host.url();
    let mut idle = connect(&url);
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    host.signal(Signal::TERM);
    let (ran, trial) = host.ended_and_kept();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!trial.path("hookaroon-data/admin-address").exists());
    // The connection that was kept is closed, and nobody listens any more.
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest);
    assert!(std::net::TcpStream::connect(url.trim_start_matches("http://")).is_err());
}

#[test]
fn an_end_that_takes_its_time_is_told_by_health_and_can_be_looked_at() {
    // Nobody reads its standard output, so what was read cannot be delivered yet.
    let trial = Trial::with_input("{\"a\":1}\n".repeat(1 << 20));
    let ends = FILE_TO_FILE.replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\"");
    let host = Host::run(trial, &format!("{ends}[admin]\nlisten = \"127.0.0.1:0\"\n"));
    // More was read than a pipe holds.
    let token = host.token("read");
    let read = || host.get("/api/v1/status", Some(&token)).json()["events_in"].as_u64().unwrap();
    wait_until(|| read() > 20_000);
    host.signal(Signal::TERM);
    wait_until(|| host.get("/health/ready", None).status == 503);
    let answer = host.get("/health/ready", None);
    assert_eq!(answer.code(), "not_ready");
    assert_eq!(host.get("/health/live", None).status, 200);
    assert_eq!(host.get("/api/v1/status", Some(&token)).json()["state"], "ending");
    let ran = host.ended();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout.len() as u64, 8 * ran.number("events_in"));
}

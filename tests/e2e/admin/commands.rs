//! The command line as a client of the API.

use std::net::TcpListener;

use crate::support::{FILE_TO_FILE, Ran, Trial, hook};

use super::http::Host;

fn ask(trial: &Trial, arguments: &[&str], token: Option<&str>) -> Ran {
    let mut command = trial.command(arguments);
    command.env_remove("HOOKAROON_TOKEN");
    if let Some(token) = token {
        command.env("HOOKAROON_TOKEN", token);
    }
    trial.ended(command.output().unwrap())
}

#[test]
fn hooks_and_status_are_shown_as_tables_and_as_json() {
    let hooks = hook("keeper", "", "nothing", "") + &hook("off", "enabled = false", "nothing", "");
    let mut host = Host::start("", &hooks);
    host.send("{\"a\":1}\n{\"a\":2}\n");
    host.trial.wait_for_lines(2);
    let list = ask(&host.trial, &["hooks", "list"], None);
    let text = String::from_utf8(list.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("HOOK    STATE") && lines[0].ends_with("MEMORY PEAK / CAP"), "{text}");
    assert!(lines[1].starts_with("keeper  ") && lines[1].ends_with("MiB / 32 MiB"), "{text}");
    assert!(lines[1].contains("  at work  ") && lines[2].starts_with("off     not enabled  -"), "{text}");
    assert_eq!((lines.len(), lines[0].len()), (3, lines[1].len()));
    let json = ask(&host.trial, &["hooks", "list", "--json"], None).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["hooks"][0]["counts"]["rows"], 2);
    let status = String::from_utf8(ask(&host.trial, &["status"], None).stdout).unwrap();
    for part in [
        ", running for ",
        ": 2 events, 16 B in\n",
        "  source in      stdin\n",
        "  hook   keeper  2 rows\n",
        "  sink   out     2 events\n",
    ] {
        assert!(status.contains(part), "{part:?} in {status}");
    }
    host.end();
}

#[test]
fn what_goes_wrong_says_what_to_do() {
    let trial = Trial::new();
    trial.write("hookaroon.toml", FILE_TO_FILE);
    let none = ask(&trial, &["status"], None);
    assert_eq!(none.code, Some(1));
    none.says(&[
        "no run with an admin API is known here",
        "hookaroon-data/admin-address",
        "start one with [admin]",
    ]);

    let host = Host::start("", "");
    ask(&host.trial, &["status"], Some("hka_wrong")).says(&["the token is not known; send"]);
    // The configuration may be broken meanwhile.
    host.trial.write("hookaroon.toml", "this = [is no");
    assert_eq!(ask(&host.trial, &["status"], None).code, Some(0));
    assert_eq!(ask(&host.trial, &["status"], Some(&host.token("read"))).code, Some(0));
    // A token of this machine goes to no other, not even to its name.
    let other = ask(&host.trial, &["status", "--admin", "http://logs.example:8650"], None);
    assert_eq!(other.code, Some(1));
    other.says(&["HOOKAROON_TOKEN is not set, and the one of this machine goes to no other"]);
    assert_eq!(ask(&host.trial, &["status", "--admin", &host.url()], None).code, Some(0));
    ask(&host.trial, &["status", "--admin", "ftp://x"], None).says(&["http://HOST:PORT"]);

    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{gone}");
    ask(&host.trial, &["status", "--admin", &url], None).says(&["nothing answers at", "is the run going on"]);
    host.end();
}

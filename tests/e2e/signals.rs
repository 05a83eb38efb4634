//! The end of a run that is asked for.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{FILE_TO_FILE, Trial, hook};

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_signal_drains_everything_that_was_read_and_ends_well() {
    for which in [Signal::TERM, Signal::INT] {
        let trial = Trial::new();
        assert!(Command::new("mkfifo").arg(trial.path("in.log")).status().unwrap().success());
        let hooks = hook("last", "", "emit", "in = \"teardown\"\ntext = \"bye\"");
        let config = format!("[batch]\nwait = \"0ms\"\n{FILE_TO_FILE}{hooks}");
        let mut child =
            trial.start(&config.replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\""));
        let mut fifo = OpenOptions::new().write(true).open(trial.path("in.log")).unwrap();
        fifo.write_all(b"{\"n\":1}\n{\"n\":2}\n").unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        signal(&child, which);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        let ran = trial.ended(child.wait_with_output().unwrap());
        assert_eq!(first + &rest, "{\"n\":1}\n{\"n\":2}\n{\"emitted\":\"bye\"}\n");
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        drop(fifo);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    // Nobody reads its standard output, so it cannot drain.
    let trial = Trial::with_input("{\"a\":1}\n".repeat(1 << 20));
    let mut child =
        trial.start(&FILE_TO_FILE.replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\""));
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 8]).unwrap();
    signal(&child, Signal::TERM);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("a second signal ends at once") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0);
    }
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn a_reader_that_goes_away_ends_the_run_with_an_error() {
    let trial = Trial::with_input("{\"a\":1}\n".repeat(1 << 20));
    let mut child =
        trial.start(&FILE_TO_FILE.replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\""));
    drop(child.stdout.take());
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1));
    ran.says(&["sink \"out\": cannot write", "events were not written"]);
}

#[test]
fn a_reader_that_stops_reading_is_no_failure_of_what_is_only_shown() {
    let trial = Trial::with_input("");
    trial.write("hookaroon.toml", FILE_TO_FILE);
    trial.write("event.json", "{\"a\":1}");
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["explain", "event.json"],
        &["inspect", "redact"],
        &["config", "show"],
        &["config", "reference"],
        &["completions", "bash"],
        &["new", "shown"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = trial.ended(trial.command(arguments).stdout(writer).output().unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_run_that_cannot_deliver_ends_at_its_drain_deadline_and_says_what_is_left() {
    let trial = Trial::with_input("{\"a\":1}\n".repeat(1 << 20));
    let config = FILE_TO_FILE.replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\"");
    let mut child = trial.start(&format!("drain_deadline = \"50ms\"\n{config}"));
    // Nobody reads on after the first bytes.
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 8]).unwrap();
    signal(&child, Signal::TERM);
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("could not within 50ms (drain_deadline): sink \"out\" has not taken "),
        "{stderr}"
    );
    let summary: serde_json::Value = serde_json::from_slice(&trial.read("summary.json")).unwrap();
    let stopped = summary["dropped"]["stopped"].as_u64().unwrap_or(0);
    let left = summary["undelivered"]["out"].as_u64().unwrap();
    let (events_in, out) =
        (summary["events_in"].as_u64().unwrap(), summary["events_out"]["out"].as_u64().unwrap());
    assert_eq!(events_in, out + left + stopped, "{summary}");
    drop(stdout);
}

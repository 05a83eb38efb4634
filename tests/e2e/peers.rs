//! The contract is not Rust's alone: the same small hook in Rust, C and Python (`tests/peers`), which must do the same,
//! byte for byte and count for count; and the programs of others that ask a host: Prometheus, a browser, a fuzzer.
//!
//! `make test-peers` builds them and runs this; `make test`, which needs Rust only, leaves it out.

mod browser;
mod fuzz;
mod page;
mod prometheus;

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use serde_json::Value;

use crate::support::{FILE_TO_FILE, Ran, Trial};

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/fixture").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The peer in this language as a hook, with the limits that every hook has.
fn peer(language: &str) -> String {
    let path: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/test-plugins/peer-{language}.wasm"));
    assert!(path.exists(), "{} is missing; `make test-peers` makes it", path.display());
    format!(
        "[[hook]]\nname = \"peer\"\nplugin = {path:?}\n[hook.grant]\nread = [\"message\", \"status\", \".\"]\n\
         write = [\"message\", \"row\", \"password\", \"meta\"]\ndrop = true\nemit = true\n"
    )
}

/// All that the hook did, but for what it cost.
fn counts(ran: &Ran) -> Value {
    let hook = &ran.summary["hooks"][0];
    let counted = ["calls", "rows", "dropped", "written", "emitted", "refused_writes", "duplicates_deleted"];
    let mut counts: serde_json::Map<String, Value> =
        counted.iter().map(|name| ((*name).to_owned(), hook[name].clone())).collect();
    for name in ["events_in", "events_out", "dropped", "failed", "dead_letters"] {
        counts.insert(format!("all_{name}"), ran.summary[name].clone());
    }
    counts.into()
}

/// What the dead letters say, but for when, and for what each language says of a trap.
fn letters(trial: &Trial) -> Vec<[String; 3]> {
    let letter = |letter: &Value| {
        let kind = letter["kind"].as_str().unwrap();
        let message = if kind == "trap" { "" } else { letter["message"].as_str().unwrap() };
        [kind.to_owned(), message.to_owned(), letter["event"].to_string()]
    };
    trial.dead_letters("peer").iter().map(letter).collect()
}

/// Rust's twin has a manifest, so the host refuses a wrong config before it; without one the hook's own words count.
const REFUSED_BY_INIT: &str = "init failed (error): [hook.config]: it has no options";

/// One language does all that it is asked for; one directory, so that its plugin is compiled once.
fn holds(language: &str, refusal: &str) {
    let trial = Trial::new();
    let hook = peer(language);
    refuses_what_it_does_not_know(&trial, &hook, refusal);
    passes_the_fixture(&trial, &hook);
    for segment in trial.segments("peer") {
        fs::remove_file(segment).unwrap();
    }
    goes_on_where_a_trapped_one_was(&trial, &hook);
}

fn refuses_what_it_does_not_know(trial: &Trial, hook: &str, refusal: &str) {
    let ran = trial.check(&format!("{FILE_TO_FILE}{hook}[hook.config]\ncolour = \"red\"\n"));
    assert_eq!(ran.code, Some(78), "{}", ran.stderr);
    ran.says(&["hook \"peer\": ", refusal]);
}

fn passes_the_fixture(trial: &Trial, hook: &str) {
    trial.write("in.log", fixture("batch.ndjson"));
    // All rows in one call, whatever the machine does meanwhile.
    let ran = trial.run(&format!("[batch]\nwait = \"10s\"\n{FILE_TO_FILE}{hook}"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(String::from_utf8_lossy(&ran.out), String::from_utf8_lossy(&fixture("batch.expected.ndjson")));
    let expected: Value = serde_json::from_slice(&fixture("batch.counts.json")).unwrap();
    assert_eq!(counts(&ran), expected);
    let message = "status is not an integer";
    let failed: Vec<String> = letters(trial)
        .into_iter()
        .map(|[kind, said, event]| {
            assert_eq!((kind.as_str(), said.as_str()), ("row_error", message));
            event
        })
        .collect();
    assert_eq!(failed.len(), 3, "{failed:?}");
}

/// How many ticks are to report. At 20 ms each they take longer than the second after which a hook's state is saved.
const REPORTS: usize = 60;

fn goes_on_where_a_trapped_one_was(trial: &Trial, hook: &str) {
    // A FIFO that stays open keeps the run going; each event is a call of its own.
    trial.write("in.log", "");
    fs::remove_file(trial.path("in.log")).unwrap();
    assert!(Command::new("mkfifo").arg(trial.path("in.log")).status().unwrap().success());
    let config = format!("[batch]\nrows = 1\n{FILE_TO_FILE}{hook}")
        .replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\"");
    let mut child = trial.start(&config);
    let mut fifo = OpenOptions::new().write(true).open(trial.path("in.log")).unwrap();
    writeln!(fifo, "{{\"status\":1}}\n{{\"message\":\"report\",\"status\":{REPORTS}}}").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), r#"{"status":1,"row":1,"meta":{"size":12}}"#);
    assert_eq!(lines.next().unwrap(), format!(r#"{{"message":"report","status":{REPORTS},"row":2}}"#));
    for _ in 0..REPORTS {
        assert_eq!(lines.next().unwrap(), r#"{"tick":true,"seen":2}"#);
    }
    let rest = ["{\"message\":\"error\"}", "{\"message\":\"trap\"}", "{\"status\":2}", "{\"status\":700}"];
    fifo.write_all((rest.join("\n") + "\n").as_bytes()).unwrap();
    drop(fifo);
    let last: Vec<String> = lines.collect();
    assert_eq!(
        last,
        [
            r#"{"status":2,"row":3,"meta":{"size":12}}"#,
            r#"{"status":700,"row":4,"meta":{"size":14}}"#,
            r#"{"alert":700,"event":{"status":700}}"#,
            r#"{"end":"shutdown","seen":4}"#,
        ]
    );
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let expected: Value = serde_json::from_slice(&fixture("live.counts.json")).unwrap();
    assert_eq!(counts(&ran), expected);
    let [error, trap] = letters(trial).try_into().expect("two dead letters");
    assert_eq!(error[..2], ["error", "told to fail"]);
    assert_eq!(trap[..2], ["trap", ""]);
}

#[test]
fn the_twin_in_rust_does_what_the_fixture_says() {
    holds("rust", "config.colour: unknown key");
}

#[test]
fn the_hook_in_c_does_what_its_twin_in_rust_does() {
    holds("c", REFUSED_BY_INIT);
}

#[test]
fn the_hook_in_python_does_what_its_twin_in_rust_does() {
    holds("python", REFUSED_BY_INIT);
}

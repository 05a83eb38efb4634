//! Heavy tests: what must stay bounded stays bounded whatever comes. CI runs a twentieth of their size.

use std::fs::File;
use std::io::{BufWriter, Write};

use hookaroon_generator::{Generator, Options};

use crate::support::{Trial, hook, scale};

/// Bytes of the larger of the two inputs that memory is compared on.
const FULL_BYTES: u64 = 2_000_000_000;

/// Bytes of the smaller one: enough to fill every queue.
const SMALL_BYTES: u64 = 20_000_000;

/// The peak resident size of a run over so many bytes, in bytes.
fn peak(bytes: u64) -> u64 {
    let trial = Trial::new();
    let mut file = BufWriter::new(File::create(trial.path("in.log")).unwrap());
    let mut generator = Generator::new(Options { seed: 7, plain: false });
    let (mut line, mut written) = (Vec::new(), 0);
    while written < bytes {
        line.clear();
        generator.line(&mut line);
        file.write_all(&line).unwrap();
        written += line.len() as u64;
    }
    file.into_inner().unwrap();
    let hooks =
        hook("sets", "", "set", "read = [\"level\", \"client_ip\"]\nwrite = [\"country\"]\ntext = \"de\"");
    let config = format!("{}{hooks}", crate::support::FILE_TO_FILE).replace("out.ndjson", "/dev/null");
    trial.write("hookaroon.toml", config);
    let child = trial.command(["run", "--once", "--summary", "summary.json"]).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&trial.read("summary.json")).unwrap();
    assert_eq!(summary["events_in"], summary["events_out"]["out"]);
    summary["memory_peak_bytes"].as_u64().unwrap()
}

#[test]
fn memory_does_not_grow_with_the_input() {
    // How full the queues ever were depends on the scheduler, so each side has three runs: what grows with the
    // input grows in all of them.
    let small = (0..3).map(|_| peak(SMALL_BYTES)).max().unwrap();
    let large = (0..3).map(|_| peak(scale(FULL_BYTES))).min().unwrap();
    assert!(large <= small + small / 10, "{large} over {small}");
}

//! docs/live.md: every command there is run, in its order.

use std::path::Path;

use super::other_version;
use crate::support::run::{Run, stamp};

#[test]
fn every_command_of_the_manual_does_what_it_says() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/live.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let mut run = Run::start_admin(&(stamp("redact", "1") + &stamp("ship", "1")));
    run.trial.write("debug.toml", stamp("debug", "1"));
    run.trial.write("redact-2.wasm", other_version());
    run.pass(1);
    let (mut is_shell, mut commands) = (false, 0);
    for line in manual.lines() {
        if line.starts_with("```") {
            is_shell = line == "```sh";
            continue;
        }
        let command = line.split(" # ").next().unwrap().trim();
        if !is_shell || command.is_empty() {
            continue;
        }
        let output = run.trial.shell(&command.replacen("hookaroon", "\"$0\"", 1)).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        commands += 1;
        run.pass(1);
    }
    assert!(commands > 20, "{commands}");
    run.end();
}

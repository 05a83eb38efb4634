//! A hook whose language brings a standard library that expects a world: there is none.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{FILE_TO_FILE, Ran, Trial};

fn plugin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-plugins/worldly.wasm")
}

fn worldly(imports: &str, config: &str) -> String {
    let plugin = plugin();
    format!(
        "[[hook]]\nname = \"worldly\"\nplugin = {plugin:?}\n[hook.grant]\nread = [\"m\"]\nwrite = [\"found\"]\nimports = [{imports}]\n[hook.config]\n{config}\n"
    )
}

fn through(hooks: &str) -> (Ran, Vec<Value>) {
    let ran = Trial::with_input("{\"m\":\"one\"}\n{\"m\":\"two\"}\n").through(hooks);
    assert_eq!((ran.number("hooks.0.failures"), ran.lines().len()), (0, 2), "{}", ran.stderr);
    let found = ran
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["found"].clone())
        .collect();
    (ran, found)
}

#[test]
fn there_is_no_world_and_a_hook_does_the_same_each_time() {
    let (ran, found) = through(&worldly("", ""));
    let random = |found: &[Value]| found.iter().map(|found| found["random"].clone()).collect::<Vec<_>>();
    for found in &found {
        let mut found = found.clone();
        let now = found["time"].as_u64().unwrap();
        assert!(now > 1_750_000_000, "the host time of its batch");
        found["random"] = Value::Null;
        found["time"] = Value::Null;
        let nothing = json!({
            "arguments": 0, "variables": 0, "file": false, "written": false, "network": false, "input": 0,
            "flushed": true, "slept_ms": 0, "time": null, "random": null,
        });
        assert_eq!(found, nothing);
    }
    assert_eq!(random(&found), random(&through(&worldly("", "")).1), "the seed is the same");
    assert!(!ran.stderr.contains("printed for"), "the log is not granted");
}

#[test]
fn what_it_prints_are_lines_of_its_log_if_that_is_granted() {
    let (ran, _) = through(&worldly("\"log\"", ""));
    ran.says(&["printed for one", "printed for two", "half a line, and the rest"]);
    assert_eq!(ran.number("hooks.0.log_lines"), 4);
}

#[test]
fn clocks_and_random_numbers_are_real_only_where_they_are_granted() {
    let real = || through(&worldly("\"wasi:random\", \"wasi:clocks\"", "")).1;
    assert_ne!(real()[0]["random"], real()[0]["random"]);
}

#[test]
fn who_wants_to_end_the_process_fails_the_call() {
    let trial = Trial::with_input("{\"m\":\"one\"}\n");
    let ran = trial.through(&worldly("", "mode = \"exit\""));
    let letters = trial.dead_letters("worldly");
    assert_eq!((letters.len(), ran.lines().len()), (1, 0));
    assert!(letters[0]["message"].as_str().unwrap().contains("it called exit"), "{letters:?}");
}

#[test]
fn another_version_of_wasi_is_refused_by_name() {
    let plugin = fs::read(plugin()).unwrap();
    // Of the same length, so that the rest stays as it is.
    let mut newer = plugin.clone();
    let places: Vec<usize> = memchr::memmem::find_iter(&plugin, b"@0.2.").collect();
    places.iter().for_each(|place| newer[place + 3] = b'3');
    let trial = Trial::new();
    trial.write("h.wasm", newer);
    let ran = trial.check(&format!("{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = \"h.wasm\"\n"));
    assert!(ran.code == Some(78) && !places.is_empty());
    ran.says(&["needs import \"wasi:", "@0.3.", "which this host does not serve"]);
}

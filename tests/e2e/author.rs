//! `new`, `build` and `inspect`: from nothing to a plugin, and what an author is told who makes a mistake.
//!
//! The hooks are compiled by the real cargo, offline from what the workspace itself uses, into one target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::Trial;

/// Where the hooks of the tests are compiled: one place, so that their dependencies are compiled once.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-hooks")
}

/// For commands that start cargo.
pub fn offline(command: &mut Command) -> &mut Command {
    command.env("CARGO_TARGET_DIR", target()).env("CARGO_NET_OFFLINE", "true")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the binary; it must end with this code.
#[track_caller]
fn hookaroon(trial: &Trial, arguments: &[&str], code: i32) -> Output {
    let output = offline(&mut trial.command(arguments)).output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    output
}

/// A trial with a new hook in the folder `slow`, built from nothing but what `new` wrote. Each test has another name for
/// it, because cargo takes packages of one name in one target folder for the same.
fn scaffolded(name: &str) -> Trial {
    let trial = Trial::new();
    hookaroon(&trial, &["new", name, "--lang", "rust", "--path", "slow"], 0);
    trial
}

/// What `build` says of the hook in `slow` after its file `name` was edited.
#[track_caller]
fn refused(trial: &Trial, name: &str, edit: impl Fn(&str) -> String) -> String {
    let path = trial.path("slow").join(name);
    let before = fs::read_to_string(&path).unwrap();
    let after = edit(&before);
    assert_ne!(before, after, "the edit of {name} does something");
    fs::write(path, after).unwrap();
    let message = text(&hookaroon(trial, &["build", "slow"], 1).stderr);
    let plugins = glob::glob(&trial.path("slow/*.wasm").display().to_string()).unwrap();
    assert_eq!(plugins.count(), 0, "nothing is written");
    message
}

#[test]
fn a_new_hook_passes_its_tests_and_builds_to_a_plugin_that_does_what_its_fixture_says() {
    let trial = scaffolded("whole");
    let mut cargo = Command::new("cargo");
    let tests =
        offline(&mut cargo).args(["test", "--release"]).current_dir(trial.path("slow")).output().unwrap();
    assert!(tests.status.success(), "{}", text(&tests.stderr));
    assert!(text(&tests.stdout).contains("3 passed"), "{}", text(&tests.stdout));

    let built = text(&hookaroon(&trial, &["build", "slow"], 0).stdout);
    assert!(built.starts_with("slow/whole.wasm: "), "{built}");
    assert!(built.ends_with("[hook.grant]\nread = [\"duration_ms\"]\nwrite = [\"slow\"]\n"), "{built}");

    let input = fs::File::open(trial.path("slow/tests/input.ndjson")).unwrap();
    let mut run = trial.command(["run", "-c", "slow/hookaroon.toml"]);
    let ran = run.stdin(input).output().unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stdout), fs::read_to_string(trial.path("slow/tests/expected.ndjson")).unwrap());
    // The last of the steps that `new` names.
    let named = text(&hookaroon(&trial, &["new", "whole", "--path", "other"], 0).stdout);
    let words: Vec<&str> = named.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(words[..3], ["hookaroon", "test", "whole.wasm"]);
    let mut test = trial.command(&words[1..]);
    let tested = test.current_dir(trial.path("slow")).output().unwrap();
    assert_eq!(
        text(&tested.stdout),
        "passed: whole.wasm: 4 events in, 4 out; 0 dropped, 2 changed, 0 emitted, 0 failed\n"
    );
}

#[test]
fn a_plugin_is_stripped_unless_it_is_to_be_debugged_and_describes_itself() {
    let trial = scaffolded("described");
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_slice(&hookaroon(&trial, arguments, 0).stdout).unwrap()
    };
    let has_lines = || {
        let plugin = fs::read(trial.path("slow/described.wasm")).unwrap();
        plugin.windows(11).any(|window| window == b".debug_line")
    };
    let debug = json(&["build", "slow", "--debug", "--json"]);
    assert!(has_lines());
    let built = json(&["build", "slow", "--json"]);
    assert!(!has_lines());
    assert!(built["size_bytes"].as_u64() < debug["size_bytes"].as_u64());
    assert_eq!(built["size_bytes"], fs::metadata(trial.path("slow/described.wasm")).unwrap().len());

    let inspected = json(&["inspect", "slow/described.wasm", "--json"]);
    assert_eq!(inspected, built);
    assert_eq!((&inspected["kind"], &inspected["fault"]), (&Value::from("component"), &Value::Null));
    assert_eq!(inspected["contract"], "hookaroon:hook@0.1.0");
    assert_eq!(inspected["manifest"]["description"], "Marks the requests that were slow");
    let options = inspected["options"].as_array().unwrap();
    let option = options.iter().find(|option| option["name"] == "slow_ms").unwrap();
    assert_eq!((&option["default"], &option["required"]), (&Value::from("1000"), &Value::from(false)));
    assert_eq!(inspected["grant"]["read"], serde_json::json!(["duration_ms"]));
    let people = text(&hookaroon(&trial, &["inspect", "slow/described.wasm"], 0).stdout);
    for part in [
        "described 0.1.0: Marks",
        "placement  every-worker",
        "slow_ms: whole number; default 1000",
        "# With the",
    ] {
        assert!(people.contains(part), "{part:?} in {people}");
    }
}

#[test]
fn the_grant_that_inspect_prints_is_the_one_that_check_takes() {
    let trial = Trial::new();
    for (hook, config) in [("sample", "keep = \"5%\"\nby = \"id\""), ("level", "min = \"info\"")] {
        let inspected: Value =
            serde_json::from_slice(&hookaroon(&trial, &["inspect", hook, "--json"], 0).stdout).unwrap();
        let grant = inspected["grant_toml"].as_str().unwrap().replace("read = [", "read = [\"id\", ");
        let ran = trial.check(&format!(
            "{}[[hook]]\nname = {hook:?}\nplugin = {hook:?}\n{grant}[hook.config]\n{config}\n",
            crate::support::FILE_TO_FILE
        ));
        assert_eq!(ran.code, Some(0), "{grant}\n{}", ran.stderr);
    }
}

#[test]
fn new_refuses_what_it_cannot_make_and_says_what_to_do() {
    let trial = scaffolded("refuses");
    let says = |arguments: &[&str], parts: &[&str]| {
        let stderr = text(&hookaroon(&trial, arguments, 2).stderr);
        for part in parts {
            assert!(stderr.contains(part), "{part:?} in {stderr}");
        }
    };
    says(&["new", "slow", "--lang", "rust"], &["slow exists already", "--path"]);
    says(&["new", "Slow Hook", "--lang", "rust"], &["no name for a hook", "'S'", "slow-requests"]);
    says(&["new", "quick", "--lang", "go"], &["no template for \"go\"", "rust"]);
    assert!(!trial.path("quick").exists());
    hookaroon(&trial, &["new", "quick", "--path", "deep/er"], 0);
    assert!(trial.path("deep/er/src/lib.rs").exists());
}

#[test]
fn a_folder_that_is_no_hook_is_told() {
    let trial = Trial::new();
    let message = text(&hookaroon(&trial, &["build"], 1).stderr);
    assert!(message.contains("no Cargo.toml") && message.contains("hookaroon new"), "{message}");
    trial.write("Cargo.toml", "[workspace]\nmembers = []\n");
    let message = text(&hookaroon(&trial, &["build"], 1).stderr);
    assert!(message.contains("is a workspace") && message.contains("name the folder"), "{message}");
    trial.write("Cargo.toml", "not toml");
    let message = text(&hookaroon(&trial, &["build"], 1).stderr);
    assert!(message.contains("could not read") && message.contains("not toml"), "{message}");
}

#[test]
fn a_crate_type_that_makes_no_plugin_names_the_lines_to_add() {
    let message = refused(&scaffolded("types"), "Cargo.toml", |text| text.replace("\"cdylib\", ", ""));
    assert!(
        message.contains("makes no cdylib") && message.contains("crate-type = [\"cdylib\", \"rlib\"]"),
        "{message}"
    );
}

#[test]
fn a_hook_that_does_not_compile_shows_what_the_compiler_says() {
    let message = refused(&scaffolded("compiles"), "src/lib.rs", |text| {
        text.replace("self.slow, true", "self.slow, \"yes\"")
    });
    assert!(message.contains("mismatched types") && message.contains("does not compile"), "{message}");
    let message = refused(&scaffolded("compiles"), "src/lib.rs", |text| {
        text.replace("set(self.slow", "set(self.duration")
    });
    assert!(message.contains("expected `Write<") && message.contains("found `Read<"), "{message}");
}

#[test]
fn a_crate_without_an_export_names_the_line_to_add() {
    let message = refused(&scaffolded("exports"), "src/lib.rs", |text| {
        text.replace("export!(Slow);", "").replace(", export}", "}")
    });
    assert!(
        message.contains("exports no hook") && message.contains("hookaroon_sdk::export!(MyHook);"),
        "{message}"
    );
}

#[test]
fn an_import_that_no_host_offers_names_it() {
    let message = refused(&scaffolded("imports"), "src/lib.rs", |text| {
        text.replace(
            "export!(Slow);",
            "unsafe extern \"C\" {\n    safe fn now() -> i64;\n}\n\nexport!(Slow);",
        )
        .replace("ms >= self.slow_ms", "ms >= self.slow_ms + now()")
    });
    assert!(message.contains("imports \"env::now\"") && message.contains("cargo tree"), "{message}");
}

#[test]
fn tools_that_are_missing_are_named_with_how_to_get_them() {
    let trial = scaffolded("tools");
    let empty = trial.path("no-tools");
    fs::create_dir(&empty).unwrap();
    let says = |parts: &[&str]| {
        let output = offline(&mut trial.command(["build", "slow"])).env("PATH", &empty).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(parts.iter().all(|part| stderr.contains(part)), "{stderr}");
    };
    says(&["cargo is not installed", "https://rustup.rs"]);
    // A toolchain without the target: the real cargo, and a rustc that knows of no such library.
    let cargo = Command::new("sh").args(["-c", "command -v cargo"]).output().unwrap().stdout;
    std::os::unix::fs::symlink(text(&cargo).trim(), empty.join("cargo")).unwrap();
    fs::write(empty.join("rustc"), "#!/bin/sh\necho /nowhere/lib/rustlib/wasm32-unknown-unknown/lib\n")
        .unwrap();
    fs::set_permissions(empty.join("rustc"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    says(&["is not installed", "rustup target add wasm32-unknown-unknown"]);
}

//! Plugins that load, and why others do not.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, misbehave};

/// What `check` says of a plugin with these bytes.
fn check(bytes: &[u8], options: &str) -> Ran {
    let trial = Trial::new();
    trial.write("p.wasm", bytes);
    let ran = trial.check(&format!("{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = \"p.wasm\"\n{options}\n"));
    assert_eq!(ran.code, Some(78), "{}", ran.stderr);
    ran.says(&["hook \"h\"", "p.wasm"]);
    ran
}

#[test]
fn what_is_no_plugin_says_why() {
    let good = fs::read(misbehave()).unwrap();
    check(b"", "").says(&["wasm"]);
    check(b"MZ not wasm at all", "").says(&["wasm"]);
    check(b"(module)", "").says(&["text"]);
    check(&good[..good.len() / 2], "").says(&["cut off"]);
    check(&wat::parse_str("(module (func (export \"f\")))").unwrap(), "")
        .says(&["exports no hook interface", "\"f\""]);
    check(&wat::parse_str("(component)").unwrap(), "").says(&["hookaroon:hook/lifecycle"]);
}

#[test]
fn another_version_of_the_contract_is_told() {
    let component = "(component (instance $i) (export \"hookaroon:hook/lifecycle@0.2.0\" (instance $i)))";
    check(&wat::parse_str(component).unwrap(), "").says(&["0.2.0", "0.1"]);
    let component = "(component (instance $i) (export \"hookaroon:hook/lifecycle@0.1.0\" (instance $i)))";
    check(&wat::parse_str(component).unwrap(), "").says(&["init"]);
}

#[test]
fn a_hook_that_was_compiled_for_0_1_0_still_works() {
    let plugin = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hook-0.1.0.wasm");
    let trial = Trial::with_input("{\"client_ip\":\"1.2.3.4\"}\n");
    let ran = trial.through(&format!(
        "[[hook]]\nname = \"old\"\nplugin = {plugin:?}\n[hook.grant]\nread = [\"level\", \"client_ip\"]\nwrite = [\"country\"]\n"
    ));
    assert_eq!(ran.lines(), ["{\"client_ip\":\"1.2.3.4\",\"country\":\"de\"}"]);
}

#[test]
fn a_plugin_that_is_missing_or_a_directory_is_told() {
    let trial = Trial::new();
    fs::create_dir(trial.path("p.wasm")).unwrap();
    let config = |plugin: &str| format!("{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = {plugin:?}\n");
    trial.check(&config("p.wasm")).says(&["directory"]);
    trial.check(&config("./nothing.wasm")).says(&["nothing.wasm"]);
    trial.check(&config("redakt")).says(&["redact"]);
}

#[test]
fn an_import_without_grant_names_the_line_to_add() {
    let trial = Trial::new();
    let config =
        format!("{FILE_TO_FILE}{}", hook("h", "", "nothing", "").replace("imports = [\"log\"]\n", ""));
    let ran = trial.check(&config);
    assert_eq!(ran.code, Some(78));
    ran.says(&["hook \"h\"", "hookaroon:hook/log", "not granted", "imports = [\"log\"]"]);
}

#[test]
fn a_pin_that_differs_shows_both_digests() {
    let ran = check(&fs::read(misbehave()).unwrap(), &format!("sha256 = \"{}\"", "ab".repeat(32)));
    ran.says(&["abababab", "sha256"]);
}

#[test]
fn a_second_start_uses_the_cache_and_a_broken_entry_does_not_matter() {
    let trial = Trial::with_input("{}\n");
    let hooks = hook("h", "", "nothing", "");
    trial.through(&hooks);
    let entry = fs::read_dir(trial.path("hookaroon-data/cache")).unwrap().next().unwrap().unwrap().path();
    let written = fs::metadata(&entry).unwrap().ino();
    trial.through(&hooks);
    assert_eq!(fs::metadata(&entry).unwrap().ino(), written);
    let bytes = fs::read(&entry).unwrap();
    for broken in [&bytes[..bytes.len() / 2], &[&bytes[..bytes.len() - 1], b"x"].concat()[..], b""] {
        fs::write(&entry, broken).unwrap();
        let ran = trial.through(&hooks);
        assert_eq!(ran.number("hooks.0.failures"), 0);
        assert_eq!(fs::read(&entry).unwrap().len(), bytes.len());
    }
}

#[test]
fn a_cache_that_others_may_write_is_not_used_and_the_hook_still_runs() {
    let trial = Trial::with_input("{}\n");
    let cache = trial.path("hookaroon-data/cache");
    fs::create_dir_all(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let ran = trial.through(&hook("h", "", "nothing", ""));
    assert_eq!(ran.lines(), ["{}"]);
    assert_eq!(ran.stderr.matches("WARN").count(), 1, "{}", ran.stderr);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
}

#[test]
fn a_module_that_costs_too_much_to_compile_is_refused_in_time() {
    let functions = "(func)".repeat(300_000);
    check(&wat::parse_str(format!("(module {functions})")).unwrap(), "").says(&["functions"]);
}

#[test]
fn a_compiler_that_takes_too_long_is_stopped_and_says_so() {
    let body = "i32.const 1 i32.add ".repeat(220_000);
    let trial = Trial::new();
    trial.write(
        "p.wasm",
        wat::parse_str(format!(
            "(component (core module (func (param i32) (result i32) local.get 0 {body})))"
        ))
        .unwrap(),
    );
    let config = format!(
        "[plugin_limits]\ncpu_seconds = 1\n{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = \"p.wasm\"\n"
    );
    let ran = trial.check(&config);
    assert_eq!(ran.code, Some(78));
    ran.says(&["hook \"h\"", "p.wasm", "cpu_seconds"]);
}

#[test]
fn inspect_says_what_a_plugin_needs() {
    let trial = Trial::new();
    let output = trial.command(["inspect".as_ref(), misbehave().as_os_str()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["core module", "sha256", "hookaroon:hook@0.1.0", "imports = [\"log\"]"] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let output = trial.command(["inspect", "nothing.wasm"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

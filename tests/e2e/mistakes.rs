//! What an author is told who makes a mistake: where it is, and what to do.
//!
//! One test for each mistake. The plugins are those of `tests/guests/mistaken`, written with the SDK, and `misbehave`
//! for what the SDK's types do not let one do; `make mistakes` builds them.

use std::path::{Path, PathBuf};

use crate::support::{FILE_TO_FILE, Ran, Trial, hook};

/// Where `[[hook]]` and `[hook.grant]` of the only hook begin.
const PLACE: &str = "hookaroon.toml:10: hook \"h\": ";

const ALL: &str = "read = [\"a\"]\nwrite = [\"b\"]\ndrop = true\nemit = true\nimports = [\"log\"]";

fn plugin(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-plugins/mistakes").join(name);
    assert!(path.exists(), "{} is missing; `make mistakes` makes it", path.display());
    path.canonicalize().unwrap()
}

/// The hook `h` of this plugin with this grant and config.
fn with(name: &str, grant: &str, config: &str) -> String {
    let plugin = plugin(name);
    format!(
        "{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = {plugin:?}\n[hook.grant]\n{grant}\n[hook.config]\n{config}\n"
    )
}

/// What `check` says, which refuses the configuration.
#[track_caller]
fn refused(config: &str) -> Ran {
    let ran = Trial::new().check(config);
    assert_eq!(ran.code, Some(78), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    ran
}

/// Runs two events through a hook that fails on them. Fails unless both the log and the dead letter say all of this.
#[track_caller]
fn failed(config: &str, kind: &str, all: &[&str]) -> Ran {
    let trial = Trial::with_input("{\"a\":\"1\"}\n{\"a\":\"2\"}\n");
    let ran = trial.run(config);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.says(&["hook=\"h\""]);
    ran.says(all);
    let letters = trial.dead_letters("h");
    assert_eq!((letters.len(), &letters[0]["kind"]), (2, &kind.into()), "{letters:?}");
    let message = letters[0]["message"].as_str().unwrap();
    for text in all {
        assert!(message.contains(text), "{text:?} is not in {message}");
    }
    ran
}

fn misbehaving(text: &str, write: &str) -> String {
    let more = format!("text = {text:?}\nwrite = {write}");
    format!("{FILE_TO_FILE}{}", hook("h", "", "lie", &more))
}

#[test]
fn a_value_of_another_kind_names_the_field_both_kinds_and_where_the_kind_is_said() {
    let all =
        ["column \"w\": its kind is integer; it declared text", "as it is declared at init", "Write<Kind>"];
    failed(&misbehaving("wrong_kind", "[\"w\"]"), "bad_output", &all);
}

#[test]
fn metadata_or_the_whole_event_of_another_kind_names_the_right_one() {
    let ran = refused(&format!(
        "{FILE_TO_FILE}{}",
        hook("h", "", "nothing", "read = [{ path = \"%time\", kind = \"text\" }]")
    ));
    ran.says(&[PLACE, "it reads %time as text; that is kind integer"]);
}

#[test]
fn a_write_that_was_not_declared_names_those_that_were_and_the_call_that_declares() {
    let all =
        ["writes: 3 columns; it declared 2 (\"v\", \"w\")", "must be declared at init", "SDK: setup.write"];
    failed(&misbehaving("too_many_columns", "[\"v\", \"w\"]"), "bad_output", &all);
    let all = ["writes: 3 columns; it declared 0 (none)"];
    failed(&misbehaving("too_many_columns", "[]"), "bad_output", &all);
}

#[test]
fn a_panic_says_how_its_message_is_seen_and_then_it_is() {
    let all = ["unreachable", "hookaroon_sdk::log::panics()", "imports = [\"log\"] in [hook.grant]"];
    let silent = failed(&with("mistaken.wasm", ALL, "mistake = \"panic\""), "trap", &all);
    assert!(!silent.stderr.contains("index out of bounds"), "{}", silent.stderr);
    let told = failed(&with("mistaken.wasm", ALL, "mistake = \"panic\"\nlog_panics = true"), "trap", &all);
    told.says(&["tests/guests/mistaken/src/lib.rs:", "index out of bounds: the len is 0 but the index is 0"]);
}

#[test]
fn a_panic_at_init_says_the_same_before_anything_starts() {
    let config = with("mistaken.wasm", ALL, "mistake = \"panic_at_init\"");
    refused(&config).says(&[PLACE, "init failed (trap)", "hookaroon_sdk::log::panics()"]);
    let ran = Trial::new().check(&format!("{config}log_panics = true\n"));
    assert_eq!(ran.code, Some(78));
    ran.says(&[PLACE, "there is no table"]);
}

#[test]
fn a_loop_without_end_names_the_key_of_the_deadline_that_stopped_it() {
    let all = [
        "stopped at its deadline of 50 ms CPU time",
        "if it loops for ever, mend it",
        "raise deadline in its",
    ];
    failed(&with("mistaken.wasm", ALL, "mistake = \"loop\""), "deadline", &all);
    for (call, key) in [("init", "init_deadline"), ("teardown", "teardown_deadline")] {
        let options = "init_deadline = \"100ms\"\nteardown_deadline = \"100ms\"";
        let config =
            format!("{FILE_TO_FILE}{}", hook("h", options, "spin", "in = \"CALL\"").replace("CALL", call));
        let ran = Trial::with_input("{}\n").run(&config);
        ran.says(&["deadline of 100 ms", &format!("raise {key} in its [[hook]]")]);
    }
}

#[test]
fn too_much_memory_names_the_key_of_the_cap() {
    let config = format!("{FILE_TO_FILE}{}", hook("h", "memory = \"4MiB\"", "grow", ""));
    failed(&config, "memory", &["more memory than its cap of 4194304 bytes", "raise memory in its [[hook]]"]);
}

#[test]
fn a_config_that_the_schema_refuses_names_line_option_and_what_is_needed() {
    let ran = refused(&with("mistaken.wasm", ALL, "mistake = \"painc\""));
    ran.says(&["hookaroon.toml:20:11: hook \"h\": config.mistake is \"painc\"", "did you mean \"panic\"?"]);
}

#[test]
fn a_config_that_init_refuses_names_its_table_and_the_authors_words() {
    let ran = refused(&with("mistaken.wasm", ALL, "at_most_10 = 11"));
    ran.says(&[PLACE, "init failed (error): [hook.config]: at_most_10 is 11; write 10 or less"]);
}

#[test]
fn a_field_without_its_grant_names_the_list_to_add_it_to() {
    let ran = refused(&with("mistaken.wasm", &ALL.replace("\"a\"", ""), "read = \"a\""));
    ran.says(&[PLACE, "it reads \"a\", which is not granted; add \"a\" to read in [hook.grant]"]);
    let ran = refused(&with("mistaken.wasm", &ALL.replace("\"b\"", ""), "write = \"b\""));
    ran.says(&[PLACE, "it writes \"b\", which is not granted; add \"b\" to write in [hook.grant]"]);
}

#[test]
fn what_a_hook_does_without_the_grant_names_the_line_to_add() {
    for (mistake, line) in [("drop", "drop = true"), ("emit", "emit = true")] {
        let config = with("mistaken.wasm", &ALL.replace(line, ""), &format!("mistake = {mistake:?}"));
        failed(&config, "bad_output", &["without the grant", &format!("add {line} to [hook.grant]")]);
    }
}

#[test]
fn an_import_without_its_grant_names_the_line_to_add() {
    let ran = refused(&with("mistaken.wasm", &ALL.replace("imports = [\"log\"]", ""), ""));
    ran.says(&["hook \"h\": plugin \"", "needs import \"hookaroon:hook/log@0.1.0\", which is not granted"]);
    ran.says(&["add imports = [\"log\"] to [hook.grant]"]);
}

#[test]
fn a_plugin_for_wasi_names_the_right_target_and_how_to_get_it() {
    let ran = refused(&with("wasip1.wasm", ALL, ""));
    ran.says(&["hook \"h\": plugin \"", "wasip1.wasm\" imports \"wasi_snapshot_preview1::"]);
    ran.says(&["build it for wasm32-unknown-unknown (rustup target add wasm32-unknown-unknown)"]);
}

#[test]
fn a_program_instead_of_a_library_names_the_lines_that_make_it_one() {
    let ran = refused(&with("executable.wasm", ALL, ""));
    ran.says(&["hook \"h\": plugin \"", "executable.wasm\" is an executable and no hook", "\"main\""]);
    ran.says(&["crate-type = [\"cdylib\"] below [lib] in Cargo.toml", "hookaroon_sdk::export!(MyHook);"]);
}

#[test]
fn a_hook_that_is_not_exported_names_the_line_to_add() {
    let ran = refused(&with("no_export.wasm", ALL, ""));
    ran.says(&["hook \"h\": plugin \"", "no_export.wasm\" is", "hookaroon_sdk::export!(MyHook);"]);
}

#[test]
fn a_function_that_no_host_offers_is_named_with_what_is_offered() {
    let ran = refused(&with("extern_block.wasm", ALL, ""));
    ran.says(&[
        "hook \"h\": plugin \"",
        "extern_block.wasm\" imports \"acme::wall_clock\", which no host offers",
    ]);
    ran.says(&["this one offers hookaroon:hook/log@0.1", "take out the extern block"]);
}

#[test]
fn an_interface_that_this_host_does_not_serve_is_named_with_what_it_serves() {
    let ran = refused(&with("other_interface.wasm", ALL, ""));
    ran.says(&[
        "hook \"h\": plugin \"",
        "needs import \"acme:clock/wall@1.0.0\", which this host does not serve",
    ]);
    ran.says(&["it serves hookaroon:hook/log@0.1", "build it without that import"]);
}

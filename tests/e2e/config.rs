//! Configuration and command line: every error at once, with its place and the remedy.

use crate::support::{FILE_TO_FILE, Trial, hook, numbered};

#[test]
fn every_error_is_told_at_once_with_its_line_and_the_nearest_spelling() {
    let ran = Trial::new().check(
        "worker = 2\n[[source]]\nname = \"app\"\ntype = \"fil\"\npaths = [\"x\"]\n[[hook]]\nname = \"r\"\nplugin = \"redact\"\n\
         memroy = \"1MiB\"\nmatch = \"level = 3\"\nfrom = [\"ap\"]\n[[sink]]\nname = \"o\"\ntype = \"stdout\"\n",
    );
    assert_eq!(ran.code, Some(78));
    ran.says(&[
        "hookaroon.toml:1:1: unknown key \"worker\"; did you mean \"workers\"?",
        "hookaroon.toml:4:8: source \"app\": type = \"fil\" is not known; did you mean \"file\"?",
        "hookaroon.toml:9:1: hook \"r\": unknown key \"memroy\"; did you mean \"memory\"?",
        "hookaroon.toml:10:9: hook \"r\": match: there is no operator",
        "hookaroon.toml:11:9: hook \"r\": from: there is no source \"ap\"; did you mean \"app\"?",
    ]);
    assert_eq!(ran.stderr.lines().count(), 5, "{}", ran.stderr);
}

#[test]
fn broken_toml_and_missing_files_name_their_place() {
    let trial = Trial::new();
    trial.check("[[source]\n").says(&["hookaroon.toml:1:"]);
    let output = trial.command(["run", "-c", "nothing.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(
        String::from_utf8(output.stderr).unwrap().contains("nothing.toml: cannot read the configuration")
    );
    let ran = trial.check(&format!("{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = \"redact\"\n[hook.config]\ntable = {{ file = \"no.csv\" }}\n"));
    ran.says(&["hookaroon.toml:14:", "hook \"h\": config.table: cannot read", "no.csv"]);
}

#[test]
fn files_and_variables_stand_in_for_values_of_a_hooks_config() {
    let trial = Trial::with_input("{}\n");
    trial.write("text.txt", "from a file");
    let hooks = hook("f", "", "set", "write = [\"f\"]\ntext = { file = \"text.txt\" }")
        + &hook("e", "", "set", "write = [\"e\"]\ntext = { env = \"CARGO_MANIFEST_DIR\" }");
    let ran = trial.through(&hooks);
    assert_eq!(ran.lines(), [format!("{{\"f\":\"from a file\",\"e\":{:?}}}", env!("CARGO_MANIFEST_DIR"))]);
}

#[test]
fn included_files_continue_the_chain_in_the_order_of_their_paths() {
    let trial = Trial::with_input("{}\n");
    std::fs::create_dir(trial.path("conf.d")).unwrap();
    trial.write("conf.d/b.toml", hook("second", "", "echo", "read = [\"x\"]\nwrite = [\"y\"]"));
    trial.write("conf.d/a.toml", hook("first", "", "set", "write = [\"x\"]\ntext = \"1\""));
    let ran = trial.run(&format!("include = [\"conf.d/*.toml\"]\n{FILE_TO_FILE}"));
    assert_eq!(ran.lines(), ["{\"x\":\"1\",\"y\":\"1\"}"]);
    trial.write("conf.d/c.toml", "workers = 2\n");
    trial
        .check(&format!("include = [\"conf.d/*.toml\"]\n{FILE_TO_FILE}"))
        .says(&["c.toml:1:1: unknown key \"workers\""]);
}

#[test]
fn names_of_included_files_may_stand_in_from_and_one_that_is_missing_is_told() {
    let trial = Trial::with_input("{\"x\":1}\n");
    trial.write("more.toml", FILE_TO_FILE);
    let hook = hook("h", "from = [\"in\"]", "set", "write = [\"y\"]\ntext = \"1\"");
    let ran = trial.run(&format!("include = [\"more.toml\"]\n{hook}"));
    assert_eq!(ran.lines(), ["{\"x\":1,\"y\":\"1\"}"], "{}", ran.stderr);
    let ran = trial.check(&format!("include = [\"mroe.toml\"]\n{FILE_TO_FILE}"));
    assert_eq!(ran.code, Some(78));
    ran.says(&["hookaroon.toml:1:12: include: there is no file mroe.toml"]);
}

#[test]
fn a_hook_that_is_not_enabled_is_not_there() {
    let trial = Trial::with_input(numbered(3));
    let ran = trial.through(&hook("off", "enabled = false", "trap", ""));
    assert_eq!((ran.lines().len(), ran.summary["hooks"].as_array().unwrap().len()), (3, 0));
}

#[test]
fn check_shows_what_each_hook_does_and_can_cost() {
    let trial = Trial::with_input("");
    let hooks = hook("h", "memory = \"8MiB\"", "nothing", "read = [\"a\"]\nwrite = [\"b\"]");
    let ran = trial.check(&format!("workers = 4\n{FILE_TO_FILE}{hooks}"));
    let text = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(text.contains("hook h: reads a; writes b; at most 32 MiB (4 x 8 MiB)"), "{text}");
}

#[test]
fn a_wrong_flag_is_a_usage_error_that_says_what_was_meant() {
    let output = Trial::new().command(["run", "--onec"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--once"));
}

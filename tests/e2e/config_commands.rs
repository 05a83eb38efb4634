//! `config show|schema|reference`, `completions`, and the documents that are made of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hookaroon::hook::standard;
use serde_json::Value;

use crate::support::{FILE_TO_FILE, Trial, hook};

/// Runs with these arguments; it must end well, and its standard output is returned.
#[track_caller]
fn said(trial: &Trial, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = trial.command(arguments).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

#[test]
fn what_config_show_says_passes_check_wherever_it_is_kept_and_holds_no_secret() {
    let trial = Trial::with_input("");
    fs::create_dir(trial.path("conf.d")).unwrap();
    fs::create_dir(trial.path("elsewhere")).unwrap();
    trial.write("secret.txt", "from a file");
    let set = |name, text| hook(name, "", "set", &format!("write = [\"f\"]\ntext = {text}"));
    trial.write("conf.d/a.toml", set("included", "{ env = \"CARGO_MANIFEST_DIR\" }"));
    trial.write("conf.d/b.toml", set("another", "{ file = \"../secret.txt\" }"));
    trial.write("hookaroon.toml", format!("include = \"conf.d/*.toml\"\n{FILE_TO_FILE}"));
    for more in [&[][..], &["--defaults"]] {
        let text = said(&trial, &[&["config", "show"], more].concat());
        assert!(text.contains("text = { env = \"CARGO_MANIFEST_DIR\" }"), "{text}");
        assert!(text.contains("text = { file = \"/") && text.contains("name = \"included\""), "{text}");
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")) && !text.contains("from a file"), "{text}");
        trial.write("elsewhere/shown.toml", &text);
        said(&trial, &["check", "-c", "elsewhere/shown.toml"]);
        assert_eq!(said(&trial, &[&["config", "show", "-c", "elsewhere/shown.toml"], more].concat()), text);
    }
}

#[test]
fn programs_read_every_key_with_its_default() {
    let trial = Trial::new();
    trial.write("hookaroon.toml", format!("workers = 3\n{FILE_TO_FILE}"));
    let only_set: Value = serde_json::from_str(&said(&trial, &["config", "show", "--json"])).unwrap();
    assert_eq!((&only_set["workers"], &only_set["batch"]), (&Value::from(3), &Value::Null));
    let all: Value =
        serde_json::from_str(&said(&trial, &["config", "show", "--json", "--defaults"])).unwrap();
    assert_eq!((&all["batch"]["rows"], &all["batch"]["wait"]), (&Value::from(1024), &Value::from("20ms")));
    assert!(all["data_dir"].as_str().unwrap().ends_with("/hookaroon-data"));
}

#[test]
fn a_wrong_configuration_is_told_as_check_tells_it() {
    let trial = Trial::new();
    trial.write("hookaroon.toml", "worker = 1\n");
    let output = trial.command(["config", "show"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(78), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("hookaroon.toml:1:1: unknown key \"worker\"; did you mean \"workers\"?"), "{told}");
}

#[test]
fn who_reads_only_the_first_lines_is_told_of_no_failure() {
    let mut child = Trial::new().command(["config", "reference"]).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn editors_get_a_schema_with_the_same_words_as_the_reference() {
    let trial = Trial::new();
    let schema: Value = serde_json::from_str(&said(&trial, &["config", "schema"])).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let rows = &schema["properties"]["batch"]["properties"]["rows"];
    assert_eq!((rows["maximum"].as_u64(), rows["default"].as_u64()), (Some(65_536), Some(1024)));
    let reference = said(&trial, &["config", "reference"]);
    assert!(reference.contains(rows["description"].as_str().unwrap()));
}

#[test]
fn bash_completes_commands_with_the_script_and_the_other_shells_get_theirs() {
    let trial = Trial::new();
    trial.write("hookaroon.bash", said(&trial, &["completions", "bash"]));
    let script = "source ./hookaroon.bash; COMP_WORDS=(hookaroon config s); COMP_CWORD=2; \
                  _hookaroon hookaroon s config; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", script]).current_dir(trial.dir.path()).output().unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    assert_eq!(offered.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["schema", "show"]));
    for (shell, sign) in [
        ("zsh", "#compdef hookaroon"),
        ("fish", "complete -c hookaroon"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = said(&trial, &["completions", shell]);
        assert!(script.contains(sign) && script.contains("reference"), "{shell}: {script}");
    }
    let output = trial.command(["completions", "tcsh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// The commands that `--help` lists.
fn commands(trial: &Trial, before: &[&str]) -> Vec<String> {
    let help = said(trial, &[before, &["--help"]].concat());
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let names = list.lines().take_while(|line| line.starts_with("  "));
    let names =
        names.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let trial = Trial::new();
    let top = commands(&trial, &[]);
    assert!(top.len() >= 9, "{top:?}");
    let all = top.iter().map(|name| vec![name.as_str()]);
    let below = commands(&trial, &["config"]);
    let all = all.chain(below.iter().map(|name| vec!["config", name.as_str()]));
    for command in all {
        let help = said(&trial, &[&command[..], &["--help"]].concat());
        let (_, after) = help.split_once("Example").unwrap_or_default();
        assert!(after.contains("hookaroon "), "{command:?} has no example:\n{help}");
    }
}

#[test]
fn the_documents_are_what_the_code_says() {
    let trial = Trial::new();
    let mut pages = vec![("configuration.md".to_owned(), said(&trial, &["config", "reference"]))];
    for name in standard::NAMES {
        pages.push((format!("hooks/{name}.md"), said(&trial, &["inspect", name, "--markdown"])));
    }
    for (file, page) in &pages {
        let kept = fs::read_to_string(docs().join(file)).unwrap_or_default();
        assert!(kept == *page, "docs/{file} is not what the code says; `make docs` renews it");
    }
    let kept: BTreeSet<String> = fs::read_dir(docs().join("hooks"))
        .unwrap()
        .map(|entry| format!("hooks/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    let made: BTreeSet<String> = pages.into_iter().skip(1).map(|(file, _)| file).collect();
    assert_eq!(kept, made, "a page without a hook; `make docs` takes it away");
}

#[test]
fn the_hook_on_the_page_of_each_standard_hook_passes_check() {
    for name in standard::NAMES {
        let page = fs::read_to_string(docs().join(format!("hooks/{name}.md"))).unwrap();
        let (_, after) = page.split_once("```toml\n").unwrap();
        let (hook, _) = after.split_once("```").unwrap();
        let ran = Trial::new().check(&format!("{FILE_TO_FILE}{hook}"));
        assert_eq!(ran.code, Some(0), "{name}: {}\n{hook}", ran.stderr);
    }
}

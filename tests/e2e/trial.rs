//! `test`: one hook over a file of events, as its author runs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Ran, Trial, misbehave};

const EVENTS: &str = "{\"n\":1,\"message\":\"mail bob@example.com\"}\n{\"n\":2,\"message\":\"x\"}\n";

fn run(trial: &Trial, arguments: &[&str]) -> Ran {
    trial.ended(trial.command(arguments).output().unwrap())
}

fn text(ran: &Ran) -> String {
    String::from_utf8(ran.stdout.clone()).unwrap()
}

fn redact(trial: &Trial, more: &[&str]) -> Ran {
    let base = ["test", "redact", "--input", "in.log", "--config", "{\"patterns\":[\"email\"]}"];
    run(trial, &[&base[..], more].concat())
}

/// A trial with a file that grants everything.
fn granted() -> Trial {
    let trial = Trial::with_input(EVENTS);
    trial.write(
        "grant.toml",
        "read = [\"*\"]\nwrite = [\"*\"]\ndrop = true\nemit = true\nimports = [\"log\"]\n",
    );
    trial
}

/// The guest that misbehaves, with every grant.
fn misbehaving(trial: &Trial, plugin: &Path, config: &str, more: &[&str]) -> Ran {
    let plugin = plugin.display().to_string();
    let base = ["test", &plugin, "--input", "in.log", "--grant", "grant.toml", "--config", config];
    run(trial, &[&base[..], more].concat())
}

/// The same guest, built with debug information.
fn with_debug_info() -> PathBuf {
    misbehave().with_file_name("misbehave-debug.wasm")
}

#[test]
fn what_comes_out_is_printed_and_the_report_goes_to_standard_error() {
    let ran = redact(&Trial::with_input(EVENTS), &[]);
    let out = "{\"n\":1,\"message\":\"mail [email]\"}\n{\"n\":2,\"message\":\"x\"}\n";
    assert_eq!((ran.code, text(&ran).as_str()), (Some(0), out), "{}", ran.stderr);
    assert_eq!(ran.stderr, "passed: redact: 2 events in, 2 out; 0 dropped, 1 changed, 0 emitted, 0 failed\n");
}

#[test]
fn a_golden_file_is_written_compared_with_and_its_difference_shown() {
    let trial = Trial::with_input(EVENTS);
    let expect = ["--expect", "want.ndjson"];
    let ran = redact(&trial, &expect);
    assert_eq!(ran.code, Some(1));
    ran.says(&["want.ndjson", "--update"]);
    let ran = redact(&trial, &["--expect", "want.ndjson", "--update"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(text(&ran).starts_with("the expected events were written\n"), "{}", text(&ran));
    let ran = redact(&trial, &expect);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(text(&ran).starts_with("passed: redact: 2 events in, 2 out"), "{}", text(&ran));

    let other = String::from_utf8(trial.read("want.ndjson")).unwrap().replace("\"n\":2", "\"n\":3");
    trial.write("want.ndjson", other + "{\"gone\":true}\n");
    let ran = redact(&trial, &expect);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let told = "2 events differ (- expected, + came)\n\
        event 2 differs\n- {\"n\":3,\"message\":\"x\"}\n+ {\"n\":2,\"message\":\"x\"}\n  n: 3, now 2\n\
        event 3 did not come\n- {\"gone\":true}\n\n\
        differs: redact: 2 events in, 2 out; 0 dropped, 1 changed, 0 emitted, 0 failed\n";
    assert_eq!(text(&ran), told);
    // A terminal is shown colours; here one is only claimed.
    let arguments = ["test", "redact", "--input", "in.log", "--expect", "want.ndjson"];
    let coloured = trial.command(arguments).env("CLICOLOR_FORCE", "1").output().unwrap().stdout;
    let coloured = String::from_utf8(coloured).unwrap();
    assert!(coloured.contains("\u{1b}[31m- {\"n\":3"), "{coloured}");
    assert!(coloured.contains("\u{1b}[32m+ {\"n\":2"), "{coloured}");
}

#[test]
fn the_input_is_never_overwritten() {
    let trial = Trial::with_input(EVENTS);
    for golden in ["in.log", "./in.log"] {
        let ran = redact(&trial, &["--expect", golden, "--update"]);
        assert_ne!(ran.code, Some(0));
        ran.says(&["is read too, and --update would overwrite it; name another file"]);
        assert_eq!(trial.read("in.log"), EVENTS.as_bytes());
    }
    let ran = redact(&trial, &["--junit", "in.log"]);
    assert_eq!((ran.code, trial.read("in.log")), (Some(2), EVENTS.into()));
    ran.says(&["--junit: in.log is read too"]);
}

#[test]
fn the_expected_events_of_a_hook_that_fails_are_not_overwritten() {
    let trial = granted();
    trial.write("want.ndjson", "{\"kept\":1}\n");
    let update = ["--expect", "want.ndjson", "--update"];
    let ran = misbehaving(&trial, &misbehave(), "{\"do\":\"error\"}", &update);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(text(&ran).contains("not written, because the hook failed"), "{}", text(&ran));
    assert_eq!(trial.read("want.ndjson"), b"{\"kept\":1}\n");
}

#[test]
fn a_trap_shows_the_authors_own_line_and_the_functions_around_it() {
    let source =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/guests/misbehave/src/lib.rs"));
    let source = source.unwrap();
    for (mode, code, says) in [
        ("trap", "\"trap\" => core::arch::wasm32::unreachable(),", "middle of a call"),
        ("panic", "\"panic\" => panic!(", "it panicked"),
    ] {
        let line = source.lines().position(|line| line.contains(code)).unwrap() + 1;
        let config = format!("{{\"do\":{mode:?},\"text\":\"oh\"}}");
        let ran = misbehaving(&granted(), &with_debug_info(), &config, &["--expect", "in.log"]);
        let told = text(&ran);
        assert_eq!(ran.code, Some(1), "{told}");
        let at = format!("tests/guests/misbehave/src/lib.rs:{line} in act\n");
        for part in
            [says, at.as_str(), "backtrace, innermost first:\n", "lines 1 to 2: trap, with the whole batch"]
        {
            assert!(told.contains(part), "{part:?} in {told}");
        }
        // The same line among the others.
        assert!(told.contains(": act at ") && told.contains(": process at "), "{told}");
    }
    // Without debug information it says how to get it.
    let ran = misbehaving(&granted(), &misbehave(), "{\"do\":\"trap\"}", &["--expect", "in.log"]);
    assert!(text(&ran).contains("--debug"), "{}", text(&ran));
}

#[test]
fn every_mistake_in_a_call_says_what_to_do() {
    for (config, says) in [
        ("{\"do\":\"spin\"}", "--deadline"),
        ("{\"do\":\"grow\"}", "--memory"),
        ("{\"do\":\"error\"}", "only the rows at fault"),
        ("{\"do\":\"lie\",\"text\":\"wrong_kind\",\"write\":[\"w\"]}", "as it is declared at init"),
        ("{\"do\":\"lie\",\"text\":\"too_many_columns\",\"write\":[\"w\"]}", "must be declared at init"),
    ] {
        let ran = misbehaving(&granted(), &misbehave(), config, &[]);
        assert_eq!(ran.code, Some(1), "{config}: {}", ran.stderr);
        ran.says(&[says, "failed: "]);
    }
    let limits = ["--deadline", "20ms", "--memory", "16MiB"];
    misbehaving(&granted(), &misbehave(), "{\"do\":\"spin\"}", &limits).says(&["its deadline of 20 ms"]);
    misbehaving(&granted(), &misbehave(), "{\"do\":\"grow\"}", &limits).says(&["its cap of 16777216 bytes"]);
}

#[test]
fn rows_that_the_hook_failed_are_shown_with_their_lines_and_may_be_expected() {
    let config = "{\"do\":\"fail_row\",\"text\":\"x\",\"read\":[{\"path\":\"n\",\"kind\":\"json\"}]}";
    let config = config.replace("\"x\"", "\"2\"");
    let failing = |more: &[&str]| misbehaving(&granted(), &misbehave(), &config, more);
    let ran = failing(&[]);
    assert_eq!((ran.code, text(&ran).lines().count()), (Some(1), 1), "{}", ran.stderr);
    ran.says(&["line 2: row_error: told to fail"]);
    assert_eq!(failing(&["--expect-errors", "1"]).code, Some(0));
    let ran = failing(&["--expect-errors", "7"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    ran.says(&["1 rows failed; --expect-errors says 7"]);
}

#[test]
fn a_batch_that_depends_on_earlier_ones_or_on_the_time_is_not_pure() {
    let pure = ["--pure", "--rows", "1"];
    assert_eq!(redact(&Trial::with_input(EVENTS), &pure).code, Some(0));
    let write = "\"write\":[{\"path\":\"w\",\"kind\":\"integer\"}]";
    for (mode, says) in
        [("count", "batch 2: a fresh instance"), ("time", "batch 1: two fresh instances, at different times")]
    {
        let config = format!("{{\"do\":{mode:?},{write}}}");
        let ran = misbehaving(&granted(), &misbehave(), &config, &pure);
        assert_eq!(ran.code, Some(3), "{mode}: {}", ran.stderr);
        ran.says(&["not pure", says, "  w: "]);
        assert_eq!(misbehaving(&granted(), &misbehave(), &config, &[]).code, Some(0));
    }
}

#[test]
fn time_is_made_up_and_moves_with_each_batch() {
    let write = "\"write\":[{\"path\":\"w\",\"kind\":\"integer\"}]";
    let config = format!("{{\"do\":\"time\",{write}}}");
    let ran = misbehaving(&granted(), &misbehave(), &config, &["--rows", "1", "--step", "2s"]);
    let times: Vec<u64> = text(&ran)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["w"].as_u64().unwrap())
        .collect();
    assert_eq!(times, [1_767_225_600_000_000_000, 1_767_225_602_000_000_000]);
    // Ticks come when they are due, after each batch but the last one here, and once more at the end.
    let config = "{\"do\":\"emit\",\"in\":\"tick\",\"tick_ms\":1500,\"text\":\"t\"}";
    for (step, ticks) in [("1s", 2), ("0ms", 1), ("10s", 3)] {
        let ran = misbehaving(&granted(), &misbehave(), config, &["--rows", "1", "--step", step]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(text(&ran).matches("emitted").count(), ticks, "{step}");
    }
}

#[test]
fn a_report_for_build_servers_is_xml_that_a_parser_takes() {
    let trial = Trial::with_input(EVENTS);
    trial.write("want.ndjson", "{\"n\":1,\"message\":\"<mail> & [email]\u{9b}\"}\n");
    let junit = ["--expect", "want.ndjson", "--pure", "--junit", "report.xml"];
    assert_eq!(redact(&trial, &junit).code, Some(3));
    let xml = String::from_utf8(trial.read("report.xml")).unwrap();
    let elements = elements(&xml);
    assert_eq!(elements.iter().filter(|name| *name == "testcase").count(), 4, "{xml}");
    assert_eq!(elements.iter().filter(|name| *name == "failure").count(), 1, "{xml}");
    assert!(xml.contains("tests=\"4\" failures=\"1\" errors=\"0\""), "{xml}");
    assert!(xml.contains("&lt;mail&gt; &amp; [email]"), "{xml}");
    // What does not even start is an error in the report too.
    let ran = run(&trial, &["test", "none.wasm", "--input", "in.log", "--junit", "report.xml"]);
    assert_eq!(ran.code, Some(78));
    let xml = String::from_utf8(trial.read("report.xml")).unwrap();
    assert_eq!(self::elements(&xml), ["testsuites", "testsuite", "testcase", "error"], "{xml}");
    assert!(xml.contains("errors=\"1\"") && xml.contains("does not exist"), "{xml}");
}

/// The names of the elements in a document; fails unless all are closed and what is between them is escaped.
fn elements(xml: &str) -> Vec<String> {
    assert!(!xml.chars().any(|letter| letter.is_control() && letter != '\n'), "{xml}");
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    let (mut names, mut open) = (Vec::new(), Vec::new());
    while let Some((before, tag)) = rest.split_once('<') {
        assert!(!before.contains('>'), "{before}");
        let (tag, after) = tag.split_once('>').unwrap();
        assert!(!tag.contains('<') && tag.matches('"').count() % 2 == 0, "{tag}");
        let name = tag.split_whitespace().next().unwrap().trim_end_matches('/');
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name.to_owned()), "{xml}"),
            None => {
                names.push(name.to_owned());
                if !tag.ends_with('/') {
                    open.push(name.to_owned());
                }
            }
        }
        rest = after;
    }
    assert!(open.is_empty(), "{xml}");
    for entity in xml.split('&').skip(1) {
        let name = entity.split(';').next().unwrap();
        assert!(["amp", "lt", "gt", "quot", "#10", "#9"].contains(&name), "{name}");
    }
    names
}

#[test]
fn json_has_all_of_the_outcome() {
    let trial = Trial::with_input(EVENTS);
    trial.write("want.ndjson", "{\"n\":1}\n");
    let ran = redact(&trial, &["--expect", "want.ndjson", "--json", "--pure"]);
    assert_eq!(ran.code, Some(3));
    let outcome: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(outcome["verdict"], "differs");
    assert_eq!((&outcome["events_in"], &outcome["written"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(outcome["events"][1], "{\"n\":2,\"message\":\"x\"}");
    assert_eq!(outcome["golden"]["differs"][0]["fields"][0]["field"], "message");
    assert_eq!((&outcome["impurity"], &outcome["pure"]), (&Value::Null, &Value::from(true)));
    let ran = misbehaving(&granted(), &with_debug_info(), "{\"do\":\"trap\"}", &["--json"]);
    let outcome: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let frame = &outcome["failures"][0]["backtrace"][0];
    assert_eq!((ran.code, &frame["function"]), (Some(1), &Value::from("act")));
    assert!(frame["line"].as_u64().is_some() && frame["file"].as_str().unwrap().ends_with("src/lib.rs"));
}

#[test]
fn it_runs_again_whenever_a_file_changes_until_it_is_interrupted() {
    let trial = Trial::with_input(EVENTS);
    let mut child = trial
        .command(["test", "redact", "--input", "in.log", "--expect", "want.ndjson", "--watch"])
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut watching = || loop {
        let line = stderr.next().expect("it goes on").unwrap();
        if line.starts_with("watching in.log, want.ndjson") {
            break;
        }
    };
    let mut verdict = || loop {
        let line = stdout.next().expect("it goes on").unwrap();
        if let Some((verdict, _)) = line.split_once(": redact: ") {
            break verdict.to_owned();
        }
    };
    // There is no golden file yet; when it comes it is looked at.
    watching();
    let replace = |name: &str, content: &str| {
        trial.write("next", content);
        fs::rename(trial.path("next"), trial.path(name)).unwrap();
    };
    replace("want.ndjson", "{}\n");
    assert_eq!(verdict(), "differs");
    watching();
    replace("want.ndjson", "{\"n\":1,\"message\":\"mail [email]\"}\n{\"n\":2,\"message\":\"x\"}\n");
    assert_eq!(verdict(), "passed");
    watching();
    replace("in.log", &EVENTS.replace("\"x\"", "\"y\""));
    assert_eq!(verdict(), "differs");
    watching();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "how it ended last");
}

#[test]
fn a_config_and_a_grant_stand_in_files_of_their_own() {
    let trial = Trial::with_input(EVENTS);
    trial.write("config.toml", "patterns = [\"email\"]\nreplacement = \"-\"\n");
    trial.write("config.json", "{\"patterns\":[\"email\"],\"replacement\":\"-\"}");
    for file in ["@config.toml", "@config.json"] {
        let ran = run(&trial, &["test", "redact", "--input", "in.log", "--config", file]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(text(&ran).starts_with("{\"n\":1,\"message\":\"mail -\"}\n"), "{}", text(&ran));
    }
    trial.write("config.toml", "patterns = [\"email\"]\nreplacment = \"-\"\n");
    let ran = run(&trial, &["test", "redact", "--input", "in.log", "--config", "@config.toml"]);
    assert_eq!(ran.code, Some(78));
    ran.says(&["config.toml:2:1:", "did you mean \"replacement\"?"]);
    trial.write("grant.toml", "raed = [\"message\"]\n");
    let ran = redact(&trial, &["--grant", "grant.toml"]);
    assert_eq!(ran.code, Some(78));
    ran.says(&["grant.toml:1:1:", "did you mean \"read\"?"]);
}

#[test]
fn what_is_wrong_with_the_hook_or_its_input_is_told() {
    let trial = Trial::with_input(EVENTS);
    let plugin = misbehave().display().to_string();
    trial.write("empty.log", "\n\n");
    for (code, arguments, says) in [
        (78, &[plugin.as_str(), "--input", "in.log"][..], &["not granted", "--grant FILE"][..]),
        (
            78,
            &["redact", "--input", "in.log", "--config", "{\"patterns\":[\"emial\"]}"],
            &["init failed", "emial"],
        ),
        (
            78,
            &["redact", "--input", "in.log", "--config", "{\"paterns\":[]}"],
            &["did you mean \"patterns\"?"],
        ),
        (78, &["redact", "--input", "in.log", "--config", "[]"], &["--config: it is no JSON object"]),
        (78, &["redact", "--input", "in.log", "--config", "by=id"], &["it is not JSON", "@FILE"]),
        (78, &["redcat", "--input", "in.log"], &["no standard hook, did you mean redact?"]),
        (1, &["redact", "--input", "none.log"], &["cannot read the input \"none.log\""]),
        (1, &["redact", "--input", "empty.log"], &["holds no event"]),
        (2, &["redact"], &["--input"]),
        (2, &["redact", "--input", "in.log", "--update"], &["--expect"]),
        (2, &["redact", "--input", "-", "--watch"], &["--watch", "name a file"]),
        (2, &["redact", "--input", "in.log", "--rows", "0"], &["is allowed"]),
        (2, &["redact", "--input", "in.log", "--memory", "16"], &["write for example 32MiB"]),
    ] {
        let ran = run(&trial, &[&["test"], arguments].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.stderr);
        ran.says(says);
    }
}

//! From sources, through hooks, to sinks.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{FILE_TO_FILE, Trial, hook, numbered};

#[test]
fn what_no_hook_changed_leaves_byte_for_byte_as_it_came() {
    let input = concat!(
        "{\"b\":1e400,\"a\": 18446744073709551616 ,\"c\":0.10,\"d\":-0}\n",
        "  {\"a\":1,\"a\":2,\"\\u0061\":3}\t\n",
        "{\"lone\":\"\\ud800\",\"nested\":{\"x\":[1, 2,{}]},\"é\":\"😀\"}\n",
        "{}\n",
    );
    let trial = Trial::with_input(input);
    let ran = trial.through(&hook("looks", "", "nothing", "read = [\"a\", \"nested.x\", \"lone\"]"));
    assert_eq!(String::from_utf8_lossy(&ran.out), input);
    assert_eq!(
        (ran.number("events_in"), ran.number("events_out.out"), ran.number("hooks.0.rows")),
        (4, 4, 4)
    );
    assert_eq!(ran.number("bytes_in"), input.len() as u64);
}

#[test]
fn an_edit_is_spliced_and_all_else_stays() {
    let trial = Trial::with_input("{ \"a\" : 1.50 , \"level\":\"x\" }\n{\"z\":0}\n{\"geo\":7}\n");
    let ran = trial.through(&hook("sets", "", "set", "write = [\"geo.country\"]\ntext = \"d\\\"e\""));
    assert_eq!(
        ran.lines(),
        [
            r#"{ "a" : 1.50 , "level":"x","geo":{"country":"d\"e"} }"#,
            r#"{"z":0,"geo":{"country":"d\"e"}}"#,
            r#"{"geo":7}"#
        ]
    );
    assert_eq!((ran.number("hooks.0.written"), ran.number("hooks.0.refused_writes")), (2, 1));
}

#[test]
fn every_kind_passes_both_ways() {
    for (kind, value) in [
        ("text", "\"é\\n\""),
        ("integer", "-7"),
        ("float", "0.5"),
        ("boolean", "true"),
        ("json", "[1,{}]"),
        ("text", "null"),
    ] {
        let trial = Trial::with_input(format!("{{\"a\":{value}}}\n"));
        let field = |path: &str| format!("{{ path = {path:?}, kind = {kind:?} }}");
        let more = format!("read = [{}]\nwrite = [{}]", field("a"), field("b"));
        let ran = trial.through(&hook("echo", "", "echo", &more));
        assert_eq!(ran.lines(), [format!("{{\"a\":{value},\"b\":{value}}}")], "{kind}");
    }
}

#[test]
fn removing_and_merging_leave_no_stray_comma() {
    let trial = Trial::with_input("{\"a\":1,\"b\":2}\n{\"a\":1}\n");
    assert_eq!(trial.through(&hook("h", "", "remove", "write = [\"a\"]")).lines(), ["{\"b\":2}", "{}"]);
    let trial = Trial::with_input("{\"a\":1,\"b\":2}\n{}\n");
    let merge = "write = [{ path = \".\", kind = \"json\" }]\ntext = '{\"b\":3,\"c\":\"x\"}'";
    assert_eq!(
        trial.through(&hook("h", "", "merge", merge)).lines(),
        ["{\"a\":1,\"b\":3,\"c\":\"x\"}", "{\"b\":3,\"c\":\"x\"}"]
    );
}

#[test]
fn an_earlier_occurrence_of_a_written_key_does_not_walk_past_its_hook() {
    let trial =
        Trial::with_input("{\"m\":\"secret\",\"x\":1,\"m\":\"clean\"}\n{\"m\":\"secret\",\"\\u006d\":2}\n");
    let ran = trial.through(&hook("h", "", "nothing", "write = [\"m\"]"));
    assert_eq!(ran.lines(), ["{\"x\":1,\"m\":\"clean\"}", "{\"\\u006d\":2}"]);
    assert_eq!(ran.number("hooks.0.duplicates_deleted"), 2);
}

#[test]
fn later_hooks_see_what_earlier_ones_wrote() {
    let trial = Trial::with_input("{\"n\":1}\n");
    let first = hook("first", "", "set", "write = [\"a.b\"]\ntext = \"x\"");
    let second = hook("second", "match = \"a.b == x\"", "echo", "read = [\"a.b\"]\nwrite = [\"c\"]");
    assert_eq!(trial.through(&(first + &second)).lines(), ["{\"n\":1,\"a\":{\"b\":\"x\"},\"c\":\"x\"}"]);
}

#[test]
fn rows_that_do_not_match_never_cross() {
    let trial = Trial::with_input(
        "{\"level\":\"INFO\",\"n\":1}\n{\"level\":\"err\",\"n\":2}\n{\"n\":3}\n{\"level\":50,\"n\":4}\n",
    );
    let ran =
        trial.through(&hook("h", "match = [\"level >= error\"]", "set", "write = [\"seen\"]\ntext = \"y\""));
    assert_eq!(ran.number("hooks.0.rows"), 2);
    assert_eq!(ran.lines()[1], "{\"level\":\"err\",\"n\":2,\"seen\":\"y\"}");
    assert_eq!(ran.lines()[2], "{\"n\":3}");
}

#[test]
fn dropped_events_are_counted_with_their_reason() {
    let trial = Trial::with_input(numbered(10));
    let ran = trial.through(&hook("thin", "", "drop", "n = 3"));
    assert_eq!(ran.lines().len(), 7);
    assert_eq!(ran.summary["dropped"]["hook:thin"], 3);
}

#[test]
fn emitted_events_pass_later_hooks_only_and_stand_after_their_row() {
    let trial = Trial::with_input(numbered(2));
    let emits = hook("emits", "", "emit_each", "");
    let marks = hook("marks", "from = [\"hook:emits\"]", "set", "write = [\"by\"]\ntext = \"marks\"");
    let ran = trial.through(&(emits + &marks));
    assert_eq!(
        ran.lines(),
        ["{\"n\":0}", "{\"emitted\":0,\"by\":\"marks\"}", "{\"n\":1}", "{\"emitted\":1,\"by\":\"marks\"}"]
    );
    assert_eq!((ran.number("hooks.0.emitted"), ran.number("hooks.1.rows")), (2, 2));
}

#[test]
fn sinks_take_what_matches_and_what_nobody_takes_is_counted() {
    let trial = Trial::with_input("{\"level\":\"error\"}\n{\"level\":\"info\"}\n{\"level\":\"debug\"}\n");
    let ran = trial.run(
        r#"
        [[source]]
        name = "in"
        type = "file"
        paths = ["in.log"]
        [[sink]]
        name = "errors"
        type = "file"
        path = "errors.ndjson"
        match = "level >= error"
        include = ["%source", "%file", "%offset"]
        [[sink]]
        name = "out"
        type = "file"
        path = "out.ndjson"
        match = ["level >= info", "level != fatal"]
        "#,
    );
    assert_eq!(ran.lines(), ["{\"level\":\"error\"}", "{\"level\":\"info\"}"]);
    let errors = String::from_utf8(trial.read("errors.ndjson")).unwrap();
    assert_eq!(errors, "{\"level\":\"error\",\"%source\":\"in\",\"%file\":\"in.log\",\"%offset\":0}\n");
    assert_eq!(ran.summary["dropped"]["unrouted"], 1);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let config = "[[source]]\nname = \"in\"\ntype = \"stdin\"\n[[sink]]\nname = \"out\"\ntype = \"stdout\"\n";
    let ran = Trial::new().run_with(config, b"{\"a\":1}\nplain \"text\"\n{\"last\":true}");
    assert_eq!(
        String::from_utf8(ran.stdout).unwrap(),
        "{\"a\":1}\n{\"message\":\"plain \\\"text\\\"\"}\n{\"last\":true}\n"
    );
    assert_eq!(ran.code, Some(0));
}

#[test]
fn globs_and_gzip_are_read_and_each_file_once() {
    let trial = Trial::new();
    trial.write("a.log", "{\"f\":\"a\"}\n");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"{\"f\":\"b\"}\n").unwrap();
    let mut packed = gzip.finish().unwrap();
    let mut second = GzEncoder::new(Vec::new(), Compression::default());
    second.write_all(b"{\"f\":\"b2\"}\n").unwrap();
    packed.extend(second.finish().unwrap());
    trial.write("b.log", packed);
    fs::create_dir(trial.path("c.log")).unwrap();
    let config = FILE_TO_FILE.replace("[\"in.log\"]", "[\"*.log\", \"a.log\", \"nothing*.txt\"]");
    let ran = trial.run(&config);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.lines(), ["{\"f\":\"a\"}", "{\"f\":\"b\"}", "{\"f\":\"b2\"}"]);
    ran.says(&["no file matches", "nothing*.txt"]);
}

#[test]
fn results_are_the_same_with_one_two_and_eight_workers() {
    let mut results = Vec::new();
    for workers in [1, 2, 8] {
        let trial = Trial::new();
        for file in 0..9 {
            let lines: String = (0..500).map(|n| format!("{{\"file\":{file},\"n\":{n}}}\n")).collect();
            trial.write(&format!("{file}.log"), lines);
        }
        let hooks = hook("drops", "match = \"n > 400\"", "set", "write = [\"high\"]\ntext = \"y\"")
            + &hook(
                "counts",
                "",
                "count",
                "single = true\nwrite = [{ path = \"count\", kind = \"integer\" }]",
            );
        let config = format!("workers = {workers}\n[batch]\nrows = 64\n{FILE_TO_FILE}{hooks}")
            .replace("in.log", "*.log");
        let ran = trial.run(&config);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let events: Vec<serde_json::Value> =
            ran.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        // Each file in its order.
        for file in 0..9u64 {
            let numbers: Vec<u64> = events
                .iter()
                .filter(|event| event["file"] == file)
                .map(|event| event["n"].as_u64().unwrap())
                .collect();
            assert_eq!(numbers, (0..500).collect::<Vec<_>>());
        }
        // One counter for the whole flow: each number once.
        let mut counts: Vec<u64> = events.iter().map(|event| event["count"].as_u64().unwrap()).collect();
        counts.sort_unstable();
        assert_eq!(counts, (1..=4500).collect::<Vec<_>>());
        let mut rest: Vec<String> = events
            .into_iter()
            .map(|mut event| {
                event.as_object_mut().unwrap().shift_remove("count");
                event.to_string()
            })
            .collect();
        rest.sort();
        results.push(rest);
    }
    assert!(results[0] == results[1] && results[1] == results[2]);
}

#[test]
fn a_sink_never_writes_what_a_source_reads() {
    // Without the newline that a sink would begin with.
    let trial = Trial::with_input("{}");
    let ran = trial.run(&FILE_TO_FILE.replace("out.ndjson", "in.log"));
    assert_eq!(ran.code, Some(1));
    ran.says(&["sink \"out\"", "also read by source \"in\""]);
    assert_eq!(trial.read("in.log"), b"{}");
}

#[test]
fn two_sinks_never_write_to_the_same_file_whatever_they_call_it() {
    let trial = Trial::with_input("{}\n");
    fs::create_dir(trial.path("sub")).unwrap();
    let other = "[[sink]]\nname = \"other\"\ntype = \"file\"\npath = \"sub/../out.ndjson\"\n";
    let ran = trial.run(&format!("{FILE_TO_FILE}{other}"));
    assert_eq!(ran.code, Some(1));
    ran.says(&["sinks \"out\" and \"other\" write to the same file", "one can"]);
}

#[test]
fn an_event_has_the_same_id_however_the_configuration_is_named() {
    let trial = Trial::with_input("{}\n{}\n");
    trial.write("hookaroon.toml", format!("{FILE_TO_FILE}include = [\"%id\"]\n"));
    let whole = trial.path("hookaroon.toml").display().to_string();
    let ids: Vec<Vec<u8>> = ["hookaroon.toml", "./hookaroon.toml", &whole]
        .iter()
        .map(|name| {
            let _ = fs::remove_file(trial.path("out.ndjson"));
            assert!(trial.command(["run", "--once", "-c", name]).status().unwrap().success());
            trial.read("out.ndjson")
        })
        .collect();
    assert!(ids[0].starts_with(b"{\"%id\":\"") && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let lines: Vec<&[u8]> = ids[0].split(|byte| *byte == b'\n').collect();
    assert_ne!(lines[0], lines[1]);
}

#[test]
fn totals_that_cannot_be_written_are_told_before_anything_flows() {
    let trial = Trial::with_input("{}\n");
    trial.write("hookaroon.toml", FILE_TO_FILE);
    let output = trial.command(["run", "--once", "--summary", "no/such/dir.json"]).output().unwrap();
    let ran = trial.ended(output);
    assert_eq!((ran.code, trial.path("out.ndjson").exists()), (Some(1), false));
    ran.says(&["--summary: cannot write no/such/dir.json"]);
}

#[test]
fn surrogates_that_stand_alone_are_counted_where_they_are_read() {
    let trial = Trial::with_input("{\"m\":\"\\ud800 a\"}\n{\"m\":\"b\"}\n");
    let ran = trial.through(&hook("h", "", "echo", "read = [\"m\"]\nwrite = [\"w\"]"));
    assert_eq!(ran.lines()[0], "{\"m\":\"\\ud800 a\",\"w\":\"\u{fffd} a\"}");
    assert_eq!(ran.number("hooks.0.lone_surrogates"), 1);
    ran.says(&["lone surrogates read 1"]);
}

#[test]
fn an_output_that_cannot_be_opened_is_told_before_anything_is_read() {
    let trial = Trial::with_input("{}\n");
    let ran = trial.run(&FILE_TO_FILE.replace("out.ndjson", "in.log/out.ndjson"));
    assert_eq!(ran.code, Some(1));
    ran.says(&["sink \"out\": cannot write"]);
    // Root may write everywhere, so permissions tell nothing to it.
    if !rustix::process::geteuid().is_root() {
        trial.write("readonly", "");
        fs::set_permissions(trial.path("readonly"), fs::Permissions::from_mode(0o444)).unwrap();
        assert_eq!(trial.run(&FILE_TO_FILE.replace("out.ndjson", "readonly")).code, Some(1));
    }
}

#[test]
fn a_full_disk_loses_nothing_that_it_does_not_tell() {
    let trial = Trial::with_input(numbered(1000));
    let mut child = trial.start(&FILE_TO_FILE.replace("out.ndjson", "/dev/full"));
    let mut stderr = String::new();
    let mut errors = std::io::BufReader::new(child.stderr.take().unwrap());
    while !stderr.contains("waiting until it can be written") {
        assert_ne!(std::io::BufRead::read_line(&mut errors, &mut stderr).unwrap(), 0, "{stderr}");
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
        .unwrap();
    std::io::Read::read_to_string(&mut errors, &mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(stderr.contains("1000 events were not written"), "{stderr}");
}

#[test]
fn a_path_that_never_came_is_a_warning_that_names_the_nearest_one() {
    let trial = Trial::with_input("{\"level\":\"info\",\"n\":1}\n".repeat(10_000));
    let ran = trial.through(&hook("h", "match = \"levle == info\"", "nothing", "read = [\"n\"]"));
    ran.says(&["no event among the first 10000 has the field \"levle\"; is \"level\" meant?"]);
    assert_eq!(ran.stderr.matches("WARN").count(), 1, "{}", ran.stderr);
}

#[test]
fn the_summary_is_readable_by_people_and_programs() {
    let trial = Trial::with_input(numbered(5));
    let ran = trial.through(&hook("h", "", "set", "write = [\"x\"]\ntext = \"1\""));
    ran.says(&["5 events", "ns/row", "32 MiB", "sink out  5 events"]);
    let hook = &ran.summary["hooks"][0];
    for key in [
        "name",
        "calls",
        "rows",
        "dropped",
        "written",
        "emitted",
        "failures",
        "recycles",
        "ns_per_row",
        "memory_peak_bytes",
        "memory_cap_bytes",
    ] {
        assert!(!hook[key].is_null(), "{key}");
    }
    for key in ["events_in", "events_out", "dropped", "failed", "bytes_in", "elapsed_s", "hooks"] {
        assert!(!ran.summary[key].is_null(), "{key}");
    }
    assert_eq!(hook["memory_cap_bytes"], 32 << 20);
}

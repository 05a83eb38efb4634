//! `bench`: what a hook costs. How much that is, no test says: only that it is measured, shown and compared.

use serde_json::{Value, json};

use crate::support::{Ran, Trial, misbehave};

const EVENTS: &str = "{\"n\":1,\"message\":\"mail bob@example.com\"}\n{\"n\":2,\"message\":\"x\"}\n";
const SIZES: [u64; 5] = [1, 16, 256, 1024, 4096];

/// Benches redact on two events.
fn bench(trial: &Trial, more: &[&str]) -> Ran {
    let base = ["bench", "redact", "--input", "in.log"];
    trial.ended(trial.command([&base[..], more].concat()).output().unwrap())
}

fn text(ran: &Ran) -> String {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    String::from_utf8(ran.stdout.clone()).unwrap()
}

fn figures(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// The first column of the lines that start with a number of rows.
fn rows(text: &str) -> Vec<u64> {
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

#[test]
fn a_table_shows_the_cost_of_each_size_of_batches() {
    let told = text(&bench(&Trial::with_input(EVENTS), &[]));
    assert!(told.starts_with("2 events of 32 bytes; CPU time"), "{told}");
    for column in ["ns/row", "rows/s", "memory peak"] {
        assert!(told.contains(column), "{column:?} in {told}");
    }
    assert_eq!(rows(&told)[1..], SIZES, "{told}");
}

#[test]
fn two_plugins_are_shown_side_by_side_with_their_ratio() {
    let trial = Trial::with_input(EVENTS);
    let plugin = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/plugins/redact.wasm");
    std::fs::copy(plugin, trial.path("mine.wasm")).unwrap();
    let told = text(&bench(&trial, &["mine.wasm"]));
    assert!(told.contains("\nmine.wasm takes so many times as long as redact\n"), "{told}");
    assert_eq!(rows(&told)[1..], [SIZES, SIZES, SIZES].concat(), "{told}");
}

#[test]
fn a_baseline_is_written_then_compared_with_and_what_is_slower_is_told() {
    let trial = Trial::with_input(EVENTS);
    let against =
        |allowed: &str| bench(&trial, &["--json", "--baseline", "base.json", "--max-regress", allowed]);
    let ran = against("10%");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.says(&["base.json: the baseline was written"]);
    let written = trial.read("base.json");
    let baseline: Value = serde_json::from_slice(&written).unwrap();
    let sizes: Vec<String> = SIZES.iter().map(u64::to_string).collect();
    let keys: Vec<&String> = baseline["ns_per_row"].as_object().unwrap().keys().collect();
    assert_eq!(keys, sizes.iter().collect::<Vec<_>>());
    assert_eq!(figures(&ran)["regressions"], json!([]));

    // Nothing is a million times as slow as just before.
    let ran = against("100000000%");
    assert_eq!((ran.code, &figures(&ran)["baseline"]), (Some(0), &baseline), "{}", ran.stderr);
    assert_eq!(trial.read("base.json"), written, "it is only read");

    trial.write("base.json", r#"{"plugin":"redact","ns_per_row":{"1":0.001,"256":1e12}}"#);
    let ran = against("10%");
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    ran.says(&["slower than allowed at 1 rows: ", ", 0 before: "]);
    let slower = &figures(&ran)["regressions"];
    assert_eq!((slower.as_array().unwrap().len(), &slower[0]["rows"]), (1, &json!(1)));

    assert_eq!(bench(&trial, &["--baseline", "base.json", "--save-baseline"]).code, Some(0));
    let saved: Value = serde_json::from_slice(&trial.read("base.json")).unwrap();
    assert_eq!(saved["ns_per_row"].as_object().unwrap().len(), SIZES.len());
}

#[test]
fn the_baseline_of_another_hook_is_refused() {
    let trial = Trial::with_input(EVENTS);
    text(&bench(&trial, &["--baseline", "base.json"]));
    let other =
        ["bench", "level", "--config", "{\"min\":\"info\"}", "--input", "in.log", "--baseline", "base.json"];
    let ran = trial.ended(trial.command(other).output().unwrap());
    assert_eq!(ran.code, Some(1));
    ran.says(&["is of \"redact\", not of \"level\""]);
    let ran = bench(&trial, &["--baseline", "base.json", "--max-regress", "100000%"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.says(&["1024 rows: ", " in the baseline: "]);
}

#[test]
fn json_has_every_figure_for_each_size_and_plugin() {
    let figures = figures(&bench(&Trial::with_input(EVENTS), &["redact", "--json"]));
    assert_eq!((&figures["events"], &figures["bytes_per_event"]), (&json!(2), &json!(31.5)));
    let hooks = figures["hooks"].as_array().unwrap();
    assert_eq!(hooks.len(), 2);
    for (number, hook) in hooks.iter().enumerate() {
        let sizes = hook["sizes"].as_array().unwrap();
        let measured: Vec<u64> = sizes.iter().map(|size| size["rows"].as_u64().unwrap()).collect();
        assert_eq!(measured, SIZES);
        for size in sizes {
            assert_eq!(size["rows_per_call"], size["rows"].as_f64().unwrap(), "batches are full");
            for figure in ["rows_per_s", "mb_per_s", "memory_peak_bytes"] {
                assert!(size[figure].as_f64().unwrap() > 0.0, "{figure}");
            }
            let [all, hook] =
                ["ns_per_row", "hook_ns_per_row"].map(|cost| size[cost]["median"].as_f64().unwrap());
            assert!(all > hook && hook > 0.0, "the call is a part of it");
        }
        assert_eq!(hook["times_the_first"].as_array().unwrap().len(), number * SIZES.len());
    }
}

#[test]
fn a_matrix_has_a_line_for_each_combination_of_limits() {
    let trial = Trial::with_input(EVENTS);
    let told = text(&bench(&trial, &["--matrix"]));
    assert!(told.contains("as 10,000 events a second fill them"), "{told}");
    assert_eq!(told.lines().filter(|line| line.contains("KiB ")).count(), 3 * 4 * 4, "{told}");
    let cells = figures(&bench(&trial, &["--matrix", "--rate", "1000", "--json"]))["cells"].take();
    let cells = cells.as_array().unwrap();
    assert_eq!(cells.len(), 3 * 4 * 4);
    // At a thousand events a second, five come in 5 ms, and no more than `rows`.
    for (wait, rows, expected) in [(5, 1024, 5.0), (100, 64, 64.0)] {
        let cell = cells.iter().find(|cell| cell["wait_ms"] == wait && cell["rows"] == rows).unwrap();
        let rows_per_call = cell["rows_per_call"].as_f64().unwrap();
        assert!(rows_per_call <= expected && rows_per_call > expected * 0.98, "{cell}");
        assert!(cell["mb_per_s"].as_f64().unwrap() > 0.0 && cell["memory_peak_bytes"].as_u64().unwrap() > 0);
    }
}

#[test]
fn what_cannot_be_measured_or_compared_is_told() {
    let trial = Trial::with_input(EVENTS);
    trial.write("grant.toml", "read = [\"*\"]\nimports = [\"log\"]\n");
    trial.write("none.json", "{\"plugin\":\"redact\",\"ns_per_row\":{\"7\":1.0}}");
    trial.write("broken.json", "{}");
    let plugin = misbehave().display().to_string();
    for (code, arguments, says) in [
        (
            1,
            &[plugin.as_str(), "--input", "in.log", "--grant", "grant.toml", "--config", "{\"do\":\"trap\"}"]
                [..],
            &["the hook fails on this input: trap", "hookaroon test shows where"][..],
        ),
        (1, &["redact", "--input", "none.log"], &["cannot read the input \"none.log\""]),
        (1, &["redact", "--input", "in.log", "--baseline", "none.json"], &["none of the sizes"]),
        (1, &["redact", "--input", "in.log", "--baseline", "broken.json"], &["name another file"]),
        (78, &[plugin.as_str(), "--input", "in.log"], &["not granted", "--grant FILE"]),
        (
            2,
            &["redact", "--input", "in.log", "--baseline", "b", "--max-regress", "0.1"],
            &["\"0.1%\" or \"10%\""],
        ),
        (2, &["redact", "--input", "in.log", "--max-regress", "5%"], &["--baseline"]),
        (2, &["redact", "redact", "--input", "in.log", "--matrix"], &["take one plugin"]),
        (2, &["redact"], &["--input"]),
    ] {
        let ran = trial.ended(trial.command([&["bench"], arguments].concat()).output().unwrap());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.stderr);
        ran.says(says);
    }
}

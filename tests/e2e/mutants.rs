//! Files that went wrong: plugins and entries of the cache, changed at random. Whatever they have become, the host goes
//! on, and what is loaded is what it should be. CI runs a twentieth.

mod mutator;

use std::fs;
use std::path::{Path, PathBuf};

use hookaroon::config::{Grant, Hook};
use hookaroon::hook::cache::Cache;
use hookaroon::hook::compile::{self, Compiler};
use hookaroon::hook::load::{Loader, PluginSource, Request};
use hookaroon::hook::prepare::prepare;
use hookaroon::hook::trust::Trust;
use hookaroon::hook::{engine, scan, wrap};
use mutator::Mutator;
use serde_json::Value;
use wasmparser::Validator;

use crate::support::{BINARY, FILE_TO_FILE, Ran, Trial, hook, misbehave, numbered, scale};

const MUTANTS: u64 = 1_000;

/// A hook of 120 kB that compiles in a moment.
const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hook-0.1.0.wasm");

/// A hook as a component, as other languages' tools make them, where the file is a core module.
fn component(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let scan = scan::scan(&bytes, &scan::Limits::DEFAULT).unwrap();
    wrap::wrap(&bytes, &scan).unwrap()
}

/// Modules and components, each with a config that it starts with.
fn plugins() -> Vec<(Vec<u8>, &'static str)> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins");
    let paths = [
        (PathBuf::from(SMALL), "{}"),
        (misbehave(), "{\"do\":\"nothing\"}"),
        (target.join("level.wasm"), "{}"),
        (target.join("leak.wasm"), "{}"),
    ];
    let both = |(path, config): &(PathBuf, &'static str)| {
        [(fs::read(path).unwrap(), *config), (component(path), *config)]
    };
    paths.iter().flat_map(both).collect()
}

/// Everything, so that what a hook asks for keeps none from starting.
fn everything() -> Grant {
    let all = vec!["*".parse().unwrap(), ".".parse().unwrap()];
    Grant { read: all.clone(), write: all, drop: true, emit: true, imports: vec!["log".to_owned()] }
}

#[test]
fn a_plugin_that_was_changed_at_random_is_refused_or_loads_and_the_host_goes_on() {
    let trial = Trial::new();
    let compiler = Compiler::new(BINARY, scan::Limits::DEFAULT, compile::Limits::DEFAULT);
    let cache = Some(Cache::open(&trial.path("data")).unwrap());
    let loader = Loader::new(engine::new().unwrap(), compiler, cache, Trust::default());
    let plugins = plugins();
    let mut mutator = Mutator::new(8);
    let (mut refused, mut stopped, mut started) = (0, 0, 0);
    for number in 0..scale(MUTANTS) as usize {
        let (plugin, config) = &plugins[number % plugins.len()];
        let mutant = mutator.mutate(plugin, &plugins[(number + 3) % plugins.len()].0);
        trial.write("p.wasm", &mutant);
        let source = PluginSource::File(trial.path("p.wasm"));
        let granted_imports = &["log".to_owned()];
        let request = Request { hook: "h", source: source.clone(), sha256: None, granted_imports };
        let is_loaded = match loader.load(&request) {
            Ok(plugin) => {
                // What runs is valid in the eyes of somebody else, and no import came in with the mutation.
                Validator::new().validate_all(&mutant).unwrap_or_else(|error| panic!("{number}: {error}"));
                assert!(plugin.imports.iter().all(|import| import.name == "log"), "{number}");
                true
            }
            Err(error) => {
                let error = error.to_string();
                assert!(error.starts_with("hook \"h\": plugin "), "{number}: {error}");
                // Those would be faults of the host or its compiler, not of the plugin.
                for fault in ["makes the compiler fail", "does not start", "answers with", "was killed"] {
                    assert!(!error.contains(fault), "{number}: {error}");
                }
                false
            }
        };
        let mut hook = Hook::alone("h".to_owned(), source, everything(), (*config).to_owned());
        hook.deadlines.init = hook.deadlines.process;
        match prepare(&[hook], &loader, 1) {
            Ok(_) => {
                assert!(is_loaded, "{number}: it was refused, and now it starts");
                started += 1;
            }
            Err(_) if is_loaded => stopped += 1,
            Err(_) => refused += 1,
        }
    }
    println!("{refused} were refused, {stopped} did not start, {started} started");
    assert!(refused > 0 && started > 0, "the changes are of one kind only");
}

/// Every event that went in is in the output, dropped and counted, or a dead letter.
fn assert_balanced(ran: &Ran) {
    let sum = |value: &Value| {
        value.as_object().into_iter().flatten().map(|(_, count)| count.as_u64().unwrap()).sum::<u64>()
    };
    let summary = &ran.summary;
    let gone = sum(&summary["events_out"]) + sum(&summary["dropped"]) + sum(&summary["dead_letters"]);
    assert_eq!(ran.number("events_in") + ran.number("hooks.0.emitted"), gone, "{summary}");
}

#[test]
fn a_run_with_a_plugin_that_was_changed_at_random_refuses_it_or_ends_with_balanced_books() {
    let plugins = [fs::read(misbehave()).unwrap(), component(&misbehave())];
    let mut mutator = Mutator::new(80);
    for number in 0..scale(MUTANTS / 5) as usize {
        let trial = Trial::with_input(numbered(20));
        trial.write("p.wasm", mutator.mutate(&plugins[number % 2], &plugins[(number + 1) % 2]));
        let good = format!("{:?}", misbehave());
        let config = hook("h", "", "set", "read = [\"n\"]\nwrite = [\"w\"]").replace(&good, "\"p.wasm\"");
        let ran = trial.run(&format!("{FILE_TO_FILE}{config}"));
        match ran.code {
            Some(0) => assert_balanced(&ran),
            code => assert_eq!(code, Some(78), "{number}: {}", ran.stderr),
        }
    }
}

/// A run of [`SMALL`] that ends well, with the right output.
fn run(trial: &Trial) -> Ran {
    let _ = fs::remove_file(trial.path("out.ndjson"));
    let ran = trial.through(&format!(
        "[[hook]]\nname = \"h\"\nplugin = {SMALL:?}\n[hook.grant]\nread = [\"level\", \"client_ip\"]\n\
         write = [\"country\"]\n"
    ));
    assert_eq!(ran.lines(), ["{\"client_ip\":\"1.2.3.4\",\"country\":\"de\"}"], "{}", ran.stderr);
    ran
}

/// A data directory in which that plugin is compiled, and where.
fn compiled() -> (Trial, PathBuf) {
    let trial = Trial::with_input("{\"client_ip\":\"1.2.3.4\"}\n");
    run(&trial);
    let mut entries = fs::read_dir(trial.path("hookaroon-data/cache")).unwrap();
    let entry = entries.next().unwrap().unwrap().path();
    (trial, entry)
}

/// Runs, and fails unless the plugin was compiled again, with a warning.
#[track_caller]
fn assert_compiled_again(trial: &Trial, entry: &Path, what: &str) {
    let before = fs::read(entry).unwrap();
    let ran = run(trial);
    assert_eq!(ran.stderr.matches(" WARN ").count(), 1, "{what}: {}", ran.stderr);
    ran.says(&["is compiled again: "]);
    assert_ne!(fs::read(entry).unwrap(), before, "{what}");
    assert!(!run(trial).stderr.contains(" WARN "), "{what}: the new entry is used");
}

#[test]
fn an_entry_of_the_cache_that_was_changed_at_random_is_compiled_again_and_never_loaded() {
    let (trial, entry) = compiled();
    let (_elsewhere, other) = compiled();
    let other = fs::read(other).unwrap();
    let mut mutator = Mutator::new(1_000);
    for number in 0..scale(MUTANTS) {
        let mutant = mutator.mutate(&fs::read(&entry).unwrap(), &other);
        fs::write(&entry, &mutant).unwrap();
        let ran = run(&trial);
        assert_eq!(ran.stderr.matches(" WARN ").count(), 1, "{number}: {}", ran.stderr);
        ran.says(&["is compiled again: "]);
        assert_ne!(fs::read(&entry).unwrap(), mutant, "{number}");
    }
}

#[test]
fn an_entry_that_another_host_wrote_or_whose_key_is_gone_is_compiled_again() {
    let (trial, entry) = compiled();
    let (_elsewhere, other) = compiled();
    fs::copy(&other, &entry).unwrap();
    assert_compiled_again(&trial, &entry, "from elsewhere");
    fs::remove_file(trial.path("hookaroon-data/cache-key")).unwrap();
    assert_compiled_again(&trial, &entry, "without its key");
    trial.write("hookaroon-data/cache-key", "damaged");
    let ran = run(&trial);
    ran.says(&["cache-key", "made anew", "is compiled again: "]);
    assert!(!run(&trial).stderr.contains(" WARN "));
}

use super::*;
use std::fs;

use crate::hook::compile;
use crate::hook::scan::{Kind, Limits};

const LIFECYCLE_0_1: &str = "hookaroon:hook/lifecycle@0.1.0";

fn facts(imports: &[&str], exports: &[&str]) -> Facts {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Facts { kind: Kind::Component, imports: owned(imports), exports: owned(exports), manifest: None }
}

fn fault(imports: &[&str], exports: &[&str], granted: &[&str]) -> String {
    let granted: Vec<String> = granted.iter().map(|&name| name.to_owned()).collect();
    contract(&facts(imports, exports), &granted).unwrap_err().to_string()
}

/// A loader that gets as far as the compiler.
fn loader(limits: Limits) -> Loader {
    let compiler = Compiler::new("/nonexistent/hookaroon", limits, compile::Limits::DEFAULT);
    Loader::new(engine::for_compiling(engine::DebugInfo::Ignored).unwrap(), compiler, None, Trust::default())
}

fn error(loader: &Loader, source: PluginSource, sha256: Option<[u8; 32]>) -> String {
    let request = Request { hook: "x", source, sha256, granted_imports: &[] };
    loader.load(&request).unwrap_err().to_string()
}

#[test]
fn a_hook_of_any_served_version_passes_whatever_else_it_exports() {
    let facts = facts(
        &["hookaroon:hook/types@0.1.0", "hookaroon:hook/log@0.1.3"],
        &["memory-stats", "hookaroon:hook/lifecycle@0.2.0", "hookaroon:hook/lifecycle@0.1.7"],
    );
    let (lifecycle, imports) = contract(&facts, &["log".to_owned()]).unwrap();
    assert_eq!(lifecycle, "hookaroon:hook/lifecycle@0.1.7");
    let log = Import { name: "log".into(), interface: "hookaroon:hook/log@0.1.3".into() };
    assert_eq!(imports, [log]);
}

#[test]
fn another_world_is_told_by_what_it_exports() {
    let message = fault(&[], &["wasi:http/handler@0.2.0"], &[]);
    assert!(message.contains("does not export hookaroon:hook/lifecycle, only \"wasi:http/handler@0.2.0\""));
}

#[test]
fn versions_that_are_not_served_are_named_on_both_sides() {
    for version in ["@0.2.0", "@0.10.0", "@1.0.0", "@0.1.0-rc.1", "@0.1", ""] {
        let message = fault(&[], &[&format!("hookaroon:hook/lifecycle{version}")], &[]);
        assert!(message.contains(&format!("lifecycle{version}; this host serves 0.1")), "{message}");
    }
    let message = fault(&["hookaroon:hook/log@0.2.0"], &[LIFECYCLE_0_1], &["log"]);
    assert!(message.contains("is built for hookaroon:hook/log@0.2.0"), "{message}");
}

#[test]
fn an_import_without_a_grant_is_told_the_line_to_add() {
    let error = LoadError {
        hook: Some("x".into()),
        plugin: "x.wasm".into(),
        fault: contract(&facts(&["hookaroon:hook/log@0.1.0"], &[LIFECYCLE_0_1]), &[]).unwrap_err(),
    };
    assert_eq!(
        error.to_string(),
        "hook \"x\": plugin \"x.wasm\" needs import \"hookaroon:hook/log@0.1.0\", which is not granted; \
         add imports = [\"log\"] to [hook.grant]"
    );
}

#[test]
fn an_import_that_nobody_serves_is_told_apart_from_one_that_is_not_granted() {
    let message = fault(&["wasi:http/types@0.2.0"], &[LIFECYCLE_0_1], &[]);
    assert!(
        message.contains("does not serve; it serves hookaroon:hook/log@0.1; build it for wasm32"),
        "{message}"
    );
    let message = fault(&["hookaroon:hook/telepathy@0.1.0"], &[LIFECYCLE_0_1], &["telepathy"]);
    assert!(message.contains("telepathy@0.1.0\", which this host does not serve"), "{message}");
}

#[test]
fn a_lifecycle_without_all_its_functions_is_told_which_one_it_lacks() {
    let lacking = |left_out: &str| {
        let exports: String = FUNCTIONS
            .into_iter()
            .filter(|function| *function != left_out)
            .map(|function| format!("(export \"{function}\" (func $f))"))
            .collect();
        let text = format!(
            "(component
                (core module $m (func (export \"f\")))
                (core instance $i (instantiate $m))
                (func $f (canon lift (core func $i \"f\")))
                (instance $l {exports})
                (export \"{LIFECYCLE_0_1}\" (instance $l)))"
        );
        let engine = engine::for_compiling(engine::DebugInfo::Ignored).unwrap();
        let component = Component::from_binary(&engine, &wat::parse_str(text).unwrap()).unwrap();
        missing_function(&component, LIFECYCLE_0_1)
    };
    assert_eq!(lacking("tick"), Some("tick"));
    assert_eq!(lacking("nothing"), None);
}

#[test]
fn what_is_no_readable_file_is_said_to_be_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let loader = loader(Limits { file_bytes: 4, ..Limits::DEFAULT });
    let at = |name: &str| PluginSource::File(directory.path().join(name));
    assert!(error(&loader, at(""), None).contains("is a directory, not a file"));
    assert!(error(&loader, PluginSource::File("/dev/null".into()), None).contains("socket or device"));
    let pipe = directory.path().join("pipe.wasm");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(error(&loader, at("pipe.wasm"), None).contains("is a pipe"), "it is not waited for");
    assert!(error(&loader, at("none.wasm"), None).contains("does not exist"));
    fs::write(directory.path().join("large.wasm"), b"\0asm\x01").unwrap();
    let message = error(&loader, at("large.wasm"), None);
    assert!(message.contains("has 5 bytes; 4 are allowed") && message.contains("file_bytes"), "{message}");
}

#[test]
fn a_name_that_is_no_standard_hook_is_told_the_nearest_one() {
    let loader = loader(Limits::DEFAULT);
    let message = error(&loader, PluginSource::Standard("redcat".into()), None);
    assert!(
        message.contains("is no standard hook, did you mean redact?; those are redact, sample"),
        "{message}"
    );
}

#[test]
fn a_pin_that_differs_shows_both_digests_and_is_checked_before_anything_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.wasm");
    fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
    let loader = loader(Limits::DEFAULT);
    let message = error(&loader, PluginSource::File(path.clone()), Some([0xab; 32]));
    assert!(message.contains(&format!("but {} is pinned", "ab".repeat(32))), "{message}");
    assert!(
        message.contains("93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476"),
        "{message}"
    );
    // With the right pin it goes on, to a compiler that is not there.
    let message = error(&loader, PluginSource::File(path), Some(sha256(b"\0asm\x01\0\0\0")));
    assert!(message.contains("\"/nonexistent/hookaroon\" does not start"), "{message}");
}

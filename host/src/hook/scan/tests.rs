use super::*;

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn over(text: &str, limits: &Limits) -> (Limit, u64) {
    match scan(&wasm(text), limits).unwrap_err() {
        ScanError::OverLimit { which, actual, .. } => (which, actual),
        error => panic!("{error}"),
    }
}

#[test]
fn what_is_no_webassembly_is_told_from_what_is_text_or_cut_off() {
    let look = |bytes: &[u8]| scan(bytes, &Limits::DEFAULT).unwrap_err();
    assert_eq!(look(b""), ScanError::Empty);
    assert_eq!(look(b"\x7fELF\x02\x01"), ScanError::NotWasm { start: "\"\\x7fELF\\x02\\x01\"".into() });
    assert_eq!(look(b"\n (module)"), ScanError::Text);
    assert_eq!(look(b";; a hook"), ScanError::Text);
    assert_eq!(look(b"\0as"), ScanError::Truncated { actual: 3, offset: 0 });
    assert_eq!(look(b"\0asm\x01"), ScanError::Truncated { actual: 5, offset: 0 });
    assert!(matches!(look(b"\0asm\x01\0\0\0\x63\x01\0"), ScanError::Invalid { .. }));
}

#[test]
fn every_prefix_of_a_plugin_is_refused_or_ends_between_sections() {
    let whole = wasm(r#"(component (core module (func (export "f") nop) (global i32 i32.const 0)))"#);
    let ends: Vec<usize> =
        (0..whole.len()).filter(|&end| scan(&whole[..end], &Limits::DEFAULT).is_ok()).collect();
    assert_eq!(ends, [8], "only the bare header is whole");
    assert!(scan(&whole, &Limits::DEFAULT).is_ok());
}

#[test]
fn names_kind_and_manifest_are_found_and_the_outer_manifest_counts() {
    let bytes = wasm(
        r#"(component
            (import "hookaroon:hook/log@0.1.0" (instance))
            (core module (@custom "hookaroon:manifest" "inner"))
            (@custom "hookaroon:manifest" "outer")
            (instance $i)
            (export "hookaroon:hook/lifecycle@0.1.0" (instance $i)))"#,
    );
    let found = scan(&bytes, &Limits::DEFAULT).unwrap();
    assert_eq!(found.kind, Kind::Component);
    assert_eq!(found.imports, ["hookaroon:hook/log@0.1.0"]);
    assert_eq!(found.exports, ["hookaroon:hook/lifecycle@0.1.0"]);
    assert_eq!(found.manifest, Some(&b"outer"[..]));
    let bytes = wasm(r#"(component (core module (@custom "hookaroon:manifest" "inner")))"#);
    assert_eq!(scan(&bytes, &Limits::DEFAULT).unwrap().manifest, Some(&b"inner"[..]));
}

#[test]
fn functions_bodies_globals_and_nesting_are_held_to_their_limits() {
    let small = Limits { functions: 2, function_bytes: 8, globals: 1, nesting: 1, ..Limits::DEFAULT };
    // Three functions and the type that they share.
    assert_eq!(over("(module (func) (func) (func))", &small), (Limit::Functions, 4));
    let long = format!("(module (func {}))", "nop ".repeat(20));
    assert_eq!(over(&long, &small).0, Limit::FunctionBytes);
    let globals = "(module (global i32 i32.const 0) (global i32 i32.const 0))";
    assert_eq!(over(globals, &small), (Limit::Globals, 2));
    assert_eq!(over("(component (component (component)))", &small), (Limit::Nesting, 2));
    assert_eq!(over("(module)", &Limits { file_bytes: 7, ..small }), (Limit::FileBytes, 8));
    let imports = r#"(component (import "a" (func)) (import "b" (func)))"#;
    assert_eq!(over(imports, &Limits { names: 1, ..small }), (Limit::Names, 2));
}

#[test]
fn an_error_names_the_setting_that_raises_the_limit() {
    let error = scan(&wasm("(module (func))"), &Limits { functions: 0, ..Limits::DEFAULT }).unwrap_err();
    let wanted = "has 1 functions; 0 are allowed; if you trust it, raise functions in [plugin_limits]";
    assert_eq!(error.to_string(), wanted);
}

#[test]
fn instantiations_are_counted_through_nested_components_aliases_and_exports() {
    // 100 globals; each component instantiates the one before ten times.
    let globals = "(global i32 i32.const 0)".repeat(100);
    let ten = |what: &str| format!("({what})").repeat(10);
    let text = format!(
        "(component
            (core module $m {globals})
            (component $a (alias outer 1 $m (core module $own)) {})
            (component $b (alias outer 1 $a (component $own)) {})
            {})",
        ten("core instance (instantiate $own)"),
        ten("instance (instantiate $own)"),
        ten("instance (instantiate $b)"),
    );
    let (which, actual) = over(&text, &Limits { instantiated: 50_000, ..Limits::DEFAULT });
    assert_eq!(which, Limit::Instantiated);
    assert!((100_000..110_000).contains(&actual), "{actual}");
    assert!(scan(&wasm(&text), &Limits::DEFAULT).is_ok());
}

#[test]
fn doubling_nests_do_not_overflow_and_take_no_time() {
    let doubling: String = (1..200)
        .map(|level| {
            let inner = format!("(alias outer 1 {} (component $i))", level - 1);
            format!("(component {inner} (instance (instantiate $i)) (instance (instantiate $i)))")
        })
        .collect();
    let (which, _) = over(&format!("(component (component) {doubling})"), &Limits::DEFAULT);
    assert_eq!(which, Limit::Instantiated);
}

#[test]
fn components_that_take_modules_are_refused() {
    let bytes = wasm(r#"(component (component (import "m" (core module))))"#);
    assert_eq!(scan(&bytes, &Limits::DEFAULT).unwrap_err(), ScanError::Parametric { what: "module".into() });
}

#[test]
fn passive_elements_are_counted_for_each_instance_and_active_ones_are_the_tables() {
    let text = |kind: &str| {
        let elements = "$f ".repeat(1000);
        let instances = "(core instance (instantiate $m))".repeat(10);
        format!(
            "(component (core module $m (table 1000 funcref) (func $f) (elem {kind} {elements})) {instances})"
        )
    };
    let limits = Limits { instantiated: 5_000, ..Limits::DEFAULT };
    let expressions = "(component (core module $m (elem funcref (item ref.null func) (item ref.null func))) \
        (core instance (instantiate $m)))";
    assert_eq!(over(&text("func"), &limits).0, Limit::Instantiated);
    assert_eq!(over(expressions, &Limits { instantiated: 4, ..limits }).0, Limit::Instantiated);
    assert!(scan(&wasm(&text("(i32.const 0) func")), &limits).is_ok());
}

#[test]
fn a_name_that_steers_a_terminal_is_refused() {
    // A component that imports a function under a name with an escape.
    let bytes = b"\0asm\x0d\0\x01\0\x07\x05\x01\x40\0\x01\0\x0a\x09\x01\0\x04\x1b[2J\x01\0";
    let message = scan(bytes, &Limits::DEFAULT).unwrap_err().to_string();
    assert!(message.contains("control characters") && !message.contains(char::is_control), "{message}");
}

#[test]
fn types_of_functions_are_counted_with_them() {
    let types: String = (0..50)
        .map(|bits| {
            let parameters: Vec<&str> =
                (0..6).map(|bit| if bits >> bit & 1 == 1 { "i64" } else { "i32" }).collect();
            format!("(type (func (param {})))", parameters.join(" "))
        })
        .collect();
    let text = format!("(module {types})");
    assert_eq!(over(&text, &Limits { functions: 49, ..Limits::DEFAULT }), (Limit::Functions, 50));
    assert!(scan(&wasm(&text), &Limits { functions: 50, ..Limits::DEFAULT }).is_ok());
}

use std::fs;

use tempfile::TempDir;

use super::*;

const ENDS: &str =
    "[[source]]\nname = \"in\"\ntype = \"stdin\"\n[[sink]]\nname = \"out\"\ntype = \"stdout\"\n";

/// The configuration, or what is wrong with it, without the file's name.
fn read(text: &str) -> Result<Config, Vec<String>> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("hookaroon.toml");
    fs::write(&file, text).unwrap();
    load(&file, &|name| (name == "KEY").then(|| "value".to_owned())).map_err(|errors| {
        let place = format!("{}:", file.display());
        errors.0.iter().map(|error| error.to_string().replace(&place, "")).collect()
    })
}

fn hook(lines: &str) -> String {
    format!("{ENDS}[[hook]]\nname = \"h\"\nplugin = \"redact\"\n{lines}")
}

#[test]
fn defaults_are_what_the_documentation_says() {
    let config = read(&hook("")).unwrap();
    assert_eq!((config.workers, config.max_event_bytes), (1, 1 << 20));
    assert_eq!((config.batch.rows, config.batch.bytes, config.batch.wait.as_millis()), (1024, 1 << 20, 20));
    let hook = &config.hooks[0];
    assert_eq!(
        (hook.memory_bytes, hook.enabled, hook.required, hook.on_error),
        (32 << 20, true, false, OnError::DeadLetter)
    );
    let ms = [hook.deadlines.process, hook.deadlines.init, hook.deadlines.tick, hook.deadlines.teardown];
    assert_eq!(ms.map(|time| time.as_millis()), [50, 1000, 50, 200]);
    assert_eq!((hook.grant.clone(), hook.config.as_str()), (Grant::default(), "{}"));
    assert!(config.data_dir.ends_with("hookaroon-data"));
}

#[test]
fn each_error_names_its_place_and_the_remedy() {
    let cases = [
        (
            "memory = \"1TB\"",
            "10:10: hook \"h\": memory is no size; write for example \"32MiB\", or a number of bytes",
        ),
        ("memory = \"1KiB\"", "10:10: hook \"h\": memory is 1KiB; 64KiB to 4GiB is allowed"),
        (
            "deadline = 50",
            "10:12: hook \"h\": deadline is no time; write for example \"50ms\", \"1s\" or \"2m\"",
        ),
        ("enabled = \"yes\"", "10:11: hook \"h\": enabled is string; true or false is needed"),
        (
            "on_error = \"deadletter\"",
            "10:12: hook \"h\": on_error = \"deadletter\" is not known; did you mean \"dead_letter\"? (allowed: dead_letter, pass, drop, stop)",
        ),
        (
            "sha256 = \"ab\"",
            "10:10: hook \"h\": sha256 is not 64 hex digits; `sha256sum PLUGIN.wasm` prints them",
        ),
        (
            "follow = true",
            "10:1: hook \"h\": unknown key \"follow\"; allowed: name, plugin, sha256, enabled, from, match, memory, deadline, init_deadline, tick_deadline, teardown_deadline, on_error, required, when_open, cost, over_cost, max_share, cost_window, breaker, limits, recycle, grant, rollout, candidate, config",
        ),
        (
            "[hook.grant]\nreed = []",
            "11:1: hook \"h\": grant: unknown key \"reed\"; did you mean \"read\"? (allowed: read, write, drop, emit, imports)",
        ),
        (
            "[hook.config]\nx = { env = \"NONE\" }",
            "11:5: hook \"h\": config.x: the environment has no variable NONE",
        ),
        ("[hook.config]\nx = nan", "11:5: hook \"h\": config.x: JSON has no nan and no inf"),
        (
            "required = true\non_error = \"pass\"",
            "7:1: hook \"h\": on_error = \"pass\" would let events by that it did not process, and required = true forbids that",
        ),
    ];
    for (line, error) in cases {
        assert_eq!(read(&hook(line)).unwrap_err(), [error], "{line}");
    }
}

#[test]
fn what_only_all_parts_together_have_wrong_is_told() {
    assert_eq!(read("").unwrap_err().len(), 2);
    let twice = format!("{ENDS}{ENDS}");
    let errors = read(&twice).unwrap_err().join("\n");
    for part in [
        "7:1: there are two sources with the name \"in\"",
        "7:1: sources \"in\" and \"in\" both read standard input; one can",
        "10:1: there are two sinks with the name \"out\"",
        "10:1: sinks \"out\" and \"out\" write to the same place; one can",
    ] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
}

#[test]
fn a_hooks_config_becomes_json_and_keeps_its_numbers() {
    let text = "[hook.config]\nn = 9007199254740993\nf = 1e3\nhex = 0xff\nd = 2024-01-02\nlist = [1, { a = true }]\nsecret = { env = \"KEY\" }\n";
    let config = read(&hook(text)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&config.hooks[0].config).unwrap();
    assert_eq!(json["n"].to_string(), "9007199254740993");
    assert_eq!(
        (json["f"].as_f64(), json["hex"].as_u64(), json["d"].as_str()),
        (Some(1000.0), Some(255), Some("2024-01-02"))
    );
    assert_eq!((json["list"][1]["a"].as_bool(), json["secret"].as_str()), (Some(true), Some("value")));
    assert!(!format!("{:?}", config.hooks[0]).contains("value"), "secrets stay out of what is printed");
}

#[test]
fn the_limits_on_plugins_can_be_raised() {
    let config =
        read(&format!("[plugin_limits]\nfile_bytes = \"64MiB\"\ncpu_seconds = 120\n{ENDS}")).unwrap();
    assert_eq!(
        (config.plugin_limits.scan.file_bytes, config.plugin_limits.compile.cpu_seconds),
        (64 << 20, 120)
    );
    assert_eq!(config.plugin_limits.scan.functions, scan::Limits::DEFAULT.functions);
}

#[test]
fn dead_letters_are_bounded_and_kept_whole_unless_something_else_is_said() {
    let config = read(&hook("")).unwrap();
    assert_eq!(config.dead_letters, DeadLetters { max_bytes: 1 << 30, max_age: None, keep: Keep::Event });
    let table = |lines: &str| read(&format!("[dead_letters]\n{lines}\n{}", hook("")));
    let config = table("max_bytes = \"64MiB\"\nmax_age = \"720h\"\nkeep = \"hash\"").unwrap();
    let max_age = Some(Duration::from_secs(720 * 3600));
    assert_eq!(config.dead_letters, DeadLetters { max_bytes: 64 << 20, max_age, keep: Keep::Hash });
    for (line, told) in [
        ("max_bytes = \"1KiB\"", "2:13: dead_letters: max_bytes is 1KiB; 4KiB to"),
        ("max_age = \"30 days\"", "2:11: dead_letters: max_age is no time"),
        ("keep = \"events\"", "2:8: dead_letters: keep = \"events\" is not known; did you mean \"event\"?"),
    ] {
        let errors = table(line).unwrap_err();
        assert!(errors.len() == 1 && errors[0].starts_with(told), "{errors:?}");
    }
}

#[test]
fn nothing_listens_unless_it_is_asked_for_and_others_reach_it_only_safely() {
    use admin::Listen;
    assert_eq!(read(&hook("")).unwrap().admin, None);
    let table =
        |lines: &str| read(&format!("[admin]\n{lines}\n{}", hook(""))).map(|config| config.admin.unwrap());
    let tcp = |text: &str| Listen::Tcp(text.parse().unwrap());
    let default = table("").unwrap();
    assert_eq!((default.listen, default.metrics_listen, default.tls), (tcp("127.0.0.1:8650"), None, None));
    let Listen::Unix(path) = table("listen = \"unix:run/h.sock\"").unwrap().listen else { panic!() };
    assert!(path.is_absolute() && path.ends_with("run/h.sock"));
    for fine in [
        "listen = \"[::1]:0\"",
        "listen = \"0.0.0.0:1\"\ninsecure = true\nmetrics_listen = \"0.0.0.0:2\"",
        "listen = \"0.0.0.0:1\"\ntls = { cert = \"a.pem\", key = \"b.pem\" }",
    ] {
        assert!(table(fine).is_ok(), "{fine}");
    }
    for (lines, told) in [
        (
            "listen = \"0.0.0.0:1\"",
            "2:10: admin: listen = \"0.0.0.0:1\": others can reach that, and it would be plain HTTP; add tls =",
        ),
        (
            "metrics_listen = \"10.0.0.1:1\"",
            "2:18: admin: metrics_listen = \"10.0.0.1:1\": others can reach that",
        ),
        (
            "listen = \"localhost\"",
            "2:10: admin: listen = \"localhost\" is no address and port; write for example \"127.0.0.1:8650\"",
        ),
        ("listen = \"unix:\"", "2:10: admin: listen: the path is missing"),
        (
            "listen = \"unix:a\"\ntls = { cert = \"a\", key = \"b\" }",
            "2:10: admin: tls is for an address; a Unix socket has none",
        ),
        ("tls = { cert = \"a\" }", "2:7: admin: tls: key is missing"),
    ] {
        let errors = table(lines).unwrap_err();
        assert!(errors.len() == 1 && errors[0].starts_with(told), "{errors:?}");
    }
}

#[test]
fn the_data_directory_is_known_whatever_else_is_wrong() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("hookaroon.toml");
    let found = |text: &str| {
        fs::write(&file, text).unwrap();
        data_dir(&file, &|_| None)
    };
    assert_eq!(found("data_dir = \"here\"\nnothing = right\n[["), dir.path().join("here"));
    assert_eq!(found("workers = 1"), dir.path().join("hookaroon-data"));
    assert_eq!(
        data_dir(&file, &|name| (name == "STATE_DIRECTORY").then(|| "/state".to_owned())),
        PathBuf::from("/state")
    );
}

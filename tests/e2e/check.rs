//! `check`: a hook's options against its plugin's schema, and the `[[test]]` cases of the configuration.

use serde_json::{Value, json};

use crate::support::{FILE_TO_FILE, Ran, Trial, hook};

/// A standard hook with these lines in its `[hook.config]`, which begins in line 15.
fn standard(plugin: &str, lines: &str) -> String {
    format!(
        "{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = {plugin:?}\ngrant = {{ read = [\"*\"], write = [\"*\"], drop = true }}\n[hook.config]\n{lines}"
    )
}

const REDACT: &str = "[[hook]]\nname = \"redact\"\nplugin = \"redact\"\ngrant = { read = [\"message\"], write = [\"message\"] }\n[hook.config]\npatterns = [\"email\"]\n";

fn stdout(ran: &Ran) -> &str {
    std::str::from_utf8(&ran.stdout).unwrap()
}

fn json_of(trial: &Trial, config: &str) -> (Option<i32>, Value) {
    trial.write("hookaroon.toml", config);
    let ran = trial.ended(trial.command(["check", "--json"]).output().unwrap());
    (ran.code, serde_json::from_slice(&ran.stdout).unwrap())
}

#[test]
fn what_is_wrong_with_a_hooks_options_is_told_at_once_with_line_and_column() {
    let lines = "patern = [\"email\"]\nfields = \"message\"\nhash = { kye = \"k\" }\nregexes = { a = 1 }\n";
    let trial = Trial::with_input("{}\n");
    let errors = [
        "hookaroon.toml:15:1: hook \"h\": config.patern: unknown key; did you mean \"patterns\"? (allowed: ",
        "hookaroon.toml:16:10: hook \"h\": config.fields is \"message\"; a list is needed: The fields that are looked at.",
        "hookaroon.toml:17:1: hook \"h\": config.hash.key: this is missing: The key of the hash",
        "hookaroon.toml:17:10: hook \"h\": config.hash.kye: unknown key; did you mean \"key\"?",
        "hookaroon.toml:18:17: hook \"h\": config.regexes.a is 1; a text is needed",
    ];
    let ran = trial.check(&standard("redact", lines));
    assert_eq!(ran.code, Some(78));
    ran.says(&errors);
    assert_eq!(ran.stderr.lines().count(), errors.len(), "{}", ran.stderr);
    // A run says the same, before anything is started.
    let run = trial.run(&standard("redact", lines));
    assert_eq!((run.code, run.stderr), (Some(78), ran.stderr));
    let (code, report) = json_of(&trial, &standard("redact", lines));
    assert_eq!((code, &report["ok"]), (Some(78), &json!(false)));
    assert_eq!(report["errors"].as_array().unwrap().len(), errors.len());
}

#[test]
fn options_that_are_missing_or_not_among_the_words_name_what_is_needed() {
    let ran = Trial::new().check(&standard("enrich", "format = \"yaml\"\ntable = 5\noverwrite = \"yes\"\n"));
    ran.says(&[
        "hookaroon.toml:14:1: hook \"h\": config.by: this is missing: The event's field that is looked up.",
        "hookaroon.toml:15:10: hook \"h\": config.format is \"yaml\"; that is not known; allowed: ",
        "hookaroon.toml:16:9: hook \"h\": config.table is 5; a text or a list is needed",
        "hookaroon.toml:17:13: hook \"h\": config.overwrite is \"yes\"; true or false is needed",
    ]);
    // Without any [hook.config] the place is the hook.
    let bare = format!("{FILE_TO_FILE}[[hook]]\nname = \"h\"\nplugin = \"sample\"\n");
    Trial::new().check(&bare).says(&["hookaroon.toml:10:1: hook \"h\": config.by: this is missing"]);
}

#[test]
fn a_bare_number_where_a_share_is_needed_names_both_that_it_could_mean() {
    let trial = Trial::with_input("");
    for (keep, told) in [
        ("0.5", "config.keep is 0.5; it could mean \"0.5%\" or \"50%\""),
        ("5", "config.keep is 5; it could mean \"5%\" or \"500%\""),
        ("\"0.5\"", "\"0.5\" is no share; write for example \"5%\"\n"),
    ] {
        let ran = trial.check(&standard("sample", &format!("keep = {keep}\nby = \"id\"")));
        assert_eq!(ran.code, Some(78));
        ran.says(&[told]);
    }
}

#[test]
fn texts_that_the_host_puts_in_are_checked_as_texts_and_never_shown() {
    let trial = Trial::new();
    trial.write("secret.txt", "hunter2");
    let lines = "patterns = { file = \"secret.txt\" }\nreplacement = { file = \"secret.txt\" }\n";
    let ran = trial.check(&standard("redact", lines));
    ran.says(&["hookaroon.toml:15:12: hook \"h\": config.patterns: a list is needed"]);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
}

#[test]
fn cases_that_come_out_as_expected_are_ok_and_need_no_input() {
    let trial = Trial::new();
    trial.write("in.ndjson", "{\"n\":1,\"message\":\"a@b.example\"}\nplain text of c@d.example\n");
    trial.write("out.ndjson", "{\"n\":1,\"message\":\"[email]\"}\n{\"message\":\"plain text of [email]\"}\n");
    let ran = trial.check(&format!(
        "{FILE_TO_FILE}{REDACT}[[test]]\nname = \"mail goes\"\nevents = ['{{\"message\": \"x@y.example\", \"k\": 1.0}}']\n\
         expect.out = ['{{\"message\": \"[email]\", \"k\": 1.0}}']\n\
         [[test]]\nname = \"from files\"\nsource = \"in\"\nevents = {{ file = \"in.ndjson\" }}\nexpect.out = {{ file = \"out.ndjson\" }}\n"
    ));
    assert_eq!(ran.code, Some(0), "{}{}", stdout(&ran), ran.stderr);
    assert!(stdout(&ran).contains("test \"mail goes\": ok"), "{}", stdout(&ran));
    assert!(stdout(&ran).contains("test \"from files\": ok"), "{}", stdout(&ran));
    assert!(trial.read("out.ndjson").ends_with(b"plain text of [email]\"}\n"), "no sink was written");
}

#[test]
fn a_case_that_differs_shows_the_events_and_the_fields_with_file_and_line_and_ends_with_3() {
    let trial = Trial::new();
    let config = format!(
        "{FILE_TO_FILE}{REDACT}[[test]]\nname = \"mail\"\nevents = ['{{\"n\":1}}', '{{\"n\":2,\"message\":\"a@b.example\"}}']\n[test.expect]\n\
         out = ['{{\"n\":1}}', '{{\"n\":2,\"message\":\"[mail]\"}}', '{{\"n\":3}}']\n"
    );
    let ran = trial.check(&config);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let text = stdout(&ran);
    for part in [
        "hookaroon.toml: 1 of 1 tests differ",
        "hookaroon.toml:16: test \"mail\": not as expected",
        "hookaroon.toml:20: sink \"out\": 3 events expected (-), 2 came (+)",
        "    {\"n\":1}\n",
        "  - {\"n\":2,\"message\":\"[mail]\"}\n  + {\"n\":2,\"message\":\"[email]\"}\n      message: \"[mail]\" expected, \"[email]\" came\n",
        "  - {\"n\":3}\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let (code, report) = json_of(&trial, &config);
    assert_eq!((code, &report["ok"]), (Some(3), &json!(false)));
    let difference = &report["tests"][0]["differences"][0];
    assert_eq!((&difference["what"], &difference["sink"]), (&json!("sink"), &json!("out")));
    assert_eq!(difference["actual"], json!(["{\"n\":1}", "{\"n\":2,\"message\":\"[email]\"}"]));
}

#[test]
fn drops_are_counted_by_reason_and_unexpected_dead_letters_are_a_difference() {
    let trial = Trial::new();
    let hooks = hook("half", "", "drop", "n = 2")
        + &hook("fails", "match = \"n == 3\"", "error", "text = \"no\"")
        + "[[sink]]\nname = \"errors\"\ntype = \"stdout\"\nmatch = \"level == error\"\n";
    let case =
        "[[test]]\nname = \"t\"\nevents = ['{\"n\":1}', '{\"n\":2}', '{\"n\":3}']\nexpect.errors = []\n";
    let ran = trial.check(&format!("{FILE_TO_FILE}{hooks}{case}dropped = {{ \"hook:half\" = 2 }}\n"));
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let text = stdout(&ran);
    assert!(text.contains("  dropped: hook:half: 2 expected, 1 counted\n"), "{text}");
    assert!(text.contains("  dead_letters: fails: 0 expected, 1 counted\n"), "{text}");
    assert!(text.contains("hook \"fails\" failed: error: "), "{text}");
    let right = "dropped = { \"hook:half\" = 1 }\ndead_letters = { fails = 1 }\n";
    let ran = trial.check(&format!("{FILE_TO_FILE}{hooks}{case}{right}"));
    assert_eq!(ran.code, Some(0), "{}", stdout(&ran));
    assert!(trial.dead_letters("fails").is_empty(), "they are not written");
}

#[test]
fn each_case_meets_fresh_hooks_at_its_own_time_and_their_last_events_come_at_the_end() {
    let trial = Trial::new();
    let hooks = hook("count", "", "count", "write = [{ path = \"seen\", kind = \"integer\" }]")
        + &hook("last", "", "emit", "in = \"teardown\"\ntext = \"bye\"");
    let sink = "[[sink]]\nname = \"timed\"\ntype = \"stdout\"\nfrom = [\"in\"]\ninclude = [\"%received\", \"%host\", \"%stream\"]\n";
    let case = |name: &str, more: &str| {
        format!(
            "[[test]]\nname = {name:?}\nevents = ['{{}}']\n{more}expect.out = ['{{\"seen\":1}}', '{{\"emitted\":\"bye\"}}']\n"
        )
    };
    let timed = |ns: u64| {
        format!(
            "expect.timed = ['{{\"seen\":1,\"%received\":{ns},\"%host\":\"localhost\",\"%stream\":\"rehearsal\"}}']\n"
        )
    };
    let config = format!(
        "workers = 4\n{FILE_TO_FILE}{hooks}{sink}{}{}{}{}{}",
        case("a", ""),
        timed(1_767_225_600_000_000_000),
        case("b", "now = 2001-09-09T01:46:40Z\n"),
        timed(1_000_000_000_000_000_000),
        case("c", "now = \"2001-09-09T03:46:40+02:00\"\n"),
    );
    let ran = trial.check(&config);
    assert_eq!(ran.code, Some(0), "{}{}", stdout(&ran), ran.stderr);
}

#[test]
fn what_is_wrong_with_a_case_is_told_with_its_place() {
    let trial = Trial::new();
    let ran = trial.check(&format!(
        "{FILE_TO_FILE}[[test]]\nname = \"t\"\nsorce = \"in\"\nsource = \"im\"\nevents = [1, \"a\\nb\"]\nnow = 2026-01-01\n\
         dropped = {{ \"hook:x\" = 1, unrouted = \"all\" }}\nexpect.uot = []\n[[test]]\nname = \"t\"\nevents = {{ file = \"none\" }}\n[[test]]\n"
    ));
    assert_eq!(ran.code, Some(78));
    ran.says(&[
        "hookaroon.toml:12:1: test \"t\": unknown key \"sorce\"; did you mean \"source\"?",
        "hookaroon.toml:13:10: test \"t\": there is no source \"im\"; did you mean \"in\"?",
        "hookaroon.toml:14:11: test \"t\": events: an event is a text",
        "hookaroon.toml:14:14: test \"t\": events: an event is one line",
        "hookaroon.toml:15:7: test \"t\": now is no time since 1970 with its zone",
        "there is no reason to drop \"hook:x\"; allowed: unrouted",
        "dropped.unrouted: a count is needed",
        "test \"t\": there is no sink \"uot\"; did you mean \"out\"?",
        "there are two tests with the name \"t\"",
        "events: cannot read",
        "test \"t\": it expects nothing",
        "test: name is missing",
        "test: events is missing",
    ]);
}

#[test]
fn a_hook_that_stops_the_run_ends_its_case_and_the_others_go_on() {
    let trial = Trial::new();
    let hooks = hook("stops", "on_error = \"stop\"\nmatch = \"bad exists\"", "trap", "");
    let case = |name: &str, event: &str| {
        format!("[[test]]\nname = {name:?}\nevents = ['{event}']\nexpect.out = ['{event}']\n")
    };
    let ran = trial.check(&format!(
        "{FILE_TO_FILE}{hooks}{}{}",
        case("first", "{\"bad\":1}"),
        case("second", "{\"good\":1}")
    ));
    assert_eq!(ran.code, Some(3));
    let text = stdout(&ran);
    assert!(text.contains("  it stopped: hook \"stops\" failed and has on_error = \"stop\": trap"), "{text}");
    assert!(text.contains("test \"second\": ok"), "{text}");
}

//! Who may do what, and what nobody is shown.

use serde_json::json;

use super::other_version;
use crate::support::run::{Run, stamp};

#[test]
fn whoever_operates_moves_hooks_about_and_only_an_admin_brings_plugins_and_grants() {
    let mut run = Run::start_admin(&stamp("a", "1"));
    run.trial.write("b.toml", stamp("b", "1"));
    run.trial.write("a2.wasm", other_version());
    run.pass(1);
    let admin_only = [
        &["hooks", "load", "b.toml"][..],
        &["hooks", "swap", "a", "a2.wasm"],
        &["hooks", "swap", "a", "a2.wasm", "--shadow"],
        &["hooks", "set", "a", "deadline=20ms"],
        &["hooks", "set", "a", "rollout.share=5%", "grant.drop=true"],
    ];
    let operate = [
        &["hooks", "set", "a", "rollout.share=100%"][..],
        &["hooks", "pause", "a"],
        &["hooks", "resume", "a"],
        &["hooks", "move", "a", "--first"],
        &["hooks", "reload", "a"],
        &["hooks", "revert", "a"],
        &["config", "reload"],
    ];
    for arguments in admin_only.iter().chain(&operate) {
        for role in ["read", "tap"] {
            let ran = run.ask_as(role, arguments);
            assert_eq!(ran.code, Some(1), "{arguments:?}");
            ran.says(&["and the token has the role"]);
            assert_eq!(run.audit().last().unwrap()["result"], "refused");
        }
    }
    for arguments in admin_only {
        let ran = run.ask_as("operate", arguments);
        assert_eq!(ran.code, Some(1), "{arguments:?}");
        ran.says(&["this needs the role admin, and the token has the role operate"]);
        let line = run.audit().pop().unwrap();
        assert_eq!((&line["result"], &line["who"]), (&json!("refused"), &json!("operate")), "{line}");
    }
    for arguments in operate {
        let ran = run.ask_as("operate", arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    }
    // What an admin has taken away, nobody else gives back.
    run.tell(&["hooks", "set", "a", "deadline=20ms"]);
    run.ask_as("operate", &["hooks", "revert", "a"]).says(&["this needs the role admin"]);
    run.pass(1);
    run.end();
}

#[test]
fn a_secret_that_is_sent_along_is_nowhere_shown_and_still_known_after_a_restart() {
    let mut run = Run::start_admin("");
    let secret = "hunter2";
    run.trial.write("key", secret);
    run.trial.write("s.toml", stamp("s", "1").replace("text = \"1\"", "text = { file = \"key\" }"));
    run.tell(&["hooks", "load", "s.toml"]);
    run.tell(&["hooks", "set", "s", "config.after={ file = \"key\" }"]);
    run.pass(1);
    for arguments in [
        &["hooks", "list"][..],
        &["hooks", "show", "s"],
        &["hooks", "show", "s", "--json"],
        &["config", "diff"],
        &["config", "diff", "--json"],
    ] {
        let text = run.tell(arguments);
        assert!(!text.contains(secret), "{arguments:?}: {text}");
    }
    let ran = run.ask(&["hooks", "show", "s", "--json"]);
    assert!(String::from_utf8(ran.stdout).unwrap().contains("(hidden)"));
    let audit = String::from_utf8(run.trial.read("hookaroon-data/audit.ndjson")).unwrap();
    assert!(!audit.contains(secret) && !run.log().contains(secret));
    assert!(!run.log().contains(secret));
    // The API's own telling of the configuration.
    let address = String::from_utf8(run.trial.read("hookaroon-data/admin-address")).unwrap();
    let token = String::from_utf8(run.trial.read("hookaroon-data/admin-token")).unwrap();
    let request = crate::admin::http::request("GET", "/api/v1/config", Some(token.trim()), &[], b"");
    let mut stream = crate::admin::http::connect(address.lines().next().unwrap());
    std::io::Write::write_all(&mut stream, &request).unwrap();
    let config = String::from_utf8(crate::admin::http::rest(stream)).unwrap();
    assert!(config.contains("(hidden)") && !config.contains(secret), "{config}");
    let expected = "{\"n\":0,\"s\":\"hunter2\"}";
    let trial = run.stop();
    let mut run = Run::start_admin_in(trial, "");
    run.pass(1);
    assert!(!run.tell(&["hooks", "show", "s"]).contains(secret));
    let ran = run.end();
    assert_eq!(ran.lines(), [expected, "{\"n\":1,\"s\":\"hunter2\"}"], "{}", ran.stderr);
}

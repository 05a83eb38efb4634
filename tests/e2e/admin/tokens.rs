//! Tokens, and what was done with them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::{Value, json};

use super::http::{Host, roles};
use crate::support::Trial;

fn mode(trial: &Trial, name: &str) -> u32 {
    fs::metadata(trial.path(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_makes_a_token_for_each_role_that_this_user_alone_may_read() {
    let host = Host::start("", "");
    for file in ["tokens.toml", "admin-token", "admin-address"] {
        assert_eq!(mode(&host.trial, &format!("hookaroon-data/{file}")), 0o600, "{file}");
    }
    let admin = String::from_utf8(host.trial.read("hookaroon-data/admin-token")).unwrap();
    assert_eq!(admin.trim(), host.token("admin"));
    for role in roles() {
        let token = host.token(role);
        assert_eq!(token.len(), 4 + 43);
        assert_eq!(host.get("/api/v1/hooks", Some(&token)).status, 200);
    }
    let first = host.trial.read("hookaroon-data/tokens.toml");
    let (ran, trial) = host.end_and_keep();
    assert!(
        ran.stderr.contains("there were no tokens, so there are four now") && !ran.stderr.contains("hka_")
    );
    // A second start keeps them.
    let host = Host::start_in(trial, "", "");
    assert_eq!(host.trial.read("hookaroon-data/tokens.toml"), first);
    assert!(!host.end().stderr.contains("there were no tokens"));
}

#[test]
fn a_change_to_the_file_holds_from_the_next_request_on() {
    let host = Host::start("", "");
    let (read, admin) = (host.token("read"), host.token("admin"));
    let file = host.trial.path("hookaroon-data/tokens.toml");
    let whole = fs::read_to_string(&file).unwrap();
    let status = |token: &str| host.get("/api/v1/audit", Some(token)).status;
    assert_eq!((status(&read), status(&admin)), (403, 200));
    fs::write(&file, whole.replacen("role = \"read\"", "role = \"admin\"", 1)).unwrap();
    assert_eq!(status(&read), 200);
    // What cannot be read lets nobody in, and says nothing about itself to who asks.
    fs::write(&file, whole.replace("role", "roll")).unwrap();
    let answer = host.get("/api/v1/hooks", Some(&admin));
    assert_eq!((answer.status, answer.code().as_str()), (503, "no_tokens"));
    fs::write(&file, &whole).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(status(&admin), 503);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(status(&admin), 200);
    let ran = host.end();
    ran.says(&["tokens.toml: line", "others than its owner may read it (mode 644)"]);
}

#[test]
fn tokens_that_others_had_a_hand_in_are_refused_at_the_start() {
    for spoil in [
        |trial: &Trial| symlink("/dev/null", trial.path("hookaroon-data/tokens.toml")).unwrap(),
        |trial: &Trial| {
            trial.write("hookaroon-data/tokens.toml", "");
            fs::set_permissions(trial.path("hookaroon-data/tokens.toml"), fs::Permissions::from_mode(0o640))
                .unwrap();
        },
        |trial: &Trial| fs::create_dir(trial.path("hookaroon-data/tokens.toml")).unwrap(),
    ] {
        let trial = Trial::with_input("{\"a\":1}\n");
        fs::create_dir(trial.path("hookaroon-data")).unwrap();
        spoil(&trial);
        let ran = trial.run(&format!("{}[admin]\nlisten = \"127.0.0.1:0\"\n", crate::support::FILE_TO_FILE));
        assert_eq!((ran.code, ran.out.len()), (Some(1), 0), "{}", ran.stderr);
        ran.says(&["error: [admin]: cannot read", "tokens.toml: "]);
    }
}

#[test]
fn tokens_are_made_and_revoked_while_a_run_goes_on_and_all_of_it_is_in_the_audit_log() {
    let host = Host::start("", "");
    let ask = |arguments: &[&str]| {
        let output = host.trial.command(arguments).output().unwrap();
        (host.trial.ended(output.clone()).code, String::from_utf8(output.stdout).unwrap())
    };
    let (code, made) = ask(&["token", "create", "ci", "--role", "operate"]);
    assert_eq!(code, Some(0));
    assert_eq!(host.get("/api/v1/hooks", Some(made.trim())).status, 200);
    assert_eq!(ask(&["token", "create", "ci", "--role", "read"]).0, Some(2));
    let (_, list) = ask(&["token", "list"]);
    assert!(list.contains("ci       operate\n") && !list.contains("hka_"), "{list}");
    let text = String::from_utf8(host.trial.read("hookaroon-data/tokens.toml")).unwrap();
    assert!(!text.contains(made.trim()), "only its digest is kept");

    let admin = host.token("admin");
    let revoke = |token: Option<&str>, query: &str| {
        host.ask("DELETE", &format!("/api/v1/tokens/ci{query}"), token, &[], b"")
    };
    assert_eq!(revoke(None, "").status, 401);
    assert_eq!(revoke(Some(made.trim()), "").status, 403);
    let answer = revoke(Some(&admin), "?dry_run=true");
    let ci = json!({ "name": "ci", "role": "operate" });
    assert_eq!(answer.json(), json!({ "target": "ci", "dry_run": true, "before": ci, "after": null }));
    assert_eq!(host.get("/api/v1/hooks", Some(made.trim())).status, 200);
    assert_eq!(revoke(Some(&admin), "").json()["dry_run"], false);
    assert_eq!(host.get("/api/v1/hooks", Some(made.trim())).status, 401);
    assert_eq!(revoke(Some(&admin), "").status, 404);

    let entries = host.audit();
    let told: Vec<String> = entries
        .iter()
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {}",
                text("who"),
                text("action"),
                text("target"),
                entry["dry_run"],
                text("result")
            )
        })
        .collect();
    let user = format!("user {}", rustix::process::getuid().as_raw());
    assert_eq!(
        told,
        [
            format!("{user} createToken ci false done"),
            format!("{user} createToken ci false failed"),
            "- revokeToken ci false refused".to_owned(),
            "ci revokeToken ci false refused".to_owned(),
            "admin revokeToken ci true done".to_owned(),
            "admin revokeToken ci false done".to_owned(),
            "admin revokeToken ci false failed".to_owned(),
        ]
    );
    assert_eq!((&entries[5]["before"], &entries[5]["role"]), (&ci, &json!("admin")));
    assert!(entries[5]["from"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(mode(&host.trial, "hookaroon-data/audit.ndjson"), 0o600);
    assert!(!host.trial.read("hookaroon-data/audit.ndjson").windows(4).any(|bytes| bytes == b"hka_"));
    host.end();
}

#[test]
fn what_cannot_be_written_down_is_not_changed() {
    let host = Host::start("", "");
    let admin = host.token("admin");
    fs::create_dir(host.trial.path("hookaroon-data/audit.ndjson")).unwrap();
    let answer = host.ask("DELETE", "/api/v1/tokens/tap", Some(&admin), &[], b"");
    assert_eq!((answer.status, answer.code().as_str()), (503, "no_audit"));
    assert_eq!(host.get("/api/v1/hooks", Some(&host.token("tap"))).status, 200);
    let output = host.trial.command(["token", "revoke", "tap"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(host.get("/api/v1/hooks", Some(&host.token("tap"))).status, 200);
    fs::remove_dir(host.trial.path("hookaroon-data/audit.ndjson")).unwrap();
    assert_eq!(host.ask("DELETE", "/api/v1/tokens/tap", Some(&admin), &[], b"").status, 200);
    assert_eq!(host.audit().len(), 1);
    host.end();
}

#[test]
fn refusals_do_not_fill_the_disk() {
    let host = Host::start("", "");
    for _ in 0..200 {
        assert_eq!(host.ask("DELETE", "/api/v1/tokens/tap", None, &[], b"").status, 401);
    }
    assert_eq!(host.ask("DELETE", "/api/v1/tokens/tap", Some(&host.token("admin")), &[], b"").status, 200);
    let entries = host.audit();
    let written = entries.iter().filter(|entry| entry["result"] == "refused").count() as u64;
    let unwritten: u64 = entries.iter().filter_map(|entry| entry["unwritten_refusals"].as_u64()).sum();
    assert_eq!(written + unwritten, 200);
    assert!(unwritten > 0, "{written}");
    assert_eq!(entries.last().unwrap()["result"], Value::from("done"));
    host.end();
}

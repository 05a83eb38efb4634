//! The API, asked what its own description allows and forbids, by a fuzzer that reads it (schemathesis).
//!
//! It is seeded and bounded. `make test-peers` installs it. A tap goes on until it is ended and a
//! token that is revoked may be its own, so these two are left out; other tests ask them.

use std::path::Path;
use std::process::Command;

use super::page::hooks;
use crate::admin::http::{Host, openapi};
use crate::support::numbered;

/// What each answer is held against: never a 5xx, none without a token where one is needed, and all as described.
const CHECKS: &str = "not_a_server_error,ignored_auth,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,use_after_free";

/// Random cases for each operation, beside those that cover its description.
const CASES: &str = "25";

#[test]
fn whatever_is_asked_is_answered_as_described_and_never_with_a_fault() {
    let mut host = Host::start("", &hooks());
    host.send(&numbered(100));
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers/fuzz/bin/schemathesis");
    let program = program
        .canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}; `make test-peers` installs it", program.display()));
    host.trial.write("openapi.json", openapi().to_string());
    // Half of what it does is done to a hook that is there.
    host.trial.write("schemathesis.toml", "[parameters]\n\"path.name\" = [\"stamps\", \"nobody\"]\n");
    let mut command = Command::new(program);
    command.current_dir(host.trial.dir.path());
    command.args(["run", "openapi.json", "--url", &host.url(), "--checks", CHECKS, "--max-examples", CASES]);
    command.args(["--seed", "1", "--generation-database", "none", "--exclude-operation-id", "tapEvents"]);
    command.args(["--exclude-operation-id", "revokeToken"]);
    command.args(["--no-color", "-H", &format!("Authorization: Bearer {}", host.token("admin"))]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // Its token was good to the end, and the run goes on.
    assert_eq!(host.get("/api/v1/audit", Some(&host.token("admin"))).status, 200);
    assert_eq!(host.get("/health/ready", None).status, 200);
    host.end();
}

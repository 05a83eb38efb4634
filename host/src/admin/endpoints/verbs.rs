//! What is done with a hook that is there, without another plugin or other settings.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{FOR, What, body, control, needs, planned};
use crate::admin::endpoint::{
    Access, BODY_PATIENCE, Body, Call, Change, Content, Endpoint, Kind, Parameter, Run,
};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::hook::load::hex;
use crate::live::HookView;
use crate::live::overlay::Position;

/// The keys that whoever operates may set: which share of the events a hook or its candidate is handed.
pub(super) const SHARES: [&str; 2] = ["rollout.share", "candidate.share"];

const TO: Parameter = Parameter {
    name: "to",
    kind: Kind::Text,
    doc: "The version to go back to, as the start of its SHA-256; by default the one that was at work before.",
};

const fn verb(
    method: Method,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    query: &'static [Parameter],
    body: Option<Body>,
    run: fn(&Call) -> Result<Change, Problem>,
) -> Endpoint {
    Endpoint {
        method,
        path,
        id,
        summary,
        access: Access::Role(Role::Operate),
        query,
        body,
        answer: Content::Json("Change"),
        fails: &[404, 409],
        run: Run::Change(run),
    }
}

pub(in crate::admin) static UNLOAD: Endpoint = verb(
    Method::DELETE,
    "/api/v1/hooks/{name}",
    "unloadHook",
    "Takes a hook out of the chain: its last events come out, its memory is given back.",
    &[FOR],
    None,
    unload,
);

pub(in crate::admin) static PAUSE: Endpoint = verb(
    Method::POST,
    "/api/v1/hooks/{name}/pause",
    "pauseHook",
    "Lets events pass a hook by; its instances and what they remember stay.",
    &[FOR],
    None,
    pause,
);

pub(in crate::admin) static RESUME: Endpoint = verb(
    Method::POST,
    "/api/v1/hooks/{name}/resume",
    "resumeHook",
    "Hands events to a paused hook again.",
    &[],
    None,
    resume,
);

pub(in crate::admin) static PROMOTE: Endpoint = verb(
    Method::POST,
    "/api/v1/hooks/{name}/promote",
    "promoteHook",
    "Lets the version that is tried beside a hook take over, with what it remembers.",
    &[FOR],
    None,
    promote,
);

pub(in crate::admin) static ROLLBACK: Endpoint = verb(
    Method::POST,
    "/api/v1/hooks/{name}/rollback",
    "rollbackHook",
    "Ends what is tried beside a hook, or goes back to an earlier version, which is kept in data_dir.",
    &[TO, FOR],
    None,
    rollback,
);

pub(in crate::admin) static RELOAD: Endpoint = verb(
    Method::POST,
    "/api/v1/hooks/{name}/reload",
    "reloadHook",
    "Reads a hook's plugin again from where it lies, and lets it take over.",
    &[],
    None,
    reload,
);

pub(in crate::admin) static REVERT: Endpoint = verb(
    Method::POST,
    "/api/v1/hooks/{name}/revert",
    "revertHook",
    "Forgets what operators changed about a hook: it is as the files say. Needs admin where other keys than a share were set.",
    &[],
    None,
    revert,
);

pub(in crate::admin) static MOVE: Endpoint = verb(
    Method::POST,
    "/api/v1/hooks/{name}/move",
    "moveHook",
    "Gives a hook another place in the chain.",
    &[FOR],
    Some(Body {
        types: &["application/json"],
        most: 1 << 10,
        patience: BODY_PATIENCE,
        doc: "Where to: {\"before\": NAME}, {\"after\": NAME}, {\"first\": true} or {\"last\": true}.",
    }),
    move_to,
);

/// Where a hook is to go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    first: bool,
    #[serde(default)]
    last: bool,
}

/// A hook that is at work; none: it is not, or there is none of this name.
fn at_work(call: &Call) -> Option<HookView> {
    call.state.view().hooks.iter().find(|hook| hook.hook.name == call.path("name")).cloned()
}

/// The version that is at work.
pub(super) fn version(call: &Call) -> Value {
    at_work(call).map_or(Value::Null, |hook| json!({ "version": hex(&hook.plugin.sha256) }))
}

fn what(call: &Call, before: Value, after: Value) -> What {
    What { target: call.path("name").to_owned(), before, after, digest: None }
}

fn unload(call: &Call) -> Result<Change, Problem> {
    let name = call.path("name").to_owned();
    planned(call, what(call, version(call), Value::Null), move |control, order| control.unload(&name, order))
}

fn paused(call: &Call) -> Value {
    at_work(call).map_or(Value::Null, |hook| json!({ "paused": hook.hook.is_paused }))
}

fn pause(call: &Call) -> Result<Change, Problem> {
    let name = call.path("name").to_owned();
    let what = what(call, paused(call), json!({ "paused": true }));
    planned(call, what, move |control, order| control.pause(&name, order))
}

fn resume(call: &Call) -> Result<Change, Problem> {
    let name = call.path("name").to_owned();
    let what = what(call, paused(call), json!({ "paused": false }));
    planned(call, what, move |control, order| control.resume(&name, order))
}

fn promote(call: &Call) -> Result<Change, Problem> {
    let name = call.path("name").to_owned();
    let digest = at_work(call).and_then(|hook| Some(hex(&hook.candidate?.plugin.sha256)));
    let after = json!({ "version": digest });
    let what = What { digest, ..what(call, version(call), after) };
    planned(call, what, move |control, order| control.promote(&name, order))
}

fn rollback(call: &Call) -> Result<Change, Problem> {
    let (name, to) = (call.path("name").to_owned(), call.text(TO.name).map(str::to_owned));
    let earlier = control(call).earlier(&name, to.as_deref()).map_err(super::order::problem)?;
    let what = match earlier {
        Some(version_to) => {
            let after = json!({ "version": version_to.sha256 });
            What { digest: Some(version_to.sha256), ..what(call, version(call), after) }
        }
        None => {
            let tried = at_work(call).and_then(|hook| Some(hex(&hook.candidate?.plugin.sha256)));
            what(call, json!({ "candidate": tried }), json!({ "candidate": null }))
        }
    };
    planned(call, what, move |control, order| control.rollback(&name, to.as_deref(), order))
}

fn reload(call: &Call) -> Result<Change, Problem> {
    let name = call.path("name").to_owned();
    let from = at_work(call).map(|hook| hook.hook.plugin.to_string());
    let what = what(call, version(call), json!({ "read_from": from }));
    planned(call, what, move |control, order| control.reload(&name, order))
}

fn revert(call: &Call) -> Result<Change, Problem> {
    const WHOLE: [&str; 6] = ["loaded", "unloaded", "swapped", "candidate", "paused", "moved"];
    let name = call.path("name").to_owned();
    let changes = control(call).changes(&name);
    // Who may not set a key may not take its value back either: what is there may be less than the files grant.
    let is_of_operators = |key: &str| WHOLE.contains(&key) || SHARES.contains(&key);
    if !changes.iter().all(|change| is_of_operators(&change.what)) {
        needs(call, Role::Admin)?;
    }
    let before = serde_json::to_value(changes).map_err(Problem::internal)?;
    planned(call, what(call, before, json!([])), move |control, order| control.revert(&name, order))
}

fn move_to(call: &Call) -> Result<Change, Problem> {
    let Place { before, after, first, last } = body(call)?;
    let position = match (before, after, first, last) {
        (Some(name), None, false, false) => Position::Before(name),
        (None, Some(name), false, false) => Position::After(name),
        (None, None, true, false) => Position::First,
        (None, None, false, true) => Position::Last,
        _ => {
            return Err(Problem::invalid(
                "the body names not exactly one place",
                "send one of before, after, first and last",
            ));
        }
    };
    let name = call.path("name").to_owned();
    let view = call.state.view();
    let order: Vec<&str> = view.config.hooks.iter().map(|hook| hook.name.as_str()).collect();
    let what = what(call, json!({ "order": order }), json!({ "place": position }));
    planned(call, what, move |control, order| control.place(&name, &position, order))
}

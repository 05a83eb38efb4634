//! The versions of a hook: those that are kept, and the one that is tried beside it.

use axum::http::Method;
use serde_json::{Value, json};

use super::hooks::unknown;
use super::order::{control, problem};
use crate::admin::endpoint::{Access, Call, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::hook::load::{Plugin, hex};
use crate::metrics::HookMetrics;
use crate::summary::{self, Shadow};

pub(in crate::admin) static VERSIONS: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/hooks/{name}/versions",
    id: "listVersions",
    summary: "The versions of a hook's plugin that are kept, the newest last: what it can go back to.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("Versions"),
    fails: &[404],
    run: Run::Look(versions),
};

pub(in crate::admin) static CANDIDATE: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/hooks/{name}/candidate",
    id: "getCandidate",
    summary: "The version at work and the one that is tried beside it: what both did, and where they differ, with samples.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("Candidate"),
    fails: &[404],
    run: Run::Look(candidate),
};

fn versions(call: &Call) -> Result<Reply, Problem> {
    let (view, name) = (call.state.view(), call.path("name"));
    let kept = control(call).versions(name).map_err(problem)?;
    if kept.is_empty() && !view.config.hooks.iter().any(|hook| hook.name == name) {
        return Err(unknown(&view, name));
    }
    let now = view.hooks.iter().find(|hook| hook.hook.name == name).map(|hook| hex(&hook.plugin.sha256));
    let versions: Vec<Value> = kept
        .iter()
        .map(|version| {
            json!({
                "sha256": version.sha256,
                "from": version.from,
                "since": version.since,
                "tried": version.tried,
                "at_work": Some(&version.sha256) == now.as_ref(),
            })
        })
        .collect();
    Reply::json(&json!({ "name": name, "versions": versions }))
}

fn candidate(call: &Call) -> Result<Reply, Problem> {
    let (view, name) = (call.state.view(), call.path("name"));
    if !view.config.hooks.iter().any(|hook| hook.name == name) {
        return Err(unknown(&view, name));
    }
    let hook = view.hooks.iter().find(|hook| hook.hook.name == name);
    let Some((hook, tried)) = hook.and_then(|hook| Some((hook, hook.candidate.as_ref()?))) else {
        return Err(Problem::not_found(
            format!("nothing is tried beside hook {name:?}"),
            format!("`hookaroon hooks swap {name} FILE --share 5%` begins that"),
        ));
    };
    let differences = tried.metrics.differences().map(|differences| Shadow::new(differences));
    Reply::json(&json!({
        "name": name,
        "share": tried.hook.rollout.share.to_string(),
        "shadow": differences.is_some(),
        "stable": told(&hook.plugin, &hook.metrics),
        "candidate": told(&tried.plugin, &tried.metrics),
        "differences": differences,
    }))
}

fn told(plugin: &Plugin, metrics: &HookMetrics) -> Value {
    json!({ "sha256": hex(&plugin.sha256), "plugin": plugin.label, "counts": summary::Hook::new(metrics) })
}

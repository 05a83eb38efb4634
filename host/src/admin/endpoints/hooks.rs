//! The hooks: what they are and what they did.

use axum::http::Method;
use serde::Serialize;
use serde_json::json;

use crate::admin::endpoint::{Access, Call, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::admin::state::{Loaded, State};
use crate::config::{self, suggestion};
use crate::hook::load::hex;
use crate::summary::{self, Summary};

pub(in crate::admin) static LIST: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/hooks",
    id: "listHooks",
    summary: "All hooks in chain order: their plugins and what they did.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("Hooks"),
    fails: &[],
    run: Run::Look(list),
};

pub(in crate::admin) static ONE: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/hooks/{name}",
    id: "getHook",
    summary: "One hook: its plugin and what it did.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("Hook"),
    fails: &[404],
    run: Run::Look(one),
};

/// A hook as it is told.
#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    enabled: bool,
    /// Where it stands in the configuration.
    place: String,
    #[serde(flatten)]
    loaded: Option<Facts<'a>>,
    /// None: it is not in the chain.
    counts: Option<&'a summary::Hook>,
}

/// Its plugin, as it was loaded.
#[derive(Serialize)]
struct Facts<'a> {
    plugin: &'a str,
    sha256: String,
    plugin_bytes: u64,
}

fn told<'a>(index: usize, hook: &'a config::Hook, state: &'a State, summary: &'a Summary) -> Told<'a> {
    Told {
        name: &hook.name,
        enabled: hook.enabled,
        place: hook.place.to_string(),
        loaded: state.loaded.iter().find(|loaded| loaded.index == index).map(|Loaded { plugin, .. }| Facts {
            plugin: &plugin.label,
            sha256: hex(&plugin.sha256),
            plugin_bytes: plugin.size,
        }),
        counts: summary.hooks.iter().find(|counts| counts.name == hook.name),
    }
}

fn list(call: &Call) -> Result<Reply, Problem> {
    let state = &call.state;
    let summary = Summary::new(&state.metrics);
    let hooks = state.config.hooks.iter().enumerate();
    let hooks: Vec<_> = hooks.map(|(index, hook)| told(index, hook, state, &summary)).collect();
    Reply::json(&json!({ "hooks": hooks }))
}

fn one(call: &Call) -> Result<Reply, Problem> {
    let state = &call.state;
    let name = call.path("name");
    let mut hooks = state.config.hooks.iter().enumerate();
    let (index, hook) = hooks.find(|(_, hook)| hook.name == name).ok_or_else(|| unknown(state, name))?;
    Reply::json(&told(index, hook, state, &Summary::new(&state.metrics)))
}

/// There is no hook of this name.
fn unknown(state: &State, name: &str) -> Problem {
    let names: Vec<&str> = state.config.hooks.iter().map(|hook| hook.name.as_str()).collect();
    Problem::not_found(format!("there is no hook {name:?}"), suggestion(name, &names))
}

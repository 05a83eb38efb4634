//! The hooks: what they are and what they did.

use axum::http::Method;
use serde::Serialize;
use serde_json::json;

use crate::admin::endpoint::{Access, Call, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::config::{self, suggestion};
use crate::hook::load::hex;
use crate::live::{HookView, View};
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

fn told<'a>(hook: &'a config::Hook, view: &'a View, summary: &'a Summary) -> Told<'a> {
    let at_work = view.hooks.iter().find(|at_work| at_work.hook.name == hook.name);
    Told {
        name: &hook.name,
        enabled: hook.enabled,
        place: hook.place.to_string(),
        loaded: at_work.map(|HookView { plugin, .. }| Facts {
            plugin: &plugin.label,
            sha256: hex(&plugin.sha256),
            plugin_bytes: plugin.size,
        }),
        counts: summary.hooks.iter().find(|counts| counts.name == hook.name),
    }
}

fn list(call: &Call) -> Result<Reply, Problem> {
    let (view, summary) = (call.state.view(), Summary::new(&call.state.metrics));
    let hooks: Vec<_> = view.config.hooks.iter().map(|hook| told(hook, &view, &summary)).collect();
    Reply::json(&json!({ "hooks": hooks }))
}

fn one(call: &Call) -> Result<Reply, Problem> {
    let (view, name) = (call.state.view(), call.path("name"));
    let hook = view.config.hooks.iter().find(|hook| hook.name == name);
    let hook = hook.ok_or_else(|| unknown(&view, name))?;
    Reply::json(&told(hook, &view, &Summary::new(&call.state.metrics)))
}

/// There is no hook of this name.
fn unknown(view: &View, name: &str) -> Problem {
    let names: Vec<&str> = view.config.hooks.iter().map(|hook| hook.name.as_str()).collect();
    Problem::not_found(format!("there is no hook {name:?}"), suggestion(name, &names))
}

//! The hooks: what they are, how they came to that, and what they did.

use std::collections::BTreeMap;

use axum::http::Method;
use serde::Serialize;
use serde_json::json;

use super::order::control;
use crate::admin::endpoint::{Access, Call, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::admin::state::State;
use crate::config::{self, suggestion};
use crate::hook::load::hex;
use crate::hook::verdict::Done;
use crate::live::control::told::Told as Changed;
use crate::live::{CandidateView, HookView, View};
use crate::summary::{self, Summary};

pub(in crate::admin) static LIST: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/hooks",
    id: "listHooks",
    summary: "All hooks in chain order, then those that operators took out: what they are and what they did.",
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
    summary: "One hook: what it is, where each of its values comes from, and what it did.",
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
    /// `at_work`, `paused`, `not_enabled`, or `unloaded` by an operator.
    state: &'static str,
    enabled: bool,
    /// Where it stands in the configuration; none: an operator loaded or unloaded it.
    place: Option<String>,
    #[serde(flatten)]
    at_work: Option<AtWork<'a>>,
    /// What operators changed.
    changes: Vec<Changed>,
    /// Where its values stand: a file and line, or who set it.
    origins: BTreeMap<String, String>,
    /// None: it is not in the chain.
    counts: Option<&'a summary::Hook>,
}

/// A hook that is in the chain.
#[derive(Serialize)]
struct AtWork<'a> {
    plugin: &'a str,
    sha256: String,
    /// The start of that, by which people know it.
    version: String,
    plugin_bytes: u64,
    share: String,
    instances: u32,
    memory: Memory,
    breaker: &'static str,
    /// What this version did.
    did: Done,
    candidate: Option<Tried<'a>>,
}

/// What an instance uses, in bytes.
#[derive(Serialize)]
struct Memory {
    now: u64,
    peak: u64,
    cap: u64,
}

/// A version that is tried.
#[derive(Serialize)]
struct Tried<'a> {
    plugin: &'a str,
    sha256: String,
    version: String,
    /// None: it is a shadow.
    share: Option<String>,
    rows: u64,
    failures: u64,
    did: Done,
}

fn told<'a>(state: &State, hook: &'a config::Hook, view: &'a View, summary: &'a Summary) -> Told<'a> {
    let at_work = view.hooks.iter().find(|at_work| at_work.hook.name == hook.name);
    let changes = state.control.changes(&hook.name);
    let is_loaded = changes.iter().any(|change| change.what == "loaded");
    Told {
        name: &hook.name,
        state: match hook.is_paused {
            _ if !hook.enabled => "not_enabled",
            true => "paused",
            false => "at_work",
        },
        enabled: hook.enabled,
        place: (!is_loaded).then(|| hook.place.to_string()),
        at_work: at_work.map(AtWork::of),
        origins: origins(state, &hook.name, &changes),
        changes,
        counts: summary.hooks.iter().find(|counts| counts.name == hook.name),
    }
}

/// A hook that an operator took out.
fn unloaded<'a>(state: &State, name: &'a str) -> Told<'a> {
    let changes = state.control.changes(name);
    let origins = origins(state, name, &changes);
    let (enabled, place, at_work, counts) = (false, None, None, None);
    Told { name, state: "unloaded", enabled, place, at_work, changes, origins, counts }
}

/// Whoever changed something last has the say.
fn origins(state: &State, name: &str, changes: &[Changed]) -> BTreeMap<String, String> {
    let places = state.control.origins(name);
    let mut origins: BTreeMap<String, String> =
        places.into_iter().map(|(key, place)| (key, place.to_string())).collect();
    for Changed { what, by, .. } in changes {
        let key = match what.as_str() {
            "loaded" | "unloaded" => "",
            "swapped" => "plugin",
            "moved" | "paused" | "candidate" => what,
            key => key,
        };
        origins.retain(|known, _| !known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')));
        origins.insert(if key.is_empty() { "*".to_owned() } else { key.to_owned() }, format!("API: {by}"));
    }
    origins
}

impl AtWork<'_> {
    fn of(view: &HookView) -> AtWork<'_> {
        let HookView { hook, plugin, instances, metrics, gate, candidate } = view;
        let sha256 = hex(&plugin.sha256);
        AtWork {
            plugin: &plugin.label,
            version: short(&sha256),
            sha256,
            plugin_bytes: plugin.size,
            share: hook.rollout.share.to_string(),
            instances: *instances,
            memory: Memory {
                now: metrics.memory_history().last().copied().unwrap_or(0),
                peak: metrics.memory_peak(),
                cap: hook.memory_bytes,
            },
            breaker: gate.as_ref().map_or("closed", |gate| gate.breaker()),
            did: Done::of(metrics),
            candidate: candidate.as_ref().map(Tried::of),
        }
    }
}

impl Tried<'_> {
    fn of(view: &CandidateView) -> Tried<'_> {
        let CandidateView { hook, plugin, metrics } = view;
        let sha256 = hex(&plugin.sha256);
        let is_shadow = metrics.differences().is_some();
        Tried {
            plugin: &plugin.label,
            version: short(&sha256),
            sha256,
            share: (!is_shadow).then(|| hook.rollout.share.to_string()),
            rows: metrics.rows.get(),
            failures: metrics.all_failures(),
            did: Done::of(metrics),
        }
    }
}

/// The 12 digits by which people know a version.
fn short(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}

fn list(call: &Call) -> Result<Reply, Problem> {
    let state = &call.state;
    let (view, summary) = (state.view(), Summary::new(&state.metrics));
    let gone = control(call).unloaded();
    let in_chain = view.config.hooks.iter().map(|hook| told(state, hook, &view, &summary));
    let hooks: Vec<_> = in_chain.chain(gone.iter().map(|name| unloaded(state, name))).collect();
    Reply::json(&json!({ "hooks": hooks }))
}

fn one(call: &Call) -> Result<Reply, Problem> {
    let (state, name) = (&call.state, call.path("name"));
    let view = state.view();
    match view.config.hooks.iter().find(|hook| hook.name == name) {
        Some(hook) => Reply::json(&told(state, hook, &view, &Summary::new(&state.metrics))),
        None if control(call).unloaded().iter().any(|gone| gone == name) => {
            Reply::json(&unloaded(state, name))
        }
        None => Err(unknown(&view, name)),
    }
}

/// There is no hook of this name.
pub(super) fn unknown(view: &View, name: &str) -> Problem {
    let names: Vec<&str> = view.config.hooks.iter().map(|hook| hook.name.as_str()).collect();
    Problem::not_found(format!("there is no hook {name:?}"), suggestion(name, &names))
}

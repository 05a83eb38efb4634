//! The keys of a hook, set while it is at work.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::order::{FOR, What, body, control, needs, planned};
use super::verbs::SHARES;
use crate::admin::endpoint::{Access, BODY_PATIENCE, Body, Call, Change, Content, Endpoint, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;

pub(in crate::admin) static SET: Endpoint = Endpoint {
    method: Method::PATCH,
    path: "/api/v1/hooks/{name}",
    id: "setHook",
    summary: "Sets keys of a hook. Its share needs operate, every other key admin.",
    access: Access::Role(Role::Operate),
    query: &[FOR],
    body: Some(Body {
        types: &["application/json"],
        most: 1 << 20,
        patience: BODY_PATIENCE,
        doc: "The keys by their paths and their values, and what of them is never to be shown, as JSON pointers into the \
              hook: {\"set\": {\"deadline\": \"20ms\", \"rollout.share\": \"5%\"}, \"hidden\": [\"/config/token\"]}.",
    }),
    answer: Content::Json("Change"),
    fails: &[404, 409],
    run: Run::Change(set),
};

/// What is to be set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    set: BTreeMap<String, Value>,
    #[serde(default)]
    hidden: BTreeSet<String>,
}

fn set(call: &Call) -> Result<Change, Problem> {
    let Keys { set, hidden } = body(call)?;
    if set.is_empty() {
        return Err(Problem::invalid("set names no key", "name one: {\"set\": {\"deadline\": \"20ms\"}}"));
    }
    if !set.keys().all(|key| SHARES.contains(&key.as_str())) {
        needs(call, Role::Admin)?;
    }
    let name = call.path("name").to_owned();
    let (mut before, mut after, mut keys) = (Map::new(), Map::new(), Vec::with_capacity(set.len()));
    for (key, value) in set {
        keys.push((key.clone(), written(&key, &value)?));
        before.insert(key.clone(), control(call).key(&name, &key).unwrap_or(Value::Null));
        // Which part of it is a secret is not worth telling apart here.
        let is_secret = !hidden.is_empty() && key.starts_with("config");
        after.insert(key, if is_secret { "(hidden)".into() } else { value });
    }
    let what = What { target: name.clone(), before: before.into(), after: after.into(), digest: None };
    planned(call, what, move |control, order| control.set(&name, &keys, &hidden, order))
}

/// A value as it stands in TOML.
fn written(key: &str, value: &Value) -> Result<String, Problem> {
    let value: Result<toml::Value, _> = serde_json::from_value(value.clone());
    value.map(|value| value.to_string()).map_err(|_| {
        Problem::invalid(format!("{key}: there is no null in TOML"), "leave the key out, or revert the hook")
    })
}

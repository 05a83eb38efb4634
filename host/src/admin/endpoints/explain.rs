//! The way of one event through the chain as it runs: other instances of its hooks, and nothing that flows is touched.
//!
//! One request at a time: it runs all hooks, each under its memory cap and deadlines.

use axum::http::{Method, StatusCode};

use crate::admin::endpoint::{
    Access, BODY_PATIENCE, Body, Call, Content, Endpoint, Kind, Parameter, Reply, Run,
};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::admin::state::State;
use crate::clock;
use crate::explain::{self, ExplainError};
use crate::hook::prepare::{Prepared, prepare_loaded};
use crate::live::HookView;

const SOURCE: Parameter = Parameter {
    name: "source",
    kind: Kind::Text,
    doc: "The source that it comes from; by default the first.",
};

pub(in crate::admin) static EXPLAIN: Endpoint = Endpoint {
    method: Method::POST,
    path: "/api/v1/explain",
    id: "explainEvent",
    summary: "The way of one event: each hook and each sink, what they decide and why. Nothing is delivered.",
    access: Access::Role(Role::Read),
    query: &[SOURCE],
    body: Some(Body {
        types: &["application/json", "text/plain"],
        most: 1 << 20,
        patience: BODY_PATIENCE,
        doc: "The event: a line as the source would read it, or a JSON object over several lines.",
    }),
    answer: Content::Json("Explanation"),
    fails: &[429],
    run: Run::Look(explain_event),
};

fn explain_event(call: &Call) -> Result<Reply, Problem> {
    let state = &call.state;
    let view = state.view();
    let source = explain::source(&view.config, call.text(SOURCE.name)).map_err(|error| wrong(&error))?;
    let Ok(_alone) = state.explaining.try_lock() else {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            "another event is being explained",
            "ask again in a second",
        ));
    };
    let hooks = view.hooks.iter().map(|hook| fresh(state, hook)).collect::<Result<_, _>>()?;
    let explanation = explain::explain(&view.config, hooks, source, &call.body, clock::now_ns());
    Reply::json(&explanation.map_err(|error| wrong(&error))?)
}

/// A hook with the plugin that runs.
fn fresh(state: &State, hook: &HookView) -> Result<Prepared, Problem> {
    let prepared = prepare_loaded(&hook.hook, hook.plugin.clone(), state.control.live().loader(), 1);
    prepared.map_err(|errors| Problem::internal(errors.join("; ")))
}

fn wrong(error: &ExplainError) -> Problem {
    Problem::invalid(error.to_string(), "send one event, and a source that there is")
}

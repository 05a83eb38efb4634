//! The run as a whole: how it is configured, what it did, what can be asked of it.

use axum::http::Method;
use serde_json::json;

use super::ends;
use crate::admin::endpoint::{Access, Call, Content, Endpoint, Reply, Run};
use crate::admin::openapi;
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::summary::Summary;

pub(in crate::admin) static STATUS: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/status",
    id: "getStatus",
    summary: "What the run did so far: sources, hooks, sinks, and what left on the way.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("Status"),
    fails: &[],
    run: Run::Look(status),
};

pub(in crate::admin) static CONFIG: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/config",
    id: "getConfig",
    summary: "The configuration in force, with every default. Secrets stay references: `{\"env\": NAME}`, `{\"file\": PATH}`.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("Config"),
    fails: &[],
    run: Run::Look(config),
};

pub(in crate::admin) static OPENAPI: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/openapi.json",
    id: "getOpenApi",
    summary: "This description.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("OpenApi"),
    fails: &[],
    run: Run::Look(describe),
};

fn status(call: &Call) -> Result<Reply, Problem> {
    let state = &call.state;
    let summary = Summary::new(&state.metrics);
    let view = state.view();
    let waits = state.metrics.waits.waited(state.control.live().dead_letter_waits());
    Reply::json(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "state": if state.drain.requested() { "ending" } else { "running" },
        "uptime_s": summary.elapsed_s,
        "workers": view.config.workers,
        "events_in": summary.events_in,
        "bytes_in": summary.bytes_in,
        "lines": summary.lines,
        "sources": ends::sources(&view.config, &state.metrics),
        "intakes": ends::intakes(&state.metrics),
        "hooks": summary.hooks,
        "costliest": summary.costliest,
        "sinks": ends::sinks(&view.config, &state.metrics),
        "waits": waits,
        "dropped": summary.dropped,
        "failed": summary.failed,
        "dead_letters": summary.dead_letters,
        "memory_peak_bytes": summary.memory_peak_bytes,
    }))
}

fn config(call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::Json(call.state.control.shown()))
}

fn describe(_call: &Call) -> Result<Reply, Problem> {
    openapi::document().map(Reply::Json).map_err(Problem::internal)
}

//! Whether the process is there, and whether it does its job: for supervisors, who have no token.

use axum::http::Method;
use serde_json::json;
use tokio::runtime::Handle;

use crate::admin::endpoint::{Access, Call, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::metrics::prometheus::{self, Beside};

pub(in crate::admin) static LIVE: Endpoint = Endpoint {
    method: Method::GET,
    path: "/health/live",
    id: "live",
    summary: "Whether the process answers: always 200.",
    access: Access::Anyone,
    query: &[],
    body: None,
    answer: Content::Json("Live"),
    fails: &[],
    run: Run::Look(live),
};

pub(in crate::admin) static READY: Endpoint = Endpoint {
    method: Method::GET,
    path: "/health/ready",
    id: "ready",
    summary: "Whether everything is up and events flow; if not, 503 and why.",
    access: Access::Anyone,
    query: &[],
    body: None,
    answer: Content::Json("Ready"),
    fails: &[503],
    run: Run::Look(ready),
};

pub(in crate::admin) static METRICS: Endpoint = Endpoint {
    method: Method::GET,
    path: "/metrics",
    id: "metrics",
    summary: "What is counted, for Prometheus.",
    access: Access::Scrape,
    query: &[],
    body: None,
    answer: Content::Text(prometheus::CONTENT_TYPE),
    fails: &[],
    run: Run::Look(metrics),
};

fn live(_call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::Json(json!({ "live": true })))
}

/// Everything is up before the first request can come, so only the end is in the way.
fn ready(call: &Call) -> Result<Reply, Problem> {
    if call.state.drain.requested() {
        return Err(Problem::unavailable(
            "not_ready",
            "the run is ending: what was read is still delivered, and nothing new is read",
            "ask the one that takes over",
        ));
    }
    Ok(Reply::Json(json!({ "ready": true })))
}

fn metrics(call: &Call) -> Result<Reply, Problem> {
    let tasks = Handle::try_current().ok().map(|runtime| runtime.metrics().num_alive_tasks() as u64);
    let beside = Beside { reading: Some(call.state.control.reading()), tasks };
    Ok(Reply::Text(prometheus::render(&call.state.metrics, &beside)))
}

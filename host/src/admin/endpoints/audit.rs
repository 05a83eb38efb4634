//! What was changed, and by whom.

use axum::http::Method;

use super::{ANSWER_BYTES, LIMIT};
use crate::admin::endpoint::{Access, Call, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;

pub(in crate::admin) static AUDIT: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/audit",
    id: "listAudit",
    summary: "The newest requests for changes, oldest first: who, from where, what, and what came of it.",
    access: Access::Role(Role::Admin),
    query: &[LIMIT],
    body: None,
    answer: Content::Json("Audit"),
    fails: &[],
    run: Run::Look(list),
};

fn list(call: &Call) -> Result<Reply, Problem> {
    let newest = call.state.audit.newest(call.number(&LIMIT) as usize, ANSWER_BYTES);
    Reply::json(&newest.map_err(Problem::internal)?)
}

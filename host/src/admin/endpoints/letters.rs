//! The events that hooks failed on.

use axum::http::Method;

use super::{ANSWER_BYTES, LIMIT};
use crate::admin::endpoint::{Access, Call, Content, Endpoint, Kind, Parameter, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::hook::dead_letters::filter::Filter;
use crate::letters::list::{Bounds, Listing};
use crate::letters::{kind, moment};

pub(in crate::admin) static LIST: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/dead-letters",
    id: "listDeadLetters",
    summary: "The dead letters that wait, oldest first, and how many there are by hook and kind.",
    access: Access::Role(Role::Read),
    query: &[
        Parameter { name: "hook", kind: Kind::Text, doc: "Only those of this hook." },
        Parameter {
            name: "kind",
            kind: Kind::Text,
            doc: "Only those of this kind of failure, such as trap, deadline or memory.",
        },
        Parameter {
            name: "since",
            kind: Kind::Text,
            doc: "Only those that failed then or later: 2026-11-28T12:00:00Z, or 2h for two hours ago.",
        },
        Parameter { name: "until", kind: Kind::Text, doc: "Only those that failed before then." },
        LIMIT,
    ],
    body: None,
    answer: Content::Json("DeadLetters"),
    fails: &[],
    run: Run::Look(list),
};

fn list(call: &Call) -> Result<Reply, Problem> {
    let wrong = |error: String| Problem::invalid(error, "see GET /api/v1/openapi.json");
    let time = |name| call.text(name).map(moment).transpose().map_err(wrong);
    let filter = Filter {
        hook: call.text("hook").map(str::to_owned),
        kind: call.text("kind").map(kind).transpose().map_err(wrong)?,
        since_ns: time("since")?,
        until_ns: time("until")?,
        ids: Vec::new(),
    };
    let bounds = Bounds { letters: call.number(&LIMIT) as usize, bytes: ANSWER_BYTES };
    let listing = Listing::new(&call.state.dead_letters, &filter, bounds).map_err(Problem::internal)?;
    Reply::json(&listing)
}

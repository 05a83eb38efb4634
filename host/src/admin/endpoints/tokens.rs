//! The tokens: which there are, and the end of one. None is ever shown.

use axum::http::Method;
use serde_json::{Value, json};

use crate::admin::endpoint::{Access, Call, Change, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::admin::tokens::{Token, TokenError};

pub(in crate::admin) static LIST: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/tokens",
    id: "listTokens",
    summary: "The names and roles of all tokens.",
    access: Access::Role(Role::Admin),
    query: &[],
    body: None,
    answer: Content::Json("Tokens"),
    fails: &[],
    run: Run::Look(list),
};

pub(in crate::admin) static REVOKE: Endpoint = Endpoint {
    method: Method::DELETE,
    path: "/api/v1/tokens/{name}",
    id: "revokeToken",
    summary: "Takes a token out: it is refused from the next request on.",
    access: Access::Role(Role::Admin),
    query: &[],
    body: None,
    answer: Content::Json("Change"),
    fails: &[404],
    run: Run::Change(revoke),
};

fn list(call: &Call) -> Result<Reply, Problem> {
    let tokens = call.state.tokens.all().map_err(|error| problem(&error))?;
    let tokens: Vec<Value> = tokens.iter().map(told).collect();
    Ok(Reply::Json(json!({ "tokens": tokens })))
}

fn revoke(call: &Call) -> Result<Change, Problem> {
    let token = call.state.tokens.get(call.path("name")).map_err(|error| problem(&error))?;
    let state = call.state.clone();
    Ok(Change {
        target: token.name.clone(),
        before: told(&token),
        after: Value::Null,
        digest: None,
        plan: Value::Null,
        apply: Box::new(move || {
            state.tokens.revoke(&token.name).map_err(|error| problem(&error))?;
            Ok(Value::Null)
        }),
    })
}

fn told(token: &Token) -> Value {
    json!({ "name": token.name, "role": token.role })
}

fn problem(error: &TokenError) -> Problem {
    match error {
        TokenError::Name(message) => Problem::not_found(message, "name one of those"),
        error => Problem::internal(error),
    }
}

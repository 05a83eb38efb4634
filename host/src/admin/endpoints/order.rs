//! What all changes of hooks have in common: who orders them and for how long, that they are tried without effect before
//! they are made, and how their failures are told.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::admin::endpoint::{Call, Change, Kind, Parameter};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::config::time;
use crate::live::ChangeError;
use crate::live::control::{Control, ControlError, Done, Order};

/// How long a change is for.
pub(super) const FOR: Parameter = Parameter {
    name: "for",
    kind: Kind::Text,
    doc: "How long it is to be so before it ends by itself: 30s, 10m, 2h; without it, until somebody changes it again.",
};

/// What is going to be different, as it is written down.
pub(super) struct What {
    pub(super) target: String,
    pub(super) before: Value,
    pub(super) after: Value,
    pub(super) digest: Option<String>,
}

/// A change that `make` makes; it is tried now, without effect.
pub(super) fn planned(
    call: &Call,
    what: What,
    make: impl Fn(&Control, &Order) -> Result<Done, ControlError> + Send + 'static,
) -> Result<Change, Problem> {
    let What { target, before, after, digest } = what;
    let order = order(call)?;
    let state = call.state.clone();
    let plan = make(&state.control, &Order { dry_run: true, ..order.clone() }).map_err(problem)?;
    let apply = move || {
        let done = make(&state.control, &order).map_err(problem)?;
        if order.lasts.is_some() {
            state.nudge.timed();
        }
        told(&done)
    };
    Ok(Change { target, before, after, digest, plan: told(&plan)?, apply: Box::new(apply) })
}

fn order(call: &Call) -> Result<Order, Problem> {
    let lasts = call.text(FOR.name).map(|text| {
        time(text)
            .ok_or_else(|| Problem::invalid(format!("for = {text:?} is no time"), "write 30s, 10m or 2h"))
    });
    let by = call.caller.as_ref().map_or_else(String::new, |caller| caller.token.clone());
    Ok(Order { by, dry_run: false, lasts: lasts.transpose()? })
}

fn told(done: &Done) -> Result<Value, Problem> {
    serde_json::to_value(done).map_err(Problem::internal)
}

/// Refuses who has not the role that this needs beyond what the endpoint does.
pub(super) fn needs(call: &Call, role: Role) -> Result<(), Problem> {
    match call.caller.as_ref().filter(|caller| caller.role < role) {
        Some(caller) => Err(Problem::role_needed(role, caller.role)),
        None => Ok(()),
    }
}

/// What the body says.
pub(super) fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Problem> {
    serde_json::from_slice(&call.body).map_err(|error| {
        Problem::invalid(format!("the body is not what is taken here: {error}"), "docs/admin.md shows one")
    })
}

/// The way to change hooks.
pub(super) fn control(call: &Call) -> &Arc<Control> {
    &call.state.control
}

/// Why something was not done. Nothing is changed then.
pub(super) fn problem(error: ControlError) -> Problem {
    const NOTHING: &str = "nothing is changed; mend what is named, and try it with dry_run=true";
    let refused = |code, message| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, NOTHING);
    match error {
        ControlError::NoHook { name, hint } => Problem::not_found(format!("there is no hook {name:?}"), hint),
        ControlError::Wrong(message) => Problem::invalid(message, "nothing is changed"),
        ControlError::Conflict(message) => Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            message,
            "nothing is changed; GET /api/v1/hooks tells how things are",
        ),
        // The lines are those of a text that nobody has written.
        ControlError::Config(errors) => {
            let messages: Vec<String> = errors.0.into_iter().map(|error| error.message).collect();
            refused("config", messages.join("\n"))
        }
        ControlError::Change(error) => {
            let message = error.to_string();
            match error {
                ChangeError::Hooks(_) | ChangeError::Fields(_) => refused("refused", message),
                ChangeError::Swap { .. } | ChangeError::Load { .. } => refused("not_started", message),
                ChangeError::Busy { .. } => {
                    Problem::unavailable("busy", message, "`hookaroon status` tells what waits; try again")
                }
                ChangeError::Ending => Problem::unavailable("ending", message, "change the files instead"),
            }
        }
        error @ ControlError::File { .. } => Problem::unavailable(
            "no_disk",
            error.to_string(),
            "nothing is changed; make room on the disk, and the data directory this user's own",
        ),
    }
}

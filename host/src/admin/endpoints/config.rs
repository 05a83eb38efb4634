//! The files of the configuration against what runs.

use axum::http::Method;
use serde_json::json;

use super::order::{What, control, planned};
use crate::admin::endpoint::{Access, Call, Change, Content, Endpoint, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;

pub(in crate::admin) static DIFF: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/config/diff",
    id: "getConfigDiff",
    summary: "What runs otherwise than the files say, key by key, and who made it so; and whether the files are valid.",
    access: Access::Role(Role::Read),
    query: &[],
    body: None,
    answer: Content::Json("Diff"),
    fails: &[],
    run: Run::Look(diff),
};

pub(in crate::admin) static RELOAD: Endpoint = Endpoint {
    method: Method::POST,
    path: "/api/v1/config/reload",
    id: "reloadConfig",
    summary: "Reads the files again and does what differs, as SIGHUP does.",
    access: Access::Role(Role::Operate),
    query: &[],
    body: None,
    answer: Content::Json("Change"),
    fails: &[],
    run: Run::Change(reload),
};

fn diff(call: &Call) -> Result<Reply, Problem> {
    let control = control(call);
    Reply::json(&json!({ "differences": control.diff(), "files": control.reading() }))
}

fn reload(call: &Call) -> Result<Change, Problem> {
    let read = control(call).reading().times;
    let what = What {
        target: "config".to_owned(),
        before: json!({ "times_read": read }),
        after: json!({ "times_read": read + 1 }),
        digest: None,
    };
    planned(call, what, |control, order| control.reload_files(order.dry_run))
}

//! What a path of the API is: who may use it, what it takes, what it answers, and what it does.
//!
//! An endpoint either looks or changes. One that changes only plans: it says what would be different and hands over how to
//! do it. So a dry run can have no effect, and no change is made that the audit log does not have; neither is left to the
//! endpoint ([`door`](super::door) does both).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::http::Method;
use serde::Serialize;
use serde_json::Value;

use super::problem::Problem;
use super::role::Role;
use super::state::State;
use super::tokens::Caller;

/// How long a body that is not large may take.
pub const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// One method of one path.
#[derive(Debug)]
pub struct Endpoint {
    /// How it is asked.
    pub method: Method,
    /// Where, with `{name}` for what stands for something.
    pub path: &'static str,
    /// Its name in the OpenAPI file and, if it changes something, in the audit log.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What may stand in its query. What changes something takes `dry_run` beside that.
    pub query: &'static [Parameter],
    /// What it takes as a body; none: nothing.
    pub body: Option<Body>,
    /// What it answers if all is well.
    pub answer: Content,
    /// How else it may answer, beside what any endpoint may.
    pub fails: &'static [u16],
    /// What it does.
    pub run: Run,
}

/// Who may use an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches it.
    Anyone,
    /// Who has this role, or one above it.
    Role(Role),
    /// The role read; at `metrics_listen` whoever reaches it.
    Scrape,
}

/// Something that may stand in a query.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it means.
    pub doc: &'static str,
}

/// What a parameter may be.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// Any texts, each a parameter of this name; so many at most.
    Texts(usize),
    /// A whole number, and what it is if it is not there.
    Number(RangeInclusive<u64>, u64),
    /// `true` or `false`; false if it is not there.
    Flag,
}

/// What an endpoint takes.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// The types of content, of which the first is what programs should send.
    pub types: &'static [&'static str],
    /// The most bytes.
    pub most: usize,
    /// How long it may take to come.
    pub patience: Duration,
    /// What it is.
    pub doc: &'static str,
}

/// What an endpoint answers.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// JSON of this schema among those in `openapi/schemas.json`.
    Json(&'static str),
    /// A text of this type.
    Text(&'static str),
    /// Lines of JSON of this schema, as they come.
    Lines(&'static str),
}

/// What an endpoint does. It may block.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// Nothing is different afterwards.
    Look(fn(&Call) -> Result<Reply, Problem>),
    /// Something is, unless it is a dry run.
    Change(fn(&Call) -> Result<Change, Problem>),
}

/// An answer.
#[derive(Debug)]
pub enum Reply {
    /// JSON.
    Json(Value),
    /// A text of the type that the endpoint names.
    Text(String),
    /// What is said as it comes. It ends by itself when the run does.
    Stream(HttpBody),
}

/// A change that is planned. Nothing is different yet, and everything that could be checked was.
pub struct Change {
    /// What is changed: a name.
    pub target: String,
    /// How it is.
    pub before: Value,
    /// How it will be.
    pub after: Value,
    /// SHA-256 of the plugin that comes with it, in hex.
    pub digest: Option<String>,
    /// What a dry run tells about it.
    pub plan: Value,
    /// Does it, and may tell something about it. If it fails, all is as before.
    pub apply: Box<dyn FnOnce() -> Result<Value, Problem> + Send>,
}

/// A request, checked against its endpoint.
#[derive(Debug)]
pub struct Call {
    /// What there is to ask and to change.
    pub state: Arc<State>,
    /// Who asks; none where anyone may.
    pub caller: Option<Caller>,
    /// Its body.
    pub body: Bytes,
    pub(super) path: BTreeMap<String, String>,
    pub(super) query: BTreeMap<&'static str, Vec<String>>,
}

/// What everything that changes something takes.
const DRY_RUN: Parameter =
    Parameter { name: super::door::DRY_RUN, kind: Kind::Flag, doc: "Only says what would be different." };

impl Endpoint {
    /// The role that is needed at `listen`.
    pub(super) fn role(&self) -> Option<Role> {
        match self.access {
            Access::Anyone => None,
            Access::Scrape => Some(Role::Read),
            Access::Role(role) => Some(role),
        }
    }

    /// What may stand in its query.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let more = matches!(self.run, Run::Change(_)).then_some(DRY_RUN);
        self.query.iter().cloned().chain(more).collect()
    }
}

impl Reply {
    /// What can be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Reply, Problem> {
        serde_json::to_value(value).map(Reply::Json).map_err(Problem::internal)
    }
}

impl Call {
    /// What stands for `{name}` in the path.
    pub fn path(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// What the query says.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).first().map(String::as_str)
    }

    /// What the query says in all parameters of this name.
    pub fn texts(&self, name: &str) -> &[String] {
        self.query.get(name).map_or(&[], Vec::as_slice)
    }

    /// A number of the query, or its default.
    pub fn number(&self, parameter: &Parameter) -> u64 {
        let default = match parameter.kind {
            Kind::Number(_, default) => default,
            _ => 0,
        };
        self.text(parameter.name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    /// A flag of the query.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }
}

impl Kind {
    /// How many parameters of the name there may be.
    pub(super) fn most(&self) -> usize {
        match self {
            Kind::Texts(most) => *most,
            _ => 1,
        }
    }

    /// What is wrong with a text; none if it is one of these.
    pub(super) fn wrong(&self, text: &str) -> Option<String> {
        match self {
            Kind::Text | Kind::Texts(_) => None,
            Kind::Flag => (!["true", "false"].contains(&text)).then(|| "true or false is needed".to_owned()),
            Kind::Number(allowed, _) => {
                let is_allowed = text.parse().is_ok_and(|number| allowed.contains(&number));
                (!is_allowed).then(|| format!("{} to {} is allowed", allowed.start(), allowed.end()))
            }
        }
    }
}

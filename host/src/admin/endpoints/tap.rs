//! Events as they flow: after the chain, or before and after one hook.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use crate::admin::endpoint::{Access, Call, Content, Endpoint, Kind, Parameter, Reply, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::admin::stream::{Ends, Stream};
use crate::config::suggestion;
use crate::event::condition::Condition;
use crate::live::View;
use crate::tap::{Rate, TapError, Wanted};

/// How many conditions a tap has at most.
const MOST_CONDITIONS: usize = 32;

const HOOK: Parameter = Parameter {
    name: "hook",
    kind: Kind::Text,
    doc: "Events before and after this hook, with what it changed; by default as they leave the chain.",
};

const MATCH: Parameter = Parameter {
    name: "match",
    kind: Kind::Texts(MOST_CONDITIONS),
    doc: "Only events for which this holds, such as `level in warn, error`. Before and after a hook it is asked before.",
};

const SOURCE: Parameter = Parameter {
    name: "source",
    kind: Kind::Text,
    doc: "Only events of this source, or of `hook:NAME`, which that hook emitted.",
};

const RATE: Parameter = Parameter {
    name: "rate",
    kind: Kind::Number(1..=1000, 10),
    doc: "So many events a second at most; the others are counted.",
};

const BYTES: Parameter = Parameter {
    name: "bytes",
    kind: Kind::Number(1024..=(16 << 20), 1 << 20),
    doc: "So many bytes of events a second at most.",
};

const SECONDS: Parameter =
    Parameter { name: "seconds", kind: Kind::Number(0..=3600, 3600), doc: "It ends after so long." };

const LIMIT: Parameter = Parameter {
    name: "limit",
    kind: Kind::Number(1..=1_000_000, 1_000_000),
    doc: "It ends after so many events.",
};

pub(in crate::admin) static TAP: Endpoint = Endpoint {
    method: Method::GET,
    path: "/api/v1/tap",
    id: "tapEvents",
    summary: "Events as they flow, which is not slowed down: a line each, and now and then one that counts what is not shown.",
    access: Access::Role(Role::Tap),
    query: &[HOOK, MATCH, SOURCE, RATE, BYTES, SECONDS, LIMIT],
    body: None,
    answer: Content::Lines("TapLine"),
    fails: &[404, 429],
    run: Run::Look(tap),
};

fn tap(call: &Call) -> Result<Reply, Problem> {
    let live = call.state.control.live();
    let view = live.view();
    let conditions = call.texts(MATCH.name).iter().map(|text| text.parse::<Condition>());
    let conditions = conditions.collect::<Result<_, _>>();
    let wanted = Wanted {
        hook: call.text(HOOK.name).map(|name| hook(&view, name)).transpose()?,
        source: call.text(SOURCE.name).map(|name| source(&view, name)).transpose()?,
        conditions: conditions.map_err(|error| Problem::invalid(error.to_string(), MATCH.doc))?,
        rate: Rate { events: small(call.number(&RATE)), bytes: small(call.number(&BYTES)) },
    };
    let tapped = live.taps().open(wanted, &view.config.sources).map_err(|error| match error {
        TapError::TooMany => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_taps",
            error.to_string(),
            "end one of them, or ask again later",
        ),
        TapError::Fields(_) => Problem::invalid(error.to_string(), "ask for fewer fields in `match`"),
    })?;
    let ends = Ends { seconds: call.number(&SECONDS), events: call.number(&LIMIT) };
    Ok(Reply::Stream(Body::new(Stream::new(tapped, ends))))
}

/// A number of a parameter, whose bound is below.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn hook(view: &View, name: &str) -> Result<String, Problem> {
    let names: Vec<&str> = view.hooks.iter().map(|hook| hook.hook.name.as_str()).collect();
    match names.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(Problem::not_found(
            format!("there is no hook {name:?} in the chain"),
            suggestion(name, &names),
        )),
    }
}

fn source(view: &View, name: &str) -> Result<String, Problem> {
    let sources = view.config.sources.iter().map(|source| source.name.clone());
    let hooks = view.hooks.iter().map(|hook| format!("hook:{}", hook.hook.name));
    let names: Vec<String> = sources.chain(hooks).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(Problem::not_found(format!("there is no source {name:?}"), suggestion(name, &names))),
    }
}

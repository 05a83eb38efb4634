//! Plugins that are handed over: with a hook that is new, for one that is there, or to be tried beside it.
//!
//! What comes is held against the plugin limits, the pin, `trust` and the scan like a file of the configuration, and is
//! kept by its digest in `data_dir` once it is at work. Bound: [`MOST`], one body at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{FOR, What, body, planned, problem};
use super::verbs::version;
use crate::admin::endpoint::{Access, Body, Call, Change, Content, Endpoint, Kind, Parameter, Run};
use crate::admin::problem::Problem;
use crate::admin::role::Role;
use crate::hook::load::{hex, sha256};
use crate::hook::scan;
use crate::live::control::{Upload, hook_in};

/// The most bytes of a plugin: what `[plugin_limits]` allows unless it says otherwise. A larger one goes through a file.
const MOST: usize = scan::Limits::DEFAULT.file_bytes as usize;

/// How long a plugin may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a minisign signature begins, which a bare one cannot.
const MINISIGN: &[u8] = b"untrusted comment:";

pub(in crate::admin) static LOAD: Endpoint = Endpoint {
    method: Method::POST,
    path: "/api/v1/hooks",
    id: "loadHook",
    summary: "Puts a new hook at the end of the chain, with a plugin that comes along or that is there.",
    access: Access::Role(Role::Admin),
    query: &[FOR],
    body: Some(Body {
        types: &["application/json"],
        // Base64 takes four bytes for three; the rest is for the hook.
        most: MOST / 3 * 4 + (1 << 20),
        patience: PATIENCE,
        doc: "{\"hook\": TOML, \"plugin\": BASE64, \"signature\": BASE64, \"hidden\": [POINTER]}: a text with one [[hook]]; its \
              plugin and its signature's file, if they come along; what of it is never to be shown, as JSON pointers into \
              the hook.",
    }),
    answer: Content::Json("Change"),
    fails: &[409],
    run: Run::Change(load),
};

pub(in crate::admin) static UPLOAD: Endpoint = Endpoint {
    method: Method::PUT,
    path: "/api/v1/hooks/{name}/plugin",
    id: "putPlugin",
    summary: "Gives a hook another version of its plugin; with share or shadow it is only tried beside the one at work.",
    access: Access::Role(Role::Admin),
    query: &[
        SIGNATURE,
        SHA256,
        Parameter {
            name: "share",
            kind: Kind::Text,
            doc: "Try it on this share of the hook's events: 5%, or 0.01%.",
        },
        Parameter {
            name: "shadow",
            kind: Kind::Flag,
            doc: "Try it on copies; nothing comes of what it does.",
        },
        Parameter {
            name: "by",
            kind: Kind::Text,
            doc: "The fields that decide who is in the share, with commas between.",
        },
        Parameter {
            name: "failures",
            kind: Kind::Text,
            doc: "How much more of its events it may fail on: 1%.",
        },
        Parameter {
            name: "drops",
            kind: Kind::Text,
            doc: "How much more of its events it may drop or keep: 5%.",
        },
        Parameter { name: "cost", kind: Kind::Text, doc: "How many times the CPU time it may take." },
        Parameter { name: "window", kind: Kind::Text, doc: "Over how long it is judged: 1m." },
        Parameter { name: "rows", kind: Kind::Text, doc: "From how many of its events on." },
        Parameter {
            name: "promote_after",
            kind: Kind::Text,
            doc: "It takes over by itself after so long without doing worse: 1h.",
        },
        FOR,
    ],
    body: Some(Body {
        types: &["application/wasm", "application/octet-stream"],
        most: MOST,
        patience: PATIENCE,
        doc: "The plugin.",
    }),
    answer: Content::Json("Change"),
    fails: &[404, 409],
    run: Run::Change(upload),
};

const SIGNATURE: Parameter = Parameter {
    name: "signature",
    kind: Kind::Text,
    doc: "The base64 of the file of its signature, of minisign or a bare Ed25519 one; with - and _ for + and / if need be.",
};

const SHA256: Parameter =
    Parameter { name: "sha256", kind: Kind::Text, doc: "What its SHA-256 has to be, 64 hex digits." };

/// What makes a plugin one that is only tried: the keys of `[hook.candidate]`.
const TRIAL: [&str; 8] = ["share", "by", "failures", "drops", "cost", "window", "rows", "promote_after"];

/// A hook that is to be loaded.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Load {
    hook: String,
    plugin: Option<String>,
    signature: Option<String>,
    #[serde(default)]
    hidden: BTreeSet<String>,
}

fn load(call: &Call) -> Result<Change, Problem> {
    let Load { hook, plugin, signature, hidden } = body(call)?;
    let table = hook_in(&hook).map_err(problem)?;
    let plugin = plugin.map(|text| decoded("plugin", &text)).transpose()?;
    let upload = match plugin {
        Some(bytes) => Some(Upload { bytes, signature: signature_of(signature.as_deref())? }),
        None if signature.is_some() => {
            return Err(Problem::invalid("there is a signature and no plugin", "send the plugin too"));
        }
        None => None,
    };
    let digest = upload.as_ref().map(|upload| hex(&sha256(&upload.bytes)));
    let told = |key: &str| table.get(key).and_then(|value| serde_json::to_value(value).ok());
    let name = table.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let after =
        json!({ "name": name, "plugin": told("plugin"), "grant": told("grant"), "match": told("match") });
    let what = What { target: name, before: Value::Null, after, digest };
    planned(call, what, move |control, order| control.load(&hook, &hidden, upload.as_ref(), order))
}

fn upload(call: &Call) -> Result<Change, Problem> {
    let name = call.path("name").to_owned();
    let digest = hex(&sha256(&call.body));
    if let Some(pin) = call.text(SHA256.name).filter(|pin| !pin.eq_ignore_ascii_case(&digest)) {
        return Err(Problem::invalid(
            format!("the plugin's SHA-256 is {digest}, and was to be {pin}"),
            "send the plugin that is meant",
        ));
    }
    let upload = Upload { bytes: call.body.to_vec(), signature: signature_of(call.text(SIGNATURE.name))? };
    let keys = TRIAL.into_iter().filter_map(|key| Some((key, call.text(key)?)));
    let mut trial: Vec<(String, String)> =
        keys.map(|(key, text)| (key.to_owned(), written(key, text))).collect();
    let is_tried = call.flag("shadow") || call.text("share").is_some();
    if !is_tried && let Some((key, _)) = trial.first() {
        return Err(Problem::invalid(
            format!("{key} belongs to a version that is tried"),
            "give it a share, or shadow=true",
        ));
    }
    if call.flag("shadow") {
        trial.push(("shadow".to_owned(), "true".to_owned()));
    }
    let after = if is_tried { json!({ "candidate": digest }) } else { json!({ "version": digest }) };
    let what = What { target: name.clone(), before: version(call), after, digest: Some(digest) };
    planned(call, what, move |control, order| match is_tried {
        true => control.try_out(&name, &upload, &trial, order),
        false => control.swap(&name, &upload, order),
    })
}

/// A value of `[hook.candidate]` as it stands in TOML.
fn written(key: &str, text: &str) -> String {
    match key {
        "by" => toml::Value::from(text.split(',').map(str::trim).collect::<Vec<_>>()).to_string(),
        _ => text.to_owned(),
    }
}

/// The ending of a signature's file and what is in it.
fn signature_of(text: Option<&str>) -> Result<Option<(String, Vec<u8>)>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let bytes = decoded("signature", text)?;
    let ending = if bytes.starts_with(MINISIGN) { "minisig" } else { "sig" };
    Ok(Some((ending.to_owned(), bytes)))
}

fn decoded(what: &str, text: &str) -> Result<Vec<u8>, Problem> {
    // A plus in a query is a space.
    let text = text.trim().replace([' ', '-'], "+").replace('_', "/");
    BASE64
        .decode(text)
        .map_err(|error| Problem::invalid(format!("{what} is no base64: {error}"), "encode it anew"))
}

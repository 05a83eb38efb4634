//! What is read here and sent along: a hook's file, its plugin, the signature beside that, and keys.
//!
//! `{ file = ... }` and `{ env = ... }` in a hook's config are read on this machine, because the run does not read its own
//! files for somebody else; what they stand for is sent with word never to show it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};

use super::{SwapArguments, Timed, path, query};
use crate::cli::{USAGE, failed};
use crate::config::{is_plugin_path, settings_of, text_of};
use crate::hook::file;
use crate::hook::scan;
use crate::live::control::{hook_in, value};

/// The endings of the signatures beside a plugin.
const SIGNATURES: [&str; 2] = ["minisig", "sig"];

/// The most bytes of a signature.
const MOST_SIGNATURE: u64 = 16 << 10;

pub(super) fn load(file: &Path, timed: &Timed) -> Result<(), ExitCode> {
    let dir = file.parent().unwrap_or(Path::new(""));
    let text = text_of(file).map_err(|error| wrong(&error))?;
    let mut hook = hook_in(&text).map_err(|error| wrong(&format!("{}: {error}", file.display())))?;
    let mut body = Map::new();
    if let Some(plugin) = hook.get("plugin").and_then(Value::as_str).filter(|plugin| is_plugin_path(plugin)) {
        let plugin = dir.join(plugin);
        body.insert("plugin".to_owned(), BASE64.encode(bytes(&plugin)?).into());
        body.extend(signature(&plugin)?.map(|signature| ("signature".to_owned(), signature.into())));
    }
    let mut hidden = Vec::new();
    if let Some(config) = hook.get_mut("config") {
        *config = resolved(config, "/config", dir, &mut hidden)?;
    }
    let text = Table::from_iter([("hook".to_owned(), Value::Array(vec![Value::Table(hook)]))]).to_string();
    body.insert("hook".to_owned(), text.into());
    body.insert("hidden".to_owned(), json!(hidden));
    let body = Some(("application/json", Json::from(body).to_string().into_bytes()));
    timed.change.make(Method::POST, "/api/v1/hooks", &timed.query(), body, "loaded")
}

pub(super) fn swap(arguments: &SwapArguments) -> Result<(), ExitCode> {
    let SwapArguments {
        name,
        plugin,
        share,
        shadow,
        by,
        failures,
        drops,
        cost,
        window,
        rows,
        promote_after,
        timed,
    } = arguments;
    let signature = signature(plugin)?;
    let mut query = query(&[
        ("signature", signature.as_deref()),
        ("share", share.as_deref()),
        ("shadow", shadow.then_some("true")),
        ("by", by.as_deref()),
        ("failures", failures.as_deref()),
        ("drops", drops.as_deref()),
        ("cost", cost.as_deref()),
        ("window", window.as_deref()),
        ("rows", rows.as_deref()),
        ("promote_after", promote_after.as_deref()),
    ]);
    query.extend(timed.query());
    let body = Some(("application/wasm", bytes(plugin)?));
    let done = if *shadow || share.is_some() { "tried beside the version at work" } else { "swapped" };
    timed.change.make(Method::PUT, &path(name, "/plugin"), &query, body, done)
}

pub(super) fn set(name: &str, keys: &[String], timed: &Timed) -> Result<(), ExitCode> {
    let (mut set, mut hidden) = (Map::new(), Vec::new());
    for key in keys {
        let Some((key, text)) = key.split_once('=') else {
            return Err(usage(&format!("{key:?} is no KEY=VALUE")));
        };
        let pointer = format!("/{}", key.trim().replace('.', "/"));
        let value = resolved(&value(text), &pointer, Path::new(""), &mut hidden)?;
        let value = serde_json::to_value(value).map_err(|error| failed(&error))?;
        set.insert(key.trim().to_owned(), value);
    }
    let body = json!({ "set": set, "hidden": hidden });
    let body = Some(("application/json", body.to_string().into_bytes()));
    timed.change.make(Method::PATCH, &path(name, ""), &timed.query(), body, "set")
}

/// A value with the texts that its references stand for; where these are is added to `hidden`.
fn resolved(value: &Value, pointer: &str, dir: &Path, hidden: &mut Vec<String>) -> Result<Value, ExitCode> {
    let json = serde_json::to_value(value).map_err(|error| failed(&error))?;
    references(&json, pointer, hidden);
    let filled = settings_of(json, dir, &|name| std::env::var(name).ok());
    let filled = filled.map_err(|error| wrong(&format!("{}: {error}", pointer.trim_start_matches('/'))))?;
    serde_json::from_value(filled).map_err(|error| failed(&error))
}

/// Where `{ file = ... }` and `{ env = ... }` stand in a config.
fn references(value: &Json, pointer: &str, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            let only = members.iter().next().filter(|_| members.len() == 1);
            if only.is_some_and(|(key, text)| matches!(key.as_str(), "file" | "env") && text.is_string()) {
                found.push(pointer.to_owned());
                return;
            }
            for (key, value) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                references(value, &format!("{pointer}/{key}"), found);
            }
        }
        Json::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                references(value, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A plugin, if it has no more bytes than the API takes.
fn bytes(plugin: &Path) -> Result<Vec<u8>, ExitCode> {
    let most = scan::Limits::DEFAULT.file_bytes;
    read(plugin, most).map_err(|error| wrong(&format!("{}: {error}", plugin.display())))
}

/// The signature beside a plugin, as base64; none: there is none.
fn signature(plugin: &Path) -> Result<Option<String>, ExitCode> {
    for ending in SIGNATURES {
        let mut name = plugin.as_os_str().to_owned();
        name.push(format!(".{ending}"));
        let beside = PathBuf::from(name);
        match read(&beside, MOST_SIGNATURE) {
            Ok(bytes) => return Ok(Some(BASE64.encode(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(&format!("{}: {error}", beside.display()))),
        }
    }
    Ok(None)
}

fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = file::open(path)?;
    file::regular(&file)?;
    file::rest(&file, most)?.ok_or_else(|| io::Error::other(format!("it has more than {most} bytes")))
}

fn wrong(message: &str) -> ExitCode {
    failed(&io::Error::other(message.to_owned()))
}

fn usage(message: &str) -> ExitCode {
    let _ = wrong(message);
    ExitCode::from(USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_references_stand_for_is_read_here_and_where_it_stands_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("key"), "hunter2").unwrap();
        let config: Table =
            "a = { file = \"key\" }\nb = [1, { file = \"key\" }]\nc = { file = 1, x = 2 }".parse().unwrap();
        let mut hidden = Vec::new();
        let filled = resolved(&Value::Table(config), "/config", dir.path(), &mut hidden).unwrap();
        assert_eq!((filled["a"].as_str(), filled["b"][1].as_str()), (Some("hunter2"), Some("hunter2")));
        assert_eq!(hidden, ["/config/a", "/config/b/1"]);
    }
}

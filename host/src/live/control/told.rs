//! What is in force and how it came to that, as it is told: secrets are not in it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value as Json;
use toml::Value;

use super::{Control, ControlError, table_of};
use crate::config::{Origins, origins, show_table};
use crate::hook::kept::Version;
use crate::live::difference::{Difference, differences};
use crate::live::overlay::{Change, Changes, Overlay};

/// What stands where a secret is.
const HIDDEN: &str = "(hidden)";

/// One change by an operator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// What was changed: `loaded`, `unloaded`, `swapped`, `candidate`, `paused`, `moved`, or a key that was set.
    pub what: String,
    /// What it is now; none for a whole hook or candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// Who changed it.
    pub by: String,
    /// When, in seconds since 1970.
    pub at: u64,
    /// When it ends by itself; none: when somebody changes it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

impl Control {
    /// The configuration in force, with every default; secrets stay references, or hidden.
    pub fn shown(&self) -> Json {
        let wanted = self.lock();
        let mut table = wanted.overlay.onto(&wanted.files.table);
        hide(&mut table, &wanted.overlay);
        show_table(table, &self.live.view().config).json()
    }

    /// What is in force against what the files say, field by field, for hooks.
    pub fn diff(&self) -> Vec<Difference> {
        let wanted = self.lock();
        let (files, mut running) = (&wanted.files.table, wanted.overlay.onto(&wanted.files.table));
        hide(&mut running, &wanted.overlay);
        let mut differences = differences(files, &running);
        for (hook, changes) in &wanted.overlay.hook {
            for difference in differences.iter_mut().filter(|difference| difference.hook == *hook) {
                difference.by = changes.by_of(&difference.key);
            }
        }
        differences
    }

    /// What operators changed about a hook.
    pub fn changes(&self, name: &str) -> Vec<Told> {
        self.lock().overlay.hook.get(name).map(told).unwrap_or_default()
    }

    /// The hooks that operators took out and that the files still have, or that come back by themselves.
    pub fn unloaded(&self) -> Vec<String> {
        let wanted = self.lock();
        let unloaded = wanted.overlay.hook.iter().filter(|(name, changes)| {
            changes.unloaded.is_some()
                && (changes.loaded.is_some() || table_of(&wanted.files.table, name).is_some())
        });
        unloaded.map(|(name, _)| name.clone()).collect()
    }

    /// Where each key of a hook stands in the files, if it does.
    pub fn origins(&self, name: &str) -> Origins {
        let wanted = self.lock();
        let loaded = wanted.overlay.hook.get(name).is_some_and(|changes| changes.loaded.is_some());
        if loaded { Origins::default() } else { origins(&wanted.files.texts, name) }
    }

    /// The value of a key of a hook as it is in force, without what is secret in it; none: its default.
    pub fn key(&self, name: &str, key: &str) -> Option<Json> {
        let wanted = self.lock();
        let mut table = wanted.overlay.onto(&wanted.files.table);
        hide(&mut table, &wanted.overlay);
        let mut value = &Value::Table(table_of(&table, name)?.clone());
        for step in key.split('.') {
            value = value.get(step)?;
        }
        serde_json::to_value(value).ok()
    }

    /// The versions of a hook that are kept, the newest last.
    pub fn versions(&self, name: &str) -> Result<Vec<Version>, ControlError> {
        let kept = self.live.loader().kept();
        kept.map_or(Ok(Vec::new()), |kept| kept.versions(name)).map_err(|error| self.unusable(error))
    }
}

fn told(changes: &Changes) -> Vec<Told> {
    let Changes { loaded, unloaded, swapped, candidate, paused, moved, set, hidden } = changes;
    let whole = [
        one("loaded", loaded.as_ref(), |_| None),
        one("unloaded", unloaded.as_ref(), |_| None),
        one("swapped", swapped.as_ref(), |version| Some(version.sha256.clone().into())),
        one("candidate", candidate.as_ref(), |trial| Some(trial.table.is_some().into())),
        one("paused", paused.as_ref(), |_| None),
        one("moved", moved.as_ref(), |position| serde_json::to_value(position).ok()),
    ];
    let keys = set.iter().filter_map(|(key, change)| {
        one(key, Some(change), |value| match is_hidden(key, hidden) {
            true => Some(HIDDEN.into()),
            false => serde_json::to_value(value).ok(),
        })
    });
    whole.into_iter().flatten().chain(keys).collect()
}

fn one<T>(what: &str, change: Option<&Change<T>>, value: impl FnOnce(&T) -> Option<Json>) -> Option<Told> {
    let Change { value: changed, by, at, until } = change?;
    Some(Told { what: what.to_owned(), value: value(changed), by: by.clone(), at: *at, until: *until })
}

/// Whether a key holds a secret, or is within one.
fn is_hidden(key: &str, hidden: &BTreeSet<String>) -> bool {
    let pointer = format!("/{}", key.replace('.', "/"));
    let within = |one: &str, other: &str| {
        one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    hidden.iter().any(|hidden| within(hidden, &pointer) || within(&pointer, hidden))
}

/// Puts something else where secrets are.
fn hide(config: &mut toml::Table, overlay: &Overlay) {
    let Some(Value::Array(hooks)) = config.get_mut("hook") else { return };
    for hook in hooks {
        let name = hook.get("name").and_then(Value::as_str).unwrap_or_default();
        let hidden = overlay.hook.get(name).map(|changes| changes.hidden.clone()).unwrap_or_default();
        for pointer in hidden {
            if let Some(value) = at(hook, &pointer) {
                *value = Value::String(HIDDEN.to_owned());
            }
        }
    }
}

/// The value that a JSON pointer names.
fn at<'v>(value: &'v mut Value, pointer: &str) -> Option<&'v mut Value> {
    let mut value = value;
    for step in pointer.strip_prefix('/')?.split('/') {
        let step = step.replace("~1", "/").replace("~0", "~");
        value = match value {
            Value::Table(table) => table.get_mut(&step)?,
            Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

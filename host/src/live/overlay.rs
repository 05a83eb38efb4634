//! What operators changed while it ran, on top of what the files say. Pure.
//!
//! It is kept by hook, so that a file that changes meanwhile changes all that no operator has touched. Changes that are for a
//! time end by themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// All changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// By the hook's name.
    #[serde(default)]
    pub hook: BTreeMap<String, Changes>,
}

/// What was changed about one hook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// What of it is a secret and never shown, as JSON pointers into the hook's table: `/config/token`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hidden: BTreeSet<String>,
    /// The whole hook, which no file has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<Change<Table>>,
    /// It was taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unloaded: Option<Change<bool>>,
    /// Another version of its plugin: its file and SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swapped: Option<Change<Version>>,
    /// The version that is tried beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Change<Trial>>,
    /// Events pass it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Change<bool>>,
    /// Its place in the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Change<Position>>,
    /// Its keys, by their paths: `grant.read`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Change<Value>>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change<T> {
    /// What is so now.
    pub value: T,
    /// Who changed it.
    pub by: String,
    /// When, in seconds since 1970.
    pub at: u64,
    /// When that ends; none: when somebody changes it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Its file, or the name of a standard hook.
    pub plugin: String,
    /// SHA-256 of it.
    pub sha256: String,
}

/// What is tried beside a hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// As it would stand in `[hook.candidate]`; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// What stood there in the file then; if something else does by now, that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Table>,
}

/// A place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// In front of all others.
    First,
    /// Behind all others.
    Last,
    /// In front of this one.
    Before(String),
    /// Behind this one.
    After(String),
}

impl Overlay {
    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.hook.values().all(Changes::is_empty)
    }

    /// The changes of a hook.
    pub fn of(&mut self, hook: &str) -> &mut Changes {
        self.hook.entry(hook.to_owned()).or_default()
    }

    /// Ends what is over by now, in seconds since 1970. What ended, as hook and key.
    pub fn expire(&mut self, now: u64) -> Vec<(String, String)> {
        let mut ended = Vec::new();
        for (hook, changes) in &mut self.hook {
            ended.extend(changes.expire(now).into_iter().map(|key| (hook.clone(), key)));
        }
        self.hook.retain(|_, changes| !changes.is_empty());
        ended
    }

    /// When the next change ends, in seconds since 1970.
    pub fn next_end(&self) -> Option<u64> {
        self.hook.values().flat_map(Changes::ends).min()
    }

    /// Makes the changes to the hooks of a configuration. Hooks that are gone from there take their changes with them.
    pub fn onto(&self, config: &Table) -> Table {
        let mut config = config.clone();
        let hooks = config.entry("hook").or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(hooks) = hooks else { return config };
        for (name, changes) in &self.hook {
            let at = hooks.iter().position(|hook| is_named(hook, name));
            match (&changes.loaded, at.and_then(|at| hooks.get_mut(at))) {
                (Some(loaded), Some(hook)) => *hook = Value::Table(loaded.value.clone()),
                (Some(loaded), None) => hooks.push(Value::Table(loaded.value.clone())),
                (None, _) => {}
            }
            if let Some(hook) =
                hooks.iter_mut().find(|hook| is_named(hook, name)).and_then(Value::as_table_mut)
            {
                changes.onto(hook);
            }
        }
        hooks.retain(|hook| {
            !self.hook.iter().any(|(name, changes)| changes.unloaded.is_some() && is_named(hook, name))
        });
        let mut moves: Vec<_> =
            self.hook.iter().filter_map(|(name, all)| Some((name, all.moved.as_ref()?))).collect();
        moves.sort_by_key(|(_, moved)| moved.at);
        for (name, moved) in moves {
            place(hooks, name, &moved.value);
        }
        if hooks.is_empty() {
            config.remove("hook");
        }
        config
    }

    /// The hooks that are paused.
    pub fn paused(&self) -> impl Iterator<Item = &str> {
        self.hook.iter().filter(|(_, changes)| changes.paused.is_some()).map(|(name, _)| name.as_str())
    }
}

impl Changes {
    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        // What is hidden says nothing by itself.
        Changes { hidden: BTreeSet::new(), ..self.clone() } == Changes::default()
    }

    /// Who changed a key, if it was changed by somebody.
    pub fn by_of(&self, key: &str) -> Option<String> {
        let whole = match key {
            "plugin" | "sha256" => self.swapped.as_ref().map(|change| &change.by),
            "candidate" => self.candidate.as_ref().map(|change| &change.by),
            _ => None,
        };
        let within =
            |set: &str| set == key || set.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let set = self.set.iter().find(|(set, _)| within(set)).map(|(_, change)| &change.by);
        let other =
            self.loaded.as_ref().map(|change| &change.by).or(self.unloaded.as_ref().map(|change| &change.by));
        whole.or(set).or(other).cloned()
    }

    fn expire(&mut self, now: u64) -> Vec<String> {
        let mut ended = Vec::new();
        end(&mut self.loaded, "loaded", now, &mut ended);
        end(&mut self.unloaded, "unloaded", now, &mut ended);
        end(&mut self.swapped, "swapped", now, &mut ended);
        end(&mut self.candidate, "candidate", now, &mut ended);
        end(&mut self.paused, "paused", now, &mut ended);
        end(&mut self.moved, "moved", now, &mut ended);
        self.set.retain(|key, change| {
            let is_over = change.is_over(now);
            ended.extend(is_over.then(|| key.clone()));
            !is_over
        });
        ended
    }

    fn ends(&self) -> impl Iterator<Item = u64> {
        let Changes { loaded, unloaded, swapped, candidate, paused, moved, set, hidden: _ } = self;
        let whole = [
            loaded.as_ref().and_then(|change| change.until),
            unloaded.as_ref().and_then(|change| change.until),
            swapped.as_ref().and_then(|change| change.until),
            candidate.as_ref().and_then(|change| change.until),
            paused.as_ref().and_then(|change| change.until),
            moved.as_ref().and_then(|change| change.until),
        ];
        whole.into_iter().flatten().chain(set.values().filter_map(|change| change.until))
    }

    fn onto(&self, hook: &mut Table) {
        if let Some(swapped) = &self.swapped {
            hook.insert("plugin".to_owned(), Value::String(swapped.value.plugin.clone()));
            hook.insert("sha256".to_owned(), Value::String(swapped.value.sha256.clone()));
        }
        if let Some(Trial { table, instead_of }) = self.candidate.as_ref().map(|change| &change.value)
            && hook.get("candidate").and_then(Value::as_table) == instead_of.as_ref()
        {
            match table {
                Some(table) => hook.insert("candidate".to_owned(), Value::Table(table.clone())),
                None => hook.remove("candidate"),
            };
        }
        for (key, change) in &self.set {
            put(hook, key, &change.value);
        }
    }
}

impl<T> Change<T> {
    fn is_over(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

fn end<T>(change: &mut Option<Change<T>>, name: &str, now: u64, ended: &mut Vec<String>) {
    if change.as_ref().is_some_and(|change| change.is_over(now)) {
        *change = None;
        ended.push(name.to_owned());
    }
}

fn is_named(hook: &Value, name: &str) -> bool {
    hook.get("name").and_then(Value::as_str) == Some(name)
}

/// Puts a value at a dotted path, making the tables on the way.
fn put(table: &mut Table, path: &str, value: &Value) {
    let Some((first, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value.clone());
        return;
    };
    let below = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
    if !below.is_table() {
        *below = Value::Table(Table::new());
    }
    if let Value::Table(below) = below {
        put(below, rest, value);
    }
}

/// Moves a hook; one that is to stand beside a hook that is not there stays where it is.
fn place(hooks: &mut Vec<Value>, name: &str, position: &Position) {
    let Some(from) = hooks.iter().position(|hook| is_named(hook, name)) else { return };
    let hook = hooks.remove(from);
    let of = |other: &String| hooks.iter().position(|hook| is_named(hook, other));
    let to = match position {
        Position::First => 0,
        Position::Last => hooks.len(),
        Position::Before(other) => of(other).unwrap_or(from),
        Position::After(other) => of(other).map_or(from, |place| place + 1),
    };
    hooks.insert(to.min(hooks.len()), hook);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Table {
        "[[hook]]\nname = \"a\"\nplugin = \"a.wasm\"\ndeadline = \"1s\"\n[[hook]]\nname = \"b\"\nplugin = \"b.wasm\"\n".parse().unwrap()
    }

    fn change<T>(value: T, until: Option<u64>) -> Change<T> {
        Change { value, by: "anna".to_owned(), at: 1, until }
    }

    fn names(config: &Table) -> Vec<String> {
        let hooks = config.get("hook").and_then(Value::as_array).cloned().unwrap_or_default();
        hooks.iter().map(|hook| hook["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_key_is_set_below_whatever_is_there_and_only_for_its_time() {
        let mut overlay = Overlay::default();
        overlay.of("a").set.insert("grant.read".to_owned(), change(Value::from(vec!["x"]), Some(10)));
        overlay.of("a").set.insert("deadline".to_owned(), change(Value::from("2s"), None));
        let changed = overlay.onto(&config());
        assert_eq!(changed["hook"][0]["grant"]["read"][0].as_str(), Some("x"));
        assert_eq!(changed["hook"][0]["deadline"].as_str(), Some("2s"));
        assert_eq!(overlay.next_end(), Some(10));
        assert_eq!(overlay.expire(9), []);
        assert_eq!(overlay.expire(10), [("a".to_owned(), "grant.read".to_owned())]);
        let changed = overlay.onto(&config());
        assert!(changed["hook"][0].get("grant").is_none());
        assert_eq!(changed["hook"][0]["deadline"].as_str(), Some("2s"));
    }

    #[test]
    fn hooks_join_leave_and_move() {
        let mut overlay = Overlay::default();
        let c: Table = "name = \"c\"\nplugin = \"c.wasm\"".parse().unwrap();
        overlay.of("c").loaded = Some(change(c, None));
        assert_eq!(names(&overlay.onto(&config())), ["a", "b", "c"]);
        overlay.of("c").moved = Some(change(Position::Before("b".to_owned()), None));
        assert_eq!(names(&overlay.onto(&config())), ["a", "c", "b"]);
        overlay.of("a").moved = Some(Change { at: 2, ..change(Position::Last, None) });
        assert_eq!(names(&overlay.onto(&config())), ["c", "b", "a"]);
        overlay.of("b").unloaded = Some(change(true, None));
        assert_eq!(names(&overlay.onto(&config())), ["c", "a"]);
        overlay.of("a").moved = Some(Change { at: 2, ..change(Position::After("gone".to_owned()), None) });
        assert_eq!(names(&overlay.onto(&config())), ["a", "c"]);
    }

    #[test]
    fn a_candidate_that_was_taken_back_stays_away_until_the_file_names_another() {
        let text = "[[hook]]\nname = \"a\"\nplugin = \"a.wasm\"\n[hook.candidate]\nplugin = \"a2.wasm\"\nshare = \"5%\"\n";
        let config: Table = text.parse().unwrap();
        let tried = config["hook"][0]["candidate"].as_table().unwrap().clone();
        let mut overlay = Overlay::default();
        overlay.of("a").candidate = Some(change(Trial { table: None, instead_of: Some(tried) }, None));
        assert!(overlay.onto(&config)["hook"][0].get("candidate").is_none());
        let other: Table = text.replace("a2.wasm", "a3.wasm").parse().unwrap();
        assert_eq!(overlay.onto(&other), other);
    }

    #[test]
    fn what_is_kept_is_read_back_as_it_was() {
        let mut overlay = Overlay::default();
        overlay.of("a").swapped =
            Some(change(Version { plugin: "x".to_owned(), sha256: "00".to_owned() }, Some(5)));
        overlay.of("a").paused = Some(change(true, None));
        let table: Table = "plugin = \"x\"\nshare = \"5%\"".parse().unwrap();
        overlay.of("a").candidate = Some(change(Trial { table: Some(table), instead_of: None }, None));
        overlay.of("b").moved = Some(change(Position::After("a".to_owned()), None));
        overlay.of("b").set.insert("match".to_owned(), change(Value::from(vec!["n > 1"]), None));
        overlay.of("b").hidden.insert("/config/token".to_owned());
        let text = toml::to_string(&overlay).unwrap();
        assert_eq!(toml::from_str::<Overlay>(&text).unwrap(), overlay, "{text}");
        assert_eq!(overlay.paused().collect::<Vec<_>>(), ["a"]);
    }
}

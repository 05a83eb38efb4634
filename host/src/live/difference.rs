//! The hooks in force against the hooks of the files, key by key. Pure.

use serde::Serialize;
use serde_json::Value as Json;
use toml::{Table, Value};

/// One key of one hook that is not as the files say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The hook.
    pub hook: String,
    /// Its key, at the top of its table; empty: the whole hook.
    pub key: String,
    /// As the files say; none: it does not stand there.
    pub files: Option<Json>,
    /// As it is; none: it is not there.
    pub running: Option<Json>,
    /// Who made it so.
    pub by: Option<String>,
}

/// All of them, in the order of the hooks in force, then those that are gone.
pub fn differences(files: &Table, running: &Table) -> Vec<Difference> {
    let (written, at_work) = (hooks(files), hooks(running));
    let mut all = Vec::new();
    let difference = |hook: &str, key: &str, files: Option<&Value>, running: Option<&Value>| Difference {
        hook: hook.to_owned(),
        key: key.to_owned(),
        files: files.map(json),
        running: running.map(json),
        by: None,
    };
    for (name, table) in &at_work {
        let Some((_, other)) = written.iter().find(|(other, _)| other == name) else {
            all.push(difference(name, "", None, Some(&Value::Table((*table).clone()))));
            continue;
        };
        let keys = table.keys().chain(other.keys().filter(|key| !table.contains_key(*key)));
        for key in keys.filter(|key| table.get(*key) != other.get(*key)) {
            all.push(difference(name, key, other.get(key), table.get(key)));
        }
    }
    for (name, table) in written.iter().filter(|(name, _)| !at_work.iter().any(|(other, _)| other == name)) {
        all.push(difference(name, "", Some(&Value::Table((*table).clone())), None));
    }
    all
}

fn hooks(config: &Table) -> Vec<(&str, &Table)> {
    let hooks = config.get("hook").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let tables = hooks.iter().filter_map(Value::as_table);
    tables.filter_map(|table| Some((table.get("name")?.as_str()?, table))).collect()
}

fn json(value: &Value) -> Json {
    // Dates are the only values that JSON does not know, and they are texts there.
    serde_json::to_value(value).unwrap_or(Json::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_key_that_differs_is_told_and_each_hook_that_is_only_on_one_side() {
        let files: Table =
            "[[hook]]\nname = \"a\"\ndeadline = \"1s\"\nmatch = [\"x\"]\n[[hook]]\nname = \"b\"\n"
                .parse()
                .unwrap();
        let running: Table =
            "[[hook]]\nname = \"a\"\ndeadline = \"2s\"\nfrom = [\"s\"]\n[[hook]]\nname = \"c\"\n"
                .parse()
                .unwrap();
        let told: Vec<_> = differences(&files, &running)
            .into_iter()
            .map(|difference| (difference.hook, difference.key, difference.files, difference.running))
            .collect();
        let row = |hook: &str, key: &str, files: Option<Json>, running: Option<Json>| {
            (hook.to_owned(), key.to_owned(), files, running)
        };
        assert_eq!(
            told,
            [
                row("a", "deadline", Some(json!("1s")), Some(json!("2s"))),
                row("a", "from", None, Some(json!(["s"]))),
                row("a", "match", Some(json!(["x"])), None),
                row("c", "", None, Some(json!({"name": "c"}))),
                row("b", "", Some(json!({"name": "b"})), None),
            ]
        );
    }
}

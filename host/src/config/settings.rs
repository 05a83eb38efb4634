//! A hook's own config, from TOML to the JSON that its `init` is handed.
//!
//! `{ file = "hosts.csv" }` becomes the text of the file, which the host reads, and `{ env = "KEY" }` the value of
//! the variable: so a hook needs no files and no environment, and secrets need not stand in the configuration.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Number, Value as Json};
use toml::de::{DeTable, DeValue};

use super::reader::{Table, Value};
use super::schema::MAX_FILE_BYTES;

/// What texts come from.
pub(super) struct Outside<'o> {
    /// What relative paths start from.
    pub(super) dir: &'o Path,
    /// The environment.
    pub(super) environment: &'o dyn Fn(&str) -> Option<String>,
}

/// The `config` of a hook as JSON text; `{}` if there is none.
pub(super) fn settings(hook: &Table<'_, '_>, outside: &Outside<'_>) -> String {
    let Some(value) = hook.get("config") else { return "{}".to_owned() };
    match value.get_ref() {
        DeValue::Table(table) => object(hook, "config", table, outside).to_string(),
        other => {
            hook.wrong(&value.span(), format!("config is {}; a table is needed", other.type_str()));
            "{}".to_owned()
        }
    }
}

fn object(hook: &Table<'_, '_>, path: &str, table: &DeTable<'_>, outside: &Outside<'_>) -> Json {
    let mut object = Map::new();
    for (key, value) in table.iter() {
        let name = key.get_ref().as_ref();
        object.insert(name.to_owned(), json(hook, &format!("{path}.{name}"), value, outside));
    }
    Json::Object(object)
}

fn json(hook: &Table<'_, '_>, path: &str, value: &Value<'_>, outside: &Outside<'_>) -> Json {
    let wrong = |message: String| {
        hook.wrong(&value.span(), format!("{path}: {message}"));
        Json::Null
    };
    match value.get_ref() {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Boolean(value) => Json::from(*value),
        DeValue::Datetime(time) => Json::from(time.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| wrong("the number does not fit 64 bits".to_owned()), Json::from),
        DeValue::Float(float) => float
            .as_str()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| wrong("JSON has no nan and no inf".to_owned()), Json::Number),
        DeValue::Array(list) => Json::Array(
            list.iter()
                .enumerate()
                .map(|(index, item)| json(hook, &format!("{path}[{index}]"), item, outside))
                .collect(),
        ),
        DeValue::Table(table) => match single_text(table) {
            Some(("file", name)) => read(&outside.dir.join(name)).map_or_else(wrong, Json::from),
            Some(("env", name)) => (outside.environment)(name)
                .map_or_else(|| wrong(format!("the environment has no variable {name}")), Json::from),
            _ => object(hook, path, table, outside),
        },
    }
}

/// The key and text of a table with nothing else in it.
fn single_text<'t>(table: &'t DeTable<'_>) -> Option<(&'t str, &'t str)> {
    let (key, value) = table.iter().next().filter(|_| table.len() == 1)?;
    Some((key.get_ref().as_ref(), value.get_ref().as_str()?))
}

fn read(path: &Path) -> Result<String, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let file = fs::File::open(path).map_err(|error| wrong(&error))?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(wrong(&format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}

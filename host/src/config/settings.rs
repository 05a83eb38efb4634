//! A hook's own config, from TOML to the JSON that its `init` is handed.
//!
//! `{ file = "hosts.csv" }` becomes the text of the file, which the host reads, and `{ env = "KEY" }` the value of
//! the variable: so a hook needs no files and no environment, and secrets need not stand in the configuration.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Number, Value as Json};
use toml::de::{DeTable, DeValue};

use super::places::{Places, Spot};
use super::reader::{Table, Value};
use super::schema::MAX_FILE_BYTES;

/// What texts come from.
pub(super) struct Outside<'o> {
    /// What relative paths start from.
    pub(super) dir: &'o Path,
    /// The environment.
    pub(super) environment: &'o dyn Fn(&str) -> Option<String>,
}

/// The `config` of a hook as JSON text, `{}` if there is none, and where its parts stand.
pub(super) fn settings(hook: &Table<'_, '_>, outside: &Outside<'_>) -> (String, Places) {
    let text = hook.reader.text;
    let Some(value) = hook.get("config") else {
        return ("{}".to_owned(), Places::new(text, Spot::new(hook.span(), hook.span())));
    };
    let mut spot = Spot::new(&value.span(), &value.span());
    let json = match value.get_ref() {
        DeValue::Table(table) => object(hook, "config", table, outside, &mut spot).to_string(),
        other => {
            hook.wrong(&value.span(), format!("config is {}; a table is needed", other.type_str()));
            "{}".to_owned()
        }
    };
    (json, Places::new(text, spot))
}

pub(super) fn object(
    hook: &Table<'_, '_>,
    path: &str,
    table: &DeTable<'_>,
    outside: &Outside<'_>,
    spot: &mut Spot,
) -> Json {
    let mut object = Map::new();
    for (key, value) in table.iter() {
        let name = key.get_ref().as_ref();
        let mut below = Spot::new(&key.span(), &value.span());
        object.insert(name.to_owned(), json(hook, &format!("{path}.{name}"), value, outside, &mut below));
        spot.members.insert(name.to_owned(), below);
    }
    Json::Object(object)
}

fn json(hook: &Table<'_, '_>, path: &str, value: &Value<'_>, outside: &Outside<'_>, spot: &mut Spot) -> Json {
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
        DeValue::Array(list) => {
            let mut entries = Vec::with_capacity(list.len());
            for (index, item) in list.iter().enumerate() {
                let mut below = Spot::new(&item.span(), &item.span());
                entries.push(json(hook, &format!("{path}[{index}]"), item, outside, &mut below));
                spot.entries.push(below);
            }
            Json::Array(entries)
        }
        DeValue::Table(table) => match single_text(table).and_then(|(key, text)| outside.text(key, text)) {
            Some(text) => {
                spot.is_outside = true;
                text.map_or_else(wrong, Json::from)
            }
            None => object(hook, path, table, outside, spot),
        },
    }
}

/// A hook's config that stands in no TOML file, with the texts of `{ file = ... }` and `{ env = ... }` in it; paths are
/// relative to `dir`. The error names the key.
pub fn settings_of(
    config: serde_json::Value,
    dir: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<serde_json::Value, String> {
    filled_in(config, &Outside { dir, environment })
}

/// Puts the texts into a config that stands in no file, as [`settings`] does.
fn filled_in(value: Json, outside: &Outside<'_>) -> Result<Json, String> {
    match value {
        Json::Object(members) => {
            if let (1, Some((key, Json::String(text)))) = (members.len(), members.iter().next())
                && let Some(text) = outside.text(key, text)
            {
                return text.map(Json::from);
            }
            let filled = members.into_iter().map(|(key, value)| match filled_in(value, outside) {
                Ok(value) => Ok((key, value)),
                Err(error) => Err(format!("{key}: {error}")),
            });
            filled.collect::<Result<_, _>>().map(Json::Object)
        }
        Json::Array(list) => {
            let filled = list.into_iter().enumerate().map(|(index, value)| {
                filled_in(value, outside).map_err(|error| format!("[{index}]: {error}"))
            });
            filled.collect::<Result<_, _>>().map(Json::Array)
        }
        other => Ok(other),
    }
}

impl Outside<'_> {
    /// The text that `{ KEY = "TEXT" }` stands for; none if it stands for itself.
    fn text(&self, key: &str, text: &str) -> Option<Result<String, String>> {
        match key {
            "file" => Some(read(&self.dir.join(text))),
            "env" => Some(
                (self.environment)(text).ok_or_else(|| format!("the environment has no variable {text}")),
            ),
            _ => None,
        }
    }
}

/// The key and text of a table with nothing else in it.
fn single_text<'t>(table: &'t DeTable<'_>) -> Option<(&'t str, &'t str)> {
    let (key, value) = table.iter().next().filter(|_| table.len() == 1)?;
    Some((key.get_ref().as_ref(), value.get_ref().as_str()?))
}

/// A file's text, if it is of a size that a configuration may hold.
pub fn read(path: &Path) -> Result<String, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let file = fs::File::open(path).map_err(|error| wrong(&error))?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(wrong(&format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}

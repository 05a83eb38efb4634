//! A configuration as it was understood: with what it includes in one text, in the order of the tables in `schema`.
//!
//! It is made of what was written, not of what was read from it, so `{ env = ... }` and `{ file = ... }` stay what they
//! are and no secret is shown that does not stand in the file itself. Paths become absolute, so the text means the same
//! wherever it is kept. Only a configuration without errors is shown.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toml::{Table, Value};

use super::admin::UNIX;
use super::load::read;
use super::schema::{self, Form, ITS_DEFAULTS, Kind, Section, Unset};
use super::{Config, Errors, is_plugin_path};

/// A checked configuration, to be printed.
#[derive(Clone, Debug)]
pub struct Shown {
    table: Table,
    /// What cannot be written as a value is told in comments.
    with_defaults: bool,
}

/// Reads and checks `file` and what it includes; with every key that is not set, if that is wanted.
pub fn show(
    file: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
    with_defaults: bool,
) -> Result<Shown, Errors> {
    let (config, documents) = read(file, environment)?;
    let table = merged(&documents);
    Ok(if with_defaults { whole(table, &config) } else { Shown { table, with_defaults } })
}

/// A table that a configuration was made of, with every key that is not set.
pub(super) fn whole(mut table: Table, config: &Config) -> Shown {
    complete(schema::TOP, &mut table);
    add_effective(&mut table, config);
    Shown { table, with_defaults: true }
}

/// What texts say that were read without an error, in one table with absolute paths.
pub(super) fn merged(documents: &[(PathBuf, String)]) -> Table {
    let mut merged = Table::new();
    for (path, text) in documents {
        let dir = absolute(path.parent().unwrap_or(Path::new("")));
        let Ok(mut document) = text.parse::<Table>() else { continue };
        document.remove("include");
        resolve(schema::TOP, &mut document, &dir);
        merge(&mut merged, document);
    }
    merged
}

/// The data directory, whose default depends on the environment.
fn add_effective(merged: &mut Table, config: &Config) {
    let data_dir = absolute(&config.data_dir).to_string_lossy().into_owned();
    merged.entry("data_dir").or_insert(Value::String(data_dir));
}

fn absolute(path: &Path) -> PathBuf {
    // An empty path is the working directory, and cannot be made absolute.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Lists are continued; other keys stand in the first file only.
fn merge(merged: &mut Table, document: Table) {
    for (key, value) in document {
        match (merged.get_mut(&key), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, value) => {
                merged.insert(key, value);
            }
        }
    }
}

/// Makes the paths in a table absolute.
fn resolve(section: &Section, table: &mut Table, dir: &Path) {
    for key in section.keys {
        let Some(value) = table.get_mut(key.name) else { continue };
        match (&key.kind, value) {
            (Kind::Table(below), Value::Table(table)) => resolve(below, table, dir),
            (Kind::Tables(below), Value::Array(list)) => {
                list.iter_mut().filter_map(Value::as_table_mut).for_each(|table| resolve(below, table, dir));
            }
            (Kind::Open | Kind::Lines, value) => resolve_references(value, dir),
            (Kind::Text(Form::Path), Value::String(path)) => join(path, dir),
            (Kind::Text(Form::Listen), Value::String(listen)) => {
                if let Some(mut path) = listen.strip_prefix(UNIX).map(str::to_owned) {
                    join(&mut path, dir);
                    *listen = format!("{UNIX}{path}");
                }
            }
            (Kind::Text(Form::Plugin), Value::String(path)) if is_plugin_path(path) => join(path, dir),
            (Kind::Texts(Form::Path), Value::String(path)) => join(path, dir),
            (Kind::Texts(Form::Path), Value::Array(list)) => {
                for item in list {
                    if let Value::String(path) = item {
                        join(path, dir);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The paths of `{ file = "..." }`, wherever they stand.
fn resolve_references(value: &mut Value, dir: &Path) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| resolve_references(item, dir)),
        Value::Table(table) => {
            let alone = table.len() == 1;
            for (name, value) in table.iter_mut() {
                match value {
                    Value::String(path) if alone && name == "file" => join(path, dir),
                    value => resolve_references(value, dir),
                }
            }
        }
        _ => {}
    }
}

fn join(path: &mut String, dir: &Path) {
    *path = dir.join(&*path).to_string_lossy().into_owned();
}

/// Adds the defaults of what is not there.
fn complete(section: &Section, table: &mut Table) {
    let kind = table.get("type").and_then(Value::as_str).map(str::to_owned);
    for key in section.keys.iter().filter(|key| key.only.is_none() || key.only == kind.as_deref()) {
        match &key.kind {
            // It means something that the table is there.
            Kind::Table(_) if key.unset != ITS_DEFAULTS && !table.contains_key(key.name) => {}
            Kind::Table(below) => {
                let value = table.entry(key.name).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(table) = value {
                    complete(below, table);
                }
            }
            Kind::Tables(below) => {
                if let Some(Value::Array(list)) = table.get_mut(key.name) {
                    list.iter_mut().filter_map(Value::as_table_mut).for_each(|table| complete(below, table));
                }
            }
            _ if table.contains_key(key.name) || key.name == "include" && section.header.is_empty() => {}
            _ => {
                let default = key.default().and_then(|text| parse(&text));
                if let Some(value) = default {
                    table.insert(key.name.to_owned(), value);
                }
            }
        }
    }
}

/// A value of the tables in `schema`.
pub(super) fn parse(text: &str) -> Option<Value> {
    format!("value = {text}").parse::<Table>().ok()?.remove("value")
}

impl Shown {
    /// As JSON; dates as texts.
    pub fn json(&self) -> Json {
        json(&Value::Table(self.table.clone()))
    }

    /// As TOML that reads like one that people write.
    pub fn toml(&self) -> String {
        let mut out = String::new();
        self.section(schema::TOP, &self.table, &mut out);
        out.trim_start().to_owned()
    }

    fn section(&self, section: &Section, table: &Table, out: &mut String) {
        let kind = table.get("type").and_then(Value::as_str);
        for key in section.keys {
            match (&key.kind, table.get(key.name)) {
                (Kind::Table(below), Some(Value::Table(table))) => {
                    header(below.header, out);
                    self.section(below, table, out);
                }
                (Kind::Tables(below), Some(Value::Array(list))) => {
                    for table in list.iter().filter_map(Value::as_table) {
                        header(below.header, out);
                        self.section(below, table, out);
                    }
                }
                (Kind::Open, Some(Value::Table(open))) => {
                    header(&format!("[{}.{}]", section.header.trim_matches(['[', ']']), key.name), out);
                    for (name, value) in open {
                        line(name, value, out);
                    }
                }
                (_, Some(value)) => line(key.name, value, out),
                (_, None) => {
                    let here = key.only.is_none() || key.only == kind;
                    if let (true, true, Unset::Means(meaning)) = (self.with_defaults, here, key.unset)
                        && !matches!(key.kind, Kind::Table(_) | Kind::Tables(_))
                    {
                        let _ = writeln!(out, "# {} is not set: {}", key.name, meaning.replace('`', ""));
                    }
                }
            }
        }
    }
}

fn header(header: &str, out: &mut String) {
    // Tables of a hook follow it without a gap.
    if !header.contains('.') {
        out.push('\n');
    }
    let _ = writeln!(out, "{header}");
}

fn line(name: &str, value: &Value, out: &mut String) {
    let _ = writeln!(out, "{} = {value}", bare_or_quoted(name));
}

fn bare_or_quoted(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !name.is_empty() && name.bytes().all(bare) {
        return name.to_owned();
    }
    // A basic string of TOML escapes as JSON does, and DEL too.
    Json::from(name).to_string().replace('\u{7f}', "\\u007f")
}

/// The same value as JSON.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(value) => Json::from(*value),
        Value::Datetime(time) => Json::from(time.to_string()),
        Value::Array(list) => list.iter().map(json).collect(),
        Value::Table(table) => {
            Json::Object(table.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests;

//! The table: rows found by the value of their key.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

/// Where a table comes from.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// CSV with a header, or JSON, an array of objects.
    Text(String),
    /// Rows in the configuration.
    Rows(Vec<Map<String, Value>>),
}

/// Rows of JSON texts; an empty one is no value.
#[derive(Debug)]
pub struct Table {
    columns: Vec<String>,
    key: usize,
    rows: Vec<Vec<String>>,
    /// The row of each key, which is a text as it is or another value's JSON.
    index: HashMap<String, usize>,
}

impl Table {
    /// A table whose rows are found by the column `key`, by default the first.
    pub fn new(source: Source, key: Option<&str>) -> Result<Table, String> {
        let mut table = match source {
            Source::Text(text) if text.trim_start().starts_with('[') => {
                let rows: Vec<Value> =
                    serde_json::from_str(&text).map_err(|error| format!("table: {error}"))?;
                Table::of_values(rows)?
            }
            Source::Text(text) => Table::of_csv(&text)?,
            Source::Rows(rows) => Table::of_values(rows.into_iter().map(Value::Object).collect())?,
        };
        if let Some(key) = key {
            table.key = table.column(key)?;
        }
        for (number, row) in table.rows.iter().enumerate() {
            let Some(key) = row.get(table.key).filter(|key| !key.is_empty()) else { continue };
            let key = key_of(key);
            if table.index.contains_key(&key) {
                return Err(format!("table: the key {key:?} occurs twice"));
            }
            table.index.insert(key, number);
        }
        Ok(table)
    }

    fn of_csv(text: &str) -> Result<Table, String> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let columns: Vec<String> =
            reader.headers().map_err(|error| format!("table: {error}"))?.iter().map(str::to_owned).collect();
        if columns.is_empty() {
            return Err("table: it is empty; a first line with the columns' names is needed".to_owned());
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| format!("table: {error}"))?;
            if record.len() != columns.len() {
                let line = record.position().map_or(0, csv::Position::line);
                return Err(format!(
                    "table: line {line}: {} values; the header has {}",
                    record.len(),
                    columns.len()
                ));
            }
            let json =
                |text: &str| if text.is_empty() { String::new() } else { Value::from(text).to_string() };
            rows.push(record.iter().map(json).collect());
        }
        Ok(Table { columns, key: 0, rows, index: HashMap::new() })
    }

    fn of_values(values: Vec<Value>) -> Result<Table, String> {
        let mut columns: Vec<String> = Vec::new();
        let mut objects = Vec::with_capacity(values.len());
        for (number, value) in values.into_iter().enumerate() {
            let Value::Object(object) = value else {
                return Err(format!("table: row {}: an object is needed", number + 1));
            };
            for name in object.keys() {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
            objects.push(object);
        }
        if columns.is_empty() {
            return Err("table: it is empty".to_owned());
        }
        let cell = |value: Option<&Value>| {
            value.filter(|value| !value.is_null()).map_or(String::new(), Value::to_string)
        };
        let rows = objects
            .iter()
            .map(|object| columns.iter().map(|name| cell(object.get(name))).collect())
            .collect();
        Ok(Table { columns, key: 0, rows, index: HashMap::new() })
    }

    /// The number of a column.
    pub fn column(&self, name: &str) -> Result<usize, String> {
        let found = self.columns.iter().position(|column| column == name);
        found.ok_or_else(|| {
            format!("table: there is no column {name:?}; there is {}", self.columns.join(", "))
        })
    }

    /// Every column but the key, each as the field of its own name.
    pub fn other_columns(&self) -> BTreeMap<String, String> {
        let others = self.columns.iter().enumerate().filter(|(number, _)| *number != self.key);
        others.map(|(_, name)| (format!("{:?}", name), name.clone())).collect()
    }

    /// The row of a key, a JSON text.
    pub fn row(&self, key: &str) -> Option<&[String]> {
        // Most texts have no escapes, and can be looked up as they are.
        let plain =
            key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).filter(|key| !key.contains('\\'));
        let row = match plain {
            Some(key) => self.index.get(key),
            None => self.index.get(&key_of(key)),
        };
        self.rows.get(*row?).map(Vec::as_slice)
    }
}

/// How a JSON text is looked up: a string as what it says.
fn key_of(json: &str) -> String {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned())
}

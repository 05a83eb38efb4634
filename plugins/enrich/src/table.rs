//! The table: rows found by the value of their key.
//!
//! It holds every row, and nothing more than that once it is made. What is wrong with a table is an error that says
//! where: a line of a CSV text, a row of JSON, counted from 1.

mod source;

use std::collections::{BTreeMap, HashMap};

use source::Raw;
pub use source::{Format, Source};

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
    /// A table whose rows are found by the column `key`, by default the first. Rows without a key are never found.
    pub fn new(source: Source, format: Option<Format>, key: Option<&str>) -> Result<Table, String> {
        let Raw { columns, rows, places } = source.read(format)?;
        let mut table = Table { columns, key: 0, rows, index: HashMap::new() };
        if let Some(key) = key {
            table.key = table.column(key).map_err(|error| format!("key: {error}"))?;
        }
        for (number, row) in table.rows.iter().enumerate() {
            let Some(key) = row.get(table.key).filter(|key| !key.is_empty()) else { continue };
            let key = key_of(key);
            if let Some(first) = table.index.get(&key) {
                let place = |row| places.get(row).map_or("", String::as_str);
                return Err(format!(
                    "table: {}: {key:?} is the key of {} already",
                    place(number),
                    place(*first)
                ));
            }
            table.index.insert(key, number);
        }
        Ok(table)
    }

    /// The number of a column.
    pub fn column(&self, name: &str) -> Result<usize, String> {
        let found = self.columns.iter().position(|column| column == name);
        found.ok_or_else(|| format!("the table has no column {name:?}; it has {}", self.columns.join(", ")))
    }

    /// Every column but the key, each as the field of its own name.
    pub fn other_columns(&self) -> BTreeMap<String, String> {
        let others = self.columns.iter().enumerate().filter(|(number, _)| *number != self.key);
        others.map(|(_, name)| (path_of(name), name.clone())).collect()
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

/// A name as a path of one key, in TOML's form.
fn path_of(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(bare) {
        return name.to_owned();
    }
    // The escapes of a JSON string are TOML's too.
    serde_json::Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_bare_keys_are_quoted() {
        assert_eq!(path_of("geo_country-2"), "geo_country-2");
        assert_eq!(path_of("geo.country"), "\"geo.country\"");
        assert_eq!(path_of("a \"b\""), "\"a \\\"b\\\"\"");
    }

    #[test]
    fn a_text_and_a_number_that_read_the_same_are_the_same_key() {
        let table = Table::new(Source::Text("id,x\n7,a\n,b\n\"k\"\"\",c\n".to_owned()), None, None).unwrap();
        assert_eq!(table.row("7").unwrap(), table.row("\"7\"").unwrap());
        assert_eq!(table.row("\"\\u006b\\\"\"").unwrap().last().unwrap(), "\"c\"");
        assert!(table.row("\"\"").is_none());
    }
}

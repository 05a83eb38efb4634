//! Joins fields from a table: a CSV or JSON text, or rows in the configuration itself.
//!
//! ```toml
//! [[hook]]
//! name = "enrich"
//! plugin = "enrich"
//! [hook.grant]
//! read = ["client_ip", "geo"]
//! write = ["geo"]
//! [hook.config]
//! # A CSV text with a header, a JSON text, or rows: [{ ip = "10.0.0.1", city = "Bonn" }]. The host reads the file.
//! table = { file = "hosts.csv" }
//! format = "csv"                # or "json"; by default a text that begins with [ is JSON
//! by = "client_ip"              # the event's field; needed
//! key = "ip"                    # the table's column that it is looked up in; by default the first
//! set = { "geo.city" = "city" } # the event's field = the table's column; by default each column but the key
//! overwrite = false             # the default; true also sets fields that are there, and need not read them
//! ```
//!
//! Values of a CSV are texts; those of JSON are what they are. An empty one and `null` are none, and set nothing. An
//! event whose value is not in the table passes as it is. The table must fit the hook's memory three times while it
//! starts; what is wrong with it refuses the start, and the error names the line or row.

mod table;

use std::collections::BTreeMap;

use hookaroon_sdk::{Event, Grant, Hook, Json, Mark, Read, Setup, Verdict, Write, config, export};
use table::{Format, Source, Table};

/// Joins fields from a table: the row is looked up by a field of the event, and its columns are set in the event. An event
/// whose value is not in the table passes as it is.
#[config]
#[derive(Debug)]
pub struct Config {
    /// The table: a CSV text with a header, a JSON text, or rows, `[{ ip = "10.0.0.1", city = "Bonn" }]`. The host reads
    /// a file: `{ file = "hosts.csv" }`.
    #[example("ip,city\n10.0.0.1,Bonn\n")]
    table: Source,
    /// How a text is read; by default one that begins with `[` is JSON.
    format: Option<Format>,
    /// The event's field that is looked up.
    #[example("client_ip")]
    by: String,
    /// The table's column that it is looked up in; by default the first.
    key: Option<String>,
    /// The event's fields that are set, each from a column: `{ "geo.city" = "city" }`; by default each column but the key.
    set: Option<BTreeMap<String, String>>,
    /// Whether fields that are there are set too.
    #[default(false)]
    overwrite: bool,
}

/// The hook.
#[derive(Debug)]
pub struct Enrich {
    table: Table,
    by: Read<Json>,
    targets: Vec<Target>,
}

/// A field that is set.
#[derive(Debug)]
struct Target {
    column: usize,
    write: Write<Json>,
    /// To see whether it is there; none if that does not matter.
    read: Option<Read<Json>>,
}

impl Hook for Enrich {
    type Config = Config;
    const GRANT: Grant = Grant { read: &["*"], write: &["*"], ..Grant::NONE };

    fn init(config: Config, setup: &mut Setup) -> Result<Enrich, String> {
        let table = Table::new(config.table, config.format, config.key.as_deref())?;
        let set = config.set.unwrap_or_else(|| table.other_columns());
        if set.is_empty() {
            return Err("set: there is nothing to set; the table needs a column besides its key".to_owned());
        }
        let mut targets = Vec::with_capacity(set.len());
        for (path, column) in &set {
            targets.push(Target {
                column: table.column(column).map_err(|error| format!("set: {error}"))?,
                write: setup.write(path),
                read: (!config.overwrite).then(|| setup.read(path)),
            });
        }
        Ok(Enrich { table, by: setup.read(&config.by), targets })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        let Some(row) = event.get(self.by).and_then(|value| self.table.row(value)) else {
            return Verdict::Keep;
        };
        for target in &self.targets {
            let free = target.read.is_none_or(|read| event.mark(read) == Mark::Absent);
            if let Some(value) = row.get(target.column).filter(|value| free && !value.is_empty()) {
                event.set(target.write, value);
            }
        }
        Verdict::Keep
    }
}

export!(Enrich);

#[cfg(test)]
mod tests {
    use super::*;
    use hookaroon_sdk::testing;

    const CSV: &str = r#""table":"ip,city,note\n10.0.0.1,Bonn,\"a, \"\"b\"\"\"\n10.0.0.2,Köln,\n""#;

    fn run(config: &str, event: &str) -> String {
        testing::run::<Enrich>(config, &[event]).unwrap().events[0].to_string()
    }

    #[test]
    fn columns_are_joined_by_their_key() {
        let config = format!("{{{CSV},\"by\":\"client\"}}");
        assert_eq!(
            run(&config, r#"{"client":"10.0.0.1"}"#),
            r#"{"city":"Bonn","client":"10.0.0.1","note":"a, \"b\""}"#
        );
        assert_eq!(run(&config, r#"{"client":"10.0.0.2"}"#), r#"{"city":"Köln","client":"10.0.0.2"}"#);
        assert_eq!(run(&config, r#"{"client":"10.0.0.9"}"#), r#"{"client":"10.0.0.9"}"#);
        assert_eq!(run(&config, r#"{}"#), "{}");
    }

    #[test]
    fn fields_are_set_where_it_is_said_and_only_where_none_is_unless_it_is_said() {
        let config = format!("{{{CSV},\"by\":\"ip\",\"key\":\"ip\",\"set\":{{\"geo.city\":\"city\"}}}}");
        assert_eq!(run(&config, r#"{"ip":"10.0.0.1"}"#), r#"{"geo":{"city":"Bonn"},"ip":"10.0.0.1"}"#);
        let there = r#"{"geo":{"city":"Ulm"},"ip":"10.0.0.1"}"#;
        assert_eq!(run(&config, there), there);
        let config = config.replace("\"by\"", "\"overwrite\":true,\"by\"");
        assert_eq!(run(&config, there), r#"{"geo":{"city":"Bonn"},"ip":"10.0.0.1"}"#);
    }

    #[test]
    fn tables_of_json_keep_their_types() {
        let rows = r#"[{"id":7,"tier":{"name":"gold"}},{"id":"x","tier":1}]"#;
        for table in [rows.to_owned(), serde_json::Value::from(rows).to_string()] {
            let config = format!("{{\"table\":{table},\"by\":\"id\",\"key\":\"id\"}}");
            assert_eq!(run(&config, r#"{"id":7}"#), r#"{"id":7,"tier":{"name":"gold"}}"#);
            assert_eq!(run(&config, r#"{"id":"x"}"#), r#"{"id":"x","tier":1}"#);
        }
    }

    #[test]
    fn the_first_column_of_json_is_its_key_in_the_order_of_its_text() {
        let config = r#"{"table":[{"z":1,"a":2},{"b":true,"z":3}],"by":"z"}"#;
        assert_eq!(run(config, r#"{"z":1}"#), r#"{"a":2,"z":1}"#);
        assert_eq!(run(config, r#"{"z":3}"#), r#"{"b":true,"z":3}"#);
        let config = r#"{"table":"z,geo.city\n1,Bonn\n","by":"z","format":"csv"}"#;
        assert_eq!(run(config, r#"{"z":1}"#), r#"{"geo.city":"Bonn","z":1}"#);
    }

    #[test]
    fn what_is_wrong_with_a_table_names_the_place() {
        for (config, expected) in [
            (r#"{"table":"a,b,c\n1,2,3\n4,5,6,7\n","by":"x"}"#, "table: line 3: 4 values, the header has 3"),
            (
                r#"{"table":"a,b\n1,2\n","by":"x","key":"c"}"#,
                "key: the table has no column \"c\"; it has a, b",
            ),
            (
                r#"{"table":"a,b\n","by":"x","set":{"y":"c"}}"#,
                "set: the table has no column \"c\"; it has a, b",
            ),
            (r#"{"table":"[{\"a\":1},1]","by":"x"}"#, "table: row 2: it is not an object"),
            (r#"{"table":"","by":"x"}"#, "table: it is empty"),
            (r#"{"table":"[]","by":"x"}"#, "table: it is empty"),
            (r#"{"table":5,"by":"x"}"#, "a CSV or JSON text is needed"),
            (
                r#"{"table":"a,b\n1,\n2,\n1,\n","by":"x"}"#,
                "table: line 4: \"1\" is the key of line 2 already",
            ),
            (r#"{"table":"a,a\n","by":"x"}"#, "the column \"a\" occurs twice"),
            (r#"{"table":"a\n1\n","by":"x"}"#, "nothing to set"),
            (r#"{"table":"a,b\n","by":"x","format":"xml"}"#, "unknown variant `xml`"),
            (r#"{"table":"a,b\n","by":"x","format":"json"}"#, "table: expected value at line 1"),
        ] {
            let error = testing::run::<Enrich>(config, &[]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

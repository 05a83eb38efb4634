//! Where a table comes from, read into rows: CSV as RFC 4180 has it, JSON as an array of objects, and the same as
//! part of the configuration.
//!
//! The order of columns is that of the source, because the first one is the default key. An empty table, a row that
//! is too short or too long, and a column that is named twice are errors.

use std::fmt;

use hookaroon_sdk::{Piece, Schema};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// How a text is read.
#[hookaroon_sdk::config]
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// A header and one line a row.
    Csv,
    /// An array of objects.
    Json,
}

/// The table in the configuration.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged, expecting = "table: a CSV or JSON text is needed, or an array of rows")]
pub enum Source {
    /// CSV with a header, or JSON, an array of objects.
    Text(String),
    /// Rows.
    Rows(Vec<Row>),
}

impl Schema for Source {
    const MEMBERS: Piece = Piece::Json(r#""type":["string","array"],"items":{"type":"object"}"#);
}

/// A row of JSON, or what stands where one should.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
pub enum Row {
    /// Its values by column.
    Object(Members),
    /// No object.
    Other(IgnoredAny),
}

/// An object's members in their order.
#[derive(Debug)]
pub struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// A table before its keys are known.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) columns: Vec<String>,
    /// JSON texts, as many a row as there are columns; an empty one is no value.
    pub(super) rows: Vec<Vec<String>>,
    /// Where each row stands, for people: `line 3`, `row 2`.
    pub(super) places: Vec<String>,
}

impl Source {
    /// Reads it. Without a format, a text that begins with `[` is JSON.
    pub(super) fn read(self, format: Option<Format>) -> Result<Raw, String> {
        let raw = match (self, format) {
            (Source::Rows(_), Some(Format::Csv)) => {
                return Err("format is \"csv\", but the table is given as rows; leave it out".to_owned());
            }
            (Source::Rows(rows), _) => of_rows(rows)?,
            (Source::Text(text), Some(Format::Json)) => of_json(&text)?,
            (Source::Text(text), None) if text.trim_start().starts_with('[') => of_json(&text)?,
            (Source::Text(text), _) => of_csv(&text)?,
        };
        for (number, name) in raw.columns.iter().enumerate() {
            if raw.columns.iter().take(number).any(|column| column == name) {
                return Err(format!("table: the column {name:?} occurs twice"));
            }
        }
        Ok(raw)
    }
}

fn of_json(text: &str) -> Result<Raw, String> {
    of_rows(serde_json::from_str(text).map_err(|error| format!("table: {error}"))?)
}

fn of_csv(text: &str) -> Result<Raw, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| format!("table: {error}"))?;
    let columns: Vec<String> = header.iter().map(str::to_owned).collect();
    if columns.is_empty() {
        return Err("table: it is empty; a first line with the names of the columns is needed".to_owned());
    }
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| format!("table: {error}"))?;
        let place = format!("line {}", record.position().map_or(0, csv::Position::line));
        if record.len() != columns.len() {
            let values = if record.len() == 1 { "value" } else { "values" };
            return Err(format!(
                "table: {place}: {} {values}, the header has {}",
                record.len(),
                columns.len()
            ));
        }
        let json = |text: &str| if text.is_empty() { String::new() } else { Value::from(text).to_string() };
        rows.push(record.iter().map(json).collect());
        places.push(place);
    }
    Ok(Raw { columns, rows, places })
}

fn of_rows(source: Vec<Row>) -> Result<Raw, String> {
    let mut columns: Vec<String> = Vec::new();
    let (mut rows, mut places) = (Vec::with_capacity(source.len()), Vec::with_capacity(source.len()));
    for (number, row) in source.into_iter().enumerate() {
        let place = format!("row {}", number + 1);
        let Row::Object(Members(members)) = row else {
            return Err(format!("table: {place}: it is not an object"));
        };
        let mut cells = vec![String::new(); columns.len()];
        for (name, value) in members {
            let cell = if value.is_null() { String::new() } else { value.to_string() };
            match columns.iter().position(|column| *column == name).and_then(|at| cells.get_mut(at)) {
                Some(place) => *place = cell,
                None => {
                    columns.push(name);
                    cells.push(cell);
                }
            }
        }
        rows.push(cells);
        places.push(place);
    }
    if columns.is_empty() {
        return Err(
            "table: it is empty; rows such as { ip = \"10.0.0.1\", city = \"Bonn\" } are needed".to_owned()
        );
    }
    for row in &mut rows {
        row.resize(columns.len(), String::new());
    }
    Ok(Raw { columns, rows, places })
}

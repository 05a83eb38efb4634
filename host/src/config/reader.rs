//! TOML tables read key by key. What is wrong is noted with its place and reading goes on, so that one run tells
//! everything; the value that stands in for it is never used, because nothing starts then.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::{Error, Text};
use super::schema::{Bounded, Section};
use super::units;

/// A value and where it stands.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// One file while it is read.
pub(super) struct Reader<'t> {
    pub(super) text: Text<'t>,
    pub(super) errors: RefCell<Vec<Error>>,
}

/// One table of it.
#[derive(Clone)]
pub(super) struct Table<'r, 'i> {
    pub(super) reader: &'r Reader<'i>,
    table: &'r DeTable<'i>,
    span: Range<usize>,
    /// For people: `hook "redact"`, or nothing.
    pub(super) title: String,
}

impl<'r, 'i> Table<'r, 'i> {
    /// The table of a value; its keys must be those of `section`.
    pub(super) fn new(
        reader: &'r Reader<'i>,
        table: &'r DeTable<'i>,
        span: Range<usize>,
        title: &str,
        section: &Section,
    ) -> Table<'r, 'i> {
        let made = Table { reader, table, span, title: title.to_owned() };
        let allowed = section.names();
        for (key, _) in table.iter() {
            let name = key.get_ref().as_ref();
            if !allowed.contains(&name) {
                made.wrong(&key.span(), format!("unknown key \"{name}\"; {}", suggestion(name, &allowed)));
            }
        }
        made
    }

    /// Notes what is wrong.
    pub(super) fn wrong(&self, span: &Range<usize>, message: String) {
        let message = if self.title.is_empty() { message } else { format!("{}: {message}", self.title) };
        self.reader.errors.borrow_mut().push(self.reader.text.error(span, message));
    }

    /// Where the table starts.
    pub(super) fn span(&self) -> &Range<usize> {
        &self.span
    }

    pub(super) fn get(&self, key: &str) -> Option<&'r Value<'i>> {
        self.table.get(key)
    }

    fn mistyped(&self, key: &str, value: &Value<'_>, wanted: &str) {
        self.wrong(&value.span(), format!("{key} is {}; {wanted} is needed", value.get_ref().type_str()));
    }

    pub(super) fn string(&self, key: &str) -> Option<(&'r str, Range<usize>)> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text, value.span())),
            None => {
                self.mistyped(key, value, "a string");
                None
            }
        }
    }

    /// A string that must be there and not be empty.
    pub(super) fn required_string(&self, key: &str) -> Option<(&'r str, Range<usize>)> {
        if self.get(key).is_none() {
            self.wrong(&self.span, format!("{key} is missing"));
            return None;
        }
        let found = self.string(key)?;
        if found.0.is_empty() {
            self.wrong(&found.1, format!("{key} is empty"));
            return None;
        }
        Some(found)
    }

    pub(super) fn boolean(&self, key: &str, default: bool) -> bool {
        let Some(value) = self.get(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.mistyped(key, value, "true or false");
            default
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)], default: T) -> T {
        let Some((text, span)) = self.string(key) else { return default };
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map_or_else(
            || {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                self.wrong(&span, format!("{key} = {text:?} is not known; {}", suggestion(text, &names)));
                default
            },
            |(_, choice)| *choice,
        )
    }

    /// A share of a whole; a bare number is an error that names both things that it could mean.
    pub(super) fn share(&self, key: &str, default: units::Share) -> units::Share {
        let Some(value) = self.get(key) else { return default };
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        if let Some(number) = number {
            self.wrong(&value.span(), format!("{key} = {number}: {}", units::both_readings(number)));
            return default;
        }
        let Some((text, span)) = self.string(key) else { return default };
        text.parse().unwrap_or_else(|error| {
            self.wrong(&span, format!("{key} = {error}"));
            default
        })
    }

    /// A string that means something, or what it says instead.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, key: &str) -> Option<T> {
        let (text, span) = self.string(key)?;
        self.parse(key, text, &span)
    }

    fn parse<T: FromStr<Err: Display>>(&self, key: &str, text: &str, span: &Range<usize>) -> Option<T> {
        text.parse().map_err(|error| self.wrong(span, format!("{key}: {error}"))).ok()
    }

    /// A list of strings, or one alone; none if the key is not there.
    pub(super) fn strings(&self, key: &str) -> Option<Vec<(&'r str, Range<usize>)>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(vec![(text.as_ref(), value.span())]),
            DeValue::Array(list) => Some(
                list.iter()
                    .filter_map(|item| match item.get_ref().as_str() {
                        Some(text) => Some((text, item.span())),
                        None => {
                            self.mistyped(&format!("an entry of {key}"), item, "a string");
                            None
                        }
                    })
                    .collect(),
            ),
            _ => {
                self.mistyped(key, value, "a list of strings");
                None
            }
        }
    }

    /// A list of strings that each mean something.
    pub(super) fn parsed_list<T: FromStr<Err: Display>>(&self, key: &str) -> Vec<T> {
        let strings = self.strings(key).unwrap_or_default();
        strings.into_iter().filter_map(|(text, span)| self.parse(key, text, &span)).collect()
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, key: &str, bounds: &Bounded<u64>) -> u64 {
        let Some(value) = self.get(key) else { return bounds.default };
        match integer(value.get_ref()) {
            Some(number) => self.within(key, value, number, bounds, |number| number.to_string()),
            None => {
                self.mistyped(key, value, "a whole number");
                bounds.default
            }
        }
    }

    /// A size in bytes within bounds: `"32MiB"`, or a number.
    pub(super) fn size(&self, key: &str, bounds: &Bounded<u64>) -> u64 {
        let Some(value) = self.get(key) else { return bounds.default };
        let size = value.get_ref().as_str().map_or_else(|| integer(value.get_ref()), units::size);
        match size {
            Some(size) => self.within(key, value, size, bounds, units::show_size),
            None => {
                self.wrong(
                    &value.span(),
                    format!("{key} is no size; write for example \"32MiB\", or a number of bytes"),
                );
                bounds.default
            }
        }
    }

    /// A time within bounds: `"50ms"`.
    pub(super) fn time(&self, key: &str, bounds: &Bounded<Duration>) -> Duration {
        let Some(value) = self.get(key) else { return bounds.default };
        match value.get_ref().as_str().and_then(units::time) {
            Some(time) => self.within(key, value, time, bounds, units::show_time),
            None => {
                self.wrong(
                    &value.span(),
                    format!("{key} is no time; write for example \"50ms\", \"1s\" or \"2m\""),
                );
                bounds.default
            }
        }
    }

    fn within<T: PartialOrd + Copy>(
        &self,
        key: &str,
        value: &Value<'_>,
        actual: T,
        bounds: &Bounded<T>,
        show: impl Fn(T) -> String,
    ) -> T {
        if bounds.allowed.contains(&actual) {
            return actual;
        }
        let (least, most) = (show(*bounds.allowed.start()), show(*bounds.allowed.end()));
        self.wrong(&value.span(), format!("{key} is {}; {least} to {most} is allowed", show(actual)));
        bounds.default
    }

    /// A table below this one.
    pub(super) fn table(&self, key: &str, section: &Section) -> Option<Table<'r, 'i>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => {
                let title =
                    if self.title.is_empty() { key.to_owned() } else { format!("{}: {key}", self.title) };
                Some(Table::new(self.reader, table, value.span(), &title, section))
            }
            _ => {
                self.mistyped(key, value, "a table");
                None
            }
        }
    }

    /// The tables of `[[key]]`, each with the name that it gives itself.
    pub(super) fn tables(&self, key: &str, section: &Section) -> Vec<Table<'r, 'i>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.mistyped(key, value, &format!("[[{key}]], with two brackets,"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in list.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                self.mistyped(key, item, "a table");
                continue;
            };
            let name = table.get("name").and_then(|name| name.get_ref().as_str());
            let title = name.map_or_else(|| key.to_owned(), |name| format!("{key} {name:?}"));
            tables.push(Table::new(self.reader, table, item.span(), &title, section));
        }
        tables
    }
}

/// A TOML integer that is not negative.
fn integer(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// What was meant, if something is near, and what is allowed.
pub(crate) fn suggestion(name: &str, allowed: &[&str]) -> String {
    let near = allowed
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min();
    let list = allowed.join(", ");
    near.map_or_else(
        || format!("allowed: {list}"),
        |(_, near)| format!("did you mean \"{near}\"? (allowed: {list})"),
    )
}

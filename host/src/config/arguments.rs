//! Parts of a configuration that stand on the command line or in a file of their own, for the commands that try one
//! hook out: the same words, keys, bounds and messages.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use super::errors::{Error, Errors, Text};
use super::places::{Places, Spot};
use super::reader::{Reader, Table};
use super::schema::{self, Bounded, Section};
use super::settings::{self, Outside};
use super::{Grant, parts, units};

/// A hook's config is its own: any key may stand there.
const SETTINGS: &Section = &Section { header: "", doc: "", keys: &[] };

/// A grant from a file with the keys of `[hook.grant]`.
pub fn grant(file: &Path) -> Result<Grant, Errors> {
    read(file, |reader, table, span| parts::granted(&Table::new(reader, table, span, "", schema::GRANT)))
}

/// A hook's config, as JSON text, from a TOML file with the keys of `[hook.config]`, and where its parts stand.
pub fn settings(
    file: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(String, Places), Errors> {
    let outside = Outside { dir: file.parent().unwrap_or(Path::new("")), environment };
    read(file, |reader, table, span| {
        let mut spot = Spot::new(&span, &span);
        let empty = DeTable::new();
        let hook = Table::new(reader, &empty, span, "", SETTINGS);
        let config = settings::object(&hook, "config", table, &outside, &mut spot);
        (config.to_string(), Places::new(reader.text, spot))
    })
}

fn read<R>(
    file: &Path,
    values: impl FnOnce(&Reader<'_>, &DeTable<'_>, Range<usize>) -> R,
) -> Result<R, Errors> {
    let text = settings::read(file)
        .map_err(|message| Errors(vec![Error { file: file.to_owned(), at: None, message }]))?;
    let reader = Reader { text: Text { file, text: &text }, errors: RefCell::default() };
    let (document, syntax) = DeTable::parse_recoverable(&text);
    let mut errors: Vec<Error> = syntax
        .iter()
        .map(|error| reader.text.error(&error.span().unwrap_or(0..0), error.message().to_owned()))
        .collect();
    let found = values(&reader, document.get_ref(), document.span());
    errors.extend(reader.errors.into_inner());
    if errors.is_empty() { Ok(found) } else { Err(Errors(errors)) }
}

/// A hook's `memory`.
pub fn memory(text: &str) -> Result<u64, String> {
    let size = units::size(text).ok_or("it is no size; write for example 32MiB")?;
    within(size, &schema::MEMORY, units::show_size)
}

/// A hook's `deadline`.
pub fn deadline(text: &str) -> Result<Duration, String> {
    within(duration(text)?, &schema::DEADLINE, units::show_time)
}

/// A batch's `rows`.
pub fn rows(text: &str) -> Result<usize, String> {
    let rows = text.parse().map_err(|_| "it is no whole number".to_owned())?;
    within(rows, &schema::BATCH_ROWS, |rows| rows.to_string()).map(|rows| rows as usize)
}

/// Any time.
pub fn duration(text: &str) -> Result<Duration, String> {
    units::time(text).ok_or_else(|| "it is no time; write for example 50ms, 1s or 2m".to_owned())
}

fn within<T: PartialOrd + Copy>(
    actual: T,
    bounds: &Bounded<T>,
    show: impl Fn(T) -> String,
) -> Result<T, String> {
    if bounds.allowed.contains(&actual) {
        return Ok(actual);
    }
    Err(format!("{} to {} is allowed", show(*bounds.allowed.start()), show(*bounds.allowed.end())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_wrong_in_a_file_of_its_own_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("grant.toml");
        fs::write(&file, "read = [\"a\"]\nwirte = [\"b\"]\n").unwrap();
        let message = grant(&file).unwrap_err().to_string();
        assert!(message.contains("grant.toml:2:1:") && message.contains("write"), "{message}");
        fs::write(&file, "read = [\"a\"]\ndrop = true\n").unwrap();
        assert!(grant(&file).unwrap().drop);
        fs::write(&file, "a = 1\nb = { env = \"NONE\" }\n").unwrap();
        let message = settings(&file, &|_| None).unwrap_err().to_string();
        assert!(message.contains("grant.toml:2:5:") && message.contains("NONE"), "{message}");
        fs::write(&file, "a = 1\nb = { env = \"SOME\" }\n").unwrap();
        let (config, _) = settings(&file, &|_| Some("x".to_owned())).unwrap();
        assert_eq!(config, "{\"a\":1,\"b\":\"x\"}");
    }

    #[test]
    fn sizes_and_times_keep_to_the_bounds_of_the_configuration() {
        assert_eq!(memory("16MiB"), Ok(16 << 20));
        assert!(memory("1B").unwrap_err().contains("64KiB to 4GiB"));
        assert!(memory("16").unwrap_err().contains("32MiB"));
        assert!(deadline("2h").is_err() && deadline("5ms").is_ok());
        assert!(rows("0").is_err() && rows("x").is_err() && rows("16") == Ok(16));
    }
}

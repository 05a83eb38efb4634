//! A configuration together with the texts it was read from, and a configuration that was changed while it ran.
//!
//! The texts are merged into one table in which paths are absolute and `{ env = ... }` stays what it is, so that a change is
//! a change of that table, checked by the same code as a file.

use std::path::{Path, PathBuf};

use toml::Table;

use super::load::{read, read_text};
use super::show::{Shown, merged, whole};
use super::{Config, Errors};

/// A checked configuration and where it comes from.
#[derive(Clone, Debug)]
pub struct Files {
    /// What it says.
    pub config: Config,
    /// All of it in one table.
    pub table: Table,
    /// Each file and its text, in their order.
    pub texts: Vec<(PathBuf, String)>,
}

impl Files {
    /// Reads and checks `file` and what it includes.
    pub fn read(file: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Files, Errors> {
        let (config, texts) = read(file, environment)?;
        let table = merged(&texts);
        Ok(Files { config, table, texts })
    }
}

/// A table that a configuration was made of, to be shown with every default.
pub fn show_table(table: Table, config: &Config) -> Shown {
    whole(table, config)
}

/// Checks a table that was made of such files; `name` is what errors call it.
pub fn of_table(
    table: &Table,
    name: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Errors> {
    // A table that was read can be written.
    let text = toml::to_string(table).unwrap_or_default();
    read_text(name, &text, environment)
}

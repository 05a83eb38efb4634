//! Where the keys of a hook stand in the files of a configuration, for who wonders why it is as it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::Place;
use super::errors::Text;

/// The places of a hook's keys, those of its tables as `grant.read`.
pub type Origins = BTreeMap<String, Place>;

/// The tables of a hook whose keys are told one by one.
const TABLES: [&str; 4] = ["grant", "rollout", "candidate", "config"];

/// Looks for the keys of a hook in texts that were read without an error.
pub fn origins(texts: &[(PathBuf, String)], hook: &str) -> Origins {
    let mut origins = Origins::new();
    for (file, text) in texts {
        let Ok(document) = DeTable::parse(text) else { continue };
        let hooks = document.get_ref().get("hook").and_then(|hooks| hooks.get_ref().as_array());
        let tables = hooks.into_iter().flatten().filter_map(|hook| hook.get_ref().as_table());
        let text = Text { file, text };
        for table in
            tables.filter(|table| table.get("name").is_some_and(|name| name.get_ref().as_str() == Some(hook)))
        {
            note(table, "", text, &mut origins);
        }
    }
    origins
}

fn note(table: &DeTable<'_>, above: &str, text: Text<'_>, origins: &mut Origins) {
    for (key, value) in table {
        let name = format!("{above}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(below) if TABLES.contains(&name.as_str()) => {
                note(below, &format!("{name}."), text, origins)
            }
            _ => {
                let (line, _) = text.place(key.span().start);
                origins.insert(name, Place { file: text.file.to_owned(), line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_told_with_the_file_and_line_where_it_stands() {
        let texts = [
            (PathBuf::from("a.toml"), "[[hook]]\nname = \"other\"\ndeadline = \"1s\"\n".to_owned()),
            (
                PathBuf::from("b.toml"),
                "# first\n[[hook]]\nname = \"h\"\ngrant = { read = [\"x\"] }\n[hook.rollout]\nshare = \"5%\"\n".to_owned(),
            ),
        ];
        let told: Vec<String> =
            origins(&texts, "h").into_iter().map(|(key, place)| format!("{key} {place}")).collect();
        assert_eq!(told, ["grant.read b.toml:4", "name b.toml:3", "rollout.share b.toml:6"]);
        assert!(origins(&texts, "none").is_empty());
    }
}

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;

use super::super::load;
use super::*;

/// Every table with every key, put together from the examples.
fn everything() -> String {
    fn add(section: &Section, text: &mut String) {
        text.push_str(&example(section));
        for key in section.keys {
            if let Kind::Table(below) | Kind::Tables(below) = &key.kind {
                add(below, text);
            }
        }
    }
    let mut text = String::new();
    add(schema::TOP, &mut text);
    text
}

fn errors(text: &str) -> String {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("hookaroon.toml");
    fs::write(&file, text).unwrap();
    load(&file, &|_| None).err().map(|errors| errors.to_string()).unwrap_or_default()
}

#[test]
fn the_examples_are_a_configuration_together() {
    assert_eq!(errors(&everything()), "");
}

#[test]
fn readers_know_the_same_words_bounds_and_kinds_as_the_reference() {
    fn each(section: &Section, check: &mut impl FnMut(&Section, &Key)) {
        for key in section.keys {
            match &key.kind {
                Kind::Table(below) | Kind::Tables(below) => each(below, check),
                Kind::Open => {}
                _ => check(section, key),
            }
        }
    }
    let whole = format!("\n{}", everything());
    each(schema::TOP, &mut |section, key| {
        // Names such as `type` stand in several tables.
        let table = format!("\n{}", example(section));
        let with = |value: &str| {
            let line = format!("\n{} = {}\n", key.name, key.example);
            let changed = table.replace(&line, &format!("\n{} = {value}\n", key.name));
            assert_ne!(changed, table, "{}", key.name);
            errors(&whole.replace(&table, &changed))
        };
        if let Kind::Word(words) = &key.kind {
            let message = with("\"nobody's\"");
            let (_, list) = message.split_once("allowed: ").unwrap_or_default();
            let list = list.lines().next().unwrap_or_default().trim_end_matches(')');
            let told: BTreeSet<&str> = list.split(", ").collect();
            let known: BTreeSet<&str> = words.iter().map(|(word, _)| *word).collect();
            assert_eq!(told, known, "{}: {message}", key.name);
        }
        let wrong: &[&str] = match &key.kind {
            Kind::Number(_) | Kind::NumberOr(..) => &["-1", "\"nobody's\""],
            Kind::Size(_) => &["0", "\"1 parsec\""],
            Kind::Time(_) => &["\"9999h\"", "7"],
            _ => &["7"],
        };
        for value in wrong {
            let told = with(value);
            assert!(told.contains(key.name), "{} = {value} is taken: {told}", key.name);
        }
    });
}

#[test]
fn the_page_names_every_key_and_the_standard_hooks() {
    let page = reference();
    for part in [
        "| `memory` | size, 64KiB to 4GiB | `\"32MiB\"` |",
        "| `workers` | number, 1 to 256, or `\"auto\"` | `1` |",
        "| `file_bytes` | size, at least 1B | `\"32MiB\"` |",
        "<br>`dead_letter`: they are kept on disk, with the reason.",
        "[`redact`](hooks/redact.md)",
        "### `[hook.grant]`",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

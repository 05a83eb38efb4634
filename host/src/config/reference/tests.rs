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
    // What is required excludes what lets events by, so these examples show each other's opposite.
    let text = everything().replace("required = true\n", "").replace("enabled = false\n", "");
    assert_eq!(errors(&text), "");
}

#[test]
fn readers_know_the_same_words_bounds_and_kinds_as_the_reference() {
    fn each(section: &Section, check: &mut impl FnMut(&Key)) {
        for key in section.keys {
            match &key.kind {
                Kind::Table(below) | Kind::Tables(below) => each(below, check),
                _ => check(key),
            }
        }
    }
    let whole = everything();
    each(schema::TOP, &mut |key| {
        let line = format!("\n{} = {}\n", key.name, key.example);
        let with = |value: &str| {
            let changed = format!("\n{} = {value}\n", key.name);
            errors(&format!("\n{whole}").replace(&line, &changed))
        };
        let told = match &key.kind {
            Kind::Word(words) => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let message = with("\"nobody's\"");
                // In whichever order.
                let (_, list) = message.split_once("allowed: ").unwrap_or_default();
                let list = list.lines().next().unwrap_or_default().trim_end_matches(')');
                let mut told: Vec<&str> = list.split(", ").collect();
                let mut known = words.clone();
                told.sort_unstable();
                known.sort_unstable();
                assert_eq!(told, known, "{}: {message}", key.name);
                message
            }
            Kind::Flag | Kind::Text(_) => with("7"),
            Kind::Texts(_) => with("7"),
            Kind::Number(_) | Kind::NumberOr(..) => with("0") + &with("\"nobody's\""),
            Kind::Size(_) => with("0") + &with("\"1 parsec\""),
            Kind::Time(_) => with("\"9999h\"") + &with("7"),
            Kind::Table(_) | Kind::Tables(_) | Kind::Open => with("7") + key.name,
        };
        assert!(told.contains(key.name), "{} takes what its kind does not allow: {told}", key.name);
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

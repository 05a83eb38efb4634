//! The schema is held against a small validator that refuses keywords that it does not know, so nothing in the schema
//! can be ignored by mistake; a validator crate would bring thirty others along.

use std::collections::BTreeMap;

use toml::Table;

use super::super::units::Share;
use super::*;

/// What is wrong with a value, each with its place.
fn wrong(schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let nothing = json!({});
    let sub = |schema: &Value, value: &Value| {
        let mut out = Vec::new();
        wrong(schema, value, at, &mut out);
        out
    };
    for (keyword, rule) in schema.as_object().unwrap() {
        let fine = match keyword.as_str() {
            "$schema" | "title" | "description" | "default" | "examples" => true,
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                other => panic!("type {other}"),
            },
            "properties" => {
                for (name, below) in value.as_object().into_iter().flatten() {
                    if let Some(property) = rule.get(name) {
                        wrong(property, below, &format!("{at}.{name}"), out);
                    }
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(rule, false);
                let known = schema["properties"].as_object().unwrap();
                value.as_object().is_none_or(|members| members.keys().all(|name| known.contains_key(name)))
            }
            "required" => {
                let names = rule.as_array().unwrap();
                value.as_object().is_none_or(|members| {
                    names.iter().all(|name| members.contains_key(name.as_str().unwrap()))
                })
            }
            "items" => {
                for (index, below) in value.as_array().into_iter().flatten().enumerate() {
                    wrong(rule, below, &format!("{at}[{index}]"), out);
                }
                true
            }
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "minimum" => value.as_i64().is_none_or(|value| value >= rule.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|value| value <= rule.as_i64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.len() as u64 >= rule.as_u64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
            "anyOf" => rule.as_array().unwrap().iter().any(|rule| sub(rule, value).is_empty()),
            "allOf" => {
                rule.as_array().unwrap().iter().for_each(|rule| wrong(rule, value, at, out));
                true
            }
            "not" => !sub(rule, value).is_empty(),
            "if" => {
                let branch = if sub(rule, value).is_empty() { "then" } else { "else" };
                wrong(schema.get(branch).unwrap_or(&nothing), value, at, out);
                true
            }
            "then" | "else" => true,
            other => panic!("keyword {other}"),
        };
        if !fine {
            out.push(format!("{at}: {keyword}"));
        }
    }
}

/// The patterns that the schema has, and what they take.
fn matches(pattern: &str, text: &str) -> bool {
    let units = |known: &[(&str, u64)], text: &str| {
        let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
        rest.len() < text.len() && known.iter().any(|(unit, _)| *unit == rest.trim_start())
    };
    let letters = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || more.contains(one))
    };
    match pattern {
        "^[0-9]+\\s*(B|KiB|MiB|GiB|kB|KB|MB|GB)$" => units(&SIZES, text) || units(&[("B", 1)], text),
        "^[0-9]+\\s*(ns|us|ms|s|m|h)$" => units(&TIMES, text),
        "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$" => letters(text, "_.-") && !text.starts_with('.'),
        "^[0-9A-Fa-f]{64}$" => text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "^[0-9]+([.][0-9]{1,2})? *%$" => text.parse::<Share>().is_ok(),
        other => panic!("pattern {other}"),
    }
}

#[track_caller]
fn errors(toml: &str) -> Vec<String> {
    let table: Table = toml.parse().unwrap_or_else(|error| panic!("{error} in\n{toml}"));
    let mut out = Vec::new();
    wrong(&json_schema(), &of_toml(&toml::Value::Table(table)), "", &mut out);
    out
}

const README: &str = include_str!("../../../../README.md");
const DEMO: &str = include_str!("../../../../demo/hookaroon.toml");

fn readme() -> String {
    let (_, after) = README.split_once("```toml\n").unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_demo_and_the_readmes_example_are_valid() {
    assert_eq!(errors(DEMO), [""; 0]);
    assert_eq!(errors(&readme()), [""; 0]);
}

#[test]
fn a_key_that_is_misspelt_is_marked_wherever_it_stands() {
    let readme = readme();
    let keys: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.split_once(" = ").map(|(key, _)| key))
        .filter(|key| *key != "patterns")
        .collect();
    assert!(keys.len() >= 12);
    for key in keys {
        let misspelt = readme.replacen(&format!("\n{key} ="), &format!("\n{key}x ="), 1);
        assert!(errors(&misspelt).iter().any(|error| error.contains("additionalProperties")), "{key}");
    }
    assert!(errors(&readme.replace("[hook.grant]", "[hook.grants]")).len() == 1);
}

#[test]
fn values_that_cannot_be_meant_are_marked() {
    let demo = |from: &str, to: &str| errors(&readme().replacen(from, to, 1));
    for (from, to, place) in [
        ("memory = \"16MiB\"", "memory = \"16 parsec\"", ".hook[0].memory: anyOf"),
        ("memory = \"16MiB\"", "memory = 1", ".hook[0].memory: anyOf"),
        ("deadline = \"20ms\"", "deadline = 20", ".hook[0].deadline: type"),
        ("on_error = \"dead_letter\"", "on_error = \"deadletter\"", ".hook[0].on_error: enum"),
        ("name = \"app\"", "name = \".app\"", ".source[0].name: pattern"),
        ("read = [\"message\"]", "read = [1]", ".hook[0].grant.read: anyOf"),
        ("type = \"file\"", "type = \"stdin\"", ".source[0]: not"),
        ("path = \"archive/app.ndjson\"", "", ".sink[0]: required"),
        ("plugin = \"redact\"", "", ".hook[0]: required"),
    ] {
        assert_eq!(demo(from, to), [place], "{to}");
    }
}

#[test]
fn every_key_says_what_it_means_and_examples_and_defaults_are_valid() {
    fn each(schema: &Value, at: &str, count: &mut BTreeMap<&str, usize>) {
        for (name, property) in schema["properties"].as_object().unwrap() {
            let at = format!("{at}.{name}");
            for word in ["default", "examples"] {
                let values = match (word, property.get(word)) {
                    (_, None) => continue,
                    ("examples", Some(list)) => list.as_array().unwrap().clone(),
                    (_, Some(value)) => vec![value.clone()],
                };
                for value in values {
                    let mut out = Vec::new();
                    wrong(property, &value, &at, &mut out);
                    assert_eq!(out, [""; 0]);
                    *count.entry(word).or_default() += 1;
                }
            }
            for below in [Some(property), property.get("items")].into_iter().flatten() {
                if below.get("properties").is_some() {
                    each(below, &at, count);
                }
            }
            let open = at == ".hook.config" || at == ".hook.candidate.config";
            assert!(open || !property["description"].as_str().unwrap().is_empty(), "{at}");
        }
    }
    let mut count = BTreeMap::new();
    each(&json_schema(), "", &mut count);
    assert!(count["examples"] > 40 && count["default"] > 30, "{count:?}");
}

//! A plugin's page for its users, in Markdown, out of its manifest: `docs/hooks/NAME.md`.
//!
//! The hook that it shows is set up with the examples that the options have, and granted what the plugin suggests for
//! those, so it can be pasted and runs. Texts are a stranger's and come printable; in tables their bars are escaped.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::describe::{Description, by_option, grant_toml};
use super::options::ConfigOption;
use crate::hook::manifest::{Manifest, printable};

/// The page.
pub fn page(description: &Description) -> String {
    let nothing = Manifest::default();
    let manifest = description.manifest.as_ref().unwrap_or(&nothing);
    let name = if manifest.name.is_empty() { "hook" } else { &manifest.name };
    let mut page = format!(
        "<!-- Made by `hookaroon inspect --markdown` from the plugin's manifest. -->\n\n# {name}\n\n"
    );
    let short = manifest.description.trim_end_matches('.');
    let long = manifest.config.as_ref().and_then(|schema| text_of(schema, "description"));
    // That of a hook without options is about its empty table.
    let long = long.filter(|_| !description.options.is_empty());
    if long.as_ref().is_none_or(|long| !long.starts_with(short)) {
        let _ = write!(page, "{short}.\n\n");
    }
    if let Some(long) = long {
        let _ = write!(page, "{long}\n\n");
    }
    let _ = write!(page, "```toml\n{}```\n\n", hook(description, manifest, name));
    let named = manifest.grant.as_ref().map(by_option).unwrap_or_default();
    if !named.is_empty() {
        let named: Vec<String> = named.iter().map(|option| format!("`{option}`")).collect();
        let _ =
            write!(page, "The grant names the fields that {} name; keep them in step.\n\n", named.join(", "));
    }
    options(description, manifest, &mut page);
    page.push_str("## Instances\n\n");
    page.push_str(match manifest.placement.as_deref() {
        Some("single") => "One, which all workers share: it sees the whole flow, whatever `workers` is.",
        _ => "One for each worker.",
    });
    if let Some(memory) = &manifest.memory {
        let _ = write!(page, " It needs a `memory` of at least `\"{memory}\"`.");
    }
    page.push('\n');
    page
}

/// The hook, ready to paste.
fn hook(description: &Description, manifest: &Manifest, name: &str) -> String {
    let examples = examples(manifest);
    let mut grant = manifest.grant_for(&Value::Object(examples.clone())).unwrap_or_default();
    grant.imports.clone_from(&description.grant.imports);
    let plugin = Value::from(description.plugin.as_str());
    let mut text = format!("[[hook]]\nname = \"{name}\"\nplugin = {plugin}\n{}", grant_toml(&grant, &[]));
    if !examples.is_empty() {
        text.push_str("[hook.config]\n");
        for (option, value) in &examples {
            if let Ok(value) = toml::Value::try_from(value) {
                let _ = writeln!(text, "{option} = {value}");
            }
        }
    }
    text
}

/// The options that have an example, and its value.
fn examples(manifest: &Manifest) -> Map<String, Value> {
    let properties = manifest.config.as_ref().and_then(|schema| schema.get("properties")?.as_object());
    let example = |(option, schema): (&String, &Value)| {
        let value = schema.get("examples")?.get(0)?;
        Some((option.clone(), value.clone()))
    };
    properties.into_iter().flatten().filter_map(example).collect()
}

fn options(description: &Description, manifest: &Manifest, page: &mut String) {
    page.push_str("## Options of `[hook.config]`\n\n");
    if description.options.is_empty() {
        page.push_str("None.\n\n");
        return;
    }
    page.push_str("| option | takes | by default | |\n| --- | --- | --- | --- |\n");
    for ConfigOption { name, takes, required, default, description } in &description.options {
        let default = match default {
            Some(default) => format!("`{default}`"),
            None if *required => "needed".to_owned(),
            None => String::new(),
        };
        let words = words(manifest, name);
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {}{} |",
            cell(takes),
            cell(&default),
            cell(description),
            cell(&words)
        );
    }
    page.push('\n');
}

/// What the words of an option mean.
fn words(manifest: &Manifest, option: &str) -> String {
    let schema = manifest.config.as_ref().and_then(|schema| schema.get("properties")?.get(option));
    let list = |key: &str| schema.and_then(|schema| schema.get(key)?.as_array());
    let (Some(words), Some(meanings)) = (list("enum"), list("enumDescriptions")) else {
        return String::new();
    };
    let pairs = words.iter().zip(meanings).filter_map(|(word, meaning)| {
        let (word, meaning) = (word.as_str()?, meaning.as_str().filter(|meaning| !meaning.is_empty())?);
        Some(format!("<br>`{}`: {}", printable(word), printable(meaning)))
    });
    pairs.collect()
}

fn text_of(schema: &Value, key: &str) -> Option<String> {
    schema.get(key).and_then(Value::as_str).map(printable).filter(|text| !text.is_empty())
}

/// A text in a table of Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::manifest::parse;

    #[test]
    fn the_hook_on_the_page_is_set_up_with_the_examples_and_granted_what_they_need() {
        let manifest = parse(
            br#"{"name":"x","placement":"single","memory":"2MiB","grant":{"read":["{by}"],"drop":true},"config":{
                "properties":{"by":{"examples":["a.b"],"type":"string"},"mode":{"enum":["one","two"],
                "enumDescriptions":["First | best.",""],"default":"one"}},"required":["by"]}}"#,
        )
        .unwrap();
        let options = super::super::options::options(manifest.config.as_ref().unwrap());
        let description = Description {
            plugin: "x".to_owned(),
            kind: crate::hook::scan::Kind::Module,
            size_bytes: 0,
            sha256: String::new(),
            signatures: None,
            contract: None,
            imports: Vec::new(),
            exports: Vec::new(),
            manifest: Some(manifest),
            options,
            grant: crate::hook::manifest::Grant::default(),
            grant_toml: String::new(),
            fault: None,
        };
        let page = page(&description);
        for part in [
            "plugin = \"x\"\n[hook.grant]\nread = [\"a.b\"]\ndrop = true\n[hook.config]\nby = \"a.b\"\n",
            "| `by` | text | needed |  |",
            "| `mode` | one of \"one\", \"two\" | `\"one\"` | <br>`one`: First \\| best. |",
            "One, which all workers share",
            "at least `\"2MiB\"`",
            "fields that `by` name",
        ] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
    }
}

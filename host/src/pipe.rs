//! Hooks of the command line: `HOOK KEY=VALUE... HOOK KEY=VALUE...` becomes a configuration between standard input and
//! standard output.
//!
//! Values are what the schema in the plugin's manifest says they are, each hook gets the grant that its manifest
//! suggests for them, and everything that is wrong is told at once.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::config::{self, Hook, Step};
use crate::event::path::Path as Key;
use crate::hook::load::{Loader, PluginSource};
use crate::hook::options::{self, Wrong};
use crate::hook::{standard, suggestion};

/// What reads the environment.
type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A hook as it was asked for.
struct Asked<'w> {
    plugin: &'w str,
    /// Keys and values.
    options: Vec<(&'w str, &'w str)>,
}

/// The hooks that `words` ask for, in their order; the errors each name the hook.
pub fn hooks(
    words: &[String],
    loader: &Loader,
    environment: Environment<'_>,
) -> Result<Vec<Hook>, Vec<String>> {
    let mut hooks: Vec<Hook> = Vec::new();
    let mut wrong = Vec::new();
    for asked in split(words)? {
        match hook(&asked, &hooks, loader, environment) {
            Ok(hook) => hooks.push(hook),
            Err(errors) => wrong.extend(errors),
        }
    }
    if wrong.is_empty() { Ok(hooks) } else { Err(wrong) }
}

/// A word with a `=` belongs to the hook before it.
fn split(words: &[String]) -> Result<Vec<Asked<'_>>, Vec<String>> {
    let mut asked: Vec<Asked<'_>> = Vec::new();
    for word in words {
        match (word.split_once('='), asked.last_mut()) {
            (Some(option), Some(hook)) => hook.options.push(option),
            (Some(_), None) => {
                return Err(vec![format!(
                    "{word:?} comes before any hook; a hook's name is first: redact {word}"
                )]);
            }
            (None, _) => asked.push(Asked { plugin: word, options: Vec::new() }),
        }
    }
    Ok(asked)
}

fn hook(
    asked: &Asked<'_>,
    before: &[Hook],
    loader: &Loader,
    environment: Environment<'_>,
) -> Result<Hook, Vec<String>> {
    let plugin = plugin(asked.plugin, before, loader).map_err(|error| vec![error])?;
    let inspection = loader.inspect(&plugin).map_err(|error| vec![error.to_string()])?;
    let name = name(asked.plugin, before);
    let at = |message: String| format!("hook {name:?}: {message}");
    let manifest = inspection.facts.manifest.as_ref();
    let schema = manifest.and_then(|manifest| manifest.config.as_ref()).unwrap_or(&Value::Null);
    let written =
        written(&asked.options, schema).map_err(|wrong| wrong.into_iter().map(at).collect::<Vec<_>>())?;
    let config = config::settings_of(written.clone(), Path::new(""), environment)
        .map_err(|error| vec![at(format!("option {error}"))])?;
    let wrong: Vec<String> = options::check(schema, &config)
        .iter()
        .map(|wrong| at(wrong.message("option ", is_outside(wrong, &written))))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let what = "its plugin suggests no grant in a manifest, so it may do nothing here; write a configuration with its \
                [hook.grant] and use `hookaroon run`";
    let grant = suggestion::grant(manifest, &config)
        .and_then(|grant| grant.ok_or_else(|| what.to_owned()))
        .map_err(|error| vec![at(error)])?;
    let mut hook = Hook::alone(name, plugin, grant, config.to_string());
    hook.memory_bytes = hook.memory_bytes.max(suggestion::least_memory(manifest));
    Ok(hook)
}

/// A standard hook, or a file, as in a configuration.
fn plugin(word: &str, before: &[Hook], loader: &Loader) -> Result<PluginSource, String> {
    // An option without its value looks like a hook.
    if !config::is_plugin_path(word)
        && !standard::NAMES.contains(&word)
        && let Some(hook) = before.last()
        && takes(hook, word, loader)
    {
        return Err(format!("hook {:?}: option {word} has no value; write {word}=VALUE", hook.name));
    }
    Ok(config::plugin_source(word, Path::new("")))
}

/// Whether a hook has an option of this name.
fn takes(hook: &Hook, option: &str, loader: &Loader) -> bool {
    let Ok(inspection) = loader.inspect(&hook.plugin) else { return false };
    let manifest = inspection.facts.manifest.as_ref();
    let schema = manifest.and_then(|manifest| manifest.config.as_ref());
    schema.is_some_and(|schema| options::options(schema).contains(&option))
}

/// `redact`, and the next one `redact-2`: names stand in the files of dead letters.
fn name(plugin: &str, before: &[Hook]) -> String {
    let stem = PathBuf::from(plugin);
    let stem = stem.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let stem: String = stem.chars().map(|letter| if fits(letter) { letter } else { '-' }).collect();
    let is_free = |name: &String| before.iter().all(|hook| hook.name != *name);
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    std::iter::once(stem.clone()).chain(numbered).find(is_free).unwrap_or_default()
}

/// The config as it was written, each value of its type.
fn written(asked: &[(&str, &str)], schema: &Value) -> Result<Value, Vec<String>> {
    let mut config = Value::Object(Map::new());
    let mut wrong = Vec::new();
    for (key, text) in asked {
        let keys = match key.parse::<Key>() {
            Ok(Key::Field(keys)) => keys,
            Ok(_) => {
                wrong.push(format!("option {key}: a name is needed, or names with dots: hash.key"));
                continue;
            }
            Err(error) => {
                wrong.push(format!("option {key}: {error}"));
                continue;
            }
        };
        // `{ file = ... }` and `{ env = ... }` are texts, whatever their schema says of what they stand for.
        let is_outside = keys.len() > 1 && keys.last().is_some_and(|key| key == "file" || key == "env");
        let value = if is_outside { Value::from(*text) } else { options::typed(schema, &keys, text) };
        if let Err(error) = put(&mut config, &keys, value) {
            wrong.push(format!("option {key} {error}"));
        }
    }
    if wrong.is_empty() { Ok(config) } else { Err(wrong) }
}

/// Puts a value into the tables that `keys` name. Lists that are given twice are one.
fn put(config: &mut Value, keys: &[String], value: Value) -> Result<(), &'static str> {
    let mut at = config;
    let Some((last, parents)) = keys.split_last() else { return Ok(()) };
    for key in parents {
        let Value::Object(table) = at else { return Err("lies below another option's value") };
        at = table.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    let Value::Object(table) = at else { return Err("lies below another option's value") };
    match (table.get_mut(last), value) {
        (None, value) => drop(table.insert(last.clone(), value)),
        (Some(Value::Array(before)), Value::Array(more)) => before.extend(more),
        _ => return Err("is given twice"),
    }
    Ok(())
}

/// Whether a value came from a file or the environment: where it is now, a table was written.
fn is_outside(wrong: &Wrong, written: &Value) -> bool {
    let mut at = Some(written);
    for step in &wrong.path {
        at = at.and_then(|value| match step {
            Step::Key(key) => value.get(key),
            Step::Entry(index) => value.get(index),
        });
    }
    let table = at.and_then(Value::as_object);
    table.is_some_and(|table| table.len() == 1 && (table.contains_key("file") || table.contains_key("env")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Grant;
    use serde_json::json;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn options_belong_to_the_hook_before_them() {
        let all = words("redact patterns=a=b,c ./my.wasm enrich by=ip set.x=1");
        let asked = split(&all).unwrap();
        let plugins: Vec<&str> = asked.iter().map(|asked| asked.plugin).collect();
        assert_eq!(plugins, ["redact", "./my.wasm", "enrich"]);
        assert_eq!(asked[0].options, [("patterns", "a=b,c")]);
        assert_eq!(asked[2].options, [("by", "ip"), ("set.x", "1")]);
        assert!(split(&words("by=ip redact")).is_err_and(|errors| errors[0].contains("before any hook")));
    }

    #[test]
    fn values_nest_and_lists_add_up() {
        let schema = json!({"properties": {"list": {"type": "array", "items": {"type": "integer"}}}});
        let config = |all: &[(&str, &str)]| written(all, &schema);
        let nested = [("list", "1,2"), ("list", "3"), ("a.\"b.c\"", "x"), ("hash.key.env", "7")];
        assert_eq!(
            config(&nested).unwrap(),
            json!({"list": [1, 2, 3], "a": {"b.c": "x"}, "hash": {"key": {"env": "7"}}})
        );
        assert_eq!(config(&[("a", "1"), ("a", "2")]).unwrap_err(), ["option a is given twice"]);
        assert_eq!(
            config(&[("a", "x"), ("a.b", "2")]).unwrap_err(),
            ["option a.b lies below another option's value"]
        );
        assert!(config(&[("a..b", "x")]).unwrap_err()[0].contains("a key is empty"));
        assert!(config(&[(".", "x")]).unwrap_err()[0].contains("a name is needed"));
    }

    #[test]
    fn each_hook_has_a_name_of_its_own() {
        let hook = |name: String| {
            Hook::alone(name, PluginSource::Standard("redact".to_owned()), Grant::default(), "{}".to_owned())
        };
        let mut hooks = Vec::new();
        for (plugin, expected) in
            [("redact", "redact"), ("redact", "redact-2"), ("a/my hook.wasm", "my-hook")]
        {
            let name = name(plugin, &hooks);
            assert_eq!(name, expected);
            hooks.push(hook(name));
        }
    }
}

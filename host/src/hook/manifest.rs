//! The manifest: what a plugin says about itself in the custom section [`SECTION`], readable without running it.
//!
//! It is advice for people and for `check`, never a right: grants come from the operator only. Keys that this
//! version does not know are ignored, so that newer plugins load; what is there but not what it must be is an error.
//! A stranger wrote it and people read it on terminals, so its texts come out [`printable`].
//! Bounds: [`MAX_BYTES`], and serde_json's depth of 128.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the custom section.
pub const SECTION: &str = "hookaroon:manifest";

/// The most bytes that a manifest may have: a large configuration schema has a tenth of it.
pub const MAX_BYTES: usize = 256 << 10;

/// The most characters of a stranger's text that reach a terminal or log at once: more than any real message has.
const MAX_PRINTED: usize = 8 << 10;

/// A plugin's own description.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// Its version, in whatever scheme its author has.
    pub version: String,
    /// One line for people.
    pub description: String,
    /// JSON Schema of the `[hook.config]` that it takes.
    pub config: Option<Value>,
    /// The smallest `memory` that it runs with, as the configuration writes sizes: `"8MiB"`.
    pub memory: Option<String>,
    /// `"every-worker"` or `"single"`.
    pub placement: Option<String>,
    /// The `[hook.grant]` that it needs.
    pub grant: Option<Grant>,
}

/// The grant that a plugin suggests, in the words of `[hook.grant]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grant {
    /// Fields that it reads.
    pub read: Vec<String>,
    /// Fields that it writes.
    pub write: Vec<String>,
    /// Whether it drops events.
    pub drop: bool,
    /// Whether it emits events.
    pub emit: bool,
    /// Host interfaces that it calls.
    pub imports: Vec<String>,
}

/// Why a manifest cannot be read. Completes a sentence that starts with the plugin's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ManifestError {
    /// It is over [`MAX_BYTES`].
    #[error("has a manifest of {actual} bytes; {MAX_BYTES} is the most; shorten its section {SECTION:?}")]
    TooLarge {
        /// What it has.
        actual: usize,
    },
    /// It is not JSON, or a known key has a value of another type.
    #[error("has a broken manifest: {reason}; correct the JSON in its section {SECTION:?}")]
    Broken {
        /// What is wrong, with line and column.
        reason: String,
    },
}

impl Manifest {
    /// The grant that it suggests for this config, a JSON object: `"{by}"` stands for the fields that the option `by`
    /// names, or its default. An option that names none stands for nothing. None if it suggests no grant.
    pub fn grant_for(&self, config: &Value) -> Option<Grant> {
        let grant = self.grant.as_ref()?;
        let fields = |patterns: &[String]| {
            let mut fields = Vec::new();
            for pattern in patterns {
                match option_of(pattern) {
                    Some(option) => fields.extend(self.named_by(option, config)),
                    None => fields.push(pattern.clone()),
                }
            }
            fields
        };
        Some(Grant { read: fields(&grant.read), write: fields(&grant.write), ..grant.clone() })
    }

    /// The texts that an option has in this config, or by default; of a table, its keys.
    fn named_by(&self, option: &str, config: &Value) -> Vec<String> {
        let by_default = || self.config.as_ref()?.get("properties")?.get(option)?.get("default");
        match config.get(option).or_else(by_default) {
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(Value::String(text)) => vec![printable(text)],
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(printable).collect(),
            Some(Value::Object(fields)) => fields.keys().map(|field| printable(field)).collect(),
            _ => Vec::new(),
        }
    }
}

/// The option whose fields a pattern of a suggested grant stands for, if it is `"{OPTION}"`.
pub(crate) fn option_of(pattern: &str) -> Option<&str> {
    pattern.strip_prefix('{')?.strip_suffix('}')
}

/// Reads the bytes of the custom section.
pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(ManifestError::TooLarge { actual: bytes.len() });
    }
    let mut manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| ManifestError::Broken { reason: error.to_string() })?;
    let known = [&mut manifest.name, &mut manifest.version, &mut manifest.description];
    for text in known.into_iter().chain(&mut manifest.memory).chain(&mut manifest.placement) {
        *text = printable(text);
    }
    for text in manifest
        .grant
        .iter_mut()
        .flat_map(|grant| grant.read.iter_mut().chain(&mut grant.write).chain(&mut grant.imports))
    {
        *text = printable(text);
    }
    Ok(manifest)
}

/// One line that steers no terminal: what a plugin's names and texts are before anybody is shown them.
pub(crate) fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        _ if letter.is_whitespace() => ' ',
        _ if letter.is_control() => '?',
        _ => letter,
    };
    text.chars().take(MAX_PRINTED).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_ignored_and_missing_ones_empty() {
        let manifest =
            parse(br#"{"name":"redact","since":2027,"grant":{"read":["message"],"beam":true}}"#).unwrap();
        assert_eq!(manifest.name, "redact");
        assert_eq!(manifest.version, "");
        assert_eq!(manifest.grant.unwrap().read, ["message"]);
    }

    #[test]
    fn what_people_are_shown_steers_no_terminal() {
        let manifest =
            parse(br#"{"name":"\u001b[31mx","description":"a\nb","grant":{"read":["\u009b2J"]}}"#).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.description.as_str()), ("?[31mx", "a b"));
        assert_eq!(manifest.grant.unwrap().read, ["?2J"]);
        assert_eq!(printable(&"\u{e9}".repeat(MAX_PRINTED + 1)), "\u{e9}".repeat(MAX_PRINTED));
    }

    #[test]
    fn a_suggested_grant_follows_the_config() {
        let manifest = br#"{"config":{"properties":{"by":{"default":"id"},"fields":{}}},"grant":{"read":["{by}","{fields}","x"],"drop":true}}"#;
        let manifest = parse(manifest).unwrap();
        let read = |config| manifest.grant_for(&config).unwrap().read;
        assert_eq!(read(serde_json::json!({})), ["id", "x"]);
        assert_eq!(read(serde_json::json!({"by": "a.b", "fields": ["c", 1, "d"]})), ["a.b", "c", "d", "x"]);
        assert_eq!(read(serde_json::json!({"by": ""})), ["x"]);
        assert_eq!(
            read(serde_json::json!({"fields": {"c.d": "text", "e": {"min": 0}}})),
            ["id", "c.d", "e", "x"]
        );
        assert!(manifest.grant_for(&Value::Null).unwrap().drop);
        assert_eq!(parse(b"{}").unwrap().grant_for(&Value::Null), None);
    }

    #[test]
    fn a_broken_manifest_is_an_error_that_says_where() {
        let message = parse(br#"{"name":7}"#).unwrap_err().to_string();
        assert!(message.contains("broken manifest") && message.contains("column"), "{message}");
        assert!(parse(b"").is_err());
        assert_eq!(
            parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err(),
            ManifestError::TooLarge { actual: MAX_BYTES + 1 }
        );
    }
}

//! Which events belong together: those with equal values in some fields.
//!
//! Values are equal if their JSON texts are: `1` and `1.0` are two values, and a missing field is another value than
//! `null`. Nothing is allocated for an event: the key of one field is its text where it lies, the key of more is put
//! together in memory that is kept.

use std::fmt::Write;

use hookaroon_sdk::{Event, Integer, Json, Mark, Read, Setup, Text};

use crate::members::Members;

/// Between the values of a key. No JSON text has this character in it.
const SEPARATOR: char = '\u{1f}';

/// The fields.
#[derive(Debug)]
pub struct By {
    paths: Vec<String>,
    fields: Vec<Field>,
    members: Members,
    scratch: String,
}

/// A field. Metadata have kinds of their own.
#[derive(Clone, Copy, Debug)]
enum Field {
    Json(Read<Json>),
    Text(Read<Text>),
    Integer(Read<Integer>),
}

impl By {
    /// The fields at `paths`, which are read. [`By::write`] puts them into an object, and values of the hook's own at
    /// the paths `own`.
    pub fn new(paths: Vec<String>, own: &[&str], setup: &mut Setup) -> Result<By, String> {
        if paths.iter().any(|path| path == ".") {
            return Err("by: \".\" is the whole event; name fields of it".to_owned());
        }
        let members = Members::new(paths.iter().map(String::as_str).chain(own.iter().copied()))
            .map_err(|error| format!("by: {error}"))?;
        let fields = paths
            .iter()
            .map(|path| match path.as_str() {
                "%offset" | "%received" | "%time" => Field::Integer(setup.read(path)),
                _ if path.starts_with('%') => Field::Text(setup.read(path)),
                _ => Field::Json(setup.read(path)),
            })
            .collect();
        Ok(By { paths, fields, members, scratch: String::new() })
    }

    /// The paths as one text: whether two hooks tell events apart by the same fields.
    pub fn identity(&self) -> String {
        self.paths.join("\u{1f}")
    }

    /// What tells an event from those that do not belong to it: the JSON texts of its values, an empty one for what is
    /// missing.
    #[inline]
    pub fn key<'k, 'e: 'k>(&'k mut self, event: &Event<'e>) -> &'k str {
        match self.fields.as_slice() {
            [] => "",
            [Field::Json(field)] => json(event, *field),
            fields => {
                self.scratch.clear();
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        self.scratch.push(SEPARATOR);
                    }
                    field.append(event, &mut self.scratch);
                }
                &self.scratch
            }
        }
    }

    /// Appends a JSON object with the values of a key and the hook's own, JSON texts in the order of their paths. An
    /// empty text, and everything of a key that is not given, is left out.
    pub fn write(&self, key: Option<&str>, own: &[&str], out: &mut String) {
        // Splitting the key of no fields would make a value.
        let key = key.filter(|_| !self.fields.is_empty());
        let mut values: Vec<&str> = key.map_or_else(Vec::new, |key| key.split(SEPARATOR).collect());
        values.resize(self.fields.len(), "");
        values.extend(own);
        self.members.write(&values, out);
    }

    /// The most bytes that [`By::write`] appends beside the key and the hook's own values.
    pub fn fixed(&self) -> usize {
        self.members.fixed()
    }
}

/// Whether a key is that of an event which has none of the fields.
#[inline]
pub fn is_missing(key: &str) -> bool {
    key.bytes().all(|byte| byte == SEPARATOR as u8)
}

#[inline]
fn json<'e>(event: &Event<'e>, field: Read<Json>) -> &'e str {
    match event.get(field) {
        Some(text) => text,
        None if event.mark(field) == Mark::Null => "null",
        None => "",
    }
}

impl Field {
    #[inline]
    fn append(self, event: &Event<'_>, out: &mut String) {
        match self {
            Field::Json(field) => out.push_str(json(event, field)),
            Field::Text(field) => {
                if let Some(text) = event.get(field) {
                    quote(text, out);
                }
            }
            Field::Integer(field) => {
                if let Some(number) = event.get(field) {
                    // Writing to a String does not fail.
                    let _ = write!(out, "{number}");
                }
            }
        }
    }
}

/// Appends a text as a JSON string.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", character as u32);
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookaroon_sdk::{Hook, Verdict, Write as Writes, testing};

    /// Writes into each event what its key is, and what comes of it.
    #[derive(Debug)]
    struct Keys {
        by: By,
        key: Writes<Text>,
        object: Writes<Json>,
    }

    #[hookaroon_sdk::config]
    struct Config {
        by: Vec<String>,
        own: Option<String>,
    }

    impl Hook for Keys {
        type Config = Config;

        fn init(config: Config, setup: &mut Setup) -> Result<Keys, String> {
            let own: Vec<&str> = config.own.as_deref().into_iter().collect();
            let by = By::new(config.by, &own, setup)?;
            Ok(Keys { by, key: setup.write("key"), object: setup.write("object") })
        }

        fn process(&mut self, event: &mut Event<'_>) -> Verdict {
            let key = self.by.key(event).to_owned();
            let mut object = String::new();
            self.by.write(Some(&key), &["7"], &mut object);
            assert!(object.len() <= key.len() + 1 + self.by.fixed());
            event.set(self.key, &key);
            event.set(self.object, &object);
            Verdict::Keep
        }
    }

    fn key(config: &str, event: &str) -> (String, String) {
        let ran = testing::run::<Keys>(config, &[event]).unwrap();
        (ran.events[0]["key"].as_str().unwrap().to_owned(), ran.events[0]["object"].to_string())
    }

    #[test]
    fn a_key_is_the_text_of_the_values_and_missing_is_not_null() {
        let one = r#"{"by":["a.b"]}"#;
        for (event, text, object) in [
            (r#"{"a":{"b":"x\ny"}}"#, r#""x\ny""#, r#"{"a":{"b":"x\ny"}}"#),
            (r#"{"a":{"b":1.50}}"#, "1.5", r#"{"a":{"b":1.5}}"#),
            (r#"{"a":{"b":null}}"#, "null", r#"{"a":{"b":null}}"#),
            (r#"{"a":{"b":[{}]}}"#, "[{}]", r#"{"a":{"b":[{}]}}"#),
            (r#"{"a":7}"#, "", "{}"),
            ("{}", "", "{}"),
        ] {
            assert_eq!(key(one, event), (text.to_owned(), object.to_owned()), "{event}");
        }
    }

    #[test]
    fn keys_of_more_fields_cannot_be_mistaken_for_one_another() {
        let two = r#"{"by":["a","b","%source"],"own":"n.count"}"#;
        for (event, text, members) in [
            (
                r#"{"a":"x","b":"y","%source":"q\"\\\u0001é"}"#,
                "\"x\"\u{1f}\"y\"\u{1f}\"q\\\"\\\\\\u0001é\"",
                r#""%source":"q\"\\\u0001é","a":"x","b":"y","#,
            ),
            (r#"{"a":"x\u001fy"}"#, "\"x\\u001fy\"\u{1f}\u{1f}", r#""a":"x\u001fy","#),
            (r#"{"b":null}"#, "\u{1f}null\u{1f}", r#""b":null,"#),
            ("{}", "\u{1f}\u{1f}", ""),
        ] {
            let object: serde_json::Value =
                serde_json::from_str(&format!("{{{members}\"n\":{{\"count\":7}}}}")).unwrap();
            assert_eq!(key(two, event), (text.to_owned(), object.to_string()), "{event}");
            assert_eq!(is_missing(text), event == "{}");
        }
        assert_eq!(key(r#"{"by":["%time","%host"]}"#, r#"{"%time":-5}"#).0, "-5\u{1f}");
    }

    #[test]
    fn without_fields_all_events_belong_together() {
        assert_eq!(key(r#"{"by":[],"own":"n"}"#, "{}"), (String::new(), r#"{"n":7}"#.to_owned()));
        assert!(is_missing(""));
    }

    #[test]
    fn what_is_of_no_key_has_only_values_of_the_hooks_own() {
        #[derive(Debug)]
        struct Other(By);
        impl Hook for Other {
            type Config = hookaroon_sdk::NoConfig;

            fn init(_: Self::Config, setup: &mut Setup) -> Result<Other, String> {
                Ok(Other(By::new(vec!["a".to_owned(), "b".to_owned()], &["n", "other"], setup)?))
            }

            fn process(&mut self, event: &mut Event<'_>) -> Verdict {
                let mut object = String::new();
                self.0.write(None, &["7", "true"], &mut object);
                event.emit(&object);
                Verdict::Keep
            }
        }
        let events = testing::run::<Other>("{}", &["{}"]).unwrap().events;
        assert_eq!(events[1].to_string(), r#"{"n":7,"other":true}"#);
    }

    #[test]
    fn fields_that_cannot_stand_together_are_refused() {
        for (config, expected) in [
            (r#"{"by":["a","a.b"]}"#, "by: \"a\" and \"a.b\" cannot stand in one object"),
            (r#"{"by":["n"],"own":"n"}"#, "by: \"n\" and \"n\" cannot stand in one object"),
            (r#"{"by":["."]}"#, "by: \".\" is the whole event"),
        ] {
            let error = testing::run::<Keys>(config, &[]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

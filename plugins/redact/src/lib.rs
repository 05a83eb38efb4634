//! Takes personal data and secrets out of texts.
//!
//! ```toml
//! [[hook]]
//! name = "redact"
//! plugin = "redact"
//! [hook.grant]
//! read = ["message"]
//! write = ["message"]
//! [hook.config]
//! patterns = ["email", "card"]         # of email, ipv4, ipv6, card, bearer, api_key; by default all
//! regexes = { order = 'ORD-[0-9]{6}' } # own ones, by name
//! fields = ["message"]                 # the default; "." is the whole event
//! replacement = "[redacted]"           # by default the pattern's name: [email]
//! # instead of a replacement, a hash: the same value gives the same mark, [email:1a2b3c4d5e6f7788]
//! # hash = { key = { env = "REDACT_KEY" } }
//! ```
//!
//! Card numbers count only if their check digit is right (Luhn). A hash is the first 8 bytes of HMAC-SHA-256 (RFC
//! 2104) under the key, in hex: values can be told apart and joined, and cannot be guessed without the key. A field may
//! hold anything: every text in it is looked at, and card numbers in its numbers; the names of members stay as they are.
//! It remembers nothing from one event to the next.

#[cfg(test)]
mod corpus;
mod patterns;
mod scan;
mod value;

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use hookaroon_sdk::{Event, Grant, Hook, Json, Read, Setup, Verdict, Write, config, export};
use patterns::{Patterns, Traits};
use sha2::Sha256;

// Not `Debug`, because it holds the key.
/// Takes secrets and personal data out of events: what a pattern finds is replaced by the pattern's name, by a text, or
/// by a stable hash. It looks at every text in the value of a field, however deep, escapes resolved, and at numbers that
/// may be card numbers. It does not look at names of members, into JSON or anything else that is encoded within a text,
/// or beyond the end of a text: where `max_event_bytes` cuts a line, a value may lie in both parts. Put it before hooks
/// that copy texts, and let no `match` pass events by it.
#[config]
pub struct Config {
    /// The patterns that are looked for, of `email`, `ipv4`, `ipv6`, `card`, `bearer` and `api_key`; by default all.
    #[example(["email", "card"])]
    patterns: Option<Vec<String>>,
    /// Regular expressions of one's own, each under a name: `{ ticket = "T-[0-9]{6}" }`.
    #[default({})]
    regexes: BTreeMap<String, String>,
    /// The fields that are looked at. `"."` is the whole event.
    #[default(["message"])]
    fields: Vec<String>,
    /// What stands in the place of what was found; by default the pattern's name in brackets, `[email]`.
    replacement: Option<String>,
    /// A hash instead: the same value gets the same mark everywhere, `[email:1a2b3c4d5e6f7788]`.
    hash: Option<HashConfig>,
}

/// How values are hashed.
#[config]
struct HashConfig {
    /// The key of the hash (HMAC-SHA-256); keep it secret, or whoever has it can try values: `{ env = "REDACT_KEY" }`.
    key: String,
}

/// The hook.
#[derive(Debug)]
pub struct Redact {
    redactor: Redactor,
    fields: Vec<(Read<Json>, Write<Json>)>,
}

impl Hook for Redact {
    type Config = Config;
    const GRANT: Grant = Grant { read: &["{fields}"], write: &["{fields}"], ..Grant::NONE };

    fn init(config: Config, setup: &mut Setup) -> Result<Redact, String> {
        let patterns = Patterns::new(config.patterns.as_deref(), &config.regexes)?;
        let mark = match (config.replacement, config.hash) {
            (Some(_), Some(_)) => return Err("replacement and hash exclude each other; keep one".to_owned()),
            (Some(text), None) => Mark::Fixed(value::escaped(&text)),
            (None, Some(hash)) if hash.key.is_empty() => return Err("hash.key is empty".to_owned()),
            (None, Some(hash)) => {
                let keyed = Hmac::new_from_slice(hash.key.as_bytes());
                Mark::Hash(Box::new(keyed.map_err(|error| format!("hash.key: {error}"))?))
            }
            (None, None) => Mark::Name,
        };
        let mut hook = Redact { redactor: Redactor { patterns, mark }, fields: Vec::new() };
        let fields = config.fields;
        if fields.is_empty() {
            return Err("fields is empty; leave it out for \"message\"".to_owned());
        }
        if fields.len() > 1 && fields.iter().any(|path| path == ".") {
            return Err("fields: \".\" is the whole event; leave the others out".to_owned());
        }
        for path in fields {
            hook.fields.push((setup.read(&path), setup.write(&path)));
        }
        Ok(hook)
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        for (read, write) in &self.fields {
            if let Some(clean) = event.get(*read).and_then(|value| value::clean(value, &self.redactor)) {
                event.set(*write, &clean);
            }
        }
        Verdict::Keep
    }
}

export!(Redact);

/// What stands in for a value. Its texts are as they stand in a JSON string.
#[derive(Debug)]
enum Mark {
    Name,
    Fixed(String),
    Hash(Box<Hmac<Sha256>>),
}

/// Finds what is to go, and writes what stands in for it.
#[derive(Debug)]
struct Redactor {
    patterns: Patterns,
    mark: Mark,
}

impl Redactor {
    /// A JSON string with a text without what is to go; none if there is nothing. `keep` writes what stays of it.
    fn clean(&self, text: &str, traits: &Traits, keep: impl Fn(&str, &mut String)) -> Option<String> {
        let found = self.patterns.find(text, traits);
        if found.is_empty() {
            return None;
        }
        let mut clean = String::with_capacity(text.len() + 2);
        clean.push('"');
        let mut at = 0;
        for (range, name) in found {
            keep(text.get(at..range.start).unwrap_or(""), &mut clean);
            self.write_mark(name, text.get(range.clone()).unwrap_or(""), &mut clean);
            at = range.end;
        }
        keep(text.get(at..).unwrap_or(""), &mut clean);
        clean.push('"');
        Some(clean)
    }

    fn write_mark(&self, name: &str, value: &str, out: &mut String) {
        match &self.mark {
            Mark::Fixed(text) => out.push_str(text),
            Mark::Name => out.extend(["[", name, "]"]),
            Mark::Hash(keyed) => {
                let digest = keyed.as_ref().clone().chain_update(value).finalize().into_bytes();
                out.extend(["[", name, ":"]);
                for byte in digest.iter().take(8) {
                    out.extend(
                        [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or('0')),
                    );
                }
                out.push(']');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookaroon_sdk::testing;

    fn message(config: &str, text: &str) -> String {
        let event = serde_json::json!({ "message": text }).to_string();
        let ran = testing::run::<Redact>(config, &[&event]).unwrap();
        ran.events[0]["message"].as_str().unwrap().to_owned()
    }

    #[test]
    fn each_pattern_takes_what_it_is_for_and_leaves_the_rest() {
        let cases = [
            ("mail bob.o+x@mail.example.com now", "mail [email] now"),
            ("from 10.1.2.3:80 to 999.1.1.1", "from [ipv4]:80 to 999.1.1.1"),
            ("at fe80::1 and 2001:db8:0:0:0:0:0:1, 10:00:00", "at [ipv6] and [ipv6], 10:00:00"),
            ("card 4111 1111 1111 1111 and 4111-1111-1111-1112", "card [card] and 4111-1111-1111-1112"),
            ("Authorization: Bearer abc.def-ghi_123", "Authorization: [bearer]"),
            ("key sk-abcdefghijklmnop1234 or AKIAIOSFODNN7EXAMPLE", "key [api_key] or [api_key]"),
            ("api_key=abcdef0123456789abcd;", "[api_key];"),
            ("nothing here: a@b, 1.2.3, 12:34", "nothing here: a@b, 1.2.3, 12:34"),
            ("ünïcode bob@example.com é", "ünïcode [email] é"),
        ];
        for (text, expected) in cases {
            assert_eq!(message("{}", text), expected, "{text}");
        }
    }

    #[test]
    fn own_patterns_and_replacements_are_used() {
        let config = r#"{"patterns":[],"regexes":{"order":"ORD-[0-9]{3}"}}"#;
        assert_eq!(message(config, "ORD-123 bob@example.com"), "[order] bob@example.com");
        assert_eq!(message(r#"{"replacement":"***"}"#, "bob@example.com"), "***");
        // What stands in for a value is text, whatever it is.
        let quotes = r#"{"replacement":"\"\\\n","patterns":["email"],"regexes":{"a\"b":"x+"}}"#;
        assert_eq!(message(quotes, "é \\ bob@example.com"), "é \\ \"\\\n");
        assert_eq!(message(r#"{"regexes":{"a\"\\b":"x+"}}"#, "\"xx\""), "\"[a\"\\b]\"");
    }

    #[test]
    fn a_hash_is_stable_and_depends_on_the_key() {
        let hash = |key: &str, text: &str| message(&format!("{{\"hash\":{{\"key\":\"{key}\"}}}}"), text);
        assert_eq!(hash("k", "bob@example.com"), hash("k", "bob@example.com"));
        assert_ne!(hash("k", "bob@example.com"), hash("l", "bob@example.com"));
        assert_ne!(hash("k", "bob@example.com"), hash("k", "rob@example.com"));
        // printf bob@example.com | openssl dgst -sha256 -hmac k
        assert_eq!(hash("k", "bob@example.com"), "[email:3c106b25062f781d]");
    }

    #[test]
    fn the_whole_event_is_searched_escapes_and_numbers_too() {
        let event = r#"{"a":"bob\u0040example.com","n":4111111111111111,"m":[1.5,{"x":"a\"b"}],"bob@example.com":"k"}"#;
        let ran = testing::run::<Redact>(r#"{"fields":["."]}"#, &[event]).unwrap();
        assert_eq!(
            ran.events[0],
            serde_json::json!({"a":"[email]","n":"[card]","m":[1.5,{"x":"a\"b"}],"bob@example.com":"k"})
        );
    }

    #[test]
    fn a_field_that_holds_no_text_is_searched_to_its_depths() {
        let clean = |value: &str| {
            let event = format!("{{\"message\":{value}}}");
            testing::run::<Redact>("{}", &[&event]).unwrap().events[0]["message"].to_string()
        };
        assert_eq!(
            clean(r#"["a bob@example.com",{"b":["x@example.com"]}]"#),
            r#"["a [email]",{"b":["[email]"]}]"#
        );
        assert_eq!(clean("4111111111111111"), r#""[card]""#);
        assert_eq!(clean("[4111111111111111,1.5,null]"), r#"["[card]",1.5,null]"#);
        assert_eq!(clean("null"), "null");
    }

    #[test]
    fn what_is_not_touched_keeps_its_bytes_and_a_lone_surrogate_hides_nothing() {
        let redactor =
            Redactor { patterns: Patterns::new(None, &BTreeMap::new()).unwrap(), mark: Mark::Name };
        let clean = |text: &str| value::clean(text, &redactor);
        assert_eq!(
            clean(r#"{ "a":1.50e3 , "b":"\u0041", "c" : "\ud800 bob@example.com" }"#).unwrap(),
            "{ \"a\":1.50e3 , \"b\":\"\\u0041\", \"c\" : \"\u{fffd} [email]\" }"
        );
        assert_eq!(clean(r#"{"a":"b@c","n":1763935200123}"#), None);
    }

    #[test]
    fn a_wrong_config_says_what_is_wrong() {
        let error = |config: &str| testing::run::<Redact>(config, &[]).unwrap_err();
        assert!(error(r#"{"patterns":["emial"]}"#).contains("there is email, ipv4"));
        assert!(error(r#"{"regexes":{"x":"("}}"#).contains("regexes.x"));
        assert!(error(r#"{"replacement":"a","hash":{"key":"b"}}"#).contains("exclude each other"));
        assert!(error(r#"{"fields":[".","message"]}"#).contains("leave the others out"));
        assert!(error(r#"{"fieldz":["a"]}"#).contains("fieldz"));
    }
}

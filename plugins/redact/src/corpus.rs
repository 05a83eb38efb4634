//! The corpus: hundreds of texts for each pattern in which it must find something (`+`), and in which it must not (`-`).
//!
//! Each is looked for alone and inside of everything that a log line puts around it: in a message, in a text of a nested
//! object, with every character escaped, beside characters of several bytes, in the second of two members of the same name.

use hookaroon_sdk::testing;
use serde_json::{Value, json};

use crate::Redact;

const CORPUS: [(&str, &str); 6] = [
    ("email", include_str!("../corpus/email.txt")),
    ("ipv4", include_str!("../corpus/ipv4.txt")),
    ("ipv6", include_str!("../corpus/ipv6.txt")),
    ("card", include_str!("../corpus/card.txt")),
    ("bearer", include_str!("../corpus/bearer.txt")),
    ("api_key", include_str!("../corpus/api_key.txt")),
];

/// What stands around a secret; none of it is part of it.
const AROUND: [(&str, &str); 12] = [
    ("", ""),
    ("user ", " logged in"),
    ("(", ")"),
    ("[", "]"),
    ("<", ">"),
    ("\"", "\""),
    ("'", "',"),
    ("to=", ";"),
    ("line one\nline two ", "\tend\r\n"),
    ("é ", " é"),
    ("客户 ", " 登录。"),
    ("😀", "😀"),
];

fn texts(corpus: &'static str, sign: char) -> impl Iterator<Item = &'static str> {
    let texts = corpus.lines().filter_map(move |line| line.strip_prefix(sign)?.strip_prefix(' '));
    assert!(texts.clone().count() >= 200, "the corpus is hundreds of texts");
    texts
}

fn clean(pattern: &str, field: &str, events: &[String]) -> Vec<Value> {
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let config = json!({"patterns": [pattern], "fields": [field]}).to_string();
    testing::run::<Redact>(&config, &events).unwrap().events
}

/// Shows the first ones of what is wrong.
fn none(wrong: &[String]) {
    let first = wrong.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} are wrong:\n{first}", wrong.len());
}

/// A JSON string with every UTF-16 unit escaped.
fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}

#[test]
fn nothing_of_the_corpus_gets_by_whatever_stands_around_it() {
    let mut wrong = Vec::new();
    for (pattern, corpus) in CORPUS {
        let mark = format!("[{pattern}]");
        for (before, after) in AROUND {
            let events: Vec<String> = texts(corpus, '+')
                .map(|text| json!({"message": format!("{before}{text}{after}")}).to_string())
                .collect();
            let wanted = format!("{before}{mark}{after}");
            for (text, event) in texts(corpus, '+').zip(clean(pattern, "message", &events)) {
                if event["message"] != wanted {
                    wrong.push(format!("{pattern}: {before:?} {text:?} {after:?}: {}", event["message"]));
                }
            }
        }
    }
    none(&wrong);
}

#[test]
fn nothing_gets_by_in_escapes_in_nested_values_and_in_a_second_member_of_the_same_name() {
    let mut wrong = Vec::new();
    for (pattern, corpus) in CORPUS {
        let mark = json!(format!("x [{pattern}] y"));
        let (mut events, mut all) = (Vec::new(), Vec::new());
        for text in texts(corpus, '+') {
            let plain = json!(format!("x {text} y"));
            let escaped = escaped(&format!("x {text} y"));
            events.push(format!("{{\"a\":{{\"b\":[1,{plain},{escaped}]}},\"m\":{escaped},\"m\":{plain}}}"));
            all.push(text);
        }
        for (text, event) in all.iter().zip(clean(pattern, ".", &events)) {
            let wanted = json!({"a": {"b": [1, mark, mark]}, "m": mark});
            if event != wanted {
                wrong.push(format!("{pattern}: {text:?}: {event}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn what_only_looks_like_it_stays_as_it_is() {
    let mut wrong = Vec::new();
    for (pattern, corpus) in CORPUS {
        for (before, after) in AROUND {
            let events: Vec<String> = texts(corpus, '-')
                .map(|text| json!({"message": format!("{before}{text}{after}")}).to_string())
                .collect();
            for (event, clean) in events.iter().zip(clean(pattern, "message", &events)) {
                if clean != serde_json::from_str::<Value>(event).unwrap() {
                    wrong.push(format!("{pattern}: {event}: {}", clean["message"]));
                }
            }
        }
    }
    none(&wrong);
}

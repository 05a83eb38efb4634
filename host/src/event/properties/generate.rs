//! Events and edits at random: nesting, escapes, unicode, duplicates, white space and huge numbers; few keys, so
//! that they meet.

use proptest::prelude::*;
use proptest::sample::select;

use crate::event::path::Path;

/// What is done to one field.
#[derive(Clone, Debug)]
pub enum Operation {
    Text(String),
    Json(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Null,
    Remove,
    Merge(String),
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 1 => select(vec![" ", "\t", " \r", "  \t "])]
}

/// A key as it is written: the paths' keys, in disguise too, and others.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(vec!["\"a\"", "\"b\"", "\"c\"", "\"d.e\"", "\"ключ\"", "\"x\"", "\"\"", "\"a_long_key_of_more_than_eight\""]),
        1 => select(vec!["\"\\u0061\"", "\"\\u0062\"", "\"d\\u002Ee\"", "\"a\\\"b\""]),
    ]
    .prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string()),
        select(vec![
            "0",
            "-0",
            "0.10",
            "1e3",
            "1E+3",
            "12.0",
            "1e400",
            "-1e400",
            "18446744073709551616",
            "1e-7",
            "0.5"
        ])
        .prop_map(str::to_owned),
        any::<f64>()
            .prop_filter("JSON has no such number", |value| value.is_finite())
            .prop_map(|value| format!("{value:?}")),
    ]
}

/// A string as it is written.
fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -!#-\\[\\]-~]{0,40}".prop_map(|text| format!("\"{text}\"")),
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        select(vec![r#""\ud83d\ude00\/\b\f""#, r#""\u00e9\n\t\r\\""#, "\"{[,:\"", "\"}\""])
            .prop_map(str::to_owned),
    ]
}

/// Any JSON value, at most a few levels deep.
pub fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        2 => string(),
        2 => number(),
        1 => select(vec!["true", "false", "null", "{}", "[]", "{ }", "[ ]"]).prop_map(str::to_owned),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            3 => members(inner.clone()),
            1 => prop::collection::vec((space(), inner, space()), 0..4).prop_map(|elements| {
                let list: Vec<String> = elements.into_iter().map(|(a, element, b)| format!("{a}{element}{b}")).collect();
                format!("[{}]", list.join(","))
            }),
        ]
    })
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (space(), key(), space(), space(), value, space());
    prop::collection::vec(member, 0..6).prop_map(|members| {
        let list: Vec<String> = members
            .into_iter()
            .map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"))
            .collect();
        format!("{{{}}}", list.join(","))
    })
}

/// An event.
pub fn object() -> impl Strategy<Value = String> {
    (space(), members(value()), space()).prop_map(|(a, object, b)| format!("{a}{object}{b}"))
}

/// An event, or something close to one.
pub fn broken_object() -> impl Strategy<Value = String> {
    broken(object().boxed())
}

/// Lines that are all close to the same few events.
pub fn alike() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(object(), 1..4).prop_flat_map(|events| {
        let one = broken(select(events).boxed());
        prop::collection::vec(one, 1..12)
    })
}

/// A value, or something close to one.
pub fn broken_value() -> impl Strategy<Value = String> {
    broken(value().boxed())
}

fn broken(text: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let bits = select(vec![
        "\"", "\\", "{", "}", "[", "]", ":", ",", "0", "-", "e", ".", "t", "n", " ", "\u{1}", "\\u12", "é",
        "null",
    ]);
    (text, any::<prop::sample::Index>(), 0..4usize, prop::option::of(bits)).prop_map(
        |(text, at, cut, bit)| {
            let Some(bit) = bit else { return text };
            let characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len() + 1);
            let after = (at + cut).min(characters.len());
            let (head, tail) =
                (characters[..at].iter().collect::<String>(), characters[after..].iter().collect::<String>());
            format!("{head}{bit}{tail}")
        },
    )
}

/// One write of a hook.
pub fn write() -> impl Strategy<Value = (Path, Operation)> {
    let merge = prop::collection::vec((key(), value()), 0..4).prop_map(|members| {
        let list: Vec<String> = members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
        Operation::Merge(format!("{{{}}}", list.join(",")))
    });
    let merge = merge.boxed();
    let field = prop_oneof![
        any::<String>().prop_map(Operation::Text),
        (space(), value(), space())
            .prop_map(|(a, text, b)| Operation::Json(format!("{a}{text}{b}").replace(['\r', '\n'], " "))),
        any::<i64>().prop_map(Operation::Integer),
        any::<f64>()
            .prop_filter("JSON has no such number", |value| value.is_finite())
            .prop_map(Operation::Float),
        any::<bool>().prop_map(Operation::Boolean),
        Just(Operation::Null),
        Just(Operation::Remove),
        Just(Operation::Remove),
        merge.clone(),
    ];
    let paths = super::PATHS.iter().filter(|path| **path != ".").copied().collect::<Vec<_>>();
    let whole = prop_oneof![merge, members(value()).prop_map(Operation::Json)];
    prop_oneof![
        12 => (select(paths), field).prop_map(|(path, operation)| (path.parse().unwrap(), operation)),
        1 => whole.prop_map(|operation| (Path::Whole, operation)),
    ]
}

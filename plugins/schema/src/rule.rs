//! What holds for a field, as the config says it: a type, or a table.
//!
//! What contradicts itself, such as a range of a text, is an error that names the option.

use std::collections::BTreeMap;
use std::fmt;

use hookaroon_sdk::{Piece, Schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// The most values of a list: each is compared with.
const MAX_VALUES: usize = 256;

/// How many values of a list people are told.
const TOLD: usize = 10;

/// The type of a field.
#[hookaroon_sdk::config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Whatever it is.
    Any,
    /// A text.
    Text,
    /// A number that is whole, of 64 bits.
    Integer,
    /// Any number.
    Float,
    /// `true` or `false`.
    Boolean,
    /// An object.
    Object,
    /// An array.
    Array,
}

impl Type {
    /// With its article, for people.
    pub fn a_name(self) -> &'static str {
        match self {
            Type::Any => "anything",
            Type::Text => "a text",
            Type::Integer => "an integer",
            Type::Float => "a number",
            Type::Boolean => "a boolean",
            Type::Object => "an object",
            Type::Array => "an array",
        }
    }
}

/// What holds for a field.
#[hookaroon_sdk::config]
#[derive(Debug)]
pub struct Table {
    /// Its type; by default what `one_of`, `min` or `max` need.
    pub r#type: Option<Type>,
    /// Whether it must be there.
    #[default(false)]
    pub required: bool,
    /// It must be there if all of these fields have their value, or one of them: `{ event = "completion" }`.
    #[default({})]
    pub required_when: BTreeMap<String, OneOrMany>,
    /// The values that it may have.
    pub one_of: Option<Vec<Scalar>>,
    /// The least number that it may be.
    pub min: Option<f64>,
    /// The greatest number that it may be.
    pub max: Option<f64>,
}

/// A [`Table`], or a type and nothing else.
#[derive(Debug)]
pub struct Rule(pub Table);

impl Schema for Rule {
    const MEMBERS: Piece = Piece::All(&[
        Piece::Json("\"anyOf\":[{"),
        Type::MEMBERS,
        Piece::Json("},{"),
        Table::MEMBERS,
        Piece::Json("}]"),
    ]);
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rule, D::Error> {
        deserializer.deserialize_any(RuleVisitor)
    }
}

struct RuleVisitor;

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = Rule;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .write_str("a type such as \"text\", or a table such as { type = \"text\", required = true }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rule, E> {
        let kind = Type::deserialize(StrDeserializer::<E>::new(text))?;
        Ok(Rule(Table { r#type: Some(kind), ..Table::empty() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rule, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(Rule).map_err(|error| {
            A::Error::custom(format!("{error} (a path with a dot needs quotes: \"user.id\" = \"text\")"))
        })
    }
}

/// A value that can be compared with.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(untagged, expecting = "a text, a number, true or false is needed here")]
pub enum Scalar {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

impl Schema for Scalar {
    const MEMBERS: Piece = Piece::Json(r#""type":["string","number","boolean"]"#);
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Boolean(value) => write!(formatter, "{value}"),
            Scalar::Integer(number) => write!(formatter, "{number}"),
            Scalar::Float(number) => write!(formatter, "{number}"),
            Scalar::Text(text) => write!(formatter, "{text:?}"),
        }
    }
}

/// A value, or several.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(untagged, expecting = "a value is needed here, or a list of values")]
pub enum OneOrMany {
    One(Scalar),
    Many(Vec<Scalar>),
}

impl Schema for OneOrMany {
    const MEMBERS: Piece = Piece::Json(
        r#""type":["string","number","boolean","array"],"items":{"type":["string","number","boolean"]}"#,
    );
}

impl OneOrMany {
    /// As a list.
    pub fn as_slice(&self) -> &[Scalar] {
        match self {
            OneOrMany::One(value) => std::slice::from_ref(value),
            OneOrMany::Many(values) => values,
        }
    }
}

/// Values of one type.
#[derive(Debug)]
pub enum Values {
    Text(Vec<String>),
    Integer(Vec<i64>),
    Float(Vec<f64>),
    Boolean(Vec<bool>),
}

impl Values {
    /// These values as those of a field of this type.
    pub fn new(values: &[Scalar], kind: Type) -> Result<Values, String> {
        if values.is_empty() || values.len() > MAX_VALUES {
            return Err(format!("it has {} values; write 1 to {MAX_VALUES}", values.len()));
        }
        let all = |found: Option<Values>| {
            found.ok_or_else(|| {
                let wrong =
                    values.iter().find(|value| !is_of(value, kind)).unwrap_or(&Scalar::Boolean(false));
                format!("{wrong} is not {}", kind.a_name())
            })
        };
        match kind {
            Type::Text => all(collect(values, |value| match value {
                Scalar::Text(text) => Some(text.clone()),
                _ => None,
            })
            .map(Values::Text)),
            Type::Integer => all(collect(values, |value| match value {
                Scalar::Integer(number) => Some(*number),
                _ => None,
            })
            .map(Values::Integer)),
            Type::Float => all(collect(values, |value| match value {
                Scalar::Integer(number) => Some(*number as f64),
                Scalar::Float(number) => Some(*number),
                _ => None,
            })
            .map(Values::Float)),
            Type::Boolean => all(collect(values, |value| match value {
                Scalar::Boolean(value) => Some(*value),
                _ => None,
            })
            .map(Values::Boolean)),
            Type::Any | Type::Object | Type::Array => {
                Err("values are compared with texts, numbers and booleans only; give it such a type"
                    .to_owned())
            }
        }
    }
}

fn collect<T>(values: &[Scalar], one: impl Fn(&Scalar) -> Option<T>) -> Option<Vec<T>> {
    values.iter().map(one).collect()
}

fn is_of(value: &Scalar, kind: Type) -> bool {
    matches!(
        (value, kind),
        (Scalar::Text(_), Type::Text)
            | (Scalar::Integer(_), Type::Integer | Type::Float)
            | (Scalar::Float(_), Type::Float)
            | (Scalar::Boolean(_), Type::Boolean)
    )
}

/// Values as people read them: `"a", "b" or "c"`.
pub fn told(values: &[Scalar]) -> String {
    let mut text = String::new();
    let shown = values.len().min(TOLD);
    for (place, value) in values.iter().take(shown).enumerate() {
        let is_last = place + 1 == values.len();
        text.push_str(match place {
            0 => "",
            _ if is_last => " or ",
            _ => ", ",
        });
        text.push_str(&value.to_string());
    }
    if values.len() > shown {
        text.push_str(&format!(" or {} others", values.len() - shown));
    }
    text
}

impl Table {
    /// One that says nothing.
    pub fn empty() -> Table {
        Table {
            r#type: None,
            required: false,
            required_when: BTreeMap::new(),
            one_of: None,
            min: None,
            max: None,
        }
    }

    /// The type that it says, or that its other rules need.
    pub fn kind(&self) -> Result<Type, String> {
        let is_range = self.min.is_some() || self.max.is_some();
        let kind = match (self.r#type, &self.one_of) {
            (Some(kind), _) => kind,
            (None, Some(values)) => {
                let kinds = [Type::Text, Type::Integer, Type::Float, Type::Boolean];
                let common = kinds.into_iter().find(|kind| values.iter().all(|value| is_of(value, *kind)));
                common.ok_or("one_of: its values are of different types; write values of one")?
            }
            (None, None) if is_range => Type::Float,
            (None, None) => Type::Any,
        };
        if is_range && !matches!(kind, Type::Integer | Type::Float) {
            return Err(format!(
                "min and max are for numbers, and it is {}; write type = \"integer\" or \"float\"",
                kind.a_name()
            ));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(format!("min = {min} is more than max = {max}; nothing is between them"));
        }
        Ok(kind)
    }

    /// Whether it checks nothing, and no other rule can use it.
    pub fn is_empty(&self) -> bool {
        self.r#type.is_none()
            && !self.required
            && self.required_when.is_empty()
            && self.one_of.is_none()
            && self.min.is_none()
            && self.max.is_none()
    }
}

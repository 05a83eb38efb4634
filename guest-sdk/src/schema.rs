//! The JSON Schema of a config, put together at compile time.
//!
//! It is part of the manifest, a constant in the plugin, so it costs nothing when the hook runs.

use std::collections::{BTreeMap, HashMap};

/// A piece of a JSON text that is known at compile time.
///
/// ```
/// # use hookaroon_sdk::Piece;
/// const PIECE: Piece = Piece::All(&[Piece::Json("\"enum\":"), Piece::List(&["a", "b"])]);
/// let bytes: [u8; PIECE.length()] = PIECE.bytes();
/// assert_eq!(&bytes, b"\"enum\":[\"a\",\"b\"]");
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// As it is.
    Json(&'static str),
    /// As a JSON string.
    Quoted(&'static str),
    /// As an array of JSON strings.
    List(&'static [&'static str]),
    /// One after the other.
    All(&'static [Piece]),
}

/// A type that a config is made of. [`config`](macro@crate::config) implements it for structs and enums; by hand:
///
/// ```
/// use hookaroon_sdk::{Piece, Schema};
///
/// /// A path that starts with a slash.
/// struct Absolute(String);
///
/// impl Schema for Absolute {
///     const MEMBERS: Piece = Piece::Json(r#""type":"string","pattern":"^/""#);
/// }
/// ```
pub trait Schema {
    /// What it is, for people.
    ///
    /// ```
    /// # use hookaroon_sdk::{Schema, config};
    /// /// Where the table is.
    /// #[config]
    /// struct Table {
    ///     path: String,
    /// }
    /// # fn main() {
    /// assert_eq!(Table::DOCS, "Where the table is.");
    /// # }
    /// ```
    const DOCS: &'static str = "";
    /// The members of its JSON Schema (draft 2020-12), without the braces around them: `"type":"string"`.
    ///
    /// ```
    /// # use hookaroon_sdk::{Piece, Schema};
    /// const LENGTH: usize = <Vec<String>>::MEMBERS.length();
    /// let members: [u8; LENGTH] = <Vec<String>>::MEMBERS.bytes();
    /// assert_eq!(&members, br#""type":"array","items":{"type":"string"}"#);
    /// ```
    const MEMBERS: Piece;
}

/// A hook that has nothing to configure.
///
/// ```
/// # use hookaroon_sdk::NoConfig;
/// assert!(serde_json::from_str::<NoConfig>("{}").is_ok());
/// assert!(serde_json::from_str::<NoConfig>("{\"x\":1}").is_err());
/// ```
#[crate::config]
#[derive(Clone, Copy, Debug)]
pub struct NoConfig {}

macro_rules! schemas {
    ($($kind:ty: $members:literal),+ $(,)?) => {
        $(impl Schema for $kind {
            const MEMBERS: Piece = Piece::Json($members);
        })+
    };
}

schemas! {
    String: r#""type":"string""#,
    char: r#""type":"string","minLength":1,"maxLength":1"#,
    bool: r#""type":"boolean""#,
    f64: r#""type":"number""#,
    f32: r#""type":"number""#,
    i8: r#""type":"integer","minimum":-128,"maximum":127"#,
    i16: r#""type":"integer","minimum":-32768,"maximum":32767"#,
    i32: r#""type":"integer","minimum":-2147483648,"maximum":2147483647"#,
    i64: r#""type":"integer""#,
    u8: r#""type":"integer","minimum":0,"maximum":255"#,
    u16: r#""type":"integer","minimum":0,"maximum":65535"#,
    u32: r#""type":"integer","minimum":0,"maximum":4294967295"#,
    u64: r#""type":"integer","minimum":0"#,
    usize: r#""type":"integer","minimum":0,"maximum":4294967295"#,
}

/// Anything.
impl Schema for serde_json::Value {
    const MEMBERS: Piece =
        Piece::Json("\"type\":[\"null\",\"boolean\",\"number\",\"string\",\"array\",\"object\"]");
}

impl<T: Schema> Schema for Option<T> {
    const MEMBERS: Piece = T::MEMBERS;
}

impl<T: Schema> Schema for Box<T> {
    const MEMBERS: Piece = T::MEMBERS;
}

impl<T: Schema> Schema for Vec<T> {
    const MEMBERS: Piece =
        Piece::All(&[Piece::Json("\"type\":\"array\",\"items\":{"), T::MEMBERS, Piece::Json("}")]);
}

impl<T: Schema> Schema for BTreeMap<String, T> {
    const MEMBERS: Piece = Piece::All(&[
        Piece::Json("\"type\":\"object\",\"additionalProperties\":{"),
        T::MEMBERS,
        Piece::Json("}"),
    ]);
}

impl<T: Schema, S> Schema for HashMap<String, T, S> {
    const MEMBERS: Piece = <BTreeMap<String, T> as Schema>::MEMBERS;
}

impl Piece {
    /// How many bytes of JSON it is.
    ///
    /// ```
    /// # use hookaroon_sdk::Piece;
    /// assert_eq!(Piece::List(&["a", "b"]).length(), r#"["a","b"]"#.len());
    /// ```
    pub const fn length(&self) -> usize {
        self.write(&mut [], 0)
    }

    /// Its JSON, in as many bytes as its [`length`](Piece::length).
    ///
    /// ```
    /// # use hookaroon_sdk::Piece;
    /// const NAME: Piece = Piece::Quoted("a \"name\"");
    /// const JSON: [u8; NAME.length()] = NAME.bytes();
    /// assert_eq!(&JSON, br#""a \"name\"""#);
    /// ```
    pub const fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.write(&mut out, 0);
        out
    }

    /// Writes what fits from `at` on; where it ends.
    const fn write(&self, out: &mut [u8], mut at: usize) -> usize {
        match self {
            Piece::Json(text) => {
                let bytes = text.as_bytes();
                let mut index = 0;
                while let Some(byte) = nth(bytes, index) {
                    at = put(out, at, byte);
                    index += 1;
                }
                at
            }
            Piece::Quoted(text) => quote(text.as_bytes(), out, at),
            Piece::List(texts) => {
                at = put(out, at, b'[');
                let mut rest = *texts;
                let mut first = true;
                while let [text, others @ ..] = rest {
                    if !first {
                        at = put(out, at, b',');
                    }
                    first = false;
                    at = quote(text.as_bytes(), out, at);
                    rest = others;
                }
                put(out, at, b']')
            }
            Piece::All(pieces) => {
                let mut rest = *pieces;
                while let [piece, others @ ..] = rest {
                    at = piece.write(out, at);
                    rest = others;
                }
                at
            }
        }
    }
}

const fn nth(bytes: &[u8], index: usize) -> Option<u8> {
    match bytes.split_at_checked(index) {
        Some((_, [byte, ..])) => Some(*byte),
        _ => None,
    }
}

/// Writes one byte if there is room for it.
const fn put(out: &mut [u8], at: usize, byte: u8) -> usize {
    if let Some((_, [place, ..])) = out.split_at_mut_checked(at) {
        *place = byte;
    }
    at + 1
}

const fn quote(bytes: &[u8], out: &mut [u8], mut at: usize) -> usize {
    at = put(out, at, b'"');
    let mut index = 0;
    while let Some(byte) = nth(bytes, index) {
        index += 1;
        match byte {
            b'"' | b'\\' => {
                at = put(out, at, b'\\');
                at = put(out, at, byte);
            }
            b'\n' => {
                at = put(out, at, b'\\');
                at = put(out, at, b'n');
            }
            // Other control characters have no place in a description.
            0..0x20 => at = put(out, at, b' '),
            _ => at = put(out, at, byte),
        }
    }
    put(out, at, b'"')
}

/// What `#[config]` makes of a default: it is read as if the operator had written it. The first start of the hook
/// shows one that does not fit its field.
#[doc(hidden)]
#[allow(clippy::panic)]
pub fn default_of<T: serde::de::DeserializeOwned>(field: &str, json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("#[default({json})] of {field}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Percent, config};
    use serde_json::{Value, json};

    /// All of it.
    ///
    /// And "more".
    #[config]
    #[derive(Debug, PartialEq)]
    struct Whole {
        /// A share,
        /// of two lines.
        #[example("10%")]
        keep: Percent,
        #[default("level")]
        level: String,
        #[default(["a", "b"])]
        #[serde(rename = "the-list")]
        list: Vec<String>,
        #[default(-3)]
        number: i64,
        #[default({})]
        map: BTreeMap<String, Inner>,
        #[default("drop_it")]
        mode: Mode,
        inner: Option<Inner>,
    }

    #[config]
    #[derive(Debug, PartialEq)]
    struct Inner {
        r#type: bool,
    }

    #[config]
    #[derive(Debug, PartialEq)]
    enum Mode {
        /// Yes.
        DropIt,
        Keep,
    }

    const LENGTH: usize = Whole::MEMBERS.length();
    static WRITTEN: [u8; LENGTH] = Whole::MEMBERS.bytes();

    #[test]
    fn the_schema_says_what_serde_takes() {
        let text = format!("{{{}}}", std::str::from_utf8(&WRITTEN).unwrap());
        let inner = json!({
            "type": "object", "additionalProperties": false, "properties": {"type": {"type": "boolean"}}, "required": ["type"],
        });
        let mut described = inner.clone();
        described["type"] = json!("object");
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["keep"],
                "properties": {
                    "keep": {"description": "A share, of two lines.", "examples": ["10%"], "type": "string", "pattern": "^\\s*[0-9.]+\\s*%$"},
                    "level": {"default": "level", "type": "string"},
                    "the-list": {"default": ["a", "b"], "type": "array", "items": {"type": "string"}},
                    "number": {"default": -3, "type": "integer"},
                    "map": {"default": {}, "type": "object", "additionalProperties": inner},
                    "mode": {"default": "drop_it", "enum": ["drop_it", "keep"], "enumDescriptions": ["Yes.", ""]},
                    "inner": described,
                },
            })
        );
        assert_eq!(Whole::DOCS, "All of it.\n\nAnd \"more\".");
    }

    #[test]
    fn defaults_are_read_as_if_they_had_been_written() {
        let read: Whole = serde_json::from_str("{\"keep\":\"5%\"}").unwrap();
        assert_eq!((read.level.as_str(), read.list.len(), read.number), ("level", 2, -3));
        assert_eq!((read.mode, read.inner, read.map.len()), (Mode::DropIt, None, 0));
        let error = serde_json::from_str::<Whole>("{\"keep\":\"5%\",\"kept\":1}").unwrap_err().to_string();
        assert!(error.contains("unknown field `kept`"), "{error}");
    }

    #[test]
    fn texts_are_quoted_as_json_strings() {
        const PIECE: Piece = Piece::Quoted("a \"b\" \\ c\nd\te é");
        let bytes: [u8; PIECE.length()] = PIECE.bytes();
        assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), "a \"b\" \\ c\nd e é");
    }
}

//! Paths to fields, in TOML's dotted-key form: one syntax in interests, grants, `match`, and on the command line.
//!
//! `geo.country`, `resource."service.name"` (a key that holds a dot is quoted), `.` for the whole event, `%time`
//! and its like for metadata. At most [`MAX_KEYS`] keys, so that a write cannot nest an event too deep.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The most keys of a path: one less than objects may nest, because the event is an object too.
pub const MAX_KEYS: usize = 127;

/// Where a value is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Path {
    /// `.`: the whole event.
    Whole,
    /// `%name`: beside the event's text.
    Meta(Meta),
    /// The keys from the event down; at least one.
    Field(Vec<String>),
}

/// What is known of an event beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meta {
    /// The source's name, or `hook:NAME`.
    Source,
    /// The stream within the source.
    Stream,
    /// The file it was read from.
    File,
    /// Its place in the stream, in bytes.
    Offset,
    /// The machine it was written on.
    Host,
    /// Who sent it.
    Peer,
    /// The tag that its protocol gave it.
    Tag,
    /// When the host received it, in nanoseconds since 1970.
    Received,
    /// Its own time, in nanoseconds since 1970.
    Time,
    /// A stable hash of where it comes from.
    Id,
}

/// A text that is no path.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// Nothing there, or nothing between two dots.
    #[error("a key is empty; write \"\" in quotes if it really is")]
    EmptyKey,
    /// A quote without its other half.
    #[error("a quoted key does not end")]
    Unterminated,
    /// A wrong escape in a quoted key.
    #[error("a quoted key has a wrong escape; JSON's escapes are allowed")]
    Escape,
    /// Something after a quoted key that is no dot.
    #[error("a quoted key is followed by {0:?} and not by a dot")]
    AfterQuote(char),
    /// A character that only a quoted key may have.
    #[error("{0:?} is not allowed in a key without quotes")]
    Character(char),
    /// Metadata that does not exist.
    #[error("there is no metadata {0:?}; there is {names}", names = Meta::names())]
    Meta(String),
    /// Too many keys.
    #[error("it has more than {MAX_KEYS} keys")]
    TooLong,
}

impl Meta {
    /// All of them.
    pub const ALL: [Meta; 10] = [
        Meta::Source,
        Meta::Stream,
        Meta::File,
        Meta::Offset,
        Meta::Host,
        Meta::Peer,
        Meta::Tag,
        Meta::Received,
        Meta::Time,
        Meta::Id,
    ];

    /// Its name, with the percent sign.
    pub fn name(self) -> &'static str {
        match self {
            Meta::Source => "%source",
            Meta::Stream => "%stream",
            Meta::File => "%file",
            Meta::Offset => "%offset",
            Meta::Host => "%host",
            Meta::Peer => "%peer",
            Meta::Tag => "%tag",
            Meta::Received => "%received",
            Meta::Time => "%time",
            Meta::Id => "%id",
        }
    }

    fn names() -> String {
        Meta::ALL.map(Meta::name).join(", ")
    }
}

impl Path {
    /// How many objects are open around its value, the event's own included: 0 for the whole event.
    pub fn depth(&self) -> usize {
        match self {
            Path::Field(keys) => keys.len(),
            Path::Whole | Path::Meta(_) => 0,
        }
    }

    /// Whether one of the two is the other, or lies above it.
    pub fn overlaps(&self, other: &Path) -> bool {
        match (self, other) {
            (Path::Meta(a), Path::Meta(b)) => a == b,
            (Path::Meta(_), _) | (_, Path::Meta(_)) => false,
            (Path::Whole, _) | (_, Path::Whole) => true,
            (Path::Field(a), Path::Field(b)) => a.iter().zip(b).all(|(a, b)| a == b),
        }
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Path, PathError> {
        if text == "." {
            return Ok(Path::Whole);
        }
        if text.starts_with('%') {
            let meta = Meta::ALL.into_iter().find(|meta| meta.name() == text);
            return meta.map(Path::Meta).ok_or_else(|| PathError::Meta(text.to_owned()));
        }
        keys(text).map(Path::Field)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Whole => formatter.write_str("."),
            Path::Meta(meta) => formatter.write_str(meta.name()),
            Path::Field(keys) => write_keys(keys, formatter),
        }
    }
}

/// Which paths a grant covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// `geo`: this and all below; `.`: the event and every field; `%time`: that metadatum.
    Path(Path),
    /// `geo.*`: all below, not itself; `*`: every field, not the whole event.
    Below(Vec<String>),
}

impl Pattern {
    /// Whether a hook with this grant may read (or write) `path`.
    pub fn covers(&self, path: &Path) -> bool {
        match (self, path) {
            (Pattern::Path(Path::Whole), Path::Whole | Path::Field(_)) => true,
            (Pattern::Path(Path::Meta(granted)), Path::Meta(meta)) => granted == meta,
            (Pattern::Path(Path::Field(granted)), Path::Field(keys)) => keys.starts_with(granted),
            (Pattern::Below(granted), Path::Field(keys)) => {
                keys.starts_with(granted) && keys.len() > granted.len()
            }
            _ => false,
        }
    }
}

impl FromStr for Pattern {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Pattern, PathError> {
        match text.strip_suffix('*') {
            Some("") => Ok(Pattern::Below(Vec::new())),
            Some(above) if above.ends_with('.') && above.len() > 1 => {
                keys(above.strip_suffix('.').unwrap_or(above)).map(Pattern::Below)
            }
            _ => text.parse().map(Pattern::Path),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Path(path) => path.fmt(formatter),
            Pattern::Below(keys) if keys.is_empty() => formatter.write_str("*"),
            Pattern::Below(keys) => {
                write_keys(keys, formatter)?;
                formatter.write_str(".*")
            }
        }
    }
}

/// The keys of a path that is neither `.` nor metadata.
fn keys(text: &str) -> Result<Vec<String>, PathError> {
    let mut keys = Vec::new();
    let mut rest = text;
    loop {
        let (key, after) = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(rest, quote)?,
            _ => bare(rest)?,
        };
        keys.push(key);
        if keys.len() > MAX_KEYS {
            return Err(PathError::TooLong);
        }
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => match after.chars().next() {
                Some(other) => return Err(PathError::AfterQuote(other)),
                None => return Ok(keys),
            },
        }
    }
}

/// A key without quotes: anything but what means something in a path or around one.
fn bare(text: &str) -> Result<(String, &str), PathError> {
    let (key, after) = text.split_at(text.find('.').unwrap_or(text.len()));
    if key.is_empty() {
        return Err(PathError::EmptyKey);
    }
    match key.chars().find(|&character| needs_quotes(character)) {
        Some(character) => Err(PathError::Character(character)),
        None => Ok((key.to_owned(), after)),
    }
}

fn needs_quotes(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '"' | '\'' | '\\' | '*' | '%' | ',' | '=')
}

/// A key in single quotes, as it is, or in double quotes, with escapes.
fn quoted(text: &str, quote: char) -> Result<(String, &str), PathError> {
    let inner = text.get(1..).unwrap_or("");
    let mut escaped = false;
    for (at, character) in inner.char_indices() {
        if character == quote && !escaped {
            let (key, after) = (inner.get(..at).unwrap_or(""), inner.get(at + 1..).unwrap_or(""));
            if quote == '\'' {
                return Ok((key.to_owned(), after));
            }
            let key = serde_json::from_str(&format!("\"{key}\"")).map_err(|_| PathError::Escape)?;
            return Ok((key, after));
        }
        escaped = character == '\\' && !escaped && quote == '"';
    }
    Err(PathError::Unterminated)
}

fn write_keys(keys: &[String], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, key) in keys.iter().enumerate() {
        if index > 0 {
            formatter.write_str(".")?;
        }
        if key.is_empty() || key.contains('.') || key.chars().any(needs_quotes) {
            write!(formatter, "{}", serde_json::Value::from(key.as_str()))?;
        } else {
            formatter.write_str(key)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(keys: &[&str]) -> Path {
        Path::Field(keys.iter().map(|&key| key.to_owned()).collect())
    }

    #[test]
    fn paths_are_read_and_written_in_the_same_form() {
        let cases = [
            ("level", field(&["level"])),
            ("geo.country", field(&["geo", "country"])),
            (r#"resource."service.name""#, field(&["resource", "service.name"])),
            (r#""".a"#, field(&["", "a"])),
            (r#""a\"b\u00e9""#, field(&["a\"bé"])),
            ("@timestamp.größe-1_x", field(&["@timestamp", "größe-1_x"])),
            (".", Path::Whole),
            ("%time", Path::Meta(Meta::Time)),
        ];
        for (text, path) in cases {
            assert_eq!(text.parse::<Path>().as_ref(), Ok(&path), "{text}");
            assert_eq!(path.to_string().parse::<Path>().as_ref(), Ok(&path), "{path}");
        }
        assert_eq!("'a.b'".parse::<Path>().unwrap().to_string(), r#""a.b""#);
    }

    #[test]
    fn what_is_no_path_says_why() {
        let cases = [
            ("", PathError::EmptyKey),
            ("a..b", PathError::EmptyKey),
            ("a.", PathError::EmptyKey),
            (".a", PathError::EmptyKey),
            ("a b", PathError::Character(' ')),
            ("a.*", PathError::Character('*')),
            ("\"a", PathError::Unterminated),
            ("\"a\"b", PathError::AfterQuote('b')),
            ("\"\\x\"", PathError::Escape),
            ("%nope", PathError::Meta("%nope".to_owned())),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Path>(), Err(error), "{text}");
        }
        assert_eq!(vec!["a"; MAX_KEYS + 1].join(".").parse::<Path>(), Err(PathError::TooLong));
    }

    #[test]
    fn a_grant_covers_what_its_form_says() {
        let covers =
            |pattern: &str, path: &str| pattern.parse::<Pattern>().unwrap().covers(&path.parse().unwrap());
        assert!(covers("geo", "geo") && covers("geo", "geo.country") && !covers("geo", "geography"));
        assert!(!covers("geo.*", "geo") && covers("geo.*", "geo.a.b"));
        assert!(covers("*", "a.b") && !covers("*", ".") && !covers("*", "%time"));
        assert!(covers(".", ".") && covers(".", "a.b") && !covers(".", "%time"));
        assert!(covers("%time", "%time") && !covers("%time", "%id"));
    }

    #[test]
    fn paths_overlap_along_their_keys() {
        let overlap = |a: &str, b: &str| a.parse::<Path>().unwrap().overlaps(&b.parse().unwrap());
        assert!(overlap("a", "a.b") && overlap("a.b", "a") && overlap("a", "a") && overlap(".", "a.b"));
        assert!(!overlap("a.b", "a.c") && !overlap("a", "ab") && !overlap("%time", "."));
    }
}

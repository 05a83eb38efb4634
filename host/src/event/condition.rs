//! Conditions of a `match`: `PATH OP VALUE`. One grammar for hooks, sinks and the command line. Pure, and nothing
//! is allocated when one is asked.
//!
//! | operator | holds if the value |
//! | --- | --- |
//! | `==`, `!=` | is, is not this; text, number, `true`, `false` or `null` |
//! | `in a, b`, `not in a, b` | is one of these, none of them |
//! | `<`, `<=`, `>`, `>=` | compares so: numbers as numbers, texts byte by byte |
//! | `exists`, `missing` | is there at all (`null` is there) |
//! | `like "GET *"` | is a text like this: `*` any characters, `?` one |
//!
//! A comparison with what is absent or of another type does not hold; `!=`, `not in` and `missing` hold then. The
//! fields `level` and `severity` compare as severity, whatever the library's names and case.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::path::Path;
use super::severity::Severity;

/// A value as conditions see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// No such field.
    Absent,
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A number, as its digits.
    Number(&'a str),
    /// A string, unescaped.
    Text(&'a str),
    /// An object or an array.
    Other,
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As it was written, without the space around it.
    text: String,
    path: Path,
    test: Test,
    as_severity: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<Operand>),
    NotIn(Vec<Operand>),
    Compare(Vec<Ordering>, Operand),
    Exists,
    Missing,
    Like(Vec<char>),
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Null,
    Boolean(bool),
    /// As it was written without quotes; it also equals the text of the same characters.
    Number(String),
    Text(String),
}

/// A text that is no condition.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{problem} in {text:?}; a condition is PATH OP VALUE, for example: {example}", example = EXAMPLE)]
pub struct ConditionError {
    text: String,
    problem: String,
}

const EXAMPLE: &str = "level in error, fatal";
const OPERATORS: &str = "==, !=, in, not in, <, <=, >, >=, exists, missing, like";

impl Condition {
    /// Whose value it asks for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it holds for this value.
    pub fn holds(&self, value: &Value<'_>) -> bool {
        match &self.test {
            Test::Exists => *value != Value::Absent,
            Test::Missing => *value == Value::Absent,
            Test::In(operands) => operands.iter().any(|operand| self.equals(value, operand)),
            Test::NotIn(operands) => !operands.iter().any(|operand| self.equals(value, operand)),
            Test::Compare(wanted, operand) => {
                self.compare(value, operand).is_some_and(|order| wanted.contains(&order))
            }
            Test::Like(pattern) => match value {
                Value::Text(text) => like(pattern, text),
                _ => false,
            },
        }
    }

    fn equals(&self, value: &Value<'_>, operand: &Operand) -> bool {
        match (value, operand) {
            (Value::Null, Operand::Null) => true,
            (Value::Boolean(value), Operand::Boolean(operand)) => value == operand,
            _ => self.compare(value, operand) == Some(Ordering::Equal),
        }
    }

    fn compare(&self, value: &Value<'_>, operand: &Operand) -> Option<Ordering> {
        if self.as_severity
            && let (Some(value), Some(operand)) = (severity_of_value(value), severity_of_operand(operand))
        {
            return Some(value.cmp(&operand));
        }
        match (value, operand) {
            (Value::Number(value), Operand::Number(operand)) => compare_numbers(value, operand),
            (Value::Text(value), Operand::Text(operand)) => Some((*value).cmp(operand.as_str())),
            // "500" in the event against 500 in the condition: the same characters are the same.
            (Value::Text(value), Operand::Number(operand)) if value == operand => Some(Ordering::Equal),
            _ => None,
        }
    }
}

fn severity_of_value(value: &Value<'_>) -> Option<Severity> {
    match value {
        Value::Text(text) | Value::Number(text) => Severity::of(text),
        _ => None,
    }
}

fn severity_of_operand(operand: &Operand) -> Option<Severity> {
    match operand {
        Operand::Text(text) | Operand::Number(text) => Severity::of(text),
        _ => None,
    }
}

/// Whole numbers exactly, others as floats.
fn compare_numbers(a: &str, b: &str) -> Option<Ordering> {
    match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => Some(a.cmp(&b)),
        _ => a.parse::<f64>().ok()?.partial_cmp(&b.parse::<f64>().ok()?),
    }
}

/// Whether `text` is like `pattern`: linear in the text for each `*`, without recursion.
fn like(pattern: &[char], text: &str) -> bool {
    let mut pattern_at = 0;
    let mut rest = text.chars();
    // Where to go on after the latest `*` if what follows it does not fit.
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let before = rest.clone();
        let next = rest.next();
        match (pattern.get(pattern_at), next) {
            (Some('*'), _) => {
                pattern_at += 1;
                rest = before.clone();
                retry = Some((pattern_at, before));
            }
            (Some('?'), Some(_)) => pattern_at += 1,
            (Some(wanted), Some(actual)) if *wanted == actual => pattern_at += 1,
            (None, None) => return true,
            _ => match &mut retry {
                Some((after_star, from)) => {
                    if from.next().is_none() {
                        return false;
                    }
                    pattern_at = *after_star;
                    rest = from.clone();
                }
                None => return false,
            },
        }
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Condition, ConditionError> {
        let wrong = |problem: String| ConditionError { text: text.to_owned(), problem };
        let (path, rest) = split_path(text.trim()).map_err(wrong)?;
        let (operator, rest) = split_operator(rest).ok_or_else(|| {
            wrong(format!("there is no operator after the path; the operators are {OPERATORS}"))
        })?;
        let wrong = |problem: String| ConditionError { text: text.to_owned(), problem };
        let test = match operator {
            "exists" | "missing" => {
                if !rest.is_empty() {
                    return Err(wrong(format!("`{operator}` takes no value")));
                }
                if operator == "exists" { Test::Exists } else { Test::Missing }
            }
            "in" | "not in" => {
                let operands = operands(rest).map_err(wrong)?;
                if operator == "in" { Test::In(operands) } else { Test::NotIn(operands) }
            }
            _ => {
                let mut operands = operands(rest).map_err(wrong)?;
                let (Some(operand), true) = (operands.pop(), operands.is_empty()) else {
                    return Err(wrong(format!("`{operator}` takes one value; quote it if it holds a comma")));
                };
                match (operator, operand) {
                    ("==", operand) => Test::In(vec![operand]),
                    ("!=", operand) => Test::NotIn(vec![operand]),
                    ("like", Operand::Text(pattern) | Operand::Number(pattern)) => {
                        Test::Like(pattern.chars().collect())
                    }
                    ("like", _) => return Err(wrong("`like` takes a text".to_owned())),
                    (_, Operand::Null | Operand::Boolean(_)) => {
                        return Err(wrong(format!("`{operator}` compares numbers and texts")));
                    }
                    ("<", operand) => Test::Compare(vec![Ordering::Less], operand),
                    ("<=", operand) => Test::Compare(vec![Ordering::Less, Ordering::Equal], operand),
                    (">", operand) => Test::Compare(vec![Ordering::Greater], operand),
                    (_, operand) => Test::Compare(vec![Ordering::Greater, Ordering::Equal], operand),
                }
            }
        };
        let as_severity = match &path {
            Path::Field(keys) => keys.last().is_some_and(|key| key == "level" || key == "severity"),
            _ => false,
        };
        Ok(Condition { text: text.trim().to_owned(), path, test, as_severity })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Null => formatter.write_str("null"),
            Operand::Boolean(value) => value.fmt(formatter),
            Operand::Number(text) | Operand::Text(text) => text.fmt(formatter),
        }
    }
}

/// The path up to the first white space or operator outside of quotes, and the rest.
fn split_path(text: &str) -> Result<(Path, &str), String> {
    let mut quote = None;
    let mut escaped = false;
    let end = text
        .char_indices()
        .find(|&(_, character)| {
            match quote {
                Some(open) if character == open && !escaped => quote = None,
                None if matches!(character, '"' | '\'') => quote = Some(character),
                _ => {}
            }
            escaped = character == '\\' && !escaped;
            quote.is_none() && (character.is_whitespace() || matches!(character, '=' | '!' | '<' | '>'))
        })
        .map_or(text.len(), |(at, _)| at);
    let (path, rest) = text.split_at(end);
    let path: Path = path.parse().map_err(|error| format!("the path {path:?}: {error}"))?;
    if path == Path::Whole {
        return Err("the whole event (\".\") cannot be compared".to_owned());
    }
    Ok((path, rest.trim_start()))
}

fn split_operator(text: &str) -> Option<(&'static str, &str)> {
    for symbol in ["==", "!=", "<=", ">=", "<", ">"] {
        if let Some(rest) = text.strip_prefix(symbol) {
            return Some((symbol, rest.trim()));
        }
    }
    for word in ["not in", "in", "exists", "missing", "like"] {
        if let Some(rest) = text.strip_prefix(word)
            && rest.chars().next().is_none_or(char::is_whitespace)
        {
            return Some((word, rest.trim()));
        }
    }
    None
}

/// Values with commas between them; quoted ones may hold commas.
fn operands(text: &str) -> Result<Vec<Operand>, String> {
    let mut operands = Vec::new();
    let mut rest = text;
    loop {
        let (operand, after) = if rest.starts_with('"') { quoted(rest)? } else { bare(rest)? };
        operands.push(operand);
        let after = after.trim_start();
        if after.is_empty() {
            return Ok(operands);
        }
        rest = after
            .strip_prefix(',')
            .ok_or_else(|| {
                format!(
                    "there is {after:?} after the value {}",
                    operands.last().map_or(String::new(), Operand::to_string)
                )
            })?
            .trim_start();
    }
}

fn quoted(text: &str) -> Result<(Operand, &str), String> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match strings.next() {
        Some(Ok(value)) => Ok((Operand::Text(value), text.get(strings.byte_offset()..).unwrap_or(""))),
        _ => Err(format!("the quoted value {text} does not end, or has a wrong escape")),
    }
}

fn bare(text: &str) -> Result<(Operand, &str), String> {
    let (word, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    let word = word.trim();
    let operand = match word {
        "" => return Err("a value is missing".to_owned()),
        "null" => Operand::Null,
        "true" => Operand::Boolean(true),
        "false" => Operand::Boolean(false),
        _ if word.contains('"') => {
            return Err(format!("the value {word} has a quote in it; quote it as a whole"));
        }
        _ if serde_json::from_str::<serde_json::Number>(word).is_ok() => Operand::Number(word.to_owned()),
        _ => Operand::Text(word.to_owned()),
    };
    Ok((operand, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, value: Value<'_>) -> bool {
        condition.parse::<Condition>().unwrap().holds(&value)
    }

    #[test]
    fn values_compare_as_what_they_are() {
        assert!(holds("status == 500", Value::Number("500")));
        assert!(holds("status == 500", Value::Number("500.0")));
        assert!(holds("status == 500", Value::Text("500")));
        assert!(!holds("status == \"500\"", Value::Number("500")));
        assert!(holds("status >= 500", Value::Number("503")));
        assert!(!holds("status >= 500", Value::Text("503")));
        assert!(holds("n > 18446744073709551615", Value::Number("18446744073709551616")));
        assert!(holds("name < b", Value::Text("a")));
        assert!(holds("ok == true", Value::Boolean(true)));
        assert!(holds("ok != true", Value::Text("true")));
        assert!(holds("x == null", Value::Null));
    }

    #[test]
    fn what_is_absent_only_holds_where_it_says_so() {
        for condition in ["a == 1", "a < 1", "a in 1, 2", "a like \"*\"", "a exists", "a == null"] {
            assert!(!holds(condition, Value::Absent), "{condition}");
        }
        for condition in ["a != 1", "a not in 1, 2", "a missing"] {
            assert!(holds(condition, Value::Absent), "{condition}");
        }
        assert!(holds("a exists", Value::Null));
        assert!(holds("a exists", Value::Other));
    }

    #[test]
    fn levels_compare_as_severity_whatever_they_are_called() {
        assert!(holds("level >= warn", Value::Text("ERROR")));
        assert!(holds("level == warn", Value::Text("WARNING")));
        assert!(holds("log.level in error, fatal", Value::Text("Critical")));
        assert!(holds("severity > info", Value::Number("50")));
        assert!(!holds("level >= warn", Value::Text("info")));
        assert!(!holds("level >= warn", Value::Text("nonsense")));
        assert!(holds("level == nonsense", Value::Text("nonsense")));
    }

    #[test]
    fn like_takes_stars_and_question_marks() {
        let cases = [
            ("GET *", "GET /index", true),
            ("GET *", "POST /", false),
            ("*.html", "a/b.html", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
            ("?", "é", true),
            ("?", "", false),
            ("*", "", true),
            ("", "", true),
            ("a*", "ba", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(
                holds(&format!("m like {}", serde_json::Value::from(pattern)), Value::Text(text)),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn quoted_paths_and_values_hold_anything() {
        assert!(holds(r#""a b"."==" == "x, y""#, Value::Text("x, y")));
        assert!(holds(r#"a in "x, y" , z"#, Value::Text("z")));
        assert!(holds("a==1", Value::Number("1")));
        assert!(holds("msg == two words", Value::Text("two words")));
    }

    #[test]
    fn what_is_no_condition_says_why() {
        let error = |text: &str| text.parse::<Condition>().unwrap_err().to_string();
        assert!(error("level").contains("there is no operator"));
        assert!(error("level = error").contains("the operators are"));
        assert!(error("level ==").contains("a value is missing"));
        assert!(error("level in a,,b").contains("a value is missing"));
        assert!(error("level == a, b").contains("takes one value"));
        assert!(error("level exists 1").contains("takes no value"));
        assert!(error("ok < true").contains("compares numbers and texts"));
        assert!(error("a..b == 1").contains("a key is empty"));
        assert!(error(". == 1").contains("cannot be compared"));
        assert!(error("a == \"x").contains("does not end"));
    }
}

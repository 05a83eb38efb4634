//! logfmt: `level=info msg="started \"x\"" took=3ms`, pairs of a key and a value with spaces between.
//!
//! A value in double quotes may hold anything, with the escapes of Go and JSON. Words that stand alone are skipped, or
//! have the value `true` if it is asked for. A text without a pair is none. One pass; the time is linear.

use crate::unescape;
use crate::values::{Mismatch, Place, Values};

/// The most pairs of a line. Each is compared with each other one, and with each member of the event.
pub const MAX_PAIRS: usize = 100;

/// The longest key. What is longer is no key but a text with an equals sign in it.
const MAX_KEY: usize = 128;

/// Takes a line apart: for each pair two values, the key and what it is. Of pairs with the same key the last remains.
pub fn parse(line: &str, with_flags: bool, values: &mut Values) -> Result<(), Mismatch> {
    values.start(0);
    let mut has_pair = false;
    let mut at = 0;
    while let Some(word) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let key = word.find([' ', '\t', '\r', '\n', '=']).unwrap_or(word.len());
        let after = at + key;
        let is_key = (1..=MAX_KEY).contains(&key) && !word.get(..key).is_some_and(|key| key.contains('"'));
        if !word.get(key..).is_some_and(|rest| rest.starts_with('=')) {
            if with_flags && is_key {
                let start = values.buffer.len();
                values.buffer.push_str("true");
                add(line, values, at..after, Place::buffer(start..values.buffer.len()))?;
            }
            at = after + 1;
            continue;
        }
        let value = line.get(after + 1..).unwrap_or("");
        let (place, end) = match value.strip_prefix('"').and_then(quoted) {
            Some((inner, false)) => {
                (Place::line(after + 2..after + 2 + inner.len()), after + inner.len() + 3)
            }
            Some((inner, true)) => {
                let start = values.buffer.len();
                unescape::append(inner, &mut values.buffer);
                (Place::buffer(start..values.buffer.len()), after + inner.len() + 3)
            }
            None => {
                let end = after + 1 + value.find([' ', '\t', '\r', '\n']).unwrap_or(value.len());
                (Place::line(after + 1..end), end)
            }
        };
        if is_key {
            has_pair = true;
            add(line, values, at..after, place)?;
        }
        at = end;
    }
    if has_pair { Ok(()) } else { Err(Mismatch::Form) }
}

/// What stands between the quotes of a value, of which the first is gone, and whether it has escapes. Nothing if it
/// does not end, or if it goes on behind the quote.
fn quoted(text: &str) -> Option<(&str, bool)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut has_escapes = false;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(at) == Some(&b'\\') {
            has_escapes = true;
            from = at + 2;
            continue;
        }
        let ends = matches!(bytes.get(at + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n'));
        return ends.then_some((text.get(..at)?, has_escapes));
    }
}

/// Adds a pair, or sets the value of the one that has its key.
fn add(line: &str, values: &mut Values, key: std::ops::Range<usize>, value: Place) -> Result<(), Mismatch> {
    let name = line.get(key.clone());
    let known = (0..values.len()).step_by(2).find(|number| values.text(*number, line) == name);
    match known {
        Some(number) => values.set(number + 1, value),
        None if values.len() == 2 * MAX_PAIRS => return Err(Mismatch::Count),
        None => {
            values.push(Place::line(key));
            values.push(value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs_of(line: &str, with_flags: bool) -> Result<Vec<(String, String)>, Mismatch> {
        let mut values = Values::default();
        parse(line, with_flags, &mut values)?;
        let text = |number| values.text(number, line).unwrap().to_owned();
        Ok((0..values.len()).step_by(2).map(|number| (text(number), text(number + 1))).collect())
    }

    fn pairs(line: &str) -> Vec<String> {
        pairs_of(line, false).unwrap().into_iter().map(|(key, value)| format!("{key}:{value}")).collect()
    }

    #[test]
    fn pairs_are_read_with_quotes_and_escapes() {
        assert_eq!(
            pairs(r#"time=2024-01-01T00:00:00Z level=info msg="a \"b\" = c\n\u00e9" took=3ms"#),
            ["time:2024-01-01T00:00:00Z", "level:info", "msg:a \"b\" = c\né", "took:3ms"]
        );
        assert_eq!(pairs("\t a=1 \t b=\"\" c= d=x=y\r\n"), ["a:1", "b:", "c:", "d:x=y"]);
        assert_eq!(pairs("http.status=200 @t=1 größe=ä"), ["http.status:200", "@t:1", "größe:ä"]);
        assert_eq!(pairs(r#"a="x\\" b="\"" c="no end"#), [r"a:x\", "b:\"", "c:\"no"]);
        assert_eq!(pairs(r#"a="x"y b=2"#), [r#"a:"x"y"#, "b:2"]);
    }

    #[test]
    fn the_last_of_two_values_counts() {
        assert_eq!(pairs("a=1 b=2 a=3"), ["a:3", "b:2"]);
    }

    #[test]
    fn words_are_skipped_or_true() {
        let line = "authentication failure; logname= uid=0 user=root";
        assert_eq!(pairs(line), ["logname:", "uid:0", "user:root"]);
        let flags: Vec<String> = pairs_of("at=info tls retry", true)
            .unwrap()
            .into_iter()
            .map(|(key, value)| format!("{key}:{value}"))
            .collect();
        assert_eq!(flags, ["at:info", "tls:true", "retry:true"]);
    }

    #[test]
    fn a_text_without_a_pair_is_no_logfmt() {
        for line in ["", " ", "a plain text", "= =x", "\"a=b\"", "\"", &format!("{}=1", "k".repeat(129))] {
            assert_eq!(pairs_of(line, false), Err(Mismatch::Form), "{line}");
            assert_eq!(pairs_of(line, true), Err(Mismatch::Form), "{line}");
        }
    }

    #[test]
    fn more_pairs_than_are_taken_are_a_mismatch() {
        let line = |count: usize| (0..count).map(|n| format!("k{n}={n} ")).collect::<String>();
        assert_eq!(pairs_of(&line(MAX_PAIRS), false).unwrap().len(), MAX_PAIRS);
        assert_eq!(pairs_of(&line(MAX_PAIRS + 1), false), Err(Mismatch::Count));
    }
}

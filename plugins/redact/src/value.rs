//! Every text of a JSON value, and numbers that are card numbers. What is not touched keeps its bytes.
//!
//! The value is read once, token by token, without a tree. It is valid JSON, as the host says; of a text that were
//! not, what cannot be read would stay as it is.

use super::Redactor;
use super::scan::is_card;

/// The value with what is in it redacted; none if there is nothing to redact.
pub fn clean(text: &str, redactor: &Redactor) -> Option<String> {
    // Mostly it is one text.
    match text.strip_prefix('"') {
        Some(inner) => string(inner.strip_suffix('"')?, redactor),
        None => clean_all(text, redactor),
    }
}

fn clean_all(text: &str, redactor: &Redactor) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let (end, instead) = match byte {
            b'"' => {
                let end = string_end(text, at);
                let inner = text.get(at + 1..end - 1).unwrap_or("");
                (end, if is_key(text, end) { None } else { string(inner, redactor) })
            }
            b'0'..=b'9' | b'-' => {
                let end = number_end(text, at);
                (end, number(text.get(at..end).unwrap_or(""), redactor))
            }
            _ => (at + 1, None),
        };
        if let Some(instead) = instead {
            out.push_str(text.get(copied..at).unwrap_or(""));
            out.push_str(&instead);
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    Some(out)
}

/// One past the closing quote.
fn string_end(text: &str, open: usize) -> usize {
    let mut at = open + 1;
    loop {
        match text.as_bytes().get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
}

fn number_end(text: &str, start: usize) -> usize {
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    start + text.as_bytes().get(start..).unwrap_or(&[]).iter().take_while(|byte| is_number(byte)).count()
}

fn is_key(text: &str, end: usize) -> bool {
    text.as_bytes().get(end..).unwrap_or(&[]).iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// The token for a string without what is to go.
fn string(inner: &str, redactor: &Redactor) -> Option<String> {
    let traits = redactor.patterns.look_at(inner);
    if traits.has_escapes() {
        let text = unescaped(inner);
        let keep = |part: &str, out: &mut String| out.push_str(&escaped(part));
        return redactor.clean(&text, &redactor.patterns.look_at(&text), keep);
    }
    redactor.clean(inner, &traits, |part, out| out.push_str(part))
}

/// A text as it stands in a JSON string.
pub fn escaped(text: &str) -> String {
    let string = serde_json::to_string(text).unwrap_or_default();
    string.get(1..string.len().saturating_sub(1)).unwrap_or("").to_owned()
}

/// What a string says. A lone surrogate reads as U+FFFD, as the host reads it in a text column: a parser that
/// refused it would let the rest of the string pass unseen.
fn unescaped(inner: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, escape)) = rest.split_once('\\') {
        if !before.is_empty() {
            decode(&mut units, &mut out);
            out.push_str(before);
        }
        let mut chars = escape.chars();
        let plain = match chars.next() {
            Some('u') => {
                let unit = escape.get(1..5).and_then(|hex| u16::from_str_radix(hex, 16).ok());
                units.push(unit.unwrap_or(0xFFFD));
                rest = escape.get(5..).unwrap_or("");
                continue;
            }
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            other => other.unwrap_or('\\'),
        };
        decode(&mut units, &mut out);
        out.push(plain);
        rest = chars.as_str();
    }
    decode(&mut units, &mut out);
    out.push_str(rest);
    out
}

/// Moves UTF-16 that was escaped, unit by unit, to a text.
fn decode(units: &mut Vec<u16>, out: &mut String) {
    let chars = char::decode_utf16(units.drain(..));
    out.extend(chars.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// A number token that is a card number, as a string.
fn number(token: &str, redactor: &Redactor) -> Option<String> {
    if token.len() < 13 || !is_card(token) {
        return None;
    }
    redactor.clean(token, &redactor.patterns.look_at(token), |part, out| out.push_str(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_read_as_what_they_stand_for() {
        for json in [r#""a\\\"\/\n\t\r\b\f""#, r#""\u0040x\ud83d\ude00y\u00e9""#, r#""""#, r#""\\\\u0040""#] {
            let expected: String = serde_json::from_str(json).unwrap();
            assert_eq!(unescaped(&json[1..json.len() - 1]), expected, "{json}");
        }
        assert_eq!(unescaped(r"\ud83dx\ude00\\"), "\u{fffd}x\u{fffd}\\");
    }
}

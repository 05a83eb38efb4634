//! Every text of an event, and numbers that are card numbers. What is not touched keeps its bytes.

use super::Redactor;
use super::patterns::is_card;

/// The event's text with its values redacted; none if there is nothing to redact. `text` is valid JSON.
pub fn clean(text: &str, redactor: &Redactor) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let (end, instead) = match byte {
            b'"' => {
                let end = string_end(text, at);
                let token = text.get(at..end).unwrap_or("");
                let instead = if is_key(text, end) { None } else { string(token, redactor) };
                (end, instead)
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
    let bytes = text.as_bytes();
    let mut at = open + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
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

/// A string token without what is to go.
fn string(token: &str, redactor: &Redactor) -> Option<String> {
    let inner = token.get(1..token.len().checked_sub(1)?)?;
    let clean = if inner.contains('\\') {
        redactor.clean(&serde_json::from_str::<String>(token).ok()?)?
    } else {
        redactor.clean(inner)?
    };
    serde_json::to_string(&clean).ok()
}

/// A number token that is a card number, as a string.
fn number(token: &str, redactor: &Redactor) -> Option<String> {
    if token.len() < 13 || !token.bytes().all(|byte| byte.is_ascii_digit()) || !is_card(token) {
        return None;
    }
    serde_json::to_string(&redactor.clean(token)?).ok()
}

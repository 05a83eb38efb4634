//! The members of a JSON object, found in its text.
//!
//! The host validated the text, so this only looks for where strings and values end; what is not JSON has no members,
//! or ends early. Nothing recurses.

use std::borrow::Cow;
use std::ops::Range;

/// A member, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Member<'t> {
    /// What stands between the quotes of its key.
    key: &'t str,
    /// From its key to the end of its value.
    pub range: Range<usize>,
}

impl Member<'_> {
    /// Its key.
    pub fn key(&self) -> Cow<'_, str> {
        if !self.key.contains('\\') {
            return Cow::Borrowed(self.key);
        }
        // A lone half of a surrogate pair is no text, and no key that anybody asks for.
        serde_json::from_str(&format!("\"{}\"", self.key)).map_or(Cow::Borrowed(self.key), Cow::Owned)
    }
}

/// The members of an object, in their order.
pub fn members(text: &str) -> Members<'_> {
    let start = text.find('{').map_or(text.len(), |at| at + 1);
    Members { text, at: start }
}

/// See [`members`].
#[derive(Debug)]
pub struct Members<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Members<'t> {
    type Item = Member<'t>;

    fn next(&mut self) -> Option<Member<'t>> {
        let bytes = self.text.as_bytes();
        let start = self.at + bytes.get(self.at..)?.iter().position(|byte| *byte == b'"')?;
        let key_end = string_end(bytes, start)?;
        let colon = key_end + bytes.get(key_end..)?.iter().position(|byte| *byte == b':')?;
        let value =
            colon + 1 + bytes.get(colon + 1..)?.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let end = value_end(bytes, value)?;
        self.at = end;
        Some(Member { key: self.text.get(start + 1..key_end - 1)?, range: start..end })
    }
}

/// Where the string that starts at `start` ends.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut from = start + 1;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        match text.get(at) {
            Some(b'"') => return Some(at + 1),
            _ => from = at + 2,
        }
    }
}

/// Where the value that starts at `start` ends.
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' if depth == 0 => return Some(at),
            byte if depth == 0 && byte.is_ascii_whitespace() => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// Appends a text as a JSON string.
pub fn quote(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(plain..at).unwrap_or(""));
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                let digits = [byte >> 4, byte & 0xF].map(|digit| HEX.get(usize::from(digit)).copied());
                out.extend(digits.into_iter().flatten().map(char::from));
            }
        }
    }
    out.push_str(text.get(plain..).unwrap_or(""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, &str)> {
        members(text).map(|member| (member.key().into_owned(), &text[member.range.clone()])).collect()
    }

    #[test]
    fn members_are_found_where_they_stand() {
        let text = r#" { "a" : 1.5e3 ,"b":{"c":[1,"}",{}]} , "q\"\u00e9":"x\\\"","n":null,"e":[] } "#;
        let expected = [
            ("a", r#""a" : 1.5e3"#),
            ("b", r#""b":{"c":[1,"}",{}]}"#),
            ("q\"é", r#""q\"\u00e9":"x\\\"""#),
            ("n", r#""n":null"#),
            ("e", r#""e":[]"#),
        ];
        assert_eq!(found(text), expected.map(|(key, text)| (key.to_owned(), text)));
        assert_eq!(found("{}"), []);
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in ["", "1", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":[", "[\"a\"]"] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn texts_are_quoted_as_serde_json_does() {
        let text: String = (0..0x80_u8).map(char::from).chain("größe 😀".chars()).collect();
        let mut out = String::new();
        quote(&text, &mut out);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}

//! Escapes in quoted values: those of Apache and nginx (`\"`, `\x22`), of Go's `%q` and of JSON (`\n`, `\u00e9`).
//!
//! What is no escape stays as it stands. `\x` means bytes, as nginx writes what is not ASCII: those that are no UTF-8
//! are U+FFFD, and so is half a surrogate pair. One pass; what is written is no longer than what was read.

/// Appends what `text` means to `out`.
pub fn append(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        rest = one(escape, out);
    }
    out.push_str(rest);
}

/// Appends what the escape at the start of `text` means; what comes after it.
fn one<'t>(text: &'t str, out: &mut String) -> &'t str {
    let mut characters = text.chars();
    characters.next();
    let Some(letter) = characters.next() else {
        out.push_str(text);
        return "";
    };
    let after = characters.as_str();
    let simple = match letter {
        '"' | '\\' | '\'' | '/' => letter,
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'a' => '\u{7}',
        _ => {
            let resolved = match letter {
                'x' => bytes(text, out),
                'u' => unit(after, 4).map(|(high, after)| pair(high, after, out)),
                'U' => unit(after, 8).map(|(unit, after)| {
                    out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                    after
                }),
                _ => None,
            };
            return resolved.unwrap_or_else(|| {
                out.push('\\');
                out.push(letter);
                after
            });
        }
    };
    out.push(simple);
    after
}

/// The number in the first so many hex digits, and what comes after them.
fn unit(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (hex, after) = text.split_at_checked(digits)?;
    // A sign would pass for a part of the number.
    if !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(hex, 16).ok()?, after))
}

/// Appends the character of a UTF-16 unit, which may be the first half of a pair.
fn pair<'t>(high: u32, after: &'t str, out: &mut String) -> &'t str {
    if (0xd800..0xdc00).contains(&high)
        && let Some((low, rest)) = after.strip_prefix("\\u").and_then(|low| unit(low, 4))
        && (0xdc00..0xe000).contains(&low)
    {
        let character = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest;
    }
    out.push(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

/// Appends the characters of the `\x` escapes at the start of `text`, whose bytes belong together.
fn bytes<'t>(text: &'t str, out: &mut String) -> Option<&'t str> {
    let mut rest = text;
    // As many as a character has at most; a longer row of them goes on at a character's end.
    let mut bytes = [0; 4];
    let mut length = 0;
    while let Some(place) = bytes.get_mut(length)
        && let Some((byte, after)) = rest.strip_prefix("\\x").and_then(|byte| unit(byte, 2))
    {
        *place = byte as u8;
        length += 1;
        rest = after;
        if std::str::from_utf8(bytes.get(..length)?).is_ok() {
            break;
        }
    }
    let bytes = bytes.get(..length).filter(|bytes| !bytes.is_empty())?;
    match std::str::from_utf8(bytes) {
        Ok(character) => out.push_str(character),
        // The first stands for nothing; the others may begin something.
        Err(_) => {
            out.push(char::REPLACEMENT_CHARACTER);
            return text.get("\\x00".len()..);
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_all_who_write_logs_are_resolved() {
        for (text, expected) in [
            ("", ""),
            ("plain größe", "plain größe"),
            (r#"a \"b\" c"#, "a \"b\" c"),
            (r"C:\\temp\\new", "C:\\temp\\new"),
            (r"a\nb\tc\r\b\f\v\a\/\'", "a\nb\tc\r\u{8}\u{c}\u{b}\u{7}/'"),
            (r"\x22x\x5Cx\x0a", "\"x\\x\n"),
            (r"\xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80", "été 😀"),
            (r"\xff\xC3\xA9", "\u{fffd}é"),
            (r"\xC3z\xC3", "\u{fffd}z\u{fffd}"),
            (r"\u00e9\ud83d\ude00\U0001f600", "é😀😀"),
            (r"\ud83dx\ude00", "\u{fffd}x\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
        ] {
            let mut out = String::new();
            append(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_stays_as_it_is() {
        for text in [r"\", r"a\", r"\d\w\é", r"\x", r"\x4", r"\xg0", r"\u12", r"\u+123", r"\U1234567", r"\0"]
        {
            let mut out = String::new();
            append(text, &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic_and_grows_by_no_more_than_it_may() {
        for seed in 0..2000_u32 {
            let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
            let text: String = (0..24)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ["\\", "x", "u", "U", "d", "8", "0", "C3", "é", "\""][(state >> 16) as usize % 10]
                })
                .collect();
            let mut out = String::new();
            append(&text, &mut out);
            assert!(out.len() <= text.len(), "{text}");
        }
    }
}

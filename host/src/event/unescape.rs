//! What a JSON string means: its escapes resolved. The text was validated by the pass.

/// A surrogate without its other half stands for no character; this is read in its place.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Appends what `inner`, the text between a string's quotes, means to `out`. Returns how many surrogates stood
/// alone, each read as U+FFFD.
pub fn append(inner: &[u8], out: &mut Vec<u8>) -> usize {
    let mut alone = 0;
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        let (unit, length) = match escape.get(1) {
            Some(b'n') => (Some(u32::from(b'\n')), 2),
            Some(b't') => (Some(u32::from(b'\t')), 2),
            Some(b'r') => (Some(u32::from(b'\r')), 2),
            Some(b'b') => (Some(0x08), 2),
            Some(b'f') => (Some(0x0c), 2),
            Some(b'u') => (hex(escape), 6),
            // A quote, a backslash or a slash stands for itself.
            other => (other.map(|&byte| u32::from(byte)), 2),
        };
        let mut length = length.min(escape.len());
        let character = match unit {
            Some(high @ 0xd800..0xdc00) => {
                let low = escape.get(6..).filter(|next| next.starts_with(b"\\u")).and_then(hex);
                low.filter(|low| (0xdc00..0xe000).contains(low)).and_then(|low| {
                    length = 12;
                    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                })
            }
            Some(unit) => char::from_u32(unit),
            None => None,
        };
        let character = character.unwrap_or_else(|| {
            alone += 1;
            REPLACEMENT
        });
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(length..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    alone
}

/// The value of the four digits of `\uXXXX`.
fn hex(escape: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(escape.get(2..6)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(inner: &str) -> (String, usize) {
        let mut out = Vec::new();
        let alone = append(inner.as_bytes(), &mut out);
        (String::from_utf8(out).unwrap(), alone)
    }

    #[test]
    fn escapes_mean_what_rfc_8259_says() {
        assert_eq!(meaning(r#"a\"b\\c\/d\be\ff\ng\rh\ti"#).0, "a\"b\\c/d\u{8}e\u{c}f\ng\rh\ti");
        assert_eq!(meaning(r"\u0040\u00e9\u20AC").0, "@é€");
        assert_eq!(meaning(r"\ud83d\ude00"), ("😀".to_owned(), 0));
    }

    #[test]
    fn a_lone_surrogate_is_read_as_the_replacement_character_and_counted() {
        assert_eq!(meaning(r"\ud83dx"), ("\u{fffd}x".to_owned(), 1));
        assert_eq!(meaning(r"\ude00"), ("\u{fffd}".to_owned(), 1));
        assert_eq!(meaning(r"\ud83d\u0041"), ("\u{fffd}A".to_owned(), 1));
        assert_eq!(meaning(r"\ud83d\ud83d\ude00"), ("\u{fffd}😀".to_owned(), 1));
    }
}

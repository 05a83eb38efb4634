//! The keys of a path in TOML's dotted form, as the host reads it: `a."b.c"` are `a` and `b.c`.
//!
//! A metadatum such as `%source` is one key. What is no path the host refuses in its own words, so nothing is checked
//! here; such a path is one key.

/// The keys of `path`, from the event down.
pub(crate) fn keys(path: &str) -> Vec<String> {
    split(path).unwrap_or_else(|| vec![path.to_owned()])
}

fn split(path: &str) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    let mut rest = path;
    loop {
        let (key, after) = match rest.as_bytes().first()? {
            b'\'' => {
                let (key, after) = rest.get(1..)?.split_once('\'')?;
                (key.to_owned(), after)
            }
            b'"' => {
                let end = closing_quote(rest)?;
                (serde_json::from_str(rest.get(..=end)?).ok()?, rest.get(end + 1..)?)
            }
            _ => {
                let (key, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                (key.to_owned(), after)
            }
        };
        keys.push(key);
        if after.is_empty() {
            return Some(keys);
        }
        rest = after.strip_prefix('.')?;
    }
}

/// Where the quote is that ends the one at the start.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().enumerate().skip(1).find_map(|(at, byte)| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_keys_may_hold_anything() {
        for (path, expected) in [
            ("level", vec!["level"]),
            ("http.status", vec!["http", "status"]),
            (r#"resource."service.name".x"#, vec!["resource", "service.name", "x"]),
            (r#""a\"b\u00e9".'c."d'"#, vec!["a\"bé", "c.\"d"]),
            (r#""a\\".b"#, vec!["a\\", "b"]),
            ("%source", vec!["%source"]),
            // The host refuses these.
            ("", vec![""]),
            ("a.", vec!["a."]),
            ("\"a", vec!["\"a"]),
            ("\"a\"b", vec!["\"a\"b"]),
        ] {
            assert_eq!(keys(path), expected, "{path}");
        }
    }
}

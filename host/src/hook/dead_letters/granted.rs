//! What a hook may read of an event: the text with only the granted fields in it, each byte for byte.

use crate::event::members::members;
use crate::event::path::{Path, Pattern};

/// Appends the object with the fields of `text`, a valid event, that `granted` covers. Nested objects are followed as
/// far as grants go, and those never go deeper than events may.
pub(super) fn append(text: &[u8], granted: &[Pattern], out: &mut Vec<u8>) {
    let object = text.iter().position(|&byte| byte == b'{').unwrap_or(0);
    append_object(text, object, &mut Vec::new(), granted, out);
}

fn append_object(text: &[u8], object: usize, keys: &mut Vec<String>, granted: &[Pattern], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for member in members(text, object) {
        keys.push(String::from_utf8_lossy(&member.name(text)).into_owned());
        let value = text.get(member.value.clone()).unwrap_or(&[]);
        let path = Path::Field(keys.clone());
        let is_covered = granted.iter().any(|pattern| pattern.covers(&path));
        let is_above =
            value.first() == Some(&b'{') && granted.iter().any(|pattern| leads_into(pattern, keys));
        if is_covered || is_above {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(text.get(member.key).unwrap_or(&[]));
            out.push(b':');
        }
        if is_covered {
            out.extend_from_slice(value);
        } else if is_above {
            append_object(text, member.value.start, keys, granted, out);
        }
        keys.pop();
    }
    out.push(b'}');
}

/// Whether a grant may cover something below these keys.
fn leads_into(pattern: &Pattern, keys: &[String]) -> bool {
    match pattern {
        Pattern::Path(Path::Field(granted)) | Pattern::Below(granted) => granted.starts_with(keys),
        Pattern::Path(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(text: &str, patterns: &[&str]) -> String {
        let patterns: Vec<Pattern> = patterns.iter().map(|pattern| pattern.parse().unwrap()).collect();
        let mut out = Vec::new();
        append(text.as_bytes(), &patterns, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_what_was_granted_is_left_byte_for_byte() {
        let text = " { \"a\" : 1e400, \"b\":{\"c\": [1, 2],\"d\":{\"e\":\"\\ud83d\"}}, \"a.b\":0 }";
        assert_eq!(granted(text, &["a"]), "{\"a\":1e400}");
        assert_eq!(granted(text, &["b.c", "b.d.e"]), "{\"b\":{\"c\":[1, 2],\"d\":{\"e\":\"\\ud83d\"}}}");
        assert_eq!(granted(text, &["b.*"]), "{\"b\":{\"c\":[1, 2],\"d\":{\"e\":\"\\ud83d\"}}}");
        assert_eq!(granted(text, &["\"a.b\"", "none", "%time"]), "{\"a.b\":0}");
        assert_eq!(granted(text, &[]), "{}");
        assert_eq!(granted("{\"a\":1,\"b\":{}}", &["."]), "{\"a\":1,\"b\":{}}");
        assert_eq!(granted("{\"a\":1,\"b\":{}}", &["*"]), "{\"a\":1,\"b\":{}}");
        assert_eq!(granted("{\"a\":1,\"b\":7}", &["b.c"]), "{}");
    }
}

//! JSON strings out of texts.

use super::simd;

simd::with_best! {
    /// Where the first byte that JSON must escape lies, or the text's length.
    fn first_special(text: &[u8], from: usize) -> usize = simd::find_stop
}

/// Appends `text`, which is UTF-8, as the inside of a JSON string: quotes, backslashes and control characters
/// escaped, all else as it is.
pub fn append(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    loop {
        let at = first_special(text, from);
        out.extend_from_slice(text.get(from..at).unwrap_or(&[]));
        let Some(&byte) = text.get(at) else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digit = |nibble: u8| HEX.get(usize::from(nibble & 15)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(other >> 4), digit(other)]);
            }
        }
        from = at + 1;
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn append_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    append(text, out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_reads_back_as_it_was() {
        let every: String = (0..0x80u8).map(char::from).chain("é€😀".chars()).collect();
        let mut out = Vec::new();
        append_string(every.as_bytes(), &mut out);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), every);
        assert_eq!(out.iter().filter(|byte| **byte < 0x20).count(), 0);
    }
}

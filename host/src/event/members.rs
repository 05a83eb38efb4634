//! The members of one object in a text that the pass has validated, and a list of patches to such a text.
//!
//! This is the slow way, for the rows that need it: duplicates, removals, merges. It looks at every member.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::unescape;

/// One member of an object: where its key (with quotes) and its value lie in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key, quotes included.
    pub key: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

impl Member {
    /// What the key means, escapes resolved.
    pub fn name<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let inner = text.get(self.key.start + 1..self.key.end.saturating_sub(1)).unwrap_or(&[]);
        if !inner.contains(&b'\\') {
            return Cow::Borrowed(inner);
        }
        let mut name = Vec::with_capacity(inner.len());
        unescape::append(inner, &mut name);
        Cow::Owned(name)
    }
}

/// The members of the object that starts at `object` in `text`, which is valid JSON.
pub fn members(text: &[u8], object: usize) -> Vec<Member> {
    let mut members = Vec::new();
    let mut at = skip_space(text, object + 1);
    while text.get(at) == Some(&b'"') {
        let key = at..skip_string(text, at);
        let colon = skip_space(text, key.end);
        let start = skip_space(text, colon + 1);
        let value = start..skip_value(text, start);
        at = skip_space(text, value.end);
        members.push(Member { key, value });
        if text.get(at) != Some(&b',') {
            break;
        }
        at = skip_space(text, at + 1);
    }
    members
}

/// The elements of the array that starts at `array` in `text`, which is valid JSON.
pub fn elements(text: &[u8], array: usize) -> Vec<Range<usize>> {
    let mut elements = Vec::new();
    let mut at = skip_space(text, array + 1);
    while text.get(at).is_some_and(|&byte| byte != b']') {
        let element = at..skip_value(text, at);
        at = skip_space(text, element.end);
        elements.push(element);
        if text.get(at) != Some(&b',') {
            break;
        }
        at = skip_space(text, at + 1);
    }
    elements
}

/// One past a valid value that starts at `at`.
fn skip_value(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = skip_string(text, at);
                if depth == 0 {
                    return at;
                }
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                if depth == 0 {
                    return at;
                }
                at += 1;
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => at += 1,
        }
    }
    at
}

/// One past a valid string whose opening quote is at `at`.
fn skip_string(text: &[u8], mut at: usize) -> usize {
    at += 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// The first byte at or after `at` that is not white space.
pub fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// One past the last byte before `at` that is not white space.
pub fn skip_space_back(text: &[u8], mut at: usize) -> usize {
    while at > 0 && matches!(text.get(at - 1), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at -= 1;
    }
    at
}

/// What to cut so that the members for which `gone` says so are taken out with their commas. In order, apart.
pub fn cuts(members: &[Member], gone: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let last_kept = (0..members.len()).rev().find(|&index| !gone(index));
    for (index, pair) in members.windows(2).enumerate() {
        let [member, next] = pair else { continue };
        if gone(index) && last_kept.is_some_and(|last| index < last) {
            cuts.push(member.key.start..next.key.start);
        }
    }
    let tail = match last_kept {
        Some(last) => members.get(last).map(|member| member.value.end),
        None => members.first().map(|member| member.key.start),
    };
    if let (Some(from), Some(last)) = (tail, members.last())
        && from < last.value.end
    {
        cuts.push(from..last.value.end);
    }
    cuts
}

/// Appends `text` to `out` with `patches` applied: in order, apart, each a range and what stands there instead.
pub fn splice<'p>(
    text: &[u8],
    patches: impl IntoIterator<Item = (Range<usize>, &'p [u8])>,
    out: &mut Vec<u8>,
) {
    let mut at = 0;
    for (range, with) in patches {
        out.extend_from_slice(text.get(at..range.start).unwrap_or(&[]));
        out.extend_from_slice(with);
        at = range.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or(&[]));
}

/// `text` with the members of `with` set in the object at `object`: values replaced in place, new members at the
/// end. Of a key that occurs twice, the last of `with` counts, and the earlier ones of `text` go.
pub fn merged(text: &[u8], object: usize, with: &[u8]) -> Vec<u8> {
    let old = members(text, object);
    let new = members(with, skip_space(with, 0));
    let mut last_of: HashMap<_, usize> = HashMap::with_capacity(new.len());
    for (index, member) in new.iter().enumerate() {
        last_of.insert(member.name(with), index);
    }
    // Which member of `new` each of `old` takes its value from; an earlier occurrence goes.
    let mut patches: Vec<(Range<usize>, &[u8])> = Vec::new();
    let mut gone = vec![false; old.len()];
    let mut replaced = vec![false; new.len()];
    for (member, gone) in old.iter().zip(&mut gone).rev() {
        let Some(&index) = last_of.get(&member.name(text)) else { continue };
        let (Some(source), Some(replaced)) = (new.get(index), replaced.get_mut(index)) else { continue };
        if *replaced {
            *gone = true;
        } else {
            *replaced = true;
            patches.push((member.value.clone(), with.get(source.value.clone()).unwrap_or(&[])));
        }
    }
    let mut added = Vec::new();
    for (index, member) in new.iter().enumerate() {
        if replaced.get(index) == Some(&true) || last_of.get(&member.name(with)) != Some(&index) {
            continue;
        }
        if !(old.is_empty() && added.is_empty()) {
            added.push(b',');
        }
        added.extend_from_slice(with.get(member.key.clone()).unwrap_or(&[]));
        added.push(b':');
        added.extend_from_slice(with.get(member.value.clone()).unwrap_or(&[]));
    }
    patches.extend(cuts(&old, |index| gone.get(index) == Some(&true)).into_iter().map(|cut| (cut, &b""[..])));
    let end = old.last().map_or(object + 1, |last| last.value.end);
    patches.push((end..end, &added));
    patches.sort_by_key(|(cut, _)| (cut.start, cut.end));
    let mut out = Vec::with_capacity(text.len() + with.len());
    splice(text, patches, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, gone: &[usize]) -> String {
        let members = members(text.as_bytes(), 0);
        let mut out = Vec::new();
        let cuts = cuts(&members, |index| gone.contains(&index));
        splice(text.as_bytes(), cuts.into_iter().map(|cut| (cut, &b""[..])), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_are_found_whatever_stands_between_them() {
        let text = r#"{ "a" : 1 ,"b\"":{"x":[1,{}]} ,"c": "},{" }"#;
        let found = members(text.as_bytes(), 0);
        let values: Vec<&str> = found.iter().map(|member| &text[member.value.clone()]).collect();
        assert_eq!(values, ["1", r#"{"x":[1,{}]}"#, r#""},{""#]);
        assert_eq!(&*found[1].name(text.as_bytes()), b"b\"");
        assert_eq!(members(b"{ }", 0), []);
    }

    #[test]
    fn elements_are_found_whatever_stands_between_them() {
        let text = r#"[ 1,"]",[2, {"a":[]}] ,null ]"#;
        let found: Vec<&str> =
            elements(text.as_bytes(), 0).into_iter().map(|element| &text[element]).collect();
        assert_eq!(found, ["1", r#""]""#, r#"[2, {"a":[]}]"#, "null"]);
        assert_eq!(elements(b"[ ]", 0), []);
    }

    #[test]
    fn members_go_with_their_commas() {
        let text = r#"{"a":1,"b":2,"c":3}"#;
        assert_eq!(without(text, &[0]), r#"{"b":2,"c":3}"#);
        assert_eq!(without(text, &[1]), r#"{"a":1,"c":3}"#);
        assert_eq!(without(text, &[2]), r#"{"a":1,"b":2}"#);
        assert_eq!(without(text, &[0, 1]), r#"{"c":3}"#);
        assert_eq!(without(text, &[0, 2]), r#"{"b":2}"#);
        assert_eq!(without(text, &[1, 2]), r#"{"a":1}"#);
        assert_eq!(without(text, &[0, 1, 2]), "{}");
        assert_eq!(without(text, &[]), text);
        assert_eq!(without(r#"{ "a" : 1 , "b" : 2 }"#, &[1]), r#"{ "a" : 1 }"#);
    }
}

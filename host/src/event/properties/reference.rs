//! Edits the slow and obvious way: parse the text, change one thing in it, and parse it again for the next.

use std::ops::Range;

use serde_json::{Map, Value};

use super::generate::Operation;
use crate::event::path::Path;

struct Member {
    name: String,
    key: Range<usize>,
    value: Range<usize>,
}

fn spaces(text: &str, mut at: usize) -> usize {
    while text[at..].starts_with([' ', '\t', '\r', '\n']) {
        at += 1;
    }
    at
}

/// One past the value at `at`: what serde_json takes of it.
fn end(text: &str, at: usize) -> usize {
    let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<serde::de::IgnoredAny>();
    values.next().unwrap().unwrap();
    at + values.byte_offset()
}

fn members(text: &str, object: usize) -> Vec<Member> {
    assert_eq!(&text[object..=object], "{");
    let mut members = Vec::new();
    let mut at = spaces(text, object + 1);
    while !text[at..].starts_with('}') {
        let key = at..end(text, at);
        let start = spaces(text, spaces(text, key.end) + 1);
        let value = start..end(text, start);
        at = spaces(text, value.end);
        members.push(Member { name: serde_json::from_str(&text[key.clone()]).unwrap(), key, value });
        if text[at..].starts_with(',') {
            at = spaces(text, at + 1);
        }
    }
    members
}

fn replaced(text: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

/// Takes out the member of this index, with the comma after it, or else the one before it.
fn removed(text: &str, members: &[Member], index: usize) -> String {
    let range = match (members.get(index + 1), index.checked_sub(1).map(|before| &members[before])) {
        (Some(next), _) => members[index].key.start..next.key.start,
        (None, Some(before)) => before.value.end..members[index].value.end,
        (None, None) => members[index].key.start..members[index].value.end,
    };
    replaced(text, range, "")
}

/// Where the last member `name` of the object at `object` is.
fn last(members: &[Member], name: &str) -> Option<usize> {
    members.iter().rposition(|member| member.name == name)
}

/// The text without the earlier occurrences of the keys on the way to each write, or of any key.
pub fn without_duplicates(text: &str, writes: &[(Path, Operation)]) -> String {
    let mut text = text.to_owned();
    for (path, _) in writes {
        match path {
            Path::Field(keys) => text = along(&text, keys),
            _ => text = everywhere(&text),
        }
    }
    text
}

fn along(text: &str, keys: &[String]) -> String {
    let mut text = text.to_owned();
    let mut object = spaces(&text, 0);
    for key in keys {
        if !text[object..].starts_with('{') {
            break;
        }
        let found = loop {
            let members = members(&text, object);
            let same: Vec<usize> = (0..members.len()).filter(|&index| members[index].name == *key).collect();
            match same.as_slice() {
                [] => return text,
                [only] => break members[*only].value.start,
                [first, ..] => text = removed(&text, &members, *first),
            }
        };
        object = found;
    }
    text
}

fn everywhere(text: &str) -> String {
    let mut text = text.to_owned();
    let mut at = spaces(&text, 0);
    // Each brace outside of a string is an object; cleaning one moves only what is behind its start.
    while at < text.len() {
        match text.as_bytes()[at] {
            b'"' => at = end(&text, at),
            b'{' => {
                loop {
                    let members = members(&text, at);
                    let twice =
                        (0..members.len()).find(|&index| last(&members, &members[index].name) != Some(index));
                    match twice {
                        Some(index) => text = removed(&text, &members, index),
                        None => break,
                    }
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    text
}

/// The text after one write; none if it is refused.
pub fn apply(text: &str, path: &Path, operation: &Operation) -> Option<String> {
    let root = spaces(text, 0);
    let keys: &[String] = match path {
        Path::Field(keys) => keys,
        _ => &[],
    };
    let mut object = root;
    for (depth, key) in keys.iter().enumerate() {
        if !text[object..].starts_with('{') {
            // Nothing is there to be removed.
            return matches!(operation, Operation::Remove).then(|| text.to_owned());
        }
        let members = members(text, object);
        match last(&members, key) {
            Some(index) if depth + 1 == keys.len() => {
                return match operation {
                    Operation::Remove => Some(removed(text, &members, index)),
                    Operation::Merge(with) => merge(text, members[index].value.start, with),
                    _ => Some(replaced(text, members[index].value.clone(), &written(operation))),
                };
            }
            Some(index) => object = members[index].value.start,
            None if matches!(operation, Operation::Remove) => return Some(text.to_owned()),
            None => {
                let mut value = written(operation);
                for key in keys[depth + 1..].iter().rev() {
                    value = format!("{{{}:{value}}}", Value::from(key.as_str()));
                }
                return Some(appended(text, object, &Value::from(key.as_str()).to_string(), &value));
            }
        }
    }
    match operation {
        Operation::Merge(with) => merge(text, root, with),
        Operation::Json(_) => Some(written(operation)),
        _ => None,
    }
}

fn appended(text: &str, object: usize, key: &str, value: &str) -> String {
    match members(text, object).last() {
        Some(last) => replaced(text, last.value.end..last.value.end, &format!(",{key}:{value}")),
        None => replaced(text, object + 1..object + 1, &format!("{key}:{value}")),
    }
}

fn merge(text: &str, object: usize, with: &str) -> Option<String> {
    if !text[object..].starts_with('{') {
        return None;
    }
    let mut text = text.to_owned();
    let new = members(with, 0);
    for (index, member) in
        new.iter().enumerate().filter(|(index, member)| last(&new, &member.name) == Some(*index))
    {
        let value = &with[new[index].value.clone()];
        // Of a key that occurs twice the last one stays.
        loop {
            let old = members(&text, object);
            match old.iter().filter(|other| other.name == member.name).count() {
                0 => text = appended(&text, object, &with[member.key.clone()], value),
                1 => text = replaced(&text, old[last(&old, &member.name).unwrap()].value.clone(), value),
                _ => {
                    let first = old.iter().position(|other| other.name == member.name).unwrap();
                    text = removed(&text, &old, first);
                    continue;
                }
            }
            break;
        }
    }
    Some(text)
}

fn written(operation: &Operation) -> String {
    match operation {
        Operation::Text(text) => escaped(text),
        Operation::Json(text) | Operation::Merge(text) => text.trim().to_owned(),
        Operation::Integer(value) => value.to_string(),
        Operation::Float(value) => serde_json::to_string(value).unwrap(),
        Operation::Boolean(value) => value.to_string(),
        Operation::Null | Operation::Remove => "null".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    Value::from(text).to_string()
}

/// What is at a path in a tree.
pub fn look_up<'v>(event: &'v Value, path: &Path) -> Option<&'v Value> {
    match path {
        Path::Field(keys) => keys.iter().try_fold(event, |at, key| at.as_object()?.get(key)),
        _ => Some(event),
    }
}

/// What a write means for a tree.
pub fn meaning(mut event: Value, path: &Path, operation: &Operation) -> Value {
    let value: Value = serde_json::from_str(&written(operation)).unwrap();
    let Path::Field(keys) = path else {
        return match (&mut event, operation, value) {
            (Value::Object(event), Operation::Merge(_), Value::Object(with)) => {
                event.extend(with);
                Value::Object(std::mem::take(event))
            }
            (_, _, value) => value,
        };
    };
    let (last, above) = keys.split_last().unwrap();
    let mut at = &mut event;
    for key in above {
        if matches!(operation, Operation::Remove)
            && !at.as_object().is_some_and(|object| object.contains_key(key))
        {
            return event;
        }
        at = at.as_object_mut().unwrap().entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    let Some(object) = at.as_object_mut() else { return event };
    match (operation, value) {
        (Operation::Remove, _) => {
            object.shift_remove(last);
        }
        (Operation::Merge(_), Value::Object(with)) => {
            let target = object.entry(last).or_insert_with(|| Value::Object(Map::new()));
            target.as_object_mut().unwrap().extend(with);
        }
        (_, value) => {
            object.insert(last.clone(), value);
        }
    }
    event
}

/// A number's value if it is whole and fits: by shifting the point through its digits.
pub fn whole(number: &str) -> Option<i64> {
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number),
    };
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: String = format!("{whole}{fraction}");
    let mut point = whole.len() as i64 + exponent;
    if digits.bytes().all(|digit| digit == b'0') {
        return Some(0);
    }
    while digits.ends_with('0') && (digits.len() as i64) > point {
        digits.pop();
    }
    while digits.starts_with('0') {
        digits.remove(0);
        point -= 1;
    }
    if (digits.len() as i64) > point || point > 20 {
        return None;
    }
    while (digits.len() as i64) < point {
        digits.push('0');
    }
    let value: i128 = digits.parse().ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

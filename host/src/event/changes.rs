//! What differs between two texts of an event, field by field: for people who look at what a hook did. Pure.
//!
//! Objects on both sides are compared member by member, at most as deep as an event nests; of a key that occurs twice
//! the last counts. Everything else is compared as it is written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::members::{members, skip_space};
use super::path::Path;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Change {
    /// Which field.
    pub field: String,
    /// Its value before, as it was written; none: it was not there.
    pub before: Option<String>,
    /// Its value after; none: it is gone.
    pub after: Option<String>,
}

/// The differences between two events, in the order of the first, then what is new. Both are valid JSON objects.
pub fn changes(before: &[u8], after: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    let start = |text: &[u8]| skip_space(text, 0)..text.len();
    compare(
        &mut Vec::new(),
        Side { text: before, at: start(before) },
        Side { text: after, at: start(after) },
        &mut changes,
    );
    changes
}

/// A value within an event.
#[derive(Clone)]
struct Side<'t> {
    text: &'t [u8],
    at: Range<usize>,
}

impl<'t> Side<'t> {
    fn value(&self) -> &'t [u8] {
        self.text.get(self.at.clone()).unwrap_or(&[])
    }

    fn is_object(&self) -> bool {
        self.value().starts_with(b"{")
    }

    /// Its members in order, each once.
    fn members(&self) -> Vec<(Cow<'t, [u8]>, Side<'t>)> {
        let mut places: HashMap<Cow<'t, [u8]>, usize> = HashMap::new();
        let mut found: Vec<(Cow<'t, [u8]>, Side<'t>)> = Vec::new();
        for member in members(self.text, self.at.start) {
            let side = Side { text: self.text, at: member.value.clone() };
            let name = member.name(self.text);
            match places.get(&name).and_then(|&place| found.get_mut(place)) {
                Some((_, earlier)) => *earlier = side,
                None => {
                    places.insert(name.clone(), found.len());
                    found.push((name, side));
                }
            }
        }
        found
    }
}

/// Compares two objects.
fn compare(path: &mut Vec<String>, before: Side<'_>, after: Side<'_>, changes: &mut Vec<Change>) {
    if before.value() == after.value() {
        return;
    }
    let old = before.members();
    let new = after.members();
    let news: HashMap<&[u8], &Side<'_>> = new.iter().map(|(name, side)| (name.as_ref(), side)).collect();
    let olds: HashMap<&[u8], ()> = old.iter().map(|(name, _)| (name.as_ref(), ())).collect();
    for (name, side) in &old {
        path.push(String::from_utf8_lossy(name).into_owned());
        match news.get(name.as_ref()) {
            Some(other) if other.value() == side.value() => {}
            Some(other) if side.is_object() && other.is_object() => {
                compare(path, side.clone(), (*other).clone(), changes);
            }
            other => changes.push(change(path, Some(side), other.copied())),
        }
        path.pop();
    }
    for (name, side) in new.iter().filter(|(name, _)| !olds.contains_key(name.as_ref())) {
        path.push(String::from_utf8_lossy(name).into_owned());
        changes.push(change(path, None, Some(side)));
        path.pop();
    }
}

fn change(path: &[String], before: Option<&Side<'_>>, after: Option<&Side<'_>>) -> Change {
    let text = |side: &Side<'_>| String::from_utf8_lossy(side.value()).into_owned();
    Change { field: Path::Field(path.to_vec()).to_string(), before: before.map(text), after: after.map(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>)> {
        changes(before.as_bytes(), after.as_bytes())
            .into_iter()
            .map(|change| (change.field, change.before, change.after))
            .collect()
    }

    #[test]
    fn what_changed_came_and_went_is_told_by_field() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            told(
                r#" {"a":1,"b":{"x":"p","y":[1]},"c":null}"#,
                r#"{"a":2, "b":{"x":"q","y":[1]},"d.e":true}"#
            ),
            [
                ("a".to_owned(), some("1"), some("2")),
                ("b.x".to_owned(), some("\"p\""), some("\"q\"")),
                ("c".to_owned(), some("null"), None),
                ("\"d.e\"".to_owned(), None, some("true")),
            ]
        );
    }

    #[test]
    fn what_only_moved_is_no_change_and_the_last_of_two_keys_counts() {
        assert_eq!(told(r#"{"a":1,"b":2}"#, r#"{ "b":2 ,"a":1}"#), []);
        assert_eq!(told(r#"{"a":1,"a":2}"#, r#"{"a":2}"#), []);
        assert_eq!(told("{}", "{ }"), []);
    }
}

//! Keys that occur twice: the last one counts, and what a hook may write must not walk past it in an earlier one.
//!
//! Before a hook that writes a field is handed a row, the earlier occurrences of that field's keys are deleted
//! from the text. The pass marks the rows that have any; only those are looked at here, member by member.

use std::collections::HashSet;
use std::ops::Range;

use super::batch::Batch;
use super::members::{self, Member, elements, members};
use super::projection::NodeId;

/// What a hook writes, as far as duplicates go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// These fields.
    Fields(Vec<NodeId>),
    /// The whole event, so any key in it.
    Whole,
}

impl Batch {
    /// Deletes the earlier occurrences of every key on the way to what a hook writes. Returns how many went.
    pub fn delete_duplicates(&mut self, rows: &[u32], written: &Written) -> u64 {
        let mut deleted = 0;
        for &row in rows {
            match written {
                Written::Fields(nodes) if self.has_duplicates(row) => {
                    for &node in nodes {
                        let found = along(self.text(row), &self.keys_to(node));
                        deleted += self.cut(row, found);
                    }
                }
                Written::Fields(_) => {}
                Written::Whole => {
                    let found = everywhere(self.text(row));
                    deleted += self.cut(row, found);
                }
            }
        }
        deleted
    }

    /// The keys from the event down to `node`.
    fn keys_to(&self, node: NodeId) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let mut at = node;
        while at != NodeId::ROOT {
            keys.push(self.projection().key(at).to_vec());
            at = self.projection().parent(at);
        }
        keys.reverse();
        keys
    }

    fn cut(&mut self, row: u32, mut found: Earlier) -> u64 {
        if found.members > 0 {
            let mut text = Vec::with_capacity(self.text(row).len());
            found.take_out(self.text(row), &mut text);
            self.set_text(row, &text);
        }
        found.members
    }
}

/// The earlier occurrences of keys in a text.
#[derive(Debug, Default)]
struct Earlier {
    /// What to take out.
    cuts: Vec<Range<usize>>,
    /// How many members that is.
    members: u64,
}

impl Earlier {
    /// Those among `members` for which `gone` says so.
    fn add(&mut self, members: &[Member], gone: &[bool]) {
        self.cuts.extend(members::cuts(members, |index| gone.get(index) == Some(&true)));
        self.members += gone.iter().filter(|&&gone| gone).count() as u64;
    }

    fn take_out(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.cuts.sort_by_key(|cut| cut.start);
        members::splice(text, self.cuts.iter().map(|cut| (cut.clone(), &b""[..])), out);
    }
}

/// The earlier occurrences of each key on the way along `keys`.
fn along(text: &[u8], keys: &[Vec<u8>]) -> Earlier {
    let mut found = Earlier::default();
    let mut object = members::skip_space(text, 0);
    for key in keys {
        if text.get(object) != Some(&b'{') {
            break;
        }
        let members = members(text, object);
        let mut same: Vec<bool> = members.iter().map(|member| *member.name(text) == **key).collect();
        let Some(last) = same.iter().rposition(|&same| same) else { break };
        if let Some(kept) = same.get_mut(last) {
            *kept = false;
        }
        found.add(&members, &same);
        let Some(member) = members.get(last) else { break };
        object = member.value.start;
    }
    found
}

/// All members of all objects that a later one of the same key stands for.
fn everywhere(text: &[u8]) -> Earlier {
    let mut found = Earlier::default();
    let mut open = vec![members::skip_space(text, 0)];
    while let Some(at) = open.pop() {
        match text.get(at) {
            Some(b'{') => {
                let members = members(text, at);
                let mut seen = HashSet::new();
                let mut gone: Vec<bool> =
                    members.iter().rev().map(|member| !seen.insert(member.name(text))).collect();
                gone.reverse();
                found.add(&members, &gone);
                let kept = members.iter().zip(&gone).filter(|&(_, &gone)| !gone);
                open.extend(kept.map(|(member, _)| member.value.start));
            }
            Some(b'[') => open.extend(elements(text, at).into_iter().map(|element| element.start)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, mut found: Earlier) -> (String, u64) {
        let mut out = Vec::new();
        found.take_out(text.as_bytes(), &mut out);
        (String::from_utf8(out).unwrap(), found.members)
    }

    #[test]
    fn earlier_occurrences_go_at_every_key_on_the_way() {
        let text = r#"{"a":{"b":1},"c":0,"c":1,"\u0061":{"b":2,"x":3,"b":4}}"#;
        let (left, gone) = without(text, along(text.as_bytes(), &[b"a".to_vec(), b"b".to_vec()]));
        assert_eq!(left, r#"{"c":0,"c":1,"\u0061":{"x":3,"b":4}}"#);
        assert_eq!(gone, 2);
    }

    #[test]
    fn a_key_below_something_that_is_no_object_has_no_duplicates() {
        let text = r#"{"a":[{"b":1,"b":2}]}"#;
        assert_eq!(along(text.as_bytes(), &[b"a".to_vec(), b"b".to_vec()]).members, 0);
    }

    #[test]
    fn duplicates_are_found_in_the_deepest_corner() {
        let text = r#" {"a":1,"b":[{"c":1,"c":2},[{"d":{},"d":[]}]],"a":{"a":1,"a":{"e":1,"e":2}}}"#;
        let (left, gone) = without(text, everywhere(text.as_bytes()));
        assert_eq!(left, r#" {"b":[{"c":2},[{"d":[]}]],"a":{"a":{"e":2}}}"#);
        assert_eq!(gone, 5);
    }
}

//! Writes values to where their paths say in a new JSON object: `a.b` and `a.c` both go into one `a`.
//!
//! A path that is another one, or lies above it, is an error of the config: the object could not hold both.

use crate::path;

/// The places of some values in an object.
#[derive(Debug)]
pub(crate) struct Members {
    nodes: Vec<Node>,
    fixed: usize,
}

#[derive(Debug)]
struct Node {
    key: String,
    /// The key in JSON, with its colon.
    text: String,
    value: Value,
}

#[derive(Debug)]
enum Value {
    /// The value of this path, by its number.
    Leaf(usize),
    Object(Vec<Node>),
}

impl Members {
    /// The places of `paths`. The error names the two that cannot stand in one object.
    pub(crate) fn new<'p>(paths: impl IntoIterator<Item = &'p str>) -> Result<Members, String> {
        let mut members = Members { nodes: Vec::new(), fixed: 2 };
        let mut known: Vec<(&str, Vec<String>)> = Vec::new();
        for (index, path) in paths.into_iter().enumerate() {
            let keys = path::keys(path);
            if let Some((other, _)) =
                known.iter().find(|(_, other)| other.iter().zip(&keys).all(|(one, other)| one == other))
            {
                return Err(format!(
                    "{other:?} and {path:?} cannot stand in one object, where these values are put; leave one out"
                ));
            }
            // The key's text, braces and a comma; a key that two paths share counts twice.
            members.fixed += keys.iter().map(|key| quoted(key).len() + 3).sum::<usize>();
            insert(&mut members.nodes, &keys, index);
            known.push((path, keys));
        }
        Ok(members)
    }

    /// The most that an object has beside its values, in bytes.
    pub(crate) fn fixed(&self) -> usize {
        self.fixed
    }

    /// Appends the object with these values, JSON texts in the order of the paths. An empty one is left out.
    pub(crate) fn write(&self, values: &[&str], out: &mut String) {
        write(&self.nodes, values, out);
    }
}

fn insert(nodes: &mut Vec<Node>, keys: &[String], leaf: usize) {
    let Some((key, below)) = keys.split_first() else { return };
    let text = format!("{}:", quoted(key));
    if below.is_empty() {
        nodes.push(Node { key: key.clone(), text, value: Value::Leaf(leaf) });
        return;
    }
    for node in nodes.iter_mut().filter(|node| node.key == *key) {
        if let Value::Object(nodes) = &mut node.value {
            return insert(nodes, below, leaf);
        }
    }
    let mut inner = Vec::new();
    insert(&mut inner, below, leaf);
    nodes.push(Node { key: key.clone(), text, value: Value::Object(inner) });
}

/// Whether there was anything to write.
fn write(nodes: &[Node], values: &[&str], out: &mut String) -> bool {
    let mut any = false;
    out.push('{');
    for node in nodes {
        let before = out.len();
        if any {
            out.push(',');
        }
        out.push_str(&node.text);
        let written = match &node.value {
            Value::Leaf(index) => {
                let value = values.get(*index).copied().unwrap_or("");
                out.push_str(value);
                !value.is_empty()
            }
            Value::Object(nodes) => write(nodes, values, out),
        };
        if written {
            any = true;
        } else {
            out.truncate(before);
        }
    }
    out.push('}');
    any
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(paths: &[&str], values: &[&str]) -> String {
        let members = Members::new(paths.iter().copied()).unwrap();
        let mut out = String::new();
        members.write(values, &mut out);
        let length: usize = values.iter().map(|value| value.len()).sum();
        assert!(out.len() <= members.fixed() + length, "{out}");
        out
    }

    #[test]
    fn values_stand_where_their_paths_say() {
        assert_eq!(written(&["a"], &["1"]), r#"{"a":1}"#);
        assert_eq!(
            written(&["a.b", "x", "a.\"c.d\".e", "%source"], &["1", "null", "[ 2]", "\"s\""]),
            r#"{"a":{"b":1,"c.d":{"e":[ 2]}},"x":null,"%source":"s"}"#
        );
        assert_eq!(written(&[r#""q\"\n""#], &["1"]), r#"{"q\"\n":1}"#);
    }

    #[test]
    fn what_has_no_value_is_left_out_and_so_is_an_object_without_any() {
        assert_eq!(written(&["a.b.c", "x", "y"], &["", "", "1"]), r#"{"y":1}"#);
        assert_eq!(written(&["x", "a.b", "a.c"], &["1", "", "2"]), r#"{"x":1,"a":{"c":2}}"#);
        assert_eq!(written(&["a.b"], &[""]), "{}");
        assert_eq!(written(&[], &[]), "{}");
    }

    #[test]
    fn paths_that_cannot_stand_together_are_named() {
        for (one, other) in [("a", "a"), ("a", "a.b"), ("a.b", "a"), ("a.b.c", "\"a\".'b'"), ("a", "\"a\"")] {
            let error = Members::new([one, "z", other]).unwrap_err();
            assert!(error.contains(&format!("{one:?} and {other:?}")), "{error}");
        }
        Members::new(["a.b", "a.c", "ab", "\"a.b\""]).unwrap();
    }
}

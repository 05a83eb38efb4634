//! Which fields the one pass looks for: the union of what the chain, the `match` rules and the router ask.
//!
//! The asked paths form a tree of keys. Its nodes are numbered in preorder, so a node's descendants are the
//! numbers right after it; node 0 is the event's own object. Each node has a [`Slot`](super::slot::Slot) of the
//! same number in every row. At most [`MAX_NODES`] nodes, which bounds the slots' memory: 16 bytes a node a row.

use super::escape;
use super::path::Path;
use thiserror::Error;

/// The most nodes that a projection holds: 512 x 16 bytes x 1,024 rows is 8 MiB.
pub const MAX_NODES: usize = 512;

/// A node of a [`Projection`] and the slot of the same number. 0 is the whole event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u16);

impl NodeId {
    /// The event's own object.
    pub const ROOT: NodeId = NodeId(0);

    /// Its place among a row's slots.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// All fields that a pipeline asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    pub(crate) nodes: Vec<Node>,
    /// The children of all nodes, each node's own run of them.
    pub(crate) children: Vec<Child>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) key: Box<[u8]>,
    /// The key as a JSON string with its colon, as it is written.
    pub(crate) quoted: Box<[u8]>,
    pub(crate) parent: u16,
    /// One past its last descendant.
    pub(crate) subtree_end: u16,
    /// Bit `min(length, 63)` is set for each length that a child's key has: most keys of an event are told by it.
    pub(crate) lengths: u64,
    pub(crate) first_child: u32,
    pub(crate) child_count: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// The key's first eight bytes, little end first, zero beyond its end.
    pub(crate) prefix: u64,
    pub(crate) length: u32,
    pub(crate) node: u16,
}

/// More fields were asked for than a projection holds.
#[derive(Debug, Error)]
#[error(
    "the hooks, matches and sinks ask for more than {MAX_NODES} different fields; \
     read the whole event (\".\") instead of so many single ones"
)]
pub struct TooManyFields;

/// A key tree while it is built.
#[derive(Default)]
struct Tree {
    key: Vec<u8>,
    children: Vec<Tree>,
}

impl Projection {
    /// The projection of `paths`. Metadata is not in the text, and the whole event is there anyway: both ask for
    /// no node of their own.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Projection, TooManyFields> {
        let mut root = Tree::default();
        for path in paths {
            let Path::Field(keys) = path else { continue };
            let mut at = &mut root;
            for key in keys {
                let known = at.children.iter().position(|child| child.key == key.as_bytes());
                let index = known.unwrap_or_else(|| {
                    at.children.push(Tree { key: key.as_bytes().to_vec(), children: Vec::new() });
                    at.children.len() - 1
                });
                let Some(child) = at.children.get_mut(index) else { break };
                at = child;
            }
        }
        let mut projection = Projection { nodes: Vec::new(), children: Vec::new() };
        projection.number(root, 0)?;
        projection.link();
        Ok(projection)
    }

    /// A projection that asks for nothing: one node, the event's own object.
    pub fn empty() -> Projection {
        let root = Node {
            key: Box::default(),
            quoted: Box::default(),
            parent: 0,
            subtree_end: 1,
            lengths: 0,
            first_child: 0,
            child_count: 0,
        };
        Projection { nodes: vec![root], children: Vec::new() }
    }

    fn number(&mut self, tree: Tree, parent: u16) -> Result<(), TooManyFields> {
        let id = self.nodes.len();
        if id >= MAX_NODES {
            return Err(TooManyFields);
        }
        let mut quoted = Vec::with_capacity(tree.key.len() + 3);
        escape::append_string(&tree.key, &mut quoted);
        quoted.push(b':');
        self.nodes.push(Node {
            key: tree.key.into_boxed_slice(),
            quoted: quoted.into_boxed_slice(),
            parent,
            subtree_end: 0,
            lengths: 0,
            first_child: 0,
            child_count: 0,
        });
        for child in tree.children {
            self.number(child, id as u16)?;
        }
        let end = self.nodes.len() as u16;
        if let Some(node) = self.nodes.get_mut(id) {
            node.subtree_end = end;
        }
        Ok(())
    }

    fn link(&mut self) {
        for id in 0..self.nodes.len() {
            let first_child = self.children.len() as u32;
            let mut lengths = 0;
            for (child, node) in self.nodes.iter().enumerate().skip(1) {
                if usize::from(node.parent) != id {
                    continue;
                }
                lengths |= 1 << node.key.len().min(63);
                self.children.push(Child {
                    prefix: prefix(&node.key),
                    length: node.key.len() as u32,
                    node: child as u16,
                });
            }
            let child_count = self.children.len() as u32 - first_child;
            if let Some(node) = self.nodes.get_mut(id) {
                (node.first_child, node.child_count, node.lengths) = (first_child, child_count, lengths);
            }
        }
    }

    /// How many slots a row has.
    pub fn width(&self) -> usize {
        self.nodes.len()
    }

    /// The node of `path`: the root for `.`, none for metadata and for what was not asked.
    pub fn node(&self, path: &Path) -> Option<NodeId> {
        let keys = match path {
            Path::Whole => return Some(NodeId::ROOT),
            Path::Meta(_) => return None,
            Path::Field(keys) => keys,
        };
        let mut at = 0u16;
        for key in keys {
            at = self.child_named(at, key.as_bytes())?;
        }
        Some(NodeId(at))
    }

    /// The child of `node` with this key, as its text means (not as it is escaped).
    pub(crate) fn child_named(&self, node: u16, key: &[u8]) -> Option<u16> {
        self.children_of(node)
            .iter()
            .find(|child| self.nodes.get(usize::from(child.node)).is_some_and(|node| *node.key == *key))
            .map(|child| child.node)
    }

    /// Which lengths the keys below `node` have.
    #[inline(always)]
    pub(crate) fn lengths(&self, node: u16) -> u64 {
        self.nodes.get(usize::from(node)).map_or(0, |node| node.lengths)
    }

    #[inline(always)]
    pub(crate) fn children_of(&self, node: u16) -> &[Child] {
        let Some(node) = self.nodes.get(usize::from(node)) else { return &[] };
        let first = node.first_child as usize;
        self.children.get(first..first + node.child_count as usize).unwrap_or(&[])
    }

    /// The nodes below `node`.
    #[inline]
    pub(crate) fn descendants(&self, node: NodeId) -> std::ops::Range<usize> {
        let end = self.nodes.get(node.index()).map_or(0, |found| usize::from(found.subtree_end));
        node.index() + 1..end.max(node.index() + 1)
    }

    /// The node above `node`; the root is its own.
    #[inline(always)]
    pub(crate) fn parent(&self, node: NodeId) -> NodeId {
        NodeId(self.nodes.get(node.index()).map_or(0, |found| found.parent))
    }

    /// The key that leads to `node`, unescaped.
    pub(crate) fn key(&self, node: NodeId) -> &[u8] {
        self.nodes.get(node.index()).map_or(&[], |found| &found.key)
    }
}

impl Projection {
    /// The key that leads to `node` as it is written: `"key":`.
    pub(crate) fn quoted_key(&self, node: NodeId) -> &[u8] {
        self.nodes.get(node.index()).map_or(&[], |found| &found.quoted)
    }
}

/// The first eight bytes of `key` as a little-endian number, zero beyond its end.
pub(crate) fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0u8; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projection(paths: &[&str]) -> Projection {
        let paths: Vec<Path> = paths.iter().map(|path| path.parse().unwrap()).collect();
        Projection::new(&paths).unwrap()
    }

    #[test]
    fn nodes_are_numbered_in_preorder_and_shared_by_common_parents() {
        let projection = projection(&["geo.country", "level", "geo.city", "geo", "%time", "."]);
        assert_eq!(projection.width(), 5);
        let node = |path: &str| projection.node(&path.parse().unwrap());
        assert_eq!(node("geo"), Some(NodeId(1)));
        assert_eq!(node("geo.country"), Some(NodeId(2)));
        assert_eq!(node("geo.city"), Some(NodeId(3)));
        assert_eq!(node("level"), Some(NodeId(4)));
        assert_eq!(node("."), Some(NodeId::ROOT));
        assert_eq!(node("%time"), None);
        assert_eq!(node("geo.continent"), None);
        assert_eq!(projection.descendants(NodeId(1)), 2..4);
        assert_eq!(projection.descendants(NodeId(4)), 5..5);
    }

    #[test]
    fn asking_for_too_many_fields_is_an_error_and_not_a_panic() {
        let paths: Vec<Path> = (0..MAX_NODES + 1).map(|i| Path::Field(vec![format!("f{i}")])).collect();
        assert!(Projection::new(&paths).is_err());
    }
}

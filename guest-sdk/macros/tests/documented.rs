//! Every public item of the SDK has an example in its documentation, which the doctests then compile and run.
//!
//! Here and not in the SDK's own tests because syn is a dependency here. What counts is the source: the public modules,
//! what the others hold that `lib.rs` re-exports, exported macros, and the methods, constants and types of public traits
//! and types. Left out is what is hidden from the documentation, what a macro makes, fields and variants (they are
//! shown by the example of their type), and implementations of traits (by that of the trait).

// Helpers of tests fail as tests do.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, ExprLit, ImplItem, Item, Lit, Meta, TraitItem, Type, UseTree, Visibility};

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn parse(path: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap()
}

fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value() + "\n"),
            _ => None,
        },
        _ => None,
    });
    lines.collect()
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "hidden")
    })
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The names that a `pub use` adds.
fn names(tree: &UseTree, found: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, found),
        UseTree::Name(name) => found.push(name.ident.to_string()),
        UseTree::Rename(rename) => found.push(rename.rename.to_string()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, found)),
        UseTree::Glob(_) => panic!("name what is re-exported, so that this test can look for its example"),
    }
}

/// What was found: an item, and whether it has an example.
#[derive(Default)]
struct Found(BTreeMap<String, bool>);

impl Found {
    fn add(&mut self, name: String, attributes: &[Attribute]) {
        if !is_hidden(attributes) {
            self.0.insert(name, docs(attributes).contains("```"));
        }
    }

    /// The items of a file. In a module that is not public only those with a name in `exported` are.
    fn file(&mut self, file: &syn::File, module: &str, exported: Option<&BTreeSet<String>>) {
        let is_exported = |name: &syn::Ident, visibility: &Visibility| {
            is_public(visibility) && exported.is_none_or(|names| names.contains(&name.to_string()))
        };
        for item in &file.items {
            let (attributes, name, visibility) = match item {
                Item::Struct(item) => (&item.attrs, &item.ident, &item.vis),
                Item::Enum(item) => (&item.attrs, &item.ident, &item.vis),
                Item::Type(item) => (&item.attrs, &item.ident, &item.vis),
                Item::Const(item) => (&item.attrs, &item.ident, &item.vis),
                Item::Static(item) => (&item.attrs, &item.ident, &item.vis),
                Item::Fn(item) => (&item.attrs, &item.sig.ident, &item.vis),
                Item::Trait(item) => {
                    if is_exported(&item.ident, &item.vis) && !is_hidden(&item.attrs) {
                        self.members_of_trait(item, module);
                    }
                    (&item.attrs, &item.ident, &item.vis)
                }
                Item::Macro(item) => {
                    let is_exported = item.attrs.iter().any(|it| it.path().is_ident("macro_export"));
                    if let Some(name) = item.ident.as_ref().filter(|_| is_exported) {
                        self.add(format!("{module}::{name}!"), &item.attrs);
                    }
                    continue;
                }
                Item::Impl(item) if item.trait_.is_none() => {
                    self.members_of_type(item, module, exported);
                    continue;
                }
                _ => continue,
            };
            if is_exported(name, visibility) {
                self.add(format!("{module}::{name}"), attributes);
            }
        }
    }

    fn members_of_trait(&mut self, item: &syn::ItemTrait, module: &str) {
        for member in &item.items {
            let (attributes, name) = match member {
                TraitItem::Fn(member) => (&member.attrs, &member.sig.ident),
                TraitItem::Const(member) => (&member.attrs, &member.ident),
                TraitItem::Type(member) => (&member.attrs, &member.ident),
                _ => continue,
            };
            self.add(format!("{module}::{}::{name}", item.ident), attributes);
        }
    }

    fn members_of_type(&mut self, item: &syn::ItemImpl, module: &str, exported: Option<&BTreeSet<String>>) {
        let Type::Path(path) = &*item.self_ty else { return };
        let of = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if exported.is_some_and(|names| !names.contains(&of)) {
            return;
        }
        for member in &item.items {
            let (attributes, name, visibility) = match member {
                ImplItem::Fn(member) => (&member.attrs, &member.sig.ident, &member.vis),
                ImplItem::Const(member) => (&member.attrs, &member.ident, &member.vis),
                _ => continue,
            };
            if is_public(visibility) {
                self.add(format!("{module}::{of}::{name}"), attributes);
            }
        }
    }
}

/// Every public item of the SDK and of its macros.
fn public_items() -> Found {
    let mut found = Found::default();
    let root = parse(&sdk().join("src/lib.rs"));
    found.add("the crate".to_owned(), &root.attrs);
    let mut exported = BTreeSet::new();
    for item in &root.items {
        let Item::Use(item) = item else { continue };
        if !is_public(&item.vis) || is_hidden(&item.attrs) {
            continue;
        }
        let mut named = Vec::new();
        names(&item.tree, &mut named);
        // What wit-bindgen makes is documented where it is re-exported.
        if matches!(&item.tree, UseTree::Path(path) if path.ident == "bindings") {
            for name in &named {
                found.add(name.clone(), &item.attrs);
            }
        }
        exported.extend(named);
    }
    found.file(&root, "lib", None);
    for item in &root.items {
        let Item::Mod(item) = item else { continue };
        let module = item.ident.to_string();
        let file = parse(&sdk().join(format!("src/{module}.rs")));
        if is_public(&item.vis) {
            found.add(format!("mod {module}"), &file.attrs);
        }
        found.file(&file, &module, Some(&exported).filter(|_| !is_public(&item.vis)));
    }
    found.file(&parse(&sdk().join("macros/src/lib.rs")), "macros", None);
    found
}

#[test]
fn every_public_item_has_an_example() {
    let found = public_items().0;
    // That the test sees what it is to look at.
    for item in [
        "the crate",
        "Placement",
        "export::export!",
        "mod bindings",
        "log::warn",
        "hook::Hook::tick",
        "hook::Hook::GRANT",
        "event::Event::set",
        "schema::Schema::DOCS",
        "testing::Running::batch",
        "macros::config",
    ] {
        assert!(found.contains_key(item), "{item} is not seen; only {:?}", found.keys());
    }
    assert!(!found.contains_key("export::Instance::init"), "it is hidden");
    let without: Vec<&String> = found.iter().filter(|(_, has)| !**has).map(|(name, _)| name).collect();
    assert!(without.is_empty(), "without an example (``` ... ```) in their documentation: {without:?}");
}

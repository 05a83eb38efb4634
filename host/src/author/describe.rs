//! What a plugin is, for people and for programs, without running it.
//!
//! All of it comes from an [`Inspection`], whose texts are a stranger's and were made printable; options are, too.

use serde::Serialize;
use serde_json::Value;

use super::options::{ConfigOption, options};
use crate::hook::load::{Inspection, hex};
use crate::hook::manifest::{Grant, Manifest, option_of, printable};
use crate::hook::scan::Kind;
use crate::hook::trust::Beside;
use crate::summary;

/// A plugin, described.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// Its file or its name as a standard hook.
    pub plugin: String,
    /// Module or component.
    pub kind: Kind,
    /// Bytes of its file.
    pub size_bytes: u64,
    /// SHA-256 of its file, as `sha256` in `[[hook]]` pins it.
    pub sha256: String,
    /// The signatures beside its file, unchecked; none: it is no file.
    pub signatures: Option<Vec<Beside>>,
    /// The contract that it was built for: `hookaroon:hook@0.1.0`.
    pub contract: Option<String>,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// What it says of itself.
    pub manifest: Option<Manifest>,
    /// The options of its config.
    pub options: Vec<ConfigOption>,
    /// The grant that it needs with the options' defaults; what it says, and what it imports.
    pub grant: Grant,
    /// The same as TOML, ready to paste.
    pub grant_toml: String,
    /// Why it does not load. Completes a sentence that starts with its name.
    pub fault: Option<String>,
}

impl Description {
    /// Of a plugin that was looked at.
    pub fn new(plugin: String, inspection: Inspection) -> Description {
        let contract = inspection.version().map(|version| format!("hookaroon:hook@{version}"));
        let manifest = inspection.facts.manifest;
        let grant = grant(manifest.as_ref(), inspection.needs.into_iter().map(|need| need.name));
        let named = manifest.as_ref().and_then(|manifest| manifest.grant.as_ref()).map(by_option);
        Description {
            plugin,
            kind: inspection.facts.kind,
            size_bytes: inspection.size,
            sha256: hex(&inspection.sha256),
            signatures: inspection.signatures,
            contract,
            imports: inspection.facts.imports,
            exports: inspection.facts.exports,
            options: manifest
                .as_ref()
                .and_then(|manifest| manifest.config.as_ref())
                .map(options)
                .unwrap_or_default(),
            grant_toml: grant_toml(&grant, &named.unwrap_or_default()),
            grant,
            manifest,
            fault: inspection.fault,
        }
    }

    /// Lines for a terminal.
    pub fn for_people(&self) -> String {
        let kind = match self.kind {
            Kind::Component => "component",
            Kind::Module => "core module (wrapped as a component when it is loaded)",
        };
        let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let mut lines = vec![
            format!("plugin     {}", self.plugin),
            format!("kind       {kind}"),
            format!("size       {}", summary::bytes(self.size_bytes)),
            format!("sha256     {}", self.sha256),
        ];
        lines.extend(self.signatures.as_deref().map(|beside| format!("signature  {}", signatures(beside))));
        lines.extend([
            format!("built for  {}", self.contract.as_deref().unwrap_or("no hookaroon:hook")),
            format!("imports    {}", list(&self.imports)),
            format!("exports    {}", list(&self.exports)),
        ]);
        if let Some(manifest) = &self.manifest {
            let Manifest { name, version, description, .. } = manifest;
            lines.push(format!("manifest   {name} {version}: {description}"));
            lines.extend(manifest.placement.iter().map(|placement| format!("placement  {placement}")));
            lines.extend(manifest.memory.iter().map(|memory| format!("memory     {memory} at least")));
        }
        if !self.options.is_empty() {
            lines.push("\noptions of [hook.config]".to_owned());
            lines.extend(self.options.iter().map(for_people));
        }
        lines.push(format!("\n{}", self.grant_toml.trim_end()));
        lines.extend(self.fault.iter().map(|fault| format!("\nit does not load: it {fault}")));
        lines.join("\n") + "\n"
    }
}

/// Whose the signatures say that they are: whether they fit, only `trust` in a configuration finds out.
fn signatures(beside: &[Beside]) -> String {
    if beside.is_empty() {
        return "none".to_owned();
    }
    let one = |Beside { file, form, key_id, fault }: &Beside| match (fault, key_id) {
        (Some(fault), _) => format!("it {fault}"),
        (None, Some(id)) => format!("{} ({form}), by key {id} as it says; not checked here", file.display()),
        (None, None) => format!("{} ({form}); not checked here", file.display()),
    };
    beside.iter().map(one).map(|text| printable(&text)).collect::<Vec<_>>().join("\n           ")
}

fn for_people(option: &ConfigOption) -> String {
    let ConfigOption { name, takes, required, default, description } = option;
    let default = match default {
        Some(default) => format!("; default {default}"),
        None if *required => "; required".to_owned(),
        None => String::new(),
    };
    let description = if description.is_empty() { String::new() } else { format!("\n      {description}") };
    format!("  {name}: {takes}{default}{description}")
}

/// What the plugin suggests, and every host interface that it calls whether it says so or not.
fn grant(manifest: Option<&Manifest>, needs: impl Iterator<Item = String>) -> Grant {
    let nothing_set = Value::Object(serde_json::Map::new());
    let mut grant = manifest.and_then(|manifest| manifest.grant_for(&nothing_set)).unwrap_or_default();
    grant.imports = needs.collect();
    grant
}

/// The options that name fields, in a grant such as `read = ["{by}"]`.
pub(super) fn by_option(grant: &Grant) -> Vec<String> {
    let mut names = Vec::new();
    for pattern in grant.read.iter().chain(&grant.write) {
        names.extend(option_of(pattern).map(str::to_owned).filter(|name| !names.contains(name)));
    }
    names
}

/// `[hook.grant]` with only what is granted.
pub(super) fn grant_toml(grant: &Grant, by_option: &[String]) -> String {
    let mut text = String::new();
    if !by_option.is_empty() {
        text += &format!("# With the fields that these options name by default: {}\n", by_option.join(", "));
    }
    text += "[hook.grant]\n";
    let lists = [("read", &grant.read), ("write", &grant.write), ("imports", &grant.imports)];
    for (key, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
        // A printable text is the same string in TOML as in JSON.
        let names: Vec<String> = names.iter().map(|name| Value::from(name.as_str()).to_string()).collect();
        text += &format!("{key} = [{}]\n", names.join(", "));
    }
    for (key, _) in [("drop", grant.drop), ("emit", grant.emit)].into_iter().filter(|(_, granted)| *granted) {
        text += &format!("{key} = true\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::manifest::parse;

    #[test]
    fn a_grant_is_valid_toml_and_names_what_depends_on_the_config() {
        let manifest = br#"{"config":{"properties":{"by":{"default":"id"}}},
            "grant":{"read":["{by}","resource.\"service.name\"","{none}"],"write":["a\\b"],"drop":true}}"#;
        let manifest = parse(manifest).unwrap();
        let grant = grant(Some(&manifest), ["log".to_owned()].into_iter());
        let text = grant_toml(&grant, &by_option(manifest.grant.as_ref().unwrap()));
        assert!(text.starts_with("# ") && text.contains("by, none"), "{text}");
        let table: toml::Table = text.parse().unwrap();
        let table = &table["hook"]["grant"];
        let names = |key: &str| -> Vec<String> {
            table[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("read"), ["id", "resource.\"service.name\""]);
        assert_eq!((names("write"), names("imports")), (vec!["a\\b".to_owned()], vec!["log".to_owned()]));
        assert_eq!((table["drop"].as_bool(), table.get("emit")), (Some(true), None));
    }
}

//! `hookaroon inspect`: what a plugin is, without running it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{failed, loader};
use crate::config::PluginLimits;
use crate::hook::load::{Inspection, PluginSource, hex};
use crate::hook::scan::Kind;
use crate::hook::standard;
use crate::summary;

#[derive(Debug, Args)]
pub struct InspectArguments {
    /// The plugin: a file, or the name of a standard hook
    #[arg(value_name = "HOOK.wasm")]
    plugin: String,
}

pub fn inspect(arguments: &InspectArguments) -> Result<(), ExitCode> {
    let source = if standard::NAMES.contains(&arguments.plugin.as_str()) {
        PluginSource::Standard(arguments.plugin.clone())
    } else {
        PluginSource::File(PathBuf::from(&arguments.plugin))
    };
    let inspection =
        loader(None, PluginLimits::default())?.inspect(&source).map_err(|error| failed(&error))?;
    print!("{}", describe(&arguments.plugin, &inspection));
    Ok(())
}

fn describe(plugin: &str, inspection: &Inspection) -> String {
    let mut lines = Vec::new();
    let kind = match inspection.facts.kind {
        Kind::Component => "component",
        Kind::Module => "core module (wrapped as a component when it is loaded)",
    };
    lines.push(format!("plugin    {plugin}"));
    lines.push(format!("kind      {kind}"));
    lines.push(format!("size      {}", summary::bytes(inspection.size)));
    lines.push(format!("sha256    {}", hex(&inspection.sha256)));
    lines.push(format!(
        "built for {}",
        inspection
            .version()
            .map_or_else(|| "no hookaroon:hook".to_owned(), |version| format!("hookaroon:hook@{version}"))
    ));
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    lines.push(format!("imports   {}", list(&inspection.facts.imports)));
    lines.push(format!("exports   {}", list(&inspection.facts.exports)));
    if let Some(manifest) = &inspection.facts.manifest {
        lines.push(format!("manifest  {} {}: {}", manifest.name, manifest.version, manifest.description));
    }
    if !inspection.needs.is_empty() {
        let names: Vec<String> = inspection.needs.iter().map(|need| format!("{:?}", need.name)).collect();
        lines.push(format!("\n[hook.grant]\nimports = [{}]", names.join(", ")));
    }
    if let Some(fault) = &inspection.fault {
        lines.push(format!("\nit does not load: it {fault}"));
    }
    lines.join("\n") + "\n"
}

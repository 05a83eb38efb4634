//! `hookaroon check`: everything that can be found wrong without any event.

use std::process::ExitCode;

use super::{ConfigArguments, bad_hooks, loader};
use crate::hook::grants::{Field, Placement};
use crate::hook::prepare::{Prepared, prepare};
use crate::summary;

pub fn check(arguments: &ConfigArguments) -> Result<(), ExitCode> {
    let config = arguments.load()?;
    let loader = loader(Some(&config.data_dir), config.plugin_limits)?;
    let hooks = prepare(&config.hooks, &loader, config.workers).map_err(|errors| bad_hooks(&errors))?;
    println!("{}: ok", config.file.display());
    for source in &config.sources {
        println!("  source {}", source.name);
    }
    for prepared in &hooks {
        if let Some(hook) = config.hooks.get(prepared.index) {
            println!("  hook {}: {}", hook.name, describe(prepared, config.workers, hook.memory_bytes));
        }
    }
    for sink in &config.sinks {
        println!("  sink {}", sink.name);
    }
    Ok(())
}

/// What a hook does and what it can cost at most.
fn describe(prepared: &Prepared, workers: u32, memory: u64) -> String {
    let interest = &prepared.plan.interest;
    let instances = match interest.placement {
        Placement::EveryWorker => workers,
        Placement::Single => 1,
    };
    let list = |fields: &[Field]| match fields {
        [] => "nothing".to_owned(),
        fields => fields.iter().map(|field| field.path.to_string()).collect::<Vec<_>>().join(", "),
    };
    format!(
        "reads {}; writes {}; at most {} ({} x {})",
        list(&interest.read),
        list(&interest.write),
        summary::bytes(u64::from(instances) * memory),
        instances,
        summary::bytes(memory),
    )
}

//! The arguments of the commands that try one hook out.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::candidate::{Candidate, Settings};
use crate::config::arguments;

#[derive(Debug, Args)]
pub struct HookArguments {
    /// The events, one a line; - is standard input
    #[arg(long, short, value_name = "FILE")]
    pub input: PathBuf,
    /// The hook's config: JSON, or @FILE with JSON or TOML
    #[arg(long, value_name = "JSON", default_value = "{}")]
    config: Settings,
    /// A TOML file with the keys of [hook.grant], instead of the grant that the manifest suggests
    #[arg(long, value_name = "FILE")]
    grant: Option<PathBuf>,
    /// The memory cap of an instance, as in the configuration
    #[arg(long, value_name = "SIZE", value_parser = arguments::memory)]
    memory: Option<u64>,
    /// The CPU time that the hook has for each batch, as in the configuration
    #[arg(long, value_name = "TIME", value_parser = arguments::deadline)]
    deadline: Option<Duration>,
}

impl HookArguments {
    /// The hook with this plugin.
    pub fn candidate(&self, plugin: &str) -> Candidate {
        Candidate {
            plugin: plugin.to_owned(),
            settings: self.config.clone(),
            grant: self.grant.clone(),
            memory: self.memory,
            deadline: self.deadline,
        }
    }
}

//! What a plugin's manifest suggests, for hooks that no configuration says more about.

use serde_json::Value;

use super::manifest::{self, Manifest};
use crate::config::{self, Grant};
use crate::event::path::Pattern;

/// The grant that it suggests for this config; none if it suggests none.
pub fn grant(manifest: Option<&Manifest>, config: &Value) -> Result<Option<Grant>, String> {
    let Some(suggested) = manifest.and_then(|manifest| manifest.grant_for(config)) else { return Ok(None) };
    let manifest::Grant { read, write, drop, emit, imports } = suggested;
    let patterns = |texts: Vec<String>| {
        let parse = |text: &String| {
            text.parse()
                .map_err(|error| format!("the grant that its manifest suggests has {text:?}: {error}"))
        };
        texts.iter().map(parse).collect::<Result<Vec<Pattern>, String>>()
    };
    Ok(Some(Grant { read: patterns(read)?, write: patterns(write)?, drop, emit, imports }))
}

/// The memory that it needs at least, in bytes.
pub fn least_memory(manifest: Option<&Manifest>) -> u64 {
    manifest.and_then(|manifest| manifest.memory.as_deref()).and_then(config::size).unwrap_or(0)
}

//! What a new configuration means for the hooks that are at work: what each of them needs, and what has to wait for the
//! next start. Pure.

use serde_json::Value;

use crate::config::{Config, Hook, has_same_outputs};

/// What a hook needs to be as it is configured now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing that its instances would notice.
    Nothing,
    /// Other limits or grants, with the same instances.
    Limits,
    /// Other instances: of another plugin, or with another config.
    Instances,
}

/// What was done with a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// It joined the chain.
    Loaded,
    /// Other instances took over.
    Swapped,
    /// The version that was tried beside it took over.
    Promoted,
    /// It goes on with other settings.
    Changed,
    /// It left the chain.
    Unloaded,
}

impl Did {
    /// All of them.
    pub const ALL: [Did; 5] = [Did::Loaded, Did::Swapped, Did::Promoted, Did::Changed, Did::Unloaded];

    /// In the past tense, as it is told.
    pub fn name(self) -> &'static str {
        match self {
            Did::Loaded => "loaded",
            Did::Swapped => "swapped",
            Did::Promoted => "promoted",
            Did::Changed => "changed",
            Did::Unloaded => "unloaded",
        }
    }
}

/// What the instances of a hook that is at work with this digest of its plugin need.
pub fn need(old: &Hook, sha256: &[u8; 32], new: &Hook) -> Need {
    let pinned = new.sha256.is_some_and(|pin| pin != *sha256);
    if old.plugin != new.plugin || !has_same_config(old, new) || pinned {
        return Need::Instances;
    }
    let limits = |hook: &Hook| (hook.memory_bytes, hook.deadlines, hook.output, hook.log, hook.recycle);
    if limits(old) != limits(new) || old.grant != new.grant {
        return Need::Limits;
    }
    Need::Nothing
}

/// Whether two hooks have the same config, in whatever order its keys stand: a table that is written anew may have another.
pub fn has_same_config(one: &Hook, other: &Hook) -> bool {
    let parsed = |hook: &Hook| serde_json::from_str::<Value>(&hook.config).ok();
    one.config == other.config || parsed(one).is_some_and(|config| Some(config) == parsed(other))
}

/// Whether anything but its instances is another.
pub fn is_set_otherwise(old: &Hook, new: &Hook) -> bool {
    let settings = |hook: &Hook| {
        (
            hook.is_paused,
            hook.on_error,
            hook.when_open,
            hook.breaker,
            hook.budget,
            hook.over_cost,
            hook.required,
        )
    };
    settings(old) != settings(new)
        || old.from != new.from
        || old.conditions != new.conditions
        || old.rollout != new.rollout
}

/// The keys of a new configuration that take effect at the next start only.
pub fn at_next_start(old: &Config, new: &Config) -> Vec<&'static str> {
    let mut keys = Vec::new();
    let mut differs = |key, differs| keys.extend(Some(key).filter(|_| differs));
    differs("data_dir", old.data_dir != new.data_dir);
    differs("workers", old.workers != new.workers);
    differs("max_event_bytes", old.max_event_bytes != new.max_event_bytes);
    differs("drain_deadline", old.drain_deadline != new.drain_deadline);
    differs("trust", old.trust != new.trust);
    differs("[plugin_limits]", old.plugin_limits != new.plugin_limits);
    differs("[batch]", old.batch != new.batch);
    differs("[dead_letters]", old.dead_letters != new.dead_letters);
    differs("[[source]]", old.sources != new.sources);
    differs("[[sink]]", !has_same_outputs(&old.sinks, &new.sinks));
    keys
}

//! What a token lets its bearer do. Each role may do all that those before it may.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::suggestion;

/// From the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at what runs and how; not at events, but for dead letters.
    Read,
    /// Look at events as they pass.
    Tap,
    /// Change hooks.
    Operate,
    /// Everything: plugins, tokens, the audit log.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [Role::Read, Role::Tap, Role::Operate, Role::Admin];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Tap => "tap",
            Role::Operate => "operate",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        let names = Role::ALL.map(Role::name);
        let found = Role::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| format!("there is no role {text:?}; {}", suggestion(text, &names)))
    }
}

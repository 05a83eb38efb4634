//! What a hook asked for at init against what the operator granted.
//!
//! Everything that is missing is told at once, each with the line to add; a hook that asks for too much does not
//! start.

use std::time::Duration;

use super::bindings::hookaroon::hook::types as wit;
use crate::config::Grant;
use crate::event::column::Kind;
use crate::event::field::meta_kind;
use crate::event::path::{Path, Pattern};
use crate::event::projection::MAX_NODES;

/// A field that a hook reads or writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it is.
    pub path: Path,
    /// How its values pass.
    pub kind: Kind,
}

/// Where instances of a hook live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// One for each worker.
    EveryWorker,
    /// One that all workers share.
    Single,
}

impl Placement {
    /// How many instances there are with so many workers.
    pub fn instances(self, workers: u32) -> u32 {
        match self {
            Placement::EveryWorker => workers,
            Placement::Single => 1,
        }
    }
}

/// What a hook does, as it asked and was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// What it reads, in its order.
    pub read: Vec<Field>,
    /// What it writes, in its order; no two overlap.
    pub write: Vec<Field>,
    /// How often it wants to be told the time.
    pub tick: Option<Duration>,
    /// Where its instances live.
    pub placement: Placement,
    /// Whether it may drop rows.
    pub drop: bool,
    /// Whether it may emit events.
    pub emit: bool,
}

/// Checks what a hook asked for. The errors say what is wrong and what to do, without the hook's name.
pub fn check(asked: &wit::Interest, grant: &Grant) -> Result<Interest, Vec<String>> {
    let mut wrong = Vec::new();
    if asked.read.len() > MAX_NODES || asked.write.len() > MAX_NODES {
        wrong.push(format!("it asks for more than {MAX_NODES} fields; read the whole event (\".\") instead"));
        return Err(wrong);
    }
    let read = fields(&asked.read, "read", &grant.read, &mut wrong);
    let write = fields(&asked.write, "write", &grant.write, &mut wrong);
    for (index, field) in write.iter().enumerate() {
        if let Path::Meta(meta) = &field.path {
            wrong.push(format!("it writes {}; metadata can only be read", meta.name()));
        }
        for other in write.iter().take(index) {
            if field.path.overlaps(&other.path) {
                wrong.push(format!("it writes \"{}\" and \"{}\", which overlap", other.path, field.path));
            }
        }
    }
    let tick = match asked.tick_ms {
        Some(0) => {
            wrong.push("it asks for a tick every 0 ms; 1 is the least".to_owned());
            None
        }
        other => other.map(|ms| Duration::from_millis(u64::from(ms))),
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let placement = match asked.placement {
        wit::Placement::EveryWorker => Placement::EveryWorker,
        wit::Placement::Single => Placement::Single,
    };
    Ok(Interest { read, write, tick, placement, drop: grant.drop, emit: grant.emit })
}

fn fields(asked: &[wit::Field], verb: &str, granted: &[Pattern], wrong: &mut Vec<String>) -> Vec<Field> {
    let mut fields = Vec::with_capacity(asked.len());
    for field in asked {
        let path: Path = match field.path.parse() {
            Ok(path) => path,
            Err(error) => {
                wrong.push(format!("it {verb}s {:?}: {error}", field.path));
                continue;
            }
        };
        let kind = kind(field.kind);
        match &path {
            Path::Whole if kind != Kind::Json => {
                wrong.push(format!(
                    "it {verb}s the whole event (\".\") as {}; that is kind json",
                    kind.name()
                ));
            }
            Path::Meta(meta) if kind != meta_kind(*meta) => {
                let right = meta_kind(*meta).name();
                wrong.push(format!("it {verb}s {} as {}; that is kind {right}", meta.name(), kind.name()));
            }
            _ => {}
        }
        if !granted.iter().any(|pattern| pattern.covers(&path)) {
            wrong.push(format!(
                "it {verb}s \"{path}\", which is not granted; add {:?} to {verb} in [hook.grant]",
                path.to_string()
            ));
        }
        fields.push(Field { path, kind });
    }
    fields
}

fn kind(kind: wit::Kind) -> Kind {
    match kind {
        wit::Kind::Text => Kind::Text,
        wit::Kind::Integer => Kind::Integer,
        wit::Kind::Float => Kind::Float,
        wit::Kind::Boolean => Kind::Boolean,
        wit::Kind::Json => Kind::Json,
    }
}

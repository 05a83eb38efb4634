//! What can be asked: each file holds what belongs together, and says of each path who may use it and what it answers.

pub(super) mod audit;
pub(super) mod config;
mod ends;
pub(super) mod explain;
pub(super) mod health;
pub(super) mod hooks;
pub(super) mod letters;
mod order;
pub(super) mod plugins;
pub(super) mod run;
pub(super) mod set;
pub(super) mod tap;
pub(super) mod tokens;
pub(super) mod verbs;
pub(super) mod versions;

use std::ops::RangeInclusive;

use super::endpoint::{Kind, Parameter};

/// The most bytes of entries in one answer; of more only the newest are there.
const ANSWER_BYTES: usize = 4 << 20;

/// How many entries are answered.
const LIMIT: Parameter = Parameter {
    name: "limit",
    kind: Kind::Number(RangeInclusive::new(0, 1000), 100),
    doc: "How many there are in the answer at most, the newest.",
};

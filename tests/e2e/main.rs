//! The real binary on real files, one module for each thing that users rely on.
//!
//! `make test` builds the binary and the guests first. Sizes of heavy tests come from [`support::scale`].

// Helpers of tests fail as tests do.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod admin;
mod author;
mod bench;
mod bombs;
mod breaker;
mod candidate;
mod check;
mod config;
mod config_commands;
mod containment;
mod dead_letters;
mod deadlines;
mod explain;
mod flow;
mod flow_hooks;
mod hooks;
mod inject;
mod lifecycle;
mod lines;
mod live;
mod load;
mod mistakes;
mod mutants;
mod peers;
mod pipe;
mod poison;
mod promises;
mod recycle;
mod rollout;
mod signals;
mod soak;
mod standard;
mod support;
mod swaps;
mod tap;
mod top;
mod trial;
mod trust;
mod tutorial;
mod wasi;
mod why;

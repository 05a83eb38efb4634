//! x
#![allow(dead_code)]
pub mod event;

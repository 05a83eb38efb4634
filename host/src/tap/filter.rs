//! Which events a tap shows: by source and `match`, with fields of its own, which the chain need not ask for.
//!
//! Events are parsed again for it, one at a time; the allowance bounds how long that may take.

use crate::config;
use crate::event::batch::{Batch, Origin};
use crate::event::condition::Condition;
use crate::event::field::Matcher;
use crate::event::path::{Meta, Path};
use crate::event::projection::{Projection, TooManyFields};
use crate::event::time::TimeFormat;
use crate::source::Times;
use std::sync::Arc;

/// A source and conditions.
#[derive(Debug)]
pub(super) struct Filter {
    source: Option<String>,
    matchers: Vec<Matcher>,
    times: Times,
    /// For one event.
    batch: Batch,
    /// Memory to unescape in.
    scratch: Vec<u8>,
}

impl Filter {
    pub(super) fn new(
        source: Option<String>,
        conditions: &[Condition],
        sources: &[config::Source],
    ) -> Result<Filter, TooManyFields> {
        let usual = TimeFormat::default();
        let mut paths: Vec<&Path> = conditions.iter().map(Condition::path).collect();
        if paths.contains(&&Path::Meta(Meta::Time)) {
            paths.extend(sources.iter().flat_map(|source| source.time.fields()).chain(usual.fields()));
        }
        let projection = Arc::new(Projection::new(paths)?);
        let matchers = conditions.iter().filter_map(|condition| Matcher::new(condition, &projection));
        Ok(Filter {
            source,
            matchers: matchers.collect(),
            times: Times::new(sources, &projection),
            batch: Batch::new(projection),
            scratch: Vec::new(),
        })
    }

    /// Whether a row is shown.
    pub(super) fn takes(&mut self, batch: &Batch, row: u32) -> bool {
        let Some(origin) = batch.origin(row) else { return false };
        if self.source.as_ref().is_some_and(|source| **source != *origin.source_name) {
            return false;
        }
        if self.matchers.is_empty() {
            return true;
        }
        self.batch.clear();
        let time = match origin.time.known_ns {
            Some(_) => origin.time.clone(),
            None => self.times.of(origin.source),
        };
        let copied = self.batch.add_origin(Origin { time, ..origin.clone() });
        let text = batch.text(row);
        self.batch.push_text(copied, batch.offset(row), |out| out.extend_from_slice(text))
            && self.matchers.iter().all(|matcher| matcher.holds(&self.batch, 0, &mut self.scratch))
    }
}

//! What `top` shows, as numbers: made from how the run is and how it was a second before. Pure.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::snapshot::{Between, Hook, Snapshot};

/// How a run is at one time.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// What it did.
    pub status: Snapshot,
    facts: HashMap<String, Facts>,
}

/// What the API tells of a hook beside what it did; a host of another version may tell less.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Facts {
    name: String,
    enabled: bool,
    state: Option<String>,
    sha256: Option<String>,
    share: Option<String>,
    breaker: Option<String>,
    memory: Option<Memory>,
    candidate: Option<Candidate>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Memory {
    now: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Candidate {
    share: Option<String>,
}

/// What is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// CPU time, the costliest first.
    #[default]
    Cost,
    /// Memory, the fullest first.
    Memory,
    /// Failures, the most first.
    Failures,
    /// The place in the chain.
    Chain,
}

/// All numbers of a frame.
#[derive(Debug)]
pub struct Board {
    /// The version of the host.
    pub version: String,
    /// `running` or `ending`.
    pub state: String,
    /// How long the run goes on, in seconds.
    pub uptime_s: u64,
    /// How many workers there are.
    pub workers: u32,
    /// The part of their time in which they are at work.
    pub busy: f64,
    /// Events that came in, a second.
    pub events_s: f64,
    /// Bytes that came in, a second.
    pub bytes_s: f64,
    /// The hooks, in the order in which they are shown.
    pub hooks: Vec<HookRow>,
    /// The sources: names and types.
    pub sources: Vec<(String, String)>,
    /// The sinks.
    pub sinks: Vec<SinkRow>,
    /// What they are sorted by.
    pub sort: Sort,
}

/// A hook.
#[derive(Clone, Debug)]
pub struct HookRow {
    /// Its name.
    pub name: String,
    /// The start of its plugin's digest.
    pub version: String,
    /// `5%`, with a candidate `+1%` or `+shadow`.
    pub share: String,
    /// `ok`, `paused`, `open`, `half-open` or `off`.
    pub state: String,
    /// The part of the workers' time that it takes.
    pub cpu: f64,
    /// Rows, a second.
    pub rows_s: f64,
    /// CPU time for each; none: there were none.
    pub ns_per_row: Option<f64>,
    /// Failures, a second.
    pub failures_s: f64,
    /// Bytes that its instance uses now, if that is known.
    pub memory_now: Option<u64>,
    /// The most that one used.
    pub memory_peak: u64,
    /// The most that one may use.
    pub memory_cap: u64,
}

/// A sink.
#[derive(Clone, Debug)]
pub struct SinkRow {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Events that it took, a second.
    pub events_s: f64,
    /// Bytes, the same.
    pub bytes_s: f64,
    /// The part of their time in which workers wait for it.
    pub waited: f64,
}

impl Moment {
    /// Of what the API answers to `/api/v1/status` and `/api/v1/hooks`.
    pub fn new(status: Value, hooks: Value) -> Result<Moment, String> {
        #[derive(Deserialize)]
        struct Hooks {
            hooks: Vec<Facts>,
        }
        let wrong = |error: serde_json::Error| {
            format!("the API answers what this version does not understand: {error}")
        };
        let Hooks { hooks } = serde_json::from_value(hooks).map_err(wrong)?;
        let facts = hooks.into_iter().map(|facts| (facts.name.clone(), facts)).collect();
        Ok(Moment { status: serde_json::from_value(status).map_err(wrong)?, facts })
    }
}

impl Sort {
    /// The next one.
    pub fn next(self) -> Sort {
        match self {
            Sort::Cost => Sort::Memory,
            Sort::Memory => Sort::Failures,
            Sort::Failures => Sort::Chain,
            Sort::Chain => Sort::Cost,
        }
    }

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Cost => "cost",
            Sort::Memory => "memory",
            Sort::Failures => "failures",
            Sort::Chain => "chain",
        }
    }

    fn key(self, hook: &HookRow) -> f64 {
        match self {
            Sort::Cost => hook.cpu,
            Sort::Memory => hook.fullness(hook.memory_peak),
            Sort::Failures => hook.failures_s,
            Sort::Chain => 0.0,
        }
    }
}

impl Board {
    /// Of these two times; what there was before the first is nothing.
    pub fn new(before: &Moment, after: &Moment, sort: Sort) -> Board {
        let between = Between::new(&before.status, &after.status);
        let status = &after.status;
        let mut hooks: Vec<HookRow> = between
            .hooks()
            .into_iter()
            .filter_map(|(was, is)| Some(HookRow::new(&between, &was, is, after.facts.get(&is.name)?)))
            .collect();
        // It keeps the order of the chain among equals.
        hooks.sort_by(|one, other| sort.key(other).total_cmp(&sort.key(one)));
        let waited: HashMap<String, f64> = between.shares(|waits| &waits.sinks_s).collect();
        let sinks = between.sinks().into_iter().map(|(was, is)| SinkRow {
            name: is.name.clone(),
            kind: is.kind.clone(),
            events_s: between.rate(was.events, is.events),
            bytes_s: between.rate(was.bytes, is.bytes),
            waited: waited.get(&is.name).copied().unwrap_or(0.0),
        });
        Board {
            version: status.version.clone(),
            state: status.state.clone(),
            uptime_s: status.uptime_s as u64,
            workers: status.workers,
            busy: between.busy(),
            events_s: between.events_in(),
            bytes_s: between.rate(before.status.bytes_in, status.bytes_in),
            hooks,
            sources: status.sources.iter().map(|source| (source.name.clone(), source.kind.clone())).collect(),
            sinks: sinks.collect(),
            sort,
        }
    }
}

impl HookRow {
    fn new(between: &Between<'_>, was: &Hook, is: &Hook, facts: &Facts) -> HookRow {
        let rows = is.rows.saturating_sub(was.rows);
        let share = facts.share.clone().unwrap_or_else(|| "100%".to_owned());
        let tried = facts
            .candidate
            .as_ref()
            .map(|candidate| format!("+{}", candidate.share.as_deref().unwrap_or("shadow")));
        let is_open = is.breaker_opened > is.breaker_closed;
        let state = match (facts.state.as_deref(), facts.breaker.as_deref()) {
            _ if !facts.enabled => "off",
            (Some("paused"), _) => "paused",
            (_, Some("closed")) => "ok",
            (_, Some(other)) => other,
            (_, None) if is_open => "open",
            (_, None) => "ok",
        };
        HookRow {
            name: is.name.clone(),
            version: facts.sha256.as_deref().and_then(|digest| digest.get(..7)).unwrap_or("-").to_owned(),
            share: share + tried.as_deref().unwrap_or_default(),
            state: state.to_owned(),
            cpu: between.share(was.cpu_s, is.cpu_s),
            rows_s: between.rate(was.rows, is.rows),
            ns_per_row: (rows > 0).then(|| (is.cpu_s - was.cpu_s).max(0.0) * 1e9 / rows as f64),
            failures_s: between.rate(was.failures, is.failures),
            memory_now: facts.memory.map(|memory| memory.now),
            memory_peak: is.memory_peak_bytes,
            memory_cap: is.memory_cap_bytes,
        }
    }

    /// So many bytes as a part of the cap.
    pub fn fullness(&self, bytes: u64) -> f64 {
        if self.memory_cap == 0 { 0.0 } else { bytes as f64 / self.memory_cap as f64 }
    }
}

//! A second version of a hook's plugin that is tried beside it, from its table.

use std::time::Duration;

use super::parts::{plugin, sha256};
use super::reader::Table;
use super::schema;
use super::settings::{Outside, settings};
use super::{Hook, Otherwise, Places, Rollout, Share};
use crate::event::path::Path;
use crate::hook::load::PluginSource;
use crate::hook::verdict::Margins;

/// A version that is tried.
#[derive(Clone)]
pub struct Candidate {
    /// Its plugin.
    pub plugin: PluginSource,
    /// The digest that this must have.
    pub sha256: Option<[u8; 32]>,
    /// Its config as JSON, and where the parts of that stand; none: the hook's.
    pub config: Option<(String, Places)>,
    /// It is handed copies, and nothing comes of what it does.
    pub shadow: bool,
    /// The share of the hook's events that it is handed.
    pub share: Share,
    /// The fields that decide; none: those of the hook's rollout.
    pub by: Option<Vec<Path>>,
    /// By how much it may do worse before it is taken back, and when it takes over.
    pub margins: Margins,
}

impl Candidate {
    /// The hook as this version is set up. It keeps the hook's grants and limits.
    pub fn hook(&self, of: &Hook) -> Hook {
        let mut hook =
            Hook { plugin: self.plugin.clone(), sha256: self.sha256, candidate: None, ..of.clone() };
        if let Some((config, places)) = &self.config {
            (hook.config, hook.config_places) = (config.clone(), places.clone());
        }
        hook.rollout = Rollout {
            share: self.share,
            by: self.by.clone().unwrap_or_else(|| of.rollout.by.clone()),
            // Another choice than that of the hook's own rollout, whose share would hold all of this one else.
            seed: format!("{}/candidate", of.rollout.seed),
            only: Vec::new(),
            otherwise: Otherwise::Pass,
        };
        hook
    }
}

impl PartialEq for Candidate {
    /// Wherever it stands in its file.
    fn eq(&self, other: &Candidate) -> bool {
        let config = |candidate: &Candidate| candidate.config.as_ref().map(|(text, _)| text.clone());
        let trial = |candidate: &Candidate| (candidate.shadow, candidate.share, candidate.margins);
        self.plugin == other.plugin
            && self.sha256 == other.sha256
            && config(self) == config(other)
            && self.by == other.by
            && trial(self) == trial(other)
    }
}

/// The candidate of the hook in this table.
pub(super) fn candidate(hook: &Table<'_, '_>, outside: &Outside<'_>) -> Option<Candidate> {
    let table = hook.table("candidate", schema::CANDIDATE)?;
    let shadow = table.boolean("shadow", false);
    if !shadow && table.get("share").is_none() {
        let message = "share or shadow = true is missing: which events it is handed".to_owned();
        table.wrong(table.span(), message);
    }
    let usual = Margins::default();
    Some(Candidate {
        plugin: plugin(&table, outside.dir),
        sha256: sha256(&table),
        config: table.get("config").map(|_| settings(&table, outside)),
        shadow,
        share: table.share("share", Share::percent(100)),
        by: table.get("by").map(|_| table.parsed_list("by")),
        margins: Margins {
            failures: table.share("failures", usual.failures),
            drops: table.share("drops", usual.drops),
            cost: table.number("cost", &schema::CANDIDATE_COST) as u32,
            window: table.time("window", &schema::CANDIDATE_WINDOW),
            rows: table.number("rows", &schema::CANDIDATE_ROWS),
            promote_after: promote_after(&table),
        },
    })
}

fn promote_after(table: &Table<'_, '_>) -> Option<Duration> {
    table.get("promote_after").map(|_| table.time("promote_after", &schema::PROMOTE_AFTER))
}

//! The versions that are tried, and what is to become of each by what it did and what the version at work did.

use std::collections::HashMap;

use super::HookView;
use crate::hook::verdict::{Done, Trial, Verdict};

/// The trials under way, by hook.
#[derive(Default)]
pub(super) struct Trials(HashMap<String, Running>);

struct Running {
    /// Which version is tried.
    sha256: [u8; 32],
    trial: Trial,
}

/// What is to become of a trial.
pub(super) struct Decision {
    pub(super) hook: String,
    pub(super) verdict: Verdict,
}

impl Trials {
    /// Looks at every trial; those that are new begin.
    pub(super) fn look(&mut self, hooks: &[HookView], now_ns: u64) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let tried = |name: &str| hooks.iter().any(|hook| hook.hook.name == name && hook.candidate.is_some());
        self.0.retain(|name, _| tried(name));
        for hook in hooks {
            let (Some(view), Some(config)) = (&hook.candidate, &hook.hook.candidate) else { continue };
            let (own, stable) = (Done::of(&view.metrics), Done::of(&hook.metrics));
            let known = self.0.get_mut(&hook.hook.name).filter(|known| known.sha256 == view.plugin.sha256);
            let Some(running) = known else {
                let trial = Trial::new(config.margins, now_ns, own, stable);
                self.0.insert(hook.hook.name.clone(), Running { sha256: view.plugin.sha256, trial });
                continue;
            };
            let verdict = running.trial.look(now_ns, own, stable);
            decisions.push(Decision { hook: hook.hook.name.clone(), verdict });
        }
        decisions
    }
}

//! Hooks that change while events flow: load, swap, unload, set.
//!
//! A change is a configuration: what differs from the hooks at work is done, and only that. What takes long (reading,
//! scanning, compiling, the first `init`, the check of grants) is done beside the flow; then every worker hands its chain
//! over between two batches ([`desk`](crate::worker::desk)), and gets it back changed on all workers or on none
//! ([`handover`]). Whatever fails leaves everything as it was, and says which hook it was, in which step and why.
//!
//! Changes are made one after the other. A worker that does not come in time (it waits to write a dead letter, say) refuses the
//! change; nothing waits longer than that.

pub mod change;
pub mod control;
pub mod difference;
pub mod follow;
mod handover;
pub mod overlay;
mod trials;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::{self, Config};
use crate::event::projection::TooManyFields;
use crate::hook::dead_letters::DeadLetters;
use crate::hook::failure::Failure;
use crate::hook::gate::Gate;
use crate::hook::grants;
use crate::hook::instance::Instance;
use crate::hook::load::{Loader, Plugin};
use crate::hook::prepare;
use crate::hook::seat::{Plan, Successor};
use crate::metrics::waits::Waitings;
use crate::metrics::{HookMetrics, Metrics};
use crate::pipeline::assembly::{Assembly, Part};
use crate::pipeline::wiring::{all_metrics, part, tried};
use crate::tap::Taps;
use crate::worker::desk::{Borrowed, Collected, Desk};
use change::{Did, Need};
use handover::{Refusal, Step, Trial};

/// How long a worker is waited for.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why a change was not made; nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Hooks cannot be loaded, do not start, or ask for more than they are granted. Each error names its hook.
    #[error("{}", .0.join("\n"))]
    Hooks(Vec<String>),
    /// Too many fields.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// Instances did not take over.
    #[error(
        "hook \"{hook}\": the new instances did not take over, and the old ones go on: {kind}: {failure}",
        kind = failure.kind.name()
    )]
    Swap {
        /// Which hook.
        hook: String,
        /// What happened.
        failure: Failure,
    },
    /// Instances of a new hook did not start.
    #[error("hook \"{hook}\": it did not start: {kind}: {failure}", kind = failure.kind.name())]
    Load {
        /// Which hook.
        hook: String,
        /// What happened.
        failure: Failure,
    },
    /// A worker did not come to its desk.
    #[error(
        "worker {worker} did not come to the end of its batch within {waited:?}, so nothing was changed; it may wait to write \
         dead letters, or be in a call that takes long: see the log, and try again"
    )]
    Busy {
        /// Its number.
        worker: usize,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The run is ending.
    #[error("the run is ending, and hooks are not changed any more")]
    Ending,
}

/// How a change is to be made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything is tried beside the flow, and nothing is changed.
    pub dry_run: bool,
    /// Hooks whose plugins are read again, also if nothing about them is configured otherwise.
    pub reload: HashSet<String>,
    /// How long each worker is waited for.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { dry_run: false, reload: HashSet::new(), patience: PATIENCE }
    }
}

/// What a change did, or would do.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// What was done with which hook, in chain order; those that left last.
    pub hooks: Vec<(String, Did)>,
    /// Whether the order of the hooks is another.
    pub reordered: bool,
    /// Whether what sinks take is another.
    pub rerouted: bool,
    /// How long the flow stood still, from the first worker that waited to the last that went on.
    pub pause: Duration,
    /// Keys of the configuration that take effect at the next start.
    pub at_next_start: Vec<&'static str>,
}

impl Applied {
    /// Whether nothing was to be done.
    pub fn is_nothing(&self) -> bool {
        self.hooks.is_empty() && !self.reordered && !self.rerouted
    }
}

/// The hooks that are at work, as one sees them from outside.
#[derive(Clone)]
pub struct View {
    /// The configuration that they are of.
    pub config: Arc<Config>,
    /// In chain order.
    pub hooks: Vec<HookView>,
}

/// A hook that is at work.
#[derive(Clone)]
pub struct HookView {
    /// As it is configured.
    pub hook: Arc<config::Hook>,
    /// Its plugin.
    pub plugin: Plugin,
    /// How many instances it has.
    pub instances: u32,
    /// What is counted.
    pub metrics: Arc<HookMetrics>,
    /// Its breaker.
    pub gate: Option<Arc<Gate>>,
    /// The version that is tried beside it.
    pub candidate: Option<CandidateView>,
}

/// A version that is tried.
#[derive(Clone)]
pub struct CandidateView {
    /// The hook as it would be.
    pub hook: Arc<config::Hook>,
    /// Its plugin.
    pub plugin: Plugin,
    /// What is counted.
    pub metrics: Arc<HookMetrics>,
}

/// The hooks at work, and the way to change them.
pub struct Live {
    running: Mutex<Running>,
    view: RwLock<Arc<View>>,
    /// One for each worker.
    desks: Vec<Arc<Desk>>,
    loader: Loader,
    metrics: Arc<Metrics>,
    dead_letters: Arc<DeadLetters>,
    taps: Arc<Taps>,
}

/// What is at work now.
struct Running {
    config: Arc<Config>,
    parts: Vec<Part>,
    assembly: Arc<Assembly>,
    next_id: u32,
}

/// What a run consists of when it begins.
pub(crate) struct Begun {
    pub(crate) config: Config,
    pub(crate) parts: Vec<Part>,
    pub(crate) assembly: Arc<Assembly>,
    pub(crate) desks: Vec<Arc<Desk>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) dead_letters: Arc<DeadLetters>,
    pub(crate) taps: Arc<Taps>,
}

/// A hook of the new chain, the steps to it, and what is told of them.
type Made = (Part, (Step, Trial), Option<Did>);

/// A change that is ready to be made.
struct Change {
    config: Config,
    parts: Vec<Part>,
    steps: Vec<(Step, Trial)>,
    assembly: Assembly,
    next_id: u32,
    applied: Applied,
}

impl Live {
    /// The hooks of a run that begins; `loader` loads what comes later.
    pub(crate) fn new(begun: Begun, loader: Loader) -> Live {
        let Begun { config, parts, assembly, desks, metrics, dead_letters, taps } = begun;
        let next_id = parts.len() as u32;
        parts.iter().for_each(|part| note_at_work(&loader, part));
        let running = Running { config: Arc::new(config), parts, assembly, next_id };
        let view = RwLock::new(Arc::new(running.view()));
        Live { running: Mutex::new(running), view, desks, loader, metrics, dead_letters, taps }
    }

    /// What is at work now. Does not wait for a change that is under way.
    pub fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// How long workers wait to write dead letters.
    pub fn dead_letter_waits(&self) -> &Waitings {
        self.dead_letters.waits()
    }

    /// Where it is looked at what flows.
    pub fn taps(&self) -> &Arc<Taps> {
        &self.taps
    }

    /// What loads plugins, as the configuration wants them.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// Makes the hooks and what the sinks take as this configuration says.
    pub fn apply(&self, config: &Config, options: &Options) -> Result<Applied, ChangeError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Change { config, parts, steps, assembly, next_id, mut applied } =
            self.prepare(&running, config, options)?;
        if options.dry_run {
            return Ok(applied);
        }
        if !applied.is_nothing() {
            applied.pause = self.hand_over(&parts, steps, &assembly, options.patience)?;
        }
        self.metrics.set_hooks(all_metrics(&parts));
        for part in &parts {
            part.note_setting();
        }
        *running = Running { config: Arc::new(config), parts, assembly: Arc::new(assembly), next_id };
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(running.view());
        for (hook, did) in &applied.hooks {
            tracing::info!(hook = hook.as_str(), "{}", did.name());
            let part = running.parts.iter().find(|part| part.hook.name == *hook);
            self.metrics.changes.add(did.name());
            if let Some(part) = part {
                note_at_work(&self.loader, part);
            }
        }
        Ok(applied)
    }

    /// Does all that can be done beside the flow.
    fn prepare(&self, running: &Running, config: &Config, options: &Options) -> Result<Change, ChangeError> {
        let mut applied =
            Applied { at_next_start: change::at_next_start(&running.config, config), ..Applied::default() };
        let config = running.config.with_hooks_of(config);
        let mut wrong = Vec::new();
        let (mut parts, mut steps, mut next_id) = (Vec::new(), Vec::new(), running.next_id);
        for hook in config.hooks.iter().filter(|hook| hook.enabled) {
            let old = running.parts.iter().find(|part| part.hook.name == hook.name);
            let made = match old {
                Some(old) => self.go_on(old, hook, options),
                None => self.join(hook, next_id).map(|(part, steps)| (part, steps, Some(Did::Loaded))),
            };
            next_id += u32::from(old.is_none());
            match made {
                Ok((part, step, did)) => {
                    applied.hooks.extend(did.map(|did| (hook.name.clone(), did)));
                    parts.push(part);
                    steps.push(step);
                }
                Err(errors) => wrong.extend(errors),
            }
        }
        if !wrong.is_empty() {
            return Err(ChangeError::Hooks(wrong));
        }
        let is_there = |name: &str| parts.iter().any(|part| part.hook.name == name);
        let gone = running.parts.iter().filter(|part| !is_there(&part.hook.name));
        applied.hooks.extend(gone.map(|part| (part.hook.name.clone(), Did::Unloaded)));
        let order = |parts: &[Part], others: &[Part]| -> Vec<u32> {
            let both = parts.iter().filter(|part| others.iter().any(|other| other.id == part.id));
            both.map(|part| part.id).collect()
        };
        applied.reordered = order(&parts, &running.parts) != order(&running.parts, &parts);
        applied.rerouted = config.sinks != running.config.sinks;
        let assembly = Assembly::new(&config, &parts, self.desks.len() as u32, &self.dead_letters)?;
        let assembly = assembly.after(&running.assembly);
        Ok(Change { config, parts, steps, assembly, next_id, applied })
    }

    /// How a hook that is at work becomes what it is configured as.
    fn go_on(&self, old: &Part, hook: &config::Hook, options: &Options) -> Result<Made, Vec<String>> {
        let need = match options.reload.contains(&hook.name) {
            true => Need::Instances,
            false => change::need(&old.hook, &old.plugin.sha256, hook),
        };
        let gate = match &old.gate {
            Some(gate) if gate.is_as_for(hook) => gate.clone(),
            _ => Arc::new(Gate::new(hook)),
        };
        let part = Part { hook: Arc::new(hook.clone()), gate: Some(gate), candidate: None, ..old.clone() };
        if need == Need::Instances
            && let Some(tried) = old.candidate.as_ref().filter(|tried| is_promoted(tried, hook))
        {
            let Part { plugin, plan, metrics, .. } = (**tried).clone();
            let gate = Some(Arc::new(Gate::new(hook)));
            let metrics = Arc::new(metrics.at_work());
            let promoted = Part { plugin, plan, metrics, gate, ..part };
            let (candidate, trial) = self.trial(None, hook, old.id)?;
            return Ok((Part { candidate, ..promoted }, (Step::Promote, trial), Some(Did::Promoted)));
        }
        let (candidate, trial) = self.trial(old.candidate.as_deref(), hook, old.id)?;
        let tried = match trial {
            Trial::Keep if old.hook.candidate == hook.candidate => None,
            _ => Some(Did::Changed),
        };
        let (part, step, did) = match need {
            Need::Nothing => {
                let did = change::is_set_otherwise(&old.hook, hook).then_some(Did::Changed);
                (part, Step::Keep, did.or(tried))
            }
            Need::Limits => {
                let plan = adapted(old, hook)?;
                (Part { plan: Arc::new(plan), ..part }, Step::Adapt, Some(Did::Changed))
            }
            Need::Instances => {
                let (new, _first) = self.prepared(hook, old.id)?;
                (new, Step::Swap, Some(Did::Swapped))
            }
        };
        Ok((Part { candidate, ..part }, (step, trial), did))
    }

    /// What becomes of the version that is tried beside a hook, if one is or is to be.
    fn trial(
        &self,
        old: Option<&Part>,
        hook: &config::Hook,
        id: u32,
    ) -> Result<(Option<Box<Part>>, Trial), Vec<String>> {
        let Some(wanted) = &hook.candidate else {
            return Ok((None, if old.is_some() { Trial::End } else { Trial::Keep }));
        };
        let as_hook = wanted.hook(hook);
        if let Some(old) = old
            && change::need(&old.hook, &old.plugin.sha256, &as_hook) == Need::Nothing
            && old.metrics.differences().is_some() == wanted.shadow
        {
            let part = Part { hook: Arc::new(as_hook), ..old.clone() };
            return Ok((Some(Box::new(part)), Trial::Keep));
        }
        let named = |error: String| format!("candidate: {error}");
        let workers = self.desks.len() as u32;
        let prepared = prepare::one(&as_hook, &self.loader, workers)
            .map_err(|errors| errors.into_iter().map(named).collect::<Vec<_>>())?;
        let (tried, _first) = tried(hook, id, prepared, workers);
        Ok((Some(Box::new(tried)), Trial::Begin))
    }

    /// A hook that is new, with its instances.
    fn join(&self, hook: &config::Hook, id: u32) -> Result<(Part, (Step, Trial)), Vec<String>> {
        let (candidate, trial) = self.trial(None, hook, id)?;
        let (part, first) = self.prepared(hook, id)?;
        let Part { plan, metrics, .. } = &part;
        let now_ns = clock::now_ns();
        let others = (1..metrics.instances).map(|worker| (worker, None)).collect();
        let started = Successor::started(plan, first, now_ns, metrics)
            .and_then(|first| Ok((first, handover::start_all(plan, others, now_ns, metrics)?)));
        let (first, others) = started
            .map_err(|failure| vec![ChangeError::Load { hook: hook.name.clone(), failure }.to_string()])?;
        let load = Step::Load(std::iter::once(first).chain(others).collect());
        Ok((Part { candidate, ..part }, (load, trial)))
    }

    /// A hook's plugin, loaded, started once and checked.
    fn prepared(&self, hook: &config::Hook, id: u32) -> Result<(Part, Instance), Vec<String>> {
        let workers = self.desks.len() as u32;
        let (part, first, _) = part(id, prepare::one(hook, &self.loader, workers)?, workers, true);
        Ok((part, first))
    }

    /// Asks all workers for their chains, and gives them back changed; how long they stood still.
    fn hand_over(
        &self,
        parts: &[Part],
        steps: Vec<(Step, Trial)>,
        assembly: &Assembly,
        patience: Duration,
    ) -> Result<Duration, ChangeError> {
        let until = Instant::now() + patience;
        self.desks.iter().for_each(|desk| desk.ask());
        let mut borrowed: Vec<(u32, Borrowed)> = Vec::with_capacity(self.desks.len());
        let mut busy = None;
        let mut since: Option<Instant> = None;
        for (worker, desk) in self.desks.iter().enumerate() {
            match desk.collect(until) {
                Collected::Chain(chain) => {
                    since.get_or_insert_with(Instant::now);
                    borrowed.push((worker as u32, chain));
                }
                Collected::Left => {}
                Collected::Busy => busy = busy.or(Some(worker)),
            }
        }
        if let Some(worker) = busy {
            borrowed.into_iter().for_each(|(_, chain)| chain.give_back(None));
            return Err(ChangeError::Busy { worker, waited: patience });
        }
        let Some(since) = since else { return Err(ChangeError::Ending) };
        handover::hand_over(borrowed, parts, steps, assembly, clock::now_ns())
            .map_err(|Refusal { hook, failure }| ChangeError::Swap { hook, failure })?;
        Ok(since.elapsed())
    }
}

impl Running {
    fn view(&self) -> View {
        let hooks = self.parts.iter().map(|part| HookView {
            hook: part.hook.clone(),
            plugin: part.plugin.clone(),
            instances: part.metrics.instances,
            metrics: part.metrics.clone(),
            gate: part.gate.clone(),
            candidate: part.candidate.as_ref().map(|tried| CandidateView {
                hook: tried.hook.clone(),
                plugin: tried.plugin.clone(),
                metrics: tried.metrics.clone(),
            }),
        });
        View { config: self.config.clone(), hooks: hooks.collect() }
    }
}

/// The plugins of a hook are at work.
fn note_at_work(loader: &Loader, part: &Part) {
    if let Some(tried) = &part.candidate {
        loader.note_at_work(&part.hook.name, &tried.plugin, true);
    }
    loader.note_at_work(&part.hook.name, &part.plugin, false);
}

/// Whether a hook is now configured as the version that was tried beside it.
fn is_promoted(tried: &Part, hook: &config::Hook) -> bool {
    change::need(&tried.hook, &tried.plugin.sha256, hook) == Need::Nothing
        || hook.sha256 == Some(tried.plugin.sha256) && change::has_same_config(hook, &tried.hook)
}

/// The plan of a hook with other limits and grants, which has to be granted all that it asked for.
fn adapted(old: &Part, hook: &config::Hook) -> Result<Plan, Vec<String>> {
    let at = |message: String| format!("{}: hook \"{}\": {message}", hook.place, hook.name);
    let missing = old.plugin.imports.iter().filter(|import| !hook.grant.imports.contains(&import.name));
    let mut wrong: Vec<String> = missing
        .map(|import| {
            let name = &import.name;
            at(format!(
                "it calls {}, which would not be granted; leave {name:?} in imports",
                import.interface
            ))
        })
        .collect();
    match grants::check(&old.plan.asked, &hook.grant) {
        Ok(interest) if wrong.is_empty() => Ok(Plan {
            blueprint: old.plan.blueprint.adapted(hook, prepare::limits(hook)),
            asked: old.plan.asked.clone(),
            interest,
            recycle: hook.recycle,
        }),
        Ok(_) => Err(wrong),
        Err(errors) => {
            wrong.extend(errors.into_iter().map(at));
            Err(wrong)
        }
    }
}

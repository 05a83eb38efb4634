//! What passes events on when a run or a rehearsal begins: the assembled parts, and each worker's chain of them.
//!
//! A run puts threads and queues around it, a rehearsal does not. The only thing that can go wrong is that too many
//! fields are asked for.

use std::sync::Arc;

use super::assembly::{Assembly, Part, host_name};
use crate::config::{self, Config};
use crate::decode;
use crate::drain::Drain;
use crate::event::projection::{Projection, TooManyFields};
use crate::event::unseen::Unseen;
use crate::hook::dead_letters::DeadLetters;
use crate::hook::gate::Gate;
use crate::hook::instance::Instance;
use crate::hook::load::Plugin;
use crate::hook::place::places;
use crate::hook::prepare::Prepared;
use crate::hook::rollout::Asides;
use crate::hook::seat::Plan;
use crate::hook::stage::Stage;
use crate::hook::stage::candidate::Candidate;
use crate::metrics::{Counted, HookMetrics, Metrics, Role};
use crate::router::Router;
use crate::source::{Context, Times};

/// What the stages share with whoever runs them.
pub(crate) struct Around<'r> {
    /// Where dead letters go.
    pub(crate) dead_letters: &'r Arc<DeadLetters>,
    /// Whether breakers open: events flow in real time.
    pub(crate) has_gates: bool,
}

/// The wired parts.
pub(crate) struct Wiring {
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The fields that anybody asks for.
    pub(crate) projection: Arc<Projection>,
    /// The fields that did not come yet.
    pub(crate) unseen: Arc<Unseen>,
    /// Which sink takes what.
    pub(crate) router: Router,
    /// How the events of each source carry their time.
    pub(crate) times: Arc<Times>,
    /// The hooks that rollouts leave events to.
    pub(crate) asides: Arc<Asides>,
    /// The stages of each worker's chain.
    pub(crate) chains: Vec<Vec<Stage>>,
    /// The hooks, in chain order.
    pub(crate) parts: Vec<Part>,
    /// All of it but the chains.
    pub(crate) assembly: Arc<Assembly>,
}

impl Wiring {
    /// Wires `hooks` for so many workers.
    pub(crate) fn new(
        config: &Config,
        hooks: Vec<Prepared>,
        workers: u32,
        around: &Around<'_>,
    ) -> Result<Wiring, TooManyFields> {
        let mut parts = Vec::with_capacity(hooks.len());
        let mut firsts = Vec::with_capacity(hooks.len());
        for (id, prepared) in (0..).zip(hooks) {
            let (mut part, first, candidate) = part(id, prepared, workers, around.has_gates);
            // Where nothing flows in real time, nothing is tried.
            let candidate = candidate.filter(|_| around.has_gates).map(|candidate| {
                let (tried, first) = tried(&part.hook, id, *candidate, workers);
                part.candidate = Some(Box::new(tried));
                first
            });
            parts.push(part);
            firsts.push((first, candidate));
        }
        let sources = config.sources.iter().map(|source| source.name.as_str());
        let sinks = config.sinks.iter().map(|sink| sink.name.as_str());
        let metrics = Arc::new(Metrics::new(all_metrics(&parts), sources, sinks));
        parts.iter().for_each(Part::note_setting);
        let assembly = Arc::new(Assembly::new(config, &parts, workers, around.dead_letters)?);
        let mut chains: Vec<Vec<Stage>> = (0..workers).map(|_| Vec::new()).collect();
        for (((plan, candidate), part), (first, tried)) in
            assembly.stages.iter().zip(&assembly.candidates).zip(&parts).zip(firsts)
        {
            let mut candidates = match (candidate, &part.candidate, tried) {
                (Some(plan), Some(tried), Some(first)) => {
                    let seats = places(&tried.plan, first, workers).into_iter();
                    seats.map(|seat| Candidate::new(Stage::new(plan.clone(), seat))).collect()
                }
                _ => Vec::new(),
            }
            .into_iter();
            for (chain, seat) in chains.iter_mut().zip(places(&part.plan, first, workers)) {
                let mut stage = Stage::new(plan.clone(), seat);
                *stage.candidate() = candidates.next().map(Box::new);
                chain.push(stage);
            }
        }
        Ok(Wiring {
            metrics,
            projection: assembly.projection.clone(),
            unseen: assembly.unseen.clone(),
            router: assembly.router.clone(),
            times: assembly.times.clone(),
            asides: assembly.asides.clone(),
            chains,
            parts,
            assembly,
        })
    }

    /// What the readers of the source of this number know.
    pub(crate) fn context(&self, config: &Config, source: usize, drain: &Arc<Drain>) -> Option<Context> {
        let id = u32::try_from(source).ok()?;
        let source = config.sources.get(source)?;
        Some(Context {
            id,
            name: Arc::from(source.name.as_str()),
            host: host_name(),
            times: self.times.clone(),
            framing: decode::Options {
                max_event_bytes: config.max_event_bytes,
                format: source.decode.into(),
            },
            drain: drain.clone(),
            metrics: self.metrics.sources.get(id as usize)?.clone(),
        })
    }
}

/// A hook that is prepared, as a part with this number; its first instance, and what is to be tried beside it.
pub(crate) fn part(
    id: u32,
    prepared: Prepared,
    workers: u32,
    has_gate: bool,
) -> (Part, Instance, Option<Box<Prepared>>) {
    let Prepared { hook, plugin, plan, first, candidate } = prepared;
    let metrics = counted(&hook.name, &plugin, &plan, workers, Role::AtWork);
    let gate = has_gate.then(|| Arc::new(Gate::new(&hook)));
    (Part { id, hook, plugin, plan, metrics, gate, candidate: None }, first, candidate)
}

/// The same for a version that is tried beside `hook`.
pub(crate) fn tried(hook: &config::Hook, id: u32, prepared: Prepared, workers: u32) -> (Part, Instance) {
    let is_shadow = hook.candidate.as_ref().is_some_and(|candidate| candidate.shadow);
    let role = if is_shadow { Role::Shadow } else { Role::Candidate };
    let (mut part, first, _) = part(id, prepared, workers, true);
    part.metrics = counted(&part.hook.name, &part.plugin, &part.plan, workers, role);
    (part, first)
}

/// The counters of hooks, each before those of the version that is tried beside it.
pub(crate) fn all_metrics(parts: &[Part]) -> Vec<Arc<HookMetrics>> {
    let tried = |part: &Part| part.candidate.as_ref().map(|tried| tried.metrics.clone());
    parts.iter().flat_map(|part| std::iter::once(part.metrics.clone()).chain(tried(part))).collect()
}

/// Counters for a hook of this plugin among so many workers.
fn counted(name: &str, plugin: &Plugin, plan: &Plan, workers: u32, role: Role) -> Arc<HookMetrics> {
    Arc::new(HookMetrics::new(Counted {
        name: name.to_owned(),
        sha256: plugin.sha256,
        role,
        limits: *plan.blueprint.limits(),
        instances: plan.interest.placement.instances(workers),
        log: plan.blueprint.log_metrics(),
    }))
}

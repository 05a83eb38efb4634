//! What passes events on, wired together from the configuration: the projection, the router, each worker's chain.
//!
//! A run puts threads and queues around it, a rehearsal does not. The only thing that can go wrong is that too many
//! fields are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Config;
use crate::decode;
use crate::drain::Drain;
use crate::event::batch::{Origin, SourceId};
use crate::event::column::Column;
use crate::event::condition::Condition;
use crate::event::duplicates::Written;
use crate::event::field::{EventTime, Matcher};
use crate::event::path::{Meta, Path};
use crate::event::projection::{Projection, TooManyFields};
use crate::event::selection::Selection;
use crate::event::time::TimeFormat;
use crate::event::unseen::Unseen;
use crate::hook::chain::places;
use crate::hook::dead_letters::DeadLetters;
use crate::hook::dead_letters::setup::Setup;
use crate::hook::gate::Gate;
use crate::hook::prepare::Prepared;
use crate::hook::rollout::{Asides, Rollout};
use crate::hook::stage::{Stage, StagePlan};
use crate::metrics::{Counted, Metrics};
use crate::router::{Route, Router};
use crate::source::Context;

/// What the stages share with whoever runs them.
pub(crate) struct Around<'r> {
    /// Where dead letters go.
    pub(crate) dead_letters: &'r Arc<DeadLetters>,
    /// The end of the run; none: nothing flows in real time, and no breaker opens.
    pub(crate) drain: Option<&'r Arc<Drain>>,
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
    /// The hooks that rollouts leave events to.
    pub(crate) asides: Arc<Asides>,
    /// The stages of each worker's chain.
    pub(crate) chains: Vec<Vec<Stage>>,
}

impl Wiring {
    /// Wires `hooks` for so many workers.
    pub(crate) fn new(
        config: &Config,
        hooks: Vec<Prepared>,
        workers: u32,
        around: &Around<'_>,
    ) -> Result<Wiring, TooManyFields> {
        let metrics = Arc::new(Metrics::new(
            hooks.iter().filter_map(|prepared| {
                let hook = config.hooks.get(prepared.index)?;
                let plan = &prepared.plan;
                Some(Counted {
                    name: hook.name.clone(),
                    limits: *plan.blueprint.limits(),
                    instances: plan.interest.placement.instances(workers),
                    log: plan.blueprint.log_metrics(),
                })
            }),
            config.sinks.iter().map(|sink| sink.name.as_str()),
        ));
        let projection = Arc::new(projection(config, &hooks)?);
        let unseen = Arc::new(Unseen::new(read_paths(config, &hooks)));
        let names = Names::new(config, &hooks);
        let routes = config.sinks.iter().map(|sink| Route {
            selection: names.selection(sink.from.as_deref(), &sink.conditions, &projection),
            include: sink.include.clone(),
        });
        let router = Router::new(routes.collect());
        let asides = names.asides.clone();
        let chains = chains(config, hooks, workers, &projection, &names, &router, around);
        Ok(Wiring { metrics, projection, unseen, router, asides, chains })
    }

    /// What the readers of the source of this number know.
    pub(crate) fn context(&self, config: &Config, source: usize, drain: &Arc<Drain>) -> Option<Context> {
        let id = u32::try_from(source).ok()?;
        let source = config.sources.get(source)?;
        Some(Context {
            id,
            name: Arc::from(source.name.as_str()),
            host: host_name(),
            time: EventTime::new(&source.time, &self.projection),
            framing: decode::Options {
                max_event_bytes: config.max_event_bytes,
                format: source.decode.into(),
            },
            drain: drain.clone(),
            metrics: self.metrics.clone(),
        })
    }
}

/// The numbers behind names.
struct Names {
    /// Those in `from`.
    sources: HashMap<String, SourceId>,
    /// Those in `otherwise`.
    asides: Arc<Asides>,
}

impl Names {
    fn new(config: &Config, hooks: &[Prepared]) -> Names {
        let sources = config.sources.iter().enumerate();
        let mut sources: HashMap<_, _> =
            sources.map(|(id, source)| (source.name.clone(), SourceId::Source(id as u32))).collect();
        for (place, prepared) in hooks.iter().enumerate() {
            if let Some(hook) = config.hooks.get(prepared.index) {
                sources.insert(format!("hook:{}", hook.name), SourceId::Hook(place as u32));
            }
        }
        let asides = Arc::new(Asides::new(config.hooks.iter().map(|hook| &hook.rollout)));
        Names { sources, asides }
    }

    /// Names of hooks that are not enabled stand for nobody.
    fn selection(
        &self,
        from: Option<&[String]>,
        conditions: &[Condition],
        projection: &Projection,
    ) -> Selection {
        Selection {
            from: from.map(|from| from.iter().filter_map(|name| self.sources.get(name).copied()).collect()),
            matchers: conditions.iter().filter_map(|condition| Matcher::new(condition, projection)).collect(),
            aside: None,
        }
    }
}

/// Every field that anybody reads or matches.
fn read_paths<'c>(config: &'c Config, hooks: &'c [Prepared]) -> Vec<&'c Path> {
    let mut paths: Vec<&Path> = Vec::new();
    for prepared in hooks {
        paths.extend(prepared.plan.interest.read.iter().map(|field| &field.path));
        if let Some(hook) = config.hooks.get(prepared.index) {
            paths.extend(hook.conditions.iter().chain(&hook.rollout.only).map(Condition::path));
            paths.extend(&hook.rollout.by);
        }
    }
    paths.extend(config.sinks.iter().flat_map(|sink| &sink.conditions).map(Condition::path));
    if uses_time(config, &paths) {
        // Of the usual names most are never there; one that was chosen should be.
        let chosen = config.sources.iter().filter_map(|source| match source.time.fields() {
            [field] => Some(field),
            _ => None,
        });
        paths.extend(chosen);
    }
    paths
}

/// Every field that anybody reads, writes, matches or takes the time from.
fn projection(config: &Config, hooks: &[Prepared]) -> Result<Projection, TooManyFields> {
    let mut paths = read_paths(config, hooks);
    let writes = hooks.iter().flat_map(|prepared| &prepared.plan.interest.write);
    paths.extend(writes.map(|field| &field.path));
    if uses_time(config, &paths) {
        paths.extend(config.sources.iter().flat_map(|source| source.time.fields()));
    }
    Projection::new(paths)
}

/// Whether anybody reads `%time`, which is looked for in fields.
fn uses_time(config: &Config, paths: &[&Path]) -> bool {
    paths.iter().any(|path| **path == Path::Meta(Meta::Time))
        || config.sinks.iter().any(|sink| sink.include.contains(&Meta::Time))
}

fn chains(
    config: &Config,
    hooks: Vec<Prepared>,
    workers: u32,
    projection: &Arc<Projection>,
    names: &Names,
    router: &Router,
    around: &Around<'_>,
) -> Vec<Vec<Stage>> {
    let mut chains: Vec<Vec<Stage>> = (0..workers).map(|_| Vec::new()).collect();
    let last = hooks.len().saturating_sub(1);
    for (place, prepared) in hooks.into_iter().enumerate() {
        let Some(hook) = config.hooks.get(prepared.index) else { continue };
        let interest = &prepared.plan.interest;
        let writes = interest.write.iter().filter_map(|field| projection.node(&field.path));
        let writes: Vec<_> = writes.collect();
        let written = match interest.write.as_slice() {
            [] => None,
            fields if fields.iter().any(|field| field.path == Path::Whole) => Some(Written::Whole),
            _ => Some(Written::Fields(writes.clone())),
        };
        let source_name: Arc<str> = Arc::from(format!("hook:{}", hook.name));
        let plan = Arc::new(StagePlan {
            name: hook.name.clone(),
            selection: Selection {
                aside: names.asides.of(&hook.name),
                ..names.selection(hook.from.as_deref(), &hook.conditions, projection)
            },
            rollout: Rollout::new(&hook.rollout, projection, &names.asides),
            asides: names.asides.clone(),
            reads: interest
                .read
                .iter()
                .filter_map(|field| Some((projection.field(&field.path)?, Column::new(field.kind))))
                .collect(),
            writes,
            written,
            tick_every: interest.tick,
            gate: around.drain.map(|drain| Gate::new(hook, drain.clone())),
            on_error: hook.on_error,
            dead_letters: around.dead_letters.clone(),
            setup: Setup::new(hook, &prepared.plugin, workers),
            origin: Origin {
                source: SourceId::Hook(place as u32),
                source_name: source_name.clone(),
                stream: source_name.clone(),
                file: None,
                host: host_name(),
                time: EventTime::new(&TimeFormat::default(), projection),
                received_ns: 0,
                identity: xxhash_rust::xxh3::xxh3_64(source_name.as_bytes()),
            },
            is_last: place == last && !router.reads_fields(),
        });
        let seats = places(&prepared.plan, prepared.first, workers);
        for (chain, seat) in chains.iter_mut().zip(seats) {
            chain.push(Stage::new(plan.clone(), seat));
        }
    }
    chains
}

fn host_name() -> Arc<str> {
    Arc::from(rustix::system::uname().nodename().to_string_lossy())
}

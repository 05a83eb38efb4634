//! The parts that are the same in every worker, put together: which fields are looked for, where each hook finds them, and
//! which sink takes what. Made again, beside the flow, each time that the hooks change.
//!
//! The only thing that can go wrong is that too many fields are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{self, Config, OnError};
use crate::event::batch::{Origin, SourceId};
use crate::event::column::Column;
use crate::event::condition::Condition;
use crate::event::duplicates::Written;
use crate::event::field::Matcher;
use crate::event::path::{Meta, Path};
use crate::event::projection::{Projection, TooManyFields};
use crate::event::selection::Selection;
use crate::event::unseen::Unseen;
use crate::hook::dead_letters::DeadLetters;
use crate::hook::dead_letters::setup::Setup;
use crate::hook::gate::Gate;
use crate::hook::load::Plugin;
use crate::hook::rollout::{Asides, Rollout};
use crate::hook::seat::Plan;
use crate::hook::stage::StagePlan;
use crate::metrics::{HookMetrics, Setting};
use crate::router::{Route, Router};
use crate::source::Times;
use crate::worker::Fit;

/// A hook that is in the chain.
#[derive(Clone)]
pub(crate) struct Part {
    /// Whose events its events are. It keeps its number while it is there, wherever in the chain.
    pub(crate) id: u32,
    /// How it is configured.
    pub(crate) hook: Arc<config::Hook>,
    /// Its plugin.
    pub(crate) plugin: Plugin,
    /// What its instances have in common.
    pub(crate) plan: Arc<Plan>,
    /// What is counted.
    pub(crate) metrics: Arc<HookMetrics>,
    /// The way in; none where nothing flows in real time, so that no breaker opens.
    pub(crate) gate: Option<Arc<Gate>>,
    /// A version that is tried beside it, as a hook of its own.
    pub(crate) candidate: Option<Box<Part>>,
}

impl Part {
    /// Lets its metrics, and those of what is tried beside it, tell how they are set now.
    pub(crate) fn note_setting(&self) {
        for part in std::iter::once(self).chain(self.candidate.as_deref()) {
            part.metrics.set(Setting {
                limits: *part.plan.blueprint.limits(),
                share: part.hook.rollout.share,
                // The way into the version at work is the way into the one that is tried.
                is_paused: self.hook.is_paused,
                gate: part.gate.clone(),
            });
        }
    }
}

/// All parts, put together.
pub(crate) struct Assembly {
    /// The fields that anybody asks for.
    pub(crate) projection: Arc<Projection>,
    /// Which sink takes what.
    pub(crate) router: Router,
    /// The fields that did not come yet.
    pub(crate) unseen: Arc<Unseen>,
    /// How the events of each source carry their time.
    pub(crate) times: Arc<Times>,
    /// The hooks that rollouts leave events to.
    pub(crate) asides: Arc<Asides>,
    /// The hooks, in chain order.
    pub(crate) stages: Vec<Arc<StagePlan>>,
    /// The versions that are tried beside them.
    pub(crate) candidates: Vec<Option<Arc<StagePlan>>>,
    /// What anybody reads or matches.
    read: Vec<Path>,
}

impl Assembly {
    /// Puts together hooks, sources and sinks for so many workers.
    pub(crate) fn new(
        config: &Config,
        parts: &[Part],
        workers: u32,
        dead_letters: &Arc<DeadLetters>,
    ) -> Result<Assembly, TooManyFields> {
        let read = read_paths(config, parts);
        let projection = Arc::new(projection(config, parts, &read)?);
        let names = Names::new(config, parts);
        let routes = config.sinks.iter().map(|sink| Route {
            selection: names.selection(sink.from.as_deref(), &sink.conditions, &projection),
            include: sink.include.clone(),
        });
        let router = Router::new(routes.collect());
        let unseen = Arc::new(Unseen::new(&read));
        let times = Arc::new(Times::new(&config.sources, &projection));
        let mut stages: Vec<Arc<StagePlan>> = Vec::with_capacity(parts.len());
        let mut candidates = Vec::with_capacity(parts.len());
        for (place, part) in parts.iter().enumerate() {
            let is_last = place + 1 == parts.len() && !router.reads_fields();
            let wired = Wired { projection: &projection, names: &names, times: &times, workers, is_last };
            let stage = wired.stage(part, dead_letters);
            candidates.push(
                part.candidate.as_ref().map(|tried| Arc::new(wired.candidate(tried, &stage, dead_letters))),
            );
            stages.push(Arc::new(stage));
        }
        let asides = names.asides;
        Ok(Assembly { projection, router, unseen, times, asides, stages, candidates, read })
    }

    /// The same, taking over from `before` what goes on as it was.
    pub(crate) fn after(self, before: &Assembly) -> Assembly {
        let mut assembly = self;
        if *assembly.projection == *before.projection {
            // Nodes are numbered alike, so that no event has to be parsed again.
            assembly.projection = before.projection.clone();
        }
        let new: Vec<&Path> = assembly.read.iter().filter(|path| !before.read.contains(path)).collect();
        assembly.unseen = if new.is_empty() { before.unseen.clone() } else { Arc::new(Unseen::new(new)) };
        assembly
    }

    /// What is new for a worker.
    pub(crate) fn fit(&self) -> Fit {
        Fit {
            projection: self.projection.clone(),
            router: self.router.clone(),
            unseen: self.unseen.clone(),
            times: self.times.clone(),
            asides: self.asides.clone(),
        }
    }
}

/// What a stage is wired to.
struct Wired<'w> {
    projection: &'w Arc<Projection>,
    names: &'w Names,
    times: &'w Times,
    workers: u32,
    is_last: bool,
}

impl Wired<'_> {
    fn stage(&self, part: &Part, dead_letters: &Arc<DeadLetters>) -> StagePlan {
        let Part { hook, plan, plugin, metrics, gate, id, .. } = part;
        let interest = &plan.interest;
        let writes = interest.write.iter().filter_map(|field| self.projection.node(&field.path));
        let writes: Vec<_> = writes.collect();
        let written = match interest.write.as_slice() {
            [] => None,
            fields if fields.iter().any(|field| field.path == Path::Whole) => Some(Written::Whole),
            _ => Some(Written::Fields(writes.clone())),
        };
        let source_name: Arc<str> = Arc::from(format!("hook:{}", hook.name));
        let reads = interest
            .read
            .iter()
            .filter_map(|field| Some((self.projection.field(&field.path)?, Column::new(field.kind))));
        StagePlan {
            name: Arc::from(hook.name.as_str()),
            metrics: metrics.clone(),
            is_paused: hook.is_paused,
            selection: Selection {
                aside: self.names.asides.of(&hook.name),
                ..self.names.selection(hook.from.as_deref(), &hook.conditions, self.projection)
            },
            projection: self.projection.clone(),
            rollout: Rollout::new(&hook.rollout, self.projection, &self.names.asides),
            asides: self.names.asides.clone(),
            reads: reads.collect(),
            writes,
            written,
            tick_every: interest.tick,
            gate: gate.clone(),
            on_error: hook.on_error,
            dead_letters: dead_letters.clone(),
            setup: Setup::new(hook, plugin, self.workers),
            origin: Origin {
                source: SourceId::Hook(*id),
                source_name: source_name.clone(),
                stream: source_name.clone(),
                file: None,
                host: host_name(),
                time: self.times.of(SourceId::Hook(*id)),
                received_ns: 0,
                identity: xxhash_rust::xxh3::xxh3_64(source_name.as_bytes()),
            },
            hands_back: false,
            shadow: None,
            is_last: self.is_last,
        }
    }

    /// A version that is tried beside `stable`.
    fn candidate(&self, tried: &Part, stable: &StagePlan, dead_letters: &Arc<DeadLetters>) -> StagePlan {
        let plan = self.stage(tried, dead_letters);
        // Its events are numbered apart until it takes over.
        let identity =
            xxhash_rust::xxh3::xxh3_64(format!("{}/candidate", plan.origin.source_name).as_bytes());
        StagePlan {
            selection: stable.selection.clone(),
            is_paused: stable.is_paused,
            on_error: OnError::Pass,
            hands_back: true,
            shadow: tried.metrics.differences().cloned(),
            // What the version at work is handed after it is read from the same rows.
            is_last: false,
            origin: Origin { identity, ..plan.origin.clone() },
            ..plan
        }
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
    fn new(config: &Config, parts: &[Part]) -> Names {
        let sources = config.sources.iter().enumerate();
        let sources = sources.map(|(id, source)| (source.name.clone(), SourceId::Source(id as u32)));
        let hooks = parts.iter().map(|part| (format!("hook:{}", part.hook.name), SourceId::Hook(part.id)));
        let asides = Arc::new(Asides::new(config.hooks.iter().map(|hook| &hook.rollout)));
        Names { sources: sources.chain(hooks).collect(), asides }
    }

    /// Names of hooks that are not in the chain stand for nobody.
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

/// The hooks, each with the version that is tried beside it.
fn with_candidates(parts: &[Part]) -> impl Iterator<Item = &Part> {
    parts.iter().flat_map(|part| std::iter::once(part).chain(part.candidate.as_deref()))
}

/// Every field that anybody reads or matches.
fn read_paths(config: &Config, parts: &[Part]) -> Vec<Path> {
    let mut paths: Vec<&Path> = Vec::new();
    for part in with_candidates(parts) {
        paths.extend(part.plan.interest.read.iter().map(|field| &field.path));
        paths.extend(part.hook.conditions.iter().chain(&part.hook.rollout.only).map(Condition::path));
        paths.extend(&part.hook.rollout.by);
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
    paths.into_iter().cloned().collect()
}

/// Every field that anybody reads, writes, matches or takes the time from.
fn projection(config: &Config, parts: &[Part], read: &[Path]) -> Result<Projection, TooManyFields> {
    let mut paths: Vec<&Path> = read.iter().collect();
    let writes = with_candidates(parts).flat_map(|part| &part.plan.interest.write);
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

/// The name of this machine.
pub(super) fn host_name() -> Arc<str> {
    Arc::from(rustix::system::uname().nodename().to_string_lossy())
}

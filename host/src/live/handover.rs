//! A change of the chain, made on all workers or on none, while they wait.
//!
//! ```text
//! for each hook that is swapped: save(old) -> init(new, states) -> one call of zero rows     any failure: nothing changes
//! then, for all:                 teardown(old), whose last events set out when the workers go on
//! ```
//!
//! Everything that takes long (reading, compiling, the first `init`) was done before, beside the flow. The time here is what
//! the flow stands still for: the calls of the guests, each within its deadline; those of different workers at once.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::hook::chain::{Farewell, Link};
use crate::hook::contract::Reason;
use crate::hook::convert::Emission;
use crate::hook::failure::Failure;
use crate::hook::grants::Placement;
use crate::hook::journey::Journey;
use crate::hook::place::{Place, Shared};
use crate::hook::seat::{Plan, Seat, Successor};
use crate::hook::stage::candidate::Candidate;
use crate::hook::stage::{Stage, StagePlan};
use crate::metrics::HookMetrics;
use crate::pipeline::assembly::{Assembly, Part};
use crate::worker::desk::Borrowed;

/// What becomes of one hook of the new chain.
pub(super) enum Step {
    /// It goes on, at its new place and with whatever its instances need not know of.
    Keep,
    /// The same, and its instances are held to other limits.
    Adapt,
    /// Instances of another version or with another config take over.
    Swap,
    /// The version that was tried beside it takes over, with what it has become.
    Promote,
    /// It was not there before. These are its instances, one for each worker or one for all.
    Load(Vec<Successor>),
}

/// What becomes of the version that is tried beside a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// It goes on, if there is one.
    Keep,
    /// One begins; another that there was ends.
    Begin,
    /// It ends.
    End,
}

/// A hook that could not take over.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) hook: String,
    pub(super) failure: Failure,
}

/// A worker's chain while it is changed.
struct Desk {
    /// Its number.
    worker: u32,
    borrowed: Borrowed,
    /// The names of its hooks before.
    names: Vec<Arc<str>>,
    links: Vec<Option<Link>>,
    /// The last events of hooks that were there, with journeys in the chain before.
    farewells: Vec<Farewell>,
    /// The first events of hooks that are new, with journeys in the chain after.
    greetings: Vec<Farewell>,
}

/// How a swapped hook goes on: the instances, in the order of the desks, or one for all.
type Successors = Vec<Successor>;

/// Changes the chains of the workers of these numbers. Either all of them are as `assembly` says, or none is changed.
pub(super) fn hand_over(
    borrowed: Vec<(u32, Borrowed)>,
    parts: &[Part],
    steps: Vec<(Step, Trial)>,
    assembly: &Assembly,
    now_ns: u64,
) -> Result<(), Refusal> {
    let mut desks: Vec<Desk> =
        borrowed.into_iter().map(|(worker, borrowed)| Desk::new(worker, borrowed)).collect();
    let mut ready = Vec::with_capacity(steps.len());
    for (part, (step, trial)) in parts.iter().zip(steps) {
        match Ready::new(&mut desks, part, step, trial, now_ns) {
            Ok(made) => ready.push(made),
            Err(failure) => {
                desks.into_iter().for_each(Desk::undo);
                return Err(Refusal { hook: part.hook.name.clone(), failure });
            }
        }
    }
    let now = Instant::now();
    let mut links: Vec<Vec<Link>> = desks.iter().map(|_| Vec::with_capacity(parts.len())).collect();
    let plans = assembly.stages.iter().zip(&assembly.candidates);
    for (place, ((part, (plan, candidate)), ready)) in parts.iter().zip(plans).zip(ready).enumerate() {
        let joining = Joining { plan, place, hooks: parts.len(), old: Vec::new(), now, of: &part.plan };
        let mut tried = take_candidates(&mut desks, &plan.name);
        match ready.step {
            Step::Keep | Step::Adapt => {
                for (desk, links) in desks.iter_mut().zip(&mut links) {
                    if let Some(mut link) = desk.take(&plan.name) {
                        if matches!(ready.step, Step::Adapt) {
                            link.stage().place.with(|seat| seat.adapt(&part.plan));
                        }
                        links.push(link.planned(plan.clone(), now));
                    }
                }
            }
            Step::Swap => {
                let old = part_ways(&mut desks, &plan.name, Reason::Swap);
                join(&mut desks, &mut links, &Joining { old, ..joining }, ready.successors);
            }
            Step::Promote => {
                let old = part_ways(&mut desks, &plan.name, Reason::Swap);
                let promoted = std::mem::take(&mut tried);
                for ((candidate, emitted), links) in promoted.into_iter().zip(old).zip(&mut links) {
                    let Some(candidate) = candidate else { continue };
                    let mut stage = candidate.into_stage().planned(plan.clone());
                    stage.reserve(emitted as usize);
                    links.push(Link::new(stage, now));
                }
            }
            Step::Load(successors) => join(&mut desks, &mut links, &joining, successors),
        }
        match (ready.trial, candidate) {
            (Trial::Keep, Some(plan)) => {
                for (candidate, links) in tried.into_iter().zip(&mut links) {
                    if let (Some(candidate), Some(link)) = (candidate, links.last_mut()) {
                        *link.stage().candidate() = Some(Box::new(candidate.planned(plan.clone())));
                    }
                }
            }
            (Trial::Begin, Some(plan)) => {
                end_trial(&mut desks, tried);
                let of = part.candidate.as_ref().map_or(&part.plan, |tried| &tried.plan);
                begin_trial(&mut desks, &mut links, &Joining { plan, of, ..joining }, ready.tried);
            }
            _ => end_trial(&mut desks, tried),
        }
    }
    let gone: Vec<Arc<str>> = match desks.first() {
        None => Vec::new(),
        Some(desk) => desk.links.iter().flatten().map(|link| link.plan().name.clone()).collect(),
    };
    for name in gone {
        let tried = take_candidates(&mut desks, &name);
        end_trial(&mut desks, tried);
        part_ways(&mut desks, &name, Reason::Unload);
    }
    for (desk, links) in desks.into_iter().zip(links) {
        desk.give_back(links, assembly);
    }
    Ok(())
}

/// What is ready for one hook before anything is changed.
struct Ready {
    step: Step,
    trial: Trial,
    /// The instances that take over.
    successors: Successors,
    /// The instances that are tried.
    tried: Successors,
}

impl Ready {
    fn new(desks: &mut [Desk], part: &Part, step: Step, trial: Trial, now_ns: u64) -> Result<Ready, Failure> {
        let successors = match step {
            Step::Swap => successors(desks, part, now_ns)?,
            _ => Vec::new(),
        };
        let tried = match (trial, &part.candidate) {
            (Trial::Begin, Some(tried)) => self::successors(desks, tried, now_ns)?,
            _ => Vec::new(),
        };
        Ok(Ready { step, trial, successors, tried })
    }
}

impl Desk {
    fn new(worker: u32, mut borrowed: Borrowed) -> Desk {
        let names = borrowed.chain().names();
        let links = borrowed.chain().take_links().into_iter().map(Some).collect();
        Desk { worker, borrowed, names, links, farewells: Vec::new(), greetings: Vec::new() }
    }

    /// The place of a hook in the chain as it was.
    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| **known == *name)
    }

    fn link(&mut self, name: &str) -> Option<&mut Link> {
        let place = self.place(name)?;
        self.links.get_mut(place)?.as_mut()
    }

    fn take(&mut self, name: &str) -> Option<Link> {
        let place = self.place(name)?;
        self.links.get_mut(place)?.take()
    }

    /// What a hook said last sets out behind the place that it had.
    fn say_farewell(&mut self, plan: &Arc<StagePlan>, emission: Emission, emitted: u64) {
        if emission.events.ends.is_empty() {
            return;
        }
        let place = self.place(&plan.name).map_or(0, |place| place + 1);
        let journey = Journey::from(place, self.names.len());
        self.farewells.push(Farewell { plan: plan.clone(), emission, emitted, journey });
    }

    /// The worker goes on as before.
    fn undo(mut self) {
        let links = self.links.into_iter().flatten().collect();
        let chain = std::mem::take(self.borrowed.chain());
        *self.borrowed.chain() = chain.relinked(&self.names, links, Vec::new());
        self.borrowed.give_back(None);
    }

    /// The worker goes on with these.
    fn give_back(mut self, links: Vec<Link>, assembly: &Assembly) {
        let chain = std::mem::take(self.borrowed.chain());
        let mut chain = chain.relinked(&self.names, links, self.farewells);
        chain.greet(self.greetings);
        *self.borrowed.chain() = chain;
        self.borrowed.give_back(Some(assembly.fit()));
    }
}

/// Instances of a plan that take over from those of the same name, which go on until the end of the change.
fn successors(desks: &mut [Desk], part: &Part, now_ns: u64) -> Result<Successors, Failure> {
    let name = part.hook.name.as_str();
    let mut saved: Vec<Option<Arc<[u8]>>> = Vec::with_capacity(desks.len());
    let mut is_shared = false;
    for desk in desks.iter_mut() {
        let Some(link) = desk.link(name) else {
            saved.push(None);
            continue;
        };
        let old = link.plan().metrics.clone();
        let place = &mut link.stage().place;
        match place {
            // Once for all workers.
            Place::Shared(_) if is_shared => saved.push(None),
            _ => saved.push(place.with(|seat| seat.save_for_successor(&old))),
        }
        is_shared |= matches!(place, Place::Shared(_));
    }
    let (plan, metrics) = (&part.plan, &part.metrics);
    if plan.interest.placement == Placement::Single {
        let states: Vec<Arc<[u8]>> = saved.into_iter().flatten().collect();
        return Ok(vec![Successor::start(plan, 0, &states, now_ns, metrics)?]);
    }
    let workers: Vec<u32> = desks.iter().map(|desk| desk.worker).collect();
    start_all(plan, workers.into_iter().zip(saved).collect(), now_ns, metrics)
}

/// Starts an instance for each of these workers, with what is to be handed to it, all at once.
pub(super) fn start_all(
    plan: &Arc<Plan>,
    workers: Vec<(u32, Option<Arc<[u8]>>)>,
    now_ns: u64,
    metrics: &HookMetrics,
) -> Result<Successors, Failure> {
    let start = |(worker, state): (u32, Option<Arc<[u8]>>)| {
        Successor::start(plan, worker, state.as_slice(), now_ns, metrics)
    };
    if workers.len() < 2 {
        return workers.into_iter().map(start).collect();
    }
    thread::scope(|scope| {
        let threads: Vec<_> = workers.into_iter().map(|worker| scope.spawn(move || start(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(Failure::panicked()))).collect()
    })
}

/// Ends the instances of a hook; what they say last sets out later. How many events its stages have emitted then.
fn part_ways(desks: &mut [Desk], name: &str, reason: Reason) -> Vec<u64> {
    let mut emitted = Vec::with_capacity(desks.len());
    let mut is_over = false;
    for desk in desks.iter_mut() {
        let Some(mut link) = desk.take(name) else { continue };
        let plan = link.plan().clone();
        let stage = link.stage();
        let mut last = Emission::default();
        if !(is_over && matches!(stage.place, Place::Shared(_))) {
            last = stage.end(reason);
            is_over = true;
        }
        let first = stage.reserve(last.events.ends.len());
        emitted.push(stage.reserve(0));
        desk.say_farewell(&plan, last, first);
    }
    emitted
}

/// Takes the versions out that are tried beside a hook, in the order of the desks.
fn take_candidates(desks: &mut [Desk], name: &str) -> Vec<Option<Box<Candidate>>> {
    desks.iter_mut().map(|desk| desk.link(name).and_then(|link| link.stage().candidate().take())).collect()
}

/// Ends versions that were tried. What a shadow says last is nobody's.
fn end_trial(desks: &mut [Desk], tried: Vec<Option<Box<Candidate>>>) {
    let mut is_over = false;
    for (desk, candidate) in desks.iter_mut().zip(tried) {
        let Some(candidate) = candidate else { continue };
        let is_shadow = candidate.is_shadow();
        let mut stage = candidate.into_stage();
        if is_over && matches!(stage.place, Place::Shared(_)) {
            continue;
        }
        is_over = true;
        let last = stage.end(Reason::Unload);
        if !is_shadow {
            let first = stage.reserve(last.events.ends.len());
            desk.say_farewell(&stage.plan().clone(), last, first);
        }
    }
}

/// Puts versions that are tried beside the hook whose links were made last.
fn begin_trial(desks: &mut [Desk], links: &mut [Vec<Link>], joining: &Joining<'_>, tried: Successors) {
    let mut made: Vec<Vec<Link>> = desks.iter().map(|_| Vec::new()).collect();
    join(desks, &mut made, joining, tried);
    for (made, links) in made.into_iter().zip(links) {
        if let (Some(made), Some(link)) = (made.into_iter().next(), links.last_mut()) {
            *link.stage().candidate() = Some(Box::new(Candidate::new(made.into_stage())));
        }
    }
}

/// A hook that joins the chain.
struct Joining<'j> {
    plan: &'j Arc<StagePlan>,
    place: usize,
    /// How many hooks there are.
    hooks: usize,
    /// How many events those that it takes over from have emitted.
    old: Vec<u64>,
    now: Instant,
    of: &'j Arc<Plan>,
}

/// Puts instances into the chains.
fn join(desks: &mut [Desk], links: &mut [Vec<Link>], joining: &Joining<'_>, successors: Successors) {
    let Joining { plan, old, now, .. } = joining;
    let workers = desks.len() as u32;
    let mut successors = successors.into_iter();
    let mut shared: Option<Arc<Shared>> = None;
    for (index, (desk, links)) in desks.iter_mut().zip(links).enumerate() {
        let (place, first) = match (&shared, successors.next()) {
            (Some(shared), _) => (Place::Shared(shared.clone()), Emission::default()),
            (None, None) => {
                (Place::Own(Box::new(Seat::new(joining.of.clone(), desk.worker))), Emission::default())
            }
            (None, Some(successor)) => {
                let (seat, first) = successor.seated(desk.worker);
                match joining.of.interest.placement {
                    Placement::EveryWorker => (Place::Own(Box::new(seat)), first),
                    Placement::Single => {
                        let seat = Arc::new(Shared::new(seat, workers));
                        (Place::Shared(shared.insert(seat).clone()), first)
                    }
                }
            }
        };
        let mut stage = Stage::new((*plan).clone(), place);
        stage.reserve(old.get(index).copied().unwrap_or(0) as usize);
        let number = stage.reserve(first.events.ends.len());
        if !first.events.ends.is_empty() && plan.shadow.is_none() {
            let journey = Journey::from(joining.place + 1, joining.hooks);
            desk.greetings.push(Farewell {
                plan: (*plan).clone(),
                emission: first,
                emitted: number,
                journey,
            });
        }
        links.push(Link::new(stage, *now));
    }
}

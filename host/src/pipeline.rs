//! The only place that wires the stages together; the order in which they start and stop.
//!
//! Nothing is read before every hook is up, every sink is open and every file was found. Threads: one a sink, one a
//! worker, one for the files of a source that go to the same worker, one a FIFO or standard input. They stop in the
//! order of the flow, each when the one before it is gone: sources, workers (which tear their hooks down), sinks.

pub(crate) mod assembly;
pub(crate) mod wiring;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::config::{self, Config, Input};
use crate::decode;
use crate::drain::Drain;
use crate::event::batch::Batch;
use crate::event::projection::TooManyFields;
use crate::hook::chain::{Chain, Stop};
use crate::hook::dead_letters::DeadLetters;
use crate::hook::dead_letters::store::Store;
use crate::hook::load::Loader;
use crate::hook::prepare::Prepared;
use crate::live::{Begun, Live};
use crate::metrics::{self, Metrics};
use crate::queue::{Sender, queue};
use crate::sink::{self, Output, Sink, SinkError};
use crate::source::file::Found;
use crate::source::{self, Arrival, Context, SourceError};
use crate::tap::Taps;
use crate::worker::desk::Desk;
use crate::worker::{Exits, Worker};
use wiring::{Around, Wiring};

/// What waits in front of a worker at most: two blocks. Enough for a reader to stay ahead, little enough to stay in
/// cache.
const INTAKE_BYTES: usize = 2 * decode::BLOCK;

/// What waits in front of a sink at most, for each worker: the next chunk is there when one is written, and a sink
/// that falls behind for a moment does not make the process larger.
const SINK_BYTES: usize = 512 << 10;

/// How often it is looked whether the run is to end.
const LOOK: Duration = Duration::from_millis(500);

/// How often dead letters are looked through for those that are too old.
const CLEANING: Duration = Duration::from_secs(60);

/// Why a run did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Too many fields.
    #[error(transparent)]
    Fields(#[from] TooManyFields),
    /// A source cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A sink cannot be used, or could not go on.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The chain could not go on.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// Standard input could not be read to its end.
    #[error("standard input: {0}; what was read before it is delivered")]
    Stdin(io::Error),
    /// Files could not be read to their end; each was told.
    #[error("{0} files could not be read to their end; what was read of them is delivered")]
    Unreadable(u64),
    /// The machine has no more threads.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The run was asked to end, and something did not.
    #[error("the run was asked to end and could not within {deadline:?} (drain_deadline): {undelivered}")]
    Undelivered {
        /// How long it was given.
        deadline: Duration,
        /// How many events are where.
        undelivered: String,
    },
    /// A fault of Hookaroon's own.
    #[error("a thread panicked; this is a fault of Hookaroon, please report it")]
    Panicked,
}

/// A pipeline whose parts are open and checked, before anything flows.
pub struct Pipeline {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The hooks, and the way to change them.
    pub live: Arc<Live>,
    /// How many bytes there are to read, if that is known.
    pub bytes_to_read: Option<u64>,
    readers: Vec<Reader>,
    workers: Vec<Worker>,
    sinks: Vec<Sink>,
    /// Those that grow old.
    dead_letters: Option<Arc<DeadLetters>>,
    drain: Arc<Drain>,
    drain_deadline: Duration,
}

/// What one reading thread reads.
struct Reader {
    context: Context,
    what: Reading,
    to: Sender<Arrival>,
}

enum Reading {
    Stdin,
    Files(Vec<Found>),
}

impl Pipeline {
    /// Opens everything and wires it up.
    pub fn open(
        config: &Config,
        hooks: Vec<Prepared>,
        loader: Loader,
        drain: &Arc<Drain>,
    ) -> Result<Pipeline, RunError> {
        let store = Store::new(&config.data_dir, &config.dead_letters);
        let dead_letters =
            Arc::new(DeadLetters::on_disk(store.clone(), config.dead_letters.keep, drain.clone()));
        let around = Around { dead_letters: &dead_letters, has_gates: true };
        let mut wiring = Wiring::new(config, hooks, config.workers, &around)?;
        let metrics = wiring.metrics.clone();
        let found = find_files(config)?;

        let mut sinks = Vec::new();
        let mut chunks = Vec::new();
        let outputs = open_outputs(config, &found)?;
        for (metrics, output) in metrics.sinks.iter().zip(outputs) {
            let (sender, receiver) = queue(SINK_BYTES * config.workers as usize);
            let (drain, metrics) = (drain.clone(), metrics.clone());
            sinks.push(Sink { name: metrics.name.clone(), output, chunks: receiver, drain, metrics });
            chunks.push(sender);
        }
        let mut workers = Vec::new();
        let mut intakes = Vec::new();
        let mut desks = Vec::new();
        let taps: Arc<Taps> = Arc::default();
        for stages in std::mem::take(&mut wiring.chains) {
            let (sender, receiver) = queue(INTAKE_BYTES);
            intakes.push(sender);
            let desk: Arc<Desk> = Arc::default();
            desks.push(desk.clone());
            workers.push(Worker {
                arrivals: receiver,
                filling: config.batch,
                chain: Chain::new(stages, Instant::now()).tapped(taps.clone()),
                batch: Batch::new(wiring.projection.clone()),
                exits: Exits {
                    router: wiring.router.clone(),
                    sinks: chunks.clone(),
                    outgoing: VecDeque::new(),
                },
                unseen: wiring.unseen.clone(),
                times: wiring.times.clone(),
                asides: wiring.asides.clone(),
                desk,
                metrics: metrics.clone(),
                drain: drain.clone(),
            });
        }
        metrics.set_around(metrics::Around {
            intakes: intakes.iter().map(Sender::depth).collect(),
            outlets: chunks.iter().map(Sender::depth).collect(),
            dead_letters: store.clone(),
        });
        let bytes_to_read = bytes_to_read(config, &found);
        let readers = readers(config, found, &wiring, &intakes, drain);
        let begun = Begun {
            config: config.clone(),
            parts: wiring.parts,
            assembly: wiring.assembly,
            desks,
            metrics: metrics.clone(),
            dead_letters: dead_letters.clone(),
            taps,
        };
        let live = Arc::new(Live::new(begun, loader));
        let dead_letters = config.dead_letters.max_age.map(|_| dead_letters);
        let (drain, drain_deadline) = (drain.clone(), config.drain_deadline);
        Ok(Pipeline {
            metrics,
            live,
            bytes_to_read,
            readers,
            workers,
            sinks,
            dead_letters,
            drain,
            drain_deadline,
        })
    }

    /// Lets everything flow until it has ended. The first thing that went wrong is the answer; everything that
    /// could be delivered was.
    pub fn run(self) -> Result<(), RunError> {
        let Pipeline { metrics, readers, workers, sinks, dead_letters, drain, drain_deadline, .. } = self;
        let (end_of_one, ended_ones) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let cleaning = dead_letters
            .map(|letters| {
                spawn("dead letters".to_owned(), move || {
                    clean(&letters, &ended);
                    Ok(())
                })
            })
            .transpose()?;
        let sinks: Vec<_> = sinks
            .into_iter()
            .map(|sink| {
                let end = End(end_of_one.clone());
                spawn(format!("sink {}", sink.name), move || {
                    let _end = end;
                    sink.run().map_err(RunError::from)
                })
            })
            .collect::<Result<_, _>>()?;
        let workers: Vec<_> = workers
            .into_iter()
            .enumerate()
            .map(|(index, worker)| {
                let end = End(end_of_one.clone());
                spawn(format!("worker {index}"), move || {
                    let _end = end;
                    worker.run().map_err(RunError::from)
                })
            })
            .collect::<Result<_, _>>()?;
        let readers: Vec<_> = readers
            .into_iter()
            .map(|reader| {
                let end = End(end_of_one.clone());
                spawn(format!("source {}", reader.context.name), move || {
                    let _end = end;
                    reader.run()
                })
            })
            .collect::<Result<_, _>>()?;
        drop(end_of_one);
        if !all_end(&ended_ones, &drain, drain_deadline) {
            // Those that do not end are left to the end of the process.
            return Err(RunError::Undelivered {
                deadline: drain_deadline,
                undelivered: undelivered(&metrics),
            });
        }
        let mut result = Ok(());
        for thread in readers.into_iter().chain(workers).chain(sinks) {
            let ended = thread.join().unwrap_or(Err(RunError::Panicked));
            result = result.and(ended);
        }
        drop(end);
        if let Some(cleaning) = cleaning {
            result = result.and(cleaning.join().unwrap_or(Err(RunError::Panicked)));
        }
        match metrics.input().unreadable.get() {
            0 => result,
            files => result.and(Err(RunError::Unreadable(files))),
        }
    }
}

impl Reader {
    fn run(self) -> Result<(), RunError> {
        match &self.what {
            Reading::Stdin => source::stdin::read(&self.context, &self.to).map_err(RunError::Stdin),
            Reading::Files(files) => {
                source::file::read_all(&self.context, files, &self.to);
                Ok(())
            }
        }
    }
}

/// Tells that a thread has ended, however.
struct End(mpsc::Sender<()>);

impl Drop for End {
    fn drop(&mut self) {
        // If nobody listens, nobody waits.
        let _ = self.0.send(());
    }
}

/// Waits until all threads have ended; once that was asked for, only so long. Whether they have.
fn all_end(ended: &mpsc::Receiver<()>, drain: &Drain, deadline: Duration) -> bool {
    let mut until: Option<Instant> = None;
    loop {
        if drain.requested() {
            until.get_or_insert_with(|| Instant::now() + deadline);
        }
        let left = until.map_or(LOOK, |until| until.saturating_duration_since(Instant::now()).min(LOOK));
        if left.is_zero() {
            return false;
        }
        if ended.recv_timeout(left) == Err(mpsc::RecvTimeoutError::Disconnected) {
            return true;
        }
    }
}

/// Where events are that were read and did not leave.
fn undelivered(metrics: &Metrics) -> String {
    let sinks = metrics.sinks.iter().map(|sink| (sink, sink.routed.get() - sink.events.get()));
    let mut places: Vec<String> = sinks
        .filter(|(_, events)| *events > 0)
        .map(|(sink, events)| format!("sink \"{}\" has not taken {events} events", sink.name))
        .collect();
    let mut waiting = 0;
    for source in &metrics.sources {
        let left = source.read.get().saturating_sub(source.events.get());
        source.events.add(left);
        waiting += left;
    }
    if waiting > 0 {
        metrics.stopped.add(waiting);
        places.push(format!("{waiting} events were read and not processed"));
    }
    if places.is_empty() { "a call or a write has not come back".to_owned() } else { places.join("; ") }
}

fn spawn(
    name: String,
    run: impl FnOnce() -> Result<(), RunError> + Send + 'static,
) -> Result<JoinHandle<Result<(), RunError>>, RunError> {
    Builder::new().name(name).spawn(run).map_err(RunError::Thread)
}

/// Removes dead letters that are too old, now and then, until the other end of the channel is gone.
fn clean(dead_letters: &DeadLetters, ended: &mpsc::Receiver<()>) {
    loop {
        dead_letters.remove_old();
        if ended.recv_timeout(CLEANING) != Err(mpsc::RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// The files of each source.
fn find_files(config: &Config) -> Result<Vec<Vec<Found>>, SourceError> {
    let find = |source: &config::Source| match &source.input {
        Input::Stdin => Ok(Vec::new()),
        Input::File { paths } => source::file::find(&source.name, paths),
    };
    config.sources.iter().map(find).collect()
}

/// The bytes of all files, if there is nothing else to read.
fn bytes_to_read(config: &Config, found: &[Vec<Found>]) -> Option<u64> {
    let known = config.sources.iter().all(|source| matches!(source.input, Input::File { .. }))
        && found.iter().flatten().all(|file| !file.is_fifo);
    known.then(|| found.iter().flatten().map(|file| file.bytes).sum())
}

/// Opens all sinks; `found` are the files of each source, which none of them may write.
pub(crate) fn open_outputs(config: &Config, found: &[Vec<Found>]) -> Result<Vec<Output>, SinkError> {
    let mut written = HashMap::new();
    config.sinks.iter().map(|sink| open_output(sink, config, found, &mut written)).collect()
}

/// `written` are the files that sinks before it write, by device and inode.
fn open_output(
    sink: &config::Sink,
    config: &Config,
    found: &[Vec<Found>],
    written: &mut HashMap<(u64, u64), String>,
) -> Result<Output, SinkError> {
    let path = match &sink.output {
        config::Output::Stdout => {
            let open = |error| SinkError::Open {
                sink: sink.name.clone(),
                path: "standard output".to_owned(),
                error,
            };
            return Output::stdout().map_err(open);
        }
        config::Output::File { path } => path,
    };
    let open = |error| SinkError::Open { sink: sink.name.clone(), path: path.display().to_string(), error };
    let mut file = sink::file::Appended::open(path).map_err(open)?;
    let identity = file.identity().map_err(open)?;
    let read_by = config
        .sources
        .iter()
        .zip(found)
        .find(|(_, files)| files.iter().any(|file| file.identity == identity));
    let (name, shown) = (sink.name.clone(), path.display().to_string());
    if let Some((source, _)) = read_by {
        return Err(SinkError::Loop { sink: name, path: shown, source_name: source.name.clone() });
    }
    if file.is_regular()
        && let Some(other) = written.insert(identity, name.clone())
    {
        return Err(SinkError::Twice { sink: name, path: shown, other });
    }
    file.begin(path).map_err(open)?;
    Ok(Output::File(file))
}

/// Gives each file a worker, and each source and worker a thread for its files.
fn readers(
    config: &Config,
    found: Vec<Vec<Found>>,
    wiring: &Wiring,
    intakes: &[Sender<Arrival>],
    drain: &Arc<Drain>,
) -> Vec<Reader> {
    let mut readers = Vec::new();
    let mut streams = 0;
    for (id, (source, files)) in config.sources.iter().zip(found).enumerate() {
        let Some(context) = wiring.context(config, id, drain) else { continue };
        let mut lanes: Vec<Vec<Found>> = intakes.iter().map(|_| Vec::new()).collect();
        let reader = |what, lane: usize| {
            let to = intakes.get(lane)?.clone();
            Some(Reader { context: context.clone(), what, to })
        };
        if matches!(source.input, Input::Stdin) {
            readers.extend(reader(Reading::Stdin, streams % intakes.len().max(1)));
            streams += 1;
        }
        for file in files {
            let lane = streams % intakes.len().max(1);
            streams += 1;
            if file.is_fifo {
                readers.extend(reader(Reading::Files(vec![file]), lane));
            } else if let Some(files) = lanes.get_mut(lane) {
                files.push(file);
            }
        }
        for (lane, files) in lanes.into_iter().enumerate().filter(|(_, files)| !files.is_empty()) {
            readers.extend(reader(Reading::Files(files), lane));
        }
    }
    readers
}

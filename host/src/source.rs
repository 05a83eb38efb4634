//! (1) Where events come from: bytes of streams, framed into blocks of lines, sent to the worker of the stream.
//!
//! A stream is one file, or standard input; it always goes to the same worker, which keeps its order. Each worker
//! has its own reading thread for the files that are pinned to it, and a FIFO has one of its own, because it may
//! be quiet for long. A stream that cannot be read to its end is told and counted; what was read of it counts.

pub mod file;
pub mod stdin;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config;
use crate::decode::{Framer, Lines};
use crate::drain::Drain;
use crate::event::batch::{Origin, SourceId};
use crate::event::field::EventTime;
use crate::event::projection::Projection;
use crate::event::time::TimeFormat;
use crate::metrics::SourceMetrics;
use crate::queue::Sender;

/// Lines on their way to a worker.
#[derive(Debug)]
pub struct Arrival {
    /// The lines.
    pub lines: Lines,
    /// Where they come from.
    pub origin: Origin,
    /// What is counted of their source.
    pub metrics: Arc<SourceMetrics>,
}

/// How the events of each source carry their time.
#[derive(Debug)]
pub struct Times {
    /// By the source's number.
    sources: Vec<Arc<EventTime>>,
    /// Of those that come from no source.
    others: Arc<EventTime>,
}

impl Times {
    /// As these sources say, by the fields that are asked for.
    pub(crate) fn new(sources: &[config::Source], projection: &Projection) -> Times {
        let of = |source: &config::Source| EventTime::new(&source.time, projection);
        Times {
            sources: sources.iter().map(of).collect(),
            others: EventTime::new(&TimeFormat::default(), projection),
        }
    }

    /// The time of this one's events.
    pub(crate) fn of(&self, source: SourceId) -> Arc<EventTime> {
        let own = match source {
            SourceId::Source(number) => self.sources.get(number as usize),
            SourceId::Hook(_) => None,
        };
        own.unwrap_or(&self.others).clone()
    }
}

/// What every reader of a source knows.
#[derive(Clone, Debug)]
pub struct Context {
    /// The source's number in the configuration.
    pub id: u32,
    /// Its name.
    pub name: Arc<str>,
    /// The name of this machine.
    pub host: Arc<str>,
    /// How events carry their own time.
    pub times: Arc<Times>,
    /// How its bytes become lines.
    pub framing: crate::decode::Options,
    /// The end of the run.
    pub drain: Arc<Drain>,
    /// What is counted.
    pub metrics: Arc<SourceMetrics>,
}

impl Context {
    /// Where the events of a stream come from.
    pub(crate) fn origin(&self, stream: &str, file: Option<&PathBuf>) -> Origin {
        // The same file is the same stream, however the configuration that names it was named.
        let whole = file.and_then(|path| path.canonicalize().ok());
        let identity = whole.as_ref().map_or(stream.as_bytes(), |path| path.as_os_str().as_bytes());
        let source = SourceId::Source(self.id);
        Origin {
            source,
            source_name: self.name.clone(),
            stream: Arc::from(stream),
            file: file.map(|path| Arc::from(path.to_string_lossy())),
            host: self.host.clone(),
            time: self.times.of(source),
            received_ns: 0,
            identity: xxhash_rust::xxh3::xxh3_64(identity),
        }
    }
}

/// A source cannot be used; told before anything is read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing there.
    #[error("source \"{source_name}\": there is no file {path}")]
    Missing {
        /// Which source.
        source_name: String,
        /// The path, as configured.
        path: String,
    },
    /// A directory was named.
    #[error("source \"{source_name}\": {path} is a directory; name its files, for example {path}/*.log")]
    Directory {
        /// Which source.
        source_name: String,
        /// The path.
        path: String,
    },
    /// It cannot be opened.
    #[error("source \"{source_name}\": cannot read {path}: {error}")]
    Unreadable {
        /// Which source.
        source_name: String,
        /// The path.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Not a pattern.
    #[error("source \"{source_name}\": {pattern:?} is not a pattern: {message}")]
    Pattern {
        /// Which source.
        source_name: String,
        /// The pattern.
        pattern: String,
        /// Why.
        message: String,
    },
}

/// How reading a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// At its end, or at the end of the run.
    Fine,
    /// Nobody takes its lines any more.
    Unwanted,
}

/// One stream while it is read.
struct Stream<'a> {
    context: &'a Context,
    origin: Origin,
    framer: Framer,
    /// Whether anything was read.
    has_begun: bool,
    to: &'a Sender<Arrival>,
}

impl<'a> Stream<'a> {
    fn new(context: &'a Context, name: &str, file: Option<&PathBuf>, to: &'a Sender<Arrival>) -> Stream<'a> {
        let origin = context.origin(name, file);
        Stream { context, origin, framer: Framer::new(context.framing, 0), has_begun: false, to }
    }

    /// Reads once. None: the stream has ended.
    fn read(&mut self, input: &mut impl io::Read) -> io::Result<Option<End>> {
        let read = match input.read(self.framer.space()) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Some(End::Fine)),
            Err(error) => return Err(error),
        };
        if read == 0 {
            return Ok(None);
        }
        self.has_begun = true;
        self.framer.advance(read);
        while let Some(lines) = self.framer.take() {
            if self.send(lines) == End::Unwanted {
                return Ok(Some(End::Unwanted));
            }
        }
        Ok(Some(End::Fine))
    }

    /// The stream has ended: what is left is its last line.
    fn finish(&mut self) -> End {
        while let Some(lines) = self.framer.finish() {
            if self.send(lines) == End::Unwanted {
                return End::Unwanted;
            }
        }
        End::Fine
    }

    fn send(&mut self, lines: Lines) -> End {
        let metrics = self.context.metrics.clone();
        metrics.bytes.add(lines.counts.bytes);
        metrics.read.add(lines.lines.len() as u64);
        metrics.blank.add(lines.counts.blank_lines);
        metrics.repaired.add(lines.counts.repaired_lines);
        metrics.oversize.add(lines.counts.oversize_lines);
        let received_ns = i64::try_from(crate::clock::now_ns()).unwrap_or(i64::MAX);
        let bytes = lines.block.len();
        let origin = Origin { received_ns, ..self.origin.clone() };
        let arrival = Arrival { lines, origin, metrics };
        match self.to.send(arrival, bytes) {
            Ok(()) => End::Fine,
            Err(_) => End::Unwanted,
        }
    }
}

//! (6) Where events go: chunks of whole lines, in order, written by a thread of the sink's own.
//!
//! A full disk makes the sink wait and try again, which in the end makes the sources wait: nothing is dropped and
//! nothing grows. Any other failure ends the run. When the run is asked to end while the disk is still full, the
//! file is cut back to its last whole line and the error says how many events are not in it.

pub mod file;

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::drain::Drain;
use crate::metrics::SinkMetrics;
use crate::queue::{Receiver, Taken};
use crate::router::Chunk;

/// How long to wait before trying a full disk again.
const RETRY: Duration = Duration::from_secs(1);

/// A sink that cannot be opened, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It cannot be opened.
    #[error("sink \"{sink}\": cannot write {path}: {error}")]
    Open {
        /// Which sink.
        sink: String,
        /// The path.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It would write what a source reads.
    #[error(
        "sink \"{sink}\": {path} is also read by source \"{source_name}\", which would never end; name another file"
    )]
    Loop {
        /// Which sink.
        sink: String,
        /// The path.
        path: String,
        /// Which source.
        source_name: String,
    },
    /// Another sink writes there, under this name or another one.
    #[error("sinks \"{other}\" and \"{sink}\" write to the same file, {path}; one can")]
    Twice {
        /// Which sink.
        sink: String,
        /// The path.
        path: String,
        /// Which other one.
        other: String,
    },
    /// It cannot go on.
    #[error("sink \"{sink}\": cannot write: {error}; {events} events were not written")]
    Write {
        /// Which sink.
        sink: String,
        /// Why.
        error: io::Error,
        /// How many events were on their way to it.
        events: u64,
    },
}

/// What a sink writes to.
#[derive(Debug)]
pub enum Output {
    /// Standard output.
    Stdout(std::fs::File),
    /// A file.
    File(file::Appended),
}

impl Output {
    /// Standard output, without a buffer of its own: chunks are large.
    pub fn stdout() -> io::Result<Output> {
        Ok(Output::Stdout(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?)))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Stdout(file) => file.write(bytes),
            Output::File(file) => file.write(bytes),
        }
    }

    /// Takes back what was written of a line that cannot be finished.
    fn cut_back(&mut self) -> io::Result<()> {
        match self {
            Output::Stdout(_) => Ok(()),
            Output::File(file) => file.cut_back(),
        }
    }

    /// Writes whole lines and waits until they are on disk. If that fails, what was begun of a line is taken back.
    pub(crate) fn write_synced(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut left = lines;
        while !left.is_empty() {
            match self.write(left) {
                Ok(written) => left = left.get(written..).unwrap_or(&[]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.cut_back().and(Err(error)),
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Output::Stdout(_) => Ok(()),
            Output::File(file) => file.sync(),
        }
    }
}

/// One sink at work.
#[derive(Debug)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// What it writes to.
    pub output: Output,
    /// Its chunks.
    pub chunks: Receiver<Chunk>,
    /// The end of the run.
    pub drain: Arc<Drain>,
    /// What is counted.
    pub metrics: Arc<SinkMetrics>,
}

impl Sink {
    /// Writes all chunks until there will be no more.
    pub fn run(mut self) -> Result<(), SinkError> {
        while let Taken::Item(chunk) = self.chunks.take(None) {
            self.metrics.begin(chunk.received_ns);
            let (unwritten, result) = self.write(&chunk.lines);
            let lines = memchr::memchr_iter(b'\n', unwritten).count() as u64;
            self.metrics.events.add(chunk.events - lines);
            self.metrics.bytes.add((chunk.lines.len() - unwritten.len()) as u64);
            if let Err(error) = result {
                return Err(self.give_up(error, lines));
            }
            self.metrics.wrote(clock::now_ns());
        }
        self.output.finish().map_err(|error| SinkError::Write { sink: self.name.clone(), error, events: 0 })
    }

    /// Writes all of `left`, or what can be written: the rest, and why.
    fn write<'l>(&mut self, mut left: &'l [u8]) -> (&'l [u8], io::Result<()>) {
        let mut told = false;
        while !left.is_empty() {
            match self.output.write(left) {
                Ok(written) => left = left.get(written..).unwrap_or(&[]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if may_pass(error.kind()) => {
                    if !std::mem::replace(&mut told, true) {
                        let sink = self.name.as_str();
                        tracing::warn!(sink, "{error}; waiting until it can be written");
                    }
                    self.metrics.retries.add(1);
                    if self.drain.wait(RETRY) {
                        return (left, Err(error));
                    }
                }
                Err(error) => return (left, Err(error)),
            }
        }
        (left, Ok(()))
    }

    /// Counts what is lost to this sink: the chunk and all that still comes, so that nobody waits for ever.
    fn give_up(mut self, error: io::Error, mut events: u64) -> SinkError {
        self.metrics.gave_up();
        self.drain.request();
        if let Err(error) = self.output.cut_back() {
            tracing::error!(sink = self.name.as_str(), "its last line is incomplete: {error}");
        }
        while let Taken::Item(chunk) = self.chunks.take(None) {
            events += chunk.events;
        }
        SinkError::Write { sink: self.name, error, events }
    }
}

/// Whether waiting may help.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::WouldBlock)
}

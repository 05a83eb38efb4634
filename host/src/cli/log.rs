//! The log of the host and its hooks, on standard error, which nobody ever waits for.
//!
//! Who logs hands a line to a thread of its own. What it cannot write (a full disk, a reader that is gone) is lost, and so is
//! what comes while [`MOST_LINES`] wait for a reader that does not read; how much that was is told once there is room.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// How many lines wait to be written.
const MOST_LINES: usize = 4096;

/// How long the end waits for a reader.
const PATIENCE: Duration = Duration::from_secs(1);

/// The log of this process, once it was started.
static LOG: OnceLock<Lines> = OnceLock::new();

/// Starts the log, from this level on. Without a thread for it there is none.
pub fn start(level: tracing::Level) {
    let Some(lines) = Lines::start() else { return };
    let writer = LOG.get_or_init(|| lines).clone();
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(level)
        // They would be printed by whoever logs.
        .log_internal_errors(false)
        .init();
}

/// Says something to the person at the terminal, after all that was logged. Whoever is gone is not told.
pub fn say(text: fmt::Arguments<'_>) {
    flush();
    let _ = io::stderr().write_fmt(text);
}

/// Waits until everything that was logged is written, but not for a reader that does not read.
pub fn flush() {
    if let Some(lines) = LOG.get() {
        lines.flush();
    }
}

/// Takes lines; clones take them for the same thread.
#[derive(Clone, Debug)]
struct Lines {
    to: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// Everything before this is to be written; then that is said here.
    Flush(SyncSender<()>),
}

/// A line that is being made.
struct Line<'l> {
    lines: &'l Lines,
    text: Vec<u8>,
}

impl Lines {
    /// Starts the thread; none if the machine has no more of them.
    fn start() -> Option<Lines> {
        let (to, from) = mpsc::sync_channel(MOST_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&from, &counted)).ok()?;
        Some(Lines { to, lost })
    }

    fn flush(&self) {
        let (done, is_done) = mpsc::sync_channel(1);
        let until = Instant::now() + PATIENCE;
        let mut message = Message::Flush(done);
        while let Err(TrySendError::Full(back)) = self.to.try_send(message) {
            if Instant::now() >= until {
                return;
            }
            message = back;
            thread::sleep(Duration::from_millis(5));
        }
        // What was not written by then never will be.
        let _ = is_done.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn write_all(from: &Receiver<Message>, lost: &AtomicU64) {
    let mut stderr = io::stderr();
    for message in from {
        // Nobody is there to be told of an error.
        match message {
            Message::Line(line) => {
                let _ = stderr.write_all(&line);
            }
            Message::Flush(done) => {
                let _ = done.try_send(());
            }
        }
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            let _ =
                writeln!(stderr, "{count} lines of the log are lost, because standard error was not read");
        }
    }
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { lines: self, text: Vec::new() }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let line = Message::Line(std::mem::take(&mut self.text));
        if self.lines.to.try_send(line).is_err() {
            self.lines.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_logs_never_waits_and_what_is_lost_is_counted() {
        // Nobody takes a line out.
        let (to, _from) = mpsc::sync_channel(2);
        let lines = Lines { to, lost: Arc::default() };
        for _ in 0..5 {
            write!(lines.make_writer(), "line").unwrap();
        }
        assert_eq!(lines.lost.load(Ordering::Relaxed), 3);
        lines.flush();
    }
}

//! What hooks may call: for now, writing to the host's log.
//!
//! Nothing here can fail or block for a guest. A hook's lines are cut at [`MAX_LINE`] bytes and held to so many lines and
//! bytes a second; what is more is counted, and the count is told once the hook is quiet again or ends. Lines of a level
//! that is not shown cost nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bindings::hookaroon::hook::{log, types};
use super::limits::LogRate;
use crate::metrics::LogMetrics;

/// How much of a line is kept.
const MAX_LINE: usize = 1024;

/// The log of one hook, shared by its instances.
#[derive(Debug)]
pub(crate) struct HookLog {
    name: String,
    rate: LogRate,
    metrics: Arc<LogMetrics>,
    window: Mutex<Window>,
}

/// One second of a hook's log.
#[derive(Debug)]
struct Window {
    start: Instant,
    lines: u64,
    bytes: u64,
    suppressed: u64,
}

impl Window {
    fn new() -> Window {
        Window { start: Instant::now(), lines: 0, bytes: 0, suppressed: 0 }
    }
}

impl HookLog {
    pub(crate) fn new(name: &str, rate: LogRate) -> HookLog {
        HookLog { name: name.to_owned(), rate, metrics: Arc::default(), window: Mutex::new(Window::new()) }
    }

    /// The same log, held to another rate from now on.
    pub(crate) fn at_rate(&self, rate: LogRate) -> HookLog {
        let (metrics, window) = (self.metrics.clone(), Mutex::new(Window::new()));
        HookLog { name: self.name.clone(), rate, metrics, window }
    }

    /// What was written and what was not.
    pub(crate) fn metrics(&self) -> Arc<LogMetrics> {
        self.metrics.clone()
    }

    pub(crate) fn write(&self, level: log::Level, message: &str) {
        let is_shown = match level {
            log::Level::Trace => tracing::enabled!(target: "hook", tracing::Level::TRACE),
            log::Level::Debug => tracing::enabled!(target: "hook", tracing::Level::DEBUG),
            log::Level::Info | log::Level::Warn | log::Level::Error => true,
        };
        if is_shown {
            self.write_shown(level, message);
        }
    }

    fn write_shown(&self, level: log::Level, message: &str) {
        let suppressed_before = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            let mut suppressed = 0;
            if window.start.elapsed() >= Duration::from_secs(1) {
                suppressed = window.suppressed;
                *window = Window::new();
            }
            let bytes = window.bytes + message.len().min(MAX_LINE) as u64;
            if window.lines >= self.rate.lines || bytes > self.rate.bytes {
                window.suppressed += 1;
                self.metrics.suppressed.add(1);
                return;
            }
            window.lines += 1;
            window.bytes = bytes;
            self.metrics.lines.add(1);
            suppressed
        };
        let hook = self.name.as_str();
        self.tell(suppressed_before);
        let line = printable(message, MAX_LINE);
        match level {
            log::Level::Trace => tracing::trace!(target: "hook", hook, "{line}"),
            log::Level::Debug => tracing::debug!(target: "hook", hook, "{line}"),
            log::Level::Info => tracing::info!(target: "hook", hook, "{line}"),
            log::Level::Warn => tracing::warn!(target: "hook", hook, "{line}"),
            log::Level::Error => tracing::error!(target: "hook", hook, "{line}"),
        }
    }
}

impl HookLog {
    fn tell(&self, suppressed: u64) {
        if suppressed > 0 {
            let hook = self.name.as_str();
            let LogRate { lines, bytes } = self.rate;
            tracing::warn!(
                target: "hook",
                hook,
                "{suppressed} lines over {lines} lines or {bytes} bytes a second were thrown away; let it say less, or \
                 raise log_lines or log_bytes in its [hook.limits]"
            );
        }
    }
}

impl Drop for HookLog {
    fn drop(&mut self) {
        let suppressed = self.window.get_mut().unwrap_or_else(PoisonError::into_inner).suppressed;
        self.tell(suppressed);
    }
}

/// At most `max` bytes of what a guest says, on one line and without anything that drives a terminal.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for character in text.chars() {
        if out.len() + character.len_utf8() > max {
            out.push('…');
            break;
        }
        if character.is_control() || steers(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a character changes how those around it are shown, or is not seen itself.
fn steers(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

impl log::Host for super::instance::Guest {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.log.write(level, &message);
        Ok(())
    }
}

impl types::Host for super::instance::Guest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_says_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc", 100), "a\\u{1b}[2Jb\\nc");
        assert_eq!(printable("ééé", 4), "éé…");
        assert_eq!(printable("a\u{202E}b", 20), "a\\u{202e}b");
    }

    #[test]
    fn lines_over_the_rate_are_counted_and_not_written() {
        for rate in [LogRate { lines: 100, bytes: 1 << 20 }, LogRate { lines: 1000, bytes: 400 }] {
            let log = HookLog::new("noisy", rate);
            for _ in 0..107 {
                log.write(log::Level::Info, "line");
                log.write(log::Level::Trace, "nobody wants to know");
            }
            assert_eq!((log.metrics().lines.get(), log.metrics().suppressed.get()), (100, 7));
        }
    }
}

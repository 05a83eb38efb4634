//! Levels of the common logging libraries on one scale, the same as the host's `match` has.

/// How bad an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The finest detail.
    Trace,
    /// For who looks for a fault.
    Debug,
    /// What goes on.
    Info,
    /// What may become a fault.
    Warn,
    /// A fault.
    Error,
    /// A fault that ends something.
    Fatal,
}

impl Severity {
    /// What a level means, in any case: the names of log4j, logrus, zap, Python, syslog and the like, and the
    /// numbers of pino and bunyan (10 to 60). None for anything else.
    pub fn of(level: &str) -> Option<Severity> {
        let names: [(Severity, &[&str]); 6] = [
            (Severity::Info, &["info", "information", "informational", "notice", "config", "default", "30"]),
            (Severity::Debug, &["debug", "dbg", "fine", "20"]),
            (Severity::Warn, &["warn", "warning", "wrn", "40"]),
            (Severity::Error, &["error", "err", "severe", "50"]),
            (
                Severity::Fatal,
                &["fatal", "crit", "critical", "alert", "emerg", "emergency", "panic", "dpanic", "60"],
            ),
            (Severity::Trace, &["trace", "verbose", "finest", "finer", "10"]),
        ];
        let found = names.iter().find(|(_, names)| names.iter().any(|name| name.eq_ignore_ascii_case(level)));
        found.map(|(severity, _)| *severity)
    }
}

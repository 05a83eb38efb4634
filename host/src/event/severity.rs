//! Levels of the common logging libraries on one scale.

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
        const NAMES: [(&str, Severity); 33] = [
            ("trace", Severity::Trace),
            ("verbose", Severity::Trace),
            ("finest", Severity::Trace),
            ("finer", Severity::Trace),
            ("10", Severity::Trace),
            ("debug", Severity::Debug),
            ("dbg", Severity::Debug),
            ("fine", Severity::Debug),
            ("20", Severity::Debug),
            ("info", Severity::Info),
            ("information", Severity::Info),
            ("informational", Severity::Info),
            ("notice", Severity::Info),
            ("config", Severity::Info),
            ("default", Severity::Info),
            ("30", Severity::Info),
            ("warn", Severity::Warn),
            ("warning", Severity::Warn),
            ("wrn", Severity::Warn),
            ("40", Severity::Warn),
            ("error", Severity::Error),
            ("err", Severity::Error),
            ("severe", Severity::Error),
            ("50", Severity::Error),
            ("fatal", Severity::Fatal),
            ("crit", Severity::Fatal),
            ("critical", Severity::Fatal),
            ("alert", Severity::Fatal),
            ("emerg", Severity::Fatal),
            ("emergency", Severity::Fatal),
            ("panic", Severity::Fatal),
            ("dpanic", Severity::Fatal),
            ("60", Severity::Fatal),
        ];
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(level)).map(|(_, severity)| *severity)
    }
}

//! Levels of the common logging libraries on one scale.
//!
//! No allocation and one look at each byte, so that it can be asked for every event.

/// How bad an event is.
///
/// ```
/// # use hookaroon_sdk::Severity;
/// assert!(Severity::Error > Severity::Warn);
/// ```
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

/// The longest name.
const LONGEST: usize = "informational".len();

/// What a level means: the names of log4j, logrus, zap, Python, java.util.logging, syslog and the like in any case,
/// and the numbers of pino and bunyan, 10 to 60 in tens. None for anything else.
///
/// ```
/// # use hookaroon_sdk::{Severity, severity};
/// assert_eq!(severity("WARNING"), Some(Severity::Warn));
/// assert_eq!(severity("50"), Some(Severity::Error));
/// assert_eq!(severity("loud"), None);
/// ```
pub fn severity(level: &str) -> Option<Severity> {
    let mut lower = [0; LONGEST];
    let name = lower.get_mut(..level.len())?;
    name.copy_from_slice(level.as_bytes());
    name.make_ascii_lowercase();
    Some(match &*name {
        b"trace" | b"verbose" | b"finest" | b"finer" | b"10" => Severity::Trace,
        b"debug" | b"dbg" | b"fine" | b"20" => Severity::Debug,
        b"info" | b"information" | b"informational" | b"notice" | b"config" | b"default" | b"30" => {
            Severity::Info
        }
        b"warn" | b"warning" | b"wrn" | b"40" => Severity::Warn,
        b"error" | b"err" | b"severe" | b"50" => Severity::Error,
        b"fatal" | b"crit" | b"critical" | b"alert" | b"emerg" | b"emergency" | b"panic" | b"dpanic"
        | b"60" => Severity::Fatal,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_levels_are_in_order() {
        assert_eq!(severity("Warning"), Some(Severity::Warn));
        assert_eq!(severity("INFORMATIONAL"), Some(Severity::Info));
        assert_eq!(severity("50"), Some(Severity::Error));
        for unknown in ["", "err0r", "70", "5", "informationally", "größe"] {
            assert_eq!(severity(unknown), None, "{unknown}");
        }
        assert!(Severity::Fatal > Severity::Error && Some(Severity::Trace) > None);
    }
}

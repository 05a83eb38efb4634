//! Minima of loggers, by the longest name: `sqlalchemy` covers `sqlalchemy.engine`, not `sqlalchemyx`.
//!
//! An event costs a binary search for each dot in its logger's name at most, and no allocation.

use hookaroon_sdk::Severity;

/// Loggers and their minima.
#[derive(Debug)]
pub(crate) struct Loggers {
    /// Sorted by name.
    known: Vec<(String, Severity)>,
    /// No longer name is worth looking for.
    longest: usize,
}

impl Loggers {
    pub(crate) fn new(minima: impl Iterator<Item = (String, Severity)>) -> Loggers {
        let mut known: Vec<(String, Severity)> = minima.collect();
        known.sort_unstable();
        let longest = known.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        Loggers { known, longest }
    }

    /// The minimum of a logger, if one is set for it or above it.
    #[inline]
    pub(crate) fn minimum(&self, logger: &str) -> Option<Severity> {
        let mut name = logger;
        loop {
            if name.len() <= self.longest
                && let Ok(at) = self.known.binary_search_by(|(known, _)| known.as_str().cmp(name))
            {
                return self.known.get(at).map(|(_, minimum)| *minimum);
            }
            (name, _) = name.rsplit_once('.')?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_at_a_dot_counts() {
        let loggers = [("a", Severity::Error), ("a.b.c", Severity::Debug), ("app.db", Severity::Warn)];
        let loggers = Loggers::new(loggers.into_iter().map(|(name, minimum)| (name.to_owned(), minimum)));
        for (name, expected) in [
            ("a", Some(Severity::Error)),
            ("a.x", Some(Severity::Error)),
            ("a.b", Some(Severity::Error)),
            ("a.b.c", Some(Severity::Debug)),
            ("a.b.c.d.e", Some(Severity::Debug)),
            ("a.b.cd", Some(Severity::Error)),
            ("a.", Some(Severity::Error)),
            ("app.db.pool", Some(Severity::Warn)),
            ("app", None),
            ("app.dbx", None),
            ("A", None),
            ("ab", None),
            (".a", None),
            ("", None),
            ("...", None),
        ] {
            assert_eq!(loggers.minimum(name), expected, "{name}");
        }
    }

    #[test]
    fn without_loggers_none_has_a_minimum() {
        let loggers = Loggers::new(std::iter::empty());
        assert_eq!((loggers.minimum("a.b"), loggers.minimum("")), (None, None));
    }
}

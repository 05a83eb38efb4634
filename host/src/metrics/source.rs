//! What one source brought.

use super::Counter;

/// What one source brought, or all of them.
#[derive(Debug, Default)]
pub struct SourceMetrics {
    /// Its name.
    pub name: String,
    /// Events that were read, in whatever queue they are.
    pub read: Counter,
    /// Those of them that came to a batch.
    pub events: Counter,
    /// Bytes, as they were read (after decompression).
    pub bytes: Counter,
    /// Lines that became `{"message": ...}`.
    pub wrapped: Counter,
    /// Those among them from sources with `decode = "json"`.
    pub not_json: Counter,
    /// Lines with nothing on them.
    pub blank: Counter,
    /// Lines with bytes that are not UTF-8, replaced by U+FFFD.
    pub repaired: Counter,
    /// Lines over `max_event_bytes`, cut into parts.
    pub oversize: Counter,
    /// Files that could not be read to their end.
    pub unreadable: Counter,
}

impl SourceMetrics {
    /// Nothing counted yet.
    pub fn new(name: &str) -> SourceMetrics {
        SourceMetrics { name: name.to_owned(), ..SourceMetrics::default() }
    }

    /// All that these brought.
    pub(super) fn sum<'s>(sources: impl IntoIterator<Item = &'s SourceMetrics>) -> SourceMetrics {
        let sum = SourceMetrics::default();
        for source in sources {
            for (to, from) in sum.counters().into_iter().zip(source.counters()) {
                to.add(from.get());
            }
        }
        sum
    }

    fn counters(&self) -> [&Counter; 9] {
        let SourceMetrics { name: _, read, events, bytes, wrapped, not_json, blank, repaired, .. } = self;
        [read, events, bytes, wrapped, not_json, blank, repaired, &self.oversize, &self.unreadable]
    }
}

//! How many events broke which rule since the last report.
//!
//! It holds one number a rule. Without violations nothing is reported.

use hookaroon_flow::{Reader, Writer};
use hookaroon_sdk::Emitter;
use serde_json::{Map, Value, json};

/// What a saved state begins with, and the version of its format.
const HOOK: &str = "schema";
const VERSION: u64 = 1;

/// Counts since the last report.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    events: u64,
    violating: u64,
    broken: Vec<u64>,
}

impl Report {
    /// Nothing counted yet, of so many rules.
    pub fn new(rules: usize) -> Report {
        Report { events: 0, violating: 0, broken: vec![0; rules] }
    }

    /// With what earlier instances saved. Counts of rules that are no longer there are dropped.
    pub fn restored(mut self, rules: &[String], states: &[Vec<u8>]) -> Result<Report, String> {
        for state in states {
            let mut reader = Reader::new(state, HOOK, VERSION)?;
            self.events = self.events.saturating_add(reader.number()?);
            self.violating = self.violating.saturating_add(reader.number()?);
            for _ in 0..reader.number()? {
                let (text, number) = (reader.text()?, reader.number()?);
                let known = rules.iter().position(|rule| rule == text);
                if let Some(count) = known.and_then(|rule| self.broken.get_mut(rule)) {
                    *count = count.saturating_add(number);
                }
            }
        }
        Ok(self)
    }

    /// Counts an event that broke these rules.
    #[inline]
    pub fn count(&mut self, broken: &[usize]) {
        self.events += 1;
        self.violating += u64::from(!broken.is_empty());
        for rule in broken {
            if let Some(count) = self.broken.get_mut(*rule) {
                *count += 1;
            }
        }
    }

    fn counts<'r>(&self, rules: &'r [String]) -> impl Iterator<Item = (&'r str, u64)> {
        let counts = rules.iter().map(String::as_str).zip(self.broken.iter().copied());
        counts.filter(|(_, count)| *count > 0)
    }

    /// Emits the counts, if there are any, and starts again.
    pub fn emit(&mut self, rules: &[String], out: &mut Emitter) {
        if self.violating > 0 {
            let broken: Map<String, Value> =
                self.counts(rules).map(|(rule, count)| (rule.to_owned(), count.into())).collect();
            let message = format!("{} of {} events violate the schema", self.violating, self.events);
            let event = json!({
                "level": "warn", "message": message, "schema": {
                    "events": self.events, "violating": self.violating, "broken": broken
                }
            });
            out.emit(&event.to_string());
        }
        *self = Report::new(rules.len());
    }

    /// What a successor goes on with.
    pub fn save(&self, rules: &[String]) -> Vec<u8> {
        let mut writer = Writer::new(HOOK, VERSION);
        writer.number(self.events);
        writer.number(self.violating);
        writer.number(self.counts(rules).count() as u64);
        for (rule, count) in self.counts(rules) {
            writer.text(rule);
            writer.number(count);
        }
        writer.finish()
    }
}

//! Checks events against a schema, and marks, drops, fails or counts those that violate it.
//!
//! ```toml
//! [[hook]]
//! name = "schema"
//! plugin = "schema"
//! [hook.grant]
//! read = ["time", "message", "event", "level", "duration_ms", "user.id", "tags"]
//! write = ["schema_violation"]     # for on_violation = "mark"; drop = true for "drop"
//! emit = true                      # for report_every
//! [hook.config]
//! required = ["time", "message"]   # these must be there, whatever they are
//! on_violation = "mark"            # the default: writes the broken rules; or "drop", "fail" (for on_error), "count"
//! field = "schema_violation"       # the default: where "mark" writes them
//! report_every = "1m"              # an event with counts by rule; by default none, and every minute with "count"
//! [hook.config.fields]             # a path and its type, or all that holds for it
//! event = "text"                   # any, text, integer, float (any number), boolean, object, array
//! tags = "array"
//! level = { required = true, one_of = ["debug", "info", "warn", "error"] }
//! duration_ms = { type = "float", min = 0, required_when = { event = "completion" } }
//! "user.id" = { type = "text", required_when = { event = ["login", "logout"], level = "info" } }
//! ```
//!
//! A field that is not there breaks only the rule that requires it; `null` counts as not there. Whole numbers are
//! integers however they are written: `12.0` is one. With `required_when`, all of its fields must have their value, or
//! one of them; each must be described under `fields`, so that its name is right and its type known. A sink routes what
//! is marked: `match = "schema_violation exists"`.
//!
//! With reports, one instance serves all workers, so that the counts are those of all events whatever the number of
//! workers. It remembers the counts since the last report and hands them to its successor.

mod checks;
mod report;
mod rule;

use std::collections::BTreeMap;

use checks::Checks;
use hookaroon_flow::Span;
use hookaroon_sdk::{
    Emitter, Event, Grant, Hook, Placement, Reason, Setup, Text, Verdict, Write, config, export,
};
use report::Report;
use rule::Rule;

/// How often is reported if violations are counted and nothing else is said.
const REPORT_EVERY: Span = Span::seconds(60);

/// Checks events against a schema: which fields must be there, and when, and what they may be. What is violated is
/// written into a field, dropped, failed or counted.
#[config]
#[derive(Debug)]
pub struct Config {
    /// Fields that must be there, whatever they are.
    #[default([])]
    #[example(["request_id", "message"])]
    required: Vec<String>,
    /// Fields and what holds for them: a type, or a table with `type`, `required`, `required_when`, `one_of`, `min`, `max`.
    #[default({})]
    fields: BTreeMap<String, Rule>,
    /// What becomes of an event that violates the schema.
    #[default("mark")]
    on_violation: OnViolation,
    /// The field that `mark` writes the broken rules into.
    #[default("schema_violation")]
    field: String,
    /// How often counts by rule are emitted as an event, and at the end; by default never, and every minute with `count`.
    report_every: Option<Span>,
}

/// What becomes of an event that violates the schema.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnViolation {
    /// It goes on with the broken rules in a field.
    Mark,
    /// It is dropped.
    Drop,
    /// It follows the operator's `on_error`.
    Fail,
    /// It goes on as it is.
    Count,
}

/// The hook.
#[derive(Debug)]
pub struct Schema {
    checks: Checks,
    action: Action,
    report: Option<Report>,
    /// The broken rules of an event. Kept, so that nothing is allocated for one.
    broken: Vec<usize>,
    text: String,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Mark(Write<Text>),
    Drop,
    Fail,
    Count,
}

impl Hook for Schema {
    type Config = Config;
    const GRANT: Grant = Grant {
        read: &["{required}", "{fields}"],
        write: &["{field}"],
        drop: true,
        emit: true,
        ..Grant::NONE
    };

    fn init(config: Config, setup: &mut Setup) -> Result<Schema, String> {
        let checks = Checks::new(config.required, config.fields, setup)?;
        let every =
            config.report_every.or((config.on_violation == OnViolation::Count).then_some(REPORT_EVERY));
        let report = match every {
            Some(every) => {
                setup.place(Placement::Single);
                setup.tick_every(every.duration());
                Some(Report::new(checks.rules().len()).restored(checks.rules(), setup.states())?)
            }
            None => None,
        };
        let action = match config.on_violation {
            OnViolation::Mark if config.field.is_empty() => {
                return Err(
                    "field: on_violation = \"mark\" needs a path; leave it out for \"schema_violation\""
                        .to_owned(),
                );
            }
            OnViolation::Mark => Action::Mark(setup.write(&config.field)),
            OnViolation::Drop => Action::Drop,
            OnViolation::Fail => Action::Fail,
            OnViolation::Count => Action::Count,
        };
        Ok(Schema { checks, action, report, broken: Vec::new(), text: String::new() })
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        self.broken.clear();
        self.checks.check(event, &mut self.broken);
        if let Some(report) = &mut self.report {
            report.count(&self.broken);
        }
        if self.broken.is_empty() {
            return Verdict::Keep;
        }
        match self.action {
            Action::Drop => return Verdict::Drop,
            Action::Count => {}
            Action::Mark(field) => {
                self.tell();
                event.set(field, &self.text);
            }
            Action::Fail => {
                self.tell();
                event.fail(&self.text);
            }
        }
        Verdict::Keep
    }

    fn tick(&mut self, _now_ns: u64, out: &mut Emitter) -> Result<(), String> {
        if let Some(report) = &mut self.report {
            report.emit(self.checks.rules(), out);
        }
        Ok(())
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(self.report.as_ref()?.save(self.checks.rules()))
    }

    fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
        // A successor has the counts, and reports them.
        if let (Reason::Unload | Reason::Shutdown, Some(report)) = (reason, &mut self.report) {
            report.emit(self.checks.rules(), out);
        }
    }
}

impl Schema {
    /// Writes the broken rules as one text.
    fn tell(&mut self) {
        self.text.clear();
        for rule in self.broken.iter().filter_map(|rule| self.checks.rules().get(*rule)) {
            if !self.text.is_empty() {
                self.text.push_str("; ");
            }
            self.text.push_str(rule);
        }
    }
}

export!(Schema);

#[cfg(test)]
mod tests;

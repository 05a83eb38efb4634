//! What `check` found: what the configuration does and can cost, and how its tests came out; for people and as JSON.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::cases::{self, Outcome};
use crate::config::Config;
use crate::hook::grants::Field;
use crate::hook::prepare::Prepared;
use crate::summary;

/// Everything that `check` says.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether nothing is wrong and every test came out as expected.
    pub ok: bool,
    /// The configuration.
    pub file: String,
    /// What is wrong, each with its place. Nothing else was looked at then.
    pub errors: Vec<String>,
    /// The sources' names.
    pub sources: Vec<String>,
    /// The hooks that are enabled, in chain order.
    pub hooks: Vec<Hook>,
    /// The sinks' names.
    pub sinks: Vec<String>,
    /// The tests.
    pub tests: Vec<Outcome>,
}

/// What a hook does and what it can cost at most.
#[derive(Debug, Serialize)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// The fields that it reads.
    pub reads: Vec<String>,
    /// The fields that it writes.
    pub writes: Vec<String>,
    /// How many instances there are.
    pub instances: u32,
    /// What each may use.
    pub memory_bytes: u64,
}

impl Report {
    /// A configuration that something is wrong with.
    pub fn of_errors(file: String, errors: Vec<String>) -> Report {
        Report { file, errors, ..Report::default() }
    }

    /// A configuration that is right, with its hooks ready: runs its tests.
    pub fn new(config: &Config, hooks: &[Prepared]) -> Report {
        let tests = cases::run(config, hooks);
        Report {
            ok: tests.iter().all(|test| test.differences.is_empty()),
            file: config.file.display().to_string(),
            errors: Vec::new(),
            sources: config.sources.iter().map(|source| source.name.clone()).collect(),
            hooks: hooks.iter().map(|prepared| hook(config, prepared)).collect(),
            sinks: config.sinks.iter().map(|sink| sink.name.clone()).collect(),
            tests,
        }
    }
}

fn hook(config: &Config, prepared: &Prepared) -> Hook {
    let hook = &prepared.hook;
    let interest = &prepared.plan.interest;
    let paths = |fields: &[Field]| fields.iter().map(|field| field.path.to_string()).collect();
    Hook {
        name: hook.name.clone(),
        reads: paths(&interest.read),
        writes: paths(&interest.write),
        instances: interest.placement.instances(config.workers),
        memory_bytes: hook.memory_bytes,
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(formatter, "{error}")?;
        }
        if !self.errors.is_empty() {
            return Ok(());
        }
        let differ = self.tests.iter().filter(|test| !test.differences.is_empty()).count();
        match differ {
            0 => writeln!(formatter, "{}: ok", self.file)?,
            _ => writeln!(formatter, "{}: {differ} of {} tests differ", self.file, self.tests.len())?,
        }
        for source in &self.sources {
            writeln!(formatter, "  source {source}")?;
        }
        for hook in &self.hooks {
            hook.fmt(formatter)?;
        }
        for sink in &self.sinks {
            writeln!(formatter, "  sink {sink}")?;
        }
        self.tests.iter().try_for_each(|test| test.fmt(formatter))
    }
}

impl Display for Hook {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let list = |fields: &[String]| match fields {
            [] => "nothing".to_owned(),
            fields => fields.join(", "),
        };
        writeln!(
            formatter,
            "  hook {}: reads {}; writes {}; at most {} ({} x {})",
            self.name,
            list(&self.reads),
            list(&self.writes),
            summary::bytes(u64::from(self.instances) * self.memory_bytes),
            self.instances,
            summary::bytes(self.memory_bytes),
        )
    }
}

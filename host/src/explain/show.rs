//! The way of an event for people, top to bottom. Nothing in it drives the terminal; long values are cut, the events
//! that leave are not.

use std::fmt::{self, Display, Formatter};

use super::{Asked, Decoding, Exit, Explanation, Fate, LeftBy, Met, Rollout, Way};
use crate::hook::printable;
use crate::hook::rollout::Decision;

/// How much of a value is shown, in bytes.
const MAX_VALUE: usize = 200;

/// An event as it is, but for what would drive the terminal.
fn event(text: &str) -> String {
    printable(text, usize::MAX)
}

fn value(text: Option<&str>) -> String {
    text.map_or_else(|| "nothing".to_owned(), |text| printable(text, MAX_VALUE))
}

impl Display for Explanation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "source {:?}: {}", self.source, self.decoded)?;
        for (index, way) in self.ways.iter().enumerate() {
            if index > 0 {
                writeln!(formatter, "\nemitted, from {:?}", way.from)?;
            }
            way.fmt(formatter)?;
        }
        match &self.stopped {
            Some(stopped) => writeln!(formatter, "\na run would stop here: {stopped}"),
            None => Ok(()),
        }
    }
}

impl Display for Decoding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.wrapped {
            "a line that is taken as text, wrapped as {\"message\": ...}"
        } else {
            "a JSON object, taken as it is"
        })?;
        if self.repaired {
            formatter.write_str("; bytes that are not UTF-8 were replaced")?;
        }
        if self.parts > 1 {
            write!(
                formatter,
                "; over max_event_bytes, so it is cut into {} parts, this is the first",
                self.parts
            )?;
        }
        Ok(())
    }
}

impl Display for Way {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  {}", event(&self.event))?;
        for met in &self.hooks {
            write!(formatter, "hook {:?}: {met}", met.hook)?;
        }
        for exit in &self.sinks {
            write!(formatter, "sink {:?}: {exit}", exit.sink)?;
        }
        if !self.sinks.is_empty() && self.sinks.iter().all(|exit| !exit.taken) {
            writeln!(formatter, "no sink takes it: it is counted as dropped, \"unrouted\"")?;
        }
        Ok(())
    }
}

impl Display for Met {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.fate {
            Fate::NotEnabled => writeln!(formatter, "not enabled"),
            Fate::PassedBy => {
                writeln!(formatter, "passed by")?;
                self.reasons(formatter)
            }
            Fate::Kept { changes, emitted, refused_writes, duplicates_deleted } => {
                let changed = if changes.is_empty() { ", unchanged" } else { "" };
                writeln!(formatter, "kept{changed}")?;
                self.reasons(formatter)?;
                for change in changes {
                    let (before, after) = (value(change.before.as_deref()), value(change.after.as_deref()));
                    writeln!(formatter, "  {}: {before} -> {after}", printable(&change.field, MAX_VALUE))?;
                }
                if *refused_writes > 0 {
                    writeln!(
                        formatter,
                        "  {refused_writes} writes refused: a parent is no object, or not a number"
                    )?;
                }
                if *duplicates_deleted > 0 {
                    writeln!(
                        formatter,
                        "  {duplicates_deleted} earlier occurrences of its keys deleted first"
                    )?;
                }
                brought(emitted, formatter)
            }
            Fate::Dropped { emitted } => {
                writeln!(formatter, "dropped")?;
                self.reasons(formatter)?;
                brought(emitted, formatter)
            }
            Fate::Failed { kind, message, on_error } => {
                let then = match *on_error {
                    "pass" => "it passes as it was",
                    "drop" => "it is dropped",
                    "stop" => "it becomes a dead letter and the run stops",
                    _ => "it becomes a dead letter",
                };
                writeln!(formatter, "failed; on_error = {on_error:?}: {then}")?;
                self.reasons(formatter)?;
                writeln!(formatter, "  {kind}: {}", event(message))
            }
        }
    }
}

impl Met {
    /// Why it was handed over or was not.
    fn reasons(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(LeftBy { hook, holds }) = &self.left_by {
            let holds = if *holds { "it was" } else { "it was not" };
            writeln!(formatter, "  left to it by the rollout of hook {hook:?}: {holds}")?;
        }
        self.asked.fmt(formatter)?;
        self.rollout.as_ref().map_or(Ok(()), |rollout| rollout.fmt(formatter))
    }
}

impl Display for Rollout {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Decision { inside, share, only, by, step, steps } = &self.decision;
        for tested in only {
            let holds = if tested.holds { "holds" } else { "does not hold" };
            let seen = value(tested.value.as_deref());
            writeln!(formatter, "  rollout only {}: {holds}, the value is {seen}", tested.condition)?;
        }
        for seen in by {
            let field = printable(&seen.field, MAX_VALUE);
            let cannot = if seen.counts { "" } else { ", which is no text, number or boolean" };
            writeln!(
                formatter,
                "  rollout by {field}: the value is {}{cannot}",
                value(seen.value.as_deref())
            )?;
        }
        let is = if *inside { "is" } else { "is not" };
        write!(formatter, "  rollout to {share}: it {is} in the share")?;
        if let Some(step) = step {
            write!(formatter, ", its step {step} {is} below {steps}")?;
        }
        match (inside, self.otherwise.as_str()) {
            (true, _) => writeln!(formatter),
            (false, "pass") => writeln!(formatter, "; otherwise it passes"),
            (false, hook) => writeln!(formatter, "; otherwise it is left to hook {hook:?}"),
        }
    }
}

fn brought(emitted: &[String], formatter: &mut Formatter<'_>) -> fmt::Result {
    for text in emitted {
        writeln!(formatter, "  emitted {}", event(text))?;
    }
    Ok(())
}

impl Display for Exit {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", if self.taken { "takes it" } else { "does not take it" })?;
        self.asked.fmt(formatter)?;
        match &self.event {
            Some(text) => writeln!(formatter, "  {}", event(text)),
            None => Ok(()),
        }
    }
}

impl Display for Asked {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let (Some(from), Some(holds)) = (&self.from, self.from_holds) {
            let holds = if holds { "it does" } else { "it does not" };
            writeln!(formatter, "  from {from:?}: {holds}")?;
        }
        for tested in &self.conditions {
            let holds = if tested.holds { "holds" } else { "does not hold" };
            writeln!(
                formatter,
                "  match {}: {holds}, the value is {}",
                tested.condition,
                value(tested.value.as_deref())
            )?;
        }
        Ok(())
    }
}

//! What limits the throughput of a run, how much is lost to it, and what to change. Pure: from what happened between two
//! times ([`Between`]) and the hooks' configurations.
//!
//! The time of the workers is spent in one of five ways: waiting for lines, for a sink, for a breaker, for room for dead
//! letters, or at work, of which each hook takes its part. The one that takes most limits the flow; if that is the wait for
//! lines, nothing here does. What hooks drop is no matter of time: one that drops more than it keeps is named beside that.

use serde::Serialize;
use serde_json::Value;

use crate::snapshot::{Between, Hook};

/// What takes less of the workers' time than this is not worth a word.
const LEAST: f64 = 0.1;

/// A hook that drops more of its events than this does so by mistake, perhaps; one that is a throttle is named however few it
/// drops.
const MOST_DROPPED: f64 = 0.5;

/// An instance that all workers share and that is at work for more of the time than this limits them all.
const ALONE: f64 = 0.7;

/// The plugin whose trade is a rate.
const THROTTLE: &str = "throttle";

/// Something that holds events up or takes them out, the worst first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of thing it is.
    pub stage: Stage,
    /// Its name; none: it is all of them.
    pub name: Option<String>,
    /// How many more events a second would come through without it; none: that cannot be told.
    pub lost_per_s: Option<f64>,
    /// What it does.
    pub what: String,
    /// What to change: settings first.
    pub remedies: Vec<String>,
    /// What it takes of the workers' time, or of the events.
    #[serde(skip)]
    weight: f64,
}

/// What limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A hook's calls.
    Hook,
    /// What a hook drops.
    Drops,
    /// A hook whose breaker is open.
    Breaker,
    /// Dead letters that cannot be written.
    DeadLetters,
    /// A sink.
    Sink,
    /// The host itself: reading, taking apart, splicing.
    Host,
    /// The sources bring no more.
    Source,
}

impl Stage {
    /// Its word, for people.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Hook | Stage::Drops => "hook",
            Stage::Breaker => "breaker of hook",
            Stage::DeadLetters => "dead letters of hook",
            Stage::Sink => "sink",
            Stage::Host => "host",
            Stage::Source => "sources",
        }
    }
}

/// How a hook is configured, as far as it matters.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its plugin: a path, or the name of a standard one.
    pub plugin: String,
    /// Its config.
    pub config: Value,
}

impl Setting {
    /// Those of a configuration as `GET /api/v1/config` tells it.
    pub fn all(config: &Value) -> Vec<Setting> {
        let hooks = config.get("hook").and_then(Value::as_array);
        let text =
            |hook: &Value, key: &str| hook.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let setting = |hook: &Value| Setting {
            name: text(hook, "name"),
            plugin: text(hook, "plugin"),
            config: hook.get("config").cloned().unwrap_or_default(),
        };
        hooks.into_iter().flatten().map(setting).collect()
    }

    fn is_throttle(&self) -> bool {
        let file = self.plugin.rsplit('/').next().unwrap_or_default();
        file.split(['.', '@']).next() == Some(THROTTLE)
    }

    /// `key = value` of its config, if it is there.
    fn shown(&self, key: &str) -> Option<String> {
        self.config.get(key).map(|value| format!("{key} = {value}"))
    }
}

/// What limits the run, the worst first. There is always something.
pub fn why(between: &Between<'_>, settings: &[Setting]) -> Vec<Finding> {
    let mut found: Vec<Finding> = between
        .hooks()
        .iter()
        .filter_map(|(before, after)| drops(between, before, after, settings))
        .collect();
    found.extend(waits(between));
    found.push(work(between));
    found.retain(|finding| finding.weight >= LEAST || finding.stage == Stage::Drops);
    found.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    let idle = between.idle();
    // What takes less of the time than the wait for lines limits nothing, and events that are dropped are lost however.
    found.retain(|finding| finding.stage == Stage::Drops || finding.weight >= idle);
    if found.iter().all(|finding| finding.stage == Stage::Drops) {
        found.push(source(between, idle));
    }
    found
}

/// A hook that drops.
fn drops(between: &Between<'_>, before: &Hook, after: &Hook, settings: &[Setting]) -> Option<Finding> {
    let (rows, dropped) =
        (between.rate(before.rows, after.rows), between.rate(before.dropped, after.dropped));
    let setting = settings.iter().find(|setting| setting.name == after.name);
    let is_throttle = setting.is_some_and(Setting::is_throttle);
    let part = if rows > 0.0 { dropped / rows } else { 0.0 };
    if dropped == 0.0 || (part < MOST_DROPPED && !is_throttle) {
        return None;
    }
    let name = &after.name;
    let what =
        format!("drops {} of its events, {} of {} a second", percent(part), count(dropped), count(rows));
    let remedies = if is_throttle {
        let now = |key| {
            setting
                .and_then(|setting| setting.shown(key))
                .map_or(String::new(), |now| format!(" (now {now})"))
        };
        vec![
            format!("raise `rate`{} in the config of hook {name:?}", now("rate")),
            format!("or `burst`{}, if it is only peaks that are over the rate", now("burst")),
        ]
    } else {
        let config =
            setting.filter(|setting| setting.config.as_object().is_some_and(|config| !config.is_empty()));
        let config = config.map_or(String::new(), |setting| format!(" (now {})", setting.config));
        vec![
            format!("if that is too much, change the config of hook {name:?}{config}"),
            format!("hand it fewer events: `match` of hook {name:?}"),
        ]
    };
    let (name, lost_per_s) = (Some(after.name.clone()), Some(dropped));
    Some(Finding { stage: Stage::Drops, name, lost_per_s, what, remedies, weight: part })
}

/// What workers wait for, beside lines.
fn waits(between: &Between<'_>) -> Vec<Finding> {
    let finding = |stage, name: &str, share: f64, what: String, remedies: Vec<String>| Finding {
        stage,
        name: Some(name.to_owned()),
        lost_per_s: lost(between.events_in(), share),
        what,
        remedies,
        weight: share,
    };
    let mut found = Vec::new();
    for (name, share) in between.shares(|waits| &waits.sinks_s) {
        let taken = between
            .sinks()
            .iter()
            .find(|(_, sink)| sink.name == name)
            .map_or(0.0, |(before, after)| between.rate(before.events, after.events));
        let what = format!(
            "takes {} events a second, and workers wait for it {} of their time: its queue is full",
            count(taken),
            percent(share)
        );
        let remedies = vec![
            format!("give sink {name:?} a faster disk or reader"),
            format!("hand it fewer events: `match` or `from` of sink {name:?}"),
        ];
        found.push(finding(Stage::Sink, &name, share, what, remedies));
    }
    for (name, share) in between.shares(|waits| &waits.breakers_s) {
        let what = format!("is open, and workers wait for it {} of their time", percent(share));
        let remedies = vec![
            format!(
                "mend hook {name:?}; `hookaroon dead-letters list --hook {name}` and the log say how it fails"
            ),
            format!("let events pass meanwhile: `when_open = \"pass\"` of hook {name:?}, or pause it"),
        ];
        found.push(finding(Stage::Breaker, &name, share, what, remedies));
    }
    for (name, share) in between.shares(|waits| &waits.dead_letters_s) {
        let what = format!(
            "cannot be written, because their cap is reached or the disk is full; workers wait {} of their time",
            percent(share)
        );
        let remedies = vec![
            "raise `max_bytes` in [dead_letters], or make room on the disk".to_owned(),
            format!("take letters away: `hookaroon dead-letters replay --hook {name}`"),
            format!("keep none: `on_error` of hook {name:?}"),
        ];
        found.push(finding(Stage::DeadLetters, &name, share, what, remedies));
    }
    found
}

/// What workers are at work for.
fn work(between: &Between<'_>) -> Finding {
    let busy = between.busy();
    let hooks = between.hooks();
    let cost = |(before, after): &(Hook, &Hook)| between.share(before.cpu_s, after.cpu_s);
    let costliest = hooks.iter().max_by(|one, other| cost(one).total_cmp(&cost(other)));
    let workers = between.after.workers.max(1);
    let more_workers = format!("give it more workers: `workers` (now {workers}), if there are processors");
    let Some(((before, after), share)) =
        costliest.map(|hook| (hook, cost(hook))).filter(|(_, cost)| *cost > 0.0)
    else {
        return host(busy, String::new(), more_workers);
    };
    let name = &after.name;
    // While one worker is in the one instance, the others wait for it.
    let alone = share * f64::from(workers);
    let is_alone = after.instances == 1 && workers > 1 && alone >= ALONE;
    if !is_alone && share * 2.0 < busy {
        let beside = format!("; the costliest hook, {name}, takes {}", percent(share));
        return host(busy, beside, more_workers);
    }
    let rows = after.rows.saturating_sub(before.rows);
    let each = match rows {
        0 => String::new(),
        rows => format!(", {} for each event", time((after.cpu_s - before.cpu_s) * 1e9 / rows as f64)),
    };
    let cheaper = format!("make hook {name:?} cheaper, or hand it fewer events: its `match`");
    let bound = format!("bound what it takes: `max_share` of hook {name:?}");
    let (what, remedies, lost_per_s) = if is_alone {
        let what = format!("is one instance for all workers, at work {} of the time{each}", percent(alone));
        (what, vec![cheaper, bound], None)
    } else {
        let what = format!("takes {} of the workers' time{each}", percent(share));
        (what, vec![cheaper, more_workers, bound], lost(between.events_in(), share))
    };
    Finding { stage: Stage::Hook, name: Some(name.clone()), lost_per_s, what, remedies, weight: busy }
}

/// The host itself is at work, for no hook above all.
fn host(busy: f64, beside: String, more_workers: String) -> Finding {
    let what = format!("is at work {} of the workers' time{beside}", percent(busy));
    let remedies = vec![more_workers];
    Finding { stage: Stage::Host, name: None, lost_per_s: None, what, remedies, weight: busy }
}

/// Nothing holds events up.
fn source(between: &Between<'_>, idle: f64) -> Finding {
    let events = count(between.events_in());
    let what = format!(
        "bring {events} events a second, and all of them are taken: workers wait for lines {} of their time",
        percent(idle)
    );
    Finding {
        stage: Stage::Source,
        name: None,
        lost_per_s: None,
        what,
        remedies: vec!["nothing: what comes is processed at once".to_owned()],
        weight: idle,
    }
}

/// How many more events a second there would be without what takes this share of the time; none: without end.
fn lost(events: f64, share: f64) -> Option<f64> {
    (share < 0.999 && events > 0.0).then(|| events * share / (1.0 - share))
}

/// A part, for people.
pub fn percent(part: f64) -> String {
    format!("{:.0}%", part * 100.0)
}

/// A rate, for people: three digits that say something.
pub fn count(rate: f64) -> String {
    if rate < 10.0 && rate > 0.0 {
        format!("{rate:.1}")
    } else {
        crate::summary::grouped(rate.round() as u64)
    }
}

/// A time in nanoseconds, for people.
pub fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.1} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests;

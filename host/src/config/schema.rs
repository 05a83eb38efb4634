//! The keys that there are, said once: what they mean, what they may be, and what they are if nothing is said.
//!
//! The readers take allowed keys, bounds and defaults from here; the reference, the schema for editors and
//! `config show --defaults` are made from nothing else. Tests hold the readers to the words and defaults in the tables.

mod keys;

use std::ops::RangeInclusive;
use std::time::Duration;

use super::units::{show_size, show_time};

pub(super) use keys::*;

/// One table of the configuration.
#[derive(Debug)]
pub(super) struct Section {
    /// As it is written: `[batch]`, `[[hook]]`; empty for what stands outside of all tables.
    pub(super) header: &'static str,
    /// What it is, for people.
    pub(super) doc: &'static str,
    /// In the order in which people write them; tables last, as TOML needs it.
    pub(super) keys: &'static [Key],
}

/// One key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unset: Unset,
    /// A value, in TOML; nothing for tables.
    pub(super) example: &'static str,
    /// What it means, in Markdown.
    pub(super) doc: &'static str,
    /// The `type` that it belongs to, if not to all.
    pub(super) only: Option<&'static str>,
}

/// What a value may be.
#[derive(Debug)]
pub(super) enum Kind {
    Flag,
    Number(Bounded<u64>),
    /// A number, or this word.
    NumberOr(Bounded<u64>, &'static str),
    Size(Bounded<u64>),
    Time(Bounded<Duration>),
    /// One of these words, each with what it means.
    Word(&'static [(&'static str, &'static str)]),
    Text(Form),
    /// A list of texts, or one alone.
    Texts(Form),
    Table(&'static Section),
    Tables(&'static Section),
    /// A list of events, or the lines of a file.
    Lines,
    /// A table whose keys are names, or somebody else's.
    Open,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Any,
    /// Of a source, hook or sink.
    Name,
    /// Relative to the file that it stands in.
    Path,
    /// A path, or the name of a standard hook.
    Plugin,
    /// 64 hex digits.
    Digest,
    /// A date and time, of TOML or as a text.
    Moment,
    /// A part of a whole, with its percent sign.
    Share,
    /// An address and a port, or `unix:` and a path.
    Listen,
}

/// What holds if a key is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unset {
    /// It must be there.
    Refused,
    /// It is as if this had been written, in TOML.
    Is(&'static str),
    /// The default among the bounds of its kind.
    Default,
    /// No value says it.
    Means(&'static str),
}

/// A table that is as good as empty if it is not there.
pub(super) const ITS_DEFAULTS: Unset = Unset::Means("its keys' defaults");

/// A number's bounds and what it is if nothing is said.
#[derive(Debug)]
pub(super) struct Bounded<T> {
    pub(super) allowed: RangeInclusive<T>,
    pub(super) default: T,
}

impl Section {
    /// The keys that may stand in it.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }
}

impl Key {
    /// What it is as if it had been written, in TOML, unless that cannot be written.
    pub(super) fn default(&self) -> Option<String> {
        match (self.unset, &self.kind) {
            (Unset::Is(value), _) => Some(value.to_owned()),
            (Unset::Default, Kind::Number(bounds) | Kind::NumberOr(bounds, _)) => {
                Some(bounds.default.to_string())
            }
            (Unset::Default, Kind::Size(bounds)) => Some(format!("\"{}\"", show_size(bounds.default))),
            (Unset::Default, Kind::Time(bounds)) => Some(format!("\"{}\"", show_time(bounds.default))),
            _ => None,
        }
    }
}

impl Kind {
    /// For people, in Markdown.
    pub(super) fn describe(&self) -> String {
        match self {
            Kind::Flag => "`true` or `false`".to_owned(),
            Kind::Number(bounds) => {
                format!("number, {}", bounds.describe(u64::MAX, |value| value.to_string()))
            }
            Kind::NumberOr(bounds, word) => {
                format!("number, {}, or `\"{word}\"`", bounds.describe(u64::MAX, |value| value.to_string()))
            }
            Kind::Size(bounds) => format!("size, {}", bounds.describe(u64::MAX, show_size)),
            Kind::Time(bounds) => format!("time, {}", bounds.describe(Duration::MAX, show_time)),
            Kind::Word(words) => {
                words.iter().map(|(word, _)| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
            }
            Kind::Text(Form::Any) => "text".to_owned(),
            Kind::Text(Form::Name) => "name".to_owned(),
            Kind::Text(Form::Path) => "path".to_owned(),
            Kind::Text(Form::Plugin) => "standard hook, or path".to_owned(),
            Kind::Text(Form::Digest) => "64 hex digits".to_owned(),
            Kind::Text(Form::Moment) => "date and time with its zone".to_owned(),
            Kind::Text(Form::Share) => "share, such as `\"75%\"`".to_owned(),
            Kind::Text(Form::Listen) => "address and port, or `unix:PATH`".to_owned(),
            Kind::Texts(Form::Path) => "list of paths, or one".to_owned(),
            Kind::Texts(_) => "list of texts, or one".to_owned(),
            Kind::Table(section) | Kind::Tables(section) => format!("table `{}`", section.header),
            Kind::Lines => "list of texts, or `{ file = \"PATH\" }`".to_owned(),
            Kind::Open => "table".to_owned(),
        }
    }
}

impl<T: Copy + PartialEq> Bounded<T> {
    /// For people; `endless` is no bound.
    pub(super) fn describe(&self, endless: T, show: impl Fn(T) -> String) -> String {
        let (least, most) = (*self.allowed.start(), *self.allowed.end());
        if most == endless {
            format!("at least {}", show(least))
        } else {
            format!("{} to {}", show(least), show(most))
        }
    }
}

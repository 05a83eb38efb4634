//! Where values go: into a field each if their names are known at init, else as members of one object.
//!
//! Fields are read only to see what is there already, unless that does not matter. What is there stays, `null` and
//! the parsed text itself excepted.

use std::collections::BTreeMap;

use hookaroon_sdk::{Boolean, Event, Float, Integer, Json, Read, Setup, Text, Write};

use crate::object::{self, quote};
use crate::values::{Kind, Mismatch, Plain, Value, Values};

/// What is done with the text that was parsed, and with what is there.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// The path of the text.
    pub field: &'o str,
    /// The path of the object that values go into; empty: the event.
    pub into: &'o str,
    /// Whether the text goes.
    pub remove: bool,
    /// Whether fields that are there are set too.
    pub overwrite: bool,
}

/// A field for each value.
#[derive(Debug)]
pub struct Columns {
    kinds: Vec<Kind>,
    /// Most values are texts.
    texts: Vec<Column<Write<Text>>>,
    others: Vec<(Column<Writer>, Option<Plain>)>,
    /// The parsed text, if it goes and no value takes its place.
    remove: Option<Write<Text>>,
}

/// The field of the value with this number.
#[derive(Debug)]
struct Column<W> {
    number: usize,
    write: W,
    /// To see whether it is there; none if that does not matter. Of the kind that costs least.
    read: Option<Read<Boolean>>,
    /// Whether it goes if there is no such value: it is the parsed text.
    goes: bool,
}

/// Where a value goes that is no text.
#[derive(Clone, Copy, Debug)]
enum Writer {
    Integer(Write<Integer>),
    Float(Write<Float>),
    Boolean(Write<Boolean>),
}

impl Columns {
    /// Fields for values of these names and kinds.
    pub fn new<'n>(
        values: impl Iterator<Item = (&'n str, Kind)>,
        options: Options<'_>,
        setup: &mut Setup,
    ) -> Columns {
        let Options { field, into, remove, overwrite } = options;
        let mut columns = Columns { kinds: Vec::new(), texts: Vec::new(), others: Vec::new(), remove: None };
        let mut takes_its_place = false;
        for (number, (name, kind)) in values.enumerate() {
            let path = if into.is_empty() { name.to_owned() } else { format!("{into}.{name}") };
            let is_source = path == field;
            takes_its_place |= is_source;
            let writer = match kind {
                Kind::Text => None,
                Kind::Integer => Some(Writer::Integer(setup.write(&path))),
                Kind::Float => Some(Writer::Float(setup.write(&path))),
                Kind::Boolean => Some(Writer::Boolean(setup.write(&path))),
            };
            let read = (!overwrite && !is_source).then(|| setup.read(&path));
            let goes = is_source && remove;
            columns.kinds.push(kind);
            match writer {
                Some(write) => columns.others.push((Column { number, write, read, goes }, None)),
                None => columns.texts.push(Column { number, write: setup.write(&path), read, goes }),
            }
        }
        columns.remove = (remove && !takes_its_place).then(|| setup.write(field));
        columns
    }

    /// The kind of the value with this number.
    pub fn kind(&self, number: usize) -> Kind {
        self.kinds.get(number).copied().unwrap_or(Kind::Text)
    }

    /// Whether every value is of its kind.
    pub fn check(&mut self, values: &Values, line: &str) -> Result<(), Mismatch> {
        for (column, plain) in &mut self.others {
            *plain = values.plain(column.number, column.write.kind(), line)?;
        }
        Ok(())
    }

    /// Sets the fields to the values that were checked last.
    pub fn set(&self, values: &Values, line: &str, event: &mut Event<'_>) {
        for column in &self.texts {
            match values.text(column.number, line) {
                Some(text) if column.is_free(event) => event.set(column.write, text),
                None if column.goes => event.remove(column.write),
                _ => {}
            }
        }
        for (column, plain) in &self.others {
            match *plain {
                Some(plain) if column.is_free(event) => column.write.set(plain, event),
                None if column.goes => column.write.remove(event),
                _ => {}
            }
        }
        if let Some(source) = self.remove {
            event.remove(source);
        }
    }
}

impl<W> Column<W> {
    #[inline]
    fn is_free(&self, event: &Event<'_>) -> bool {
        !self.read.is_some_and(|read| event.has(read))
    }
}

impl Writer {
    fn kind(self) -> Kind {
        match self {
            Writer::Integer(_) => Kind::Integer,
            Writer::Float(_) => Kind::Float,
            Writer::Boolean(_) => Kind::Boolean,
        }
    }

    fn set(self, value: Plain, event: &mut Event<'_>) {
        match (self, value) {
            (Writer::Integer(write), Plain::Integer(number)) => event.set(write, number),
            (Writer::Float(write), Plain::Float(number)) => event.set(write, number),
            (Writer::Boolean(write), Plain::Boolean(value)) => event.set(write, value),
            // It is of the kind that was asked for.
            _ => {}
        }
    }

    fn remove(self, event: &mut Event<'_>) {
        match self {
            Writer::Integer(write) => event.remove(write),
            Writer::Float(write) => event.remove(write),
            Writer::Boolean(write) => event.remove(write),
        }
    }
}

/// One object for pairs of a key and a value: the event itself, or one in it.
#[derive(Debug)]
pub struct Object {
    types: BTreeMap<String, Kind>,
    /// What is there already; none if that does not matter.
    read: Option<Read<Json>>,
    write: Write<Json>,
    overwrite: bool,
    /// The key of the parsed text, if it is a member of the object.
    source: Option<String>,
    remove: Remove,
    /// Which pairs are left out. Kept, as is the object's text, so that nothing is allocated for an event.
    left_out: Vec<bool>,
    text: String,
}

/// How the parsed text goes.
#[derive(Clone, Copy, Debug)]
enum Remove {
    /// It stays.
    No,
    /// It is a field beside the object.
    Field(Write<Text>),
    /// It is a member of the object, which is written anew.
    Member,
}

impl Object {
    /// An object for pairs, some of whose values are not texts.
    pub fn new(
        types: BTreeMap<String, Kind>,
        options: Options<'_>,
        setup: &mut Setup,
    ) -> Result<Object, String> {
        let Options { field, into, remove, overwrite } = options;
        let is_whole = into.is_empty();
        let path = if is_whole { "." } else { into };
        let source = is_whole.then(|| top_key(field)).flatten();
        let remove = match (remove, is_whole) {
            (false, _) => Remove::No,
            (true, false) => Remove::Field(setup.write(field)),
            (true, true) if source.is_some() => Remove::Member,
            (true, true) => {
                return Err(format!(
                    "remove: {field:?} lies in an object, which is written already; write into = \"...\" too, or \
                     leave remove out"
                ));
            }
        };
        let read = (!overwrite || matches!(remove, Remove::Member)).then(|| setup.read(path));
        let write = setup.write(path);
        Ok(Object {
            types,
            read,
            write,
            overwrite,
            source,
            remove,
            left_out: Vec::new(),
            text: String::new(),
        })
    }

    /// The kind of the value of a key.
    pub fn kind(&self, key: &str) -> Kind {
        self.types.get(key).copied().unwrap_or(Kind::Text)
    }

    /// Sets the pairs: keys have even numbers, and each is followed by its value.
    pub fn set(&mut self, values: &Values, line: &str, event: &mut Event<'_>) -> Result<(), Mismatch> {
        for number in (0..values.len()).step_by(2) {
            values.get(number + 1, self.kind(values.text(number, line).unwrap_or("")), line)?;
        }
        self.left_out.clear();
        self.left_out.resize(values.len() / 2, false);
        self.text.clear();
        self.text.push('{');
        let there = self.read.and_then(|read| event.get(read));
        match there {
            Some(there) if there.starts_with('{') || self.source.is_some() => self.meet(there, values, line),
            // A value that is no object stays, or goes for the object that is set.
            Some(_) if !self.overwrite => return self.finish(event),
            _ => {}
        }
        for number in (0..values.len()).step_by(2) {
            if self.left_out.get(number / 2) == Some(&false) {
                self.add(number, values, line)?;
            }
        }
        self.finish(event)
    }

    /// Looks at the members that are there: takes over those that stay if the object is written anew, and leaves out
    /// pairs that they stand for.
    fn meet(&mut self, there: &str, values: &Values, line: &str) {
        let anew = matches!(self.remove, Remove::Member);
        for member in object::members(there) {
            let key = member.key();
            if self.source.as_deref() == Some(&key) {
                continue;
            }
            let mut pairs = (0..values.len()).step_by(2);
            let pair = pairs.find(|number| values.text(*number, line) == Some(&key));
            let text = there.get(member.range.clone()).unwrap_or("");
            let stays = pair.is_none() || !self.overwrite && !text.ends_with("null");
            if let (Some(number), true) = (pair, stays)
                && let Some(left_out) = self.left_out.get_mut(number / 2)
            {
                *left_out = true;
            }
            if anew && stays {
                self.comma();
                self.text.push_str(text);
            }
        }
    }

    fn comma(&mut self) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
    }

    fn add(&mut self, number: usize, values: &Values, line: &str) -> Result<(), Mismatch> {
        let Some(key) = values.text(number, line) else { return Ok(()) };
        let Some(value) = values.get(number + 1, self.kind(key), line)? else { return Ok(()) };
        self.comma();
        quote(key, &mut self.text);
        self.text.push(':');
        match value {
            Value::Text(text) => quote(text, &mut self.text),
            Value::Plain(Plain::Integer(number)) => self.number(format_args!("{number}")),
            Value::Plain(Plain::Float(number)) => self.number(format_args!("{number:?}")),
            Value::Plain(Plain::Boolean(value)) => self.text.push_str(if value { "true" } else { "false" }),
        }
        Ok(())
    }

    fn number(&mut self, number: std::fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = std::fmt::Write::write_fmt(&mut self.text, number);
    }

    fn finish(&mut self, event: &mut Event<'_>) -> Result<(), Mismatch> {
        self.text.push('}');
        match self.remove {
            Remove::Member => event.set(self.write, &self.text),
            Remove::No | Remove::Field(_) if self.text.len() > 2 => event.merge(self.write, &self.text),
            Remove::No | Remove::Field(_) => {}
        }
        if let Remove::Field(source) = self.remove {
            event.remove(source);
        }
        Ok(())
    }
}

/// The key of a path that has only one.
fn top_key(path: &str) -> Option<String> {
    match path.as_bytes().first()? {
        b'"' => serde_json::from_str(path).ok(),
        b'\'' => path.strip_prefix('\'')?.strip_suffix('\'').map(str::to_owned),
        _ => (!path.contains('.')).then(|| path.to_owned()),
    }
}

//! Lines of a fixed shape, written as nginx writes its `log_format`: `$client_ip - $user [$time] "$request"`.
//!
//! A value ends where the text after it begins; between quotes, escapes are resolved first and a quote that is
//! escaped ends nothing. A lone `-` is no value. One pass over the line and no way back, so the time is linear.
//! A template that is ambiguous is an error of the config.

use hookaroon_find::{either, first};

use crate::access;
use crate::needle::Needle;
use crate::unescape;
use crate::values::{Mismatch, Place, Values};

/// The most bytes of a template, and the most values in it.
const MAX_BYTES: usize = 4096;
const MAX_VALUES: usize = 64;

/// A template.
#[derive(Debug)]
pub struct Template {
    /// What a line begins with.
    prefix: Needle,
    parts: Vec<Part>,
    /// What values there are.
    names: Vec<String>,
}

/// A value and the text behind it.
#[derive(Debug)]
struct Part {
    meaning: Meaning,
    /// Empty: the value goes on to the end of the line.
    after: Needle,
    is_quoted: bool,
    is_last: bool,
}

/// What a value stands for.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    /// The value with this number.
    Value(usize),
    /// A time in the form of access logs.
    Time(usize),
    /// The first line of a request: from this number on its method, path and protocol, or, if it is none, itself.
    Request(usize),
}

impl Template {
    /// Reads a template.
    pub fn new(text: &str) -> Result<Template, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it has {} bytes; {MAX_BYTES} is the most", text.len()));
        }
        let mut pieces = text.split('$');
        let mut before = pieces.next().unwrap_or_default();
        let mut template = Template { prefix: Needle::new(before), parts: Vec::new(), names: Vec::new() };
        let mut pieces = pieces.peekable();
        while let Some(piece) = pieces.next() {
            let (name, after) = named(piece)?;
            if after.is_empty() && pieces.peek().is_some() {
                return Err(format!(
                    "there is nothing between ${name} and the next value; write what parts them"
                ));
            }
            let meaning = template.add(name)?;
            let is_quoted = before.ends_with('"') && after.starts_with('"');
            let is_last = pieces.peek().is_none();
            template.parts.push(Part { meaning, after: Needle::new(after), is_quoted, is_last });
            before = after;
        }
        match template.parts.len() {
            0 => {
                Err("it names no value; write one as $name: '$client_ip - $user [$time] \"$request\"'"
                    .to_owned())
            }
            1..=MAX_VALUES => Ok(template),
            more => Err(format!("it has {more} values; {MAX_VALUES} is the most")),
        }
    }

    fn add(&mut self, name: &str) -> Result<Meaning, String> {
        let number = self.names.len();
        let (meaning, names): (_, &[&str]) = match name {
            "request" => (Meaning::Request(number), &access::REQUEST),
            "time" | "time_local" => (Meaning::Time(number), &[name]),
            _ => (Meaning::Value(number), &[name]),
        };
        for name in names {
            if self.names.iter().any(|known| known == name) {
                return Err(format!("${name} stands in it twice; give one another name"));
            }
            self.names.push((*name).to_owned());
        }
        Ok(meaning)
    }

    /// What its values are called, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Takes a line apart.
    #[inline(never)]
    pub fn parse(&self, line: &str, values: &mut Values) -> Result<(), Mismatch> {
        values.start(self.names.len());
        if !self.prefix.starts(line.as_bytes()) {
            return Err(Mismatch::Form);
        }
        let mut at = self.prefix.text().len();
        for part in &self.parts {
            let rest = line.as_bytes().get(at..).ok_or(Mismatch::Form)?;
            let (length, has_escapes) = part.end(rest).ok_or(Mismatch::Form)?;
            if length != 1 || rest.first() != Some(&b'-') {
                let place = if has_escapes {
                    let start = values.buffer.len();
                    unescape::append(line.get(at..at + length).unwrap_or(""), &mut values.buffer);
                    Place::buffer(start..values.buffer.len())
                } else {
                    Place::line(at..at + length)
                };
                match part.meaning {
                    Meaning::Value(number) => values.set(number, place),
                    Meaning::Time(number) => access::time(number, place, line, values),
                    Meaning::Request(first) => access::request(first, place, line, values),
                }
            }
            at += length + part.after.text().len();
        }
        if at == line.len() { Ok(()) } else { Err(Mismatch::Form) }
    }
}

impl Part {
    /// How long the value at the start of `text` is, and whether it has escapes.
    #[inline(always)]
    fn end(&self, text: &[u8]) -> Option<(usize, bool)> {
        if self.is_quoted {
            return quoted(text, &self.after, self.is_last);
        }
        let after = self.after.text();
        if after.is_empty() {
            return Some((text.len(), false));
        }
        let at = self.after.find(text)?;
        if self.goes_on(text, at) { self.end_of_list(text, at + 1) } else { Some((at, false)) }
    }

    /// Whether what was found at a place parts two values in a list. nginx parts those of several upstreams with a comma
    /// and a space.
    #[inline]
    fn goes_on(&self, text: &[u8], at: usize) -> bool {
        self.after.text().starts_with(b" ") && at > 0 && text.get(at - 1) == Some(&b',')
    }

    #[inline(never)]
    fn end_of_list(&self, text: &[u8], mut from: usize) -> Option<(usize, bool)> {
        loop {
            let at = from + self.after.find(text.get(from..)?)?;
            if !self.goes_on(text, at) {
                return Some((at, false));
            }
            from = at + 1;
        }
    }
}

/// How long a value in quotes is that `after` follows, and nothing else if it is the last; and whether it has escapes.
/// Apache before 2.0.46 did not escape quotes, so one that something else follows belongs to the value.
#[inline]
fn quoted(text: &[u8], after: &Needle, is_last: bool) -> Option<(usize, bool)> {
    // Most values have neither an escape nor a quote.
    let at = first(text, either(b'"', b'\\'))?;
    if ends(text.get(at..)?, after, is_last) {
        Some((at, false))
    } else {
        quoted_with(text, at, after, is_last)
    }
}

/// Whether this is what comes after a value in quotes.
#[inline]
fn ends(rest: &[u8], after: &Needle, is_last: bool) -> bool {
    after.starts(rest) && (!is_last || rest.len() == after.text().len())
}

/// The same of a value with something at `from` that could be its end and is not.
#[inline(never)]
fn quoted_with(text: &[u8], mut from: usize, after: &Needle, is_last: bool) -> Option<(usize, bool)> {
    let mut has_escapes = false;
    loop {
        let at = from + first(text.get(from..)?, either(b'"', b'\\'))?;
        let rest = text.get(at..)?;
        if rest.starts_with(b"\\") {
            has_escapes = true;
            from = at + 2;
        } else if ends(rest, after, is_last) {
            return Some((at, has_escapes));
        } else {
            from = at + 1;
        }
    }
}

/// The name at the start of what comes after a `$`, in braces or not, and the text behind it.
fn named(piece: &str) -> Result<(&str, &str), String> {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (name, after) = match piece.strip_prefix('{') {
        Some(inner) => inner
            .split_once('}')
            .ok_or_else(|| format!("\"${piece}\" lacks its closing brace; write ${{name}}"))?,
        None => piece.split_at(piece.find(|letter| !is_bare(letter)).unwrap_or(piece.len())),
    };
    if name.is_empty() || !name.chars().all(is_bare) {
        return Err("behind a $ comes a name of letters, digits and _: $client_ip, ${client_ip}".to_owned());
    }
    Ok((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a line as `name=text`, or why there are none.
    fn parse(template: &str, line: &str) -> Result<Vec<String>, Mismatch> {
        let template = Template::new(template).unwrap();
        let mut values = Values::default();
        template.parse(line, &mut values)?;
        let known = template.names().iter().enumerate();
        Ok(known.filter_map(|(at, name)| Some(format!("{name}={}", values.text(at, line)?))).collect())
    }

    #[test]
    fn values_end_where_the_text_behind_them_begins() {
        assert_eq!(parse("<$a> - $b[$c]", "<1> - 2 x[y]z]"), Err(Mismatch::Form));
        assert_eq!(parse("<$a> - $b[$c]", "<1> - 2 x[yz]").unwrap(), ["a=1", "b=2 x", "c=yz"]);
        assert_eq!(parse("${a}b$c", "xbyb").unwrap(), ["a=x", "c=yb"]);
        assert_eq!(parse("$a $b", " ").unwrap(), ["a=", "b="]);
        assert_eq!(parse("$a $b", "größe - x").unwrap(), ["a=größe", "b=- x"]);
        assert_eq!(parse("$a $b", "- -").unwrap(), [""; 0]);
        for line in ["", "x", "1> - 2[3]", "<1> - 2[3", "<1> - 2[3] "] {
            assert_eq!(parse("<$a> - $b[$c]", line), Err(Mismatch::Form), "{line}");
        }
    }

    #[test]
    fn quotes_that_are_escaped_or_stand_within_end_nothing() {
        let template = r#""$a" "$b""#;
        assert_eq!(parse(template, r#""x" "y""#).unwrap(), ["a=x", "b=y"]);
        assert_eq!(parse(template, r#""x\" \"" "\x22\\""#).unwrap(), ["a=x\" \"", "b=\"\\"]);
        assert_eq!(parse(template, r#""x"x" "y"y""#).unwrap(), ["a=x\"x", "b=y\"y"]);
        assert_eq!(parse(template, r#""" "-""#).unwrap(), ["a="]);
        for line in [r#""x" "y\""#, r#""x" "y"#, r#""x" "y" "#, r#""x\"#, "\""] {
            assert_eq!(parse(template, line), Err(Mismatch::Form), "{line}");
        }
    }

    #[test]
    fn lists_of_upstreams_are_one_value() {
        assert_eq!(
            parse("$a $b", "10.0.0.1:80, 10.0.0.2:80 7").unwrap(),
            ["a=10.0.0.1:80, 10.0.0.2:80", "b=7"]
        );
    }

    #[test]
    fn a_template_that_is_wrong_says_what_to_write() {
        for (template, expected) in [
            ("", "it names no value; write one as $name"),
            ("plain", "it names no value"),
            ("$a$b", "nothing between $a and the next value"),
            ("$a $a", "$a stands in it twice; give one another name"),
            ("$request $method", "$method stands in it twice"),
            ("$", "behind a $ comes a name"),
            ("$-", "behind a $ comes a name"),
            ("${a.b}", "behind a $ comes a name"),
            ("${a", "lacks its closing brace"),
        ] {
            let error = Template::new(template).unwrap_err();
            assert!(error.contains(expected), "{template}: {error}");
        }
        let many: String = (0..=MAX_VALUES).map(|n| format!("$v{n} ")).collect();
        assert!(Template::new(&many).unwrap_err().contains("65 values; 64 is the most"));
        assert!(Template::new(&" ".repeat(MAX_BYTES + 1)).unwrap_err().contains("4096 is the most"));
    }
}

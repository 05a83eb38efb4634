//! Own regular expressions, tried one after the other: the first that matches anywhere in the text counts, and its
//! named groups are the values.
//!
//! The regex crate does not backtrack, so the time is linear in the text. What an expression compiles to, how many
//! there are and how many groups they have is bounded; one that does not compile or names no group is an error.

use regex::{CaptureLocations, Regex, RegexBuilder};

use crate::values::{Mismatch, Place, Values};

/// The most expressions, and the most different names in them.
const MAX_REGEXES: usize = 32;
const MAX_NAMES: usize = 64;

/// The most that an expression may compile to, and the most that its search may remember, in bytes. Together all of
/// them stay below a hook's memory.
const MAX_COMPILED: usize = 512 << 10;
const MAX_CACHE: usize = 256 << 10;

/// The most bytes that the values of one text may have together: groups may overlap.
const MAX_VALUES: usize = 1 << 20;

/// Regular expressions.
#[derive(Debug)]
pub struct Patterns {
    patterns: Vec<Pattern>,
    names: Vec<String>,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    /// Kept, so that nothing is allocated for a text.
    locations: CaptureLocations,
    /// The number of a group, and that of its value.
    groups: Vec<(usize, usize)>,
}

impl Patterns {
    /// Compiles them, in the order in which they are tried.
    pub fn new(texts: &[String]) -> Result<Patterns, String> {
        if texts.is_empty() || texts.len() > MAX_REGEXES {
            return Err(format!("regex: there are {} expressions; write 1 to {MAX_REGEXES}", texts.len()));
        }
        let mut patterns = Patterns { patterns: Vec::with_capacity(texts.len()), names: Vec::new() };
        for (place, text) in texts.iter().enumerate() {
            let place = if texts.len() == 1 { "regex".to_owned() } else { format!("regex {}", place + 1) };
            patterns.add(text).map_err(|error| format!("{place}: {error}"))?;
        }
        if patterns.names.len() > MAX_NAMES {
            return Err(format!("regex: {} different groups; {MAX_NAMES} is the most", patterns.names.len()));
        }
        Ok(patterns)
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let regex = RegexBuilder::new(text)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_CACHE)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => format!(
                    "it compiles to more than {limit} bytes; repeat less, or write (?-u) if \\w and \\d mean ASCII"
                ),
                other => other.to_string(),
            })?;
        let mut groups = Vec::new();
        for (group, name) in regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            let known = self.names.iter().position(|known| known == name);
            let number = known.unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            });
            groups.push((group, number));
        }
        if groups.is_empty() {
            return Err("it names no group, so there is nothing to take; write (?<status>[0-9]+)".to_owned());
        }
        self.patterns.push(Pattern { locations: regex.capture_locations(), regex, groups });
        Ok(())
    }

    /// What their groups are called, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Takes a text apart. `check` says whether the values are of their kinds; if not, the next expression is tried.
    pub fn parse(
        &mut self,
        text: &str,
        values: &mut Values,
        mut check: impl FnMut(&Values) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        let mut mismatch = Mismatch::Form;
        for pattern in &mut self.patterns {
            let Pattern { regex, locations, groups } = pattern;
            if regex.captures_read(locations, text).is_none() {
                continue;
            }
            values.start(self.names.len());
            for (group, number) in groups {
                if let Some((start, end)) = locations.get(*group) {
                    values.set(*number, Place::line(start..end));
                }
            }
            if values.bytes() > MAX_VALUES {
                return Err(Mismatch::Length);
            }
            match check(values) {
                Ok(()) => return Ok(()),
                Err(error) => mismatch = error,
            }
        }
        Err(mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str], text: &str) -> Option<Vec<String>> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut patterns = Patterns::new(&texts).unwrap();
        let mut values = Values::default();
        patterns.parse(text, &mut values, |_| Ok(())).ok()?;
        let known = patterns.names().iter().enumerate();
        Some(known.filter_map(|(at, name)| Some(format!("{name}={}", values.text(at, text)?))).collect())
    }

    fn error(texts: &[&str]) -> String {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Patterns::new(&texts).unwrap_err()
    }

    #[test]
    fn the_first_expression_that_matches_counts() {
        let texts =
            ["^user (?<user>\\w+)(?: from (?<ip>\\S+))?$", "(?<ip>[0-9.]+) (?P<user>x)", "(?<rest>.*)"];
        assert_eq!(parse(&texts, "user bob from 10.0.0.1").unwrap(), ["user=bob", "ip=10.0.0.1"]);
        assert_eq!(parse(&texts, "user bob").unwrap(), ["user=bob"]);
        assert_eq!(parse(&texts, "at 1.2 x!").unwrap(), ["user=x", "ip=1.2"]);
        assert_eq!(parse(&texts, "größe").unwrap(), ["rest=größe"]);
        assert_eq!(parse(&texts[..2], "größe"), None);
    }

    #[test]
    fn an_expression_whose_values_are_of_another_kind_gives_way_to_the_next() {
        let texts = ["(?<a>.+)".to_owned(), "(?<b>.+)".to_owned()];
        let mut patterns = Patterns::new(&texts).unwrap();
        let mut values = Values::default();
        let no_a = |values: &Values| match values.text(0, "x") {
            Some(_) => Err(Mismatch::Kind(0)),
            None => Ok(()),
        };
        assert_eq!(patterns.parse("x", &mut values, no_a), Ok(()));
        assert_eq!(values.text(1, "x"), Some("x"));
        assert_eq!(patterns.parse("x", &mut values, |_| Err(Mismatch::Kind(1))), Err(Mismatch::Kind(1)));
    }

    #[test]
    fn values_that_overlap_are_bounded_together() {
        let text = "x".repeat(250 << 10);
        let nested = ["(?<a>(?<b>(?<c>(?<d>x+))))".to_owned(), "(?<a>(?<b>(?<c>(?<d>(?<e>x+)))))".to_owned()];
        for (nested, expected) in nested.iter().zip([Ok(()), Err(Mismatch::Length)]) {
            let mut patterns = Patterns::new(std::slice::from_ref(nested)).unwrap();
            assert_eq!(patterns.parse(&text, &mut Values::default(), |_| Ok(())), expected);
        }
    }

    #[test]
    fn an_expression_that_is_wrong_says_which_and_what_to_do() {
        assert!(error(&["(?<a>x"]).starts_with("regex: regex parse error"));
        assert!(error(&["(?<a>x)", "("]).starts_with("regex 2: regex parse error"));
        assert!(error(&["([0-9]+)"]).contains("names no group"));
        assert!(error(&["(?<a>\\w{5000})"]).contains("repeat less"));
        assert!(error(&[]).contains("write 1 to 32"));
        assert!(error(&["(?<a>x)"; 33]).contains("there are 33 expressions"));
        let many: String = (0..=MAX_NAMES).map(|n| format!("(?<v{n}>)")).collect();
        assert!(error(&[&many]).contains("65 different groups"));
    }
}

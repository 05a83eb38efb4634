//! What is looked for. One look at each byte of a text tells which patterns could match at all; most texts are
//! done then.
//!
//! Time is linear in the text: the regular expressions are the regex crate's, which do not backtrack. A pattern that
//! is not known or does not compile is an error at init.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;

use crate::scan;

/// A match and the name of its pattern.
pub type Found<'p> = (Range<usize>, &'p str);

#[derive(Debug)]
struct Pattern {
    name: String,
    matcher: Matcher,
    /// Whether it could match a text with these traits.
    may_match: fn(&Traits) -> bool,
}

#[derive(Debug)]
enum Matcher {
    Scan(fn(&str) -> Vec<Range<usize>>),
    Regex(Regex),
}

/// All patterns of a hook.
#[derive(Debug)]
pub struct Patterns(Vec<Pattern>);

const BEARER: &str = r"(?i-u)\bbearer[ \t]+[A-Za-z0-9._~+/-]{8,}=*";
/// Keys of OpenAI, Stripe, AWS, GitHub, GitLab, Slack and Google, and whatever is called `api_key`.
const API_KEY: &str = r#"(?x-u)
    \b(?: sk-[A-Za-z0-9_-]{16,} | [rs]k_(?:live|test)_[A-Za-z0-9]{16,} | A[KS]IA[0-9A-Z]{16}
    | gh[pousr]_[A-Za-z0-9]{36,} | github_pat_[A-Za-z0-9_]{22,} | glpat-[A-Za-z0-9_-]{20,}
    | xox[abprs]-[A-Za-z0-9-]{10,} | AIza[0-9A-Za-z_-]{35} )
    | (?i:api[_-]?key)["']?\x20*[:=]\x20*["']?[A-Za-z0-9_-]{16,}"#;

const NAMES: [&str; 6] = ["email", "ipv4", "ipv6", "card", "bearer", "api_key"];

impl Patterns {
    /// The named ones, by default all, and own regular expressions.
    pub fn new(names: Option<&[String]>, own: &BTreeMap<String, String>) -> Result<Patterns, String> {
        let mut patterns = Vec::new();
        for (name, regex) in own {
            let matcher = Matcher::Regex(compile(&format!("regexes.{name}"), regex)?);
            patterns.push(Pattern { name: name.clone(), matcher, may_match: |_| true });
        }
        let all = NAMES.map(str::to_owned);
        for name in names.unwrap_or(&all) {
            patterns.push(built_in(name)?);
        }
        Ok(Patterns(patterns))
    }

    /// What matches, in order and apart. Matches that overlap are one, under the name of the one that starts first,
    /// and of those that start together the longest: no end of a match stays because another one came before it.
    pub fn find<'p>(&'p self, text: &str) -> Vec<Found<'p>> {
        let mut found: Vec<Found<'p>> = Vec::new();
        let traits = Traits::of(text.as_bytes());
        for pattern in self.0.iter().filter(|pattern| (pattern.may_match)(&traits)) {
            let name = pattern.name.as_str();
            match &pattern.matcher {
                Matcher::Scan(scan) => found.extend(scan(text).into_iter().map(|range| (range, name))),
                Matcher::Regex(regex) => {
                    let matches = regex.find_iter(text).filter(|found| !found.is_empty());
                    found.extend(matches.map(|found| (found.range(), name)));
                }
            }
        }
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        found.dedup_by(|(next, _), (range, _)| {
            let overlaps = next.start < range.end;
            if overlaps {
                range.end = range.end.max(next.end);
            }
            overlaps
        });
        found
    }
}

/// What patterns cannot do without, counted in one pass.
#[derive(Debug, Default)]
struct Traits {
    ats: u32,
    dots: u32,
    colons: u32,
    digits: u32,
    /// `bearer`, in any case.
    bearers: u32,
    /// The beginnings of known keys, and `api`.
    keys: u32,
}

impl Traits {
    fn of(text: &[u8]) -> Traits {
        let mut traits = Traits::default();
        for (at, byte) in text.iter().enumerate() {
            let before = |prefix: &[u8]| text.get(..at).is_some_and(|text| text.ends_with(prefix));
            let from = |word: &[u8]| text.get(at..).is_some_and(|text| text.starts_with(word));
            let word = |word: &[u8]| {
                text.get(at..at + word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word))
            };
            // The three letters before the last one.
            let stem = || at.checked_sub(4).and_then(|start| text.get(start..at - 1));
            match byte {
                b'0'..=b'9' => traits.digits += 1,
                b'.' => traits.dots += 1,
                b':' => traits.colons += 1,
                b'@' => traits.ats += 1,
                b'-' => {
                    traits.keys += u32::from(before(b"sk") || before(b"glpat") || stem() == Some(b"xox"));
                }
                b'_' => {
                    let github = at >= 3 && text.get(at - 3..at - 1) == Some(b"gh");
                    traits.keys += u32::from(github || before(b"sk") || before(b"rk") || before(b"pat"));
                }
                b'b' | b'B' => traits.bearers += u32::from(word(b"bearer")),
                b'a' => traits.keys += u32::from(word(b"api")),
                b'A' => {
                    let key = word(b"api") || from(b"AKIA") || from(b"ASIA") || from(b"AIza");
                    traits.keys += u32::from(key);
                }
                _ => {}
            }
        }
        traits
    }
}

fn built_in(name: &str) -> Result<Pattern, String> {
    let (matcher, may_match): (Matcher, fn(&Traits) -> bool) = match name {
        "email" => (Matcher::Scan(scan::emails), |traits| traits.ats > 0 && traits.dots > 0),
        "ipv4" => (Matcher::Scan(scan::ipv4s), |traits| traits.dots > 2 && traits.digits > 3),
        "ipv6" => (Matcher::Scan(scan::ipv6s), |traits| traits.colons > 1),
        "card" => (Matcher::Scan(scan::cards), |traits| traits.digits > 12),
        "bearer" => (Matcher::Regex(compile(name, BEARER)?), |traits| traits.bearers > 0),
        "api_key" => (Matcher::Regex(compile(name, API_KEY)?), |traits| traits.keys > 0),
        _ => return Err(format!("patterns: {name:?} is not known; there is {}", NAMES.join(", "))),
    };
    Ok(Pattern { name: name.to_owned(), matcher, may_match })
}

fn compile(name: &str, regex: &str) -> Result<Regex, String> {
    Regex::new(regex).map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, &str)> {
        let patterns = Patterns::new(None, &BTreeMap::new()).unwrap();
        let found = patterns.find(text).into_iter();
        found.map(|(range, name)| (name.to_owned(), &text[range])).collect()
    }

    #[test]
    fn the_look_at_the_bytes_lets_every_known_key_pass() {
        let long = "abcdefghij0123456789ABCDEFGHIJ987654";
        for key in [
            format!("sk-{long}"),
            format!("sk_live_{long}"),
            format!("rk_test_{long}"),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            "ASIAIOSFODNN7EXAMPLE".to_owned(),
            format!("ghp_{long}"),
            format!("github_pat_{long}"),
            format!("glpat-{long}"),
            format!("xoxb-{long}"),
            format!("AIza{}", &long[..35]),
            format!("api-key: {long}"),
            format!("API_KEY={long}"),
            format!("apiKey\":\"{long}"),
        ] {
            assert_eq!(names(&format!("a {key} b")), [("api_key".to_owned(), key.as_str())]);
        }
        assert_eq!(names(&format!("OPENAI_API_KEY={long}")).len(), 1);
        assert_eq!(names(&format!("BEARER {long}")).len(), 1);
    }

    #[test]
    fn matches_that_overlap_are_one() {
        let own = BTreeMap::from([("user".to_owned(), "user=[a-z]+".to_owned())]);
        let patterns = Patterns::new(None, &own).unwrap();
        assert_eq!(patterns.find("user=bob@example.com x"), [(0..20, "user")]);
    }
}

//! What is looked for. One look at each byte of a text tells which patterns could match at all; most texts are
//! done then.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::ops::Range;

use regex::Regex;

/// A match and the name of its pattern.
pub type Found<'p> = (Range<usize>, &'p str);

#[derive(Debug)]
struct Pattern {
    name: String,
    regex: Regex,
    /// Whether it could match a text with these traits.
    may_match: fn(&Traits) -> bool,
    /// What the regular expression cannot say.
    check: fn(&str) -> bool,
}

/// All patterns of a hook.
#[derive(Debug)]
pub struct Patterns(Vec<Pattern>);

const EMAIL: &str =
    r"(?-u)[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,63}";
const IPV4: &str =
    r"(?-u)\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\b";
const IPV6: &str = r"(?-u)(?:[0-9A-Fa-f]{1,4})?:[0-9A-Fa-f:.]{1,44}[0-9A-Fa-f]|::";
const CARD: &str = r"(?-u)\b[0-9](?:[ -]?[0-9]){12,18}\b";
const BEARER: &str = r"(?i-u)\bbearer[ \t]+[A-Za-z0-9._~+/-]{8,}=*";
const API_KEY: &str = r#"(?x-u) \b(?:
    sk-[A-Za-z0-9_-]{16,} | AKIA[0-9A-Z]{16} | gh[pousr]_[A-Za-z0-9]{36,} | xox[abprs]-[A-Za-z0-9-]{10,}
    | AIza[0-9A-Za-z_-]{35} | (?i:api[_-]?key)["']?\x20*[:=]\x20*["']?[A-Za-z0-9_-]{16,} )"#;

const NAMES: [&str; 6] = ["email", "ipv4", "ipv6", "card", "bearer", "api_key"];

impl Patterns {
    /// The named ones, by default all, and own regular expressions.
    pub fn new(names: Option<&[String]>, own: &BTreeMap<String, String>) -> Result<Patterns, String> {
        let mut patterns = Vec::new();
        for (name, regex) in own {
            let regex = Regex::new(regex).map_err(|error| format!("regexes.{name}: {error}"))?;
            patterns.push(Pattern { name: name.clone(), regex, may_match: |_| true, check: |_| true });
        }
        let all: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
        for name in names.unwrap_or(&all) {
            patterns.push(built_in(name)?);
        }
        Ok(Patterns(patterns))
    }

    /// What matches, in order and apart: the first one from the left, and of those that start together the longest.
    pub fn find<'p>(&'p self, text: &str) -> Vec<Found<'p>> {
        let mut found: Vec<Found<'p>> = Vec::new();
        let traits = Traits::of(text.as_bytes());
        for pattern in self.0.iter().filter(|pattern| (pattern.may_match)(&traits)) {
            let matches = pattern
                .regex
                .find_iter(text)
                .filter(|found| !found.is_empty() && (pattern.check)(found.as_str()));
            found.extend(matches.map(|found| (found.range(), pattern.name.as_str())));
        }
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut end = 0;
        found.retain(|(range, _)| {
            let apart = range.start >= end;
            if apart {
                end = range.end;
            }
            apart
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
            match byte {
                b'0'..=b'9' => traits.digits += 1,
                b'.' => traits.dots += 1,
                b':' => traits.colons += 1,
                b'@' => traits.ats += 1,
                b'-' => {
                    traits.keys +=
                        u32::from(before(b"sk") || at >= 4 && text.get(at - 4..at - 1) == Some(b"xox"))
                }
                b'_' => traits.keys += u32::from(at >= 3 && text.get(at - 3..at - 1) == Some(b"gh")),
                b'b' | b'B' => traits.bearers += u32::from(word(b"bearer")),
                b'a' => traits.keys += u32::from(word(b"api")),
                b'A' => traits.keys += u32::from(word(b"api") || from(b"AKIA") || from(b"AIza")),
                _ => {}
            }
        }
        traits
    }
}

fn built_in(name: &str) -> Result<Pattern, String> {
    let (regex, may_match, check): (&str, fn(&Traits) -> bool, fn(&str) -> bool) = match name {
        "email" => (EMAIL, |traits| traits.ats > 0, |_| true),
        "ipv4" => (IPV4, |traits| traits.dots > 2 && traits.digits > 3, |_| true),
        "ipv6" => (IPV6, |traits| traits.colons > 1, |text| text.parse::<Ipv6Addr>().is_ok()),
        "card" => (CARD, |traits| traits.digits > 12, is_card),
        "bearer" => (BEARER, |traits| traits.bearers > 0, |_| true),
        "api_key" => (API_KEY, |traits| traits.keys > 0, |_| true),
        _ => return Err(format!("patterns: {name:?} is not known; there is {}", NAMES.join(", "))),
    };
    let regex = Regex::new(regex).map_err(|error| format!("{name}: {error}"))?;
    Ok(Pattern { name: name.to_owned(), regex, may_match, check })
}

/// Whether digits, perhaps with blanks and dashes between them, end with the right check digit: Luhn's, as
/// ISO/IEC 7812-1 has it.
pub fn is_card(text: &str) -> bool {
    let mut sum = 0;
    let mut count = 0;
    for digit in text.bytes().rev().filter(u8::is_ascii_digit).map(|digit| u32::from(digit - b'0')) {
        let doubled = if count % 2 == 1 { digit * 2 } else { digit };
        sum += if doubled > 9 { doubled - 9 } else { doubled };
        count += 1;
    }
    (13..=19).contains(&count) && sum % 10 == 0 && sum > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        assert!(is_card("4111111111111111") && is_card("5500-0000-0000-0004") && is_card("340000000000009"));
        assert!(!is_card("4111111111111112") && !is_card("0000000000000000") && !is_card("411111"));
    }
}

//! What is looked for. One look at each byte of a text tells which patterns could match at all; most texts are
//! done then.
//!
//! Time is linear in the text: the regular expressions are the regex crate's, which do not backtrack. A pattern that
//! is not known or does not compile is an error at init.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;

use crate::scan;
use crate::value::escaped;

/// A match and the name of its pattern.
pub type Found<'p> = (Range<usize>, &'p str);

#[derive(Debug)]
struct Pattern {
    /// As it stands in a JSON string.
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
pub struct Patterns {
    patterns: Vec<Pattern>,
    classes: Box<Classes>,
}

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
            patterns.push(Pattern { name: escaped(name), matcher, may_match: |_| true });
        }
        let all = NAMES.map(str::to_owned);
        for name in names.unwrap_or(&all) {
            patterns.push(built_in(name)?);
        }
        Ok(Patterns { patterns, classes: Box::new(std::array::from_fn(|byte| class(byte as u8))) })
    }

    /// What is in a text, for [`Patterns::find`].
    #[inline]
    pub fn look_at(&self, text: &str) -> Traits {
        Traits::of(text.as_bytes(), &self.classes)
    }

    /// What matches, in order and apart. Matches that overlap are one, under the name of the one that starts first,
    /// and of those that start together the longest: no end of a match stays because another one came before it.
    pub fn find<'p>(&'p self, text: &str, traits: &Traits) -> Vec<Found<'p>> {
        let mut found: Vec<Found<'p>> = Vec::new();
        for pattern in self.patterns.iter().filter(|pattern| (pattern.may_match)(traits)) {
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

/// For each byte 1 in the lane of what it counts for: a table and no branches, because those on each byte of a text
/// cannot be predicted.
type Classes = [u64; 256];

const DIGIT: u64 = 1;
const DOT: u64 = 1 << 10;
const COLON: u64 = 1 << 20;
const AT: u64 = 1 << 30;
const BACKSLASH: u64 = 1 << 40;
/// A rare byte of the words that are looked for, so that what is around it is looked at. The highest lane.
const LOOK: u64 = 1 << 50;
/// So many bytes, in words of eight, that no lane overflows.
const CHUNK: usize = 0x3F8;

fn class(byte: u8) -> u64 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'.' => DOT,
        b':' => COLON,
        b'@' => AT,
        b'\\' => BACKSLASH,
        b'A' | b'B' | b'K' | b'b' | b'g' | b'k' | b'x' => LOOK,
        _ => 0,
    }
}

/// What patterns cannot do without, found in one pass.
#[derive(Debug, Default)]
pub struct Traits {
    backslashes: u64,
    ats: u64,
    dots: u64,
    colons: u64,
    digits: u64,
    /// `bearer`, in any case.
    bearer: bool,
    /// The beginning of a known key, or `api_key`.
    key: bool,
}

impl Traits {
    /// Whether the text is one of JSON with escapes in it.
    pub fn has_escapes(&self) -> bool {
        self.backslashes > 0
    }

    fn of(text: &[u8], classes: &Classes) -> Traits {
        let mut traits = Traits::default();
        for (number, chunk) in text.chunks(CHUNK).enumerate() {
            let mut counts = 0;
            let (words, rest) = chunk.as_chunks::<8>();
            let start = number * CHUNK;
            // Word by word, because the engine has a check of its own in each turn of a loop.
            for (index, word) in words.iter().enumerate() {
                let classes = word.map(|byte| class_of(byte, classes));
                let sum: u64 = classes.iter().sum();
                counts += sum;
                if sum >= LOOK {
                    traits.look(text, start + index * 8, classes);
                }
            }
            for (offset, byte) in rest.iter().enumerate() {
                let class = class_of(*byte, classes);
                counts += class;
                if class == LOOK {
                    traits.look_at(text, start + words.len() * 8 + offset);
                }
            }
            let lane = |one: u64| (counts / one) & 0x3FF;
            traits.backslashes += lane(BACKSLASH);
            traits.digits += lane(DIGIT);
            traits.dots += lane(DOT);
            traits.colons += lane(COLON);
            traits.ats += lane(AT);
        }
        traits
    }

    /// Looks at what is around the rare bytes of a word, which starts at `start`.
    #[inline]
    fn look(&mut self, text: &[u8], start: usize, classes: [u64; 8]) {
        let bits =
            classes.iter().enumerate().map(|(offset, class)| (class >> LOOK.trailing_zeros()) << offset);
        let mut rare: u64 = bits.sum();
        while rare != 0 {
            self.look_at(text, start + rare.trailing_zeros() as usize);
            rare &= rare - 1;
        }
    }

    #[inline(never)]
    fn look_at(&mut self, text: &[u8], at: usize) {
        let (before, from) = text.split_at_checked(at).unwrap_or((text, &[]));
        let follows =
            |word: &[u8]| from.get(..word.len()).is_some_and(|from| from.eq_ignore_ascii_case(word));
        match from {
            [b'b' | b'B', b'e' | b'E', ..] => self.bearer |= follows(b"bearer"),
            [b'k', b'-' | b'_', ..] if matches!(before.last(), Some(b's' | b'r')) => self.key = true,
            [b'k' | b'K', b'e' | b'E', ..] => {
                let before = before.strip_suffix(b"_").or(before.strip_suffix(b"-")).unwrap_or(before);
                self.key |= before.last_chunk::<3>().is_some_and(|api| api.eq_ignore_ascii_case(b"api"));
            }
            [b'A', ..] => {
                self.key |=
                    from.starts_with(b"AKIA") || from.starts_with(b"ASIA") || from.starts_with(b"AIza");
            }
            [b'g', b'h', b'p' | b'o' | b'u' | b's' | b'r', b'_', ..] | [b'x', b'o', b'x', _, b'-', ..] => {
                self.key = true;
            }
            [b'g', ..] => self.key |= from.starts_with(b"github_pat_") || from.starts_with(b"glpat-"),
            _ => {}
        }
    }
}

#[inline]
fn class_of(byte: u8, classes: &Classes) -> u64 {
    classes.get(usize::from(byte)).copied().unwrap_or(0)
}

fn built_in(name: &str) -> Result<Pattern, String> {
    let (matcher, may_match): (Matcher, fn(&Traits) -> bool) = match name {
        "email" => (Matcher::Scan(scan::emails), |traits| traits.ats > 0 && traits.dots > 0),
        "ipv4" => (Matcher::Scan(scan::ipv4s), |traits| traits.dots > 2 && traits.digits > 3),
        "ipv6" => (Matcher::Scan(scan::ipv6s), |traits| traits.colons > 1),
        "card" => (Matcher::Scan(scan::cards), |traits| traits.digits > 12),
        "bearer" => (Matcher::Regex(compile(name, BEARER)?), |traits| traits.bearer),
        "api_key" => (Matcher::Regex(compile(name, API_KEY)?), |traits| traits.key),
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
        let found = patterns.find(text, &patterns.look_at(text)).into_iter();
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
    fn nothing_is_miscounted_in_long_texts() {
        let classes = std::array::from_fn(|byte| class(byte as u8));
        for length in [1, 7, 8, 1015, 1016, 1017, 5000] {
            for (byte, count) in [
                (b'7', (|traits: &Traits| traits.digits) as fn(&Traits) -> u64),
                (b'.', |traits| traits.dots),
                (b':', |traits| traits.colons),
                (b'@', |traits| traits.ats),
                (b'\\', |traits| traits.backslashes),
            ] {
                let traits = Traits::of(&vec![byte; length], &classes);
                let others = traits.digits + traits.dots + traits.colons + traits.ats + traits.backslashes;
                assert_eq!((count(&traits), others), (length as u64, length as u64));
            }
            let mut text = vec![b'k'; length];
            text.extend_from_slice(b"bearer");
            assert!(Traits::of(&text, &classes).bearer, "{length}");
        }
    }

    #[test]
    fn matches_that_overlap_are_one() {
        let own = BTreeMap::from([("user".to_owned(), "user=[a-z]+".to_owned())]);
        let patterns = Patterns::new(None, &own).unwrap();
        let text = "user=bob@example.com x";
        assert_eq!(patterns.find(text, &patterns.look_at(text)), [(0..20, "user")]);
    }
}

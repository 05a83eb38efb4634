//! Finders for what a regular expression finds badly: where a check fails, they go on from the next place that could
//! begin a match, so that no number in front of a card number hides it.
//!
//! Each returns ranges in rising order and apart, looks at each byte a bounded number of times, and allocates
//! nothing if it finds nothing.

use std::ops::Range;

use hookaroon_find::{digit, first, is};

/// E-mail addresses: a local part of letters, digits and `._%+-`, and a domain of at least two labels whose last one
/// begins with a letter. Letters are those of the Latin, Greek and Cyrillic scripts; others have no blanks between
/// words, and the words around an address would count as part of it.
pub fn emails(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(at) = next(text.as_bytes(), from, is(b'@')) {
        from = at + 1;
        let floor = found.last().map_or(0, |last| last.end);
        let before = text.get(floor..at).unwrap_or("").chars().rev();
        let local: usize = before
            .take_while(|c| is_letter(*c) || matches!(c, '.' | '_' | '%' | '+' | '-'))
            .map(char::len_utf8)
            .sum();
        let domain = text.get(at + 1..).map_or(0, domain_len);
        if local > 0 && domain > 0 {
            found.push(at - local..at + 1 + domain);
        }
    }
    found
}

/// The length of the domain that a text begins with; 0 if there is none.
fn domain_len(text: &str) -> usize {
    let run: usize =
        text.chars().take_while(|c| is_letter(*c) || matches!(c, '.' | '-')).map(char::len_utf8).sum();
    let mut domain = text.get(..run).unwrap_or("");
    loop {
        domain = domain.trim_end_matches(['.', '-']);
        match domain.rsplit_once('.') {
            None | Some(("", _)) => return 0,
            Some((first, _)) if !first.starts_with(is_letter) => return 0,
            Some((_, last)) if last.len() > 1 && last.starts_with(char::is_alphabetic) => {
                return domain.len();
            }
            Some((rest, _)) => domain = rest,
        }
    }
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || ('\u{80}'..'\u{530}').contains(&c) && c.is_alphanumeric()
}

/// IPv4 addresses that stand apart from letters. Digits and a dot before one make it part of a longer number.
pub fn ipv4s(text: &str) -> Vec<Range<usize>> {
    let text = text.as_bytes();
    each_number(text, |at| ipv4_end(text, at).filter(|end| !byte(text, *end).is_ascii_alphanumeric()))
}

fn ipv4_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for part in 0..4 {
        if part > 0 {
            if byte(text, at) != b'.' {
                return None;
            }
            at += 1;
        }
        let (mut value, mut digits) = (0, 0);
        while digits < 4 && byte(text, at).is_ascii_digit() {
            value = value * 10 + u32::from(byte(text, at) - b'0');
            digits += 1;
            at += 1;
        }
        if digits == 0 || digits > 3 || value > 255 {
            return None;
        }
    }
    Some(at)
}

/// IPv6 addresses in any form of RFC 4291, section 2.2, but for a bare `::`.
pub fn ipv6s(text: &str) -> Vec<Range<usize>> {
    let text = text.as_bytes();
    each_start(text, |at| {
        let first = byte(text, at);
        if !first.is_ascii_hexdigit() && first != b':' {
            return None;
        }
        let before = previous(text, at);
        let no_gap = first == b':' && (byte(text, at + 1) != b':' || before == b':');
        if no_gap || before.is_ascii_alphanumeric() {
            return None;
        }
        ipv6_end(text, at).filter(|end| !byte(text, *end).is_ascii_alphanumeric())
    })
}

/// The end of the longest address from here.
fn ipv6_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut groups = 0;
    let mut gap = byte(text, at) == b':';
    let mut end = None;
    if gap {
        at += 2;
    }
    loop {
        if let Some(last) = ipv4_end(text, at).filter(|_| groups == 6 && !gap || groups < 6 && gap) {
            return Some(last);
        }
        let digits = (0..5).take_while(|digit| byte(text, at + digit).is_ascii_hexdigit()).count();
        if digits == 0 || digits > 4 {
            return end;
        }
        at += digits;
        groups += 1;
        if gap && groups < 8 || !gap && groups == 8 {
            end = Some(at);
        }
        if groups == 8 || byte(text, at) != b':' {
            return end;
        }
        at += 1;
        if byte(text, at) == b':' {
            if gap {
                return end;
            }
            gap = true;
            at += 1;
            end = Some(at);
        }
    }
}

/// Card numbers: 13 to 19 digits that stand apart from letters, with single blanks or dashes between groups of at
/// least four, so that a list of small numbers is none. See [`is_card`] for the digits.
pub fn cards(text: &str) -> Vec<Range<usize>> {
    let text = text.as_bytes();
    each_number(text, |at| card_end(text, at))
}

/// The end of the longest card number from here.
fn card_end(text: &[u8], start: usize) -> Option<usize> {
    let mut digits = [0; 19];
    let (mut count, mut group, mut groups) = (0, 0, 1);
    let mut at = start;
    let mut end = None;
    loop {
        match byte(text, at) {
            digit @ b'0'..=b'9' => {
                let Some(place) = digits.get_mut(count) else { return end };
                *place = digit;
                count += 1;
                group += 1;
            }
            b' ' | b'-' if group >= 4 && byte(text, at + 1).is_ascii_digit() => {
                group = 0;
                groups += 1;
            }
            _ => return end,
        }
        at += 1;
        let apart = group > 0 && !byte(text, at).is_ascii_alphanumeric();
        let digits = digits.get(..count).unwrap_or(&[]);
        if apart && has_check_digit(digits) && !(groups == 1 && is_time(digits)) {
            end = Some(at);
        }
    }
}

/// Whether a number, digits only, is a card's.
pub fn is_card(digits: &str) -> bool {
    let digits = digits.as_bytes();
    digits.iter().all(u8::is_ascii_digit) && has_check_digit(digits) && !is_time(digits)
}

/// Whether these are as many digits as a card has and the last one is right: Luhn's, as ISO/IEC 7812-1 has it.
fn has_check_digit(digits: &[u8]) -> bool {
    if !(13..=19).contains(&digits.len()) {
        return false;
    }
    let mut sum = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        let digit = u32::from(digit - b'0') << (place % 2);
        sum += if digit > 9 { digit - 9 } else { digit };
    }
    sum > 0 && sum % 10 == 0
}

/// Times since 1970 in ms, µs and ns have 13, 16 and 19 digits, and one in ten has a right check digit. Until 2033
/// they begin with 1, as no issuer's numbers of these lengths do.
fn is_time(digits: &[u8]) -> bool {
    digits.first() == Some(&b'1') && matches!(digits.len(), 13 | 16 | 19)
}

/// What is found from the first place on, and then from where that ended.
fn each_start(text: &[u8], end_from: impl Fn(usize) -> Option<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match end_from(at) {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// The same, of what begins with a number that is not the rest of another one.
fn each_number(text: &[u8], end_from: impl Fn(usize) -> Option<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = next(text, from, digit) {
        from = match starts_number(text, at).then(|| end_from(at)).flatten() {
            Some(end) => {
                found.push(at..end);
                end
            }
            None => at + 1 + text.iter().skip(at + 1).take_while(|byte| byte.is_ascii_digit()).count(),
        };
    }
    found
}

/// The place of the first byte of a kind from here on.
#[inline]
fn next(text: &[u8], from: usize, in_word: impl Fn(u64) -> u64) -> Option<usize> {
    Some(from + first(text.get(from..)?, in_word)?)
}

/// Whether the digit here is the first of a number, and that not the rest of another one.
fn starts_number(text: &[u8], at: usize) -> bool {
    let before = previous(text, at);
    let fraction = before == b'.' && at > 1 && byte(text, at - 2).is_ascii_digit();
    !before.is_ascii_alphanumeric() && !fraction
}

/// The byte at a place; beyond the end 0, which is part of nothing.
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

fn previous(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(0, |at| byte(text, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(find: fn(&str) -> Vec<Range<usize>>, text: &str) -> Vec<&str> {
        find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn numbers_in_front_of_a_card_number_do_not_hide_it() {
        for before in ["12 ", "1234 ", "2026-11-23 ", "1234567890123456 ", "id_", "0000 0000 "] {
            let text = format!("{before}4111 1111 1111 1111.");
            assert!(all(cards, &text).concat().ends_with("4111 1111 1111 1111"), "{text}");
        }
        assert_eq!(all(cards, "5500-0000-0000-0004 12"), ["5500-0000-0000-0004"]);
        assert_eq!(all(cards, "3782 822463 10005, 4222222222222"), ["3782 822463 10005", "4222222222222"]);
    }

    #[test]
    fn what_only_looks_like_a_card_number_stays() {
        for text in [
            "4111111111111112",
            "0000000000000000",
            "0.4111111111111111",
            "4111111111111111f",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "41111111111111111111",
        ] {
            assert!(cards(text).is_empty(), "{text}");
        }
        let time =
            (0..10).map(|last| format!("176393520012{last}")).find(|time| has_check_digit(time.as_bytes()));
        assert!(!is_card(&time.unwrap()) && is_card("4111111111111111"));
    }

    #[test]
    fn every_form_of_ipv6_is_found_and_nothing_else() {
        for address in [
            "2001:db8:0:0:0:0:0:1",
            "2001:db8::1",
            "::1",
            "fe80::",
            "::ffff:10.1.2.3",
            "1:2:3:4:5:6:10.1.2.3",
        ] {
            for (before, after) in [("", ""), ("ip:", ""), ("[", "]:443"), ("src ", ": no route"), ("=", ".")]
            {
                let text = format!("{before}{address}{after}");
                assert!(
                    address.starts_with(':') && before == "ip:" || all(ipv6s, &text) == [address],
                    "{text}"
                );
            }
        }
        for text in ["10:00:00", "aa:bb:cc:dd:ee:ff", "std::vec", "std::face", "f :: a", "::1x", "12345::1"] {
            assert!(ipv6s(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn addresses_end_where_they_end() {
        assert_eq!(
            all(ipv4s, "1.2.3.4:80 (10.0.0.255), 256.1.1.1 1.2.3 v1.2.3.4"),
            ["1.2.3.4", "10.0.0.255"]
        );
        assert_eq!(all(emails, "<a@b.example.org>, c@d.de."), ["a@b.example.org", "c@d.de"]);
        assert_eq!(
            all(emails, "jürgen@müller.de 用户bob@example.com登录"),
            ["jürgen@müller.de", "bob@example.com"]
        );
        assert_eq!(all(emails, "a@b.co@c.de x@y @z.de q@1.2.3.4 r@s.de.5"), ["a@b.co", "r@s.de"]);
    }
}

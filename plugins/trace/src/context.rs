//! A `traceparent`, taken apart as W3C Trace Context (level 2, section 3.2.2) says.
//!
//! It looks at no more than the first 56 bytes and allocates nothing. What is not valid is none.

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context<'t> {
    /// 32 hex digits.
    pub trace_id: &'t str,
    /// 16 hex digits.
    pub span_id: &'t str,
    /// Two hex digits.
    pub flags: &'t str,
}

/// The length of version `00`.
const LENGTH: usize = 55;

impl Context<'_> {
    /// `version-trace_id-parent_id-flags`, all in lower-case hex. A version after `00` may go on behind another dash;
    /// `ff` is none. White space around it does not matter, as around any header's value.
    pub fn parse(text: &str) -> Option<Context<'_>> {
        let text = text.trim_matches([' ', '\t']);
        let version = hex(text, 0, 2)?;
        let context = Context {
            trace_id: hex(text, 3, 35)?,
            span_id: hex(text, 36, 52)?,
            flags: hex(text, 53, LENGTH)?,
        };
        let dashes = [2, 35, 52].iter().all(|&at| text.as_bytes().get(at) == Some(&b'-'));
        let ends = match text.as_bytes().get(LENGTH) {
            None => true,
            Some(next) => version != "00" && *next == b'-',
        };
        let zero = |id: &str| id.bytes().all(|digit| digit == b'0');
        let valid = dashes && ends && version != "ff" && !zero(context.trace_id) && !zero(context.span_id);
        valid.then_some(context)
    }
}

/// This part of a text, if it is lower-case hex digits.
fn hex(text: &str, from: usize, to: usize) -> Option<&str> {
    let digits = text.get(from..to)?;
    // Without a way out in the middle, so that the bytes are looked at many at a time.
    let valid = digits.bytes().fold(true, |valid, byte| valid & matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    valid.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_valid_one_is_taken_apart() {
        let text = format!(" \t00-{TRACE}-{SPAN}-01\t");
        assert_eq!(Context::parse(&text), Some(Context { trace_id: TRACE, span_id: SPAN, flags: "01" }));
    }

    #[test]
    fn a_later_version_may_go_on_behind_a_dash_and_the_first_may_not() {
        for (text, valid) in [
            (format!("00-{TRACE}-{SPAN}-00"), true),
            (format!("00-{TRACE}-{SPAN}-ff"), true),
            (format!("01-{TRACE}-{SPAN}-01"), true),
            (format!("fe-{TRACE}-{SPAN}-01-what-will-be"), true),
            (format!("01-{TRACE}-{SPAN}-01-"), true),
            (format!("01-{TRACE}-{SPAN}-01x"), false),
            (format!("01-{TRACE}-{SPAN}-01é"), false),
            (format!("00-{TRACE}-{SPAN}-01-"), false),
            (format!("00-{TRACE}-{SPAN}-01-x"), false),
            (format!("ff-{TRACE}-{SPAN}-01"), false),
        ] {
            assert_eq!(Context::parse(&text).is_some(), valid, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_in_any_part_makes_it_none() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "-".repeat(55),
            "é".repeat(40),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-0"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("0G-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}_{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}_01"),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{SPAN}-01"),
            format!("00- {}-{SPAN}-01", &TRACE[1..]),
            format!("00-{}é-{SPAN}-01", &TRACE[2..]),
            format!("00-{TRACE}-{SPAN}-01\n"),
            format!("\u{a0}00-{TRACE}-{SPAN}-01"),
        ] {
            assert_eq!(Context::parse(&text), None, "{text:?}");
        }
    }
}

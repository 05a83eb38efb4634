//! What a JSON number is worth: exactly as an integer of 64 bits, or as a float. Its digits in the event stay as
//! they are; this is only for reading.

/// The value of a JSON number if it is a whole number that 64 bits hold: `12`, `12.0`, `1e3`, `-0`.
pub fn integer(text: &[u8]) -> Option<i64> {
    // Eighteen digits cannot overflow.
    if (1..=18).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        return Some(text.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')));
    }
    exact(text)
}

/// Any valid JSON number: its digits without leading and trailing zeros, times a power of ten.
fn exact(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at)?, power(text.get(at + 1..)?)),
        None => (text, 0),
    };
    let fraction = mantissa.iter().position(|&byte| byte == b'.').map_or(0, |at| mantissa.len() - at - 1);
    let mut exponent = exponent.checked_sub(i64::try_from(fraction).ok()?)?;
    let mut digits: Vec<u8> =
        mantissa.iter().copied().filter(u8::is_ascii_digit).skip_while(|&digit| digit == b'0').collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
        exponent = exponent.checked_add(1)?;
    }
    if digits.is_empty() {
        return Some(0);
    }
    // 2^63 has nineteen digits.
    let length = i64::try_from(digits.len()).ok()?.checked_add(exponent)?;
    if exponent < 0 || length > 19 {
        return None;
    }
    let value = digits.iter().fold(0i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let value = value * 10i128.pow(u32::try_from(exponent).ok()?);
    i64::try_from(if negative { -value } else { value }).ok()
}

/// The number after an `e`, held within what no sum with a line's length can overflow.
fn power(text: &[u8]) -> i64 {
    const FAR: i64 = 1 << 40;
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let value = digits.iter().fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(FAR));
    if negative { -value } else { value }
}

/// The value of a JSON number as a float. None if it overflows.
pub fn float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_any_number_whose_value_is_exact_in_64_bits() {
        let cases: &[(&str, Option<i64>)] = &[
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0e99", Some(0)),
            ("12.0", Some(12)),
            ("1e3", Some(1000)),
            ("1E+3", Some(1000)),
            ("120e-1", Some(12)),
            ("0.0012e4", Some(12)),
            ("0.5", None),
            ("1e-1", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("18446744073709551616", None),
            ("9223372036854775807.000", Some(i64::MAX)),
            ("1e400", None),
            ("1e-400", None),
            ("1e99999999999999999999999", None),
            ("0e99999999999999999999999", Some(0)),
            ("1e18", Some(1_000_000_000_000_000_000)),
            ("1e19", None),
        ];
        for (text, value) in cases {
            assert_eq!(integer(text.as_bytes()), *value, "{text}");
        }
    }

    #[test]
    fn a_float_that_overflows_has_no_value() {
        assert_eq!(float(b"1e400"), None);
        assert_eq!(float(b"-1e400"), None);
        assert_eq!(float(b"1e-400"), Some(0.0));
        assert_eq!(float(b"0.10"), Some(0.1));
    }
}

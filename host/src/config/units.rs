//! Sizes, times and shares as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::nanos;

/// A part of a whole, in steps of a hundredth of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// The steps that a whole has.
    pub const WHOLE: u32 = 10_000;

    /// So many percent, at most 100.
    pub const fn percent(percent: u32) -> Share {
        Share(if percent < 100 { percent * 100 } else { Share::WHOLE })
    }

    /// Whether it is all.
    pub fn is_whole(self) -> bool {
        self.0 == Share::WHOLE
    }

    /// Whether a step, counted from 0, is among its own: a larger share has the steps of every smaller one.
    pub fn has_step(self, step: u32) -> bool {
        step < self.0
    }

    /// How many steps it has.
    pub fn steps(self) -> u32 {
        self.0
    }

    /// This share of a number, rounded down.
    pub fn of(self, whole: u64) -> u64 {
        (u128::from(whole) * u128::from(self.0) / u128::from(Share::WHOLE)) as u64
    }
}

impl fmt::Display for Share {
    /// As it would be written.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(formatter, "{whole}%"),
            (whole, hundredths) if hundredths % 10 == 0 => write!(formatter, "{whole}.{}%", hundredths / 10),
            (whole, hundredths) => write!(formatter, "{whole}.{hundredths:02}%"),
        }
    }
}

/// A text that is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no share from \"0%\" to \"100%\", in steps of \"0.01%\"")]
pub struct NoShare(String);

impl FromStr for Share {
    type Err = NoShare;

    /// `75%`, `0.01%`.
    fn from_str(text: &str) -> Result<Share, NoShare> {
        let hundredths = hundredths(text).filter(|hundredths| *hundredths <= Share::WHOLE);
        hundredths.map(Share).ok_or_else(|| NoShare(text.to_owned()))
    }
}

/// The hundredths of a percent in a text with a percent sign.
fn hundredths(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?.trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() > 2 {
        return None;
    }
    let hundredths = format!("{fraction:0<2}").parse::<u32>().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths)
}

/// What a bare number could mean where a share is needed.
pub(crate) fn both_readings(number: f64) -> String {
    // Without the digits that a float's hundredfold may have too many: 0.29 is 29, not 28.999999999999996.
    let other = (number * 1e11).round() / 1e9;
    format!("it could mean \"{number}%\" or \"{other}%\"; write the one that is meant, with the percent sign")
}

pub(super) const SIZES: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// In nanoseconds.
pub(super) const TIMES: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Bytes: `"32MiB"`, `"10MB"`, `"512B"`.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit = if unit == "B" { 1 } else { SIZES.iter().find(|(name, _)| *name == unit)?.1 };
    number.checked_mul(unit)
}

/// A time: `"2us"`, `"50ms"`, `"1s"`, `"2m"`, `"1h"`.
pub(crate) fn time(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let unit = TIMES.iter().find(|(name, _)| *name == unit)?.1;
    number.checked_mul(unit).map(Duration::from_nanos)
}

/// A size as it would be written.
pub(super) fn show_size(bytes: u64) -> String {
    let binary = SIZES.iter().take(3).rev().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    binary.map_or_else(|| format!("{bytes}B"), |(name, unit)| format!("{}{name}", bytes / unit))
}

/// A time as it would be written.
pub(super) fn show_time(time: Duration) -> String {
    let ns = nanos(time);
    let unit = TIMES.iter().rev().find(|(_, unit)| ns >= *unit && ns.is_multiple_of(*unit));
    unit.map_or_else(|| "0ms".to_owned(), |(name, unit)| format!("{}{name}", ns / unit))
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(size("32MiB"), Some(32 << 20));
        assert_eq!(size("10 MB"), Some(10_000_000));
        assert_eq!(size("7B"), Some(7));
        assert_eq!(time("50ms"), Some(Duration::from_millis(50)));
        assert_eq!(time("2m"), Some(Duration::from_secs(120)));
        assert_eq!(
            (time("2us"), show_time(Duration::from_micros(1500))),
            (Some(Duration::from_micros(2)), "1500us".to_owned())
        );
        for wrong in ["", "MiB", "-1MiB", "1.5MiB", "1mib", "99999999999999999999B", "9999999999999GiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
        for wrong in ["5", "5 minutes", "s"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
        for (text, hundredths) in [("75%", 7500), ("0.01%", 1), ("0.5 %", 50), ("100%", 10_000), ("0%", 0)] {
            assert_eq!(text.parse(), Ok(Share(hundredths)), "{text}");
        }
        for wrong in ["75", "%", "-1%", "101%", "0.001%", "1.%", ".5%", "99999999999%", "1e1%"] {
            assert_eq!(wrong.parse::<Share>(), Err(NoShare(wrong.to_owned())));
        }
        for text in ["0%", "0.01%", "0.1%", "5%", "12.05%", "12.5%", "100%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        assert!(Share(1).has_step(0) && !Share(1).has_step(1) && !Share(0).has_step(0));
        assert_eq!((Share::percent(75), Share::percent(75).of(1000)), (Share(7500), 750));
        assert_eq!(Share::percent(100).of(u64::MAX), u64::MAX);
        assert!(both_readings(0.29).starts_with("it could mean \"0.29%\" or \"29%\";"));
        assert_eq!(show_size(1 << 20), "1MiB");
        assert_eq!(show_size(1000), "1000B");
        assert_eq!(show_time(Duration::from_secs(60)), "1m");
        assert_eq!(show_time(Duration::ZERO), "0ms");
    }
}

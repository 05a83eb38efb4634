//! The stream's own time, which has nothing to do with the machine's: it starts at the same moment in every run.

use crate::push_padded;

/// 2025-10-01T00:00:00Z in milliseconds since 1970.
const START_MS: u64 = 1_759_276_800_000;

const DAY_MS: u64 = 86_400_000;

/// A moment, to the millisecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    ms: u64,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { ms: START_MS }
    }
}

impl Clock {
    pub(crate) fn advance(&mut self, ms: u64) {
        self.ms += ms;
    }

    /// Appends it as RFC 3339 has it, in UTC.
    pub(crate) fn push(self, out: &mut Vec<u8>) {
        let (year, month, day) = date(self.ms / DAY_MS);
        let ms = self.ms % DAY_MS;
        for (number, width, after) in [
            (year, 4, b'-'),
            (month, 2, b'-'),
            (day, 2, b'T'),
            (ms / 3_600_000, 2, b':'),
            (ms / 60_000 % 60, 2, b':'),
            (ms / 1000 % 60, 2, b'.'),
            (ms % 1000, 3, b'Z'),
        ] {
            push_padded(number, width, out);
            out.push(after);
        }
    }
}

/// Year, month and day of a day since 1970, by Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>): years start in March, so that the leap day is the last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates_over_leap_years_and_ends_of_months() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(START_MS / DAY_MS), (2025, 10, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(20_088), (2024, 12, 31));
    }

    #[test]
    fn a_moment_is_written_to_the_millisecond() {
        let mut clock = Clock::default();
        clock.advance(3_723_004);
        let mut out = Vec::new();
        clock.push(&mut out);
        assert_eq!(out, b"2025-10-01T01:02:03.004Z");
    }
}

//! Levels of the common logging libraries, as OpenTelemetry's severity numbers: 1 to 4 are trace, then come debug, info,
//! warn, error and fatal, four of each.
//!
//! Names and numbers are those of the libraries' own documentation, what they count for is that of the logs data model,
//! appendix B, where it has them. Pure; nothing is allocated for an event.

use hookaroon_sdk::{Piece, Schema};
use serde::Deserialize;

/// The short names of 1 to 24.
const SHORT: [&str; 24] = [
    "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO", "INFO2", "INFO3",
    "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2",
    "FATAL3", "FATAL4",
];

/// The first of each four.
const TRACE: u8 = 1;
const DEBUG: u8 = 5;
const INFO: u8 = 9;
const WARN: u8 = 13;
const ERROR: u8 = 17;
const FATAL: u8 = 21;

/// The longest name.
const LONGEST: usize = "informational".len();

/// A severity number, 1 to 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Severity(u8);

impl Severity {
    /// The number.
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// Its short name: `INFO`, `ERROR2`.
    pub fn name(self) -> &'static str {
        SHORT.get(usize::from(self.0).wrapping_sub(1)).copied().unwrap_or("")
    }

    fn of_number(number: i64) -> Option<Severity> {
        u8::try_from(number).ok().filter(|number| (1..=24).contains(number)).map(Severity)
    }

    /// By short name, in any case.
    fn of_short(name: &str) -> Option<Severity> {
        let place = SHORT.iter().position(|short| short.eq_ignore_ascii_case(name))?;
        u8::try_from(place + 1).ok().map(Severity)
    }
}

/// A severity in the config: a number from 1 to 24, or a short name.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a severity is a number from 1 to 24, or a name such as \"INFO\" or \"ERROR2\""
)]
pub enum SeverityConfig {
    /// 1 to 24.
    Number(i64),
    /// `INFO`, `ERROR2`.
    Name(String),
}

impl Schema for SeverityConfig {
    const MEMBERS: Piece = Piece::Json(r#""type":["integer","string"]"#);
}

impl SeverityConfig {
    /// The severity that is meant.
    pub fn severity(&self) -> Result<Severity, String> {
        match self {
            SeverityConfig::Number(number) => Severity::of_number(*number)
                .ok_or_else(|| format!("{number} is no severity number; they go from 1 to 24")),
            SeverityConfig::Name(name) => Severity::of_short(name).ok_or_else(|| {
                format!("{name:?} is no severity; there is TRACE, DEBUG, INFO, WARN, ERROR, FATAL, and each with 2, 3 or 4")
            }),
        }
    }
}

/// Whose levels they are. Most names mean the same everywhere; numbers do not.
#[hookaroon_sdk::config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// The names of all of them, and the numbers of pino and bunyan.
    Auto,
    /// pino, bunyan: 10 to 60.
    Pino,
    /// bunyan: 10 to 60.
    Bunyan,
    /// Python's logging, loguru: 10 to 50.
    Python,
    /// syslog, journald, nginx, PHP: 7 (debug) to 0 (emergency).
    Syslog,
    /// Microsoft.Extensions.Logging: 0 to 5.
    Dotnet,
    /// winston's npm levels: 6 (silly) to 0 (error).
    Winston,
    /// zap: -1 to 5.
    Zap,
    /// Go's log/slog: -4, 0, 4, 8 and between.
    Slog,
    /// zerolog: -1 to 5.
    Zerolog,
    /// logrus: 6 (trace) to 0 (panic).
    Logrus,
    /// Log4j 2 (600 to 100), Log4j 1 and Logback (5000 to 50000).
    Log4j,
    /// java.util.logging: 300 to 1000.
    Jul,
    /// Google Cloud: 100 to 800.
    Gcp,
    /// Windows event log: 5 (verbose) to 1 (critical).
    Windows,
    /// Android: 2 to 7.
    Android,
    /// OpenTelemetry's own: 1 to 24.
    Otel,
}

impl Library {
    /// What a level's name means, in any case; a number in a text counts as the number.
    pub fn of_name(self, name: &str) -> Option<Severity> {
        let name = name.trim_matches(' ');
        let mut lower = [0; LONGEST];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        match lower.first()? {
            b'0'..=b'9' | b'-' | b'+' => self.of_number(name.parse().ok()?),
            _ => self.known(lower).map(Severity),
        }
    }

    fn known(self, name: &[u8]) -> Option<u8> {
        Some(match name {
            b"trace" | b"trc" | b"trac" | b"finest" | b"silly" | b"vrb" | b"t" | b"v" => TRACE,
            b"verbose" if self == Library::Winston => DEBUG + 1,
            b"verbose" if self == Library::Windows => DEBUG,
            b"verbose" => TRACE,
            b"debug" | b"dbg" | b"dbug" | b"debu" | b"finer" | b"d" => DEBUG,
            b"fine" => DEBUG + 1,
            b"config" | b"http" => DEBUG + 2,
            b"info" | b"inf" | b"information" | b"informational" | b"default" | b"i" => INFO,
            b"notice" | b"success" => INFO + 1,
            b"warn" | b"warning" | b"wrn" | b"w" => WARN,
            b"error" | b"err" | b"erro" | b"eror" | b"severe" | b"e" => ERROR,
            b"crit" | b"dpanic" => ERROR + 1,
            // The critical of syslog is not the worst that there is; that of Python and .NET is.
            b"critical" if matches!(self, Library::Syslog | Library::Gcp | Library::Windows) => ERROR + 1,
            b"alert" => ERROR + 2,
            // zap has fatal above panic, everybody else panic above fatal.
            b"panic" if self == Library::Zap => ERROR + 2,
            b"panic" | b"pani" => FATAL + 3,
            b"fatal" | b"fata" | b"ftl" | b"critical" | b"emerg" | b"emergency" | b"f" => FATAL,
            _ => return Severity::of_short(std::str::from_utf8(name).ok()?).map(|severity| severity.0),
        })
    }

    /// What a level's number means. Where a library leaves room for own levels, one between two counts as the lower.
    pub fn of_number(self, number: i64) -> Option<Severity> {
        let severity = match self {
            Library::Auto | Library::Pino | Library::Bunyan => match number {
                10..=19 => TRACE,
                20..=29 => DEBUG,
                30..=39 => INFO,
                40..=49 => WARN,
                50..=59 => ERROR,
                60..=69 => FATAL,
                _ => return None,
            },
            Library::Python => match number {
                1..=9 => TRACE,
                10..=19 => DEBUG,
                20..=29 => INFO,
                30..=39 => WARN,
                40..=49 => ERROR,
                50..=59 => FATAL,
                _ => return None,
            },
            Library::Syslog => {
                place(number, 0, &[FATAL, ERROR + 2, ERROR + 1, ERROR, WARN, INFO + 1, INFO, DEBUG])?
            }
            Library::Dotnet => place(number, 0, &[TRACE, DEBUG, INFO, WARN, ERROR, FATAL])?,
            Library::Winston => place(number, 0, &[ERROR, WARN, INFO, DEBUG + 2, DEBUG + 1, DEBUG, TRACE])?,
            Library::Zap => place(number, -1, &[DEBUG, INFO, WARN, ERROR, ERROR + 1, ERROR + 2, FATAL])?,
            Library::Zerolog => place(number, -1, &[TRACE, DEBUG, INFO, WARN, ERROR, FATAL, FATAL + 3])?,
            Library::Logrus => place(number, 0, &[FATAL + 3, FATAL, ERROR, WARN, INFO, DEBUG, TRACE])?,
            Library::Windows => place(number, 1, &[ERROR + 1, ERROR, WARN, INFO, DEBUG])?,
            Library::Android => place(number, 2, &[TRACE, DEBUG, INFO, WARN, ERROR, FATAL])?,
            Library::Slog => return Severity::of_number(number.checked_add(9)?.clamp(1, 24)),
            Library::Otel => return Severity::of_number(number),
            Library::Log4j => match number {
                600 | 5_000..=9_999 => TRACE,
                500 | 10_000..=19_999 => DEBUG,
                400 | 20_000..=29_999 => INFO,
                300 | 30_000..=39_999 => WARN,
                200 | 40_000..=49_999 => ERROR,
                100 | 50_000..=59_999 => FATAL,
                _ => return None,
            },
            Library::Jul => match number {
                300..=399 => TRACE,
                400..=499 => DEBUG,
                500..=699 => DEBUG + 1,
                700..=799 => DEBUG + 2,
                800..=899 => INFO,
                900..=999 => WARN,
                1000 => ERROR,
                _ => return None,
            },
            Library::Gcp => match number {
                100 => DEBUG,
                200 => INFO,
                300 => INFO + 1,
                400 => WARN,
                500 => ERROR,
                600 => ERROR + 1,
                700 => ERROR + 2,
                800 => FATAL,
                _ => return None,
            },
        };
        Some(Severity(severity))
    }
}

/// The severity of a number on a scale of steps of 1 from `first`.
fn place(number: i64, first: i64, scale: &[u8]) -> Option<u8> {
    scale.get(usize::try_from(number.checked_sub(first)?).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(library: Library, levels: &[&str]) -> Vec<i64> {
        levels.iter().map(|level| library.of_name(level).map_or(0, Severity::number)).collect()
    }

    #[test]
    fn the_names_of_each_library_rise_as_its_levels_do() {
        for (library, levels, numbers) in [
            (
                Library::Auto,
                &["trace", "debug", "info", "warn", "error", "fatal"][..],
                &[1, 5, 9, 13, 17, 21][..],
            ),
            (
                Library::Logrus,
                &["trace", "debug", "info", "warning", "error", "fatal", "panic"],
                &[1, 5, 9, 13, 17, 21, 24],
            ),
            (Library::Auto, &["DEBU", "INFO", "WARN", "ERRO", "FATA", "PANI"], &[5, 9, 13, 17, 21, 24]),
            (
                Library::Zap,
                &["debug", "info", "warn", "error", "dpanic", "panic", "fatal"],
                &[5, 9, 13, 17, 18, 19, 21],
            ),
            (
                Library::Winston,
                &["silly", "debug", "verbose", "http", "info", "warn", "error"],
                &[1, 5, 6, 7, 9, 13, 17],
            ),
            (Library::Python, &["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], &[5, 9, 13, 17, 21]),
            (
                Library::Auto,
                &["TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL"],
                &[1, 5, 9, 10, 13, 17, 21],
            ),
            (
                Library::Jul,
                &["FINEST", "FINER", "FINE", "CONFIG", "INFO", "WARNING", "SEVERE"],
                &[1, 5, 6, 7, 9, 13, 17],
            ),
            (
                Library::Syslog,
                &["debug", "info", "notice", "warning", "err", "crit", "alert", "emerg"],
                &[5, 9, 10, 13, 17, 18, 19, 21],
            ),
            (
                Library::Syslog,
                &["DEBUG", "INFORMATIONAL", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"],
                &[5, 9, 10, 13, 17, 18, 19, 21],
            ),
            (
                Library::Dotnet,
                &["Trace", "Debug", "Information", "Warning", "Error", "Critical"],
                &[1, 5, 9, 13, 17, 21],
            ),
            (
                Library::Auto,
                &["Verbose", "Debug", "Information", "Warning", "Error", "Fatal"],
                &[1, 5, 9, 13, 17, 21],
            ),
            (Library::Auto, &["VRB", "DBG", "INF", "WRN", "ERR", "FTL"], &[1, 5, 9, 13, 17, 21]),
            (
                Library::Windows,
                &["Verbose", "Information", "Warning", "Error", "Critical"],
                &[5, 9, 13, 17, 18],
            ),
            (Library::Auto, &["V", "D", "I", "W", "E", "F"], &[1, 5, 9, 13, 17, 21]),
        ] {
            assert_eq!(names(library, levels), numbers, "{library:?}");
        }
    }

    #[test]
    fn the_numbers_of_each_library_mean_what_its_names_mean() {
        for (library, levels, numbers) in [
            (Library::Auto, &[10, 20, 30, 35, 40, 50, 60][..], &[1, 5, 9, 9, 13, 17, 21][..]),
            (Library::Python, &[5, 10, 20, 25, 30, 40, 50], &[1, 5, 9, 9, 13, 17, 21]),
            (Library::Syslog, &[7, 6, 5, 4, 3, 2, 1, 0], &[5, 9, 10, 13, 17, 18, 19, 21]),
            (Library::Dotnet, &[0, 1, 2, 3, 4, 5], &[1, 5, 9, 13, 17, 21]),
            (Library::Winston, &[6, 5, 4, 3, 2, 1, 0], &[1, 5, 6, 7, 9, 13, 17]),
            (Library::Zap, &[-1, 0, 1, 2, 3, 4, 5], &[5, 9, 13, 17, 18, 19, 21]),
            (Library::Zerolog, &[-1, 0, 1, 2, 3, 4, 5], &[1, 5, 9, 13, 17, 21, 24]),
            (Library::Slog, &[-100, -8, -4, 0, 2, 4, 8, 99], &[1, 1, 5, 9, 11, 13, 17, 24]),
            (Library::Logrus, &[6, 5, 4, 3, 2, 1, 0], &[1, 5, 9, 13, 17, 21, 24]),
            (Library::Log4j, &[600, 500, 400, 300, 200, 100], &[1, 5, 9, 13, 17, 21]),
            (Library::Log4j, &[5000, 10000, 20000, 30000, 40000, 50000], &[1, 5, 9, 13, 17, 21]),
            (Library::Jul, &[300, 400, 500, 700, 800, 900, 1000], &[1, 5, 6, 7, 9, 13, 17]),
            (Library::Gcp, &[100, 200, 300, 400, 500, 600, 700, 800], &[5, 9, 10, 13, 17, 18, 19, 21]),
            (Library::Windows, &[5, 4, 3, 2, 1], &[5, 9, 13, 17, 18]),
            (Library::Android, &[2, 3, 4, 5, 6, 7], &[1, 5, 9, 13, 17, 21]),
            (Library::Otel, &[1, 13, 24], &[1, 13, 24]),
        ] {
            let of = |level: &i64| library.of_number(*level).map_or(0, Severity::number);
            assert_eq!(levels.iter().map(of).collect::<Vec<_>>(), numbers, "{library:?}");
        }
    }

    #[test]
    fn what_is_not_a_level_has_no_severity() {
        for name in [
            "",
            " ",
            "off",
            "all",
            "x",
            "informationally",
            "größe",
            "-",
            "+",
            "1x",
            "99999999999999999999",
            "INFO5",
        ] {
            assert_eq!(Library::Auto.of_name(name), None, "{name:?}");
        }
        for (library, numbers) in [
            (Library::Auto, &[0, 9, 70, -10, 200, i64::MIN, i64::MAX][..]),
            (Library::Python, &[0, 60, -1]),
            (Library::Syslog, &[8, -1]),
            (Library::Zap, &[-2, 6, i64::MIN]),
            (Library::Dotnet, &[6]),
            (Library::Log4j, &[700, 0, 1000]),
            (Library::Jul, &[299, 1001]),
            (Library::Gcp, &[0, 101]),
            (Library::Otel, &[0, 25]),
            (Library::Slog, &[i64::MAX]),
        ] {
            for number in numbers {
                assert_eq!(library.of_number(*number), None, "{library:?} {number}");
            }
        }
    }

    #[test]
    fn short_names_and_numbers_in_texts_are_known_too() {
        assert_eq!(names(Library::Auto, &["INFO2", "error4", " warn ", "30"]), [10, 20, 13, 9]);
        assert_eq!(names(Library::Zap, &["-1", "+1"]), [5, 13]);
        assert_eq!(Library::Auto.of_name("err").unwrap().name(), "ERROR");
        assert_eq!(Severity(24).name(), "FATAL4");
    }
}

//! `%time`: the event's own time, out of the field where it stands. Pure; what cannot be read is no time.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::condition::Value;
use super::path::Path;

/// Where events usually carry their time, in the order in which it is looked for.
pub const DEFAULT_FIELDS: [&str; 4] = ["time", "timestamp", "ts", "@timestamp"];

/// Numbers below these are seconds, milliseconds, microseconds: each until about the year 5138.
const AUTO_SECONDS: f64 = 1e11;
const AUTO_MILLISECONDS: f64 = 1e14;
const AUTO_MICROSECONDS: f64 = 1e17;

/// Where the time is and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeFormat {
    fields: Vec<Path>,
    form: Form,
    zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// RFC 3339 or ISO 8601 for texts, the unit by magnitude for numbers.
    Auto,
    /// A number, so many nanoseconds each.
    Epoch(f64),
    /// strptime's directives.
    Pattern(String),
}

impl Default for TimeFormat {
    fn default() -> TimeFormat {
        let fields = DEFAULT_FIELDS.iter().map(|&name| Path::Field(vec![name.to_owned()])).collect();
        TimeFormat { fields, form: Form::Auto, zone: TimeZone::UTC }
    }
}

impl TimeFormat {
    /// A format of the given parts: the field (by default the usual ones); `auto`, `rfc3339`, `epoch_s`,
    /// `epoch_ms`, `epoch_us`, `epoch_ns` or strptime directives such as `%d/%b/%Y:%H:%M:%S %z` (by default
    /// `auto`); the zone of times that name none (by default UTC).
    pub fn new(field: Option<Path>, format: Option<&str>, zone: Option<&str>) -> Result<TimeFormat, String> {
        let mut made = TimeFormat::default();
        if let Some(field) = field {
            made.fields = vec![field];
        }
        made.form = match format {
            None | Some("auto" | "rfc3339") => Form::Auto,
            Some("epoch_s") => Form::Epoch(1e9),
            Some("epoch_ms") => Form::Epoch(1e6),
            Some("epoch_us") => Form::Epoch(1e3),
            Some("epoch_ns") => Form::Epoch(1.0),
            Some(pattern) if pattern.contains('%') => {
                // What can be written with it can be read with it.
                strtime::format(pattern, &ZonedDateTime::new(Timestamp::UNIX_EPOCH, TimeZone::UTC))
                    .map_err(|error| format!("format {pattern:?}: {error}"))?;
                Form::Pattern(pattern.to_owned())
            }
            Some(other) => {
                return Err(format!(
                    "format {other:?} is not known; there is auto, rfc3339, epoch_s, epoch_ms, epoch_us, epoch_ns, \
                     or directives such as \"%d/%b/%Y:%H:%M:%S %z\""
                ));
            }
        };
        if let Some(zone) = zone {
            made.zone = TimeZone::get(zone).map_err(|error| format!("zone {zone:?}: {error}"))?;
        }
        Ok(made)
    }

    /// Where to look, in order.
    pub fn fields(&self) -> &[Path] {
        &self.fields
    }

    /// The time that a value tells, in nanoseconds since 1970. None if it tells none.
    pub fn parse(&self, value: &Value<'_>) -> Option<i64> {
        match (value, &self.form) {
            (Value::Number(digits), Form::Auto) => number(digits, unit(digits.parse().ok()?)),
            (Value::Number(digits) | Value::Text(digits), Form::Epoch(unit)) => number(digits, *unit),
            (Value::Text(text), Form::Auto) => self.text(text),
            (Value::Text(text), Form::Pattern(pattern)) => self.pattern(pattern, text),
            _ => None,
        }
    }

    /// With its own offset, or in the configured zone.
    fn text(&self, text: &str) -> Option<i64> {
        match text.parse::<Timestamp>() {
            Ok(time) => nanoseconds(time),
            Err(_) => self.civil(text.parse().ok()?),
        }
    }

    fn pattern(&self, pattern: &str, text: &str) -> Option<i64> {
        let parts = strtime::parse(pattern, text).ok()?;
        match parts.to_timestamp() {
            Ok(time) => nanoseconds(time),
            Err(_) => self.civil(parts.to_datetime().ok()?),
        }
    }

    fn civil(&self, time: DateTime) -> Option<i64> {
        nanoseconds(self.zone.to_timestamp(time).ok()?)
    }
}

fn nanoseconds(time: Timestamp) -> Option<i64> {
    i64::try_from(time.as_nanosecond()).ok()
}

/// The unit that a number since 1970 most likely has, in nanoseconds.
fn unit(value: f64) -> f64 {
    let size = value.abs();
    if size < AUTO_SECONDS {
        1e9
    } else if size < AUTO_MILLISECONDS {
        1e6
    } else if size < AUTO_MICROSECONDS {
        1e3
    } else {
        1.0
    }
}

/// So many units in nanoseconds: whole numbers exactly, fractions as far as a float goes.
fn number(digits: &str, unit: f64) -> Option<i64> {
    if let Ok(whole) = digits.parse::<i64>() {
        return whole.checked_mul(unit as i64);
    }
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if !fraction.contains(['e', 'E']) => (whole.parse::<i64>().ok()?, fraction),
        _ => {
            let value: f64 = digits.parse::<f64>().ok()? * unit;
            return (value.abs() < i64::MAX as f64).then_some(value as i64);
        }
    };
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    let part = (fraction * unit).round() as i64;
    let whole_ns = whole.checked_mul(unit as i64)?;
    if digits.starts_with('-') { whole_ns.checked_sub(part) } else { whole_ns.checked_add(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NS: i64 = 1_700_000_000_123_456_789;

    fn auto(value: Value<'_>) -> Option<i64> {
        TimeFormat::default().parse(&value)
    }

    #[test]
    fn the_usual_forms_are_known_without_being_told() {
        assert_eq!(auto(Value::Text("2023-11-14T22:13:20.123456789Z")), Some(NS));
        assert_eq!(auto(Value::Text("2023-11-14T23:13:20.123456789+01:00")), Some(NS));
        assert_eq!(auto(Value::Text("2023-11-14 22:13:20.123456789")), Some(NS));
        assert_eq!(auto(Value::Number("1700000000")), Some(1_700_000_000_000_000_000));
        assert_eq!(auto(Value::Number("1700000000.5")), Some(1_700_000_000_500_000_000));
        assert_eq!(auto(Value::Number("1700000000123")), Some(1_700_000_000_123_000_000));
        assert_eq!(auto(Value::Number("1700000000123456")), Some(1_700_000_000_123_456_000));
        assert_eq!(auto(Value::Number("1700000000123456789")), Some(NS));
        for nothing in
            [Value::Absent, Value::Null, Value::Text("yesterday"), Value::Text(""), Value::Number("1e400")]
        {
            assert_eq!(auto(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_format_and_a_zone_are_taken_as_told() {
        let apache = TimeFormat::new(None, Some("%d/%b/%Y:%H:%M:%S %z"), None).unwrap();
        assert_eq!(apache.parse(&Value::Text("14/Nov/2023:23:13:20 +0100")), Some(1_700_000_000_000_000_000));
        let berlin = TimeFormat::new(None, Some("%Y-%m-%d %H:%M:%S"), Some("Europe/Berlin")).unwrap();
        assert_eq!(berlin.parse(&Value::Text("2023-11-14 23:13:20")), Some(1_700_000_000_000_000_000));
        let ms = TimeFormat::new(None, Some("epoch_ms"), None).unwrap();
        assert_eq!(ms.parse(&Value::Text("5")), Some(5_000_000));
        assert_eq!(ms.parse(&Value::Number("-1.5")), Some(-1_500_000));
    }

    #[test]
    fn wrong_formats_and_zones_are_told() {
        assert!(TimeFormat::new(None, Some("rfc822"), None).unwrap_err().contains("there is auto"));
        assert!(TimeFormat::new(None, Some("%!"), None).unwrap_err().contains("%!"));
        assert!(TimeFormat::new(None, None, Some("Mars/Base")).unwrap_err().contains("Mars/Base"));
    }
}

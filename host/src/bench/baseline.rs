//! What a hook cost before, in a file, and how much slower it may have become.
//!
//! Medians of CPU time for each size of batches. They mean something on the machine that they were taken on.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Measured, Report};
use crate::config::both_readings;
use crate::replace::replace;

/// What a hook cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The plugin, as it was named.
    pub plugin: String,
    /// Nanoseconds of CPU time for each row, by the rows of a batch.
    pub ns_per_row: BTreeMap<usize, f64>,
}

/// A share, written with a percent sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

/// A size of batches at which the hook is slower than allowed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regression {
    /// The rows of a batch.
    pub rows: usize,
    /// Nanoseconds for each row before.
    pub before: f64,
    /// And now.
    pub now: f64,
}

/// Why there is no baseline to compare with.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read or written.
    #[error("the baseline {path:?}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no baseline.
    #[error("the baseline {path:?} cannot be understood: {error}; name another file, or remove this one")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// It is another hook's.
    #[error(
        "the baseline {path:?} is of {before:?}, not of {now:?}; name its own, or --save-baseline writes a new one"
    )]
    OtherHook {
        /// Which file.
        path: PathBuf,
        /// What it was taken of.
        before: String,
        /// What is measured.
        now: String,
    },
    /// It says nothing of what is measured.
    #[error(
        "the baseline {path:?} holds none of the sizes that are measured; --save-baseline writes a new one"
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
}

/// To hundredths: a file that people read, and figures that are read back as they were written.
fn rounded(ns: f64) -> f64 {
    (ns * 100.0).round() / 100.0
}

impl Baseline {
    /// What the first hook of a report costs.
    pub fn of(report: &Report) -> Baseline {
        let of = |hook: &Measured| Baseline {
            plugin: hook.plugin.clone(),
            ns_per_row: hook.sizes.iter().map(|cost| (cost.rows, rounded(cost.ns_per_row.median))).collect(),
        };
        report
            .hooks
            .first()
            .map_or_else(|| Baseline { plugin: String::new(), ns_per_row: BTreeMap::new() }, of)
    }

    /// Reads it; none if there is no such file.
    pub fn read(path: &Path) -> Result<Option<Baseline>, BaselineError> {
        match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| BaselineError::Broken { path: path.to_owned(), error }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BaselineError::Io { path: path.to_owned(), error }),
        }
    }

    /// Writes it as a whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), BaselineError> {
        let wrong = |error| BaselineError::Io { path: path.to_owned(), error };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| wrong(error.into()))?;
        text.push(b'\n');
        replace(path, &text).map_err(wrong)
    }

    /// Whether it was taken of the same plugin: one of that name, wherever it lies.
    pub fn is_same_hook(&self, now: &Baseline) -> bool {
        Path::new(&self.plugin).file_stem() == Path::new(&now.plugin).file_stem()
    }

    /// Whether it was taken at one of the sizes of `now` at least: otherwise nothing can be compared.
    pub fn is_of(&self, now: &Baseline) -> bool {
        self.ns_per_row.keys().any(|rows| now.ns_per_row.contains_key(rows))
    }

    /// The sizes at which `now` takes more than so much longer.
    pub fn regressions(&self, now: &Baseline, allowed: Share) -> Vec<Regression> {
        let both = self
            .ns_per_row
            .iter()
            .filter_map(|(rows, before)| Some((*rows, *before, *now.ns_per_row.get(rows)?)));
        both.filter(|(_, before, now)| *now > before * (1.0 + allowed.0))
            .map(|(rows, before, now)| Regression { rows, before, now })
            .collect()
    }
}

impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let number = |text: &str| {
            text.trim().parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite())
        };
        match (text.strip_suffix('%'), number(text)) {
            (Some(percent), _) => number(percent)
                .map(|percent| Share(percent / 100.0))
                .ok_or_else(|| format!("{text:?} is no share; write for example 10%")),
            (None, Some(bare)) => Err(format!("{text}: {}", both_readings(bare))),
            (None, None) => Err(format!("{text:?} is no share; write for example 10%")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(ns: [f64; 2]) -> Baseline {
        let [one, many] = ns;
        Baseline { plugin: "h.wasm".to_owned(), ns_per_row: BTreeMap::from([(1, one), (1024, many)]) }
    }

    #[test]
    fn only_what_is_slower_than_allowed_is_a_regression() {
        let allowed = "10%".parse().unwrap();
        let before = baseline([1000.0, 100.0]);
        assert_eq!(before.regressions(&baseline([1099.0, 90.0]), allowed), []);
        let found = before.regressions(&baseline([1000.0, 111.0]), allowed);
        assert_eq!(found, [Regression { rows: 1024, before: 100.0, now: 111.0 }]);
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("base.json");
        assert_eq!(Baseline::read(&path).unwrap(), None);
        baseline([2.0, 1.0]).write(&path).unwrap();
        assert_eq!(Baseline::read(&path).unwrap(), Some(baseline([2.0, 1.0])));
        for number in 1..500 {
            let odd = baseline([rounded(f64::from(number) * 1.234_567_890_123_456), 1.0]);
            odd.write(&path).unwrap();
            assert_eq!(Baseline::read(&path).unwrap(), Some(odd));
        }
        fs::write(&path, "{}").unwrap();
        assert!(Baseline::read(&path).unwrap_err().to_string().contains("name another file"));
    }

    #[test]
    fn a_share_without_a_percent_sign_names_both_readings() {
        assert_eq!("2.5%".parse(), Ok(Share(0.025)));
        assert_eq!(
            "0.1".parse::<Share>().unwrap_err(),
            "0.1: it could mean \"0.1%\" or \"10%\"; write the one that is meant, with the percent sign"
        );
        for wrong in ["x%", "-1%", "", "much"] {
            assert!(wrong.parse::<Share>().unwrap_err().contains("10%"), "{wrong}");
        }
    }
}

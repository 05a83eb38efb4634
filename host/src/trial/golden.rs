//! The golden file: the events that are expected, one a line. It is replaced as a whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::difference::{Difference, differences};
use crate::rehearsal::MOST_OUT;
use crate::replace::replace;

/// Why a golden file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// There is none.
    #[error("there is no file {path:?} to compare with; add --update to write it")]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("the expected events {path:?}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Compares the file with the events that came.
pub fn compare(path: &Path, actual: &[String]) -> Result<Vec<Difference>, GoldenError> {
    let wrong = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => GoldenError::Missing { path: path.to_owned() },
        _ => GoldenError::Io { path: path.to_owned(), error },
    };
    if fs::metadata(path).map_err(wrong)?.len() > MOST_OUT as u64 {
        return Err(wrong(io::Error::other(format!("it has over {MOST_OUT} bytes"))));
    }
    let text = fs::read_to_string(path).map_err(wrong)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let expected: Vec<String> = lines.map(str::to_owned).collect();
    Ok(differences(&expected, actual))
}

/// Writes the events that came; whether that changed the file.
pub fn update(path: &Path, actual: &[String]) -> Result<bool, GoldenError> {
    let wrong = |error| GoldenError::Io { path: path.to_owned(), error };
    let mut text = String::with_capacity(actual.iter().map(|event| event.len() + 1).sum());
    for event in actual {
        text.push_str(event);
        text.push('\n');
    }
    if fs::read(path).is_ok_and(|before| before == text.as_bytes()) {
        return Ok(false);
    }
    replace(path, text.as_bytes()).map_err(wrong)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_then_equal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("want.ndjson");
        let events = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let message = compare(&path, &events(&["{}"])).unwrap_err().to_string();
        assert!(message.contains("--update"), "{message}");
        assert!(update(&path, &events(&["{\"a\":1}", "{}"])).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{}\n");
        assert!(!update(&path, &events(&["{\"a\":1}", "{}"])).unwrap());
        assert_eq!(compare(&path, &events(&["{\"a\":1}", "{}"])).unwrap(), []);
        assert_eq!(compare(&path, &events(&["{\"a\":1}"])).unwrap().len(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

//! `hookaroon new`: a folder with a hook that builds and passes its tests at once.
//!
//! It is written in whole or not at all: what was written before an error is taken away again, and a folder that was
//! there is never touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::sdk;
use super::template::{self, File, Language};

/// crates.io takes no longer names.
const MAX_NAME: usize = 64;

/// Where the SDK lies in the folder.
const SDK: &str = "vendor/hookaroon-sdk";

/// Names that a crate may not have, or that its dependencies have.
const RESERVED: [&str; 56] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "hookaroon-sdk",
    "hookaroon_sdk",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "use",
    "where",
    "while",
    "yield",
];

/// A folder that was made.
#[derive(Debug)]
pub struct Scaffold {
    /// Where it is.
    pub folder: PathBuf,
    /// Its files, without the SDK's.
    pub files: &'static [File],
}

/// Why there is no new folder.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// Not a name of a crate.
    #[error("{name:?} is no name for a hook: {reason}; write for example \"slow-requests\"")]
    Name {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is there.
    #[error("{} exists already; choose another name, or another folder with --path", folder.display())]
    Exists {
        /// Where.
        folder: PathBuf,
    },
    /// The system does not let us.
    #[error("cannot write {}: {error}; choose another folder with --path", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Its word.
        error: io::Error,
    },
}

/// Makes the folder, by default one of the hook's name.
pub fn new(name: &str, language: Language, folder: Option<&Path>) -> Result<Scaffold, NewError> {
    check_name(name).map_err(|reason| NewError::Name { name: name.to_owned(), reason })?;
    let folder = folder.map_or_else(|| PathBuf::from(name), Path::to_owned);
    if folder.symlink_metadata().is_ok() {
        return Err(NewError::Exists { folder });
    }
    let files = template::files(language);
    if let Err(error) = write(&folder, name, files) {
        // It was not there before. That it cannot be taken away adds nothing to why it could not be written.
        let _ = fs::remove_dir_all(&folder);
        return Err(error);
    }
    Ok(Scaffold { folder, files })
}

fn write(folder: &Path, name: &str, files: &[File]) -> Result<(), NewError> {
    for file in files {
        put(&folder.join(file.name), &file.filled(name))?;
    }
    let sdk_folder = folder.join(SDK);
    sdk::FILES.iter().try_for_each(|(name, content)| put(&sdk_folder.join(name), content))
}

fn put(path: &Path, content: &str) -> Result<(), NewError> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, content));
    written.map_err(|error| NewError::Write { path: path.to_owned(), error })
}

/// What is wrong with a name: it becomes a crate's, a file's and a hook's.
fn check_name(name: &str) -> Result<(), String> {
    let Some(first) = name.chars().next() else { return Err("it is empty".to_owned()) };
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    if let Some(letter) = name.chars().find(|letter| !fits(*letter)) {
        return Err(format!("{letter:?} is none of a-z, 0-9, - and _"));
    }
    if !first.is_ascii_lowercase() {
        return Err("it does not start with a letter".to_owned());
    }
    if name.len() > MAX_NAME {
        return Err(format!("it has {} letters, and {MAX_NAME} is the most", name.len()));
    }
    if RESERVED.contains(&name) {
        return Err("Rust or the SDK uses that word itself".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str) -> String {
        new(name, Language::Rust, Some(Path::new("/nowhere/at/all"))).unwrap_err().to_string()
    }

    #[test]
    fn a_name_that_cargo_would_refuse_is_told_what_is_wrong_with_it() {
        assert!(refusal("").contains("empty"));
        assert!(refusal("My Hook").contains("'M' is none of"));
        assert!(refusal("../up").contains("'.' is none of"));
        assert!(refusal("größe").contains("'ö'"));
        assert!(refusal("2fast").contains("start with a letter"));
        assert!(refusal("-x").contains("start with a letter"));
        assert!(refusal("match").contains("uses that word"));
        assert!(refusal(&"a".repeat(65)).contains("65 letters"));
        assert!(refusal("fine\u{1b}[31m").contains("write for example"));
    }

    #[test]
    fn what_is_there_is_not_touched_and_the_way_out_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = new("slow", Language::Rust, Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains("exists already") && error.contains("--path"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = new("slow", Language::Rust, Some(&dir.path().join("file/slow"))).unwrap_err().to_string();
        assert!(error.contains("cannot write") && error.contains("--path"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

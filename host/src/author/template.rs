//! The folders that hooks start from: real files below `host/templates`, with a few words to fill in.
//!
//! What is filled in was checked before, see [`new`](super::new), so a filled template is right wherever the template is.

use std::fmt;
use std::str::FromStr;

/// A language that there is a template for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// With the SDK.
    Rust,
}

/// Other languages that hooks are written in; there is no template for them.
const OTHERS: [&str; 7] = ["c", "cpp", "zig", "js", "ts", "python", "go"];

/// Why there is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no template for {asked:?}{}; there is one for: rust",
    if *known { " yet; its WIT tooling builds a hook from the files in vendor/hookaroon-sdk/wit of a Rust one" } else { "" }
)]
pub struct NoTemplate {
    asked: String,
    /// Whether hooks can be written in it.
    known: bool,
}

impl FromStr for Language {
    type Err = NoTemplate;

    fn from_str(asked: &str) -> Result<Language, NoTemplate> {
        match asked.to_ascii_lowercase().as_str() {
            "rust" | "rs" => Ok(Language::Rust),
            other => Err(NoTemplate { asked: asked.to_owned(), known: OTHERS.contains(&other) }),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Language::Rust => formatter.write_str("rust"),
        }
    }
}

macro_rules! template {
    ($folder:literal: $($name:literal from $file:literal, $what:literal;)+) => {
        &[$(File {
            name: $name,
            content: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $folder, "/", $file)),
            what: $what,
        }),+]
    };
}

/// A file of a template.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its name below the hook's folder.
    pub name: &'static str,
    content: &'static str,
    /// What it is, for people; empty if nobody asks.
    pub what: &'static str,
}

impl File {
    /// Its content, for a hook of this name.
    pub fn filled(&self, hook: &str) -> String {
        self.content.replace("{{name}}", hook).replace("{{version}}", env!("CARGO_PKG_VERSION"))
    }
}

// A name with a dot in front would be acted on where it lies.
const RUST: &[File] = template! { "rust":
    "src/lib.rs" from "src/lib.rs", "the hook, its config and its unit tests";
    "tests/input.ndjson" from "tests/input.ndjson", "events to try it on";
    "tests/expected.ndjson" from "tests/expected.ndjson", "what must come of them";
    "hookaroon.toml" from "hookaroon.toml", "a pipeline with the hook in it";
    "README.md" from "README.md", "what to install, and the commands";
    "Cargo.toml" from "Cargo.toml", "";
    "rust-toolchain.toml" from "rust-toolchain.toml", "";
    ".gitignore" from "gitignore", "";
};

/// The files of a language's template.
pub fn files(language: Language) -> &'static [File] {
    match language {
        Language::Rust => RUST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_without_a_template_says_which_ones_there_are() {
        let message = |asked: &str| asked.parse::<Language>().unwrap_err().to_string();
        assert!(message("go").contains("\"go\" yet") && message("go").ends_with("there is one for: rust"));
        assert!(message("cobol").ends_with("no template for \"cobol\"; there is one for: rust"));
        assert_eq!("Rust".parse(), Ok(Language::Rust));
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for file in files(Language::Rust) {
            assert!(!file.filled("slow").contains("{{"), "{}", file.name);
        }
    }
}

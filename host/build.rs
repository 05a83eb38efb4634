//! Makes the table of the SDK's files that `hookaroon new` writes beside a hook, as `OUT_DIR/sdk_files.rs`.
//!
//! The sources go in as they are. The two manifests inherit from the workspace, which is not there where they are
//! unpacked, so what they inherit is written into them, as `cargo package` does. A manifest that this does not
//! understand ends the build with the line at fault.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Error};
use std::path::{Path, PathBuf};

/// Below the workspace.
const SDK: &str = "guest-sdk";
const MANIFESTS: [&str; 2] = ["Cargo.toml", "macros/Cargo.toml"];
const SOURCES: [&str; 3] = ["src", "macros/src", "wit"];

fn main() -> io::Result<()> {
    let host = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let root = host.parent().ok_or_else(|| Error::other("the host lies in no workspace"))?;
    let sdk = root.join(SDK);
    for watched in [root.join("Cargo.toml"), root.join("wit"), sdk.clone(), host.join("build.rs")] {
        println!("cargo::rerun-if-changed={}", watched.display());
    }

    // Name below the folder that is written, and the file with its content.
    let mut files = BTreeMap::from([("LICENSE".to_owned(), root.join("LICENSE"))]);
    for source in SOURCES {
        collect(&sdk.join(source), source, &mut files)?;
    }
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    for name in MANIFESTS {
        let manifest = flatten(&fs::read_to_string(sdk.join(name))?, &workspace)?;
        let file = out.join(name.replace('/', "-"));
        fs::write(&file, manifest)?;
        files.insert(name.to_owned(), file);
    }
    let mut table = "&[\n".to_owned();
    for (name, file) in &files {
        let _ = writeln!(table, "    ({name:?}, include_str!({:?})),", file.display().to_string());
    }
    fs::write(out.join("sdk_files.rs"), table + "]\n")
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(|error| Error::other(format!("{name}: {error}")))
}

/// The source files below a folder, and nothing that an editor left there.
fn collect(folder: &Path, name: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let below = format!("{name}/{}", entry.file_name().display());
        if entry.path().is_dir() {
            collect(&entry.path(), &below, files)?;
        } else if below.ends_with(".rs") || below.ends_with(".wit") {
            files.insert(below, entry.path());
        }
    }
    Ok(())
}

/// A manifest of the workspace, with what it inherits written out and without its lints.
fn flatten(manifest: &str, workspace: &str) -> io::Result<String> {
    let mut flat = String::new();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        if section == "[lints]" {
            continue;
        }
        match line.strip_suffix(".workspace = true") {
            Some(key) => {
                let from = if section == "[package]" { "package" } else { "dependencies" };
                let value = inherited(workspace, from, key)
                    .ok_or_else(|| Error::other(format!("{line}: not one line of [workspace.{from}]")))?;
                // Below the SDK instead of the workspace.
                flat.push_str(&value.replace(&format!("{SDK}/"), ""));
            }
            None if line.contains("workspace") => {
                return Err(Error::other(format!("{line}: write it as `KEY.workspace = true`")));
            }
            None => flat.push_str(line),
        }
        flat.push('\n');
    }
    Ok(flat.trim_end().to_owned() + "\n")
}

/// The line of `[workspace.SECTION]` that sets `key`, if it is one line.
fn inherited<'w>(workspace: &'w str, section: &str, key: &str) -> Option<&'w str> {
    let start = format!("[workspace.{section}]");
    let lines = workspace.lines().skip_while(|line| *line != start).skip(1);
    lines.take_while(|line| !line.starts_with('[')).find(|line| {
        let value = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(" = "));
        value.is_some_and(|value| value.ends_with(['"', '}']))
    })
}

//! The author's own cargo: what the package is, and the module that comes of it.
//!
//! What cargo and the compiler have to say goes straight to standard error. cargo's answers on standard output are
//! read up to [`MAX_ANSWER`].

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde::Deserialize;

/// What hooks are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The metadata of a workspace of hundreds of members has a tenth of it.
const MAX_ANSWER: u64 = 64 << 20;

/// A package, as Cargo.toml has it.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its description.
    pub description: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// Why cargo made no module.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// It is not there.
    #[error("{program} is not installed; install Rust from https://rustup.rs, or put it on PATH")]
    NotInstalled {
        /// What is missing.
        program: &'static str,
    },
    /// It does not start.
    #[error("{program} does not run: {error}")]
    NotRun {
        /// What was started.
        program: &'static str,
        /// The system's word.
        error: io::Error,
    },
    /// The standard library for the target is missing.
    #[error("the target {TARGET} is not installed; run: rustup target add {TARGET}")]
    NoTarget,
    /// It failed, and said why.
    #[error("cargo could not read {}; what is wrong is said above", folder.join("Cargo.toml").display())]
    Unread {
        /// The hook's folder.
        folder: PathBuf,
    },
    /// It failed, and said why.
    #[error("the hook does not compile; what is wrong is said above")]
    Compile,
    /// Another version of cargo, perhaps.
    #[error(
        "cargo answers with something else than expected: {reason}; is it older than 1.95? run: rustup update"
    )]
    Answer {
        /// What is wrong.
        reason: String,
    },
    /// The folder is a workspace's.
    #[error("{} is a workspace and no hook; name the folder of a hook in it", folder.join("Cargo.toml").display())]
    Workspace {
        /// The folder.
        folder: PathBuf,
    },
    /// The crate is no plugin.
    #[error(
        "{} makes no cdylib, and that is what a plugin is; add\n\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n",
        manifest.display()
    )]
    NoCdylib {
        /// Its manifest.
        manifest: PathBuf,
    },
}

/// The package in this folder, if it can be built as a plugin.
pub fn package(folder: &Path) -> Result<Package, CargoError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let (status, answer) = run("cargo", folder, arguments, &[])?;
    if !status.success() {
        return Err(CargoError::Unread { folder: folder.to_owned() });
    }
    let metadata: Metadata =
        serde_json::from_slice(&answer).map_err(|error| CargoError::Answer { reason: error.to_string() })?;
    let there = folder.join("Cargo.toml").canonicalize().ok();
    let package = metadata
        .packages
        .into_iter()
        .find(|package| package.manifest_path.canonicalize().ok() == there)
        .ok_or_else(|| CargoError::Workspace { folder: folder.to_owned() })?;
    let is_cdylib = |target: &Target| target.crate_types.iter().any(|kind| kind == "cdylib");
    if !package.targets.iter().any(is_cdylib) {
        return Err(CargoError::NoCdylib { manifest: package.manifest_path });
    }
    Ok(package)
}

/// Compiles the package; the path of its core module. With `debug`, it keeps names and lines.
pub fn compile(folder: &Path, package: &Package, debug: bool) -> Result<PathBuf, CargoError> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        manifest_path: PathBuf,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    check_target(folder)?;
    let arguments =
        ["build", "--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"];
    let kept = [("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"), ("CARGO_PROFILE_RELEASE_STRIP", "none")];
    let (status, answer) = run("cargo", folder, arguments, if debug { &kept } else { &[] })?;
    if !status.success() {
        return Err(CargoError::Compile);
    }
    let messages =
        answer.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    messages
        .filter(|message| {
            message.reason == "compiler-artifact" && message.manifest_path == package.manifest_path
        })
        .flat_map(|message| message.filenames)
        .find(|file| file.extension() == Some(OsStr::new("wasm")))
        .ok_or_else(|| CargoError::Answer { reason: "it names no .wasm file".to_owned() })
}

/// The compiler says where the target's standard library is, whether it is there or not.
fn check_target(folder: &Path) -> Result<(), CargoError> {
    let (status, answer) = run("rustc", folder, ["--print", "target-libdir", "--target", TARGET], &[])?;
    let library = String::from_utf8_lossy(&answer);
    if status.success() && Path::new(library.trim()).is_dir() { Ok(()) } else { Err(CargoError::NoTarget) }
}

/// Runs a tool in the hook's folder: how it ended, and what it answered.
fn run(
    program: &'static str,
    folder: &Path,
    arguments: impl IntoIterator<Item = &'static str>,
    environment: &[(&str, &str)],
) -> Result<(ExitStatus, Vec<u8>), CargoError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => CargoError::NotInstalled { program },
        _ => CargoError::NotRun { program, error },
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).envs(environment.iter().copied());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut answer = Vec::new();
    // Who is not read to the end is told so by the pipe, and ends.
    let read = child.stdout.take().map_or(Ok(0), |stdout| stdout.take(MAX_ANSWER).read_to_end(&mut answer));
    let status = child.wait().map_err(failed)?;
    read.map_err(failed)?;
    Ok((status, answer))
}

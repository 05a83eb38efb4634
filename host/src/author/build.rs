//! `hookaroon build`: from a hook's folder to `NAME.wasm` in it.
//!
//! The plugin is looked at as a stranger's before it is written, so what is there loads. On an error the folder is as
//! it was, but for cargo's own `target`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cargo::{self, CargoError};
use super::describe::Description;
use super::finish::{FinishError, finish};
use crate::hook::load::{LoadError, Loader};
use crate::replace::replace;

/// A plugin that was built.
#[derive(Debug)]
pub struct Built {
    /// Where it is.
    pub file: PathBuf,
    /// What it is.
    pub description: Description,
}

/// Why there is no plugin.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Not a hook's folder.
    #[error(
        "there is no Cargo.toml in {}; name a hook's folder, or make one: hookaroon new NAME --lang rust",
        folder.display()
    )]
    NoFolder {
        /// What was named.
        folder: PathBuf,
    },
    /// cargo.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// The module.
    #[error(transparent)]
    Finish(#[from] FinishError),
    /// The plugin would not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It would not load for another reason.
    #[error("plugin {:?} {fault}", file.display().to_string())]
    Fault {
        /// What was built.
        file: PathBuf,
        /// Why it would not load. Completes a sentence that starts with its name.
        fault: String,
    },
    /// The system does not let us.
    #[error("cannot {verb} {}: {error}", path.display())]
    File {
        /// Read or write.
        verb: &'static str,
        /// What.
        path: PathBuf,
        /// Its word.
        error: io::Error,
    },
}

/// Builds the hook in this folder. With `debug`, it keeps function names and line numbers for backtraces.
pub fn build(folder: &Path, debug: bool, loader: &Loader) -> Result<Built, BuildError> {
    if !folder.join("Cargo.toml").is_file() {
        return Err(BuildError::NoFolder { folder: folder.to_owned() });
    }
    let package = cargo::package(folder)?;
    let module = cargo::compile(folder, &package, debug)?;
    let file_error = |verb, path: &Path| {
        let path = path.to_owned();
        move |error| BuildError::File { verb, path, error }
    };
    let module = fs::read(&module).map_err(file_error("read", &module))?;
    let plugin = finish(&module, &package, debug)?;
    let file = folder.join(&package.name).with_extension("wasm");
    let inspection = loader.inspect_bytes(&file, &plugin)?;
    if let Some(fault) = inspection.fault {
        return Err(BuildError::Fault { file, fault });
    }
    // Who runs the old one never sees half of the new one.
    replace(&file, &plugin).map_err(file_error("write", &file))?;
    Ok(Built { description: Description::new(file.display().to_string(), inspection), file })
}

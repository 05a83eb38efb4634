//! `peer-bindings WIT WORLD OUT`: what `wit-bindgen c WIT -w WORLD --out-dir OUT` does, from the library behind it.
//!
//! The command line is not installed, because building it takes minutes. Any failure ends it with the reason.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use wit_bindgen_core::{Files, wit_parser::Resolve};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [wit, world, out] = arguments.as_slice() else { bail!("usage: peer-bindings WIT WORLD OUT") };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).with_context(|| format!("{wit} is no WIT package"))?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    let out = PathBuf::from(out);
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    for (name, content) in files.iter() {
        let path = out.join(name);
        fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

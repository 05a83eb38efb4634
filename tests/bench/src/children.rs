//! Whole processes, file to file, in user CPU time.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::measure::{Pairs, events, of_children};

/// The binary under test.
pub const HOOKAROON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/hookaroon");

/// The hook: reads two fields and writes one.
pub const HOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-plugins/country.wasm");

/// What it is compared with.
const FILTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/native-filter");

const EVENTS: usize = 1_000_000;
const FILES: usize = 8;

pub fn run() -> Result<()> {
    let dir = TempDir::new()?;
    let path = |name: &str| dir.path().join(name).display().to_string();
    let text = events(EVENTS);
    fs::write(path("in.ndjson"), &text)?;
    let mut lines = text.split_inclusive(|&byte| byte == b'\n');
    for file in 0..FILES {
        let part: Vec<u8> = lines.by_ref().take(EVENTS / FILES).flatten().copied().collect();
        fs::write(path(&format!("part-{file}.ndjson")), part)?;
    }
    for (name, input, workers) in [
        ("one", "in.ndjson", 1),
        ("parts-1", "part-*.ndjson", 1),
        ("parts-2", "part-*.ndjson", 2),
        ("half-1", "part-[0-3].ndjson", 1),
        ("half-2", "part-[4-7].ndjson", 1),
    ] {
        let config = format!(
            "workers = {workers}\n[[source]]\nname = \"in\"\ntype = \"file\"\npaths = [\"{input}\"]\n\
             [[hook]]\nname = \"country\"\nplugin = \"{HOOK}\"\n[hook.grant]\nread = [\"level\", \"client_ip\"]\nwrite = [\"country\"]\n\
             [[sink]]\nname = \"out\"\ntype = \"file\"\npath = \"{name}.out\"\n"
        );
        fs::write(path(&format!("{name}.toml")), config)?;
    }

    println!("file to file, {EVENTS} events of {} bytes, user CPU time", text.len() / EVENTS);
    let native = || {
        let mut command = Command::new(FILTER);
        command.args([path("in.ndjson"), path("native.ndjson")]);
        child(command, dir.path())
    };
    let pairs = Pairs::measure(|| hookaroon(&dir, "one"), native)?;
    let (ours, native) = pairs.ns_each(EVENTS);
    println!("  {ours:.0} ns/event; a native serde_json filter {native:.0}: {} times as fast", pairs.ratio());

    let pairs = Pairs::measure(|| hookaroon(&dir, "parts-1"), || hookaroon(&dir, "parts-2"))?;
    let (one, two) = pairs.ns_each(EVENTS);
    println!("  {FILES} files: one worker {one:.0} ns/event, two {two:.0}: {} times the CPU", pairs.ratio());
    let pairs = Pairs::measure(|| hookaroon(&dir, "parts-1"), || halves(&dir))?;
    let (_, halves) = pairs.ns_each(EVENTS);
    println!(
        "  what this machine adds when both its processors are busy: two processes of one worker {halves:.0}: {} times",
        pairs.ratio()
    );

    let cold = check(&dir, true)?;
    let cached = check(&dir, false)?;
    let size = fs::metadata(HOOK)?.len() / 1000;
    println!(
        "\nstart: `check` with a hook of {size} kB: {cold:.0?} when it has to be compiled, {cached:.0?} from the cache"
    );
    Ok(())
}

/// One run of the pipeline.
fn hookaroon(dir: &TempDir, config: &str) -> Result<Duration> {
    child(run_of(dir, config), dir.path())
}

/// Two runs at once, each over half of the files.
fn halves(dir: &TempDir) -> Result<Duration> {
    let before = of_children()?;
    let children = ["half-1", "half-2"].map(|config| quiet(run_of(dir, config), dir.path()).spawn());
    for child in children {
        finished(child?.wait_with_output()?)?;
    }
    Ok(of_children()? - before)
}

fn run_of(dir: &TempDir, config: &str) -> Command {
    let _ = fs::remove_file(dir.path().join(format!("{config}.out")));
    let mut command = Command::new(HOOKAROON);
    command.args(["run", "--once", "-c", &format!("{config}.toml")]);
    command
}

fn child(command: Command, dir: &Path) -> Result<Duration> {
    let before = of_children()?;
    finished(quiet(command, dir).output().context("`make bench` builds what it runs")?)?;
    Ok(of_children()? - before)
}

fn quiet(mut command: Command, dir: &Path) -> Command {
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finished(output: Output) -> Result<()> {
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The wall time of a start, the median of five.
fn check(dir: &TempDir, cold: bool) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..5 {
        if cold {
            let _ = fs::remove_dir_all(dir.path().join("hookaroon-data"));
        }
        let start = Instant::now();
        let mut command = Command::new(HOOKAROON);
        command.args(["check", "-c", "one.toml"]);
        child(command, dir.path())?;
        times.push(start.elapsed());
    }
    times.sort();
    times.get(2).copied().context("five times")
}

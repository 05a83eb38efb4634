//! `hookaroon bench`: what a hook costs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::hook::HookArguments;
use super::{
    BAD_CONFIG, DIFFERS, FAILURE, USAGE, failed, loader_of_any, print as print_text, print_json, written_only,
};
use crate::bench::baseline::{Baseline, BaselineError, Regression, Share};
use crate::bench::{Bench, BenchError, Report};

const HELP: &str = "\
The hook runs in the real chain, over events in memory: the pass over each text, columns, the call, all checks, the
splice. CPU time is measured, after a warm-up, for batches of 1, 16, 256, 1,024 and 4,096 rows; a small input is
repeated. Two plugins are measured by turns, and their ratio is taken pair by pair, so that a busy machine moves both
alike.

--matrix runs over rows x wait x bytes, the limits in [batch]. Here nobody waits: `wait` is how full a batch gets when
--rate events come in each second, and a batch of that size is measured. The delay is how long its first event waits.

A baseline holds only on the machine that it was taken on. It is written if the file is missing.

Exit codes: 0 ok, 1 the hook failed, 2 usage, 3 slower than allowed, 78 the hook does not start.

Examples:
  hookaroon bench my-hook.wasm --input events.ndjson
  hookaroon bench old.wasm new.wasm --input events.ndjson
  hookaroon bench my-hook.wasm --input events.ndjson --baseline bench.json --max-regress 10%
  hookaroon bench redact --input events.ndjson --matrix --rate 5000";

#[derive(Debug, Args)]
#[command(after_help = HELP, group = ArgGroup::new("one").args(["matrix", "baseline"]))]
pub struct BenchArguments {
    /// One plugin, or two to compare: files, or names of standard hooks
    #[arg(value_name = "HOOK.wasm", required = true, num_args = 1..=2)]
    plugins: Vec<String>,
    #[command(flatten)]
    hook: HookArguments,
    /// Compare with what the hook cost before, as this file says; written if it is missing
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How much slower than the baseline it may be
    #[arg(long, value_name = "SHARE", default_value = "10%", requires = "baseline")]
    max_regress: Share,
    /// Write the baseline anew instead of comparing
    #[arg(long, requires = "baseline")]
    save_baseline: bool,
    /// Measure over rows x wait x bytes of a batch
    #[arg(long)]
    matrix: bool,
    /// How many events come in each second, for --matrix
    #[arg(long, value_name = "EVENTS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..), requires = "matrix")]
    rate: u64,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// The figures, as `--json` has them.
#[derive(Serialize)]
struct Figures<'f> {
    #[serde(flatten)]
    report: &'f Report,
    /// The baseline that was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'f Baseline>,
    /// Where it is slower than allowed.
    regressions: &'f [Regression],
}

pub fn bench(arguments: &BenchArguments) -> Result<(), ExitCode> {
    if arguments.plugins.len() > 1 && (arguments.matrix || arguments.baseline.is_some()) {
        eprintln!("error: --matrix and --baseline take one plugin; name one");
        return Err(ExitCode::from(USAGE));
    }
    let read = [arguments.hook.input.clone()];
    let plugins: Vec<PathBuf> = arguments.plugins.iter().map(PathBuf::from).collect();
    written_only("--baseline", arguments.baseline.as_deref(), &[&read, &plugins[..]].concat())?;
    let bench = Bench {
        candidates: arguments.plugins.iter().map(|plugin| arguments.hook.candidate(plugin)).collect(),
        input: arguments.hook.input.clone(),
    };
    let loader = loader_of_any(None)?;
    if arguments.matrix {
        let matrix = bench.matrix(&loader, arguments.rate).map_err(|error| code(&error))?;
        return print(arguments.json, &matrix, || matrix.text());
    }
    let report = bench.run(&loader).map_err(|error| code(&error))?;
    match &arguments.baseline {
        None => print(arguments.json, &Figures { report: &report, baseline: None, regressions: &[] }, || {
            report.text()
        }),
        Some(path) => compare(&report, path, arguments),
    }
}

fn compare(report: &Report, path: &Path, arguments: &BenchArguments) -> Result<(), ExitCode> {
    let now = Baseline::of(report);
    // What is no baseline is not overwritten.
    let kept = Baseline::read(path).map_err(|error| failed(&error))?;
    let before = kept.filter(|_| !arguments.save_baseline);
    if let Some(before) = before.as_ref().filter(|before| !before.is_same_hook(&now)) {
        return Err(failed(&BaselineError::OtherHook {
            path: path.to_owned(),
            before: before.plugin.clone(),
            now: now.plugin,
        }));
    }
    if before.as_ref().is_some_and(|before| !before.is_of(&now)) {
        return Err(failed(&BaselineError::Foreign { path: path.to_owned() }));
    }
    let regressions =
        before.as_ref().map(|before| before.regressions(&now, arguments.max_regress)).unwrap_or_default();
    let figures = Figures { report, baseline: before.as_ref(), regressions: &regressions };
    print(arguments.json, &figures, || report.text())?;
    if before.is_none() {
        now.write(path).map_err(|error| failed(&error))?;
        eprintln!("{}: the baseline was written", path.display());
    }
    for (rows, before) in before.iter().flat_map(|before| &before.ns_per_row) {
        if let (Some(now), false) = (now.ns_per_row.get(rows), arguments.json) {
            eprintln!(
                "{rows} rows: {now:.0} ns, {before:.0} in the baseline: {:+.0}%",
                (now / before - 1.0) * 100.0
            );
        }
    }
    for Regression { rows, before, now } in &regressions {
        let more = (now / before - 1.0) * 100.0;
        eprintln!("slower than allowed at {rows} rows: {now:.0} ns, {before:.0} before: {more:.0}% more");
    }
    if regressions.is_empty() { Ok(()) } else { Err(ExitCode::from(DIFFERS)) }
}

fn print(json: bool, figures: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), ExitCode> {
    if json { print_json(figures) } else { print_text(&text()) }
}

fn code(error: &BenchError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(match error {
        BenchError::Candidate(_) => BAD_CONFIG,
        _ => FAILURE,
    })
}

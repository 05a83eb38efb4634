//! The child's side: limits itself, does one job and ends.

use std::borrow::Cow;
use std::io::{self, Read as _};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Answer, Facts, Job, Limits, NICE, Refusal, encode};
use crate::hook::scan::{self, Kind, scan};
use crate::hook::wrap::wrap;
use crate::hook::{engine, manifest};

/// The child: does one job and ends. What goes wrong outside of the plugin is said on standard error.
pub fn child_main(job: &str) -> ExitCode {
    match run_job(job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run_job(job: &str) -> Result<(), String> {
    let job: Job =
        serde_json::from_str(job).map_err(|error| format!("the job is not understood: {error}"))?;
    confine(&job.limits).map_err(|error| format!("the compiler process cannot limit itself: {error}"))?;
    let mut plugin = Vec::new();
    let most = job.scan.file_bytes.saturating_add(1);
    io::stdin().lock().take(most).read_to_end(&mut plugin).map_err(|error| error.to_string())?;
    let (answer, artifact) = match compile(&plugin, &job) {
        Ok((facts, artifact)) => (Answer::Done(Box::new(facts)), artifact),
        Err(refusal) => (Answer::Refused(refusal), Vec::new()),
    };
    encode(&answer, &artifact, &mut io::stdout().lock()).map_err(|error| error.to_string())
}

/// No more memory, CPU time, files or core dumps than the job needs.
fn confine(limits: &Limits) -> io::Result<()> {
    lower(Resource::As, limits.memory_bytes, limits.memory_bytes)?;
    // The hard limit kills without saying why, so the soft one has to come first.
    lower(Resource::Cpu, limits.cpu_seconds, limits.cpu_seconds.saturating_add(1))?;
    lower(Resource::Core, 0, 0)?;
    lower(Resource::Fsize, 0, 0)?;
    // Only a courtesy to the flow: where it is not allowed, the child is as nice as it was.
    let _ = rustix::process::nice(NICE);
    Ok(())
}

/// Sets limits that this process cannot raise again. A lower one that is there already stays.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let hard = getrlimit(resource).maximum.map_or(hard, |maximum| maximum.min(hard));
    setrlimit(resource, Rlimit { current: Some(soft.min(hard)), maximum: Some(hard) })?;
    Ok(())
}

/// From a plugin to machine code, or only to its facts.
pub(super) fn compile(plugin: &[u8], job: &Job) -> Result<(Facts, Vec<u8>), Refusal> {
    let (facts, component) = look(plugin, &job.scan)?;
    if !job.compile {
        return Ok((facts, Vec::new()));
    }
    let engine = engine::for_compiling(job.debug).map_err(|error| Refusal::Compile(error.to_string()))?;
    let artifact =
        engine.precompile_component(&component).map_err(|error| Refusal::Compile(format!("{error:#}")))?;
    Ok((facts, artifact))
}

/// All that happens to a plugin before it is compiled: what it is, and the component that it is or that is made of it.
/// The host does it in a child; it is public for the fuzz target, which needs it where it can see it panic.
pub fn look<'p>(plugin: &'p [u8], limits: &scan::Limits) -> Result<(Facts, Cow<'p, [u8]>), Refusal> {
    let outside = scan(plugin, limits)?;
    let component = match outside.kind {
        Kind::Module => Cow::Owned(wrap(plugin, &outside)?),
        Kind::Component => Cow::Borrowed(plugin),
    };
    let inside = match &component {
        // Its types became definitions and its file a bit larger; what it makes at run time is counted again.
        Cow::Owned(component) => &scan(component, &scan::Limits { file_bytes: u64::MAX, ..*limits })?,
        Cow::Borrowed(_) => &outside,
    };
    let facts = Facts {
        kind: outside.kind,
        imports: inside.imports.clone(),
        exports: inside.exports.clone(),
        manifest: outside.manifest.or(inside.manifest).map(manifest::parse).transpose()?,
    };
    Ok((facts, component))
}

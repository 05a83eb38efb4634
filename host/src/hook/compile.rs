//! Compiles a plugin in a process of its own, because compiling what a stranger wrote is the least guarded door: a
//! file of 4 MB can cost 51 s and 5.3 GB.
//!
//! The host starts its own executable as `hookaroon compile-plugin JOB`, hands it the plugin on standard input and
//! takes a frame from standard output. The child limits itself before it reads a byte. Bounds: [`Limits`], ten times
//! its CPU time in wall time, [`MAX_OUTPUT`] of output, [`MAX_STDERR`] of messages. Whatever happens in the child,
//! a panic, an overflowing stack, a kill, is a [`CompileError`] here and leaves the host as it was.
//!
//! A frame is [`MAGIC`], the length of the header in 4 bytes (little endian), the header in JSON, and the artifact.

mod child;

use std::io::{self, Read, Write};
use std::ops::RangeFrom;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::engine::DebugInfo;
use super::manifest::{Manifest, ManifestError};
use super::scan::{self, Kind, SETTING, ScanError};
use super::wrap::WrapError;
pub use child::{child_main, look};

/// The hidden subcommand whose only argument is the job.
pub const SUBCOMMAND: &str = "compile-plugin";

const MAGIC: &[u8; 4] = b"hkr1";

/// The most bytes that an artifact may have: a Python hook's has 80 MB.
pub(super) const MAX_OUTPUT: u64 = 512 << 20;

/// The most bytes of a frame's header: a thousand names and a manifest.
const MAX_HEADER: usize = 4 << 20;

/// How much of the end of what the child says is kept.
const MAX_STDERR: usize = 64 << 10;

/// How much of that goes into an error.
const MAX_TAIL: usize = 1024;

/// The child is killed after so many times its CPU time: a busy machine is no reason, a stuck child is.
const WALL_FACTOR: u64 = 10;

/// Compiling takes this many threads at most: each reserves 64 MiB of the address space, and the flow goes on.
const MAX_THREADS: usize = 4;

/// How nice the child is to the flow beside it.
const NICE: i32 = 10;

/// What compiling one plugin may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// CPU time of all threads together. A Python hook takes a third of the default.
    pub cpu_seconds: u64,
    /// Address space. A Python hook takes 430 MB of memory, and threads reserve more than they use.
    pub memory_bytes: u64,
}

impl Limits {
    /// Enough for every plugin that passes the scan's defaults and is not built to be slow.
    pub const DEFAULT: Limits = Limits { cpu_seconds: 60, memory_bytes: 4 << 30 };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// What a plugin is, without running it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// What the file is; a module was made a component of.
    pub kind: Kind,
    /// The interfaces and functions that the component imports.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Its own description.
    pub manifest: Option<Manifest>,
}

/// A compiled plugin. Made by a compiler process of this executable, or read back from the cache that holds what such
/// a process made; nothing else makes one, so its artifact may be executed.
#[derive(Debug)]
pub struct Compiled {
    facts: Facts,
    bytes: Vec<u8>,
    frame: RangeFrom<usize>,
    artifact: RangeFrom<usize>,
}

impl Compiled {
    /// Reads the frame that starts at `start`.
    pub(super) fn decode(bytes: Vec<u8>, start: usize) -> Result<Compiled, String> {
        let frame = bytes.get(start..).ok_or("it is too short")?;
        match decode(frame)? {
            (Answer::Done(facts), length) => {
                Ok(Compiled { facts: *facts, bytes, frame: start.., artifact: start + length.. })
            }
            (Answer::Refused(refusal), _) => Err(format!("it holds a refusal: {refusal}")),
        }
    }

    /// What the plugin is.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The machine code, as wasmtime lays it out.
    pub fn artifact(&self) -> &[u8] {
        self.bytes.get(self.artifact.clone()).unwrap_or_default()
    }

    /// Facts and artifact, as [`decode`](Compiled::decode) reads them.
    pub(super) fn frame(&self) -> &[u8] {
        self.bytes.get(self.frame.clone()).unwrap_or_default()
    }
}

/// Why the compiler process refuses a plugin. Completes a sentence that starts with the plugin's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    /// The look at it.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Its manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Making a component of it.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// wasmtime's validation.
    #[error("does not compile: {0}")]
    Compile(String),
}

/// Why there is no artifact. Completes a sentence that starts with the plugin's name.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The plugin is at fault.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The machine is.
    #[error("cannot be compiled: the compiler process {exe:?} does not start: {reason}")]
    Start {
        /// The executable.
        exe: PathBuf,
        /// The system's word.
        reason: String,
    },
    /// It computed for too long.
    #[error(
        "takes more than {seconds} s of CPU time to compile; if you trust it, raise cpu_seconds in [{SETTING}]"
    )]
    CpuTime {
        /// The limit.
        seconds: u64,
    },
    /// It waited for too long.
    #[error(
        "was not compiled within {seconds} s; is the machine overloaded? cpu_seconds in [{SETTING}] times {WALL_FACTOR} is the time it has"
    )]
    WallTime {
        /// The limit.
        seconds: u64,
    },
    /// It asked for too much memory.
    #[error(
        "takes more than {limit} bytes of address space to compile; if you trust it, raise memory_bytes in [{SETTING}]"
    )]
    Memory {
        /// The limit.
        limit: u64,
    },
    /// There was no room for its threads.
    #[error(
        "cannot be compiled: the compiler process cannot start its threads within {limit} bytes of address space; \
         raise memory_bytes in [{SETTING}], or the limit on threads of this user or container"
    )]
    Threads {
        /// The limit.
        limit: u64,
    },
    /// It asked for too much output.
    #[error("compiles to more than {MAX_OUTPUT} bytes; build it smaller")]
    Output,
    /// Somebody killed it.
    #[error("cannot be compiled: the compiler process was killed by {signal}{hint}: {stderr}")]
    Killed {
        /// By which signal.
        signal: String,
        /// What the operator can look at.
        hint: &'static str,
        /// Its last words.
        stderr: String,
    },
    /// The compiler has a fault.
    #[error("makes the compiler fail, which is a fault of the compiler, please report it: {stderr}")]
    Panicked {
        /// Its last words.
        stderr: String,
    },
    /// It is not the compiler, or does not keep to the frame.
    #[error("cannot be compiled: the compiler process {exe:?} answers with something else: {reason}")]
    Answer {
        /// The executable.
        exe: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// What the child is to do: its only argument, as JSON.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    scan: scan::Limits,
    limits: Limits,
    debug: DebugInfo,
    /// False: only the facts.
    compile: bool,
}

/// A frame's header.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Done(Box<Facts>),
    Refused(Refusal),
}

/// The length of header and magic together comes with the answer: the artifact starts there.
fn decode(frame: &[u8]) -> Result<(Answer, usize), String> {
    let rest = frame.strip_prefix(MAGIC).ok_or("it does not start with a frame")?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or("it ends in the length of its header")?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_HEADER {
        return Err(format!("its header has {length} bytes; {MAX_HEADER} are allowed"));
    }
    let header = rest.get(..length).ok_or("it ends in its header")?;
    let answer = serde_json::from_slice(header).map_err(|error| format!("its header is broken: {error}"))?;
    Ok((answer, MAGIC.len() + 4 + length))
}

fn encode(answer: &Answer, artifact: &[u8], out: &mut impl Write) -> io::Result<()> {
    let header = serde_json::to_vec(answer)?;
    let length = u32::try_from(header.len()).map_err(io::Error::other)?;
    out.write_all(MAGIC)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&header)?;
    out.write_all(artifact)?;
    out.flush()
}

/// Starts compiler processes.
#[derive(Clone, Debug)]
pub struct Compiler {
    exe: PathBuf,
    scan: scan::Limits,
    limits: Limits,
    debug: DebugInfo,
}

impl Compiler {
    /// A compiler in another executable than this process's, for tests: its [`child_main`] answers [`SUBCOMMAND`].
    pub fn new(exe: impl Into<PathBuf>, scan: scan::Limits, limits: Limits) -> Compiler {
        Compiler { exe: exe.into(), scan, limits, debug: DebugInfo::Ignored }
    }

    /// The same for an engine that keeps debug information.
    pub fn with_debug_info(self) -> Compiler {
        Compiler { debug: DebugInfo::Kept, ..self }
    }

    /// The compiler in this very executable, even if an upgrade has replaced its file meanwhile.
    pub fn in_this_executable(scan: scan::Limits, limits: Limits) -> io::Result<Compiler> {
        let running = Path::new("/proc/self/exe");
        let exe = if running.exists() { running.to_owned() } else { std::env::current_exe()? };
        Ok(Compiler::new(exe, scan, limits))
    }

    /// What a plugin is held to before it is compiled.
    pub fn scan_limits(&self) -> &scan::Limits {
        &self.scan
    }

    /// Compiles a plugin. Takes up to minutes, and as much memory as [`Limits`] allow, of another process.
    pub fn compile(&self, plugin: &[u8]) -> Result<Compiled, CompileError> {
        self.run(plugin, true)
    }

    /// Looks at a plugin without compiling it.
    pub fn facts(&self, plugin: &[u8]) -> Result<Facts, CompileError> {
        Ok(self.run(plugin, false)?.facts)
    }

    fn run(&self, plugin: &[u8], compile: bool) -> Result<Compiled, CompileError> {
        let job = Job { scan: self.scan, limits: self.limits, debug: self.debug, compile };
        let job = serde_json::to_string(&job).map_err(|error| self.not_started(&error.into()))?;
        let threads = thread::available_parallelism().map_or(1, |threads| threads.get().min(MAX_THREADS));
        let mut command = Command::new(&self.exe);
        command.arg(SUBCOMMAND).arg(job).env_clear().env("RAYON_NUM_THREADS", threads.to_string());
        self.answer(&mut command, plugin)
    }

    /// What a compiler process says to a plugin.
    fn answer(&self, command: &mut Command, plugin: &[u8]) -> Result<Compiled, CompileError> {
        let finished = self.finish(command, plugin).map_err(|error| self.not_started(&error))?;
        let Finished { status, output, stderr } = finished;
        if output.len() as u64 > MAX_OUTPUT {
            return Err(CompileError::Output);
        }
        let Some(status) = status else {
            return Err(CompileError::WallTime { seconds: self.wall_seconds() });
        };
        if !status.success() {
            return Err(self.failed(status, &stderr));
        }
        let broken = |reason| CompileError::Answer { exe: self.exe.clone(), reason };
        match decode(&output).map_err(broken)? {
            (Answer::Refused(refusal), _) => Err(refusal.into()),
            (Answer::Done(facts), length) => {
                Ok(Compiled { facts: *facts, bytes: output, frame: 0.., artifact: length.. })
            }
        }
    }

    /// Runs the child to its end, or to the end of its time.
    fn finish(&self, command: &mut Command, plugin: &[u8]) -> io::Result<Finished> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Running(command.spawn()?);
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take())
        else {
            return Err(io::Error::other("it has no pipes"));
        };
        // All three pipes at once: whichever the child waits for, somebody is at the other end. They end with it.
        thread::scope(|scope| {
            // If one of these threads cannot start, dropping the child unblocks the others.
            let mut child = child;
            // A child that ends early has a better reason than the broken pipe.
            let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
            spawn("compile-in").spawn_scoped(scope, move || drop(stdin.write_all(plugin)))?;
            let output = spawn("compile-out").spawn_scoped(scope, move || bounded(stdout))?;
            let errors = spawn("compile-err").spawn_scoped(scope, move || tail(stderr))?;
            let status = child.wait(Duration::from_secs(self.wall_seconds()))?;
            drop(child);
            let gone = |_| io::Error::other("the thread that reads its answer ended");
            Ok(Finished {
                status,
                output: output.join().map_err(gone)??,
                stderr: String::from_utf8_lossy(&errors.join().map_err(gone)?).trim().to_owned(),
            })
        })
    }

    fn wall_seconds(&self) -> u64 {
        self.limits.cpu_seconds.saturating_mul(WALL_FACTOR)
    }

    fn not_started(&self, error: &io::Error) -> CompileError {
        CompileError::Start { exe: self.exe.clone(), reason: error.to_string() }
    }

    /// What an unhappy end means to the operator.
    fn failed(&self, status: ExitStatus, stderr: &str) -> CompileError {
        if status.signal() == Some(Signal::XCPU.as_raw()) {
            return CompileError::CpuTime { seconds: self.limits.cpu_seconds };
        }
        let out_of_memory = ["memory allocation of", "Cannot allocate memory", "out of memory"];
        if out_of_memory.iter().any(|words| stderr.contains(words)) {
            return CompileError::Memory { limit: self.limits.memory_bytes };
        }
        // The compiler's pool of threads says this when it panics.
        if stderr.contains("ThreadPoolBuildError") {
            return CompileError::Threads { limit: self.limits.memory_bytes };
        }
        let stderr = last_words(stderr);
        match (status.signal(), status.code()) {
            (Some(signal), _) if signal == Signal::KILL.as_raw() => {
                // The kernel kills with the same signal at the hard limit of CPU time and when memory runs out.
                let hint =
                    ", as the kernel does when the machine or container is out of memory; give it more";
                CompileError::Killed { signal: "SIGKILL".to_owned(), hint, stderr }
            }
            (Some(signal), _) => {
                let hint = ", which a sound plugin does not cause; do not trust it";
                CompileError::Killed { signal: signal_name(signal), hint, stderr }
            }
            (None, Some(PANICKED)) => CompileError::Panicked { stderr },
            (None, _) => {
                CompileError::Answer { exe: self.exe.clone(), reason: format!("{status}: {stderr}") }
            }
        }
    }
}

/// The exit code of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// A child that came to its end. No status: it was killed for taking too long.
struct Finished {
    status: Option<ExitStatus>,
    output: Vec<u8>,
    stderr: String,
}

/// A child that does not outlive its owner.
struct Running(Child);

impl Running {
    /// Its status, or nothing after `patience`.
    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() >= patience {
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(16));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything up to one byte over [`MAX_OUTPUT`].
fn bounded(stdout: impl Read) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output)?;
    Ok(output)
}

/// The last [`MAX_STDERR`] bytes, read to the end so that the child never waits for a reader.
fn tail(mut stderr: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut chunk) {
        kept.extend_from_slice(chunk.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(MAX_STDERR);
        kept.drain(..surplus);
    }
    kept
}

/// One line of what a process said last.
fn last_words(stderr: &str) -> String {
    if stderr.is_empty() {
        return "it said nothing".to_owned();
    }
    let start = stderr.len().saturating_sub(MAX_TAIL);
    let tail = (start..stderr.len()).find_map(|at| stderr.get(at..)).unwrap_or_default();
    tail.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, "?")
}

fn signal_name(signal: i32) -> String {
    let names = [
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::ILL, "SIGILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::SYS, "SIGSYS"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XFSZ, "SIGXFSZ"),
    ];
    let name = names.iter().find(|(known, _)| known.as_raw() == signal);
    name.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests;

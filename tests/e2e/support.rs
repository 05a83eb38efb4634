//! A directory of one's own, a configuration in it, a run of the binary, and what came of it.

pub mod run;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// CI runs a twentieth of what `make soak` runs.
pub fn scale(full: u64) -> u64 {
    if std::env::var_os("HOOKAROON_SOAK").is_some() { full } else { full / 20 }
}

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_hookaroon");

/// The guest that misbehaves on command.
pub fn misbehave() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-plugins/misbehave.wasm");
    assert!(path.exists(), "{} is missing; `make build` makes it", path.display());
    path.canonicalize().unwrap()
}

pub struct Trial {
    pub dir: TempDir,
}

pub struct Ran {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub summary: Value,
    /// What the sink `out` wrote to `out.ndjson`.
    pub out: Vec<u8>,
}

/// A file source `in` of `in.log` and a file sink `out` to `out.ndjson`.
pub const FILE_TO_FILE: &str = r#"
[[source]]
name = "in"
type = "file"
paths = ["in.log"]
[[sink]]
name = "out"
type = "file"
path = "out.ndjson"
"#;

/// For a hook that is to be called however often it fails.
pub const NO_BREAKER: &str = "breaker = { failures = 1000, window = \"1ms\" }";

/// A hook `name` that does `mode`, with every grant. `more` goes to its `[hook.config]`.
pub fn hook(name: &str, options: &str, mode: &str, more: &str) -> String {
    format!(
        "[[hook]]\nname = {name:?}\nplugin = {:?}\n{options}\n[hook.grant]\nread = [\".\", \"%source\", \"%file\", \"%offset\", \"%time\"]\n\
         write = [\".\"]\ndrop = true\nemit = true\nimports = [\"log\"]\n[hook.config]\ndo = {mode:?}\n{more}\n",
        misbehave()
    )
}

impl Trial {
    pub fn new() -> Trial {
        Trial { dir: TempDir::new().unwrap() }
    }

    /// A trial with `in.log`.
    pub fn with_input(input: impl AsRef<[u8]>) -> Trial {
        let trial = Trial::new();
        trial.write("in.log", input);
        trial
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    /// The dead letters of a hook.
    pub fn dead_letters(&self, hook: &str) -> Vec<Value> {
        self.dead_letter_lines(hook)
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// The same as they are on disk, all segments together.
    pub fn dead_letter_lines(&self, hook: &str) -> Vec<u8> {
        self.segments(hook).iter().flat_map(|segment| fs::read(segment).unwrap()).collect()
    }

    /// The segments of a hook's dead letters, in their order.
    pub fn segments(&self, hook: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("hookaroon-data/dead-letters").join(hook)) else {
            return Vec::new();
        };
        let mut segments: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        segments.retain(|path| path.extension().is_some_and(|ending| ending == "ndjson"));
        segments.sort();
        segments
    }

    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.dir.path()).env_remove("STATE_DIRECTORY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A shell script, in which `$0` is the binary.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script, BINARY]).current_dir(self.dir.path()).env_remove("STATE_DIRECTORY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts `run --once` with this configuration.
    pub fn start(&self, config: &str) -> Child {
        self.write("hookaroon.toml", config);
        self.command(["run", "--once", "--summary", "summary.json"]).stdin(Stdio::piped()).spawn().unwrap()
    }

    /// Starts a run of standard input through `hooks` to `out.ndjson`.
    pub fn start_stdin(&self, hooks: &str) -> (Child, ChildStdin) {
        let ends = FILE_TO_FILE.replace("type = \"file\"\npaths = [\"in.log\"]", "type = \"stdin\"");
        let mut child = self.start(&format!("{ends}{hooks}"));
        let input = child.stdin.take().unwrap();
        (child, input)
    }

    /// Waits until so many lines came out.
    pub fn wait_for_lines(&self, count: usize) {
        wait_until(|| self.read("out.ndjson").iter().filter(|byte| **byte == b'\n').count() >= count);
    }

    /// Runs to the end.
    pub fn run(&self, config: &str) -> Ran {
        self.run_with(config, b"")
    }

    /// Runs to the end with this standard input.
    pub fn run_with(&self, config: &str, stdin: &[u8]) -> Ran {
        let mut child = self.start(config);
        let mut input = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        let writing = std::thread::spawn(move || {
            // Who does not read its standard input closes it.
            let _ = input.write_all(&stdin);
        });
        let ran = self.ended(child.wait_with_output().unwrap());
        writing.join().unwrap();
        ran
    }

    pub fn ended(&self, output: Output) -> Ran {
        let stderr = String::from_utf8(output.stderr).unwrap();
        // Of the host, that is; a hook's panic is a line of its log.
        let panicked = |line: &str| line.starts_with("thread '") && line.contains("panicked");
        assert!(!stderr.lines().any(panicked), "{stderr}");
        Ran {
            code: output.status.code(),
            stdout: output.stdout,
            stderr,
            summary: serde_json::from_slice(&self.read("summary.json")).unwrap_or_default(),
            out: self.read("out.ndjson"),
        }
    }

    /// Runs `in.log` through `hooks` to `out.ndjson`; it must end well.
    pub fn through(&self, hooks: &str) -> Ran {
        let ran = self.run(&format!("{FILE_TO_FILE}{hooks}"));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran
    }

    /// Runs `check` with this configuration.
    pub fn check(&self, config: &str) -> Ran {
        self.write("hookaroon.toml", config);
        self.ended(self.command(["check"]).output().unwrap())
    }
}

impl Ran {
    /// The lines of `out.ndjson`.
    pub fn lines(&self) -> Vec<&str> {
        let text = std::str::from_utf8(&self.out).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
        text.lines().collect()
    }

    /// A number of the summary: `"hooks.0.rows"`.
    pub fn number(&self, path: &str) -> u64 {
        let pointer = format!("/{}", path.replace('.', "/"));
        self.summary.pointer(&pointer).and_then(Value::as_u64).unwrap_or(0)
    }

    pub fn failed(&self, hook: &str, kind: &str) -> u64 {
        self.summary["failed"][hook][kind].as_u64().unwrap_or(0)
    }

    /// Fails unless standard error says all of this.
    #[track_caller]
    pub fn says(&self, all: &[&str]) {
        for text in all {
            assert!(self.stderr.contains(text), "{text:?} is not said in:\n{}", self.stderr);
        }
    }
}

/// What the system says of a process's memory in bytes, `VmRSS` (now) or `VmHWM` (at most); none once it has ended.
pub fn memory(child: &Child, what: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().unwrap() * 1024)
}

/// Waits until something is so; what it waits for lies in another process, which tells nobody.
pub fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Numbered events, `{"n":0}` and so on.
pub fn numbered(count: u64) -> String {
    (0..count).map(|n| format!("{{\"n\":{n}}}\n")).collect()
}

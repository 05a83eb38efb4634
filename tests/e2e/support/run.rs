//! A run that goes on while a test changes things.

use std::fs;
use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};

use serde_json::Value;

use super::{Ran, Trial, hook, wait_until};

/// A run that is followed: events come in through standard input.
pub struct Run {
    pub trial: Trial,
    pub child: Child,
    pub input: ChildStdin,
    sent: usize,
}

pub const ENDS: &str = "[batch]\nwait = \"1ms\"\n[[source]]\nname = \"in\"\ntype = \"stdin\"\n[[sink]]\nname = \"out\"\ntype = \"file\"\npath = \"out.ndjson\"\n";

impl Run {
    pub fn start(hooks: &str) -> Run {
        Run::start_in(Trial::new(), "hookaroon.toml", hooks)
    }

    pub fn start_in(trial: Trial, file: &str, hooks: &str) -> Run {
        trial.write(file, format!("{ENDS}{hooks}"));
        Run::start_as_is(trial, file)
    }

    pub fn start_as_is(trial: Trial, file: &str) -> Run {
        let log = fs::File::create(trial.path("log")).unwrap();
        let mut child = trial
            .command(["run", "-c", file, "--summary", "summary.json"])
            .stdin(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        Run { trial, child, input, sent: 0 }
    }

    /// Sends so many numbered events and waits until something has come out for each.
    pub fn pass(&mut self, count: usize) {
        for n in self.sent..self.sent + count {
            writeln!(self.input, "{{\"n\":{n}}}").unwrap();
        }
        self.sent += count;
        let sent = self.sent;
        wait_until(|| {
            String::from_utf8_lossy(&self.trial.read("out.ndjson")).matches("\"n\":").count() == sent
        });
    }

    /// Changes the configuration and waits until the log has `told` once more.
    pub fn edit(&self, hooks: &str, told: &str) {
        let before = self.log().matches(told).count();
        self.trial.write("hookaroon.toml", format!("{ENDS}{hooks}"));
        self.wait_for(told, before + 1);
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.trial.read("log")).into_owned()
    }

    pub fn wait_for(&self, told: &str, times: usize) {
        wait_until(|| self.log().matches(told).count() >= times);
    }

    pub fn end(self) -> Ran {
        self.ended().0
    }

    /// Ends it, for who starts another one there.
    pub fn stop(self) -> Trial {
        self.ended().1
    }

    fn ended(self) -> (Ran, Trial) {
        let Run { trial, child, input, .. } = self;
        drop(input);
        let mut output = child.wait_with_output().unwrap();
        output.stderr = trial.read("log");
        let ran = trial.ended(output);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        (ran, trial)
    }

    /// The same run once its API is there; the numbers of events go on where an earlier one ended.
    pub fn going_on(mut self) -> Run {
        self.sent = String::from_utf8_lossy(&self.trial.read("out.ndjson")).matches("\"n\":").count();
        let address = self.trial.path("hookaroon-data/admin-address");
        wait_until(|| {
            assert!(self.child.try_wait().unwrap().is_none(), "{}", self.log());
            address.exists()
        });
        self
    }

    /// Starts one that has an admin API, with these hooks.
    pub fn start_admin(hooks: &str) -> Run {
        Run::start_admin_in(Trial::new(), hooks)
    }

    /// The same where something is already.
    pub fn start_admin_in(trial: Trial, hooks: &str) -> Run {
        Run::start_in(trial, "hookaroon.toml", &format!("{ADMIN}{hooks}")).going_on()
    }

    /// What came of a command that asks the API, with the token of the role admin.
    pub fn ask(&self, arguments: &[&str]) -> Ran {
        self.ask_as("admin", arguments)
    }

    /// The same with the token of another role.
    pub fn ask_as(&self, role: &str, arguments: &[&str]) -> Ran {
        let tokens = String::from_utf8(self.trial.read("hookaroon-data/tokens.toml")).unwrap();
        let (_, after) = tokens.split_once(&format!("name = \"{role}\"")).unwrap();
        let token = after.split('"').find(|part| part.starts_with("hka_")).unwrap();
        let mut command = self.trial.command(arguments);
        let output = command.env("HOOKAROON_TOKEN", token).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let (summary, out) = (Value::Null, Vec::new());
        Ran { code: output.status.code(), stdout: output.stdout, stderr, summary, out }
    }

    /// What a command says that must go well.
    #[track_caller]
    pub fn tell(&self, arguments: &[&str]) -> String {
        let ran = self.ask(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        String::from_utf8(ran.stdout).unwrap()
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.tell(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// The same for one that must be refused; what it says on standard error.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str], all: &[&str]) {
        let ran = self.ask(arguments);
        assert_eq!(ran.code, Some(1), "{arguments:?}: {}", ran.stderr);
        ran.says(all);
    }

    /// The lines of the audit log.
    pub fn audit(&self) -> Vec<Value> {
        let text = String::from_utf8(self.trial.read("hookaroon-data/audit.ndjson")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// An admin API at any port.
pub const ADMIN: &str = "[admin]\nlisten = \"127.0.0.1:0\"\n";

/// A hook that writes its version into a field of its own name.
pub fn stamp(name: &str, version: &str) -> String {
    hook(name, "", "set", &format!("write = [\"{name}\"]\ntext = {version:?}"))
}

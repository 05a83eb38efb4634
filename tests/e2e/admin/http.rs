//! A run with an admin API, and HTTP by hand, so that what is sent may be wrong.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{FILE_TO_FILE, Ran, Trial, wait_until};

/// A run of standard input.
pub struct Host {
    pub trial: Trial,
    pub child: Child,
    input: Option<ChildStdin>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// What docs/openapi.json says of a method of a path.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub role: Option<String>,
    pub told: Value,
}

/// From the least to the most.
pub fn roles() -> [&'static str; 4] {
    ["read", "tap", "operate", "admin"]
}

pub fn openapi() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Everything that can be asked.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, methods) in openapi()["paths"].as_object().unwrap() {
        for (method, told) in methods.as_object().unwrap() {
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                role: told.get("x-role").map(|role| role.as_str().unwrap().to_owned()),
                told: told.clone(),
            });
        }
    }
    all
}

impl Host {
    /// A run whose `[admin]` has these lines, with these hooks.
    pub fn start(admin: &str, hooks: &str) -> Host {
        Host::start_in(Trial::new(), admin, hooks)
    }

    /// The same where something is already.
    pub fn start_in(trial: Trial, admin: &str, hooks: &str) -> Host {
        let listen = if admin.contains("listen =") { "" } else { "listen = \"127.0.0.1:0\"\n" };
        let stdin = FILE_TO_FILE.replace("type = \"file\"\npaths = [\"in.log\"]", "type = \"stdin\"");
        Host::run(trial, &format!("{stdin}[admin]\n{listen}{admin}\n{hooks}"))
    }

    /// A run of this configuration.
    pub fn run(trial: Trial, config: &str) -> Host {
        let mut child = trial.start(config);
        let input = child.stdin.take();
        let address = trial.path("hookaroon-data/admin-address");
        wait_until(|| {
            assert!(child.try_wait().unwrap().is_none(), "{:?}", child.try_wait());
            address.exists()
        });
        Host { trial, child, input }
    }

    /// The token of this name, as the first start made it.
    pub fn token(&self, name: &str) -> String {
        let text = String::from_utf8(self.trial.read("hookaroon-data/tokens.toml")).unwrap();
        let (_, after) = text.split_once(&format!("name = \"{name}\"")).unwrap();
        after.split('"').find(|part| part.starts_with("hka_")).unwrap().to_owned()
    }

    pub fn url(&self) -> String {
        let text = String::from_utf8(self.trial.read("hookaroon-data/admin-address")).unwrap();
        text.lines().next().unwrap().to_owned()
    }

    pub fn connect(&self) -> TcpStream {
        connect(&self.url())
    }

    /// What comes back for these bytes.
    pub fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        rest(stream)
    }

    pub fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.ask("GET", path, token, &[], b"")
    }

    pub fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        Answer::of(&self.raw(&request(method, &that_ends(path), token, headers, body)))
    }

    /// What the newest lines of the audit log say.
    pub fn audit(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/audit", Some(&self.token("admin")));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["entries"].as_array().unwrap().clone()
    }

    /// Events for the run.
    pub fn send(&mut self, lines: &str) {
        self.input.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    }

    /// The same lines again and again, as fast as they are read, until the run has ended.
    pub fn feed(&mut self, lines: String) {
        let mut input = self.input.take().unwrap();
        std::thread::spawn(move || while input.write_all(lines.as_bytes()).is_ok() {});
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What came of the run, once it has ended; nothing is done to end it.
    pub fn ended(self) -> Ran {
        self.ended_and_kept().0
    }

    /// Ends standard input, and so the run, which must end well.
    pub fn end(self) -> Ran {
        self.end_and_keep().0
    }

    /// The same, for who looks at what it left.
    pub fn end_and_keep(mut self) -> (Ran, Trial) {
        self.input = None;
        let (ran, trial) = self.ended_and_kept();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        (ran, trial)
    }

    /// What came of the run, once it has ended, and what it left.
    pub fn ended_and_kept(self) -> (Ran, Trial) {
        let Host { trial, child, input } = self;
        let ran = trial.ended(child.wait_with_output().unwrap());
        drop(input);
        (ran, trial)
    }
}

/// A path of which all that comes can be waited for: a tap goes on for an hour, if it is let.
fn that_ends(path: &str) -> String {
    match path.strip_prefix("/api/v1/tap") {
        Some("") => format!("{path}?seconds=0"),
        Some(query) if !query.contains("seconds=") => format!("{path}&seconds=0"),
        _ => path.to_owned(),
    }
}

pub fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).unwrap()
}

pub fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head += "Host: localhost\r\n";
    }
    if let Some(token) = token {
        head += &format!("Authorization: Bearer {token}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// Everything that comes until the other side has said all.
pub fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A side that had not read all of the request may reset the connection after its answer.
    let _ = stream.read_to_end(&mut bytes);
    let _ = stream.shutdown(Shutdown::Both);
    bytes
}

/// A body without the sizes of its parts.
pub fn unchunked(body: &str) -> String {
    let (mut whole, mut left) = (String::new(), body);
    while let Some((size, rest)) = left.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(rest.get(..size).unwrap_or(rest));
        left = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}

impl Answer {
    pub fn of(bytes: &[u8]) -> Answer {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head: head.to_owned(), body: body.to_owned() };
        if head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked") {
            answer.body = unchunked(body);
        }
        answer
    }

    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.head)).1
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The word of a problem.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

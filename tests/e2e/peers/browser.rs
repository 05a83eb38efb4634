//! A browser (Debian's Chromium, without a window), driven over WebDriver by hand.
//!
//! `make test-peers` installs it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Running;
use crate::admin::http::request;
use crate::support::{Trial, wait_until};

/// How WebDriver names an element in its answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window.
pub struct Browser {
    driver: String,
    session: String,
    _running: Running,
}

impl Browser {
    /// One that keeps what it keeps below this trial.
    pub fn start(trial: &Trial) -> Browser {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{error}; `make test-peers` installs it"));
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let told = log.find_map(|line| Some(line.split_once("successfully on port ")?.1.to_owned()));
        let driver = format!("127.0.0.1:{}", told.unwrap().trim_end_matches('.'));
        thread::spawn(move || log.for_each(drop));
        let profile = format!("--user-data-dir={}", trial.path("browser").display());
        // A sandbox of its own it cannot make where tests run as root; what it shows is ours.
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            &profile,
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": arguments },
        } } });
        let begun = ask(&driver, "POST", "/session", &wanted).unwrap();
        let session = begun["sessionId"].as_str().unwrap_or_else(|| panic!("{begun}")).to_owned();
        Browser { driver, session, _running: Running(child) }
    }

    #[track_caller]
    fn tell(&self, what: &str, with: &Value) -> Value {
        let answer = self.try_tell(what, with);
        assert!(answer.get("error").is_none(), "{what}: {answer}");
        answer
    }

    fn try_tell(&self, what: &str, with: &Value) -> Value {
        ask(&self.driver, "POST", &format!("/session/{}/{what}", self.session), with).unwrap()
    }

    pub fn open(&self, url: &str) {
        self.tell("url", &json!({ "url": url }));
    }

    /// What a script in the page returns.
    #[track_caller]
    pub fn script(&self, script: &str) -> Value {
        self.tell("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of what this selector finds first; nothing: it is not there, or not shown.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let script = format!(
            "const found = document.querySelector({selector:?});\
             return found && found.checkVisibility() ? found.textContent : ''"
        );
        self.script(&script).as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn element(&self, selector: &str) -> String {
        let found = self.tell("element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks there as somebody would: it must be seen, and nothing may lie over it.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.tell(&format!("element/{}/click", self.element(selector)), &json!({}));
    }

    /// Writes there instead of what was there.
    #[track_caller]
    pub fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.tell(&format!("element/{element}/clear"), &json!({}));
        self.tell(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// Waits until this is the text there.
    #[track_caller]
    pub fn wait_for(&self, selector: &str, text: &str) {
        wait_until(|| self.text(selector) == text);
    }

    /// What the browser has to complain about since this was asked last: from where, and what.
    pub fn complaints(&self) -> Vec<(String, String)> {
        let log = self.tell("se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
        entries.map(|entry| (text(entry, "source"), text(entry, "message"))).collect()
    }

    /// Tells the browser itself, in the words of its own protocol.
    pub fn command(&self, command: &str, parameters: &Value) -> Value {
        self.tell("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// The window as PNG, in this size and these colours.
    pub fn picture(&self, (width, height): (u32, u32), colours: &str) -> Vec<u8> {
        let features = json!([{ "name": "prefers-color-scheme", "value": colours }]);
        self.command("Emulation.setEmulatedMedia", &json!({ "features": features }));
        let is_phone = width < 500;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.command("Emulation.setDeviceMetricsOverride", &size);
        let taken = self.command("Page.captureScreenshot", &json!({ "format": "png" }));
        BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its processes end with its session, not with the driver.
        let _ = ask(&self.driver, "DELETE", &format!("/session/{}", self.session), &json!({}));
    }
}

/// What the driver answers; it keeps connections open, so what comes is read by its length.
fn ask(driver: &str, method: &str, path: &str, with: &Value) -> io::Result<Value> {
    let mut stream = TcpStream::connect(driver)?;
    let json = ("Content-Type", "application/json");
    stream.write_all(&request(method, path, None, &[json], with.to_string().as_bytes()))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let answer: Value = serde_json::from_slice(&body)?;
    Ok(answer["value"].clone())
}

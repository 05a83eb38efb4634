//! A real Prometheus (Debian's package) scrapes a running host, and finds data for all that the dashboard and the alert rules
//! ask for.
//!
//! `make test-peers` fetches it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use serde_json::Value;

use super::Running;
use crate::support::{FILE_TO_FILE, Trial, hook, misbehave, wait_until};

/// After so many scrapes every rate is known.
const SCRAPES: f64 = 8.0;

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// A program of Debian's package.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers/prometheus/usr/bin").join(name);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}; `make test-peers` fetches it", path.display()))
}

/// What follows each of these texts in the first line of this process's log that has it, one after the other; the rest of the
/// log goes nowhere.
fn told<const N: usize>(child: &mut Child, texts: [&str; N]) -> [String; N] {
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut seen = String::new();
    let told = texts.map(|text| {
        let found = log.find_map(|line| {
            seen = format!("{seen}{line}\n");
            line.split_once(text).map(|(_, after)| after.trim().to_owned())
        });
        found.unwrap_or_else(|| panic!("{text:?} is not said in:\n{seen}"))
    });
    thread::spawn(move || log.for_each(drop));
    told
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.split(' ').nth(1).unwrap() == "200", "{path}: {answer}");
    body.to_owned()
}

/// A Prometheus of one's own.
struct Prometheus {
    address: String,
    _running: Running,
}

impl Prometheus {
    /// One that scrapes `target` each second and knows the alert rules.
    fn start(trial: &Trial, target: &str) -> Prometheus {
        trial.write(
            "prometheus.yml",
            format!(
                "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{:?}]\nscrape_configs:\n  - job_name: \
                 hookaroon\n    static_configs: [{{ targets: [{target:?}] }}]\n",
                docs("alerts.yml").canonicalize().unwrap()
            ),
        );
        let mut command = Command::new(program("prometheus"));
        command
            .current_dir(trial.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"]);
        command.arg("--web.listen-address=127.0.0.1:0");
        let mut child = command.spawn().unwrap();
        let [address, _] = told(&mut child, ["msg=\"Listening on\" address=", "Server is ready"]);
        Prometheus { address, _running: Running(child) }
    }

    /// What an expression comes to now.
    fn evaluate(&self, expression: &str) -> Vec<Value> {
        let query: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = get(&self.address, &format!("/api/v1/query?query={query}"));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// The same as a number, of an expression with one series.
    fn number(&self, expression: &str) -> Option<f64> {
        let result = self.evaluate(expression);
        result.first()?["value"][1].as_str().unwrap().parse().ok()
    }

    fn rules(&self) -> Vec<Value> {
        let answer: Value = serde_json::from_str(&get(&self.address, "/api/v1/rules")).unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).cloned().collect()
    }
}

/// A run through hooks of which one changes events and has a shadow, one fails on some and one leaks, with the address of its metrics.
fn start_host(trial: &Trial) -> (Running, ChildStdin, String) {
    let ends = FILE_TO_FILE.replace("type = \"file\"\npaths = [\"in.log\"]", "type = \"stdin\"");
    let reads = "read = [\"n\"]\nwrite = [\"stamp\"]\ntext = \"x\"";
    let poison = "read = [\"cause\"]\npoison = \"poison\"";
    let leak =
        "[[hook]]\nname = \"leaks\"\nplugin = \"leak\"\nmemory = \"4MiB\"\n[hook.grant]\nread = [\".\"]\n";
    // A shadow that stamps otherwise.
    let plugin = misbehave();
    let shadow = format!(
        "[hook.candidate]\nplugin = {plugin:?}\nshadow = true\n[hook.candidate.config]\nread = [\"n\"]\nwrite = [\"stamp\"]\n\
         do = \"set\"\ntext = \"y\"\n"
    );
    let stamps = hook("stamps", "", "set", reads) + &shadow;
    let hooks = [stamps, hook("fails", "", "nothing", poison), leak.to_owned()].concat();
    let admin = "[admin]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\n";
    trial.write("hookaroon.toml", format!("[batch]\nrows = 64\n{ends}{admin}{hooks}"));
    let mut child = trial.command(["run"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let input = child.stdin.take().unwrap();
    let [address] = told(&mut child, ["admin: metrics alone on http://"]);
    (Running(child), input, address)
}

/// The names of metrics in an expression.
fn names(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("hookaroon_") || word.starts_with("process_")).collect()
}

/// Everything that the dashboard asks for, as Grafana would ask it.
fn dashboard() -> Vec<String> {
    let text = fs::read_to_string(docs("grafana-dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let annotations = dashboard["annotations"]["list"].as_array().unwrap();
    let expressions = targets.chain(annotations).map(|target| target["expr"].as_str().unwrap());
    let filled = expressions.map(|expression| {
        expression.replace("$__rate_interval", "4s").replace("$instance", ".*").replace("$hook", ".*")
    });
    filled.collect()
}

#[test]
fn the_page_is_as_prometheus_wants_it_and_the_rules_are_sound() {
    let trial = Trial::new();
    let (_host, mut input, address) = start_host(&trial);
    input.write_all(b"{\"n\":1}\n").unwrap();
    trial.wait_for_lines(1);
    trial.write("page.txt", get(&address, "/metrics"));
    let (promtool, rules) = (program("promtool"), docs("alerts.yml"));
    let (promtool, rules) = (promtool.display(), rules.display());
    let script = format!("{promtool} check metrics < page.txt && {promtool} check rules {rules}");
    let checked = trial.shell(&script).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(
        checked.status.success() && said.is_empty(),
        "{said}\n{}",
        String::from_utf8_lossy(&checked.stdout)
    );
}

#[test]
fn prometheus_finds_data_for_every_expression_of_the_dashboard_and_of_the_rules() {
    let trial = Trial::new();
    let (_host, mut input, address) = start_host(&trial);
    let prometheus = Prometheus::start(&trial, &address);
    let mut sent = 0;
    wait_until(|| {
        // Events come all the while, some of which a hook fails on.
        let events = (sent..sent + 50).map(|n| format!("{{\"n\":{n},\"filling\":\"{:0>200}\"}}\n", n));
        input.write_all(events.collect::<String>().as_bytes()).unwrap();
        input.write_all(b"{\"cause\":\"poison\"}\nno JSON\n").unwrap();
        sent += 52;
        prometheus
            .number("count_over_time(hookaroon_build_info[5m])")
            .is_some_and(|scrapes| scrapes >= SCRAPES)
    });
    assert_eq!(prometheus.number("count(up{job=\"hookaroon\"} == 1)"), Some(1.0));

    let asked = dashboard();
    assert!(asked.len() > 50, "{}", asked.len());
    for expression in &asked {
        assert!(!prometheus.evaluate(expression).is_empty(), "nothing for {expression}");
    }
    let rules = prometheus.rules();
    assert!(rules.len() > 20, "{}", rules.len());
    for rule in &rules {
        let (name, expression) = (&rule["name"], rule["query"].as_str().unwrap());
        assert_eq!(rule["health"], "ok", "{name}: {rule}");
        // Whether it holds depends; that there is something to hold does not.
        prometheus.evaluate(expression);
        for metric in names(expression) {
            assert!(!prometheus.evaluate(metric).is_empty(), "{name}: there is no {metric}");
        }
    }
    // Two hold here: a hook fails on one event of 52, and one leaks.
    for (alert, of) in [("HookaroonHookFailing", "fails"), ("HookaroonHookLeaking", "leaks")] {
        let rule = rules.iter().find(|rule| rule["name"] == alert).unwrap();
        let holds = prometheus.evaluate(rule["query"].as_str().unwrap());
        let hooks: Vec<&Value> = holds.iter().map(|series| &series["metric"]["hook"]).collect();
        assert_eq!(hooks, [of], "{alert}");
    }
}

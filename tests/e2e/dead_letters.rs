//! What hooks failed on: kept within bounds, listed, replayed once, taken elsewhere.

use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{FILE_TO_FILE, NO_BREAKER, Ran, Trial, hook, misbehave, numbered, wait_until};

/// A hook that writes `w` and traps on events whose `m` has this in it.
fn weak(poison: &str) -> String {
    let more = format!("read = [\"m\"]\nwrite = [\"w\"]\npoison = {poison:?}");
    hook("weak", "", "echo", &more)
}

/// Two events that `weak("bad")` bears and two that it does not.
const EVENTS: &str = "{\"m\":\"a\"}\n{\"m\":\"bad 1\", \"x\":1e400}\n{\"m\":\"b\"}\n{\"m\":\"bad 2\"}\n";

/// A run over [`EVENTS`] that left two dead letters and two events.
fn broken(options: &str) -> Trial {
    let trial = Trial::with_input(EVENTS);
    let ran = trial.run(&format!("{options}{FILE_TO_FILE}{}", weak("bad")));
    assert_eq!((ran.code, ran.lines().len()), (Some(0), 2), "{}", ran.stderr);
    assert_eq!(trial.dead_letters("weak").len(), 2);
    trial
}

/// Runs a command to its end.
fn ask(trial: &Trial, arguments: &[&str]) -> Ran {
    trial.ended(trial.command(arguments).output().unwrap())
}

fn configure(trial: &Trial, config: &str) {
    trial.write("hookaroon.toml", config);
}

/// With the hook mended.
fn mend(trial: &Trial) {
    configure(trial, &format!("{FILE_TO_FILE}{}", weak("nothing is")));
}

fn list(trial: &Trial, arguments: &[&str]) -> Value {
    let ran = ask(trial, &[&["dead-letters", "list", "--json"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn text(ran: &Ran) -> String {
    String::from_utf8(ran.stdout.clone()).unwrap()
}

#[test]
fn a_letter_says_what_failed_where_and_of_which_plugin() {
    let trial = broken("");
    let inspected = ask(&trial, &["inspect", misbehave().to_str().unwrap(), "--json"]);
    let inspected: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    let letters = trial.dead_letters("weak");
    let letter = &letters[0];
    assert_eq!((&letter["hook"], &letter["plugin"]), (&"weak".into(), &inspected["sha256"]));
    assert_eq!(
        (&letter["kind"], &letter["count"], &letter["offset"]),
        (&"trap".into(), &1.into(), &10.into())
    );
    assert!(
        letter["message"].as_str().unwrap().contains("unreachable") && letter["time_ns"].as_u64().is_some()
    );
    assert!(!letter["backtrace"].as_array().unwrap().is_empty());
    assert_ne!(letter["id"], letters[1]["id"]);
    let lines = String::from_utf8(trial.dead_letter_lines("weak")).unwrap();
    assert!(lines.lines().next().unwrap().ends_with(",\"event\":{\"m\":\"bad 1\", \"x\":1e400}}"), "{lines}");
}

#[test]
fn nothing_of_it_is_for_other_users() {
    use std::os::unix::fs::PermissionsExt;
    fn check(path: &Path) {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| check(&entry.unwrap().path()));
        }
    }
    let trial = broken("");
    check(&trial.path("hookaroon-data/dead-letters"));
    let objects = trial.path("hookaroon-data/dead-letters/weak/objects");
    assert_eq!(fs::read_dir(objects).unwrap().count(), 2, "the plugin and the setup, once for both letters");
}

#[test]
fn a_list_has_filters_and_ends_with_a_summary_by_hook_and_kind() {
    let trial = Trial::with_input(EVENTS);
    let picky = hook("picky", "", "fail_row", "read = [\"m\"]\ntext = \"b\"");
    trial.run(&format!("{FILE_TO_FILE}{}{picky}", weak("bad 1")));
    let listed = text(&ask(&trial, &["dead-letters", "list"]));
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3 + 4 + 1, "{listed}");
    assert!(lines[0].starts_with("ID ") && lines[0].ends_with("MESSAGE"), "{listed}");
    assert!(lines.iter().any(|line| line.contains("picky  row_error") && line.ends_with("told to fail")));
    assert!(lines[6].starts_with("picky  row_error          2          2  "), "{listed}");
    assert!(lines[7].starts_with("weak   trap               1          1  "), "{listed}");

    let ids = |arguments: &[&str]| list(&trial, arguments)["letters"].as_array().unwrap().len();
    assert_eq!(
        (ids(&["--hook", "weak"]), ids(&["--kind", "row_error"]), ids(&["--hook", "none"])),
        (1, 2, 0)
    );
    assert_eq!(
        (ids(&["--since", "1h"]), ids(&["--until", "1h"]), ids(&["--since", "2099-01-01T00:00:00Z"])),
        (3, 0, 0)
    );
    let newest = list(&trial, &["--limit", "1"]);
    assert_eq!((newest["letters"].as_array().unwrap().len(), &newest["total"]), (1, &3.into()));
    assert!(text(&ask(&trial, &["dead-letters", "list", "--limit", "1"])).contains("and 2 older ones"));
    let all = list(&trial, &["--hook", "weak"]);
    assert_eq!(all["letters"][0]["event"]["m"], "bad 1");
    assert_eq!((&all["summary"][0]["letters"], &all["letters"][0]["source"]), (&1.into(), &"in".into()));
    let ran = ask(&trial, &["dead-letters", "list", "--since", "yesterday"]);
    assert_eq!(ran.code, Some(2));
    ran.says(&["2h for two hours ago"]);
}

#[test]
fn those_of_hooks_without_a_configuration_are_found_by_their_data_directory() {
    let trial = Trial::with_input("{\"a\":1}\n");
    let input = File::open(trial.path("in.log")).unwrap();
    let arguments = ["pipe", "--data-dir", "kept", "schema", "required=b", "on_violation=fail"];
    let ran = trial.ended(trial.command(arguments).stdin(input).output().unwrap());
    ran.says(&["`hookaroon dead-letters list --data-dir kept` shows them"]);
    let listed = ask(&trial, &["dead-letters", "list", "--data-dir", "kept", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["letters"][0]["event"]["a"], 1);
    let id = listed["letters"][0]["id"].as_str().unwrap();
    ask(&trial, &["dead-letters", "export", "--data-dir", "kept", id, "-o", "it"]);
    let ran = ask(&trial, &["replay", "it"]);
    assert_eq!(
        (ran.code, text(&ran).contains("row_error: b is required")),
        (Some(0), true),
        "{}",
        ran.stderr
    );
}

#[test]
fn no_letters_are_no_error() {
    let trial = Trial::new();
    mend(&trial);
    let listed = ask(&trial, &["dead-letters", "list"]);
    assert_eq!((listed.code, text(&listed).as_str()), (Some(0), "no dead letters\n"), "{}", listed.stderr);
    assert_eq!(ask(&trial, &["dead-letters", "replay"]).code, Some(0));
    assert!(!trial.path("hookaroon-data/dead-letters").exists(), "nothing is made");
}

#[test]
fn a_replay_delivers_each_event_once_and_a_second_one_does_nothing() {
    let trial = broken("");
    let before = trial.read("out.ndjson");
    mend(&trial);
    let ran = ask(&trial, &["dead-letters", "replay"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.says(&["2 dead letters went through, 2 events to the sinks"]);
    let replayed = "{\"m\":\"bad 1\", \"x\":1e400,\"w\":\"bad 1\"}\n{\"m\":\"bad 2\",\"w\":\"bad 2\"}\n";
    let expected = [before, replayed.into()].concat();
    assert_eq!(trial.read("out.ndjson"), expected);
    let again = ask(&trial, &["dead-letters", "replay"]);
    assert_eq!((again.code, trial.read("out.ndjson")), (Some(0), expected), "{}", again.stderr);
    again.says(&["no dead letters wait"]);
    assert!(trial.segments("weak").is_empty(), "their room is free again");
}

#[test]
fn what_fails_again_stays_once_with_its_count_raised() {
    let trial = broken("");
    for count in [2, 3] {
        let ran = ask(&trial, &["dead-letters", "replay"]);
        assert_eq!(ran.code, Some(1));
        ran.says(&["0 dead letters went through", "2 failed again at hook \"weak\" and stay"]);
        let letters = list(&trial, &[])["letters"].as_array().unwrap().clone();
        assert_eq!(
            letters.iter().map(|letter| letter["count"].as_u64().unwrap()).collect::<Vec<_>>(),
            [count; 2]
        );
    }
    configure(&trial, &format!("{FILE_TO_FILE}{}", weak("bad 2")));
    assert_eq!(ask(&trial, &["dead-letters", "replay"]).code, Some(1));
    let listed = list(&trial, &[]);
    assert_eq!((&listed["total"], &listed["letters"][0]["event"]["m"]), (&1.into(), &"bad 2".into()));
    let marked =
        ask(&trial, &["dead-letters", "replay", trial.dead_letters("weak")[0]["id"].as_str().unwrap()]);
    assert_eq!(
        (marked.code, marked.stderr.contains("no dead letters wait")),
        (Some(0), true),
        "{}",
        marked.stderr
    );
}

#[test]
fn a_dry_run_tells_what_would_happen_and_changes_nothing() {
    let trial = broken("");
    let before = (trial.read("out.ndjson"), trial.dead_letter_lines("weak"));
    configure(&trial, &format!("{FILE_TO_FILE}{}", weak("bad 2")));
    let ran = ask(&trial, &["dead-letters", "replay", "--dry-run"]);
    assert_eq!(ran.code, Some(1));
    ran.says(&["dry run", "1 dead letters went through, 1 events", "1 failed again at hook \"weak\""]);
    assert_eq!((trial.read("out.ndjson"), trial.dead_letter_lines("weak")), before);
    assert_eq!(list(&trial, &[])["letters"][0]["count"], 1);
}

#[test]
fn a_replay_starts_at_the_hook_that_failed_and_later_hooks_make_letters_of_their_own() {
    let trial = Trial::with_input("{\"m\":\"bad\"}\n{\"m\":\"worse, bad\"}\n{\"m\":\"worse\"}\n");
    let first = hook("first", "", "set", "write = [\"f\"]\ntext = \"1\"");
    let last = |poison: &str| weak(poison).replace("\"weak\"", "\"last\"").replace("[\"w\"]", "[\"l\"]");
    let ran = trial.run(&format!("{FILE_TO_FILE}{first}{}{}", weak("bad"), last("worse")));
    assert!(ran.out.is_empty(), "{}", ran.stderr);
    // It would fail on everything, and is told to stop the run then.
    let first = hook("first", "on_error = \"stop\"", "trap", "write = [\"f\"]");
    // It would tell something at its end, had it been at work.
    let tells = hook("tells", "", "emit", "in = \"teardown\"\ntext = \"bye\"");
    configure(&trial, &format!("{FILE_TO_FILE}{first}{tells}{}{}", weak("nothing is"), last("worse")));
    let ran = ask(&trial, &["dead-letters", "replay"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    ran.says(&["2 dead letters went through, 1 events", "1 events failed at hook \"last\""]);
    ran.says(&["1 failed again at hook \"last\" and stay"]);
    assert_eq!(
        String::from_utf8(trial.read("out.ndjson")).unwrap(),
        "{\"m\":\"bad\",\"f\":\"1\",\"w\":\"bad\",\"l\":\"bad\"}\n"
    );
    let listed = list(&trial, &["--hook", "last"]);
    let letters = listed["letters"].as_array().unwrap().iter();
    let counts: Vec<(&Value, &Value)> =
        letters.map(|letter| (&letter["event"]["w"], &letter["count"])).collect();
    assert_eq!(counts, [(&"worse".into(), &2.into()), (&"worse, bad".into(), &1.into())]);
    assert_eq!(listed["total"], list(&trial, &[])["total"], "the other hook's are gone");
}

#[test]
fn a_hook_that_is_gone_from_the_chain_keeps_its_letters() {
    let trial = broken("");
    configure(&trial, FILE_TO_FILE);
    let ran = ask(&trial, &["dead-letters", "replay"]);
    assert_eq!(ran.code, Some(1));
    ran.says(&["2 stay: their hook \"weak\" is not in the chain; add or enable it"]);
    assert_eq!(list(&trial, &[])["total"], 2);
}

#[test]
fn letters_can_be_chosen_by_the_start_of_their_ids() {
    let trial = broken("");
    mend(&trial);
    let id = trial.dead_letters("weak")[1]["id"].as_str().unwrap().to_owned();
    let ran = ask(&trial, &["dead-letters", "replay", &id[..12]]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(trial.read("out.ndjson").ends_with(b"{\"m\":\"bad 2\",\"w\":\"bad 2\"}\n"));
    assert_eq!(list(&trial, &[])["total"], 1);
    let ran = ask(&trial, &["dead-letters", "replay", "no-such-id"]);
    assert_eq!(ran.code, Some(2));
    ran.says(&["there is no dead letter \"no-such-id\"", "dead-letters list"]);
    let ran = ask(&trial, &["dead-letters", "export", ""]);
    assert_eq!(ran.code, Some(2));
    ran.says(&["write more of it"]);
}

#[test]
fn a_mended_plugin_takes_the_place_of_the_configured_one() {
    let event = format!("{{\"client_ip\":\"10.0.0.1\",\"m\":\"{}\"}}", "x".repeat(900_000));
    let trial = Trial::with_input(format!("{event}\n"));
    let hooks = "[[hook]]\nname = \"h\"\nplugin = \"leak\"\nmemory = \"2MiB\"\n[hook.grant]\nread = [\".\"]\nwrite = [\"country\"]\n";
    let ran = trial.run(&format!("{FILE_TO_FILE}{hooks}"));
    assert_eq!(trial.dead_letters("h").len(), 1, "{}", ran.stderr);
    let mended = misbehave().with_file_name("country.wasm");
    let ran = ask(&trial, &["dead-letters", "replay", "--hook", "h", "--plugin", mended.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let expected = format!("{},\"country\":\"de\"}}\n", event.strip_suffix('}').unwrap());
    assert_eq!(String::from_utf8(trial.read("out.ndjson")).unwrap(), expected);
}

#[test]
fn one_plugin_is_for_the_letters_of_one_hook() {
    let trial = Trial::with_input(EVENTS);
    let other = weak("bad 2").replace("\"weak\"", "\"other\"");
    trial.run(&format!("{FILE_TO_FILE}{}{other}", weak("bad 1")));
    let ran = ask(&trial, &["dead-letters", "replay", "--plugin", "mended.wasm"]);
    assert_eq!(ran.code, Some(2));
    ran.says(&["these are of other, weak; add --hook NAME"]);
}

#[test]
fn no_letter_is_marked_before_its_event_is_delivered() {
    let trial = broken("");
    let full = FILE_TO_FILE.replace("out.ndjson", "/dev/full");
    configure(&trial, &format!("{full}{}", weak("nothing is")));
    let ran = ask(&trial, &["dead-letters", "replay"]);
    assert_eq!(ran.code, Some(1));
    ran.says(&["sink \"out\": cannot write"]);
    let listed = list(&trial, &[]);
    assert_eq!((&listed["total"], &listed["letters"][0]["count"]), (&2.into(), &1.into()));
    mend(&trial);
    assert_eq!(ask(&trial, &["dead-letters", "replay"]).code, Some(0));
}

#[test]
fn a_second_replay_is_refused_and_one_that_is_killed_loses_nothing() {
    let trial = broken("");
    assert!(Command::new("mkfifo").arg(trial.path("fifo")).status().unwrap().success());
    configure(&trial, &format!("{}{}", FILE_TO_FILE.replace("out.ndjson", "fifo"), weak("nothing is")));
    // Nobody reads the FIFO, so it waits there.
    let mut first = trial.command(["dead-letters", "replay"]).spawn().unwrap();
    let is_held = || {
        let file = File::open(trial.path("hookaroon-data/dead-letters/.replaying"));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    };
    wait_until(is_held);
    mend(&trial);
    let ran = ask(&trial, &["dead-letters", "replay"]);
    assert_eq!(ran.code, Some(1));
    ran.says(&["another replay of the letters in", "is under way; start this one when it has ended"]);
    first.kill().unwrap();
    first.wait().unwrap();
    let ran = ask(&trial, &["dead-letters", "replay"]);
    ran.says(&["2 dead letters went through"]);
    assert_eq!(trial.read("out.ndjson").iter().filter(|byte| **byte == b'\n').count(), 4);
}

#[test]
fn of_what_was_not_granted_nothing_is_kept_if_that_is_chosen() {
    let trial = Trial::with_input("{\"m\":\"bad\",\"secret\":\"42\"}\n");
    let narrow = |hook: String| hook.replace("read = [\".\", \"%source\"", "read = [\"m\", \"%source\"");
    let config = |keep: &str, poison: &str| {
        format!("[dead_letters]\nkeep = {keep:?}\n{FILE_TO_FILE}{}", narrow(weak(poison)))
    };
    for keep in ["granted", "hash"] {
        trial.run(&config(keep, "bad"));
    }
    let lines = String::from_utf8(trial.dead_letter_lines("weak")).unwrap();
    assert!(!lines.contains("secret") && !lines.contains("42\""), "{lines}");
    let letters = trial.dead_letters("weak");
    assert_eq!(letters[0]["granted"], serde_json::json!({"m": "bad"}));
    assert_eq!(letters[1]["event_sha256"].as_str().unwrap().len(), 64);
    assert!(letters[1].get("event").is_none());

    configure(&trial, &config("event", "nothing is"));
    let ran = ask(&trial, &["dead-letters", "replay"]);
    assert_eq!(ran.code, Some(1));
    ran.says(&["2 stay: their events are not kept, because of keep in [dead_letters]"]);
    let ids: Vec<&str> = letters.iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    let ran = ask(&trial, &["dead-letters", "export", ids[0], "-o", "it"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ask(&trial, &["replay", "it"]).code, Some(0), "the hook reads no more than that");
    let ran = ask(&trial, &["dead-letters", "export", ids[1]]);
    assert_eq!(ran.code, Some(1));
    ran.says(&["cannot be exported", "only the hash is kept"]);
}

#[test]
fn what_a_crash_tore_is_told_with_its_place_and_harms_nothing_else() {
    let trial = broken("");
    let segment = trial.segments("weak").remove(0);
    let whole = fs::read(&segment).unwrap();
    let half = &whole[..whole.len() / 3];
    fs::write(&segment, [&whole, half].concat()).unwrap();
    let ran = ask(&trial, &["dead-letters", "list"]);
    assert_eq!(ran.code, Some(0));
    ran.says(&["00000001.ndjson:3: this is no dead letter"]);
    assert!(text(&ran).contains("weak  trap          2"), "{}", text(&ran));
    let ran = trial.run(&format!("{FILE_TO_FILE}{}", weak("bad")));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(list(&trial, &[])["total"], 4);
    mend(&trial);
    let ran = ask(&trial, &["dead-letters", "replay"]);
    ran.says(&["4 dead letters went through", "00000001.ndjson:3: "]);
    assert!(segment.exists(), "what cannot be read is not thrown away");
    assert_eq!(list(&trial, &[])["unreadable"][0]["line"], 3);
}

/// Reads a run's standard error up to a line with this in it.
fn wait_until_said(stderr: &mut impl BufRead, wanted: &str) -> String {
    let mut line = String::new();
    while !line.contains(wanted) {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended without saying {wanted:?}");
    }
    line
}

/// A run whose dead letters have no room left, which it said.
fn full(trial: &Trial) -> (Child, BufReader<impl std::io::Read + use<>>) {
    let config = format!(
        "[batch]\nrows = 1\n[dead_letters]\nmax_bytes = \"32KiB\"\n{FILE_TO_FILE}{}",
        hook("weak", NO_BREAKER, "error", "")
    );
    let mut child = trial.start(&config);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let line = wait_until_said(&mut stderr, "reached max_bytes");
    assert!(line.contains("32768 bytes") && line.contains("dead-letters replay"), "{line}");
    (child, stderr)
}

fn bytes(segments: &[PathBuf]) -> u64 {
    segments.iter().map(|segment| fs::metadata(segment).unwrap().len()).sum()
}

#[test]
fn at_the_cap_the_source_waits_and_goes_on_when_there_is_room() {
    // Half of them fit.
    const COUNT: u64 = 130;
    let trial = Trial::with_input(numbered(COUNT));
    let (mut child, mut stderr) = full(&trial);
    let segments = trial.segments("weak");
    assert!(bytes(&segments) <= 32 << 10 && segments.len() > 4, "{segments:?}");
    let mut numbers: Vec<u64> = Vec::new();
    let mut take = || {
        let letters = trial.dead_letters("weak");
        numbers.extend(letters.iter().map(|letter| letter["event"]["n"].as_u64().unwrap()));
        letters.len()
    };
    assert!(take() < COUNT as usize);
    // While it waits nothing is written, so all that is there can go.
    segments.iter().for_each(|segment| fs::remove_file(segment).unwrap());
    assert!(child.wait().unwrap().success());
    take();
    assert_eq!(numbers, (0..COUNT).collect::<Vec<_>>(), "every event once, in order");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut rest).unwrap();
    assert!(!rest.contains("reached max_bytes"), "it is said once:\n{rest}");
}

#[test]
fn a_replay_beside_a_run_that_waits_makes_room_for_it() {
    const COUNT: u64 = 130;
    let trial = Trial::with_input(numbered(COUNT));
    let (mut child, _stderr) = full(&trial);
    let mended = format!("{FILE_TO_FILE}{}", hook("weak", "", "nothing", ""));
    trial.write("mended.toml", mended.replace("out.ndjson", "replayed.ndjson"));
    let ran = ask(&trial, &["dead-letters", "replay", "-c", "mended.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(child.wait().unwrap().success());
    let ran = ask(&trial, &["dead-letters", "replay", "-c", "mended.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(String::from_utf8(trial.read("replayed.ndjson")).unwrap(), numbered(COUNT));
}

#[test]
fn while_letters_cannot_be_written_their_source_waits() {
    let trial = Trial::with_input(EVENTS);
    fs::create_dir_all(trial.path("hookaroon-data/dead-letters")).unwrap();
    trial.write("hookaroon-data/dead-letters/weak", "in the way");
    let mut child = trial.start(&format!("{FILE_TO_FILE}{}", weak("bad")));
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_until_said(&mut stderr, "are kept, but cannot be exported");
    let line = wait_until_said(&mut stderr, "the events wait until then, and so does their source");
    assert!(line.contains("dead letters of hook \"weak\"") && line.contains("dead-letters/weak"), "{line}");
    fs::remove_file(trial.path("hookaroon-data/dead-letters/weak")).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(trial.dead_letters("weak").len(), 2);
    let ran = ask(&trial, &["dead-letters", "export", trial.dead_letters("weak")[0]["id"].as_str().unwrap()]);
    assert_eq!(ran.code, Some(1));
    ran.says(&["the plugin, config and state of its call are not kept"]);
}

#[test]
fn a_run_that_waits_for_room_can_be_ended() {
    let trial = Trial::with_input(numbered(130));
    let (mut child, mut stderr) = full(&trial);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    wait_until_said(&mut stderr, "error: dead letters of hook \"weak\"");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn what_is_too_old_goes_by_whole_segments_and_is_counted() {
    let trial = broken("");
    let segment = trial.segments("weak").remove(0);
    let config = format!("[dead_letters]\nmax_age = \"1h\"\n{FILE_TO_FILE}{}", weak("nothing is"));
    trial.run(&config);
    assert!(segment.exists(), "it is not an hour old");
    let file = File::options().append(true).open(&segment).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3601)).unwrap();
    let ran = trial.run(&config);
    ran.says(&["2 dead letters were older than max_age and are removed", "00000001.ndjson"]);
    assert!(!segment.exists());
}

#[test]
fn an_exported_letter_fails_the_same_way_with_the_same_backtrace_elsewhere() {
    let debug = misbehave().with_file_name("misbehave-debug.wasm");
    for (mode, kind) in [
        ("trap", "trap"),
        ("panic", "trap"),
        ("stack", "trap"),
        ("grow", "memory"),
        ("spin", "deadline"),
        ("error", "error"),
        ("fail_row", "row_error"),
        ("lie", "bad_output"),
    ] {
        let trial = Trial::with_input("{\"m\":\"it\"}\n");
        trial.write("broken.wasm", fs::read(&debug).unwrap());
        let told = if mode == "lie" { "mark_9" } else { "it" };
        let more = format!("read = [\"m\"]\nwrite = [\"w\"]\ntext = {told:?}");
        let hooks = hook("bad", "memory = \"4MiB\"", mode, &more)
            .replace(&format!("{:?}", misbehave()), "\"./broken.wasm\"");
        let ran = trial.run(&format!("{FILE_TO_FILE}{hooks}"));
        let letters = trial.dead_letters("bad");
        assert_eq!((letters.len(), &letters[0]["kind"]), (1, &kind.into()), "{mode}: {}", ran.stderr);
        // What is kept is what was broken, not what is there now.
        fs::remove_file(trial.path("broken.wasm")).unwrap();
        let ran = ask(
            &trial,
            &["dead-letters", "export", letters[0]["id"].as_str().unwrap(), "-o", "it.dead-letter"],
        );
        assert_eq!(ran.code, Some(0), "{mode}: {}", ran.stderr);

        let elsewhere = Trial::new();
        elsewhere.write("it.dead-letter", trial.read("it.dead-letter"));
        drop(trial);
        let ran = ask(&elsewhere, &["replay", "it.dead-letter"]);
        assert_eq!(ran.code, Some(0), "{mode}: {}{}", text(&ran), ran.stderr);
        assert!(text(&ran).contains("it failed in the same way"), "{}", text(&ran));
        let ran = ask(&elsewhere, &["replay", "it.dead-letter", "--json"]);
        let reproduced: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(reproduced["same"], true);
        if kind != "deadline" {
            let actual = &reproduced["actual"];
            assert_eq!(actual["message"], letters[0]["message"], "{mode}");
            let told = letters[0].get("backtrace").cloned().unwrap_or(Value::Array(Vec::new()));
            assert_eq!(actual["backtrace"], told, "{mode}");
            assert_eq!(!told.as_array().unwrap().is_empty(), ["trap", "memory"].contains(&kind), "{mode}");
        }
    }
}

#[test]
fn the_last_save_travels_with_an_exported_letter() {
    let trial = Trial::with_input(numbered(3));
    let options = "recycle = { calls = 1 }";
    trial.run(&format!("[batch]\nrows = 1\n{FILE_TO_FILE}{}", hook("bad", options, "seen", "n = 2")));
    let letters = trial.dead_letters("bad");
    assert_eq!((letters.len(), &letters[0]["message"]), (1, &"2 were seen before".into()));
    ask(&trial, &["dead-letters", "export", letters[0]["id"].as_str().unwrap(), "-o", "it"]);
    let ran = ask(&trial, &["replay", "it"]);
    assert_eq!(ran.code, Some(0), "{}{}", text(&ran), ran.stderr);
    assert!(text(&ran).contains("it failed in the same way: error: 2 were seen before"), "{}", text(&ran));
}

#[test]
fn a_failure_that_does_not_come_again_is_told_and_a_changed_file_refused() {
    let trial = broken("");
    let id = trial.dead_letters("weak")[1]["id"].as_str().unwrap().to_owned();
    let ran = ask(&trial, &["dead-letters", "export", &id]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let name = format!("{id}.dead-letter");
    let exported = trial.read(&name);
    let ran = ask(&trial, &["dead-letters", "export", &id]);
    assert_eq!(ran.code, Some(1), "it is not overwritten");
    ran.says(&["cannot write", &name]);

    let at = exported.windows(5).position(|part| part == b"bad 2").unwrap();
    let mut fine = exported.clone();
    fine[at..at + 5].copy_from_slice(b"fine!");
    trial.write("fine", fine);
    let ran = ask(&trial, &["replay", "fine"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(text(&ran).contains("it did not fail\nthen it was: trap: "), "{}", text(&ran));

    let mut changed = exported.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (content, told) in [
        (&changed[..], "the plugin or the state was changed"),
        (&exported[..exported.len() / 2], "it ends within its plugin"),
        (&exported[..10], "it ends within a line"),
        (
            b"{\"format\":\"x\",\"version\":1,\"plugin_bytes\":1,\"state_bytes\":null}\n",
            "it is \"x\" version 1",
        ),
    ] {
        trial.write("changed", content);
        let ran = ask(&trial, &["replay", "changed"]);
        assert_eq!(ran.code, Some(1));
        ran.says(&["is no exported dead letter", told, "dead-letters export ID"]);
    }
}

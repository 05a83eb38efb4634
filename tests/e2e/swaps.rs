//! Hooks that change under load, again and again: nothing is lost, nothing comes twice, nothing is left behind.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::run::{ENDS, Run};
use crate::support::{Trial, hook, memory, numbered, scale, wait_until};

/// Changes the configuration, has it read at once, and waits until the log has `told` so many times.
fn change(run: &Run, config: &str, told: &str, times: usize) {
    run.trial.write("hookaroon.toml", config);
    kill_process(Pid::from_child(&run.child), Signal::HUP).unwrap();
    run.wait_for(told, times);
}

/// What the system says of a process: threads and open descriptors.
fn threads_and_descriptors(child: &Child) -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", child.id())).unwrap().count();
    (count("task"), count("fd"))
}

/// Numbered events of a stream, until it is told to stop; how many.
fn write_stream(
    name: &'static str,
    to: impl Write + Send + 'static,
    stop: &Arc<AtomicBool>,
) -> thread::JoinHandle<u64> {
    let stop = stop.clone();
    thread::spawn(move || {
        let (mut to, mut n) = (BufWriter::with_capacity(4096, to), 0);
        while !stop.load(Ordering::Relaxed) {
            writeln!(to, "{{\"s\":\"{name}\",\"n\":{n}}}").unwrap();
            n += 1;
        }
        to.flush().unwrap();
        n
    })
}

#[test]
fn swaps_under_load_lose_nothing_and_leave_nothing_behind() {
    let swaps = scale(1000) as usize;
    let trial = Trial::new();
    assert!(Command::new("mkfifo").arg(trial.path("fifo")).status().unwrap().success());
    let ends = "workers = 2\n[batch]\nwait = \"1ms\"\n[[source]]\nname = \"a\"\ntype = \"stdin\"\n[[source]]\nname = \"b\"\ntype = \"file\"\npaths = [\"fifo\"]\n[[sink]]\nname = \"out\"\ntype = \"file\"\npath = \"out.ndjson\"\n";
    let config = |version: usize| {
        let stamp = hook("v", "", "set", &format!("write = [\"v\"]\ntext = \"{}\"", version % 2));
        let count = hook("c", "", "count", "write = [{ path = \"c\", kind = \"integer\" }]\nsingle = true");
        format!("{ends}{stamp}{count}")
    };
    trial.write("hookaroon.toml", config(0));
    let mut run = Run::start_as_is(trial, "hookaroon.toml");
    let stop = Arc::new(AtomicBool::new(false));
    let input = run.child.stdin.take();
    assert!(input.is_none(), "Run has it");
    let fifo = OpenOptions::new().write(true).open(run.trial.path("fifo")).unwrap();
    let stdin = std::mem::replace(&mut run.input, spare_input());
    let writers = [write_stream("a", stdin, &stop), write_stream("b", fifo, &stop)];
    let warm = (swaps / 5).max(5);
    let mut sizes = Vec::new();
    for swap in 1..=swaps {
        change(&run, &config(swap), "v swapped", swap);
        if swap >= warm {
            sizes.push(memory(&run.child, "VmRSS").unwrap());
        }
    }
    stop.store(true, Ordering::Relaxed);
    let sent: Vec<u64> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    let ran = run.end();
    let mut next = [0u64, 0];
    let mut seen = [false, false];
    let mut total = 0;
    for line in ran.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let stream = usize::from(event["s"] == "b");
        assert_eq!(event["n"].as_u64(), Some(next[stream]), "each once and in order");
        next[stream] += 1;
        total += 1;
        assert!(event["c"].as_u64().unwrap() <= sent.iter().sum());
        seen[event["v"].as_str().unwrap().parse::<usize>().unwrap()] = true;
    }
    assert_eq!((next.to_vec(), total), (sent.clone(), sent.iter().sum::<u64>()), "{}", ran.stderr);
    assert!(seen == [true, true] && swaps > 0);
    let (first, last) = (sizes[0], *sizes.last().unwrap());
    assert!(last <= first + (5 << 20), "{first} bytes resident after {warm} swaps, {last} after {swaps}");
}

/// A pipe that nobody reads, in place of one that was taken.
fn spare_input() -> std::process::ChildStdin {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let input = child.stdin.take().unwrap();
    thread::spawn(move || child.wait());
    input
}

#[test]
fn hooks_that_were_loaded_and_unloaded_leave_nothing_behind() {
    let rounds = scale(1000) as usize;
    let mut run = Run::start("");
    let held = format!("{ENDS}{}", hook("h", "", "nothing", "hold = 8"));
    let mut after = Vec::new();
    for round in 1..=rounds {
        change(&run, &held, "h loaded", round);
        run.pass(10);
        change(&run, ENDS, "h unloaded", round);
        run.pass(10);
        after.push((memory(&run.child, "VmRSS").unwrap(), threads_and_descriptors(&run.child)));
    }
    let (warm, last) = (after[after.len() / 5], *after.last().unwrap());
    assert!(last.0 <= warm.0 + (5 << 20), "{} bytes resident, then {}", warm.0, last.0);
    assert_eq!(last.1, warm.1, "threads and descriptors");
    run.end();
}

#[test]
fn a_counter_is_exact_through_a_hundred_swaps() {
    let count = |text: usize| {
        let count = format!("write = [{{ path = \"c\", kind = \"integer\" }}]\ntext = \"{text}\"");
        format!("{ENDS}{}", hook("c", "", "count", &count))
    };
    let trial = Trial::new();
    trial.write("hookaroon.toml", count(0));
    let mut run = Run::start_as_is(trial, "hookaroon.toml");
    for swap in 1..=100 {
        run.pass(3);
        change(&run, &count(swap), "c swapped", swap);
    }
    let ran = run.end();
    let expected: Vec<String> = (0..300).map(|n| format!("{{\"n\":{n},\"c\":{}}}", n + 1)).collect();
    assert_eq!(ran.lines(), expected, "{}", ran.stderr);
}

#[test]
fn hooks_change_and_the_run_ends_while_nobody_reads_its_output() {
    let trial = Trial::new();
    let ends = "drain_deadline = \"200ms\"\n[[source]]\nname = \"in\"\ntype = \"stdin\"\n[[sink]]\nname = \"out\"\ntype = \"stdout\"\n";
    let stamp =
        |name: &str, version: &str| hook(name, "", "set", &format!("write = [{name:?}]\ntext = {version:?}"));
    let config = |hooks: &str| format!("{ends}{hooks}");
    trial.write("hookaroon.toml", config(&stamp("a", "1")));
    let log = File::create(trial.path("log")).unwrap();
    let mut command = trial.command(["run", "--summary", "summary.json"]);
    let mut child = command.stdin(Stdio::piped()).stderr(log).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let written = Arc::new(AtomicBool::new(false));
    // More than all queues hold; who writes it is stuck, as is every thread behind.
    let writing = {
        let written = written.clone();
        thread::spawn(move || {
            let all = numbered(2_000_000);
            let _ = input.write_all(all.as_bytes());
            written.store(true, Ordering::Relaxed);
        })
    };
    let mut first = [0; 8];
    output.read_exact(&mut first).unwrap();
    let log = || String::from_utf8(trial.read("log")).unwrap();
    let read_bytes = || {
        let io = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
        io.lines().find_map(|line| line.strip_prefix("rchar: ").map(str::to_owned)).unwrap()
    };
    // Stuck: nothing more is read.
    let mut before = String::new();
    wait_until(|| {
        thread::sleep(std::time::Duration::from_millis(100));
        std::mem::replace(&mut before, read_bytes()) == before
    });
    assert!(!written.load(Ordering::Relaxed), "it is stuck");
    for (hooks, told) in [
        (stamp("a", "2"), "a swapped"),
        (format!("{}{}", stamp("a", "2"), stamp("b", "1")), "b loaded"),
        (stamp("b", "1"), "a unloaded"),
        (stamp("b", "1").replace("[hook.grant]", "match = [\"n >= 0\"]\n[hook.grant]"), "b changed"),
    ] {
        trial.write("hookaroon.toml", config(&hooks));
        kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
        wait_until(|| log().contains(told));
    }
    // What waits goes on through the chain as it is now, and nothing is lost of it.
    let mut lines = BufReader::new(output);
    let mut text = String::from_utf8(first.to_vec()).unwrap();
    let mut expected = 0;
    let mut versions = std::collections::BTreeSet::new();
    while expected < 500_000 {
        lines.read_line(&mut text).unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["n"].as_u64(), Some(expected), "{text}");
        versions.insert((event["a"].as_str().map(str::to_owned), event["b"].as_str().map(str::to_owned)));
        expected += 1;
        text.clear();
    }
    let is = |a: Option<&str>, b: Option<&str>| (a.map(str::to_owned), b.map(str::to_owned));
    assert!(
        versions.contains(&is(Some("1"), None)) && versions.contains(&is(None, Some("1"))),
        "{versions:?}"
    );
    // Nobody reads on, and it is asked to end.
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(1), "{}", log());
    assert!(
        log().contains("could not within 200ms (drain_deadline): sink \"out\" has not taken"),
        "{}",
        log()
    );
    writing.join().unwrap();
}

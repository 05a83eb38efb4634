//! Guests that want more of everything than they get: the process stays within its figures, and says what was wanted.

use std::io::Write;
use std::process::{Child, ChildStdin};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::inject;
use crate::support::{FILE_TO_FILE, NO_BREAKER, Ran, Trial, hook, memory, numbered, scale};

const MIB: u64 = 1 << 20;

/// The most that the process had resident, in bytes.
fn peak(ran: &Ran) -> u64 {
    ran.summary["memory_peak_bytes"].as_u64().unwrap()
}

/// The same of a run in which the guest does nothing.
fn quiet(memory: &str) -> u64 {
    peak(&Trial::with_input(numbered(50)).through(&hook(
        "h",
        &format!("memory = {memory:?}"),
        "nothing",
        "write = [\"w\"]",
    )))
}

#[test]
fn what_a_guest_returns_costs_the_host_no_more_than_twice_what_it_may_return() {
    let quiet = quiet("64MiB");
    for lie in ["emit_huge", "write_huge", "lying_length", "lying_ends", "aliased_columns", "aliased_events"]
    {
        let trial = Trial::with_input(numbered(50));
        let ran = trial.through(&hook(
            "bad",
            "memory = \"64MiB\"",
            "lie",
            &format!("text = {lie:?}\nwrite = [\"w\"]"),
        ));
        assert!(ran.failed("bad", "bad_output") >= 2, "{lie}: {}", ran.stderr);
        assert_eq!(trial.dead_letters("bad").len() + ran.lines().len(), 50, "{lie}");
        // What the guest itself fills is its own memory, not the host's.
        let guest = ran.number("hooks.0.memory_peak_bytes");
        assert!(peak(&ran) <= quiet + guest + 16 * MIB, "{lie}: {} over {quiet} and {guest}", peak(&ran));
    }
}

#[test]
fn a_guest_that_takes_all_memory_over_and_over_stays_under_its_cap() {
    let trial = Trial::with_input(numbered(scale(2000)));
    let options = format!("memory = \"16MiB\"\non_error = \"pass\"\n{NO_BREAKER}");
    let ran = trial.run(&format!("[batch]\nrows = 1\n{FILE_TO_FILE}{}", hook("bad", &options, "grow", "")));
    assert_eq!((ran.code, ran.lines().len() as u64), (Some(0), scale(2000)));
    assert_eq!(ran.failed("bad", "memory"), 2 * scale(2000));
    assert!(peak(&ran) <= quiet("16MiB") + 16 * MIB * 11 / 10 + 32 * MIB, "{}", peak(&ran));
    ran.says(&["it asked for more memory than its cap of 16777216 bytes"]);
}

/// The high-water mark of a process that ends by itself, in bytes.
fn watched(mut child: Child) -> (u64, std::process::Output) {
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(memory(&child, "VmHWM").unwrap_or(0));
        thread::sleep(Duration::from_millis(1));
    }
    (most, child.wait_with_output().unwrap())
}

#[test]
fn a_plugin_that_is_a_memory_bomb_is_refused_and_says_what_it_wanted() {
    let grow = "(func $grow (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)) (start $grow)";
    let fill = "(func $fill (drop (memory.grow (i32.const 1030)))
                (loop (memory.fill (i32.const 65536) (i32.const 1) (i32.const 67108864)) (br 0))) (start $fill)";
    let instances = "(core instance (instantiate $bomb))".repeat(40);
    let (quiet, _) = watched(Trial::with_input(numbered(1)).start(FILE_TO_FILE));
    for (plugin, cap_mib, told) in [
        (
            inject::into_module(grow),
            32,
            "init failed (memory): it asked for more memory than its cap of 33554432 bytes",
        ),
        (inject::into_module(&"(memory 300)".repeat(7)), 32, "init failed (memory)"),
        (inject::into_module(&"(table 3000000 funcref)".repeat(4)), 32, "init failed (memory)"),
        (inject::into_component(&format!("(core module $bomb (memory 20)) {instances}")), 32, "init failed"),
        (inject::into_module(fill), 128, "init failed (deadline): it was stopped at its deadline of 200 ms"),
        (
            inject::into_module(&"(global i32 (i32.const 0))".repeat(100_000)),
            32,
            "globals in one module; 10000 are allowed",
        ),
    ] {
        let trial = Trial::with_input(numbered(1));
        trial.write("bomb.wasm", plugin);
        let child = trial.start(&format!(
            "{FILE_TO_FILE}[[hook]]\nname = \"bad\"\nplugin = \"./bomb.wasm\"\nmemory = \"{cap_mib}MiB\"\ninit_deadline = \"200ms\"\n[hook.grant]\nemit = true\n"
        ));
        let (most, output) = watched(child);
        let ran = trial.ended(output);
        assert_eq!(ran.code, Some(78), "{}", ran.stderr);
        ran.says(&[told]);
        assert!(most <= quiet + cap_mib * MIB * 11 / 10 + 32 * MIB, "{told}: {most} over {quiet}");
    }
}

#[test]
fn many_instances_of_a_module_with_many_globals_are_refused_before_they_are_made() {
    for (globals, told) in [
        (100_000, ["100000 globals in one module", "raise globals in [plugin_limits]"]),
        (9_999, ["instantiated globals, functions", "raise instantiated in [plugin_limits]"]),
    ] {
        let globals = "(global i32 (i32.const 0))".repeat(globals);
        let instances = "(core instance (instantiate $m))".repeat(300);
        let bomb = wat::parse_str(format!("(component (core module $m {globals}) {instances})")).unwrap();
        let trial = Trial::with_input(numbered(1));
        trial.write("bomb.wasm", bomb);
        let ran = trial.run(&format!("{FILE_TO_FILE}[[hook]]\nname = \"bad\"\nplugin = \"./bomb.wasm\"\n"));
        assert_eq!(ran.code, Some(78), "{}", ran.stderr);
        ran.says(&told);
    }
}

/// CPU seconds of a shell's children, as its `times` tells them: `0m1.25s 0m0.03s`.
fn cpu_seconds(told: &str) -> f64 {
    let part = |part: &str| {
        let (minutes, seconds) = part.strip_suffix('s').unwrap().split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60.0 + seconds.replace(',', ".").parse::<f64>().unwrap()
    };
    told.lines().last().unwrap().split(' ').map(part).sum()
}

#[test]
fn a_plugin_that_is_a_compile_bomb_is_refused_in_time_and_costs_the_host_nothing() {
    let one_function = |bytes: usize| {
        format!("(func (param i32) (result i32) local.get 0 {})", "i32.const 1 i32.add ".repeat(bytes / 3))
    };
    let (quiet, _) = watched(Trial::with_input("").start(FILE_TO_FILE));
    for bomb in [
        one_function(7_600_000),
        one_function(1_050_000),
        "(func)".repeat(1_000_000),
        "(func)".repeat(100_000),
    ] {
        let trial = Trial::with_input("");
        trial.write("bomb.wasm", inject::into_module(&bomb));
        let hook = "[[hook]]\nname = \"bad\"\nplugin = \"./bomb.wasm\"\n";
        trial.write("hookaroon.toml", format!("{FILE_TO_FILE}{hook}"));
        let output = trial.shell("\"$0\" check; echo $? >&2; times").output().unwrap();
        let seconds = cpu_seconds(std::str::from_utf8(&output.stdout).unwrap());
        let ran = trial.ended(output);
        assert!(ran.stderr.ends_with("\n78\n"), "{}", ran.stderr);
        assert!(seconds <= 10.0, "{seconds} s: {}", ran.stderr);
        let (most, _) = watched(trial.command(["check"]).spawn().unwrap());
        assert!(most <= quiet + 32 * MIB, "{most} over {quiet}: {}", ran.stderr);
    }
}

#[test]
fn events_flow_on_while_a_compile_bomb_is_looked_at_beside_them() {
    let trial = Trial::new();
    let (child, mut input) = trial.start_stdin(&hook("h", "", "nothing", ""));
    let flows = |input: &mut ChildStdin, events: usize| {
        input.write_all(b"{}\n").unwrap();
        trial.wait_for_lines(events);
    };
    flows(&mut input, 1);
    let bomb = Trial::new();
    // As large as the scan lets through, so that it is compiled.
    bomb.write("bomb.wasm", inject::into_module(&"(func)".repeat(90_000)));
    bomb.write(
        "hookaroon.toml",
        format!(
            "{FILE_TO_FILE}[[hook]]\nname = \"bad\"\nplugin = \"./bomb.wasm\"\n[hook.grant]\nemit = true\n"
        )
        .replace("[[source]]", &format!("data_dir = {:?}\n[[source]]", trial.path("hookaroon-data"))),
    );
    let mut check = bomb.command(["check"]).spawn().unwrap();
    let mut events = 1;
    while check.try_wait().unwrap().is_none() {
        events += 1;
        flows(&mut input, events);
    }
    assert!(events > 2, "{events}");
    drop(input);
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.lines().len()), (Some(0), events), "{}", ran.stderr);
}

#[test]
fn stack_overflows_and_traps_never_end_the_process() {
    for (mode, times) in [("stack", scale(10_000)), ("trap", scale(10_000))] {
        let trial = Trial::with_input(numbered(times / 2));
        let options = format!("on_error = \"drop\"\n{NO_BREAKER}");
        let ran = trial.run(&format!("[batch]\nrows = 1\n{FILE_TO_FILE}{}", hook("bad", &options, mode, "")));
        assert_eq!((ran.code, ran.failed("bad", "trap")), (Some(0), times), "{mode}: {}", ran.stderr);
        assert_eq!(ran.summary["dropped"]["on_error:bad"], times / 2);
    }
}

#[test]
fn a_million_lines_of_log_are_bounded_and_counted_exactly() {
    let lines = scale(1_000_000);
    let trial = Trial::with_input(numbered(1));
    let more = format!("n = {}", lines / 50_000);
    let ran = trial.through(&hook("loud", "deadline = \"20s\"", "flood", &more));
    let (written, thrown_away) =
        (ran.number("hooks.0.log_lines"), ran.number("hooks.0.log_lines_suppressed"));
    assert_eq!(written + thrown_away, lines, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().filter(|line| line.contains("xxxx")).count() as u64, written);
    assert!(written <= 64 * (2 + ran.summary["elapsed_s"].as_f64().unwrap() as u64), "{written}");
}

#[test]
fn what_was_not_granted_never_enters_the_guests_memory() {
    // The guest is told the text in a form in which its own memory does not have it.
    let secret = "correct-horse-battery-staple";
    let shifted: String = secret.bytes().map(|byte| char::from(byte + 1)).collect();
    let events: String = (0..500)
        .map(|n| {
            format!(
                "{{\"n\":{n},\"m\":\"fine\",\"password\":\"{secret}\",\"deep\":{{\"key\":\"{secret}\"}}}}\n"
            )
        })
        .collect();
    let found = |grant: &str, reads: &str| {
        let trial = Trial::with_input(&events);
        let hooks =
            hook("curious", "deadline = \"5s\"", "search", &format!("read = [{reads}]\ntext = {shifted:?}"))
                .replace(
                    "read = [\".\", \"%source\", \"%file\", \"%offset\", \"%time\"]",
                    &format!("read = [{grant}]"),
                );
        let ran = trial.run(&format!("[batch]\nrows = 100\n{FILE_TO_FILE}{hooks}"));
        assert_eq!((ran.code, ran.out.as_slice()), (Some(0), events.as_bytes()), "{}", ran.stderr);
        let times = ran
            .stderr
            .lines()
            .filter_map(|line| line.split_once("found ")?.1.split(' ').next()?.parse::<u64>().ok());
        let times: Vec<u64> = times.collect();
        assert_eq!(times.len(), 5, "{}", ran.stderr);
        times
    };
    assert_eq!(found("\"m\", \"n\"", "\"m\", \"n\""), [0; 5]);
    assert_eq!(found("\"m\", \"deep.other\"", "\"m\", \"deep.other\""), [0; 5]);
    // What it reads is there, so the search finds what there is.
    assert!(found("\"password\"", "\"password\"").iter().all(|times| *times >= 100));
}

#[test]
fn what_was_not_granted_is_refused_at_the_start_with_the_line_to_add() {
    let hooks = hook("curious", "", "nothing", "read = [\"password\"]")
        .replace("read = [\".\", \"%source\", \"%file\", \"%offset\", \"%time\"]", "read = [\"m\"]");
    let ran = Trial::with_input(numbered(1)).run(&format!("{FILE_TO_FILE}{hooks}"));
    assert_eq!((ran.code, ran.summary.clone()), (Some(78), Value::Null));
    ran.says(&["password"]);
}

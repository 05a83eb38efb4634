//! Calls that never end, at every place where a guest can be called; and innocent calls on a busy machine.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::inject;
use crate::support::{FILE_TO_FILE, NO_BREAKER, Ran, Trial, hook, numbered, scale, wait_until};

/// How much longer than its deadline a call may run, in milliseconds of CPU time.
const GRACE_MS: f64 = 50.0;

/// How often each place is tried at full size.
const TIMES: u64 = 1000;

/// The shortest that there is, for all calls.
const SHORT: &str =
    "deadline = \"1ms\"\ntick_deadline = \"1ms\"\nteardown_deadline = \"1ms\"\ninit_deadline = \"1ms\"";

/// The tests here take turns, so that the busy neighbours of one are not those of another.
static TURN: Mutex<()> = Mutex::new(());

/// One event after the other.
fn one_by_one(trial: &Trial, hooks: &str) -> Ran {
    let ran = trial.run(&format!("[batch]\nrows = 1\n{FILE_TO_FILE}{hooks}"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

fn was_stopped(ran: &Ran, times: u64) {
    assert!(ran.failed("bad", "deadline") >= times, "{}", ran.summary);
    let slowest = ran.summary["hooks"][0]["slowest_call_ms"].as_f64().unwrap();
    assert!(slowest <= 1.0 + GRACE_MS, "{slowest} ms");
}

#[test]
fn a_call_that_never_ends_is_stopped_wherever_it_is_and_no_event_is_lost() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let times = scale(TIMES);
    let bad =
        |more: &str, options: &str| hook("bad", &format!("{SHORT}\n{NO_BREAKER}\n{options}"), "spin", more);

    let trial = Trial::with_input(numbered(times / 2));
    let ran = one_by_one(&trial, &bad("", ""));
    was_stopped(&ran, times / 2 * 2);
    assert_eq!(trial.dead_letters("bad").len() as u64, times / 2);

    // Each batch is followed by a save, a start with that, and a teardown.
    let often = "recycle = { calls = 1 }";
    for (more, tries) in
        [("in = \"save\"", 1), ("in = \"teardown\"", 1), ("in = \"init\"\nrestored = true", 16)]
    {
        let trial = Trial::with_input(numbered(times * tries));
        let ran = one_by_one(&trial, &bad(more, often));
        was_stopped(&ran, times - 1);
        assert_eq!((ran.lines().len() as u64, ran.number("dead_letters.bad")), (times * tries, 0), "{more}");
    }

    let trial = Trial::new();
    let (mut child, input) = trial.start_stdin(&bad("in = \"tick\"\ntick_ms = 1", ""));
    wait_until(|| child.try_wait().unwrap().is_some() || busy_ms(&child) >= times * 5);
    drop(input);
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    was_stopped(&ran, times / 4);
}

/// The CPU time of a process.
fn busy_ms(child: &Child) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let ticks = stat.rsplit(')').next().unwrap().split(' ').skip(12).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>() * 10
}

#[test]
fn a_start_function_that_never_ends_refuses_the_hook() {
    let plugin = inject::into_module("(func $spin (loop (br 0))) (start $spin)");
    for _ in 0..scale(TIMES) {
        let trial = Trial::with_input(numbered(1));
        trial.write("bad.wasm", &plugin);
        let ran = trial.run(&format!(
            "{FILE_TO_FILE}[[hook]]\nname = \"bad\"\nplugin = \"./bad.wasm\"\ninit_deadline = \"1ms\"\n[hook.grant]\nemit = true\n"
        ));
        assert_eq!(ran.code, Some(78), "{}", ran.stderr);
        ran.says(&["hook \"bad\": init failed (deadline)", "raise init_deadline"]);
    }
}

/// So many events one by one through a hook whose calls take about 14 ms.
fn innocent(count: u64, around: impl FnOnce(&Child)) {
    let ms = |turns: u64| {
        let trial = Trial::with_input(numbered(20));
        let ran = one_by_one(&trial, &hook("slow", "", "slow", &format!("n = {turns}")));
        ran.summary["hooks"][0]["ns_per_row"].as_f64().unwrap() / 1e6
    };
    let turns = (14.0 / (ms(10) / 10.0)).round();
    let trial = Trial::with_input(numbered(count));
    let slow = hook("slow", "", "slow", &format!("n = {turns}"));
    let child = trial.start(&format!("[batch]\nrows = 1\n{FILE_TO_FILE}{slow}"));
    around(&child);
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!(
        (ran.code, ran.lines().len() as u64, ran.number("hooks.0.failures")),
        (Some(0), count, 0),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_innocent_call_is_not_stopped_because_its_neighbours_are_busy() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        innocent(scale(1000), |_| {});
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn an_innocent_call_is_not_stopped_because_its_container_is_throttled() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // As a quota of a fifth of a processor does it: of every 100 ms it runs for 20.
    innocent(scale(400), |child| {
        let signal = |signal| kill_process(Pid::from_child(child), signal).unwrap();
        for _ in 0..scale(400) / 4 {
            signal(Signal::STOP);
            thread::sleep(Duration::from_millis(80));
            signal(Signal::CONT);
            thread::sleep(Duration::from_millis(20));
        }
    });
}

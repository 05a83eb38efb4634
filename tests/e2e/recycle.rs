//! Instances that are replaced before they fail: nothing is lost, and what they know goes on.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::thread;

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, memory, numbered, scale};

/// The hook that keeps a copy of every event.
fn leak(memory: &str, recycle: &str) -> String {
    format!(
        "[[hook]]\nname = \"leak\"\nplugin = \"leak\"\nmemory = {memory:?}\n{recycle}\n[hook.grant]\nread = [\".\"]\n"
    )
}

/// So many events through the leak, from standard input to standard output, each looked at as it leaves; and the
/// process's resident size in bytes, so many times.
fn leaking(recycle: &str, count: u64, samples: u64) -> (Ran, Vec<u64>) {
    let trial = Trial::new();
    let ends = "[[source]]\nname = \"in\"\ntype = \"stdin\"\n[[sink]]\nname = \"out\"\ntype = \"stdout\"\n";
    let mut child = trial.start(&format!("{ends}{}", leak("16MiB", recycle)));
    let (mut input, output) = (BufWriter::new(child.stdin.take().unwrap()), child.stdout.take().unwrap());
    let text = "the answer was streamed to the client ".repeat(10);
    let expected = move |n: u64| format!("{{\"n\":{n},\"message\":\"{text}\"}}\n");
    let written = expected.clone();
    let writing = thread::spawn(move || (0..count).try_for_each(|n| input.write_all(written(n).as_bytes())));
    let (mut output, mut line, mut sizes) = (BufReader::new(output), String::new(), Vec::new());
    for n in 0..count {
        line.clear();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, expected(n), "every event leaves once, in order, as it was");
        if n % (count / samples) == 0 {
            sizes.push(memory(&child, "VmRSS").unwrap());
        }
    }
    assert_eq!(output.read_line(&mut line).unwrap(), 0, "nothing else leaves");
    writing.join().unwrap().unwrap();
    (trial.ended(child.wait_with_output().unwrap()), sizes)
}

#[test]
fn a_leak_never_reaches_its_cap_and_the_process_does_not_grow() {
    let (ran, sizes) = leaking("", scale(10_000_000), 1000);
    assert_eq!((ran.code, ran.number("hooks.0.failures")), (Some(0), 0), "{}", ran.stderr);
    assert!(ran.number("hooks.0.recycles") >= scale(200), "{}", ran.summary);
    assert!(ran.number("hooks.0.memory_peak_bytes") < 16 << 20);
    let most = |tenth: &[u64]| *tenth.iter().max().unwrap();
    let (first, last) = (most(&sizes[..100]), most(&sizes[900..]));
    assert!(last * 20 <= first * 21, "{first} bytes in the first tenth, {last} in the last");
}

#[test]
fn without_recycling_a_leak_traps_and_still_loses_nothing() {
    let (ran, _) = leaking("recycle = { memory = \"100%\" }", scale(1_000_000), 1);
    assert!(ran.failed("leak", "memory") > 0 && ran.number("hooks.0.recycles") == 0, "{}", ran.summary);
    assert_eq!((ran.code, ran.number("dead_letters.leak")), (Some(0), 0));
    ran.says(&["memory of leak over time, cap 16 MiB: failed for memory"]);
}

#[test]
fn state_goes_over_from_one_instance_to_the_next_and_each_tells_its_last_events() {
    let trial = Trial::with_input(numbered(50));
    let count =
        hook("c", "recycle = { calls = 3 }", "count", "write = [{ path = \"c\", kind = \"integer\" }]");
    let ran = trial.run(&format!("[batch]\nrows = 5\n{FILE_TO_FILE}{count}"));
    let expected: Vec<String> = (0..50).map(|n| format!("{{\"n\":{n},\"c\":{}}}", n + 1)).collect();
    assert_eq!(ran.lines(), expected, "{}", ran.stderr);
    assert_eq!((ran.number("hooks.0.recycles"), ran.number("hooks.0.failures")), (3, 0));

    let trial = Trial::with_input(numbered(50));
    let last = hook("e", "recycle = { calls = 5 }", "emit", "in = \"teardown\"\ntext = \"last\"");
    let ran = trial.run(&format!("[batch]\nrows = 5\n{FILE_TO_FILE}{last}"));
    let emitted: Vec<usize> =
        ran.lines().iter().enumerate().filter(|(_, line)| line.contains("last")).map(|(at, _)| at).collect();
    // After the 5th and the 10th batch, and that of the instance that saw none at the end.
    assert_eq!((emitted, ran.number("hooks.0.emitted")), (vec![25, 51, 52], 3), "{}", ran.stderr);
}

#[test]
fn what_goes_wrong_at_each_replacement_is_told_now_and_then() {
    for (mode, call) in [("trap", "teardown"), ("trap", "save"), ("trap", "init")] {
        let trial = Trial::with_input(numbered(2000));
        let more = format!("in = {call:?}\nrestored = {}", call == "init");
        let ran = trial.run(&format!(
            "[batch]\nrows = 1\n{FILE_TO_FILE}{}",
            hook("h", "recycle = { calls = 1 }", mode, &more)
        ));
        assert_eq!((ran.code, ran.lines().len()), (Some(0), 2000), "{}", ran.stderr);
        assert!(
            ran.number("hooks.0.failures") >= 100 && ran.stderr.lines().count() < 50,
            "{call}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_state_that_no_instance_can_start_with_is_given_up() {
    let events: String = (0..50)
        .map(|n| format!("{{\"n\":{n},\"m\":\"{}\"}}\n", if n == 20 { "poison" } else { "fine" }))
        .collect();
    let trial = Trial::with_input(&events);
    // The first recycling leaves a save; the poison then ends the last instance that has none.
    let more = "in = \"init\"\nrestored = true\nread = [\"m\"]\npoison = \"poison\"";
    let ran = trial.run(&format!(
        "[batch]\nrows = 10\n{FILE_TO_FILE}{}",
        hook("h", "recycle = { calls = 2 }", "trap", more)
    ));
    assert_eq!((ran.code, ran.number("hooks.0.states_lost")), (Some(0), 1), "{}", ran.stderr);
    ran.says(&["what it saved is given up"]);
    assert!(ran.lines().len() >= 30, "{}", ran.stderr);
}

#[test]
fn a_hook_whose_memory_fills_at_once_is_told_what_to_do() {
    let events: String =
        (0..4000).map(|n| format!("{{\"n\":{n},\"m\":\"{}\"}}\n", "x".repeat(1000))).collect();
    let trial = Trial::with_input(&events);
    let hooks = leak("4MiB", "recycle = { memory = \"10%\" }");
    let ran = trial.run(&format!("[batch]\nrows = 256\n{FILE_TO_FILE}{hooks}"));
    assert_eq!((ran.code, ran.out.as_slice()), (Some(0), events.as_bytes()), "{}", ran.stderr);
    ran.says(&["replaced for its memory twice within 10 batches", "raise memory", "lower rows in [batch]"]);
}

#[test]
fn a_share_without_its_sign_names_both_that_it_could_mean() {
    for (memory, told) in [
        ("0.75", "recycle: memory = 0.75: it could mean \"0.75%\" or \"75%\"; write the one that is meant"),
        ("\"101%\"", "memory = \"101%\" is no share from \"0%\" to \"100%\""),
    ] {
        let bad = hook("h", &format!("recycle = {{ memory = {memory} }}"), "nothing", "");
        let ran = Trial::with_input("").check(&format!("{FILE_TO_FILE}{bad}"));
        assert_eq!(ran.code, Some(78));
        ran.says(&[told]);
    }
}

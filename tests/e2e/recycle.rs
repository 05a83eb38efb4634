//! Instances that are replaced before they fail: nothing is lost, and what they know goes on.

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, numbered, scale};

fn leaking(recycle: &str, events: &str) -> (Trial, Ran) {
    let trial = Trial::with_input(events);
    let ran = trial.run(&format!(
        "[batch]\nrows = 256\n{FILE_TO_FILE}[[hook]]\nname = \"leak\"\nplugin = \"leak\"\nmemory = \"4MiB\"\n{recycle}\n[hook.grant]\nread = [\".\"]\n"
    ));
    assert_eq!((ran.code, ran.out.as_slice()), (Some(0), events.as_bytes()), "{}", ran.stderr);
    (trial, ran)
}

#[test]
fn a_leak_never_reaches_its_cap_and_without_recycling_still_loses_nothing() {
    let events = numbered(scale(4_000_000));
    let (_, ran) = leaking("", &events);
    assert_eq!(ran.number("hooks.0.failures"), 0, "{}", ran.stderr);
    assert!(ran.number("hooks.0.recycles") > 1 && ran.number("hooks.0.memory_peak_bytes") < 4 << 20);
    let (_, ran) = leaking("recycle = { memory = \"100%\" }", &events);
    assert!(ran.failed("leak", "memory") > 0 && ran.number("hooks.0.recycles") == 0, "{}", ran.summary);
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
fn a_hook_whose_memory_fills_at_once_is_told_what_to_do() {
    let events: String =
        (0..4000).map(|n| format!("{{\"n\":{n},\"m\":\"{}\"}}\n", "x".repeat(1000))).collect();
    let (_, ran) = leaking("recycle = { memory = \"10%\" }", &events);
    ran.says(&["replaced for its memory twice within 10 batches", "raise memory", "lower rows in [batch]"]);
}

#[test]
fn a_share_without_its_sign_names_both_that_it_could_mean() {
    for (memory, told) in [
        ("0.75", "recycle: memory = 0.75: is \"0.75%\" meant, or \"75%\"? Write the percent sign"),
        ("\"101%\"", "memory = \"101%\" is no share from \"0%\" to \"100%\""),
    ] {
        let bad = hook("h", &format!("recycle = {{ memory = {memory} }}"), "nothing", "");
        let ran = Trial::with_input("").check(&format!("{FILE_TO_FILE}{bad}"));
        assert_eq!(ran.code, Some(78));
        ran.says(&[told]);
    }
}

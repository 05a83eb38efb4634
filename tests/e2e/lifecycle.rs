//! init, tick, save, teardown.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::process::Command;

use serde_json::Value;

use crate::support::{FILE_TO_FILE, Trial, hook, numbered};

#[test]
fn init_may_refuse_its_config_with_a_message_that_reaches_the_user() {
    let trial = Trial::with_input("{}\n");
    let config =
        format!("{FILE_TO_FILE}{}", hook("h", "", "error", "in = \"init\"\ntext = \"no such pattern\""));
    for ran in [trial.run(&config), trial.check(&config)] {
        assert_eq!(ran.code, Some(78));
        ran.says(&["hookaroon.toml:10", "hook \"h\"", "init failed", "no such pattern"]);
    }
    assert!(trial.read("out.ndjson").is_empty());
}

#[test]
fn an_init_that_traps_spins_or_grows_is_told_apart() {
    for (mode, text) in [("trap", "(trap)"), ("spin", "(deadline)"), ("grow", "(memory)")] {
        let options = "memory = \"4MiB\"\ninit_deadline = \"100ms\"";
        let ran = Trial::new().check(&format!("{FILE_TO_FILE}{}", hook("h", options, mode, "in = \"init\"")));
        assert_eq!(ran.code, Some(78));
        ran.says(&["hook \"h\": init failed", text]);
    }
}

#[test]
fn asking_for_more_than_was_granted_names_every_line_to_add() {
    let hooks = hook("greedy", "", "nothing", "read = [\"user.email\", \"level\"]\nwrite = [\"a\"]")
        .replace("read = [\".\", \"%source\", \"%file\", \"%offset\", \"%time\"]", "read = [\"level\"]")
        .replace("write = [\".\"]", "write = []");
    let ran = Trial::new().check(&format!("{FILE_TO_FILE}{hooks}"));
    assert_eq!(ran.code, Some(78));
    ran.says(&["it reads \"user.email\", which is not granted; add \"user.email\" to read in [hook.grant]"]);
    ran.says(&["it writes \"a\", which is not granted; add \"a\" to write in [hook.grant]"]);
    assert!(!ran.stderr.contains("\"level\""));
}

#[test]
fn overlapping_writes_and_writes_of_metadata_are_refused() {
    let ran = Trial::new()
        .check(&format!("{FILE_TO_FILE}{}", hook("h", "", "nothing", "write = [\"a\", \"a.b\"]")));
    ran.says(&["\"a\" and \"a.b\", which overlap"]);
    let hooks = hook("h", "", "nothing", "write = [\"%source\"]")
        .replace("write = [\".\"]", "write = [\".\", \"%source\"]");
    Trial::new().check(&format!("{FILE_TO_FILE}{hooks}")).says(&["metadata can only be read"]);
}

#[test]
fn metadata_is_read_like_a_field() {
    let trial = Trial::with_input("{\"time\":\"2024-01-02T03:04:05Z\"}\n{}\n");
    let field = "{ path = \"%time\", kind = \"integer\" }";
    let more = format!("read = [{field}]\nwrite = [{{ path = \"t\", kind = \"integer\" }}]");
    let ran = trial.through(&hook("h", "", "echo", &more));
    let events: Vec<Value> = ran.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["t"], 1_704_164_645_000_000_000_i64);
    // Without a time of its own: when it was received.
    assert!(events[1]["t"].as_i64().unwrap() > 1_704_164_645_000_000_000);
    let ran = trial.through(&hook("h", "", "echo", "read = [\"%source\"]\nwrite = [\"s\"]"));
    assert!(ran.lines()[3].ends_with("\"s\":\"in\"}"));
}

#[test]
fn last_events_of_a_teardown_pass_the_hooks_after_it() {
    let trial = Trial::with_input(numbered(2));
    let first = hook("first", "", "emit", "in = \"teardown\"\ntext = \"bye\"");
    let second = hook("second", "", "set", "write = [\"seen\"]\ntext = \"y\"");
    let third = hook("third", "", "emit", "in = \"teardown\"\ntext = \"end\"");
    let ran = trial.through(&(first + &second + &third));
    assert_eq!(
        ran.lines(),
        [
            "{\"n\":0,\"seen\":\"y\"}",
            "{\"n\":1,\"seen\":\"y\"}",
            "{\"emitted\":\"bye\",\"seen\":\"y\"}",
            "{\"emitted\":\"end\"}"
        ]
    );
}

#[test]
fn ticks_come_while_nothing_else_does_and_a_save_survives_a_trap() {
    // A FIFO that stays open keeps the run going; ticks tell the time that passes.
    let trial = Trial::new();
    assert!(Command::new("mkfifo").arg(trial.path("in.log")).status().unwrap().success());
    let count = "read = [\"p\"]\nwrite = [{ path = \"count\", kind = \"integer\" }]\npoison = \"poison\"";
    let hooks = hook("ticks", "", "emit", "in = \"tick\"\ntick_ms = 20\ntext = \"tick\"")
        + &hook("counts", "match = \"p exists\"", "count", count);
    let config = format!("[batch]\nwait = \"0ms\"\n{FILE_TO_FILE}{hooks}")
        .replace("type = \"file\"\npath = \"out.ndjson\"", "type = \"stdout\"");
    let mut child = trial.start(&config);
    let mut fifo = OpenOptions::new().write(true).open(trial.path("in.log")).unwrap();
    fifo.write_all(b"{\"p\":\"1\"}\n{\"p\":\"2\"}\n").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // Two seconds of ticks: the state is saved every second.
    let ticks = lines.by_ref().take(102).filter(|line| line == "{\"emitted\":\"tick\"}").count();
    assert_eq!(ticks, 100);
    fifo.write_all(b"{\"p\":\"poison\"}\n").unwrap();
    // Twice, and then the next event is a third for the fresh instance too.
    lines.by_ref().take(5).for_each(drop);
    fifo.write_all(b"{\"p\":\"3\"}\n").unwrap();
    let third = lines.by_ref().find(|line| line.contains("\"p\":\"3\"")).unwrap();
    assert_eq!(third, "{\"p\":\"3\",\"count\":3}");
    drop(fifo);
    assert!(lines.all(|line| line == "{\"emitted\":\"tick\"}"));
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.failed("counts", "trap")), (Some(0), 2));
    assert_eq!(trial.dead_letters("counts").len(), 1);
}

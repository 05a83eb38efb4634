//! Lines of every kind: none is lost, none ends the process.

use std::fs;
use std::io::Write;
use std::process::Command;

use serde_json::Value;

use crate::support::{FILE_TO_FILE, Trial, hook};

#[test]
fn what_is_no_json_object_is_wrapped() {
    let trial = Trial::with_input("hello\n[1]\n\"x\"\n{\"a\":tru}\n{\"a\":1}}\n  {\"ok\":1}\n");
    let ran = trial.through("");
    assert_eq!(
        ran.lines(),
        [
            r#"{"message":"hello"}"#,
            r#"{"message":"[1]"}"#,
            r#"{"message":"\"x\""}"#,
            r#"{"message":"{\"a\":tru}"}"#,
            r#"{"message":"{\"a\":1}}"}"#,
            r#"  {"ok":1}"#
        ]
    );
    assert_eq!(ran.number("lines.wrapped"), 5);
}

#[test]
fn byte_order_marks_carriage_returns_and_blank_lines_are_no_events() {
    let trial = Trial::with_input("\u{feff}{\"a\":1}\r\n\r\n \t\n{\"b\":2}\r\n\nlast");
    let ran = trial.through("");
    assert_eq!(ran.lines(), ["{\"a\":1}", "{\"b\":2}", "{\"message\":\"last\"}"]);
    assert_eq!(ran.number("lines.blank"), 3);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_first_and_counted() {
    let trial = Trial::with_input(b"{\"a\":\"\xff\"}\nbro\xc3ken\n{\"b\":1}\n");
    let ran = trial.through("");
    assert_eq!(ran.lines(), ["{\"a\":\"\u{fffd}\"}", "{\"message\":\"bro\u{fffd}ken\"}", "{\"b\":1}"]);
    assert_eq!(ran.number("lines.repaired"), 2);
}

#[test]
fn one_megabyte_of_brackets_and_deep_objects_are_only_texts() {
    let mut input = "[".repeat(1 << 20);
    input.push('\n');
    input.push_str(&"{\"a\":".repeat(100_000));
    input.push('\n');
    input.push_str(&format!("{}{}\n", "{\"a\":".repeat(128), "1".to_owned() + &"}".repeat(128)));
    let trial = Trial::with_input(&input);
    let ran = trial.through(&hook("h", "", "nothing", "read = [\"a.a\"]"));
    assert_eq!((ran.number("events_in"), ran.number("lines.wrapped")), (3, 2));
    let back: Value = serde_json::from_str(ran.lines()[0]).unwrap();
    assert_eq!(back["message"].as_str().unwrap().len(), 1 << 20);
}

#[test]
fn lines_over_the_limit_become_parts_that_hold_all_of_it() {
    let line: String = (0..3000).map(|n| if n % 7 == 0 { 'é' } else { 'x' }).collect();
    let trial = Trial::with_input(format!("{line}\n{{\"a\":1}}\n"));
    let ran = trial.run(&format!("max_event_bytes = \"1KiB\"\n{FILE_TO_FILE}"));
    let events: Vec<Value> = ran.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (parts, rest) = events.split_at(events.len() - 1);
    assert_eq!(rest[0], serde_json::json!({"a": 1}));
    let joined: String = parts.iter().map(|part| part["message"].as_str().unwrap()).collect();
    assert_eq!(joined, line);
    for (index, part) in parts.iter().enumerate() {
        assert!(part["message"].as_str().unwrap().len() <= 1024);
        assert_eq!(
            (part["part"].as_u64(), part["parts"].as_u64()),
            (Some(index as u64 + 1), Some(parts.len() as u64))
        );
    }
    assert_eq!(ran.number("lines.oversize"), 1);
}

#[test]
fn a_long_last_line_without_newline_is_a_line() {
    let line = format!("{{\"a\":\"{}\"}}", "x".repeat(64 << 10));
    let ran = Trial::with_input(&line).through("");
    assert_eq!(ran.lines(), [line]);
}

#[test]
fn an_empty_file_is_no_event_and_no_error() {
    let ran = Trial::with_input("").through(&hook("h", "", "nothing", ""));
    assert_eq!((ran.number("events_in"), ran.out.len()), (0, 0));
}

#[test]
fn a_missing_file_and_a_directory_are_told_before_anything_is_read() {
    let trial = Trial::new();
    let ran = trial.run(FILE_TO_FILE);
    assert_eq!(ran.code, Some(1));
    ran.says(&["source \"in\": there is no file", "in.log"]);
    fs::create_dir(trial.path("in.log")).unwrap();
    let ran = trial.run(FILE_TO_FILE);
    assert_eq!(ran.code, Some(1));
    ran.says(&["is a directory", "in.log/*.log"]);
}

#[test]
fn what_follows_the_end_of_a_gzip_file_is_told_and_harms_nothing() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"{\"a\":1}\n{\"a\":2}\n").unwrap();
    let packed = gzip.finish().unwrap();
    for after in [&[0; 512][..], b"garbage of some length"] {
        let trial = Trial::with_input([&packed, after].concat());
        let ran = trial.run(FILE_TO_FILE);
        assert_eq!((ran.code, ran.lines().len()), (Some(0), 2), "{}", ran.stderr);
        ran.says(&["in.log: what follows the end of its gzip data is not read"]);
    }
    // That is no gzip file but two of its bytes.
    let trial = Trial::with_input(b"\x1f\x8bgarbage");
    assert_eq!(trial.run(FILE_TO_FILE).code, Some(1));
}

#[test]
fn a_gzip_file_that_is_cut_off_gives_what_it_has_and_an_error() {
    let trial = Trial::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let line = "{\"a\":1}\n";
    gzip.write_all(line.repeat(50_000).as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    trial.write("in.log", &packed[..packed.len() / 2]);
    let ran = trial.run(FILE_TO_FILE);
    assert_eq!(ran.code, Some(1));
    ran.says(&["in.log", "could not be read to their end"]);
    assert!(ran.number("events_out.out") > 10_000);
}

#[test]
fn a_fifo_is_read_until_its_writer_closes_it() {
    let trial = Trial::new();
    assert!(Command::new("mkfifo").arg(trial.path("in.log")).status().unwrap().success());
    let child = trial.start(FILE_TO_FILE);
    let mut fifo = fs::OpenOptions::new().write(true).open(trial.path("in.log")).unwrap();
    fifo.write_all(b"{\"a\":1}\n").unwrap();
    fifo.write_all(b"{\"b\":2}\n").unwrap();
    drop(fifo);
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.lines()), (Some(0), vec!["{\"a\":1}", "{\"b\":2}"]));
}

#[test]
fn container_logs_are_unpacked() {
    let trial =
        Trial::with_input("2024-05-01T10:00:00.1Z stdout P hel\n2024-05-01T10:00:00.1Z stdout F lo\n");
    let ran = trial
        .run(&FILE_TO_FILE.replace("type = \"file\"\npaths", "type = \"file\"\ndecode = \"cri\"\npaths"));
    let event: Value = serde_json::from_str(ran.lines()[0]).unwrap();
    assert_eq!((event["message"].as_str(), event["stream"].as_str()), (Some("hello"), Some("stdout")));
}

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

use super::*;
use crate::cli::top::board::{Moment, Sort};

/// Two workers for one second, with so many hooks.
fn moments(hooks: usize) -> (Moment, Moment) {
    let name = |number: usize| {
        if number == 1 { "a-name-of-too-many-letters".to_owned() } else { format!("hook{number}") }
    };
    let hook = |number: usize, second: u64| {
        json!({
            "name": name(number), "rows": 1000 * second, "cpu_s": 0.2 * number as f64 * second as f64,
            "failures": if number == 2 { 5 * second } else { 0 }, "memory_peak_bytes": 12 << 20, "memory_cap_bytes": 32 << 20,
        })
    };
    let status = |second: u64| {
        json!({
            "version": "0.1.0", "state": "running", "uptime_s": 60.0 + second as f64, "workers": 2,
            "events_in": 12_345 * second, "bytes_in": 3_000_000 * second,
            "sources": [{ "name": "app", "type": "file" }],
            "hooks": (0..hooks).map(|number| hook(number, second)).collect::<Vec<_>>(),
            "sinks": [{ "name": "out", "type": "stdout", "events": 1000 * second, "bytes": 2_000_000 * second }],
            "waits": { "lines_s": 0.5 * second as f64, "sinks_s": { "out": 0.5 * second as f64 } },
        })
    };
    let facts = |number: usize| {
        let mut facts = json!({ "name": name(number), "enabled": true, "state": "at_work", "sha256": "0123456789abcdef" });
        let more = match number {
            1 => json!({ "state": "paused", "memory": { "now": 3 << 20 } }),
            2 => json!({ "breaker": "open", "share": "5%", "candidate": { "share": "0.5%" } }),
            _ => json!({ "breaker": "closed" }),
        };
        facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        facts
    };
    let facts: Value = json!({ "hooks": (0..hooks).map(facts).collect::<Vec<_>>() });
    let moment = |second| Moment::new(status(second), facts.clone()).unwrap();
    (moment(1), moment(2))
}

/// A frame on a screen of this size.
fn shown(width: u16, height: u16, hooks: usize, selected: usize, sort: Sort, message: &str) -> String {
    let (before, after) = moments(hooks);
    let board = Board::new(&before, &after, sort);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let view = View { board: &board, selected: Some(selected), message };
    terminal.draw(|frame| view.draw(frame.buffer_mut())).unwrap();
    text(terminal.backend().buffer())
}

#[test]
fn a_frame_on_a_small_screen_has_it_all() {
    let expected = "\
hookaroon 0.1.0  running 1m 2s  2 workers 50% busy  12,345 events/s, 3.0 MB/s

HOOK          VERSION SHARE   STATE   CPU   ROWS/S  PER ROW FAIL/S MEMORY
hook2         0123456 5%+0.5% open    20%    1,000 400.0 µs    5.0 ███··· 12/32M
a-name-of-to… 0123456 100%    paused  10%    1,000 200.0 µs      0 █▒▒··· 12/32M
hook0         0123456 100%    ok       0%    1,000     0 ns      0 ███··· 12/32M

       NAME          TYPE         EVENTS/S      BYTES/S   WORKERS WAIT
source app           file
sink   out           stdout          1,000       2.0 MB            25%
";
    assert_eq!(shown(80, 24, 3, 0, Sort::Cost, "").lines().count(), 24);
    let frame = shown(80, 24, 3, 0, Sort::Cost, "");
    assert!(frame.starts_with(expected), "{frame}");
    assert!(frame.ends_with("q end  s sort: cost  ↑↓ select  p pause, go on\n"), "{frame}");
}

#[test]
fn the_selected_hook_is_seen_however_many_there_are() {
    for (selected, first, last) in
        [(0, "hook0", "hook15"), (50, "hook35", "hook50"), (99, "hook84", "hook99")]
    {
        let frame = shown(100, 24, 100, selected, Sort::Chain, "");
        let hooks: Vec<&str> = frame
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|name| name.starts_with("hook"))
            .collect();
        assert_eq!((hooks.get(1), hooks.last()), (Some(&first), Some(&last)), "{frame}");
    }
}

#[test]
fn hooks_are_sorted_as_asked() {
    for (sort, first) in [(Sort::Chain, "hook0"), (Sort::Failures, "hook2"), (Sort::Cost, "hook4")] {
        let frame = shown(100, 24, 5, 0, sort, "");
        assert!(frame.lines().nth(3).unwrap().starts_with(first), "{frame}");
    }
}

#[test]
fn a_message_takes_the_last_line_and_drives_nothing() {
    let frame = shown(80, 24, 3, 0, Sort::Cost, "no answer\u{1b}[2J");
    assert!(frame.ends_with("\nno answer\\u{1b}[2J\n"), "{frame}");
}

#[test]
fn any_size_is_drawn() {
    for width in [0, 1, 10, 300] {
        for height in [0, 1, 2, 5, 300] {
            shown(width, height, 20, 3, Sort::Cost, "");
        }
    }
}

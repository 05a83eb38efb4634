//! `top` in a terminal and without one.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::admin::http::Host;
use crate::support::{BINARY, hook, wait_until};

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// `top` in a terminal of 80 columns and 24 lines; all that it shows goes to the file `shown`, its process to `pid`.
fn in_a_terminal(host: &Host) -> Child {
    let inner = format!("stty cols 80 rows 24; echo $$ > pid; exec {BINARY} top");
    Command::new("script")
        .args(["--quiet", "--flush", "--return", "--command", &inner, "shown"])
        .current_dir(host.trial.dir.path())
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn shown(host: &Host) -> String {
    String::from_utf8_lossy(&host.trial.read("shown")).into_owned()
}

#[test]
fn without_a_terminal_one_frame_is_printed() {
    let mut host = Host::start("", &hook("keeper", "", "nothing", ""));
    host.send("{\"a\":1}\n");
    host.trial.wait_for_lines(1);
    for arguments in [&["top"][..], &["top", "--once"]] {
        let output = host.trial.command(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            text.starts_with("hookaroon ") && text.contains("  1 worker 0% busy  0 events/s, 0 B/s\n"),
            "{text}"
        );
        assert!(text.lines().any(|line| line.starts_with("keeper ") && line.contains(" ok ")), "{text}");
        assert!(text.contains("\nsource in            stdin\nsink   out           file "), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let (_, trial) = host.end_and_keep();
    let output = trial.command(["top"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no run with an admin API"));
}

#[test]
fn a_key_and_a_signal_end_it_and_the_terminal_is_as_it_was() {
    let host = Host::start("", &hook("keeper", "", "nothing", ""));
    for by_key in [true, false] {
        let mut child = in_a_terminal(&host);
        wait_until(|| shown(&host).contains("q end"));
        let text = shown(&host);
        assert!(text.contains(ENTER) && text.contains("keeper") && !text.contains(LEAVE), "{text:?}");
        if by_key {
            child.stdin.as_mut().unwrap().write_all(b"sjkq").unwrap();
        } else {
            let pid: i32 = String::from_utf8(host.trial.read("pid")).unwrap().trim().parse().unwrap();
            kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        }
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}");
        let text = shown(&host);
        let (_, after) = text.rsplit_once(LEAVE).unwrap_or_else(|| panic!("{text:?}"));
        assert!(after.contains("\u{1b}[?25h"), "{after:?}");
        std::fs::remove_file(host.trial.path("shown")).unwrap();
    }
    host.end();
}

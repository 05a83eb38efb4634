//! What others rely on: the same bytes again, the usual size, the shares.

use super::*;

const LINES: usize = 50_000;

fn generate(options: Options, lines: usize) -> Vec<u8> {
    let mut generator = Generator::new(options);
    let mut out = Vec::new();
    for _ in 0..lines {
        generator.line(&mut out);
    }
    out
}

fn share(lines: &[&[u8]], holds: impl Fn(&[u8]) -> bool) -> f64 {
    lines.iter().filter(|line| holds(line)).count() as f64 / lines.len() as f64
}

fn has(line: &[u8], what: &str) -> bool {
    line.windows(what.len()).any(|window| window == what.as_bytes())
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let options = Options::default();
    assert!(generate(options, 2000) == generate(options, 2000));
    assert!(generate(options, 2000) != generate(Options { seed: 2, ..options }, 2000));
}

#[test]
fn a_call_appends_one_line_and_keeps_what_was_there() {
    let mut generator = Generator::new(Options::default());
    let mut out = b"before\n".to_vec();
    for lines in 1..5000 {
        generator.line(&mut out);
        assert!(out.ends_with(b"\n"));
        if lines % 1000 == 0 {
            assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), lines + 1);
        }
    }
    assert!(out.starts_with(b"before\n"));
}

#[test]
fn a_line_has_about_330_bytes() {
    for plain in [true, false] {
        let mean = generate(Options { seed: 3, plain }, LINES).len() / LINES;
        assert!((315..=345).contains(&mean), "{mean}");
    }
}

#[test]
fn plain_lines_have_the_eleven_fields_in_order_and_nothing_else() {
    let bytes = generate(Options { seed: 4, plain: true }, 5000);
    let text = std::str::from_utf8(&bytes).unwrap();
    let keys = [
        "{\"time\":\"2025-10-01T",
        ",\"level\":\"",
        ",\"event\":\"",
        ",\"trace_id\":\"",
        ",\"duration_ms\":",
        ",\"app_id\":\"app-",
        ",\"user_id\":\"u-",
        ",\"client_ip\":\"",
        ",\"status\":",
        ",\"usage\":{\"prompt\":",
        ",\"completion\":",
        "},\"message\":\"",
    ];
    for line in text.lines() {
        let places: Vec<usize> = keys.iter().map(|key| line.find(key).unwrap()).collect();
        assert!(places.is_sorted() && places[0] == 0 && line.ends_with("\"}"), "{line}");
    }
}

#[test]
fn times_rise() {
    let bytes = generate(Options { seed: 5, plain: true }, 5000);
    let times: Vec<&[u8]> = split(&bytes).into_iter().map(|line| &line[..33]).collect();
    assert!(times.is_sorted() && times.first() != times.last());
}

#[test]
fn the_levels_have_their_shares() {
    let bytes = generate(Options { seed: 6, plain: true }, LINES);
    let lines = split(&bytes);
    for (level, expected) in [("debug", 0.2), ("info", 0.65), ("warning", 0.1), ("error", 0.05)] {
        let found = share(&lines, |line| has(line, &format!("\"level\":\"{level}\"")));
        assert!((found - expected).abs() < 0.01, "{level}: {found}");
    }
}

#[test]
fn what_is_to_be_redacted_and_what_is_hard_to_read_is_there() {
    let bytes = generate(Options { seed: 7, plain: true }, LINES);
    let lines = split(&bytes);
    for what in ["example.", "payment card", "Bearer eyJ", "api_key=sk-", "é", "\\\"", "\\n", "2001:db8:"] {
        let found = share(&lines, |line| has(line, what));
        assert!((0.005..0.3).contains(&found), "{what}: {found}");
    }
}

#[test]
fn odd_lines_have_their_shares_and_plain_streams_none() {
    let bytes = generate(Options { seed: 8, plain: false }, LINES);
    let lines = split(&bytes);
    let near =
        |found: f64, expected: f64| assert!((expected / 2.0..expected * 1.5).contains(&found), "{found}");
    let trimmed = |line: &[u8]| line.trim_ascii().to_vec();
    near(share(&lines, |line| !trimmed(line).is_empty() && !trimmed(line).starts_with(b"{")), 0.01);
    near(share(&lines, |line| trimmed(line).is_empty()), 0.002);
    near(
        share(&lines, |line| trimmed(line).starts_with(b"{") && !trimmed(line).ends_with(b"}")),
        0.002 / 3.0,
    );
    near(share(&lines, |line| std::str::from_utf8(line).is_err()), 0.002 / 3.0);
    near(share(&lines, |line| line.ends_with(b"\r")), 0.002 / 3.0);
    let plain = generate(Options { seed: 8, plain: true }, LINES);
    assert!(split(&plain).iter().all(|line| line.starts_with(b"{\"time\":") && line.ends_with(b"}")));
}

#[test]
fn the_table_of_hosts_has_every_client_once_and_is_the_one_of_the_demo() {
    let csv = hosts_csv();
    let mut ips: Vec<&str> = csv.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    assert_eq!(ips.len(), 200);
    ips.sort_unstable();
    ips.dedup();
    assert_eq!(ips.len(), 200);
    assert!(ips.iter().all(|ip| ip.parse::<std::net::IpAddr>().is_ok()));
    assert!(csv.lines().all(|row| row.split(',').count() == 4));
    assert_eq!(csv, include_str!("../../../demo/hosts.csv"), "run generate --hosts > demo/hosts.csv");
}

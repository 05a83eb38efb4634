//! Lines as syslog daemons write them: `Jun 14 15:16:01 host sshd[19939]: text` (RFC 3164, section 4.1, with or without
//! its `<priority>`; the time may be that of RFC 3339 as well), and those of RFC 5424.
//!
//! The time stays as it is: that of RFC 3164 lacks its year. One pass. What has no time and host at its start is none.

use crate::values::{Kind, Mismatch, Place, Values};

/// What values there are, by number.
pub const NAMES: [&str; 10] =
    ["facility", "severity", "time", "host", "app", "pid", "procid", "msgid", "structured_data", "message"];

const FACILITY: usize = 0;
const SEVERITY: usize = 1;
const TIME: usize = 2;
const HOST: usize = 3;
const APP: usize = 4;
const PID: usize = 5;
const PROCID: usize = 6;
const MSGID: usize = 7;
const STRUCTURED_DATA: usize = 8;
const MESSAGE: usize = 9;

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The longest name of a program: what is longer before a colon is text.
const LONGEST_APP: usize = 64;

/// The kind that a value of this name has by default.
pub fn kind(name: &str) -> Kind {
    if name == "pid" { Kind::Integer } else { Kind::Text }
}

/// What is left of a line, and the values so far.
struct Cursor<'l, 'v> {
    line: &'l str,
    at: usize,
    values: &'v mut Values,
}

impl<'l> Cursor<'l, '_> {
    fn rest(&self) -> &'l str {
        self.line.get(self.at..).unwrap_or("")
    }

    /// Goes past this text if it is next.
    fn skip(&mut self, text: &str) -> Option<()> {
        self.rest().strip_prefix(text)?;
        self.at += text.len();
        Some(())
    }

    /// Sets a value to the next so many bytes, unless they are a lone `-`.
    fn set(&mut self, number: usize, length: usize) {
        if self.rest().get(..length) != Some("-") {
            self.values.set(number, Place::line(self.at..self.at + length));
        }
    }

    /// Sets a value to the next word.
    fn set_word(&mut self, number: usize) -> Option<()> {
        let length = self.rest().find(' ')?;
        if length == 0 {
            return None;
        }
        self.set(number, length);
        self.at += length + 1;
        Some(())
    }

    fn set_name(&mut self, number: usize, name: &str) {
        let start = self.values.buffer.len();
        self.values.buffer.push_str(name);
        self.values.set(number, Place::buffer(start..start + name.len()));
    }

    fn set_pid(&mut self, length: usize) {
        let text = self.rest().get(..length).unwrap_or("");
        let is_number = text.parse::<i64>().is_ok();
        self.set(if is_number { PID } else { PROCID }, length);
    }

    /// `<13>`, which need not be there.
    fn priority(&mut self) -> Option<()> {
        let Some(rest) = self.rest().strip_prefix('<') else { return Some(()) };
        let (digits, _) = rest.split_once('>')?;
        if !(1..=3).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let priority: usize = digits.parse().ok()?;
        let facility = *FACILITIES.get(priority / 8)?;
        self.set_name(FACILITY, facility);
        self.set_name(SEVERITY, SEVERITIES.get(priority % 8)?);
        self.at += digits.len() + 2;
        Some(())
    }

    /// `Jun 14 15:16:01` or a time of RFC 3339, and the space behind it.
    fn time(&mut self) -> Option<()> {
        let rest = self.rest();
        if let Some(time) = rest.get(..15).filter(|time| is_bsd_time(time)) {
            self.set(TIME, time.len());
            self.at += time.len();
            return self.skip(" ");
        }
        let time = rest.split(' ').next()?;
        if !is_rfc3339(time) {
            return None;
        }
        self.set_word(TIME)
    }

    /// `sshd[19939]: text`; what does not look like a program is a part of the text.
    fn app_and_message(&mut self) {
        let rest = self.rest();
        let end = rest.find([' ', ':', '[']).filter(|end| (1..=LONGEST_APP).contains(end));
        if let Some(end) = end {
            let after = rest.get(end..).unwrap_or("");
            let pid = after.strip_prefix('[').and_then(|pid| pid.split_once(']'));
            let behind = pid.map_or(after, |(_, behind)| behind);
            if let Some(message) = behind.strip_prefix(':') {
                self.set(APP, end);
                if let Some((pid, _)) = pid {
                    self.at += end + 1;
                    self.set_pid(pid.len());
                }
                self.at = self.line.len() - message.strip_prefix(' ').unwrap_or(message).len();
            }
        }
        self.set(MESSAGE, self.line.len() - self.at);
    }

    fn rfc3164(&mut self) -> Option<()> {
        self.time()?;
        self.set_word(HOST)?;
        self.app_and_message();
        Some(())
    }

    fn rfc5424(&mut self) -> Option<()> {
        self.skip("1 ")?;
        let time = self.rest().split(' ').next()?;
        if time != "-" && !is_rfc3339(time) {
            return None;
        }
        self.set_word(TIME)?;
        self.set_word(HOST)?;
        self.set_word(APP)?;
        let length = self.rest().find(' ').filter(|length| *length > 0)?;
        self.set_pid(length);
        self.at += length + 1;
        self.set_word(MSGID)?;
        let length = structured_data(self.rest())?;
        self.set(STRUCTURED_DATA, length);
        self.at += length;
        if self.rest().is_empty() {
            return Some(());
        }
        self.skip(" ")?;
        // The mark of UTF-8, which the RFC asks for and nobody wants.
        let _ = self.skip("\u{feff}");
        self.set(MESSAGE, self.line.len() - self.at);
        Some(())
    }
}

/// Takes a line apart.
pub fn parse(line: &str, values: &mut Values) -> Result<(), Mismatch> {
    values.start(NAMES.len());
    let mut cursor = Cursor { line, at: 0, values };
    let known = cursor.priority().and_then(|()| {
        if cursor.at > 0 && cursor.rest().starts_with("1 ") { cursor.rfc5424() } else { cursor.rfc3164() }
    });
    known.ok_or(Mismatch::Form)
}

/// `Jun 14 15:16:01`, the day filled with a space.
fn is_bsd_time(time: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        time.get(range).is_some_and(|part| part.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let day = time.get(4..5) == Some(" ") && digits(5..6) || digits(4..6);
    let fixed = [(3, b' '), (6, b' '), (9, b':'), (12, b':')];
    MONTHS.contains(&time.get(..3).unwrap_or(""))
        && day
        && digits(7..9)
        && digits(10..12)
        && digits(13..15)
        && fixed.iter().all(|(at, byte)| time.as_bytes().get(*at) == Some(byte))
}

/// Whether it begins as `2024-01-01T00:00:00` and goes on without what no time has.
fn is_rfc3339(time: &str) -> bool {
    let bytes = time.as_bytes();
    let form = b"dddd-dd-ddTdd:dd:dd";
    bytes.len() > form.len()
        && bytes.iter().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
        && bytes.get(form.len()..).is_some_and(|rest| {
            rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b':' | b'Z'))
        })
}

/// How long the structured data at the start of `text` are: `-`, or `[id name="value \" ]"]` and more of these.
fn structured_data(text: &str) -> Option<usize> {
    if text.starts_with('-') {
        return Some(1);
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while bytes.get(at) == Some(&b'[') {
        let mut is_quoted = false;
        loop {
            at += 1;
            match bytes.get(at)? {
                b'\\' if is_quoted => at += 1,
                b'"' => is_quoted = !is_quoted,
                b']' if !is_quoted => break,
                _ => {}
            }
        }
        at += 1;
    }
    (at > 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<Vec<String>> {
        let mut values = Values::default();
        parse(line, &mut values).ok()?;
        let known = NAMES.iter().enumerate();
        Some(known.filter_map(|(at, name)| Some(format!("{name}={}", values.text(at, line)?))).collect())
    }

    #[test]
    fn lines_of_the_old_form_are_taken_apart() {
        assert_eq!(
            parsed("<34>Oct 11 22:14:15 mymachine su: 'su root' failed").unwrap(),
            [
                "facility=auth",
                "severity=crit",
                "time=Oct 11 22:14:15",
                "host=mymachine",
                "app=su",
                "message='su root' failed"
            ]
        );
        for (line, app) in [
            (
                "Jun  4 15:16:01 combo sshd(pam_unix)[19939]: a: b[c]",
                &["app=sshd(pam_unix)", "pid=19939", "message=a: b[c]"][..],
            ),
            ("Jun  4 15:16:01 combo kernel:   x", &["app=kernel", "message=  x"]),
            ("Jun  4 15:16:01 combo app[worker]: x", &["app=app", "procid=worker", "message=x"]),
            ("Jun  4 15:16:01 combo syslogd 1.4.1: restart.", &["message=syslogd 1.4.1: restart."]),
            ("Jun  4 15:16:01 combo app[7] x", &["message=app[7] x"]),
            ("Jun  4 15:16:01 combo app[7", &["message=app[7"]),
            ("Jun  4 15:16:01 combo app:", &["app=app", "message="]),
            ("Jun  4 15:16:01 combo ", &["message="]),
            ("Jun  4 15:16:01 combo größe: ä", &["app=größe", "message=ä"]),
        ] {
            assert_eq!(
                parsed(line).unwrap(),
                [&["time=Jun  4 15:16:01", "host=combo"], app].concat(),
                "{line}"
            );
        }
        assert_eq!(
            parsed("2024-01-31T10:00:00.123456+01:00 host CRON[1]: x").unwrap(),
            ["time=2024-01-31T10:00:00.123456+01:00", "host=host", "app=CRON", "pid=1", "message=x"]
        );
    }

    #[test]
    fn lines_of_rfc_5424_are_taken_apart() {
        let line = "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 8710 ID47 \
                    [exampleSDID@32473 iut=\"3\" x=\"a \\\"]\"][b] \u{feff}An application";
        assert_eq!(
            parsed(line).unwrap(),
            [
                "facility=local4",
                "severity=notice",
                "time=2003-10-11T22:14:15.003Z",
                "host=mymachine.example.com",
                "app=evntslog",
                "pid=8710",
                "msgid=ID47",
                "structured_data=[exampleSDID@32473 iut=\"3\" x=\"a \\\"]\"][b]",
                "message=An application"
            ]
        );
        assert_eq!(parsed("<0>1 - - - - - -").unwrap(), ["facility=kern", "severity=emerg"]);
        assert_eq!(
            parsed("<191>1 - h a p-1 - - m").unwrap(),
            ["facility=local7", "severity=debug", "host=h", "app=a", "procid=p-1", "message=m"]
        );
    }

    #[test]
    fn what_is_no_line_of_syslog_is_a_mismatch() {
        for line in [
            "",
            "a plain text",
            "Jun 14 15:16:01",
            "Jun 14 15:16:01 host",
            "Jum 14 15:16:01 host x",
            "Jun 14 15-16:01 host x",
            "Jun x4 15:16:01 host x",
            "Jun 14 15:16:01  x",
            "<>Jun 14 15:16:01 host x",
            "<192>Jun 14 15:16:01 host x",
            "<+13>Jun 14 15:16:01 host x",
            "<13>1 yesterday h a - - - m",
            "<13>1 - h a - - [x",
            "<13>1 - h a - - x",
            "<13>1 - h a - - -x",
            "<13>1 - h",
            "2024-01-31 10:00:00 host x",
            "2024-01-31T10:00:00, host x",
            "é",
            "Jun 14 15:16:0é host x",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}

//! What became of dead letters since they were written, appended beside their segment: a segment itself never changes.
//!
//! A line for each attempt: the letter's ID, when, and how it ended. A line that was torn counts as if the attempt had
//! never been noted, so the letter is replayed once more.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// How an attempt to replay a letter ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// The event was delivered, or handled by a hook.
    Replayed,
    /// The hook failed on it again.
    Failed,
}

#[derive(Serialize, Deserialize)]
struct Mark<'a> {
    time_ns: u64,
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
    attempt: Attempt,
}

/// All attempts at one letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many failed.
    pub failed: u64,
    /// Whether one did not.
    pub replayed: bool,
}

/// Appends the line of one attempt.
pub fn write(id: &str, attempt: Attempt, time_ns: u64, lines: &mut Vec<u8>) {
    // Numbers and texts always can be written, and so can memory be written to.
    if serde_json::to_writer(&mut *lines, &Mark { time_ns, id: id.into(), attempt }).is_ok() {
        lines.push(b'\n');
    }
}

/// The attempts by ID, and the numbers of the lines that are none.
pub fn read(text: &[u8]) -> (HashMap<String, Attempts>, Vec<usize>) {
    let mut all: HashMap<String, Attempts> = HashMap::new();
    let mut unreadable = Vec::new();
    for (line, number) in text.split(|&byte| byte == b'\n').zip(1..).filter(|(line, _)| !line.is_empty()) {
        let Ok(mark) = serde_json::from_slice::<Mark<'_>>(line) else {
            unreadable.push(number);
            continue;
        };
        let attempts = all.entry(mark.id.into_owned()).or_default();
        match mark.attempt {
            Attempt::Replayed => attempts.replayed = true,
            Attempt::Failed => attempts.failed += 1,
        }
    }
    (all, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_and_a_torn_one_is_told_by_its_line() {
        let mut lines = Vec::new();
        write("a", Attempt::Failed, 1, &mut lines);
        write("a", Attempt::Failed, 2, &mut lines);
        lines.extend_from_slice(b"{\"time_ns\":3,\"id\":\"b\n");
        write("b", Attempt::Replayed, 4, &mut lines);
        let (all, unreadable) = read(&lines);
        assert_eq!(all["a"], Attempts { failed: 2, replayed: false });
        assert_eq!(all["b"], Attempts { failed: 0, replayed: true });
        assert_eq!((all.len(), unreadable), (2, vec![3]));
    }
}

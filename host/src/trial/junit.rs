//! A trial's outcome as JUnit XML, the form that build servers read.
//!
//! The format is that of the Ant task, as its many readers take it: a `testsuite` of `testcase`s, each with a `failure`
//! if it failed. What XML cannot hold, control characters, becomes U+FFFD.

use std::fmt::Write as _;
use std::time::Duration;

use super::report;
use super::{Golden, Outcome};

/// The outcome of one trial, and how long it took.
pub fn xml(outcome: &Outcome, took: Duration) -> String {
    let cases = cases(outcome);
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let seconds = took.as_secs_f64();
    let plugin = escaped(&outcome.plugin);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites>\n  <testsuite name=\"{plugin}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" time=\"{seconds:.3}\">",
        cases.len()
    );
    for case in &cases {
        let _ = write!(out, "    <testcase classname=\"{plugin}\" name=\"{}\" time=\"0\"", case.name);
        match &case.failure {
            None => out.push_str("/>\n"),
            Some(failure) => {
                let first = failure.lines().next().unwrap_or_default();
                let _ = writeln!(
                    out,
                    ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                    escaped(first),
                    escaped(failure)
                );
            }
        }
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// The outcome of a trial that could not even start.
pub fn xml_of_error(plugin: &str, message: &str) -> String {
    let (plugin, message) = (escaped(plugin), escaped(message));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  \
         <testsuite name=\"{plugin}\" tests=\"1\" failures=\"0\" errors=\"1\" time=\"0\">\n    \
         <testcase classname=\"{plugin}\" name=\"starts\" time=\"0\">\n      \
         <error message=\"{message}\"/>\n    </testcase>\n  </testsuite>\n</testsuites>\n"
    )
}

/// One thing that was looked at.
struct Case {
    name: &'static str,
    failure: Option<String>,
}

fn cases(outcome: &Outcome) -> Vec<Case> {
    let text = |text: String| Some(report::plain(&text)).filter(|text| !text.is_empty());
    let mut cases = vec![
        Case { name: "no call fails", failure: text(report::calls(outcome)) },
        Case { name: "rows fail as expected", failure: text(report::wrong_rows(outcome)) },
    ];
    if let Some(golden) = &outcome.golden {
        let failure = match golden {
            Golden::Differs(found) => Some(report::plain(&report::differences(found))),
            _ => None,
        };
        cases.push(Case { name: "the events are the expected ones", failure });
    }
    if outcome.pure {
        cases.push(Case { name: "each batch stands for itself", failure: text(report::impurity(outcome)) });
    }
    cases
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ if letter.is_control() => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_replaced() {
        assert_eq!(
            escaped("a<b>&\"c\"\n\u{1b}[2J\u{ffff}"),
            "a&lt;b&gt;&amp;&quot;c&quot;&#10;\u{fffd}[2J\u{fffd}"
        );
        let xml = xml_of_error("x\".wasm", "it <broke>");
        assert!(
            xml.contains("name=\"x&quot;.wasm\"") && xml.contains("message=\"it &lt;broke&gt;\""),
            "{xml}"
        );
    }
}

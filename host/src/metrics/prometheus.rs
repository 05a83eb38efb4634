//! What is counted, in the text format of Prometheus.

use std::fmt::Write as _;

use super::Metrics;

/// All series, as they are now.
pub fn render(metrics: &Metrics) -> String {
    let mut page = Page::default();
    page.family("hookaroon_uptime_seconds", "gauge", "How long the run goes on.");
    page.sample("hookaroon_uptime_seconds", &[], metrics.started.elapsed().as_secs_f64());
    page.family("hookaroon_source_events_total", "counter", "Events that sources brought.");
    page.sample("hookaroon_source_events_total", &[], metrics.input.events.get());
    page.family(
        "hookaroon_source_bytes_total",
        "counter",
        "Bytes that sources brought, after decompression.",
    );
    page.sample("hookaroon_source_bytes_total", &[], metrics.input.bytes.get());
    page.family("hookaroon_hook_rows_total", "counter", "Rows of the batches that a hook processed.");
    for hook in metrics.hooks().iter() {
        page.sample("hookaroon_hook_rows_total", &[("hook", &hook.name)], hook.rows.get());
    }
    page.family("hookaroon_hook_failures_total", "counter", "How often a hook failed.");
    for hook in metrics.hooks().iter() {
        page.sample("hookaroon_hook_failures_total", &[("hook", &hook.name)], hook.all_failures());
    }
    page.family("hookaroon_sink_events_total", "counter", "Events handed to a sink's output.");
    for sink in &metrics.sinks {
        page.sample("hookaroon_sink_events_total", &[("sink", &sink.name)], sink.events.get());
    }
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{value}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_line_and_each_family_says_what_it_is() {
        let metrics = Metrics::new([], ["out\"\\\n"]);
        metrics.sinks[0].events.add(3);
        let page = render(&metrics);
        assert!(page.contains("\nhookaroon_sink_events_total{sink=\"out\\\"\\\\\\n\"} 3\n"), "{page}");
        assert!(
            page.contains("# TYPE hookaroon_source_events_total counter\nhookaroon_source_events_total 0\n")
        );
        assert!(page.ends_with('\n'));
    }
}

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::config::Share;
use crate::hook::due::Cause;
use crate::hook::failure::{Cost, FailureKind};
use crate::metrics::tests::metrics_of;
use crate::metrics::{Counter, Setting};
use crate::queue::queue;

/// The lines of these metrics, without what tells their type.
fn series<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    page.lines().filter(|line| line.starts_with(name)).collect()
}

#[test]
fn a_family_says_what_it_is_and_has_a_line_for_each_series() {
    let counter = Counter::default();
    counter.add(3);
    let histogram = Histogram::new(&[10_000, 2_500_000_000]);
    [5, 5_000, 5_000_000_000].into_iter().for_each(|ns| histogram.observe(Duration::from_nanos(ns)));
    let families = [
        Family {
            name: "a_total",
            help: "What \\ is.",
            value: Value::Grows(|one: &(Counter, Histogram)| one.0.get() as f64),
        },
        Family { name: "b_ratio", help: "Half.", value: Value::Gauge(|_| Some(0.5)) },
        Family { name: "c", help: "Not known.", value: Value::Gauge(|_| None) },
        Family {
            name: "d_total",
            help: "Two.",
            value: Value::Counters("kind", |_| vec![("x".to_owned(), 1.0), ("y".to_owned(), 0.0)]),
        },
        Family { name: "e_seconds", help: "Time.", value: Value::Spread(|one| &one.1) },
    ];
    let mut page = Page::default();
    let one = (counter, histogram);
    page.families(&families, &[(vec![("hook", "q\"\\\n".to_owned()), ("version", "1".to_owned())], &one)]);
    page.families(&families[..1], &[(Vec::new(), &one)]);
    let expected = r##"# HELP a_total What \\ is.
# TYPE a_total counter
a_total{hook="q\"\\\n",version="1"} 3
# HELP b_ratio Half.
# TYPE b_ratio gauge
b_ratio{hook="q\"\\\n",version="1"} 0.5
# HELP d_total Two.
# TYPE d_total counter
d_total{hook="q\"\\\n",version="1",kind="x"} 1
d_total{hook="q\"\\\n",version="1",kind="y"} 0
# HELP e_seconds Time.
# TYPE e_seconds histogram
e_seconds_bucket{hook="q\"\\\n",version="1",le="0.00001"} 2
e_seconds_bucket{hook="q\"\\\n",version="1",le="2.5"} 2
e_seconds_bucket{hook="q\"\\\n",version="1",le="+Inf"} 3
e_seconds_sum{hook="q\"\\\n",version="1"} 5.000005005
e_seconds_count{hook="q\"\\\n",version="1"} 3
# HELP a_total What \\ is.
# TYPE a_total counter
a_total 3
"##;
    assert_eq!(page.0, expected);
}

#[test]
fn a_hook_has_series_for_its_version_while_it_is_in_the_chain() {
    let hook = metrics_of("redact", 1_000);
    let cost = Cost { cpu: Duration::from_micros(30), memory: 65_536 };
    hook.record_cost(cost);
    (0..10).for_each(|_| hook.record_batch(0, 100, cost));
    hook.record_recycle(Cause::Memory);
    hook.record_failures(FailureKind::Deadline, 2);
    let setting = Setting { share: "12.34%".parse::<Share>().unwrap(), is_paused: true, ..hook.setting() };
    hook.set(setting);
    let metrics = Metrics::new([hook], ["in"], ["out"]);
    let page = render(&metrics, &Beside::default());
    let of = "{hook=\"redact\",version=\"000000000000\",role=\"stable\"";
    for (name, rest) in [
        ("hookaroon_hook_rows_total", "} 1000"),
        ("hookaroon_hook_failures_total", ",kind=\"deadline\"} 2"),
        ("hookaroon_hook_recycles_total", ",cause=\"memory\"} 1"),
        ("hookaroon_hook_recycles_total", ",cause=\"age\"} 0"),
        ("hookaroon_hook_cpu_seconds_total", "} 0.00003"),
        ("hookaroon_hook_call_cpu_seconds_bucket", ",le=\"0.00005\"} 10"),
        ("hookaroon_hook_memory_bytes", ",worker=\"0\"} 65536"),
        ("hookaroon_hook_kept_bytes_per_1000_rows", "} 0"),
        ("hookaroon_hook_share_ratio", "} 0.1234"),
        ("hookaroon_hook_paused", "} 1"),
        ("hookaroon_hook_breaker_open", "} 0"),
    ] {
        let line = format!("{name}{of}{rest}");
        assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
    }
    metrics.set_hooks(Vec::new());
    assert_eq!(series(&render(&metrics, &Beside::default()), "hookaroon_hook_"), [""; 0]);
}

#[test]
fn what_waits_is_told_while_somebody_is_there() {
    let metrics = Metrics::new([], ["in"], ["out"]);
    let ((intake, _worker), (outlet, sink)) = (queue::<u8>(100), queue::<u8>(200));
    outlet.send(1, 30).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let kept =
        crate::config::DeadLetters { max_bytes: 1_000, max_age: None, keep: crate::config::Keep::Event };
    let dead_letters = crate::hook::dead_letters::store::Store::new(dir.path(), &kept);
    dead_letters.append("h", b"{}\n", std::time::SystemTime::now()).unwrap();
    let (intakes, outlets) = (vec![intake.depth()], vec![outlet.depth()]);
    metrics.set_around(crate::metrics::Around { intakes, outlets, dead_letters });
    metrics.sinks[0].begin(i64::try_from(crate::clock::now_ns()).unwrap() - 5_000_000_000);
    let page = render(&metrics, &Beside::default());
    assert_eq!(
        series(&page, "hookaroon_intake_queue_capacity_bytes"),
        ["hookaroon_intake_queue_capacity_bytes{worker=\"0\"} 100"]
    );
    assert_eq!(series(&page, "hookaroon_sink_queue_bytes"), ["hookaroon_sink_queue_bytes{sink=\"out\"} 30"]);
    assert_eq!(series(&page, "hookaroon_dead_letters_bytes"), ["hookaroon_dead_letters_bytes 3"]);
    let [lag] = series(&page, "hookaroon_sink_lag_seconds").try_into().unwrap();
    let lag: f64 = lag.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(lag >= 5.0, "{lag}");
    drop((outlet, sink));
    let page = render(&metrics, &Beside::default());
    assert_eq!(series(&page, "hookaroon_sink_queue_bytes"), [""; 0]);
}

#[test]
fn whether_the_last_reload_went_well_is_told_where_files_are_followed() {
    let metrics = Metrics::new([], [], []);
    let page = |reading| render(&metrics, &Beside { reading, tasks: Some(3) });
    assert_eq!(series(&page(None), "hookaroon_config_last"), [""; 0]);
    let reading = Reading { times: 2, at: Some(1_800_000_000), errors: vec!["line 3: ...".to_owned()] };
    let failed = page(Some(reading.clone()));
    let well = page(Some(Reading { errors: Vec::new(), ..reading }));
    let timestamp = "hookaroon_config_last_reload_timestamp_seconds 1800000000";
    assert_eq!(
        series(&failed, "hookaroon_config_last"),
        ["hookaroon_config_last_reload_successful 0", timestamp]
    );
    assert_eq!(
        series(&well, "hookaroon_config_last"),
        ["hookaroon_config_last_reload_successful 1", timestamp]
    );
    assert_eq!(series(&well, "hookaroon_tasks"), ["hookaroon_tasks 3"]);
}

/// The lines of `docs/metrics.md` for these.
fn documented<T>(families: &[Family<T>], labels: &str) -> Vec<String> {
    let line = |family: &Family<T>| {
        let Family { name, help, value } = family;
        let labels: Vec<String> =
            labels.split_whitespace().chain(value.label()).map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {} | {} | {help} |", value.kind(), labels.join(", "))
    };
    families.iter().map(line).collect()
}

/// All of them, as the lines of `docs/metrics.md`.
fn all_documented() -> Vec<String> {
    [
        documented(families::HOOKS, "hook version role"),
        documented(families::SOURCES, "source"),
        documented(families::INTAKES, "worker"),
        documented(families::SINKS, "sink"),
        documented(families::RUN, ""),
    ]
    .concat()
}

#[test]
fn the_documentation_lists_every_metric_as_it_is_and_no_other() {
    let docs = include_str!("../../../../docs/metrics.md");
    let listed: Vec<&str> = docs.lines().filter(|line| line.starts_with("| `")).collect();
    let expected = all_documented();
    assert!(listed == expected, "docs/metrics.md should list:\n{}", expected.join("\n"));
}

#[test]
fn names_are_unique_and_end_as_prometheus_wants_them() {
    let lines = all_documented();
    let names: BTreeSet<&str> = lines.iter().filter_map(|line| line.split('`').nth(1)).collect();
    assert_eq!(names.len(), lines.len());
    for line in &lines {
        let mut parts = line.split(" | ");
        let (name, kind) = (parts.next().unwrap().trim_matches(['|', ' ', '`']), parts.next().unwrap());
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
    }
}

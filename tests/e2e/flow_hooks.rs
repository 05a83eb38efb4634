//! The standard hooks that look at the whole flow: throttle, count, dedupe. What they find does not depend on how many
//! workers there are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{FILE_TO_FILE, Ran, Trial};

/// How many files, each of which is a stream, and how many events in each.
const FILES: u64 = 9;
const EVENTS: u64 = 400;

/// What comes of the same files with 1, 2 and 8 workers, in batches of a few rows.
fn with_workers(hooks: &str) -> [Vec<Value>; 3] {
    [1, 2, 8].map(|workers| {
        let trial = Trial::new();
        for file in 0..FILES {
            let event = |n: u64| format!("{{\"file\":{file},\"n\":{n},\"user\":\"u{}\"}}\n", (n + file) % 7);
            trial.write(&format!("{file}.log"), (0..EVENTS).map(event).collect::<String>());
        }
        let config = format!("workers = {workers}\n[batch]\nrows = 16\n{FILE_TO_FILE}{hooks}");
        let ran = trial.run(&config.replace("in.log", "*.log"));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(ran.number("hooks.0.failures"), 0, "{}", ran.stderr);
        events(&ran)
    })
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many events there are of each user, without reports.
fn by_user(events: &[Value]) -> BTreeMap<String, u64> {
    let mut users = BTreeMap::new();
    for event in events.iter().filter(|event| event.get("n").is_some()) {
        *users.entry(event["user"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    users
}

/// How many events of each user the files have.
fn all() -> BTreeMap<String, u64> {
    let mut users = BTreeMap::new();
    for (file, n) in (0..FILES).flat_map(|file| (0..EVENTS).map(move |n| (file, n))) {
        *users.entry(format!("u{}", (n + file) % 7)).or_default() += 1;
    }
    users
}

fn hook(plugin: &str, config: &str) -> String {
    format!(
        "[[hook]]\nname = \"it\"\nplugin = {plugin:?}\ngrant = {{ read = [\"user\", \"file\"], drop = true, emit = true }}\n\
         config = {{ {config} }}\n"
    )
}

#[test]
fn as_many_pass_the_throttle_whoever_works() {
    let limited = with_workers(&hook("throttle", "rate = \"100/day\", by = [\"user\"]"));
    let report = |user: &String, dropped: u64| {
        json!({"user":user,"throttle":{
            "mode":"enforce","rate":"100/day","burst":100,"kept":100,"dropped":dropped,
        }})
    };
    let reports: Vec<Value> = all().iter().map(|(user, events)| report(user, events - 100)).collect();
    for events in limited {
        assert!(by_user(&events).values().all(|passed| *passed == 100) && by_user(&events).len() == 7);
        // The reports come last, in the order of the users.
        assert_eq!(events[700..], reports);
    }
}

#[test]
fn observing_finds_the_same_rates_and_drops_nothing_whoever_works() {
    let config = "rate = \"100/day\", by = [\"user\"], mode = \"observe\"";
    let most = all().values().copied().max().unwrap();
    let total = FILES * EVENTS;
    for events in with_workers(&hook("throttle", config)) {
        assert_eq!(by_user(&events), all());
        let report = &events[events.len() - 1]["throttle"];
        assert_eq!((&report["events"], &report["would_drop"]), (&json!(total), &json!(total - 700)));
        assert_eq!((&report["would_drop_share"], &report["windows"]), (&json!("80.56%"), &json!(7)));
        assert_eq!(report["max"], most);
        assert_eq!(events.len() as u64, total + 1);
    }
}

#[test]
fn counts_are_the_same_whoever_works() {
    let hooks = hook("count", "by = [\"user\"], every = \"1h\"");
    let counts: Vec<Value> = all().iter().map(|(user, events)| json!({"user":user,"count":events})).collect();
    for events in with_workers(&hooks) {
        assert_eq!(by_user(&events), all());
        assert_eq!(events[events.len() - 7..], counts);
    }
}

#[test]
fn counts_that_are_emitted_while_events_flow_sum_up_to_all_of_them() {
    for events in with_workers(&hook("count", "by = [\"user\"], every = \"1ms\"")) {
        let mut sums = BTreeMap::new();
        for event in events.iter().filter(|event| event.get("count").is_some()) {
            *sums.entry(event["user"].as_str().unwrap().to_owned()).or_default() +=
                event["count"].as_u64().unwrap();
        }
        assert_eq!(sums, all());
    }
}

#[test]
fn groups_without_room_are_counted_together_whoever_works() {
    for events in with_workers(&hook("count", "by = [\"file\", \"user\"], every = \"1h\", max_groups = 20")) {
        let counts: Vec<&Value> = events.iter().filter(|event| event.get("count").is_some()).collect();
        let sum: u64 = counts.iter().map(|event| event["count"].as_u64().unwrap()).sum();
        assert_eq!((counts.len(), sum), (21, FILES * EVENTS));
        assert_eq!(counts[20]["overflow"], true);
    }
}

#[test]
fn each_passes_once_whoever_works() {
    let found = with_workers(&hook("dedupe", "by = [\"user\"], window = \"1h\""));
    for events in found {
        assert_eq!(by_user(&events), all().into_keys().map(|user| (user, 1)).collect());
        // One came first, so the order of the reports is not that of the users.
        let suppressed: BTreeMap<String, u64> = events[7..]
            .iter()
            .map(|report| {
                assert_eq!(report["dedupe"]["window"], "1h");
                let suppressed = report["dedupe"]["suppressed"].as_u64().unwrap();
                (report["user"].as_str().unwrap().to_owned(), suppressed + 1)
            })
            .collect();
        assert_eq!(suppressed, all());
    }
}

#[test]
fn a_report_passes_the_hooks_after_and_follows_the_row_that_it_came_with() {
    let trial = Trial::with_input("{\"m\":1}\n{\"m\":1}\n{\"m\":2}\n{\"m\":1}\n");
    let ran = trial.through(
        r#"
        [[hook]]
        name = "dedupe"
        plugin = "dedupe"
        grant = { read = ["m"], drop = true, emit = true }
        config = { by = ["m"], max_keys = 1 }
        [[hook]]
        name = "count"
        plugin = "count"
        grant = { read = ["%source", "m"], emit = true }
        config = { by = ["%source"] }
        "#,
    );
    assert_eq!(
        ran.lines(),
        [
            "{\"m\":1}",
            "{\"m\":2}",
            "{\"m\":1,\"dedupe\":{\"suppressed\":1,\"window\":\"1m\"}}",
            "{\"m\":1}",
            "{\"%source\":\"hook:dedupe\",\"count\":1}",
            "{\"%source\":\"in\",\"count\":3}",
        ]
    );
}

#[test]
fn a_wrong_rate_is_told_with_its_place() {
    let ran = Trial::new().check(&format!("{FILE_TO_FILE}{}", hook("throttle", "rate = \"1000/m\"")));
    assert_eq!(ran.code, Some(78));
    ran.says(&["hook \"it\": init failed", "\"1000/m\" is no rate", "/min"]);
}

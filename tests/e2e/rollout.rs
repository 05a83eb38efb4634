//! Hooks that are applied to a share of the events: who is in it, what becomes of the others, and what is refused.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{FILE_TO_FILE, Ran, Trial, hook, numbered};

const USERS: u64 = 1_000;

/// So many events of users `u-0` to `u-999` in turn, from this number on.
fn of_users(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|n| format!("{{\"n\":{n},\"user_id\":\"u-{}\"}}\n", n % USERS)).collect()
}

/// A hook that writes its name into the field `by` of the events that it is handed.
fn marks(name: &str, options: &str) -> String {
    hook(name, options, "set", &format!("write = [\"by\"]\ntext = {name:?}"))
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The users whose events a hook marked; of no user it is only some.
fn marked(events: &[Value], name: &str) -> BTreeSet<String> {
    let users = |is_marked: bool| -> BTreeSet<String> {
        let chosen = events.iter().filter(|event| (event["by"] == name) == is_marked);
        chosen.map(|event| event["user_id"].as_str().unwrap().to_owned()).collect()
    };
    let (inside, outside) = (users(true), users(false));
    assert!(inside.is_disjoint(&outside), "all events of a user are marked, or none");
    inside
}

#[test]
fn the_same_users_are_in_the_share_after_a_restart_on_any_number_of_workers_and_elsewhere() {
    let next = |share: &str| {
        marks("next", &format!("match = \"n >= 0\"\nrollout = {{ share = {share:?}, by = \"user_id\" }}"))
    };
    let trial = Trial::with_input(of_users(0..20_000));
    let ran = trial.through(&next("5%"));
    let first = marked(&events(&ran), "next");
    // Of a thousand users fifty; a standard deviation is seven.
    assert!((30..=70).contains(&first.len()), "{}", first.len());
    let inside = first.len() as u64 * 20;
    assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.0.outside")), (inside, 20_000 - inside));
    assert_eq!(ran.lines().len(), 20_000);
    let after_a_restart = trial.through(&next("5%"));
    assert_eq!(marked(&events(&after_a_restart), "next"), first);

    let elsewhere = Trial::new();
    for part in 0..8 {
        elsewhere.write(&format!("part-{part}.log"), of_users(part * 2_500..(part + 1) * 2_500));
    }
    let files = FILE_TO_FILE.replace("in.log", "part-*.log");
    let ran = elsewhere.run(&format!("workers = 4\n{files}{}", next("5%")));
    assert_eq!((ran.code, marked(&events(&ran), "next")), (Some(0), first.clone()), "{}", ran.stderr);
    assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.0.outside")), (inside, 20_000 - inside));

    let raised = Trial::with_input(of_users(0..20_000)).through(&next("10%"));
    let raised = marked(&events(&raised), "next");
    assert!(raised.is_superset(&first) && raised.len() > first.len());
}

#[test]
fn events_outside_of_the_share_pass_byte_for_byte_and_in_order() {
    let input = of_users(0..2_000).replace("\"n\":", "\"n\" :  ");
    let trial = Trial::with_input(&input);
    let ran = trial.through(&marks("next", "rollout = { share = \"30%\", by = \"user_id\" }"));
    let before = ran.out.split_inclusive(|&byte| byte == b'\n').flat_map(|line| {
        let line = std::str::from_utf8(line).unwrap();
        line.replace(",\"by\":\"next\"", "").into_bytes()
    });
    assert!(before.eq(input.bytes()), "nothing but the mark is new");
    assert!(ran.number("hooks.0.written") > 0 && ran.number("hooks.0.outside") > 0);
}

#[test]
fn nobody_is_in_none_and_an_event_without_the_field_is_not_even_in_all() {
    let input = "{\"n\":0,\"user_id\":\"a\"}\n{\"n\":1}\n{\"n\":2,\"user_id\":null}\n{\"n\":3,\"user_id\":7}\n\
                 {\"n\":4,\"user_id\":[\"a\"]}\n{\"n\":5,\"user_id\":\"\"}\n";
    for (share, expected) in [("0%", vec![]), ("100%", vec![0, 3, 5])] {
        let options = format!("rollout = {{ share = {share:?}, by = \"user_id\" }}");
        let ran = Trial::with_input(input).through(&marks("next", &options));
        let found = events(&ran).into_iter().filter(|event| event["by"] == "next");
        assert_eq!(found.map(|event| event["n"].as_u64().unwrap()).collect::<Vec<_>>(), expected, "{share}");
        assert_eq!(ran.number("hooks.0.outside"), 6 - expected.len() as u64);
    }
    let ran = Trial::with_input(input).through(&marks("next", "rollout = { seed = \"any\" }"));
    assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.0.outside")), (6, 0));
}

#[test]
fn only_events_for_which_all_conditions_hold_are_in_the_share() {
    let input: String = (0..900)
        .map(|n| format!("{{\"n\":{n},\"tenant\":\"{}\"}}\n", ["acme", "other", "third"][n % 3]))
        .collect();
    let only = |share: &str| {
        let options = format!("rollout = {{ share = {share:?}, only = [\"tenant == acme\", \"n < 600\"] }}");
        Trial::with_input(&input).through(&marks("next", &options))
    };
    let ran = only("100%");
    assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.0.outside")), (200, 700));
    let all_are_meant = |event: &Value| event["tenant"] == "acme" && event["n"].as_u64().unwrap() < 600;
    assert!(events(&ran).iter().all(|event| (event["by"] == "next") == all_are_meant(event)));
    let half = only("50%");
    let rows = half.number("hooks.0.rows");
    assert!((78..=122).contains(&rows), "{rows}");
    assert!(events(&half).iter().filter(|event| event["by"] == "next").all(all_are_meant));
    assert!(half.stderr.contains("outside of a rollout: next "), "{}", half.stderr);
}

/// `next` for half of the users of even numbers, `between`, and `stable` for what is left to it.
fn two_versions(between: &str) -> String {
    marks(
        "next",
        "match = \"kind == even\"\nrollout = { share = \"50%\", by = \"user_id\", otherwise = \"stable\" }",
    ) + between
        + &marks("stable", "match = \"n < 900\"")
}

fn even_and_odd() -> String {
    let kind = |n: u64| if n.is_multiple_of(2) { "even" } else { "odd" };
    (0..1_000)
        .map(|n| {
            format!("{{\"n\":{n},\"kind\":\"{}\",\"user_id\":{},\"m\":\"{}\"}}\n", kind(n), n / 4, n % 10)
        })
        .collect()
}

#[test]
fn the_other_hook_is_handed_what_was_left_to_it_and_nothing_else() {
    // What comes between emits an event after each and changes what the rollout went by.
    let between = hook("emits", "match = \"kind == even\"", "emit_each", "")
        + &hook("changes", "", "set", "write = [\"user_id\"]\ntext = \"nobody\"");
    let ran = Trial::with_input(even_and_odd()).through(&two_versions(&between));
    let events = events(&ran);
    assert_eq!(events.len(), 1_500);
    let count = |by: &str| events.iter().filter(|event| event["by"] == by).count() as u64;
    let (next, stable) = (count("next"), count("stable"));
    assert!(next > 150 && stable > 150, "{next} {stable}");
    // Its own match counts too: from 900 on there are fifty of even numbers, of which some are left to it in vain.
    let in_vain = events.iter().filter(|event| event["kind"] == "even" && event.get("by").is_none());
    assert!(in_vain.clone().all(|event| event["n"].as_u64().unwrap() >= 900));
    assert_eq!(next + stable + in_vain.count() as u64, 500);
    assert!(events.iter().filter(|event| event["kind"] != "even").all(|event| event.get("by").is_none()));
    assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.0.outside")), (next, 500 - next));
    assert_eq!((ran.number("hooks.3.rows"), ran.number("hooks.3.outside")), (stable, 0));
}

#[test]
fn a_hook_to_which_others_are_left_is_handed_nothing_once_everybody_is_in_the_share() {
    let next =
        |share: &str| marks("next", &format!("rollout = {{ share = {share:?}, otherwise = \"stable\" }}"));
    for (share, rows) in [("0%", (0, 100)), ("100%", (100, 0))] {
        let ran =
            Trial::with_input(numbered(100)).through(&(next(share) + &marks("stable", "required = true")));
        assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.1.rows")), rows, "{share}");
    }
}

#[test]
fn a_dead_letter_is_left_to_the_same_hooks_when_it_is_replayed() {
    let trial = Trial::with_input(even_and_odd());
    let fails = hook("between", "match = \"m == 2\"", "fail_row", "read = [\"m\"]\ntext = \"2\"");
    let ran = trial.through(&two_versions(&fails));
    let letters = trial.dead_letters("between");
    assert_eq!(letters.len(), 100);
    let left = letters.iter().filter(|letter| letter["aside"] == serde_json::json!(["stable"])).count();
    assert_eq!(left, letters.iter().filter(|letter| letter["event"].get("by").is_none()).count());
    assert!((20..80).contains(&left), "{left}");
    let before = ran.lines().len();

    let mended = hook("between", "match = \"m == 2\"", "nothing", "");
    trial.write("hookaroon.toml", format!("{FILE_TO_FILE}{}", two_versions(&mended)));
    let replayed = trial.ended(trial.command(["dead-letters", "replay"]).output().unwrap());
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    let after = events(&replayed);
    let after = &after[before..];
    let stable = after.iter().filter(|event| event["by"] == "stable").count();
    let in_vain = after.iter().filter(|event| event.get("by").is_none());
    assert!(in_vain.clone().all(|event| event["n"].as_u64().unwrap() >= 900));
    assert_eq!((after.len(), stable + in_vain.count()), (100, left));
}

#[test]
fn a_hooks_own_dead_letters_stay_its_own_whatever_rollouts_say_by_then() {
    let next =
        "match = \"kind == even\"\nrollout = { share = \"50%\", by = \"user_id\", otherwise = \"stable\" }";
    let fails =
        |name: &str, options: &str| hook(name, options, "fail_row", "read = [\"kind\"]\ntext = \"even\"");
    let replayed = |trial: &Trial| {
        trial
            .write("hookaroon.toml", format!("{FILE_TO_FILE}{}{}", marks("next", next), marks("stable", "")));
        let ran = trial.ended(trial.command(["dead-letters", "replay"]).output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let after = events(&ran);
        ["next", "stable"].map(|by| after.iter().filter(|event| event["by"] == by).count())
    };
    let trial = Trial::with_input(even_and_odd());
    trial.through(&(fails("next", next) + &fails("stable", "")));
    let made = ["next", "stable"].map(|hook| trial.dead_letters(hook).len());
    assert!(made[0] + made[1] == 500 && made[0] > 0 && made[1] > 0, "{made:?}");
    assert_eq!(replayed(&trial), made);
    // As these were written, nothing was left to anybody.
    let trial = Trial::with_input(even_and_odd());
    trial.through(&fails("stable", ""));
    assert_eq!(replayed(&trial), [0, 500]);
}

#[test]
fn an_event_that_is_decided_by_itself_is_decided_alike_when_it_is_replayed() {
    let trial = Trial::with_input(numbered(1_000));
    let half = "rollout = { share = \"50%\" }";
    let ran = trial.through(&hook(
        "h",
        half,
        "fail_row",
        "read = [{ path = \"n\", kind = \"json\" }]\ntext = \"\"",
    ));
    let (letters, passed) = (trial.dead_letters("h").len(), ran.lines().len());
    assert!(letters + passed == 1_000 && (430..=570).contains(&letters), "{letters}");
    trial.write("hookaroon.toml", format!("{FILE_TO_FILE}{}", marks("h", half)));
    let replayed = trial.ended(trial.command(["dead-letters", "replay"]).output().unwrap());
    let after = events(&replayed);
    assert!(
        after[passed..].iter().all(|event| event["by"] == "h"),
        "whoever was in the share is in it still"
    );
    assert_eq!(after.len(), 1_000);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place_and_the_nearest_name() {
    let refused = |hooks: &str, told: &str| {
        let ran = Trial::new().check(&format!("{FILE_TO_FILE}{hooks}"));
        assert_eq!(ran.code, Some(78), "{}", ran.stderr);
        ran.says(&[told]);
    };
    refused(
        &marks("h", "required = true\nrollout = { share = \"5%\" }"),
        "hook \"h\": rollout: share = \"5%\" with otherwise = \"pass\" would let events by that it did not process",
    );
    let named = marks("h", "rollout = { share = \"5%\", otherwise = \"stabel\" }");
    refused(
        &(named.clone() + &marks("stable", "")),
        "hook \"h\": rollout: otherwise = \"stabel\": there is no such hook after this one; did you mean \"stable\"?",
    );
    refused(&(marks("stabel", "") + &named), "that hook stands before this one");
    refused(&marks("h", "rollout = { share = 5 }"), "it could mean \"5%\" or \"500%\"");
}

#[test]
fn a_field_to_go_by_that_never_comes_is_told() {
    let trial = Trial::with_input(of_users(0..11_000));
    let ran =
        trial.through(&marks("h", "rollout = { share = \"5%\", by = \"userid\", only = \"m exists\" }"));
    ran.says(&["has the field \"userid\"; is \"user_id\" meant?", "has the field \"m\""]);
    assert_eq!((ran.number("hooks.0.rows"), ran.number("hooks.0.outside")), (0, 11_000));
}

fn explain(config: &str, event: &str, more: &[&str]) -> String {
    let trial = Trial::new();
    trial.write("hookaroon.toml", config);
    let arguments = ["explain", "-"].iter().chain(more);
    let mut child = trial.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
    let ran = trial.ended(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn explain_says_whether_an_event_is_in_the_share_and_why() {
    let rollout = "share = \"60%\", by = [\"tenant\", \"user_id\"], seed = \"redact\", only = \"n > 0\", otherwise = \"stable\"";
    let hooks = marks("next", &format!("rollout = {{ {rollout} }}")) + &marks("stable", "match = \"n > 0\"");
    let config = format!("{FILE_TO_FILE}{hooks}");
    let way = |event: &str| {
        let text = explain(&config, event, &[]);
        let (_, hooks) = text.split_once("\nhook ").unwrap();
        hooks.split_once("\nsink ").unwrap().0.to_owned()
    };
    // The step is that of the test vectors in docs/rollout.md.
    assert_eq!(
        way("{\"n\":1,\"tenant\":\"acme\",\"user_id\":\"u-1\"}"),
        "\"next\": kept
  rollout only n > 0: holds, the value is 1
  rollout by tenant: the value is \"acme\"
  rollout by user_id: the value is \"u-1\"
  rollout to 60%: it is in the share, its step 5418 is below 6000
  by: nothing -> \"next\"
hook \"stable\": passed by
  left to it by the rollout of hook \"next\": it was not"
    );
    assert_eq!(
        way("{\"n\":1,\"tenant\":\"acme\",\"user_id\":\"u-7\",\"by\":null}"),
        "\"next\": passed by
  rollout only n > 0: holds, the value is 1
  rollout by tenant: the value is \"acme\"
  rollout by user_id: the value is \"u-7\"
  rollout to 60%: it is not in the share, its step 9492 is not below 6000; otherwise it is left to hook \"stable\"
hook \"stable\": kept
  left to it by the rollout of hook \"next\": it was
  match n > 0: holds, the value is 1
  by: null -> \"stable\""
    );
    assert_eq!(
        way("{\"n\":1,\"tenant\":null}"),
        "\"next\": passed by
  rollout only n > 0: holds, the value is 1
  rollout by tenant: the value is null, which is no text, number or boolean
  rollout to 60%: it is not in the share; otherwise it is left to hook \"stable\"
hook \"stable\": kept
  left to it by the rollout of hook \"next\": it was
  match n > 0: holds, the value is 1
  by: nothing -> \"stable\""
    );
    assert!(way("{\"n\":0}").starts_with(
        "\"next\": passed by
  rollout only n > 0: does not hold, the value is 0
  rollout to 60%: it is not in the share; otherwise it is left to hook \"stable\"
hook \"stable\": passed by
  left to it by the rollout of hook \"next\": it was
  match n > 0: does not hold"
    ));
    let report: Value = serde_json::from_str(&explain(
        &config,
        "{\"n\":1,\"tenant\":\"acme\",\"user_id\":\"u-1\"}",
        &["--json"],
    ))
    .unwrap();
    let met = &report["ways"][0]["hooks"];
    assert_eq!((&met[0]["rollout"]["step"], &met[0]["rollout"]["steps"]), (&5418.into(), &6000.into()));
    assert_eq!((&met[0]["rollout"]["inside"], &met[1]["left_by"]["holds"]), (&true.into(), &false.into()));
    assert_eq!((&met[0]["left_by"], &met[1]["rollout"]), (&Value::Null, &Value::Null));
}

use std::sync::Arc;

use super::*;
use crate::event::properties::origin;

const DOCUMENTED: &str = include_str!("../../../../docs/rollout.md");

fn share(text: &str) -> Share {
    text.parse().unwrap()
}

fn by(paths: &[&str]) -> Vec<Path> {
    paths.iter().map(|path| path.parse().unwrap()).collect()
}

/// A batch of these events, and a rollout over it.
fn made(rollout: &config::Rollout, asides: &Asides, events: &[&str]) -> (Batch, Option<Rollout>) {
    let only = rollout.only.iter().map(|condition| condition.path());
    let projection = Arc::new(Projection::new(rollout.by.iter().chain(only)).unwrap());
    let mut batch = Batch::new(projection.clone());
    let from = batch.add_origin(origin(&projection));
    for (event, offset) in events.iter().zip(0u64..) {
        assert!(batch.push_text(from, offset, |out| out.extend_from_slice(event.as_bytes())), "{event}");
    }
    (batch, Rollout::new(rollout, &projection, asides))
}

fn rollout(text: &str, paths: &[&str]) -> config::Rollout {
    config::Rollout { share: share(text), by: by(paths), ..config::Rollout::everyone("redact") }
}

/// Which rows of these events are in the share.
fn inside(rollout: &config::Rollout, events: &[&str]) -> Vec<u32> {
    let (batch, rollout) = made(rollout, &Asides::default(), events);
    let (rollout, mut scratch) = (rollout.unwrap(), Scratch::default());
    let rows: Vec<u32> = (0..events.len() as u32).collect();
    let taken: Vec<u32> =
        rows.iter().copied().filter(|&row| rollout.takes(&batch, row, &mut scratch)).collect();
    let decided: Vec<u32> = rows.into_iter().filter(|&row| rollout.decide(&batch, row).inside).collect();
    assert_eq!(taken, decided, "what is told is what is done");
    taken
}

/// The step of a user under a seed.
fn step_of_user(seed: &str, user: &str, hashed: &mut Vec<u8>) -> u32 {
    hashed.clear();
    push(seed.as_bytes(), hashed);
    push(user.as_bytes(), hashed);
    step(xxh3_64(hashed))
}

#[test]
fn every_documented_vector_comes_out_as_it_is_documented() {
    let (_, table) = DOCUMENTED
        .split_once("| seed | by | event | hash | step |\n| --- | --- | --- | --- | --- |\n")
        .unwrap();
    let mut never = 0;
    for line in table.lines() {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, seed, by, event, hash, expected, _] = cells[..] else { panic!("{line}") };
        let paths: Vec<String> = serde_json::from_str(by).unwrap();
        let rollout = config::Rollout {
            seed: serde_json::from_str(seed).unwrap(),
            ..rollout("5%", &paths.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let (batch, rollout) = made(&rollout, &Asides::default(), &[event]);
        let (rollout, mut scratch) = (rollout.unwrap(), Scratch::default());
        let step = rollout.step_of(&batch, 0, &mut scratch);
        assert_eq!(step.map_or("none".to_owned(), |step| step.to_string()), expected, "{line}");
        let hash_of = |_| format!("{:016x}", xxh3_64(&scratch.hashed));
        assert_eq!(step.map_or("none".to_owned(), hash_of), hash, "{line}");
        assert_eq!(rollout.decide(&batch, 0).inside, step.is_some_and(|step| step < 500), "{line}");
        never += usize::from(step.is_none());
    }
    assert_eq!((table.lines().count(), never), (17, 3));
}

#[test]
fn over_a_million_users_a_share_is_within_three_standard_deviations_and_raising_it_only_adds() {
    const USERS: u32 = 1_000_000;
    let shares = ["0%", "0.01%", "0.1%", "1%", "5%", "12.34%", "50%", "99.99%", "100%"].map(share);
    let mut hashed = Vec::new();
    for seed in ["redact", "2026-redact", "", "redact-next", "throttle"] {
        let mut counts = [0u32; 9];
        for user in 0..USERS {
            let step = step_of_user(seed, itoa::Buffer::new().format(user), &mut hashed);
            assert!(step < Share::WHOLE);
            let is_in = shares.map(|share| share.has_step(step));
            assert!(is_in.is_sorted(), "a user is in every larger share");
            counts.iter_mut().zip(is_in).for_each(|(count, is_in)| *count += u32::from(is_in));
        }
        assert_eq!((counts[0], counts[8]), (0, USERS));
        for (share, count) in shares.into_iter().zip(counts) {
            let part = f64::from(share.steps()) / f64::from(Share::WHOLE);
            let expected = f64::from(USERS) * part;
            let deviation = (expected * (1.0 - part)).sqrt();
            let off = (f64::from(count) - expected).abs();
            assert!(off <= 3.0 * deviation, "{seed:?} {share}: {count}, {expected} +- {deviation}");
        }
    }
}

#[test]
fn the_choices_of_two_seeds_have_nothing_to_do_with_each_other() {
    const USERS: u32 = 1_000_000;
    let (half, mut hashed) = (share("50%"), Vec::new());
    let both = (0..USERS).filter(|user| {
        let mut is_in = |seed| half.has_step(step_of_user(seed, &user.to_string(), &mut hashed));
        is_in("a") && is_in("b")
    });
    // A quarter; one standard deviation is 433.
    assert!(both.count().abs_diff(250_000) <= 1_300);
}

#[test]
fn nobody_is_in_none_and_everybody_with_the_fields_in_all() {
    let events = [
        r#"{"u":"a","t":1}"#,
        r#"{"u":"a"}"#,
        r#"{"u":null,"t":1}"#,
        r#"{"u":{"a":1},"t":1}"#,
        r#"{"u":[1],"t":1}"#,
        r#"{"u":"","t":false}"#,
        r#"{}"#,
    ];
    assert_eq!(inside(&rollout("0%", &["u", "t"]), &events), [0; 0]);
    assert_eq!(inside(&rollout("100%", &["u", "t"]), &events), [0, 5]);
    assert_eq!(inside(&rollout("100%", &["u", "%offset", "%source"]), &events), [0, 1, 5]);
}

#[test]
fn a_hook_for_everybody_has_no_rollout_to_ask() {
    let (_, none) = made(&config::Rollout::everyone("redact"), &Asides::default(), &[]);
    assert!(none.is_none());
    for some in [rollout("99.99%", &["%id"]), rollout("100%", &["u"]), rollout("100%", &["%id", "u"])] {
        assert!(made(&some, &Asides::default(), &[]).1.is_some(), "{some:?}");
    }
}

#[test]
fn without_a_field_each_event_is_decided_by_its_id_and_always_the_same() {
    let events = vec!["{}"; 10_000];
    let first = inside(&rollout("5%", &["%id"]), &events);
    assert!((435..=565).contains(&first.len()), "{}", first.len());
    assert_eq!(inside(&rollout("5%", &["%id"]), &events), first);
    let more = inside(&rollout("10%", &["%id"]), &events);
    assert!(first.iter().all(|row| more.contains(row)) && more.len() > first.len());
}

#[test]
fn only_is_asked_first_and_the_reasons_say_what_decided() {
    let only = vec!["t == acme".parse().unwrap(), "n > 1".parse().unwrap()];
    let rollout = config::Rollout { only, ..rollout("100%", &["u", "v"]) };
    let events = [
        r#"{"t":"acme","n":2,"u":"x","v":1}"#,
        r#"{"t":"other","n":2,"u":"x","v":1}"#,
        r#"{"t":"acme","n":2,"v":1}"#,
    ];
    assert_eq!(inside(&rollout, &events), [0]);
    let (batch, rollout) = made(&rollout, &Asides::default(), &events);
    let told = [0, 1, 2].map(|row| {
        let told = rollout.as_ref().unwrap().decide(&batch, row);
        let only: Vec<bool> = told.only.iter().map(|tested| tested.holds).collect();
        let by: Vec<(Option<String>, bool)> =
            told.by.into_iter().map(|seen| (seen.value, seen.counts)).collect();
        (only, by, told.step.is_some())
    });
    let value = |text: &str| (Some(text.to_owned()), true);
    assert_eq!(
        told,
        [
            (vec![true, true], vec![value("\"x\""), value("1")], true),
            (vec![false], vec![], false),
            (vec![true, true], vec![(None, false)], false)
        ]
    );
}

#[test]
fn rows_outside_are_put_aside_for_the_hook_that_is_named_and_for_no_other() {
    let otherwise = |name: &str| config::Rollout {
        otherwise: Otherwise::Hook(name.to_owned()),
        ..rollout("50%", &["u"])
    };
    let rollouts = [otherwise("b"), rollout("50%", &["u"]), otherwise("c")];
    let asides = Asides::new(&rollouts);
    let events: Vec<String> = (0..100).map(|user| format!("{{\"u\":{user}}}")).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let expected = inside(&rollouts[2], &events);
    let (mut batch, rollout) = made(&rollouts[2], &asides, &events);
    let mut rows: Vec<u32> = batch.order().to_vec();
    let outside = rollout.unwrap().split(&mut batch, &mut rows, &mut Scratch::default());
    assert_eq!((&rows, outside as usize), (&expected, 100 - rows.len()));
    for row in 0..100 {
        let names: &[&str] = if expected.contains(&row) { &[] } else { &["c"] };
        assert_eq!(asides.names(&batch, row), names, "{row}");
    }
    assert_eq!((asides.of("a"), asides.of("b") == asides.of("c")), (None, false));
    asides.restore(&mut batch, expected[0], ["nobody", "b"]);
    assert_eq!(asides.names(&batch, expected[0]), ["b"]);
}

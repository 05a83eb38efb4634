use std::fs;

use tempfile::TempDir;

use super::super::load;
use super::*;

const ENDS: &str =
    "[[source]]\nname = \"in\"\ntype = \"stdin\"\n[[sink]]\nname = \"out\"\ntype = \"stdout\"\n";

/// The hooks, or what is wrong with them; the file is called F.
fn hooks(text: &str) -> Result<Vec<Hook>, Vec<String>> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("hookaroon.toml");
    fs::write(&file, format!("{ENDS}{text}")).unwrap();
    let plain = |error: &Error| error.to_string().replace(&file.display().to_string(), "F");
    match load(&file, &|_| None) {
        Ok(config) => Ok(config.hooks),
        Err(errors) => Err(errors.0.iter().map(plain).collect()),
    }
}

fn hook(name: &str, lines: &str) -> String {
    format!("[[hook]]\nname = {name:?}\nplugin = \"redact\"\n{lines}\n")
}

#[test]
fn a_rollout_says_who_and_how_many_and_by_default_everybody() {
    let all = hooks(&hook("h", "")).unwrap();
    assert_eq!(all[0].rollout, Rollout::everyone("h"));
    assert!(all[0].rollout.is_everyone());
    let some = "rollout = { share = \"0.05%\", by = \"user_id\", seed = \"s\", only = \"a == 1\", otherwise = \"next\" }";
    let read = hooks(&(hook("h", some) + &hook("next", ""))).unwrap();
    let expected = Rollout {
        share: "0.05%".parse().unwrap(),
        by: vec!["user_id".parse().unwrap()],
        seed: "s".to_owned(),
        only: vec!["a == 1".parse().unwrap()],
        otherwise: Otherwise::Hook("next".to_owned()),
    };
    assert_eq!(read[0].rollout, expected);
    assert!(!expected.is_everyone());
}

#[test]
fn each_error_in_a_rollout_names_its_place_and_the_remedy() {
    let nine: Vec<String> = (0..9).map(|n| format!("\"f{n}\"")).collect();
    for (lines, told) in [
        (
            "share = 5".to_owned(),
            "F:11:9: hook \"h\": rollout: share = 5: it could mean \"5%\" or \"500%\"; write the one that is meant, with the percent sign",
        ),
        (
            "share = \"0.001%\"".to_owned(),
            "F:11:9: hook \"h\": rollout: share = \"0.001%\" is no share from \"0%\" to \"100%\", in steps of \"0.01%\"",
        ),
        (
            "by = []".to_owned(),
            "F:11:6: hook \"h\": rollout: by names no field; leave it out to go by each event's %id",
        ),
        (
            format!("by = [{}]", nine.join(", ")),
            "F:11:6: hook \"h\": rollout: by names 9 fields; at most 8 are allowed",
        ),
        (
            "by = [\"a\", \".\"]".to_owned(),
            "F:11:6: hook \"h\": rollout: by: the whole event (\".\") cannot decide; name the fields that do",
        ),
        (
            format!("seed = \"{}\"", "s".repeat(257)),
            "F:11:8: hook \"h\": rollout: seed has 257 bytes; at most 256 are allowed",
        ),
        (
            "shares = \"5%\"".to_owned(),
            "F:11:1: hook \"h\": rollout: unknown key \"shares\"; did you mean \"share\"? (allowed: share, by, seed, only, otherwise)",
        ),
        (
            "only = \"a\"".to_owned(),
            "F:11:8: hook \"h\": rollout: only: there is no operator after the path; the operators are ==, !=, in, not in, <, <=, >, >=, exists, missing, like in \"a\"; a condition is PATH OP VALUE, for example: level in error, fatal",
        ),
    ] {
        assert_eq!(hooks(&hook("h", &format!("[hook.rollout]\n{lines}"))).unwrap_err(), [told], "{lines}");
    }
}

#[test]
fn a_required_hook_lets_nobody_by() {
    for (lines, cause) in [
        ("share = \"99.99%\"", "share = \"99.99%\""),
        ("by = \"user_id\"", "by"),
        ("only = \"a exists\"\notherwise = \"pass\"", "only"),
    ] {
        let required = hook("h", &format!("required = true\n[hook.rollout]\n{lines}"));
        let told = format!(
            "F:11:1: hook \"h\": rollout: {cause} with otherwise = \"pass\" would let events by that it did not process, \
             and required = true forbids that"
        );
        assert_eq!(hooks(&required).unwrap_err(), [told], "{lines}");
    }
    assert!(hooks(&hook("h", "required = true\n[hook.rollout]\nshare = \"100%\"\nseed = \"s\"")).is_ok());
    let first = hook("h", "required = true\n[hook.rollout]\nshare = \"5%\"\notherwise = \"next\"");
    assert!(hooks(&(first.clone() + &hook("next", "required = true"))).is_ok());
    let errors = hooks(&(first + &hook("next", ""))).unwrap_err();
    assert!(errors[0].ends_with("that one (F:14) has not, so it may let events by that it did not process; write required = true there too"), "{errors:?}");
}

#[test]
fn otherwise_names_a_later_hook_that_can_take_what_is_left() {
    let named = |name: &str, other: &str| hook(name, &format!("rollout = {{ otherwise = {other:?} }}"));
    let plain = |name: &str| hook(name, "");
    for (text, told) in [
        (
            named("a", "stabel") + &plain("stable"),
            "F:10:25: hook \"a\": rollout: otherwise = \"stabel\": there is no such hook after this one; did you mean \
             \"stable\"? (allowed: pass, stable)",
        ),
        (
            plain("stable") + &named("a", "stable"),
            "F:14:25: hook \"a\": rollout: otherwise = \"stable\": that hook stands before this one (F:7, this one F:11), \
             and events pass the hooks in their order; put it after",
        ),
        (
            named("a", "a"),
            "F:10:25: hook \"a\": rollout: otherwise = \"a\": that is the hook itself; name a later one",
        ),
        (
            named("a", "b") + &hook("b", "enabled = false"),
            "F:10:25: hook \"a\": rollout: otherwise = \"b\": that hook (F:11) is not enabled; enable it",
        ),
        (
            named("a", "b") + &hook("b", "rollout = { share = \"5%\" }"),
            "F:10:25: hook \"a\": rollout: otherwise = \"b\": that hook (F:11) has a rollout of its own; take it out, or name \
             another one",
        ),
        (
            named("a", "c") + &named("b", "c") + &plain("c"),
            "F:14:25: hook \"b\": rollout: otherwise = \"c\": hook \"a\" (F:7) names that hook already; one can",
        ),
        (
            hook("a", "enabled = false\nrollout = { otherwise = \"b\" }") + &plain("b"),
            "F:11:25: hook \"a\": rollout: otherwise = \"b\": this hook is not enabled, so nobody would be handed anything; \
             enable it with share = \"0%\"",
        ),
    ] {
        assert_eq!(hooks(&text).unwrap_err(), [told]);
    }
}

#[test]
fn as_many_hooks_can_name_another_one_as_there_are_marks() {
    let pairs = |count: usize| {
        (0..count)
            .map(|n| {
                hook(&format!("a{n}"), &format!("rollout = {{ otherwise = \"b{n}\" }}"))
                    + &hook(&format!("b{n}"), "")
            })
            .collect::<String>()
    };
    assert!(hooks(&pairs(32)).is_ok());
    let errors = hooks(&pairs(33)).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].ends_with("32 hooks before this one name another one; that is the most"), "{errors:?}");
}

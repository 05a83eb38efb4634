use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::tempdir;

use super::*;

fn entry(target: impl Into<String>) -> Entry {
    let (who, target) = (Some("admin".to_owned()), target.into());
    Entry {
        who,
        role: Some(Role::Admin),
        from: "unix".to_owned(),
        action: "test",
        target,
        ..Entry::default()
    }
}

fn add(audit: &Audit, entry: Entry) {
    audit.begin().unwrap().end(entry).unwrap();
}

#[test]
fn a_change_is_one_line_of_this_users_file() {
    let dir = tempdir().unwrap();
    let audit = Audit::new(dir.path());
    add(&audit, Entry { before: json!(1), after: json!({ "a": 2 }), ..entry("redact") });
    let text = fs::read_to_string(audit.file()).unwrap();
    assert_eq!(text.lines().count(), 1);
    let line: Value = serde_json::from_str(&text).unwrap();
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&line["who"], &line["role"], &line["after"]["a"]),
        (&json!("admin"), &json!("admin"), &json!(2))
    );
    assert_eq!((&line["dry_run"], &line["result"]), (&json!(false), &json!("done")));
    assert_eq!(fs::metadata(audit.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(audit.newest(10, 1 << 20).unwrap().entries, [line]);
}

#[test]
fn five_files_are_kept_and_the_newest_lines_are_read_across_them() {
    let dir = tempdir().unwrap();
    let audit = Audit::new(dir.path());
    for file in 0..FILES + 2 {
        add(&audit, entry(format!("file {file}")));
        // As full as it may be.
        let filling = OpenOptions::new().append(true).open(audit.file()).unwrap();
        filling.set_len(FILE_BYTES).unwrap();
    }
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(
        names.iter().filter(|name| name.to_string_lossy().ends_with(".ndjson")).count(),
        FILES as usize
    );
    let newest = audit.newest(1, 1 << 20).unwrap();
    assert_eq!(
        (newest.entries.len(), newest.unreadable),
        (0, 0),
        "a line of zeros is larger than what was asked for"
    );
}

#[test]
fn refusals_are_bounded_and_those_that_are_not_written_are_counted() {
    let dir = tempdir().unwrap();
    let audit = Audit::new(dir.path());
    (0..REFUSALS + 5).for_each(|_| audit.refuse(entry("redact")));
    add(&audit, entry("redact"));
    let newest = audit.newest(1000, 1 << 20).unwrap().entries;
    assert_eq!(newest.len() as u32, REFUSALS + 1);
    assert_eq!(newest.first().unwrap()["result"], "refused");
    assert_eq!(newest.last().unwrap()["unwritten_refusals"], 5);
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is_changed() {
    let dir = tempdir().unwrap();
    let audit = Audit::new(dir.path());
    symlink(dir.path().join("elsewhere"), audit.file()).unwrap();
    assert!(audit.begin().is_err());
    fs::remove_file(audit.file()).unwrap();
    fs::create_dir(audit.file()).unwrap();
    assert!(audit.begin().is_err());
    fs::remove_dir(audit.file()).unwrap();
    assert!(audit.begin().is_ok());
}

#[test]
fn no_line_is_larger_than_the_room_that_is_reserved_for_it() {
    let dir = tempdir().unwrap();
    let audit = Audit::new(dir.path());
    let long = "\u{1}".repeat(1 << 20);
    let large = Entry {
        who: Some(long.clone()),
        from: long.clone(),
        before: json!(long),
        after: json!("x".repeat(VALUE_BYTES - 2)),
        digest: Some("0".repeat(64)),
        error: Some(long.clone()),
        ..entry(long)
    };
    add(&audit, large);
    let text = fs::read_to_string(audit.file()).unwrap();
    assert!(text.len() as u64 <= LINE_BYTES, "{}", text.len());
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["before"]["bytes"], 6 * (1 << 20) + 2);
    assert_eq!(line["after"].as_str().unwrap().len(), VALUE_BYTES - 2);
}

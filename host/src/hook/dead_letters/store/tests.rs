use std::os::unix::fs::PermissionsExt;
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::config::Keep;
use crate::hook::dead_letters::marks::Attempt;
use crate::hook::dead_letters::record::Content;

const MINUTE: Duration = Duration::from_secs(60);

fn store(max_bytes: u64, max_age: Option<Duration>) -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    let store = Store::new(dir.path(), &config::DeadLetters { max_bytes, max_age, keep: Keep::Event });
    (dir, store)
}

fn line(id: &str, time: SystemTime) -> Vec<u8> {
    let letter = Letter {
        time_ns: time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64,
        id: id.to_owned(),
        hook: "h".to_owned(),
        plugin: String::new(),
        kind: "trap".to_owned(),
        message: String::new(),
        count: 1,
        backtrace: Vec::new(),
        setup: None,
        origin: None,
        content: Content::event(b"{}"),
    };
    let mut line = Vec::new();
    letter.write(&mut line);
    line
}

fn append(store: &Store, id: &str, now: SystemTime) -> bool {
    matches!(store.append("h", &line(id, now), now).unwrap(), Appended::Whole)
}

/// What is there, each with its count, and an `x` behind what was replayed.
fn ids(store: &Store) -> Vec<String> {
    let contents = store.segments().unwrap().into_iter().map(|segment| store.read(&segment).unwrap());
    let shown = |(letter, replayed): (Letter, bool)| {
        format!("{}{}{}", letter.id, letter.count, if replayed { "x" } else { "" })
    };
    contents.flat_map(|contents| contents.letters.into_iter().zip(contents.replayed)).map(shown).collect()
}

fn mark(store: &Store, segment: &Segment, attempts: &[(&str, Attempt)]) {
    let mut lines = Vec::new();
    for (id, attempt) in attempts {
        marks::write(id, *attempt, 0, &mut lines);
    }
    store.mark(segment, &lines).unwrap();
}

#[test]
fn a_segment_is_closed_at_an_eighth_of_the_cap_and_nothing_is_written_over_it() {
    let now = SystemTime::now();
    let length = line("a00", now).len() as u64;
    let (dir, store) = store(length * 16, None);
    for n in 0..16 {
        assert!(append(&store, &format!("a{n:02}"), now), "{n}");
    }
    assert!(!append(&store, "a16", now));
    assert_eq!(store.segments().unwrap().len(), 8);
    assert_eq!(ids(&store).len(), 16);
    let Appended::Full { remedy } = store.append("other", b"{}\n", now).unwrap() else {
        panic!("it is full")
    };
    assert!(remedy.contains("dead-letters replay") && remedy.contains("raise max_bytes"), "{remedy}");
    assert!(remedy.contains(&dir.path().display().to_string()));
    fs::remove_file(&store.segments().unwrap()[0].path).unwrap();
    assert!(append(&store, "a16", now), "there is room again");
    let modes = ["dead-letters", "dead-letters/h", "dead-letters/h/00000009.ndjson"]
        .map(|path| fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777);
    assert_eq!(modes, [0o700, 0o700, 0o600]);
}

#[test]
fn what_is_larger_than_the_cap_has_a_place_when_nothing_else_does() {
    let (_dir, store) = store(1, None);
    assert!(append(&store, "a", SystemTime::now()));
    assert!(!append(&store, "b", SystemTime::now()));
}

#[test]
fn age_removes_whole_segments_and_only_when_their_last_letter_is_too_old() {
    let begin = SystemTime::now() - 100 * MINUTE;
    let (_dir, store) = store(1 << 30, Some(80 * MINUTE));
    assert!(append(&store, "a", begin));
    assert!(append(&store, "b", begin + 9 * MINUTE));
    assert!(append(&store, "c", begin + 11 * MINUTE), "ten minutes are an eighth");
    let segments = store.segments().unwrap();
    assert_eq!(segments.len(), 2, "the first one was closed");
    for (segment, minutes) in segments.iter().zip([10, 11]) {
        let file = File::options().append(true).open(&segment.path).unwrap();
        file.set_modified(begin + minutes * MINUTE).unwrap();
    }
    store.remove_old(begin + 90 * MINUTE).unwrap();
    assert_eq!(ids(&store), ["a1", "b1", "c1"]);
    store.remove_old(begin + 90 * MINUTE + Duration::from_secs(1)).unwrap();
    assert_eq!(ids(&store), ["c1"]);
}

#[test]
fn a_torn_line_is_told_with_its_place_and_what_comes_after_it_is_whole() {
    let now = SystemTime::now();
    let (_dir, store) = store(1 << 30, None);
    assert!(append(&store, "a", now));
    let segment = store.segments().unwrap().remove(0);
    let mut torn = line("b", now);
    torn.truncate(20);
    fs::write(&segment.path, [line("a", now), torn].concat()).unwrap();
    assert!(append(&store, "c", now));
    assert_eq!(ids(&store), ["a1", "c1"]);
    let unreadable = store.read(&segment).unwrap().unreadable;
    assert_eq!(unreadable.len(), 1);
    assert_eq!((&unreadable[0].file, unreadable[0].line), (&segment.path, 2));
    mark(&store, &segment, &[("a", Attempt::Replayed), ("c", Attempt::Replayed)]);
    store.remove_if_replayed(&segment).unwrap();
    assert!(segment.path.exists(), "somebody may still want to read the torn one");
}

#[test]
fn marks_count_attempts_and_a_segment_goes_when_all_of_it_was_replayed() {
    let now = SystemTime::now();
    let (_dir, store) = store(1 << 30, None);
    assert!(append(&store, "a", now) && append(&store, "b", now));
    let segment = store.segments().unwrap().remove(0);
    mark(&store, &segment, &[("a", Attempt::Failed), ("b", Attempt::Replayed)]);
    mark(&store, &segment, &[("a", Attempt::Failed)]);
    assert_eq!(ids(&store), ["a3", "b1x"]);
    store.remove_if_replayed(&segment).unwrap();
    assert!(segment.path.exists());
    assert!(append(&store, "c", now), "a run goes on meanwhile");
    mark(&store, &segment, &[("a", Attempt::Replayed)]);
    store.remove_if_replayed(&segment).unwrap();
    assert_eq!(ids(&store), ["a3x", "b1x", "c1"]);
    mark(&store, &segment, &[("c", Attempt::Replayed)]);
    store.remove_if_replayed(&segment).unwrap();
    assert!(!segment.path.exists() && !segment.marks().exists());
    assert_eq!(store.read(&segment).unwrap().letters.len(), 0, "it is gone, which is no error");
}

#[test]
fn writers_in_many_threads_tear_nothing() {
    let now = SystemTime::now();
    let (_dir, store) = store(64 << 10, None);
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = store.clone();
            scope.spawn(move || {
                for n in 0..20 {
                    assert!(append(&store, &format!("{thread}-{n:02}-"), now));
                }
            });
        }
    });
    let mut all = ids(&store);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 80);
}

#[test]
fn one_process_replays_at_a_time() {
    let (_dir, store) = store(1 << 30, None);
    assert!(append(&store, "a", SystemTime::now()));
    let replaying = store.start_replaying().unwrap();
    assert!(replaying.is_some() && store.start_replaying().unwrap().is_none());
    drop(replaying);
    assert!(store.start_replaying().unwrap().is_some());
}

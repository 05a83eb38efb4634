use super::*;
use std::os::unix::fs::PermissionsExt;

fn compiled() -> Compiled {
    let header = br#"{"Done":{"kind":"module","imports":[],"exports":[],"manifest":null}}"#;
    let length = u32::try_from(header.len()).unwrap().to_le_bytes();
    Compiled::decode([b"hkr1", &length[..], header, b"artifact"].concat(), 0).unwrap()
}

fn key(content: u8) -> Key {
    Key::new(&[content; 32], &[0; 32], &scan::Limits::DEFAULT)
}

fn files(cache: &Cache) -> usize {
    fs::read_dir(&cache.directory).unwrap().count()
}

#[test]
fn what_was_put_comes_back_and_only_under_its_own_key() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(&directory.path().join("deep/cache")).unwrap();
    assert!(cache.get(&key(1)).unwrap().is_none());
    cache.put(&key(1), &compiled()).unwrap();
    assert_eq!(cache.get(&key(1)).unwrap().unwrap().artifact(), b"artifact");
    assert!(cache.get(&key(2)).unwrap().is_none());
    fs::rename(cache.path(&key(1)), cache.path(&key(2))).unwrap();
    assert!(cache.get(&key(2)).unwrap_err().to_string().contains("digest"));
}

#[test]
fn a_key_depends_on_content_engine_and_limits() {
    let base = key(1);
    assert_ne!(base, key(2));
    assert_ne!(base, Key::new(&[1; 32], &[1; 32], &scan::Limits::DEFAULT));
    let limits = scan::Limits { names: 999, ..scan::Limits::DEFAULT };
    assert_ne!(base, Key::new(&[1; 32], &[0; 32], &limits));
}

#[test]
fn an_entry_that_was_torn_or_changed_is_an_error_once_and_then_gone() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path()).unwrap();
    cache.put(&key(1), &compiled()).unwrap();
    let whole = fs::read(cache.path(&key(1))).unwrap();
    for end in 0..whole.len() {
        fs::write(cache.path(&key(1)), &whole[..end]).unwrap();
        assert!(cache.get(&key(1)).is_err(), "cut at {end}");
        assert!(cache.get(&key(1)).unwrap().is_none());
    }
    let mut changed = whole;
    *changed.last_mut().unwrap() ^= 1;
    fs::write(cache.path(&key(1)), &changed).unwrap();
    assert!(cache.get(&key(1)).is_err());
    assert_eq!(files(&cache), 0);
}

#[test]
fn what_others_can_write_to_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path()).unwrap();
    cache.put(&key(1), &compiled()).unwrap();
    fs::set_permissions(cache.path(&key(1)), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(cache.get(&key(1)), Err(CacheError::Exposed { .. })));
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o770)).unwrap();
    let message = Cache::open(directory.path()).unwrap_err().to_string();
    assert!(message.contains("mode 770") && message.contains("chmod 700"), "{message}");
}

#[test]
fn a_new_cache_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(&directory.path().join("cache")).unwrap();
    cache.put(&key(1), &compiled()).unwrap();
    assert_eq!(fs::metadata(&cache.directory).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(cache.path(&key(1))).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn only_so_many_entries_are_kept_and_the_least_recently_used_goes_first() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path()).unwrap();
    let most = u8::try_from(MAX_ENTRIES).unwrap();
    for content in 0..most {
        cache.put(&key(content), &compiled()).unwrap();
        let age = std::time::Duration::from_secs(1000 - u64::from(content));
        File::open(cache.path(&key(content))).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }
    assert!(cache.get(&key(0)).unwrap().is_some(), "now the most recently used");
    cache.put(&key(most), &compiled()).unwrap();
    assert_eq!(files(&cache), MAX_ENTRIES);
    assert!(cache.get(&key(1)).unwrap().is_none(), "the oldest");
    assert!(cache.get(&key(0)).unwrap().is_some());
    assert!(cache.get(&key(most)).unwrap().is_some());
}

#[test]
fn a_place_that_is_no_directory_is_an_error_that_says_what_it_costs() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let message = Cache::open(file.path()).unwrap_err().to_string();
    assert!(message.contains("every start compiles"), "{message}");
}

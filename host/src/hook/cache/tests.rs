use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

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
    let cache = Cache::open(&directory.path().join("deep/data")).unwrap();
    assert!(cache.get(&key(1)).unwrap().is_none());
    cache.put(&key(1), &compiled()).unwrap();
    assert_eq!(cache.get(&key(1)).unwrap().unwrap().artifact(), b"artifact");
    assert!(cache.get(&key(2)).unwrap().is_none());
    fs::rename(cache.path(&key(1)), cache.path(&key(2))).unwrap();
    assert!(cache.get(&key(2)).unwrap_err().to_string().contains("was changed"));
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
fn an_entry_with_any_bit_turned_is_an_error_and_never_used() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path()).unwrap();
    cache.put(&key(1), &compiled()).unwrap();
    let whole = fs::read(cache.path(&key(1))).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        fs::write(cache.path(&key(1)), &changed).unwrap();
        assert!(matches!(cache.get(&key(1)), Err(CacheError::Read { .. })), "bit {bit}");
    }
}

/// What was sealed with another key than the one that is in the file now.
#[track_caller]
fn assert_foreign(data_dir: &Path) {
    let cache = Cache::open(data_dir).unwrap();
    let message = cache.get(&key(1)).unwrap_err().to_string();
    assert!(message.contains("not written with this cache's key"), "{message}");
    assert!(cache.get(&key(1)).unwrap().is_none(), "it is gone");
    cache.put(&key(1), &compiled()).unwrap();
    assert!(Cache::open(data_dir).unwrap().get(&key(1)).unwrap().is_some(), "the new key stays");
}

#[test]
fn an_entry_from_elsewhere_is_foreign_even_if_nothing_in_it_is_wrong() {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for data_dir in [&here, &elsewhere] {
        Cache::open(data_dir.path()).unwrap().put(&key(1), &compiled()).unwrap();
    }
    let path = |data_dir: &Path| data_dir.canonicalize().unwrap().join(DIRECTORY).join(hex(&key(1).0));
    fs::copy(path(elsewhere.path()), path(here.path())).unwrap();
    assert_foreign(here.path());
}

#[test]
fn without_its_key_or_with_a_damaged_one_every_entry_is_foreign() {
    let replaced = |key: &Path, content: &[u8], mode: u32| {
        fs::write(key, content).unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(mode)).unwrap();
    };
    let harms: [&dyn Fn(&Path); 8] = [
        &|key| fs::remove_file(key).unwrap(),
        &|key| replaced(key, b"", 0o600),
        &|key| replaced(key, &[7; SEAL_BYTES - 1], 0o600),
        &|key| replaced(key, &[7; SEAL_BYTES + 1], 0o600),
        // What a file system may leave of it after a crash.
        &|key| replaced(key, &[0; SEAL_BYTES], 0o600),
        &|key| replaced(key, &[7; SEAL_BYTES], 0o600),
        // As it was, but somebody may have read it.
        &|key| replaced(key, &fs::read(key).unwrap(), 0o640),
        &|key| {
            fs::rename(key, key.with_extension("moved")).unwrap();
            symlink(key.with_extension("moved"), key).unwrap();
        },
    ];
    for harm in harms {
        let directory = tempfile::tempdir().unwrap();
        Cache::open(directory.path()).unwrap().put(&key(1), &compiled()).unwrap();
        harm(&directory.path().join(KEY_FILE));
        assert_foreign(directory.path());
    }
}

#[test]
fn the_key_is_random_private_and_shown_to_nobody() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let read = |data_dir: &Path| {
        let cache = Cache::open(data_dir).unwrap();
        assert_eq!(format!("{:?}", cache.sealer), "Sealer");
        let path = data_dir.join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::read(path).unwrap()
    };
    let key = read(one.path());
    assert_eq!(key.len(), SEAL_BYTES);
    assert_ne!(key, read(other.path()));
    assert_eq!(key, read(one.path()), "it is made once");
}

#[test]
fn those_who_start_at_the_same_time_have_the_same_key() {
    let directory = tempfile::tempdir().unwrap();
    let seals: Vec<_> = std::thread::scope(|scope| {
        let open = || Cache::open(directory.path()).unwrap().sealer.seal(&[b"x"]);
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(seals.iter().all(|seal| seal == &seals[0]));
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        2,
        "the cache, its key and nothing unfinished"
    );
}

#[test]
fn without_a_place_for_its_key_there_is_no_cache() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(KEY_FILE)).unwrap();
    let message = Cache::open(directory.path()).unwrap_err().to_string();
    assert!(message.contains("cache-key") && message.contains("cannot be made"), "{message}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path()).unwrap();
    cache.put(&key(1), &compiled()).unwrap();
    let path = cache.path(&key(1));
    fs::rename(&path, directory.path().join("moved")).unwrap();
    symlink(directory.path().join("moved"), &path).unwrap();
    assert!(cache.get(&key(1)).is_err(), "a link");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(cache.get(&key(1)).is_err(), "a pipe");
    assert!(cache.get(&key(1)).unwrap().is_none());
}

#[test]
fn what_others_can_write_to_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path()).unwrap();
    cache.put(&key(1), &compiled()).unwrap();
    fs::set_permissions(cache.path(&key(1)), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(cache.get(&key(1)), Err(CacheError::Exposed { .. })));
    fs::set_permissions(&cache.directory, fs::Permissions::from_mode(0o770)).unwrap();
    let message = Cache::open(directory.path()).unwrap_err().to_string();
    assert!(message.contains("mode 770") && message.contains("chmod 700"), "{message}");
}

#[test]
fn a_new_cache_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(&directory.path().join("data")).unwrap();
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

//! Files that are refused, with an error that says what to do, and left as they were.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod common;

use std::path::Path;

use common::{insert, open, ping, ping_id, record};
use mailping_core::store::StoreError;
use mailping_sqlite::SqliteStore;
use rusqlite::Connection;

/// The reason of a refusal that no retry helps.
fn refusal(file: &Path) -> String {
    match SqliteStore::open(file) {
        Err(StoreError::Incompatible { reason }) => reason,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

#[track_caller]
fn refused_untouched(file: &Path, expected: &str) {
    let before = std::fs::read(file).unwrap();
    let reason = refusal(file);
    assert!(reason.contains(expected), "{reason}");
    assert!(std::fs::read(file).unwrap() == before, "the file was changed");
    let folder = file.parent().unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing is left beside it");
}

/// A file with a few rows, closed.
fn filled(file: &Path) {
    let store = SqliteStore::open(file).unwrap();
    for n in 0..200 {
        insert(&store, &ping(n));
        record(&store, &[open(ping_id(n), 1)]);
    }
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    filled(&file);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    refused_untouched(&file, "newer mailping-sqlite");
}

#[test]
fn a_database_of_another_application_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE pings (id); PRAGMA user_version = 1")
        .unwrap();
    refused_untouched(&file, "another kind");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marked.db");
    Connection::open(&file).unwrap().pragma_update(None, "application_id", 42).unwrap();
    refused_untouched(&file, "another kind");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    // SQLite itself takes a file of a single byte for an empty one.
    for contents in [b"mailping".repeat(1_000), vec![0; 4_096], b"xy".to_vec()] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("letter.txt");
        std::fs::write(&file, contents).unwrap();
        refused_untouched(&file, "not an SQLite database");
    }
}

/// What is left of it is used, and the damaged file stays beside the new one; a file without a
/// whole first page is refused.
#[test]
fn a_truncated_database_starts_with_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.db");
    drop(SqliteStore::open(&empty).unwrap());
    // Without the first page of each table nothing can be saved.
    let schema = usize::try_from(std::fs::metadata(&empty).unwrap().len()).unwrap();
    for (length, is_refused) in
        [(50, true), (100, true), (3 * 4_096 + 17, false), (schema + 2 * 4_096, false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        filled(&file);
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..length.min(whole.len() - 4_096)]).unwrap();
        match SqliteStore::open(&file) {
            Ok(store) => {
                insert(&store, &ping(9_000));
                record(&store, &[open(ping_id(9_000), 1)]);
                assert!(folder.path().join("mailping.db.damaged-1").exists(), "cut to {length}");
            }
            Err(error) => {
                let named = matches!(error, StoreError::Corrupt { .. } | StoreError::Incompatible { .. });
                assert!(named, "cut to {length}: {error:?}");
                assert!(is_refused || length < schema, "cut to {length}: {error:?}");
            }
        }
    }
}

#[test]
fn a_folder_a_missing_folder_and_no_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains("folder"));
    assert!(refusal(&folder.path().join("missing/mailping.db")).contains("does not exist"));
    assert!(refusal(Path::new("")).contains("path of a file"));
    assert!(refusal(Path::new(":memory:")).contains("path of a file"));
}

/// Root may write to anything, so the store is opened by a process without any rights.
#[cfg(unix)]
#[test]
#[ignore = "run as a process by a_read_only_file_is_refused"]
fn a_process_without_rights() {
    let Some((file, _)) = common::given() else { return };
    println!("\nrefused: {}", refusal(&file));
}

#[cfg(unix)]
#[test]
fn a_read_only_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    filled(&file);
    let set_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // The test binary itself may stand where only its owner can reach it.
    let binary = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    set_mode(&binary, 0o755);
    let root = std::process::Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    for (file_mode, folder_mode, expected) in
        [(0o444, 0o555, "read-only"), (0o444, 0o777, "read-only"), (0o000, 0o777, "not readable")]
    {
        set_mode(&file, file_mode);
        set_mode(folder.path(), folder_mode);
        let child = common::process("a_process_without_rights", &file, 0);
        let mut command = std::process::Command::new(&binary);
        command.args(child.get_args());
        command.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if root {
            command.uid(65_534).gid(65_534);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(expected), "{file_mode:o} in {folder_mode:o}: {said}");
    }
    set_mode(folder.path(), 0o755);
}

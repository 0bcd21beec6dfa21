//! The guide's two scripts around a backup: what ended after it ends again once it is restored.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::path::Path;

use mailping_core::pings::Status;
use mailping_core::{Basis, Keyring, NewPing, PingId, Timestamp, Tracker};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;

const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn tracker(file: &Path) -> Tracker {
    let builder = Tracker::builder(Keyring::from_text(KEYS).unwrap(), SqliteStore::open(file).unwrap());
    block_on(builder.base_url("https://app.example/px").unwrap().build()).unwrap()
}

/// Runs a script of the guide on a file.
fn run(name: &str, file: &Path, ends: &Path) {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../mailping-core/docs/stores.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (_, script) = guide.split_once(&format!("-- {name}\n")).unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let script = script.replace("'ends.db'", &format!("'{}'", ends.display()));
    Connection::open(file).unwrap().execute_batch(&script).unwrap();
}

#[test]
fn what_ended_after_a_backup_ends_again_once_it_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let [file, backup, ends] = ["mailping.db", "backup.db", "ends.db"].map(|name| folder.path().join(name));
    let running = tracker(&file);
    let send = |to: &str| {
        let new = NewPing::one_to_one("invoice", Basis::Contract).to(to);
        block_on(running.pings().create(new)).unwrap()
    };
    let [erased, opted_out, objected, live] =
        ["ann@example.com", "bea@example.com", "cid@example.com", "dan@example.com"].map(send);
    run("keep_ends.sql", &file, &ends);
    let late = send("eve@example.com");
    block_on(SqliteStore::open(&file).unwrap().backup(&backup)).unwrap();

    block_on(running.people().erase(erased.id())).unwrap().unwrap();
    block_on(running.people().object_by_link(opted_out.opt_out_url())).unwrap();
    block_on(running.people().object("cid@example.com")).unwrap();
    // Once with ends of before the backup: what came between is not taken for erased.
    for (round, ended) in [Status::Live, Status::Withdrawn].into_iter().enumerate() {
        let restored = folder.path().join(format!("restored_{round}.db"));
        std::fs::copy(&backup, &restored).unwrap();
        run("end_again.sql", &restored, &ends);
        let store = SqliteStore::open(&restored).unwrap();
        block_on(mailping_core::store::Store::purge(&store, Timestamp::from_unix_millis(2), 100)).unwrap();
        drop(store);
        let again = tracker(&restored);
        let status = |id: PingId| block_on(again.pings().get(id)).unwrap().map(|ping| ping.status());
        let expected_erased = if round == 0 { Some(Status::Live) } else { None };
        assert_eq!(status(erased.id()), expected_erased, "round {round}");
        assert_eq!(status(opted_out.id()), Some(ended), "round {round}");
        assert_eq!(status(objected.id()), Some(ended), "round {round}");
        assert_eq!(status(live.id()), Some(Status::Live), "round {round}");
        assert_eq!(status(late.id()), Some(Status::Live), "round {round}");
        for to in ["bea@example.com", "cid@example.com"] {
            let new =
                block_on(again.pings().create(NewPing::one_to_one("later", Basis::Contract).to(to))).unwrap();
            let expected = if round == 0 { Status::Live } else { Status::Untracked };
            assert_eq!(new.status(), expected, "round {round}, {to}");
        }
        run("keep_ends.sql", &file, &ends);
    }
}

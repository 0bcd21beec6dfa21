//! The guide's two scripts around a backup: what ended after it ends again once it is restored.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::{pool, psql, store, url};
use mailping_core::pings::Status;
use mailping_core::store::Store as _;
use mailping_core::{Basis, Keyring, NewPing, PingId, Timestamp, Tracker};

const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

async fn tracker(database: &str) -> Tracker {
    let store = store(&pool(&url(database), 4).await);
    store.migrate().await.unwrap();
    let builder = Tracker::builder(Keyring::from_text(KEYS).unwrap(), store);
    builder.base_url("https://app.example/px").unwrap().build().await.unwrap()
}

/// Runs a script of the guide in a database, with its files in a folder.
fn run(name: &str, database: &str, folder: &Path) {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/high_availability.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (_, script) = guide.split_once(&format!("-- {name}\n")).unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let file = folder.join(name);
    std::fs::write(&file, script).unwrap();
    let mut psql = psql(database);
    let done = psql.args(["--set", "ON_ERROR_STOP=1", "-f"]).arg(&file).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn what_ended_after_a_backup_ends_again_once_it_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    // The server's programs may run as another user.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    common::database("restoring").await;
    let running = tracker("restoring").await;
    let mut sent = Vec::new();
    for to in ["ann@example.com", "bea@example.com", "cid@example.com", "dan@example.com"] {
        let new = NewPing::one_to_one("invoice", Basis::Contract).to(to);
        sent.push(running.pings().create(new).await.unwrap());
    }
    let [erased, opted_out, objected, live] = sent.as_slice() else { unreachable!() };
    run("keep_ends.sql", "restoring", folder.path());
    std::fs::rename(folder.path().join("pings.csv"), folder.path().join("pings_before.csv")).unwrap();
    let late = running.pings().create(NewPing::one_to_one("late", Basis::Contract)).await.unwrap();
    let dump = "CREATE SCHEMA copied; CREATE TABLE copied.pings AS TABLE mailping.pings";
    assert!(psql("restoring").args(["-c", dump]).status().unwrap().success());

    running.people().erase(erased.id()).await.unwrap().unwrap();
    running.people().object_by_link(opted_out.opt_out_url()).await.unwrap();
    running.people().object("cid@example.com").await.unwrap();
    run("keep_ends.sql", "restoring", folder.path());

    // The state of before.
    let restore = "TRUNCATE mailping.pings, mailping.objections;
        INSERT INTO mailping.pings SELECT * FROM copied.pings";
    assert!(psql("restoring").args(["-c", restore]).status().unwrap().success());
    run("end_again.sql", "restoring", folder.path());
    let again = store(&pool(&url("restoring"), 2).await);
    again.purge(Timestamp::from_unix_millis(2), 100).await.unwrap();
    let status = async |id: PingId| running.pings().get(id).await.unwrap().map(|ping| ping.status());
    assert_eq!(status(erased.id()).await, None);
    assert_eq!(status(opted_out.id()).await, Some(Status::Withdrawn));
    assert_eq!(status(objected.id()).await, Some(Status::Withdrawn));
    assert_eq!(status(live.id()).await, Some(Status::Live));
    assert_eq!(status(late.id()).await, Some(Status::Live));
    for to in ["bea@example.com", "cid@example.com"] {
        let new = NewPing::one_to_one("later", Basis::Contract).to(to);
        assert_eq!(running.pings().create(new).await.unwrap().status(), Status::Untracked, "{to}");
    }
}

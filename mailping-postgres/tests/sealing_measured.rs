//! What sealing costs: processor time a hit, the server's among it, and hits beside a large seal.
//! The figures count in release alone: `.ci/full sealing` asks for 100,000 opens; without it a few
//! run, so that this does not rot.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use mailping_fixture_postgres::Server;
use mailping_postgres::PostgresStore;
use mailping_sealing_tests::measured::{self, Measured};
use tokio::runtime::Runtime;

/// A database on a server of its own, which writes through to its disk.
struct Database {
    store: PostgresStore,
    _runtime: Runtime,
    server: Server,
}

impl Measured for Database {
    type Store = PostgresStore;

    fn start() -> Self {
        let (server, runtime) = (Server::start_with(&[]), Runtime::new().unwrap());
        let store = runtime.block_on(async {
            let store = common::store(&common::pool(&server.url("postgres"), 8).await);
            store.migrate().await.unwrap();
            store
        });
        Self { store, _runtime: runtime, server }
    }

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    /// That of this process and of the server with all of its own.
    fn processor_time(&self) -> f64 {
        let pid = std::fs::read_to_string(self.server.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        // Of those that have ended, their parent knows.
        let mut time = measured::micros(&measured::stat("self").unwrap()[11..13])
            + measured::micros(&measured::stat(pid).unwrap()[11..15]);
        let pid: u64 = pid.parse().unwrap();
        for process in std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name()) {
            let fields = measured::stat(process.to_str().unwrap()).filter(|fields| fields[1] == pid);
            time += fields.map_or(0.0, |fields| measured::micros(&fields[11..13]));
        }
        time
    }
}

#[test]
#[ignore = "needs PostgreSQL"]
fn processor_time_a_hit_with_and_without_sealing() {
    measured::processor_time_a_hit_with_and_without_sealing::<Database>();
}

#[test]
#[ignore = "needs PostgreSQL"]
fn hits_beside_a_large_seal() {
    measured::hits_beside_a_large_seal::<Database>();
}

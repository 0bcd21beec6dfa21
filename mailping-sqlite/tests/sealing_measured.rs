//! What sealing costs: processor time a hit, and hits beside a large seal. The figures count in
//! release alone: `.ci/full sealing` asks for 100,000 opens; without it a few run, so that this
//! does not rot.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use mailping_sealing_tests::measured::{self, Measured};
use mailping_sqlite::SqliteStore;
use tempfile::TempDir;

struct File(TempDir);

impl Measured for File {
    type Store = SqliteStore;

    fn start() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(self.0.path().join("mailping.db")).unwrap()
    }

    fn processor_time(&self) -> f64 {
        measured::micros(&measured::stat("self").unwrap()[11..13])
    }
}

#[test]
fn processor_time_a_hit_with_and_without_sealing() {
    measured::processor_time_a_hit_with_and_without_sealing::<File>();
}

#[test]
fn hits_beside_a_large_seal() {
    measured::hits_beside_a_large_seal::<File>();
}

//! Opens in batches of 1,000 through a store, beside the plain ceiling: the same rows in the same
//! sequence into the same tables, as fast as the database takes them. Then the store as it grows,
//! receipts from it, and a purge of a tenth of it while hits go on.
//!
//! `cargo bench -p mailping-benches --bench batches -- STORE [OPENS] [OPENS_WHEN_GROWN]`, in which
//! `STORE` is `sqlite`, `receipts` or `postgres`; 10,000,000 take a quarter of an hour.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a measurement fails by panicking")]

mod grown;
mod postgres;
mod sqlite;
mod traffic;

use std::io::Write as _;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    let number = |n: usize| arguments.get(n).map(|text| text.parse::<usize>().unwrap());
    let opens = number(1).unwrap_or(1_000_000);
    let grown = number(2).unwrap_or(opens);
    println!("a lone fsync of 4 KiB: p50 {:.1?}", fsync());
    match arguments.first().map(String::as_str) {
        Some("sqlite") => sqlite::measure(opens, grown),
        Some("postgres") => runtime().block_on(postgres::measure(opens, grown)),
        Some("receipts") => {
            println!("SQLite");
            sqlite::receipts();
            println!("PostgreSQL");
            runtime().block_on(postgres::receipts());
        }
        _ => eprintln!("usage: sqlite|receipts|postgres [opens] [opens when grown]"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// What the disk under the databases takes to make a page durable.
fn fsync() -> Duration {
    let mut file = tempfile::tempfile().unwrap();
    let mut took: Vec<Duration> = (0..500)
        .map(|_| {
            file.write_all(&[7; 4_096]).unwrap();
            let begun = Instant::now();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2]
}

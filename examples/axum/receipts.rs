//! A small service that makes pings, takes hits and shows receipts, on axum and SQLite.
//!
//! `cargo run --example receipts`, then open the address that it prints.

use std::error::Error;
use std::process::ExitCode;

use mailping_examples_axum::serve;
use mailping_examples_service::{Program, Service, Settings, start_log};
use mailping_sqlite::SqliteStore;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env(Program::Receipts)?;
    start_log(&settings.rust_log);
    settings.lines().for_each(|line| println!("{line}"));

    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let tracker = settings.tracker(store).await?;
    serve(&settings, Service::new(&settings, tracker)).await
}

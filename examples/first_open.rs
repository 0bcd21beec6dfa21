//! Says when a message is first opened. It keeps its place in a file, so that it also says what
//! happened while it did not run. It needs no server: run it beside the example `axum`, on the same
//! database.
//!
//! ```sh
//! cargo run --example first_open -- invoice-42
//! ```

use std::error::Error;
use std::fs;

use mailping_axum::receipts::Mark;
use mailping_axum::{Keyring, Tracker};
use mailping_sqlite::SqliteStore;

const PLACE: &str = "first_open.mark";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let reference = std::env::args().nth(1).ok_or("usage: first_open REFERENCE")?;
    let store = SqliteStore::open("mailping.db")?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;

    let mut events = match fs::read_to_string(PLACE) {
        Ok(mark) => tracker.receipts().events_since(mark.parse()?),
        Err(_) => tracker.receipts().events().await?,
    };
    keep(events.mark())?;
    println!("waiting for {reference}");
    while let Some(event) = events.next().await? {
        if event.is_first_open() && event.reference == reference {
            // Act first and keep the mark after it: what is cut short comes again.
            println!("{reference} was opened at {}", event.at);
        }
        keep(&event.mark)?;
    }
    Ok(())
}

/// Replaces the file as a whole, so that a crash leaves the old mark or the new one.
fn keep(mark: &Mark) -> std::io::Result<()> {
    fs::write("first_open.new", mark.as_str())?;
    fs::rename("first_open.new", PLACE)
}

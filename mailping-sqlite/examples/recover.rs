//! Saves what can be read of a damaged database file to a new one: `recover DAMAGED NEW`.

use mailping_sqlite::SqliteStore;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [damaged, new] = &paths[..] else { return Err("usage: recover DAMAGED NEW".into()) };
    let recovered = SqliteStore::recover(damaged, new)?;
    println!("{recovered:#?}");
    Ok(())
}

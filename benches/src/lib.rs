//! What the benches share: a tracker, its database, and paths of pixels.

use std::error::Error;
use std::sync::Arc;

use mailping_core::geo::{GeoResolver, MaxMind};
use mailping_core::{Basis, Detail, Keyring, MemoryStore, NewPing, Tracker};

/// The city databases named by `MAILPING_GEO`, or the tiny one of the documentation networks.
///
/// # Errors
/// If a database cannot be read.
pub fn geo() -> Result<MaxMind, Box<dyn Error>> {
    Ok(match std::env::var("MAILPING_GEO") {
        Ok(paths) => MaxMind::open_all(paths.split(','))?,
        Err(_) => MaxMind::from_bytes(mailping_fixtures::documentation_ranges()?)?,
    })
}

/// A tracker on a memory store that keeps all there is, without the limit of hits.
///
/// # Errors
/// If the tracker cannot be built.
pub async fn tracker(geo: Arc<dyn GeoResolver>) -> Result<Tracker, Box<dyn Error>> {
    let builder =
        Tracker::builder(Keyring::generate()?, MemoryStore::new()).base_url("http://127.0.0.1/px")?;
    Ok(builder.shared_geo(geo).ceiling(Detail::Network).hit_limit(0).build().await?)
}

/// A pixel's URL with a token that is wrong in its last bits alone, so that only its MAC can tell.
#[must_use]
pub fn forged(pixel_url: &str) -> String {
    let kept = pixel_url.strip_suffix(".gif").unwrap_or(pixel_url);
    let other = if kept.ends_with('a') { 'b' } else { 'a' };
    let kept = kept.get(..kept.len().saturating_sub(1)).unwrap_or_default();
    format!("{kept}{other}.gif")
}

/// Makes pings and prints the paths of their pixels, then an empty line.
///
/// # Errors
/// If a ping cannot be made.
pub async fn paths(tracker: &Tracker, number: u32) -> Result<(), Box<dyn Error>> {
    for n in 0..number {
        let ping =
            tracker.pings().create(NewPing::one_to_one(format!("invoice-{n}"), Basis::Contract)).await?;
        let url = ping.pixel_url().unwrap_or_default();
        println!("{}", url.trim_start_matches("http://127.0.0.1"));
    }
    println!();
    Ok(())
}

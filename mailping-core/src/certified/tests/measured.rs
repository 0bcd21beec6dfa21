//! How large a receipt is, and how long its verification takes.

use std::time::{Duration, Instant};

use super::*;

/// Hourly seals for 90 days, with a million other pings in that time: each is created, fetched and
/// ended once, so that a seal has 1,389 leaves.
#[test]
#[ignore = "needs a minute"]
fn a_receipt_of_ninety_days_among_a_million_pings_is_small_and_soon_verified() {
    const SEALS: u64 = 2_160;
    const LEAVES: u32 = 3 * 1_000_000 / SEALS as u32;
    let mut sender = Sender::new();
    let mut ping = ping();
    (ping.sent_at, ping.record_until) = (after(0.5), after(SEALS as f64 - 0.5));
    for seal in 0..SEALS {
        let new = match seal {
            0 => vec![Statement::created(&sender.key, after(0.5), &ping, &Message::default())],
            2_159 => vec![Statement::ended(ping.record_until, End::RecordUntil)],
            _ if seal % 100 == 12 && seal < 720 => vec![open(seal as u8, seal as f64 + 0.5, Verdict::Human)],
            _ => Vec::new(),
        };
        let due = super::seal::is_due(0, seal);
        let mut leaves = others(seal, if due { LEAVES } else { 1 });
        if !new.is_empty() {
            leaves.insert(&sender.key, seal, &new);
            sender.sealed.insert(seal, new);
        }
        sender.log.seal(after(seal as f64), after(seal as f64 + 1.0), leaves);
    }
    // The last hour is none of those in which an old ping can have a leaf.
    sender.sealed.remove(&2_159);
    let receipt = sender.receipt();
    let begun = Instant::now();
    let certified = verifier().verify(&receipt).unwrap();
    let took = begun.elapsed();
    println!("{} bytes, {} statements, verified in {took:?}", receipt.len(), certified.statements().count());
    assert!(receipt.len() <= 600_000 && took < Duration::from_secs(1));
    if let Some(path) = std::env::var_os("MAILPING_RECEIPT_FILE") {
        std::fs::write(path, receipt).unwrap();
    }
}

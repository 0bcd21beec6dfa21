//! How large a receipt is, and how long its verification takes.

use std::time::{Duration, Instant};

use super::*;

const SEALS: u64 = 2_160;

/// Hourly seals for 90 days. `MAILPING_LEAVES` says how many other pings have something new in
/// each; `.ci/full certified` asks for 1,389: a million of them in that time, each created, fetched
/// and ended once.
#[test]
fn a_receipt_of_ninety_days_is_small_and_soon_verified() {
    let count = std::env::var("MAILPING_LEAVES").map_or(20, |count| count.parse().unwrap());
    let mut sender = Sender::new();
    let mut ping = ping();
    (ping.sent_at, ping.record_until) = (after(0.5), after(SEALS as f64 - 10.5));
    for seal in 0..SEALS {
        let new = match seal {
            0 => vec![Statement::created(&sender.key, after(0.5), &ping, &Message::default())],
            12 | 700 | 1_200 => vec![open((seal % 256) as u8, seal as f64 + 0.5, Verdict::Human)],
            _ => Vec::new(),
        };
        // Nothing is looked up in the seals that are not due.
        let mut leaves = others(seal, if seal::is_due(0, seal) { count } else { 1 });
        if !new.is_empty() {
            leaves.insert(&sender.key, seal, &new);
            sender.sealed.insert(seal, new);
        }
        sender.log.seal(after(seal as f64), after(seal as f64 + 1.0), leaves);
    }
    let receipt = sender.receipt();
    let begun = Instant::now();
    let certified = verifier().verify(&receipt).unwrap();
    let took = begun.elapsed();
    println!("{} bytes, verified in {took:?}", receipt.len());
    assert_eq!(certified.statements().count(), 4);
    assert!(receipt.len() <= 600_000 && took < Duration::from_secs(1));
    if let Some(path) = std::env::var_os("MAILPING_RECEIPT") {
        std::fs::write(path, receipt).unwrap();
    }
}

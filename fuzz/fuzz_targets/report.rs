//! What is mailed to the address that bounces come to: no panic, and a report counts for the ping
//! alone whose token it holds.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mailping_core::{Basis, Keyring, MemoryStore, NewPing, PreparedPing, Tracker};
use pollster::block_on;

static SENT: LazyLock<(Tracker, PreparedPing, String)> = LazyLock::new(|| {
    let builder = Tracker::builder(Keyring::generate().expect("random bytes"), MemoryStore::new());
    let builder = builder.base_url("https://app.example/px").expect("a URL");
    let tracker = block_on(builder.build()).expect("a tracker");
    let ping = block_on(tracker.pings().create(NewPing::one_to_one("a", Basis::Contract))).expect("a ping");
    let address = ping.return_path("b.example");
    (tracker, ping, address)
});

// `TOKEN` in the input is the token of our ping's reports.
fuzz_target!(|data: &[u8]| {
    let (tracker, ping, address) = &*SENT;
    let token = address.split('@').next().expect("a local part");
    let mut message = Vec::with_capacity(data.len());
    let mut rest = data;
    let mut is_ours = false;
    while let Some(at) = rest.windows(5).position(|five| five == b"TOKEN") {
        message.extend_from_slice(&rest[..at]);
        message.extend_from_slice(token.as_bytes());
        rest = &rest[at + 5..];
        is_ours = true;
    }
    message.extend_from_slice(rest);
    let found = block_on(tracker.pings().report(&message)).expect("the memory keeps it");
    assert!(found.is_none() || found == Some(ping.id()) && is_ours, "a report counts without our token");
});

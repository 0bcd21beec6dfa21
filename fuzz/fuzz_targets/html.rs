//! A message's HTML, such as a reply that quotes ours: no panic, and none of our pixels left that a
//! second look would find.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mailping_core::{Basis, Keyring, MemoryStore, NewPing, PreparedPing, Tracker};

static SENT: LazyLock<(Tracker, PreparedPing)> = LazyLock::new(|| {
    let tracker = Tracker::builder(Keyring::generate().expect("random bytes"), MemoryStore::new());
    let tracker = pollster::block_on(tracker.base_url("https://app.example/px").expect("a URL").build());
    let tracker = tracker.expect("a tracker");
    let ping = pollster::block_on(tracker.pings().create(NewPing::one_to_one("a", Basis::Contract))).expect("a ping");
    (tracker, ping)
});

// `PIXEL` in the input is our pixel's address.
fuzz_target!(|html: &str| {
    let (tracker, ping) = &*SENT;
    let html = html.replace("PIXEL", ping.pixel_url().expect("a live ping"));
    let stripped = tracker.pings().strip(&html);
    assert_eq!(tracker.pings().strip(&stripped), stripped);
    let embedded = ping.embed(&html);
    assert_eq!(ping.embed(&embedded), embedded);
});

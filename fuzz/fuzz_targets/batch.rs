//! No bytes are a batch but those that an edge has signed: nothing else is kept, and nothing grows
//! with what a stranger sends.

#![no_main]

use std::sync::LazyLock;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use mailping_core::edge::Batch;
use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::mount::Mount;
use mailping_core::receipts::{Open, OpenId};
use mailping_core::{Keyring, MemoryStore, PingId, Tracker};
use pollster::block_on;

static CENTRE: LazyLock<(Mount, Vec<u8>)> = LazyLock::new(|| {
    let keys = Keyring::generate().expect("random bytes");
    let edge = keys.for_edge("fra").expect("a name");
    let builder = Tracker::builder(keys, MemoryStore::new()).base_url("https://app.example/px").expect("a URL");
    let tracker = block_on(builder.accept_edges(["fra"]).expect("a name").build()).expect("a tracker");
    let (ping, id) = (PingId::from_bytes([7; 16]), OpenId::from_bytes([7; 8]));
    let open = Open::new(ping, id, SystemTime::now().into(), Fetcher::Browser, Verdict::Human);
    let batch = Batch::sign(&edge, SystemTime::now(), None, &[open], &[]).expect("a batch");
    (Mount::new(tracker), batch.as_bytes().to_vec())
});

fuzz_target!(|data: &[u8]| {
    let (mount, signed) = &*CENTRE;
    let post = |bytes: &[u8], part: usize| {
        let mut batch = mount.batch("POST", "/px/edges").expect("a route");
        for part in bytes.chunks(part) {
            if !batch.add(part) {
                break;
            }
        }
        block_on(batch.answer()).status().as_u16()
    };
    let part = usize::from(data.first().copied().unwrap_or(0)) + 1;
    assert_ne!(post(data, part), 200, "a batch was taken that was never signed");
    // The same bytes as changes to the good one.
    let mut changes = data.iter().copied().chain(std::iter::repeat(0));
    let changed: Vec<u8> = signed.iter().map(|byte| byte ^ changes.next().unwrap_or(0)).collect();
    assert_eq!(post(&changed, part) == 200, changed == *signed);
});

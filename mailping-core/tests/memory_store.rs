//! The store in memory keeps every promise of a store but that of durability.

use std::sync::Arc;

use mailping_core::MemoryStore;
use mailping_core::testing::store::CASES;

#[test]
fn the_memory_store_keeps_every_promise() {
    for case in CASES {
        eprintln!("case {}", case.name());
        pollster::block_on(case.run(Arc::new(MemoryStore::new())));
    }
}

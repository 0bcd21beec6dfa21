//! Counts what one call allocates, beside the time that criterion measures.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Prints how many allocations and bytes one call takes, after a first call that fills caches.
pub(crate) fn print_allocations<T>(name: &str, mut call: impl FnMut() -> T) {
    call();
    let region = Region::new(ALLOCATOR);
    let result = call();
    let change = region.change();
    drop(result);
    println!("{name}: {} allocations, {} bytes", change.allocations, change.bytes_allocated);
}

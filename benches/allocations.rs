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

/// Prints how many bytes what a call makes keeps allocated.
#[allow(dead_code, reason = "each bench that includes this file has its own use for it")]
pub(crate) fn print_allocated<T>(name: &str, make: impl FnOnce() -> T) {
    let region = Region::new(ALLOCATOR);
    let made = make();
    let change = region.change();
    drop(made);
    println!("{name}: keeps {} bytes", change.bytes_allocated.saturating_sub(change.bytes_deallocated));
}

//! What is counted of hits before the queue: what leaves nothing, by reason, and what looks like a
//! mistake in the set-up.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Hits that leave nothing, by reason, and what else is counted before the queue.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    pub(crate) token: AtomicU64,
    pub(crate) detail: AtomicU64,
    pub(crate) signal: AtomicU64,
    pub(crate) hit_limit: AtomicU64,
    pub(crate) no_random: AtomicU64,
    pub(crate) no_peer_address: AtomicU64,
    pub(crate) forwarding_ignored: AtomicU64,
    pub(crate) geo: AtomicU64,
    pub(crate) stray_links: AtomicU64,
    pub(crate) warned_of_no_address: AtomicBool,
    pub(crate) warned_of_stray_link: AtomicBool,
}

impl Refusals {
    pub(crate) fn note_no_peer_address(&self) {
        count(&self.no_peer_address);
        if !self.warned_of_no_address.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a pixel request came without a peer address, so its open has no place: if all of them do, serve axum with \
                 `into_make_service_with_connect_info::<SocketAddr>()`, or behind a Unix socket trust `unix` peers by name; if few do, \
                 those clients hung up before they were accepted"
            );
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

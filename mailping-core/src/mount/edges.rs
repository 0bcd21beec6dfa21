//! The route for batches of edges. Without the feature `edges` there is none, and an adapter is the
//! same.

#[cfg(feature = "edges")]
pub use crate::edge::EdgeBatch;
#[cfg(feature = "edges")]
use crate::{Tracker, links};

#[cfg(feature = "edges")]
pub(super) fn batch(tracker: &Tracker, method: &str, is_at: impl Fn(&str) -> bool) -> Option<EdgeBatch> {
    let is_asked = method == "POST" && tracker.0.edges.is_open() && is_at(links::EDGES);
    is_asked.then(|| EdgeBatch::new(tracker.clone()))
}

#[cfg(not(feature = "edges"))]
pub use self::without::EdgeBatch;
#[cfg(not(feature = "edges"))]
pub(super) use self::without::batch;

#[cfg(not(feature = "edges"))]
mod without {
    use bytes::Bytes;
    use http::Response;

    use crate::Tracker;

    /// A request that brings a batch of an edge: with the feature `edges`.
    #[derive(Debug)]
    pub enum EdgeBatch {}

    impl EdgeBatch {
        /// Takes the next part of the body.
        #[must_use]
        pub const fn add(&mut self, _: &[u8]) -> bool {
            match *self {}
        }

        /// What to send.
        pub fn answer(self) -> std::future::Ready<Response<Bytes>> {
            match self {}
        }
    }

    pub(in crate::mount) fn batch(_: &Tracker, _: &str, _: impl Fn(&str) -> bool) -> Option<EdgeBatch> {
        None
    }
}

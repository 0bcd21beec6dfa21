//! The certified receipt of a ping for download, if the program seals.

use mailping_core::{Error, PingId, Tracker};

/// Whether this tracker's receipts can be certified.
#[cfg(feature = "certified")]
pub(crate) fn is_offered(tracker: &Tracker) -> bool {
    tracker.seals().is_some()
}

#[cfg(not(feature = "certified"))]
pub(crate) const fn is_offered(_: &Tracker) -> bool {
    false
}

/// The file; `None` if there is none. Whether the reader may see the ping is asked before.
#[cfg(feature = "certified")]
pub(crate) async fn text(tracker: &Tracker, id: PingId) -> Result<Option<String>, Error> {
    tracker.receipts().certified(id).await
}

#[cfg(not(feature = "certified"))]
#[expect(clippy::unused_async, reason = "as the other one")]
pub(crate) async fn text(_: &Tracker, _: PingId) -> Result<Option<String>, Error> {
    Ok(None)
}

/// The first page of a file of this tracker's as an HTML document to print; `None` if it does not
/// verify, as while the log's key is being changed.
#[cfg(feature = "certified")]
pub(crate) fn to_html(tracker: &Tracker, text: &str) -> Option<String> {
    let key = tracker.seals()?.public_key().clone();
    Some(mailping_core::certified::Verifier::new(key).verify(text).ok()?.to_html())
}

#[cfg(not(feature = "certified"))]
pub(crate) const fn to_html(_: &Tracker, _: &str) -> Option<String> {
    None
}

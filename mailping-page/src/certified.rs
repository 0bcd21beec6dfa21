//! The certified receipt of a ping for download, if the program seals.

#[cfg(feature = "certified")]
use mailping_core::store::StoreError;
use mailping_core::{Error, PingId, PreparedPing, Tracker};

/// Whether this tracker's receipts can be certified.
#[cfg(feature = "certified")]
pub(crate) fn is_offered(tracker: &Tracker) -> bool {
    tracker.seals().is_some()
}

#[cfg(not(feature = "certified"))]
pub(crate) const fn is_offered(_: &Tracker) -> bool {
    false
}

/// The value of the mail's header line `Mailping-Key`; `None` for a ping that is not sealed.
#[cfg(feature = "certified")]
pub(crate) fn header(ping: &PreparedPing) -> Option<&str> {
    Some(ping.key_header()?.1)
}

#[cfg(not(feature = "certified"))]
pub(crate) const fn header(_: &PreparedPing) -> Option<&str> {
    None
}

/// What is made of the receipt.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// The file.
    Text,
    /// Its first page as an HTML document to print.
    Html,
}

/// The receipt; `None` if there is none. Whether the reader may see the ping is asked before.
///
/// It is made and verified beside the runtime's threads, which that would hold up.
#[cfg(feature = "certified")]
pub(crate) async fn made(tracker: &Tracker, id: PingId, form: Form) -> Result<Option<String>, Error> {
    let (tracker, runtime) = (tracker.clone(), tokio::runtime::Handle::current());
    let make = move || {
        let receipts = tracker.receipts();
        match form {
            Form::Text => runtime.block_on(receipts.certified(id)),
            Form::Html => runtime.block_on(receipts.certified_html(id)),
        }
    };
    tokio::task::spawn_blocking(make).await.map_err(|_| StoreError::unavailable("a receipt was not made"))?
}

#[cfg(not(feature = "certified"))]
#[expect(clippy::unused_async, reason = "as the other one")]
pub(crate) async fn made(_: &Tracker, _: PingId, _: Form) -> Result<Option<String>, Error> {
    Ok(None)
}

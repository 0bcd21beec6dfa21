//! Server-sent events: a page's part is sent again whenever it has changed.
//!
//! Streams are bounded in number and in time, and end when the page is told to, so that no server
//! waits for them.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use mailping_core::PingId;
use mailping_core::receipts::Events;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// The most streams at once.
const MAX_STREAMS: usize = 64;
/// How long one goes on. The browser then asks again, and passes the app's login again.
const MAX_TIME: Duration = Duration::from_secs(600);
/// Fetches that come within this time are shown together.
const TOGETHER: Duration = Duration::from_millis(150);
/// How often it is looked for changes that no event tells of: a withdrawal, an objection, another
/// process on the database.
const LOOK: Duration = Duration::from_secs(5);

/// The body of an answer that goes on: the bytes of server-sent events, as they happen.
pub(crate) struct Live(mpsc::Receiver<Bytes>);

impl Stream for Live {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(Ok))
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

/// All streams of a page.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    ended: watch::Sender<bool>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_STREAMS)), ended: watch::Sender::new(false) }
    }
}

impl Streams {
    pub(crate) fn end(&self) {
        self.places.close();
        self.ended.send_replace(true);
    }

    /// `None` if there are too many, or all have ended.
    pub(crate) fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Starts a stream that sends the source's text now and whenever it has changed, until the
    /// client goes, the source ends or the page is told to end.
    pub(crate) fn start(
        &self,
        source: impl Source,
        mut events: Option<Events>,
        place: OwnedSemaphorePermit,
    ) -> Live {
        let (sender, receiver) = mpsc::channel(1);
        let mut ended = self.ended.subscribe();
        tokio::spawn(async move {
            let _place = place;
            let run = run(&source, &mut events, &sender);
            tokio::select! {
                () = run => {}
                () = sender.closed() => {}
                _ = ended.wait_for(|ended| *ended) => {}
                () = sleep(MAX_TIME) => {}
            }
        });
        Live(receiver)
    }
}

/// What a stream shows.
pub(crate) trait Source: Send + Sync + 'static {
    /// Whether new fetches of these pings may have changed it.
    fn concerns(&self, pings: &[PingId]) -> bool;
    /// The part of the page as it is now; `None` ends the stream.
    fn render(&self) -> impl Future<Output = Option<String>> + Send;
}

async fn run(source: &impl Source, events: &mut Option<Events>, sender: &mpsc::Sender<Bytes>) {
    let mut shown = String::new();
    while let Some(text) = source.render().await {
        // Without news a comment is sent, by which a client that has gone silently is found out.
        let message = if text == shown { Bytes::from_static(b":\n\n") } else { message(&text) };
        shown = text;
        if sender.send(message).await.is_err() || !changed(source, events).await {
            return;
        }
    }
}

/// Waits until there may be news; `false` if no more come.
async fn changed(source: &impl Source, events: &mut Option<Events>) -> bool {
    let look = Instant::now() + LOOK;
    loop {
        let Some(following) = events else {
            sleep_until(look).await;
            return true;
        };
        tokio::select! {
            pings = following.changed() => match pings {
                Ok(Some(pings)) if source.concerns(&pings) => {
                    sleep(TOGETHER).await;
                    return true;
                }
                Ok(Some(_)) => {}
                Ok(None) => return false,
                // The store cannot be read now: the page looks at its times.
                Err(_) => *events = None,
            },
            () = sleep_until(look) => return true,
        }
    }
}

/// One event; each line of its data has a field of its own.
fn message(text: &str) -> Bytes {
    let mut message = String::with_capacity(text.len() + 256);
    message.push_str("event: shown\n");
    for line in text.split(['\n', '\r']) {
        message.push_str("data: ");
        message.push_str(line);
        message.push('\n');
    }
    message.push('\n');
    message.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_field_so_that_no_text_ends_the_event() {
        let bytes = message("<p>\n\nevent: evil\rid: 7");
        assert_eq!(
            std::str::from_utf8(&bytes),
            Ok("event: shown\ndata: <p>\ndata: \ndata: event: evil\ndata: id: 7\n\n")
        );
    }
}

//! [mailping](mailping_core)'s routes as a [`tower::Service`](tower_service::Service) on `http` 1:
//! the pixel and the opt-out page for hyper, Salvo, poem, tonic and whatever else takes a service.
//! For axum there is `mailping-axum`, which is built on this.
//!
//! ```no_run
//! use hyper::server::conn::http1;
//! use hyper_util::rt::TokioIo;
//! use hyper_util::service::TowerToHyperService;
//! use mailping_tower::{Keyring, MemoryStore, Peer, PixelService, Tracker};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, MemoryStore::new())
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! loop {
//!     let (stream, peer) = listener.accept().await?;
//!     let service = PixelService::new(tracker.clone()).from_peer(Some(Peer(peer.ip())));
//!     let service = TowerToHyperService::new(service);
//!     let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
//!     tokio::spawn(connection);
//! }
//! # }
//! ```
//!
//! Behind a reverse proxy say which header to believe: [the guide](mailping_core::guide::proxies).
//! The words, what is kept and the security notes are on the page of [`mailping_core`], all of
//! whose names are here too.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::CONNECTION;
use http::{Extensions, HeaderValue, Method, Request, Response, Version};
use http_body::{Body, Frame};
use http_body_util::Full;
use mailping_core::intake::PixelRequest;
use mailping_core::mount::{EdgeBatch, Mount, Timeout};
#[doc(no_inline)]
pub use mailping_core::*;
use tower_service::Service;

/// The most bytes of a body that are read and thrown away to keep its connection.
const MAX_UNREAD_BODY: usize = 16 * 1024;
/// How long an answer waits for the rest of such a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a batch of an edge may take to arrive: an edge waits 15 seconds for its answer.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Who connects: put it into a request's extensions if the service serves several connections.
/// Never a made-up address, and never one from a header: the core reads those itself.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an address and nothing else")]
pub struct Peer(pub IpAddr);

/// Shows no address.
impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Peer([redacted])")
    }
}

/// Answers every request: below its [`Mount`] with the picture and the opt-out page, elsewhere with
/// 404. Cheap to clone.
///
/// Without a [`Peer`] every pixel is still answered and every open kept, but without a network and
/// a place.
#[derive(Debug, Clone)]
pub struct PixelService {
    mount: Mount,
    peer: Option<Peer>,
    find_peer: fn(&Extensions) -> Option<IpAddr>,
}

impl PixelService {
    /// Below the path of the tracker's base URL.
    #[must_use]
    pub fn new(tracker: Tracker) -> Self {
        Self::from(Mount::new(tracker))
    }

    /// Below another path, for a proxy or a router that changes it on the way; `""` is every path.
    #[must_use]
    pub fn at(path: &str, tracker: Tracker) -> Self {
        Self::from(Mount::at(path, tracker))
    }

    /// For one connection, whose peer is known; `None` if it has no address, as on a Unix socket.
    #[must_use]
    pub fn from_peer(self, peer: Option<Peer>) -> Self {
        Self { peer, ..self }
    }

    /// For a framework that puts the peer into the extensions in its own form, rather than as a
    /// [`Peer`].
    #[must_use]
    pub fn find_peer(self, find_peer: fn(&Extensions) -> Option<IpAddr>) -> Self {
        Self { find_peer, ..self }
    }

    /// Where it is mounted.
    #[must_use]
    pub const fn mount(&self) -> &Mount {
        &self.mount
    }
}

impl From<Mount> for PixelService {
    fn from(mount: Mount) -> Self {
        Self { mount, peer: None, find_peer: |extensions| extensions.get::<Peer>().map(|peer| peer.0) }
    }
}

impl<B> Service<Request<B>> for PixelService
where
    B: Body<Data: Send> + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    /// Dropping it loses no open.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let peer = (self.find_peer)(request.extensions()).or(self.peer.map(|peer| peer.0));
        if let Some(batch) = self.mount.batch(request.method().as_str(), request.uri().path()) {
            return Box::pin(take(batch, request));
        }
        let pixel = PixelRequest::new(request.uri().path(), peer, request.headers());
        let answering = self.mount.answer(request.method().as_str(), &pixel);
        let (version, is_head) = (request.version(), request.method() == Method::HEAD);
        let body = request.into_body();
        Box::pin(async move {
            let mut answer = answering.await.map(Full::new);
            if is_head {
                // Over HTTP/2 hyper sends whatever there is.
                *answer.body_mut() = Full::default();
            }
            if !body.is_end_stream() && !read_away(body).await {
                say_that_it_closes(version, &mut answer);
            }
            Ok(answer)
        })
    }
}

/// Answers a request that brings a batch of an edge.
async fn take<B>(mut batch: EdgeBatch, request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: Body<Data: Send> + Send + 'static,
{
    let version = request.version();
    let (mut body, mut timeout) = (pin!(request.into_body()), Timeout::after(BATCH_TIMEOUT));
    let is_read = loop {
        let Some(frame) = next(body.as_mut(), &mut timeout).await else { break false };
        let Some(Ok(frame)) = frame else { break true };
        let Ok(mut part) = frame.into_data() else { continue };
        let mut is_wanted = true;
        while is_wanted && part.has_remaining() {
            let length = part.chunk().len();
            is_wanted = batch.add(part.chunk());
            part.advance(length);
        }
        if !is_wanted {
            break false;
        }
    };
    let mut answer = batch.answer().await.map(Full::new);
    if !is_read {
        say_that_it_closes(version, &mut answer);
    }
    Ok(answer)
}

/// Whether the rest of a request's body was read: in time, and not too long to be. It says nothing
/// that is needed, but hyper closes a connection with an unread body without saying so.
async fn read_away(body: impl Body) -> bool {
    let (mut body, mut timeout, mut read) = (pin!(body), Timeout::after(BODY_TIMEOUT), 0);
    while let Some(frame) = next(body.as_mut(), &mut timeout).await {
        match frame {
            None => return true,
            Some(Ok(frame)) if read <= MAX_UNREAD_BODY => read += frame.data_ref().map_or(0, Buf::remaining),
            Some(_) => return false,
        }
    }
    false
}

/// The next part of a body, which ends with `Some(None)`; `None` if it did not come in time.
async fn next<B: Body>(
    mut body: Pin<&mut B>,
    timeout: &mut Timeout,
) -> Option<Option<Result<Frame<B::Data>, B::Error>>> {
    if body.is_end_stream() {
        return Some(None);
    }
    poll_fn(|context| match body.as_mut().poll_frame(context) {
        Poll::Ready(frame) => Poll::Ready(Some(frame)),
        Poll::Pending => Pin::new(&mut *timeout).poll(context).map(|()| None),
    })
    .await
}

fn say_that_it_closes(version: Version, answer: &mut Response<Full<Bytes>>) {
    if version <= Version::HTTP_11 {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

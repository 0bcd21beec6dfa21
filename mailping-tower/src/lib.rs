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

mod answer;

use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Extensions, Request};
use http_body_util::Full;
use mailping_core::intake::PixelRequest;
use mailping_core::mount::Mount;
#[doc(no_inline)]
pub use mailping_core::*;
use tower_service::Service;

pub use self::answer::PixelFuture;

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

impl<B: http_body::Body> Service<Request<B>> for PixelService {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = PixelFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> PixelFuture<B> {
        let peer = (self.find_peer)(request.extensions()).or(self.peer.map(|peer| peer.0));
        let pixel = PixelRequest::new(request.uri().path(), peer, request.headers());
        let answering = self.mount.answer(request.method().as_str(), &pixel);
        PixelFuture::new(answering, request)
    }
}

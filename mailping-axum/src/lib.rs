//! Mounts [mailping](mailping_core)'s routes in an axum app: the pixel and the opt-out page.
//!
//! ```no_run
//! use std::net::SocketAddr;
//!
//! use axum::Router;
//! use mailping_axum::{Keyring, MemoryStore, Tracker};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, MemoryStore::new())
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! let app = Router::new().merge(mailping_axum::routes(tracker));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Without `into_make_service_with_connect_info` axum does not tell who connects: every pixel is
//! still answered and every open kept, but without a network and a place.
//!
//! # What your own server logs
//!
//! mailping logs no address and no token, but a middleware around its routes sees both.
//! `Router::layer` wraps what was added before it: merge the routes last, after every layer that
//! logs.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_http::trace::TraceLayer;
//! # use mailping_axum::Tracker;
//!
//! # fn app(tracker: Tracker) -> Router {
//! Router::new()
//!     .route("/", get(async || "hello"))
//!     .layer(TraceLayer::new_for_http())
//!     .merge(mailping_axum::routes(tracker)) // after the layer: it sees no pixel
//! # }
//! ```
//!
//! `axum::serve` itself logs each peer's address at the level `trace`: if you keep logs of that
//! level, filter them with `axum::serve=info`.
//!
//! # Half-sent requests
//!
//! The routes wait for the rest of a request's body for five seconds, or ten if it is a batch of an
//! edge, then answer and end the connection. Heads are the server's business: `axum::serve` waits
//! for the rest of one for ever, and each such client holds a connection. Let a reverse proxy end
//! them, or set a limit on the connection itself:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::Router;
//! use axum::extract::ConnectInfo;
//! use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
//! use hyper_util::rt::{TokioIo, TokioTimer};
//! use tower_service::Service as _;
//!
//! # async fn serve(app: Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
//! let mut http = http1::Builder::new();
//! http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(5));
//! loop {
//!     let (socket, peer) = listener.accept().await?;
//!     let app = app.clone();
//!     let service = service_fn(move |mut request: Request<Incoming>| {
//!         request.extensions_mut().insert(ConnectInfo(peer));
//!         app.clone().call(request)
//!     });
//!     tokio::spawn(http.serve_connection(TokioIo::new(socket), service));
//! }
//! # }
//! ```
//!
//! `mailping-server/src/connections.rs` has the same with a graceful end.
//!
//! Behind a reverse proxy say which header to believe: [the guide](mailping_core::guide::proxies).
//! The words, what is kept and the security notes are on the page of [`mailping_core`], all of
//! whose names are here too.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use mailping_core::mount::Mount;
#[doc(no_inline)]
pub use mailping_core::*;
use mailping_tower::PixelService;

/// The routes below the path of the tracker's base URL, for `merge`: [`Mount::answer`] says what
/// they answer.
///
/// Every path below is ours, however a mail program has changed it. A base URL without a path
/// therefore takes every path that the app has no other route for, so give it a host of its own.
///
/// A picture is answered once its open is on disk, at the tracker's deadline, or at once if nothing
/// is kept: because it must not be, or because the queue is full, which is counted. What the token
/// says does not show in the answer.
///
/// axum's own 404 hides a link of ours that comes in below another path: call [`Mount::stray`] in
/// your fallback to learn of it.
///
/// # Panics
/// If the path has a part that begins with `:` or `*`, which axum refuses, or if another route of
/// the app has it.
pub fn routes<S>(tracker: Tracker) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    mounted(Mount::new(tracker))
}

/// The [`routes`] below another path, such as `/px`, for a proxy that changes it on the way. `""`
/// is every path: for a proxy that strips the base URL's, or for `nest`, which does so too and
/// takes half a microsecond for it.
///
/// axum gives `/px/` to no route that is nested at `/px`; nested at `/px/`, all is served, and only
/// `/px` is not. Mail never holds either of the two.
///
/// # Panics
/// As [`Router::route`] does: if `path` has a part that begins with `:` or `*` or is in braces, or
/// if another route of the app has it.
pub fn routes_at<S>(path: &str, tracker: Tracker) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    mounted(Mount::at(path, tracker))
}

fn mounted<S>(mount: Mount) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let service = PixelService::from(mount.clone())
        .find_peer(|of| of.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip()));
    let path = mount.path();
    let router =
        if path.is_empty() { Router::new() } else { Router::new().route_service(path, service.clone()) };
    router
        .route_service(&format!("{path}/"), service.clone())
        .route_service(&format!("{path}/{{*rest}}"), service)
}

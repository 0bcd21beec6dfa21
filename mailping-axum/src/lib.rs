//! Mounts [mailping](mailping_core)'s routes in an axum app: the pixel and the opt-out page.
//!
//! ```no_run
//! use std::net::SocketAddr;
//!
//! use axum::Router;
//! use mailping_core::{Keyring, MemoryStore, Tracker};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, MemoryStore::new())
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! let app = Router::new().merge(mailping_axum::routes_at("/px", tracker));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Without `into_make_service_with_connect_info` axum does not tell who connects: every pixel is still answered and
//! every open kept, but without a network and a place.
//!
//! `axum::serve` itself logs the peer's address, at the level `trace` of the target `axum::serve`: filter that target where
//! logs of that level are kept.
//!
//! Behind a reverse proxy say which header to believe: [the guide](mailping_core::guide::proxies). The words, what is kept and the security notes
//! stand on the page of [`mailping_core`].
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
pub use mailping_core;
use mailping_core::{PixelRequest, Recording, Tracker, opt_out, pixel};

/// The routes below the tracker's base URL, for `nest` at its path or `merge` where that is `/`; [`routes_at`] is quicker than `nest`:
///
/// | path | GET | HEAD | POST |
/// |---|---|---|---|
/// | `/{token}.gif`, `/{token}`, `/` | records, then the picture | the picture's headers | 405 |
/// | `/{token}/opt-out` | the page | the page's headers | objects, then the page |
///
/// A picture is answered once its open is on disk, at the tracker's deadline, or at once if nothing is kept: because it must not be, or
/// because the queue is full, which is counted. What the token says does not show in the answer.
///
/// axum gives `/px/` to no route that is nested at `/px`; nested at `/px/`, all of the above is served, and only
/// `/px` is not. Mail never holds either of the two.
pub fn routes<S>(tracker: Tracker) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes_at("", tracker)
}

/// The [`routes`] below `path`, such as `/px`, for `merge`: all of them, and `path` without a slash as an empty token.
///
/// A request costs about half a microsecond less than by `nest`, which rewrites its URI.
///
/// # Panics
/// As [`Router::route`] does: where `path` begins with no slash, is no route of axum's, or is merged where another route stands.
pub fn routes_at<S>(path: &str, tracker: Tracker) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let objecting = tracker.clone();
    // The open is queued before there is a future: a client that hangs up drops only the waiting.
    let serve = move |request: Request| picture_after(record(&tracker, &request));
    let object = move |request: Request| {
        let tracker = objecting.clone();
        async move {
            let answer = opt_out::object(&tracker, request.uri().path()).await;
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            (status, opt_out::HEADERS, answer.page).into_response()
        }
    };
    // Without a route of its own, HEAD would run the handler of GET and record an open.
    let pixel = get(serve).head(async || picture());
    let path = path.trim_end_matches('/');
    let router = if path.is_empty() { Router::new() } else { Router::new().route(path, pixel.clone()) };
    router.route(&format!("{path}/"), pixel.clone()).route(&format!("{path}/{{token}}"), pixel).route(
        &format!("{path}/{{token}}/opt-out"),
        get(async || (opt_out::HEADERS, opt_out::PAGE)).post(object),
    )
}

fn record(tracker: &Tracker, request: &Request) -> Recording {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    tracker.record(&PixelRequest::new(request.uri().path(), peer, request.headers()))
}

async fn picture_after(recording: Recording) -> Response {
    // Whatever became of the open, the answer is the same; the tracker counts what was lost.
    let _ = recording.await;
    picture()
}

/// Parsed once, with the length that axum would write for each answer anew.
static PICTURE: LazyLock<HeaderMap> = LazyLock::new(|| {
    let headers = pixel::HEADERS.into_iter();
    headers
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .chain([(CONTENT_LENGTH, HeaderValue::from(pixel::BYTES.len()))])
        .collect()
});

fn picture() -> Response {
    let mut picture = Response::new(Body::from(pixel::BYTES.as_slice()));
    *picture.headers_mut() = PICTURE.clone();
    picture
}

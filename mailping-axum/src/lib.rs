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
//! # What your own server logs
//!
//! mailping logs no address and no token, but a middleware around its routes sees both.
//! `Router::layer` wraps what was added before it: merge the routes last, after every layer that
//! logs.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_http::trace::TraceLayer;
//! # use mailping_core::Tracker;
//!
//! # fn app(tracker: Tracker) -> Router {
//! Router::new()
//!     .route("/", get(async || "hello"))
//!     .layer(TraceLayer::new_for_http())
//!     .merge(mailping_axum::routes_at("/px", tracker)) // after the layer: it sees no pixel
//! # }
//! ```
//!
//! `axum::serve` itself logs each peer's address at the level `trace`: if you keep logs of that
//! level, filter them with `axum::serve=info`.
//!
//! # Half-sent requests
//!
//! `axum::serve` waits for the rest of a request's head for ever, and each such client holds a
//! connection. Let a reverse proxy end them, or set a limit on the connection itself:
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
//! `examples/axum/src/connections.rs` has the same with a graceful end.
//!
//! Behind a reverse proxy say which header to believe: [the guide](mailping_core::guide::proxies). The words, what is kept and the security notes
//! stand on the page of [`mailping_core`].
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{ALLOW, CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
pub use mailping_core;
use mailping_core::intake::{Link, PixelRequest, Recording};
use mailping_core::{Tracker, opt_out, pixel};

/// The most bytes of a body that are read and thrown away to keep its connection.
const MAX_UNREAD_BODY: usize = 16 * 1024;

/// The routes below the tracker's base URL, for `nest` at its path or `merge` if that is `/`;
/// [`routes_at`] is quicker than `nest`:
///
/// | path | GET | HEAD | POST |
/// |---|---|---|---|
/// | `/{token}.gif` and every other path | records, then the picture | the picture's headers | 405 |
/// | `/{token}/opt-out` | the page | the page's headers | objects, then the page |
///
/// Every path below is ours, however a mail program has changed it: see [`Link`]. A base URL with
/// the path `/` therefore takes every path that the app has no other route for, so give it a host
/// of its own.
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
/// As [`Router::route`] does: if `path` begins with no slash, is no route of axum's, or is merged where another route stands.
pub fn routes_at<S>(path: &str, tracker: Tracker) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    tracker.intake().start();
    let routes = any(move |request: Request| {
        // An open is queued before there is a future: a client that hangs up drops only the
        // waiting.
        let work = Work::begin(&tracker, &request);
        let (version, body) = (request.version(), request.into_body());
        async move { after_body(body, version, work.finish().await).await }
    });
    let path = path.trim_end_matches('/');
    let router = if path.is_empty() { Router::new() } else { Router::new().route(path, routes.clone()) };
    router.route(&format!("{path}/"), routes.clone()).route(&format!("{path}/{{*rest}}"), routes)
}

/// What one request comes to.
enum Work {
    Record(Recording),
    Object(Tracker, Uri),
    Answer(Response),
}

impl Work {
    fn begin(tracker: &Tracker, request: &Request) -> Self {
        let path = request.uri().path();
        let answer = match (Link::of(path), request.method()) {
            (Link::Pixel, &Method::GET) => return Self::Record(record(tracker, request)),
            (Link::OptOut, &Method::POST) => {
                return Self::Object(tracker.clone(), request.uri().clone());
            }
            (Link::Pixel, &Method::HEAD) => {
                tracker.intake().note_head(&pixel_request(request));
                picture()
            }
            (Link::OptOut, &Method::GET | &Method::HEAD) => page(opt_out::ask(tracker, path)),
            (Link::Pixel, _) => not_allowed("GET, HEAD"),
            (Link::OptOut, _) => not_allowed("GET, HEAD, POST"),
        };
        Self::Answer(answer)
    }

    async fn finish(self) -> Response {
        match self {
            Self::Record(recording) => {
                // Whatever became of the open, the answer is the same; the tracker counts what was
                // lost.
                let _ = recording.await;
                picture()
            }
            Self::Object(tracker, uri) => page(opt_out::object(&tracker, uri.path()).await),
            Self::Answer(answer) => answer,
        }
    }
}

fn record(tracker: &Tracker, request: &Request) -> Recording {
    tracker.intake().record(&pixel_request(request))
}

fn pixel_request(request: &Request) -> PixelRequest<'_> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    PixelRequest::new(request.uri().path(), peer, request.headers())
}

/// Reads the rest of a body, which says nothing that is needed: hyper closes a connection with an
/// unread one without saying so.
async fn after_body(mut body: Body, version: Version, mut answer: Response) -> Response {
    let mut read = 0;
    while !body.is_end_stream() {
        match poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            None => break,
            Some(Ok(frame)) if read <= MAX_UNREAD_BODY => read += frame.data_ref().map_or(0, Bytes::len),
            Some(_) => {
                if version <= Version::HTTP_11 {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                break;
            }
        }
    }
    answer
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

fn page(answer: opt_out::Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, opt_out::HEADERS, answer.page).into_response()
}

fn not_allowed(methods: &'static str) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, methods)]).into_response()
}

//! Mounts [mailping](mailping_core)'s routes in an actix-web app: the pixel and the opt-out page.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use mailping_core::{Keyring, MemoryStore, Tracker};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, MemoryStore::new())
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! HttpServer::new(move || {
//!     App::new().service(web::scope("/px").configure(mailping_actix::routes(tracker.clone())))
//! })
//! .bind("127.0.0.1:3000")?
//! .run()
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What your own server logs
//!
//! mailping logs no address and no token, but a middleware around its routes sees both:
//! `Logger::default()` prints the address, the token, the `Referer` and the `User-Agent` of each
//! request. Wrap the rest of the app in it, not the app:
//!
//! ```
//! use actix_web::{App, middleware::Logger, web};
//! # use mailping_core::Tracker;
//!
//! # fn app(tracker: Tracker) {
//! App::new()
//!     .service(web::scope("/px").configure(mailping_actix::routes(tracker.clone())))
//!     .service(
//!         web::scope("") // everything else
//!             .wrap(Logger::default())
//!             .route("/", web::get().to(async || "hello")),
//!     )
//! # ;
//! # }
//! ```
//!
//! If it must wrap the app, give it `.exclude_regex("^/px(/|$)")`. That looks at the path as it was
//! sent, so a fetch of `/%70x/…`, which actix takes for `/px/…`, is logged.
//!
//! # Pipelined requests
//!
//! actix-http (3.20) keeps one set of flags for all pipelined requests of a connection: a HEAD that
//! is followed by a GET in the same packet is answered with a body, and a request with `connection:
//! close` that arrives while the one before it still waits for the store makes that answer say so,
//! though it is not the last. Mail programs do not pipeline.
//!
//! Behind a reverse proxy say which header to believe: [the guide](mailping_core::guide::proxies). The words, what is kept and the security notes
//! stand on the page of [`mailping_core`].
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::task::Poll;

use actix_web::http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue, TryIntoHeaderPair};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
pub use mailping_core;
use mailping_core::intake::{HeaderSource, Link, PixelRequest, Recording};
use mailping_core::{Tracker, opt_out, pixel};

/// The routes below the tracker's base URL, for `web::scope(..).configure(..)` at its path or
/// `App::configure` if that is `/`:
///
/// | path | GET | HEAD | POST |
/// |---|---|---|---|
/// | `/{token}.gif` and every other path | records, then the picture | the picture's headers | 405 |
/// | `/{token}/opt-out` | the page | the page's headers | objects, then the page |
///
/// Every path below is ours, however a mail program has changed it: see [`Link`]. A base URL with
/// the path `/` therefore takes every path that is not registered before it, so register it last.
///
/// A picture is answered once its open is on disk, at the tracker's deadline, or at once if nothing is kept: because it must not be, or
/// because the queue is full, which is counted. What the token says does not show in the answer.
pub fn routes(tracker: Tracker) -> impl FnOnce(&mut ServiceConfig) + Clone {
    tracker.intake().start();
    move |config: &mut ServiceConfig| {
        // An open is queued before there is a future: a client that hangs up drops only the
        // waiting.
        let serve = move |request: HttpRequest| Work::begin(&tracker, &request).finish();
        // actix gives the scope itself only to the empty pattern. It tries them in turn: the common
        // one first.
        for path in ["/{rest:.*}", ""] {
            config.service(web::resource(path).to(serve.clone()));
        }
    }
}

/// What one request comes to.
enum Work {
    Record(Recording),
    Object(Tracker, Uri),
    Answer(HttpResponse),
}

impl Work {
    fn begin(tracker: &Tracker, request: &HttpRequest) -> Self {
        let path = request.uri().path();
        let answer = match (Link::of(path), request.method()) {
            (Link::Pixel, &Method::GET) => return Self::Record(record(tracker, request)),
            (Link::OptOut, &Method::POST) => {
                return Self::Object(tracker.clone(), request.uri().clone());
            }
            (Link::Pixel, &Method::HEAD) => {
                tracker.intake().note_head(&pixel_request(request, &Headers(request.headers())));
                picture()
            }
            (Link::OptOut, &Method::GET | &Method::HEAD) => page(opt_out::ask(tracker, path)),
            (Link::Pixel, _) => not_allowed("GET, HEAD"),
            (Link::OptOut, _) => not_allowed("GET, HEAD, POST"),
        };
        Self::Answer(answer)
    }

    async fn finish(self) -> HttpResponse {
        match self {
            Self::Record(recording) => picture_after(recording).await,
            Self::Object(tracker, uri) => page(opt_out::object(&tracker, uri.path()).await),
            Self::Answer(answer) => answer,
        }
    }
}

/// actix's headers, read in place: its map is another one than the core's.
struct Headers<'a>(&'a HeaderMap);

impl HeaderSource for Headers<'_> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a [u8])) {
        for (name, value) in self.0 {
            visit(name.as_str(), value.as_bytes());
        }
    }
}

fn record(tracker: &Tracker, request: &HttpRequest) -> Recording {
    tracker.intake().record(&pixel_request(request, &Headers(request.headers())))
}

fn pixel_request<'a>(request: &'a HttpRequest, headers: &'a Headers<'a>) -> PixelRequest<'a> {
    PixelRequest::new(request.uri().path(), request.peer_addr().map(|peer| peer.ip()), headers)
}

async fn picture_after(recording: Recording) -> HttpResponse {
    // actix-http says `connection: close` if the request that it has read last asked for it. While
    // an answer waits it reads the pipelined ones, so no picture may be answered without waiting:
    // the header would tell a live token from a forged one.
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    // Whatever became of the open, the answer is the same; the tracker counts what was lost.
    let _ = recording.await;
    picture()
}

/// Parsed when this is compiled, not for each answer.
const PICTURE: [(HeaderName, HeaderValue); 3] =
    [parsed(pixel::HEADERS[0]), parsed(pixel::HEADERS[1]), parsed(pixel::HEADERS[2])];

const fn parsed((name, value): (&'static str, &'static str)) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

fn picture() -> HttpResponse {
    answer(StatusCode::OK, PICTURE, pixel::BYTES.as_slice())
}

fn page(page: opt_out::Answer) -> HttpResponse {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    answer(status, opt_out::HEADERS, page.page.as_bytes())
}

fn not_allowed(methods: &'static str) -> HttpResponse {
    answer(StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, methods)], b"")
}

fn answer(
    status: StatusCode,
    headers: impl IntoIterator<Item = impl TryIntoHeaderPair>,
    body: &'static [u8],
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    for header in headers {
        response.insert_header(header);
    }
    response.body(body)
}

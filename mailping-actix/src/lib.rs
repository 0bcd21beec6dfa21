//! Mounts [mailping](mailping_core)'s routes in an actix-web app: the pixel and the opt-out page.
//!
//! ```no_run
//! use actix_web::{App, HttpServer};
//! use mailping_actix::{Keyring, MemoryStore, Tracker};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, MemoryStore::new())
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! HttpServer::new(move || App::new().configure(mailping_actix::routes(tracker.clone())))
//!     .bind("127.0.0.1:3000")?
//!     .run()
//!     .await?;
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
//! # use mailping_actix::Tracker;
//!
//! # fn app(tracker: Tracker) {
//! App::new()
//!     .configure(mailping_actix::routes(tracker))
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
//! sent, as the routes do.
//!
//! # Pipelined requests
//!
//! actix-http (3.20) keeps one set of flags for all pipelined requests of a connection: a HEAD that
//! is followed by a GET in the same packet is answered with a body, and a request with `connection:
//! close` that arrives while the one before it still waits for the store makes that answer say so,
//! though it is not the last. Mail programs do not pipeline.
//!
//! Behind a reverse proxy say which header to believe: [the guide](mailping_core::guide::proxies).
//! The words, what is kept and the security notes are on the page of [`mailping_core`], all of
//! whose names are here too.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::rt::time::timeout;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, guard};
use futures_core::Stream as _;
use http::Response;
use mailping_core::intake::{HeaderSource, PixelRequest};
use mailping_core::mount::{EdgeBatch, Mount};
#[doc(no_inline)]
pub use mailping_core::*;

/// The most bytes of a body that are read and thrown away to keep its connection.
const MAX_UNREAD_BODY: usize = 16 * 1024;
/// How long an answer waits for the rest of such a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a batch of an edge may take to arrive: an edge waits 15 seconds for its answer.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// The routes below the path of the tracker's base URL, for `App::configure`: [`Mount::answer`]
/// says what they answer.
///
/// Every path below is ours, however a mail program has changed it. A base URL without a path
/// therefore takes every path that is not registered before it, so register it last.
///
/// A picture is answered once its open is on disk, at the tracker's deadline, or at once if nothing
/// is kept: because it must not be, or because the queue is full, which is counted. What the token
/// says does not show in the answer.
///
/// actix's own 404 hides a link of ours that comes in below another path: call [`Mount::stray`] in
/// your default service to learn of it.
pub fn routes(tracker: Tracker) -> impl FnOnce(&mut ServiceConfig) + Clone {
    mounted(Mount::new(tracker))
}

/// The [`routes`] below another path, such as `/px`, for a proxy that changes it on the way; `""`
/// is every path, for a proxy that strips the base URL's. In a `web::scope` it is still the whole
/// path that comes in, with the scope's.
pub fn routes_at(path: &str, tracker: Tracker) -> impl FnOnce(&mut ServiceConfig) + Clone + use<> {
    mounted(Mount::at(path, tracker))
}

fn mounted(mount: Mount) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |config: &mut ServiceConfig| {
        // actix gives a scope itself only to the empty pattern. It tries them in turn: the common
        // one first.
        for pattern in ["/{rest:.*}", ""] {
            // Its patterns match a decoded path: the guard sees the path as it came.
            let (here, mount) = (mount.clone(), mount.clone());
            let below = guard::fn_guard(move |context| here.holds(context.head().uri.path()));
            // An open is queued before there is a future: a client that hangs up drops only the
            // waiting.
            let serve = move |request: HttpRequest, mut body: web::Payload| {
                let begun = begin(&mount, &request);
                async move {
                    let (answer, is_read) = match begun {
                        Begun::Answer(answering) => (answer(answering).await, read_away(&mut body).await),
                        Begun::Batch(batch) => take(batch, &mut body).await,
                    };
                    sent(answer, (!is_read).then_some(body))
                }
            };
            config.service(web::resource(pattern).guard(below).to(serve));
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

/// What has begun when a request is here.
enum Begun<Answering> {
    Answer(Answering),
    Batch(EdgeBatch),
}

fn begin(
    mount: &Mount,
    request: &HttpRequest,
) -> Begun<impl Future<Output = Response<Bytes>> + Send + Unpin + use<>> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    if let Some(batch) = mount.batch(method, path) {
        return Begun::Batch(batch);
    }
    let (headers, peer) = (Headers(request.headers()), request.peer_addr().map(|peer| peer.ip()));
    Begun::Answer(mount.answer(method, &PixelRequest::new(path, peer, &headers)))
}

/// Takes a batch of an edge, and says whether all of it was read.
async fn take(mut batch: EdgeBatch, body: &mut web::Payload) -> (Response<Bytes>, bool) {
    let reading = timeout(BATCH_TIMEOUT, async {
        while let Some(Ok(part)) = next(body).await {
            if !batch.add(&part) {
                return false;
            }
        }
        true
    });
    let is_read = reading.await.unwrap_or(false);
    (batch.answer().await, is_read)
}

/// Whether the rest of a request's body was read: in time, and not too long to be. It says nothing
/// that is needed, but a connection can only go on behind it.
async fn read_away(body: &mut web::Payload) -> bool {
    let reading = timeout(BODY_TIMEOUT, async {
        let mut read = 0;
        while let Some(part) = next(body).await {
            let Ok(part) = part else { return false };
            read += part.len();
            if read > MAX_UNREAD_BODY {
                return false;
            }
        }
        true
    });
    reading.await.unwrap_or(false)
}

async fn next(body: &mut web::Payload) -> Option<Result<Bytes, PayloadError>> {
    std::future::poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await
}

async fn answer(answering: impl Future<Output = Response<Bytes>>) -> Response<Bytes> {
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
    answering.await
}

fn sent(answer: Response<Bytes>, unread: Option<web::Payload>) -> HttpResponse {
    let (answer, body) = answer.into_parts();
    let status = StatusCode::from_u16(answer.status.as_u16()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = HttpResponse::build(status);
    if *body == pixel::BYTES {
        for line in PICTURE {
            response.insert_header(line);
        }
    } else {
        // actix writes the length itself.
        let lines = answer.headers.iter().filter(|(name, _)| *name != "content-length");
        for (name, value) in lines {
            response.insert_header((name.as_str(), value.as_bytes()));
        }
    }
    match unread {
        Some(rest) => response.body(Unread { body, _rest: rest }),
        None => response.body(body),
    }
}

/// The body of an answer to a request that was not read to its end. actix-http ends the connection
/// behind it as long as that request's payload is held; once dropped, it reads a chunked one on for
/// ever.
struct Unread {
    body: Bytes,
    _rest: web::Payload,
}

impl MessageBody for Unread {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Parsed when this is compiled, not for each answer.
const PICTURE: [(HeaderName, HeaderValue); 3] =
    [parsed(pixel::HEADERS[0]), parsed(pixel::HEADERS[1]), parsed(pixel::HEADERS[2])];

const fn parsed((name, value): (&'static str, &'static str)) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

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
//! Behind a reverse proxy say which header to believe: [the guide](mailping_core::guide::proxies). The words, what is kept and the security notes
//! stand on the page of [`mailping_core`].
#![forbid(unsafe_code)]

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, TryIntoHeaderPair};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
pub use mailping_core;
use mailping_core::{HeaderSource, PixelRequest, Recording, Tracker, opt_out, pixel};

/// The routes below the tracker's base URL, for `web::scope(..).configure(..)` at its path or `App::configure` where that
/// is `/`:
///
/// | path | GET | HEAD | POST |
/// |---|---|---|---|
/// | `/{token}.gif`, `/{token}`, `/` | records, then the picture | the picture's headers | 405 |
/// | `/{token}/opt-out` | the page | the page's headers | objects, then the page |
///
/// A picture is answered once its open is on disk, at the tracker's deadline, or at once if nothing is kept: because it must not be, or
/// because the queue is full, which is counted. What the token says does not show in the answer.
pub fn routes(tracker: Tracker) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |config: &mut ServiceConfig| {
        let objecting = tracker.clone();
        // The open is queued before there is a future: a client that hangs up drops only the waiting.
        let serve = move |request: HttpRequest| picture_after(record(&tracker, &request));
        let object = move |request: HttpRequest| {
            let tracker = objecting.clone();
            async move {
                let answer = opt_out::object(&tracker, request.uri().path()).await;
                let status = StatusCode::from_u16(answer.status);
                page(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), answer.page)
            }
        };
        let ask = async || page(StatusCode::OK, opt_out::PAGE);
        // actix matches an empty segment only where the pattern says so. It tries the patterns in turn: the common one first.
        for path in ["/{token:[^/]*}", ""] {
            let pixel = web::resource(path).route(web::get().to(serve.clone()));
            config.service(pixel.route(web::head().to(async || picture())));
        }
        let opt_out = web::resource("/{token:[^/]*}/opt-out").route(web::get().to(ask));
        config.service(opt_out.route(web::head().to(ask)).route(web::post().to(object)));
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
    let peer = request.peer_addr().map(|peer| peer.ip());
    tracker.record(&PixelRequest::new(request.uri().path(), peer, &Headers(request.headers())))
}

async fn picture_after(recording: Recording) -> HttpResponse {
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

fn page(status: StatusCode, page: &'static str) -> HttpResponse {
    answer(status, opt_out::HEADERS, page.as_bytes())
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

//! The page in an actix-web app.
//!
//! ```no_run
//! use actix_web::{App, HttpServer};
//! use mailping_page::{Access, Page};
//! # use mailping_core::Tracker;
//!
//! # async fn serve(tracker: Tracker) -> Result<(), Box<dyn std::error::Error>> {
//! let access = Access::admin_token(std::env::var("RECEIPTS_TOKEN")?)?;
//! let page = Page::at("/receipts", tracker.clone(), access);
//! let app = move || App::new().configure(mailping_page::actix::routes(page.clone()));
//! HttpServer::new(app).bind("127.0.0.1:3000")?.run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Behind your own login use [`Access::app_login`](crate::Access::app_login), wrap the routes in a
//! scope with your middleware, and let it put a [`Scope`] into the request's extensions:
//!
//! ```
//! use actix_web::HttpMessage as _;
//! use actix_web::dev::Service as _;
//! use actix_web::{App, Error, error, web};
//! use mailping_page::{Page, Scope};
//!
//! # fn tenant_of(_: &actix_web::dev::ServiceRequest) -> Option<String> { None }
//! # fn app(page: Page) {
//! App::new().service(
//!     web::scope("")
//!         .wrap_fn(|request, app| {
//!             // Whatever your app knows its users by.
//!             if let Some(tenant) = tenant_of(&request) {
//!                 request.extensions_mut().insert(Scope::Owner(tenant));
//!             }
//!             app.call(request)
//!         })
//!         .configure(mailping_page::actix::routes(page)),
//! )
//! # ;
//! # }
//! ```

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, guard};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, Version};

use crate::access::Scope;
use crate::answer::{Answer, Body};
use crate::body::PageBody;
use crate::page::{Page, response};
use crate::prefix::Prefix;
use crate::request::{BODY_TIMEOUT, FromThisMachine, MAX_BODY};

/// The routes of the page, below its [path](Page::at), for `App::configure`. In a `web::scope` it
/// is still the whole path that comes in, with the scope's.
pub fn routes(page: Page) -> impl FnOnce(&mut ServiceConfig) + Clone {
    let path = page.path().to_owned();
    routes_at(&path, page)
}

/// The [`routes`] below another path, for a proxy that changes it on the way; `""` is every path
/// that is not registered before it, with the page's own path before it or without.
pub fn routes_at(path: &str, page: Page) -> impl FnOnce(&mut ServiceConfig) + Clone + use<> {
    let mount = Prefix::new(path);
    move |config: &mut ServiceConfig| {
        // actix gives a scope itself only to the empty pattern.
        for pattern in ["/{rest:.*}", ""] {
            // Its patterns match a decoded path: the guard sees the path as it came.
            let (here, page) = (mount.clone(), page.clone());
            let below = guard::fn_guard(move |context| here.holds(context.head().uri.path()));
            let serve = move |request: HttpRequest, body: web::Payload| answer(page.clone(), request, body);
            config.service(web::resource(pattern).guard(below).to(serve));
        }
    }
}

async fn answer(page: Page, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let Ok(body) = tokio::time::timeout(BODY_TIMEOUT, body.to_bytes_limited(MAX_BODY)).await else {
        return sent(response(Answer::too_slow(), false));
    };
    let Some(head) = head(&request) else { return HttpResponse::BadRequest().finish() };
    sent(page.respond(&head, body.ok().and_then(Result::ok)).await)
}

/// actix speaks an older `http`.
fn head(request: &HttpRequest) -> Option<Parts> {
    let mut head = Request::builder()
        .method(request.method().as_str())
        .uri(request.uri().to_string())
        .version(match request.version() {
            actix_web::http::Version::HTTP_09 => Version::HTTP_09,
            actix_web::http::Version::HTTP_10 => Version::HTTP_10,
            actix_web::http::Version::HTTP_2 => Version::HTTP_2,
            _ => Version::HTTP_11,
        })
        .body(())
        .ok()?
        .into_parts()
        .0;
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    if let Some(scope) = request.extensions().get::<Scope>() {
        head.extensions.insert(scope.clone());
    }
    if request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        head.extensions.insert(FromThisMachine);
    }
    Some(head)
}

fn sent(answer: Response<PageBody>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let status = actix_web::http::StatusCode::from_u16(head.status.as_u16());
    let mut response =
        HttpResponse::build(status.unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in &head.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    match body.into_inner() {
        Body::Whole(bytes) => response.body(bytes),
        Body::Live(live) => response.streaming(live),
    }
}

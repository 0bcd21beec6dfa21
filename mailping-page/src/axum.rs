//! The page in an axum app.
//!
//! ```no_run
//! use std::net::SocketAddr;
//!
//! use mailping_axum::Tracker;
//! use mailping_page::{Access, Page};
//!
//! # async fn serve(tracker: Tracker) -> Result<(), Box<dyn std::error::Error>> {
//! let access = Access::admin_token(std::env::var("RECEIPTS_TOKEN")?)?;
//! let page = Page::at("/receipts", tracker.clone(), access);
//! let app = axum::Router::new()
//!     .merge(mailping_page::axum::routes(page))
//!     .merge(mailping_axum::routes(tracker));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Behind your own login, let its middleware say who it is:
//!
//! ```
//! use axum::extract::Request;
//! use axum::middleware::{Next, from_fn};
//! use axum::response::{IntoResponse, Redirect, Response};
//! use mailping_axum::Tracker;
//! use mailping_page::{Access, Page, Scope};
//!
//! # fn tenant_of(_: &Request) -> Option<String> { None }
//! async fn logged_in(mut request: Request, next: Next) -> Response {
//!     // Whatever your app knows its users by.
//!     let Some(tenant) = tenant_of(&request) else {
//!         return Redirect::to("/login").into_response();
//!     };
//!     request.extensions_mut().insert(Scope::Owner(tenant));
//!     next.run(request).await
//! }
//!
//! # fn app(tracker: Tracker) -> axum::Router {
//! let page = Page::at("/receipts", tracker, Access::app_login());
//! mailping_page::axum::routes(page).layer(from_fn(logged_in))
//! # }
//! ```

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::ConnectInfo;
use http::{Request, Response};
use tower_service::Service;

use crate::body::PageBody;
use crate::page::Page;
use crate::prefix::Prefix;
use crate::request::FromThisMachine;

/// The routes of the page, below its [path](Page::at), for `merge`. Layers of yours, such as a
/// login, go around them.
///
/// # Panics
/// As `Router::route` does, if another route of the app is in the way.
pub fn routes<S>(page: Page) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let path = page.path().to_owned();
    routes_at(&path, page)
}

/// The [`routes`] below another path, for a proxy that changes it on the way; `""` is every path
/// that the app has no other route for, with the page's own path before it or without.
///
/// # Panics
/// As [`routes`].
pub fn routes_at<S>(path: &str, page: Page) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let (path, service) = (Prefix::new(path), Routes(page));
    let path = path.as_str();
    let router =
        if path.is_empty() { Router::new() } else { Router::new().route_service(path, service.clone()) };
    router
        .route_service(&format!("{path}/"), service.clone())
        .route_service(&format!("{path}/{{*rest}}"), service)
}

/// The page, which learns whether the peer is this machine.
#[derive(Debug, Clone)]
struct Routes(Page);

impl Service<Request<Body>> for Routes {
    type Response = Response<PageBody>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<PageBody>, std::convert::Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::convert::Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        if peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback()) {
            request.extensions_mut().insert(FromThisMachine);
        }
        self.0.call(request)
    }
}

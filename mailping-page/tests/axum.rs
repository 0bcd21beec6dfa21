//! The page in an axum app.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use mailping_page::{Access, Page};
use tower::ServiceExt as _;

async fn app_login(mut request: Request, next: Next) -> Response {
    let cookies = request.headers().get("cookie").and_then(|cookies| cookies.to_str().ok());
    if let Some(scope) = common::scope_of(cookies) {
        request.extensions_mut().insert(scope);
    }
    next.run(request).await
}

fn app(page: Page) -> Router {
    let routes = mailping_page::axum::routes(page).layer(from_fn(app_login));
    Router::new().route("/", get(async || "app")).merge(routes)
}

/// Serves an app in a thread of its own, until the tests end.
fn serve(app: Router) -> SocketAddr {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
        });
    });
    receive.recv().unwrap()
}

#[test]
fn a_page_below_a_path_and_behind_a_login() {
    common::holds(|page| serve(app(page)));
}

#[test]
fn a_nested_page_is_the_same() {
    common::holds(|page| {
        let routes = mailping_page::axum::routes_at("", page).layer(from_fn(app_login));
        let nested = Router::new().nest_service(common::PATH, routes);
        serve(Router::new().route("/", get(async || "app")).merge(nested))
    });
}

#[tokio::test]
async fn without_peers_nobody_is_this_machine() {
    use mailping_core::{Keyring, MemoryStore, Tracker};
    let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
    let tracker = builder.base_url("http://localhost/px").unwrap().build().await.unwrap();
    let page = Page::at("", tracker, Access::this_machine());
    let request = Request::builder().uri("/").header("host", "localhost").body(axum::body::Body::empty());
    let app: Router = mailping_page::axum::routes(page);
    let answer = app.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

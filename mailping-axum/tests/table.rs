//! The shared adapter table on real axum servers.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use mailping_core::Tracker;
use mailping_core::testing::adapter::{PREFIX, Sockets, Table};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Runtime;

/// Serves `app` on all sockets. The server ends when the runtime is dropped.
fn serve(app: Router, sockets: Sockets) -> Runtime {
    let runtime = Runtime::new().unwrap();
    let _guard = runtime.enter();
    for socket in std::iter::once(sockets.ipv4).chain(sockets.ipv6) {
        let listener = TcpListener::from_std(socket).unwrap();
        let service = app.clone().into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(axum::serve(listener, service).into_future());
    }
    if let Some(socket) = sockets.unix {
        let listener = UnixListener::from_std(socket).unwrap();
        runtime.spawn(axum::serve(listener, app.into_make_service()).into_future());
    }
    runtime
}

#[test]
fn nested_with_a_slash_it_answers_as_the_table_says() {
    let start = |tracker: Tracker, sockets| {
        let app = Router::new().nest(&format!("{PREFIX}/"), mailping_axum::routes(tracker));
        serve(app, sockets)
    };
    Table::new().run(start).unwrap();
}

#[test]
fn nested_without_a_slash_only_the_empty_token_is_not_ours() {
    let start = |tracker: Tracker, sockets| {
        serve(Router::new().nest(PREFIX, mailping_axum::routes(tracker)), sockets)
    };
    let reason = "axum gives /px/ to no route that is nested at /px";
    Table::new().skip("empty token", reason).skip("HEAD of an empty token", reason).run(start).unwrap();
}

#[test]
fn a_deliberate_difference_is_found() {
    let etag = async |mut response: Response| {
        response.headers_mut().insert("etag", "1".parse().unwrap());
        response
    };
    let start = |tracker: Tracker, sockets| {
        let app = Router::new().nest(PREFIX, mailping_axum::routes(tracker)).layer(map_response(etag));
        serve(app, sockets)
    };
    let differences = Table::new().run(start).unwrap_err();
    assert!(differences.lines().iter().any(|line| line.starts_with("valid token with .gif (over IPv4,")));
    assert!(differences.lines().iter().any(|line| line.starts_with("keep-alive (over a Unix socket,")));
    assert!(differences.lines().iter().all(|line| line.contains("etag: 1")), "{differences}");
}

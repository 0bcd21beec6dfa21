//! The shared adapter table on real axum servers.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, map_response};
use axum::response::Response;
use mailping_core::Tracker;
use mailping_core::testing::adapter::{PREFIX, Sockets, Table};
use tokio::net::TcpListener;
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
    #[cfg(unix)]
    if let Some(socket) = sockets.unix {
        let listener = tokio::net::UnixListener::from_std(socket).unwrap();
        runtime.spawn(axum::serve(listener, app.into_make_service()).into_future());
    }
    runtime
}

#[test]
fn below_the_base_url_it_answers_as_the_table_says() {
    let start =
        |tracker: Tracker, sockets| serve(Router::new().merge(mailping_axum::routes(tracker)), sockets);
    Table::new().run(start).unwrap();
}

#[test]
fn nested_with_a_slash_it_answers_as_the_table_says() {
    let start = |tracker: Tracker, sockets| {
        let app = Router::new().nest(&format!("{PREFIX}/"), mailping_axum::routes_at("", tracker));
        serve(app, sockets)
    };
    Table::new().run(start).unwrap();
}

#[test]
fn nested_without_a_slash_only_the_empty_token_is_not_ours() {
    let start = |tracker: Tracker, sockets| {
        serve(Router::new().nest(PREFIX, mailping_axum::routes_at("", tracker)), sockets)
    };
    let reason = "axum gives /px/ to no route that is nested at /px";
    Table::new().skip("empty token", reason).skip("HEAD of an empty token", reason).run(start).unwrap();
}

#[test]
fn merged_at_a_path_it_answers_as_the_table_says() {
    for path in [PREFIX.to_owned(), format!("{PREFIX}/")] {
        let start = |tracker: Tracker, sockets| {
            serve(Router::new().merge(mailping_axum::routes_at(&path, tracker)), sockets)
        };
        Table::new().run(start).unwrap();
    }
}

#[test]
fn a_deliberate_difference_is_found() {
    let etag = async |mut response: Response| {
        response.headers_mut().insert("etag", "1".parse().unwrap());
        response
    };
    let start = |tracker: Tracker, sockets| {
        let app = Router::new().nest(PREFIX, mailping_axum::routes_at("", tracker)).layer(map_response(etag));
        serve(app, sockets)
    };
    let differences = Table::new().run(start).unwrap_err();
    assert!(differences.lines().iter().any(|line| line.starts_with("valid token with .gif (over IPv4,")));
    assert!(differences.lines().iter().any(|line| line.starts_with("keep-alive (over a Unix socket,")));
    assert!(differences.lines().iter().all(|line| line.contains("etag: 1")), "{differences}");
}

/// Counts handlers that were dropped before their answer.
struct Unfinished(Option<Arc<AtomicUsize>>);

impl Unfinished {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(count) = self.0.take() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// That the table's "client hangs up before the answer" is what it says: axum drops the handler,
/// and the open is kept.
#[test]
fn a_client_that_hangs_up_drops_the_handler_and_loses_no_open() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let start = |tracker: Tracker, sockets| {
        let dropped = Arc::clone(&dropped);
        let watch = move |request: Request, next: Next| {
            let unfinished = Unfinished(Some(Arc::clone(&dropped)));
            async move {
                let response = next.run(request).await;
                unfinished.finish();
                response
            }
        };
        let app = Router::new().nest(&format!("{PREFIX}/"), mailping_axum::routes_at("", tracker));
        serve(app.layer(from_fn(watch)), sockets)
    };
    Table::new().run(start).unwrap();
    let dropped = dropped.load(Ordering::SeqCst);
    assert!((1..=3).contains(&dropped), "{dropped} handlers were dropped, expected one for each socket");
}

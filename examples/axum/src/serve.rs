//! Serves a tracker and the example API on axum until SIGTERM or Ctrl-C.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use mailping_axum::mailping_core::Tracker;
use mailping_examples_service::{
    Body as AnswerBody, Call, HEADERS, MOST_BODY_BYTES, Service, Settings, SettingsError, told_to_end,
};
use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait to be accepted.
const MAX_NOT_ACCEPTED: u32 = 1_024;
/// How long in-flight answers and the queue get to finish after SIGTERM or Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens where the settings say and serves until it is told to end; then writes what waits.
///
/// # Errors
/// Where it cannot listen, or opens were lost at the end.
pub async fn serve(settings: &Settings, tracker: Tracker) -> Result<(), Box<dyn Error>> {
    let app = Router::new()
        .merge(mailping_axum::routes_at("/px", tracker.clone()))
        .fallback(answer)
        .with_state(Service::new(settings, tracker.clone()));

    let listener = listen(settings.listen)
        .map_err(|error| SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}")))?;
    println!("listening on http://{}", listener.local_addr()?);
    let end = told_to_end()?;
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async {
            end.await;
            let _ = stopping.send(());
        });
    // A client that never finishes its request must not keep the service from ending.
    let patience = async {
        let _ = stopped.await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! { served = async { server.await } => served?, () = patience => {} }

    let closed = tracker.intake().close(PATIENCE).await;
    println!("closed: {} opens written, {} lost", closed.health.durable, closed.lost);
    if closed.lost > 0 { Err(format!("{} opens could not be written", closed.lost).into()) } else { Ok(()) }
}

/// As `TcpListener::bind`, whose queue holds 128: a mailing's readers come together.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // What has just ended must not keep the address from its successor.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MAX_NOT_ACCEPTED)
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MOST_BODY_BYTES).await.ok();
    let call = Call {
        method: head.method,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: HEADERS.map(|name| head.headers.get(name).map(|value| value.as_bytes())),
        body: body.as_deref(),
    };
    let answer = service.answer(call).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.body {
        AnswerBody::Whole(bytes) => Body::from(bytes),
        AnswerBody::Live(live) => Body::from_stream(live),
    };
    response.body(body).unwrap_or_default()
}

//! Serves a tracker and the example API on axum until SIGTERM or Ctrl-C.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Version;
use axum::response::Response;
use mailping_examples_service::{
    Answer, BODY_TIMEOUT, Body as AnswerBody, Call, HEAD_TIMEOUT, HEADERS, MOST_BODY_BYTES, Service,
    Settings, SettingsError, is_forwarding, told_to_end,
};
use tokio::net::{TcpListener, TcpSocket};

use crate::connections::{Limits, serve_connections};

/// How many connections may wait to be accepted.
const MAX_NOT_ACCEPTED: u32 = 1_024;
/// How long in-flight answers and the queue get to finish after SIGTERM or Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens at the address in the settings and serves until it is told to end; then writes what
/// waits.
///
/// # Errors
/// If it cannot listen, or opens were lost at the end.
pub async fn serve(settings: &Settings, service: Service) -> Result<(), Box<dyn Error>> {
    let tracker = service.tracker().clone();
    let mut app = Router::new();
    for path in service.pixel_paths() {
        app = app.merge(mailping_axum::routes_at(&path, tracker.clone()));
    }
    let app = app.fallback(answer).with_state(service);

    let listener = listen(settings.listen)
        .map_err(|error| SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}")))?;
    println!("listening on http://{}", listener.local_addr()?);
    let limits = Limits { head: HEAD_TIMEOUT, end: PATIENCE };
    serve_connections(listener, app, limits, told_to_end()?).await;

    let lost = tracker.intake().close(PATIENCE).await;
    let health = tracker.intake().health();
    let written = health.durable + health.spooled;
    println!("closed: {written} opens written, {lost} lost");
    if lost > 0 { Err(format!("{lost} opens could not be written").into()) } else { Ok(()) }
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
    let Ok(body) = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MOST_BODY_BYTES)).await else {
        return response(Answer::too_slow());
    };
    let body = body.ok();
    let call = Call {
        method: head.method,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: HEADERS.map(|name| head.headers.get(name).map(|value| value.as_bytes())),
        forwarded: head.version < Version::HTTP_11
            || head.headers.keys().any(|name| is_forwarding(name.as_str())),
        body: body.as_deref(),
    };
    response(service.answer(call).await)
}

fn response(answer: Answer) -> Response {
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

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
    Body as AnswerBody, Call, HEADERS, MOST_BODY_BYTES, Service, Settings, SettingsError,
};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

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

    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}")))?;
    println!("listening on http://{}", listener.local_addr()?);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    };
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async {
            stop.await;
            let _ = stopping.send(());
        });
    // A client that never finishes its request must not keep the service from ending.
    let patience = async {
        let _ = stopped.await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! { served = async { server.await } => served?, () = patience => {} }

    let closed = tracker.close(PATIENCE).await;
    let written = closed.health.durable + closed.health.spooled;
    println!("closed: {written} opens written, {} lost", closed.lost);
    if closed.lost > 0 { Err(format!("{} opens could not be written", closed.lost).into()) } else { Ok(()) }
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

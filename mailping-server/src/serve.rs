//! Serves a page and the pixels of its tracker on axum until SIGTERM or Ctrl-C.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use mailping_page::Page;
use tokio::net::{TcpListener, TcpSocket};

use crate::connections::{Limits, serve_connections};
use crate::{Settings, SettingsError, told_to_end};

/// How long the head of a request may take to arrive, so that half-sent ones do not pile up.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How many connections may wait to be accepted.
const MAX_NOT_ACCEPTED: u32 = 1_024;
/// How long in-flight answers and the queue get to finish after SIGTERM or Ctrl-C.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Listens at the address in the settings and serves until it is told to end; then writes what
/// waits.
///
/// # Errors
/// If it cannot listen, or opens were lost at the end.
pub async fn serve(settings: &Settings, page: Page) -> Result<(), Box<dyn Error>> {
    let tracker = page.tracker().clone();
    let mut app = Router::new();
    for path in settings.pixel_paths() {
        app = app.merge(mailping_axum::routes_at(&path, tracker.clone()));
    }
    // Below every path that is left: a proxy may take the page's own off, or leave it.
    let app = app.merge(mailping_page::axum::routes_at("", page.clone()));

    let listener = listen(settings.listen)
        .map_err(|error| SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}")))?;
    println!("listening on http://{}", listener.local_addr()?);
    let limits = Limits { head: HEAD_TIMEOUT, end: PATIENCE };
    let told_to_end = told_to_end()?;
    let stop = async move {
        told_to_end.await;
        page.end_streams();
    };
    serve_connections(listener, app, limits, stop).await;

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

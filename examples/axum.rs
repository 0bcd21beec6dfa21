//! Mounts mailping in an axum app, makes a ping and shows its receipt at `/`:
//!
//! ```sh
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"
//! cargo run --example axum
//! ```
//!
//! Paste the printed tag into a message to yourself, or open its address in a browser after half a
//! minute: a fetch any sooner may be a scanner's.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use mailping_axum::{Basis, Keyring, NewPing, PingId, Tracker};
use mailping_sqlite::SqliteStore;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open("mailping.db")?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;

    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let new = NewPing::one_to_one("invoice-42", basis).to("ada@example.com");
    let ping = tracker.pings().create(new).await?;
    println!("paste into the mail: {}", ping.img_tag());

    let app = Router::new()
        .route("/", get(receipt))
        .with_state((tracker.clone(), ping.id()))
        .merge(mailping_axum::routes(tracker.clone()));
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;

    // Writes what still waits.
    tracker.intake().close(Duration::from_secs(5)).await;
    Ok(())
}

async fn receipt(State((tracker, id)): State<(Tracker, PingId)>) -> Result<String, StatusCode> {
    let receipt = tracker.receipts().get(id).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(receipt.ok_or(StatusCode::NOT_FOUND)?.to_string())
}

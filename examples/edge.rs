//! An edge node: it answers pixels from its own disk and sends home what may be kept. The address
//! never leaves it, and it has neither the database nor the whole keyring.
//! [The guide](../mailping-edge/docs/edge.md) has nginx before it.
//!
//! ```sh
//! export MAILPING_EDGE_KEYS="$(cat fra.keys)" # from `centre -- keys fra`
//! export MAILPING_CENTRE=https://centre.example/px
//! cargo run --example edge
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mailping_axum::{ClientIp, Keyring, Tracker};
use mailping_edge::EdgeStore;
use mailping_spool::Spool;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // From `info` on: at `trace` `axum::serve` logs the address of each peer.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let keys = Keyring::from_env("MAILPING_EDGE_KEYS")?;
    let centre = std::env::var("MAILPING_CENTRE")
        .map_err(|_| "environment variable MAILPING_CENTRE is not set: give it https://centre.example/px")?;
    let centre = EdgeStore::new(&centre, keys.clone())?;
    // No hit waits for the centre: the spool answers it, and hands it over from there.
    let store = Spool::open("spool")?.patience(Duration::ZERO).before(centre);
    let tracker = Tracker::builder(keys, store)
        .client_ip(ClientIp::x_forwarded_for("127.0.0.1")?) // nginx
        .base_url("https://px.example/px")? // as at the centre
        .build()
        .await?;

    let health = tracker.clone();
    let waiting = async move || match health.intake().health().spool {
        Some(spool) => {
            format!("{} opens wait for the centre, {} set aside\n", spool.waiting, spool.set_aside)
        }
        None => String::new(),
    };
    let app = Router::new().route("/", get(waiting)).merge(mailping_axum::routes(tracker.clone()));
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    tracker.intake().close(Duration::from_secs(5)).await;
    Ok(())
}

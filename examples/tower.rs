//! Serves mailping's `tower::Service` with hyper alone, as any framework that takes a service can:
//!
//! ```sh
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"
//! cargo run --example tower
//! ```

use std::error::Error;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use mailping_sqlite::SqliteStore;
use mailping_tower::{Basis, Keyring, NewPing, Peer, PixelService, Tracker};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open("mailping.db")?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;

    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let new = NewPing::one_to_one("invoice-42", basis).to("ada@example.com");
    println!("paste into the mail: {}", tracker.pings().create(new).await?.img_tag());

    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let pixels = PixelService::new(tracker);
    let mut http = http1::Builder::new();
    // Without a limit a half-sent request would hold its connection for ever.
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(5));
    loop {
        let (stream, peer) = listener.accept().await?;
        let service = TowerToHyperService::new(pixels.clone().from_peer(Some(Peer(peer.ip()))));
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

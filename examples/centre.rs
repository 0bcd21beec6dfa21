//! The centre of edge nodes: it has the database and the whole keyring, and takes what its edges
//! `fra` and `sin` send. [The guide](../mailping-edge/docs/edge.md) has nginx before each of them.
//!
//! ```sh
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"
//! cargo run --example centre -- keys fra > fra.keys # then take them to the edge, secretly
//! cargo run --example centre
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use mailping_axum::{Basis, ClientIp, Keyring, NewPing, PingId, Tracker};
use mailping_sqlite::SqliteStore;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // From `info` on: at `trace` `axum::serve` logs the address of each peer.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let keys = Keyring::from_env("MAILPING_KEYS")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, edge] = arguments.as_slice()
        && command == "keys"
    {
        println!("{}", keys.for_edge(edge)?.secret_text());
        return Ok(());
    }
    let tracker = Tracker::builder(keys, SqliteStore::open("mailping.db")?)
        .accept_edges(["fra", "sin"])?
        // nginx here, and the edges, which send pages of theirs here with a masked address.
        .client_ip(ClientIp::x_forwarded_for("127.0.0.1, 198.51.100.7, 203.0.113.7")?)
        // The edges' address: mail programs fetch pixels there.
        .base_url("https://px.example/px")?
        .build()
        .await?;

    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", basis)).await?;
    println!("paste into the mail: {}", ping.img_tag());

    let receipt =
        async |State((tracker, id)): State<(Tracker, PingId)>| match tracker.receipts().get(id).await {
            Ok(receipt) => receipt.map_or_else(String::new, |receipt| receipt.to_string()),
            Err(error) => error.to_string(),
        };
    let app = Router::new().route("/", get(receipt)).with_state((tracker.clone(), ping.id()));
    let app = app.merge(mailping_axum::routes(tracker));
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

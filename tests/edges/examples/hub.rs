//! A centre for tests: behind a proxy on loopback, without a hit limit, and with all of the detail,
//! so that each hit is found again by the network that it says it comes from. `hub keys NAME`
//! prints an edge's keys, and `hub pings NUMBER` makes pings and prints the paths of their pixels.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use mailping_axum::{Basis, ClientIp, Detail, Keyring, NewPing, Tracker};
use mailping_sqlite::SqliteStore;

const BASE_URL: &str = "http://localhost:3000/px";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
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
        .client_ip(ClientIp::x_forwarded_for("127.0.0.0/8")?)
        .ceiling(Detail::Network)
        .hit_limit(0)
        .burst(0, Duration::ZERO)
        .base_url(BASE_URL)?
        .build()
        .await?;
    if let [command, number] = arguments.as_slice()
        && command == "pings"
    {
        for n in 0..number.parse()? {
            let new = NewPing::one_to_one(format!("invoice-{n}"), Basis::Contract);
            let ping = tracker.pings().create(new).await?;
            println!("/px/{}", ping.pixel_url().and_then(|url| url.rsplit('/').next()).unwrap_or_default());
        }
        return Ok(());
    }
    let app = axum::Router::new().merge(mailping_axum::routes(tracker));
    let listener = tokio::net::TcpListener::bind(std::env::var("MAILPING_LISTEN")?).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

//! An edge node for tests, as `hub` is a centre. It logs all that there is to log, and shows its
//! health.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::get;
use mailping_axum::geo::MaxMind;
use mailping_axum::{ClientIp, Detail, Keyring, Tracker};
use mailping_edge::EdgeStore;
use mailping_spool::Spool;

/// What libraries log by `log`, such as the HTTP client.
struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        eprintln!("{} {}: {}", record.level(), record.target(), record.args());
    }

    fn flush(&self) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(filter) = std::env::var("RUST_LOG") {
        // `axum::serve` logs each peer at this level, as its adapter's page says.
        let filter = format!("{filter},axum::serve=info");
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
        log::set_logger(&Log)?;
        log::set_max_level(log::LevelFilter::Trace);
    }
    let keys = Keyring::from_env("MAILPING_EDGE_KEYS")?;
    let centre = EdgeStore::new(&std::env::var("MAILPING_CENTRE")?, keys.clone())?;
    let store = Spool::open("spool")?.patience(Duration::ZERO).before(centre);
    let tracker = Tracker::builder(keys, store)
        .client_ip(ClientIp::x_forwarded_for("127.0.0.0/8")?)
        .geo(MaxMind::from_bytes(mailping_fixtures::documentation_ranges()?)?)
        .ceiling(Detail::Network)
        .hit_limit(0)
        .burst(0, Duration::ZERO)
        // An answer at the deadline is no promise, and a busy machine may need long for a disk.
        .deadline(Duration::from_secs(30))
        .base_url("http://localhost:3000/px")?
        .build()
        .await?;
    let shown = tracker.clone();
    let health = async move || serde_json::to_string(&shown.intake().health()).unwrap_or_default();
    let app = axum::Router::new().route("/", get(health)).merge(mailping_axum::routes(tracker));
    let listener = tokio::net::TcpListener::bind(std::env::var("MAILPING_LISTEN")?).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

//! Runs behind nginx, which passes the client's address on and logs no pixel. mailping believes the
//! header if it comes from nginx, and from nobody else. In nginx's `server` block:
//!
//! ```nginx
//! location /px/ {
//!     access_log off;
//!     error_log /dev/null emerg; # an upstream's failure would be logged with the client's address
//!     proxy_set_header X-Forwarded-For $remote_addr;
//!     proxy_pass http://127.0.0.1:3000;
//! }
//! ```
//!
//! `cargo run --example behind_nginx`, then see at <http://127.0.0.1:3000/> whether it is right.

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use mailping_axum::{Basis, ClientIp, Detail, Keyring, NewPing, Tracker};
use mailping_sqlite::SqliteStore;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Where nginx runs, and nobody else: from any other peer the header is ignored.
    let nginx = "127.0.0.1";
    let store = SqliteStore::open("mailping.db")?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store)
        .client_ip(ClientIp::x_forwarded_for(nginx)?)
        .ceiling(Detail::Network);
    // The address as mail programs see it.
    let tracker = builder.base_url("https://app.example/px")?.build().await?;
    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let new = NewPing::one_to_one("invoice-42", basis).detail(Detail::Network);
    println!("paste into the mail: {}", tracker.pings().create(new).await?.img_tag());

    let health = tracker.clone();
    let is_right = async move || match health.intake().health().forwarding_ignored {
        0 => "every forwarding header came from a trusted proxy\n".to_owned(),
        ignored => format!("{ignored} fetches had a forwarding header that was ignored\n"),
    };
    let app = Router::new().route("/", get(is_right)).merge(mailping_axum::routes(tracker));
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

//! Mounts mailping on the app's own PostgreSQL pool. Any number of these may run on one database,
//! with the same keys:
//!
//! ```text
//! export DATABASE_URL=postgres://user:password@localhost/app
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"
//! cargo run --example postgres --features postgres
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use mailping_axum::{Basis, Keyring, NewPing, Tracker};
use mailping_postgres::PostgresStore;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let patience = Duration::from_secs(5);
    let url = std::env::var("DATABASE_URL").map_err(
        |_| "environment variable DATABASE_URL is not set: give it postgres://user:password@host/app",
    )?;
    let pool = PgPoolOptions::new().acquire_timeout(patience).connect(&url).await?;
    let store = PostgresStore::new(pool)?;
    // Makes the tables in a schema of their own, `mailping`, or brings them forward.
    store.migrate().await?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;

    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let new = NewPing::one_to_one("invoice-42", basis).to("ada@example.com");
    println!("paste into the mail: {}", tracker.pings().create(new).await?.img_tag());

    let app = axum::Router::new().merge(mailping_axum::routes(tracker.clone()));
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    tracker.intake().close(patience).await;
    Ok(())
}

//! Shows receipts in HTML of your own, here an askama template, at `/receipts`:
//!
//! ```sh
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"
//! cargo run --example own_html
//! ```

use std::error::Error;
use std::net::SocketAddr;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use mailping_axum::receipts::Summary;
use mailping_axum::store::PingQuery;
use mailping_axum::{Basis, Keyring, NewPing, Tracker};
use mailping_sqlite::SqliteStore;
use tokio::net::TcpListener;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html><title>Receipts</title>
<table>
{% for receipt in receipts %}<tr><td>{{ receipt.ping.reference }}</td><td>{{ receipt.state }}</td>
<td>{% if let Some(at) = receipt.last_human_open %}last opened {{ at }}{% endif %}</td></tr>
{% endfor %}</table>"#
)]
struct Page {
    receipts: Vec<Summary>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open("mailping.db")?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;
    let new = NewPing::one_to_one("Smith & Sons <42>", Basis::Contract);
    println!("paste into the mail: {}", tracker.pings().create(new).await?.img_tag());

    // In your app, behind its login: whoever can open this page can read every receipt.
    let app = Router::new().route("/receipts", get(page)).with_state(tracker.clone());
    let app = app.merge(mailping_axum::routes(tracker));
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

async fn page(State(tracker): State<Tracker>) -> Result<Html<String>, StatusCode> {
    let newest = tracker.receipts().list(&PingQuery::newest(50)).await;
    let receipts = newest.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?.items;
    Page { receipts }.render().map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

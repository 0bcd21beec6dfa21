//! Mounts mailping in an actix-web app, makes a ping and shows its receipt at `/`:
//!
//! ```sh
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"
//! cargo run --example actix
//! ```

use std::error::Error;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use mailping_actix::{Basis, Keyring, NewPing, PingId, Tracker};
use mailping_sqlite::SqliteStore;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open("mailping.db")?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;

    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let new = NewPing::one_to_one("invoice-42", basis).to("ada@example.com");
    let ping = tracker.pings().create(new).await?;
    println!("paste into the mail: {}", ping.img_tag());

    let (of_the_app, id) = (tracker.clone(), ping.id());
    let server = HttpServer::new(move || {
        App::new()
            .configure(mailping_actix::routes(of_the_app.clone()))
            .app_data(web::Data::new((of_the_app.clone(), id)))
            .route("/", web::get().to(receipt))
    });
    let listen = std::env::var("MAILPING_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let server = server.bind(listen)?;
    server.addrs().iter().for_each(|address| println!("listening on http://{address}"));
    // It ends by itself on SIGTERM and Ctrl-C.
    server.run().await?;

    // Writes what still waits.
    tracker.intake().close(Duration::from_secs(5)).await;
    Ok(())
}

async fn receipt(data: web::Data<(Tracker, PingId)>) -> HttpResponse {
    let (tracker, id) = &**data;
    match tracker.receipts().get(*id).await {
        Ok(Some(receipt)) => HttpResponse::Ok().body(receipt.to_string()),
        Ok(None) => HttpResponse::NotFound().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

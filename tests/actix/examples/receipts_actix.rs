//! The service on actix-web and SQLite: `cargo run --example receipts_actix`. It shows that the
//! page mounts there as well; settings and API are those of the server.

use std::error::Error;
use std::process::ExitCode;

use actix_web::{App, HttpServer, web};
use mailping_server::{HEAD_TIMEOUT, PATIENCE, Program, Settings, SettingsError, run_as, told_to_end};
use mailping_sqlite::SqliteStore;

#[actix_web::main]
async fn main() -> ExitCode {
    run_as(Program::Server, run).await
}

async fn run(settings: Settings) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let tracker = settings.tracker(store).await?;
    let page = settings.page(tracker.clone());
    let (pixel_paths, pixel_tracker, shown) = (settings.pixel_paths(), tracker.clone(), page.clone());
    let server = HttpServer::new(move || {
        let pixels = |config: &mut web::ServiceConfig| {
            for path in &pixel_paths {
                config.configure(mailping_actix::routes_at(path, pixel_tracker.clone()));
            }
        };
        App::new().configure(pixels).configure(mailping_page::actix::routes_at("", shown.clone()))
    })
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(PATIENCE.as_secs())
    .bind(settings.listen)
    .map_err(|error| SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}")))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    let told_to_end = told_to_end()?;
    actix_web::rt::spawn(async move {
        told_to_end.await;
        page.end_streams();
    });
    // It ends by itself on SIGTERM and Ctrl-C.
    server.run().await?;

    let lost = tracker.intake().close(PATIENCE).await;
    let health = tracker.intake().health();
    let written = health.durable + health.spooled;
    println!("closed: {written} opens written, {lost} lost");
    if lost > 0 { Err(format!("{lost} opens could not be written").into()) } else { Ok(()) }
}

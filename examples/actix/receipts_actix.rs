//! A small service that makes pings, takes hits and shows receipts, on actix-web and SQLite.
//!
//! `cargo run --example receipts_actix`, then open the address that it prints. Settings and API are those of `receipts`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use mailping_examples_service::{
    Body, Call, Database, HEADERS, MOST_BODY_BYTES, Service, Settings, SettingsError, start_log,
};
use mailping_sqlite::SqliteStore;

/// How long in-flight answers and the queue get to finish after SIGTERM or Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(10);

#[actix_web::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env(Database::File)?;
    start_log(&settings.rust_log);
    settings.lines().for_each(|line| println!("{line}"));

    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let tracker = settings.tracker(store).await?;
    let service = Service::new(&settings, tracker.clone());
    let routes = mailping_actix::routes(tracker.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(service.clone()))
            .service(web::scope("/px").configure(routes.clone()))
            .default_service(web::to(answer))
    })
    .shutdown_timeout(PATIENCE.as_secs())
    .bind(settings.listen)
    .map_err(|error| SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}")))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    // It ends by itself on SIGTERM and Ctrl-C.
    server.run().await?;

    let closed = tracker.intake().close(PATIENCE).await;
    println!("closed: {} opens written, {} lost", closed.health.durable, closed.lost);
    if closed.lost > 0 { Err(format!("{} opens could not be written", closed.lost).into()) } else { Ok(()) }
}

async fn answer(service: web::Data<Service>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let body = body.to_bytes_limited(MOST_BODY_BYTES).await.ok().and_then(Result::ok);
    let call = Call {
        method: http::Method::from_bytes(request.method().as_str().as_bytes()).unwrap_or_default(),
        path: request.path(),
        query: request.query_string(),
        headers: HEADERS.map(|name| request.headers().get(name).map(|value| value.as_bytes())),
        body: body.as_deref(),
    };
    let answer = service.answer(call).await;
    let mut response = HttpResponse::build(
        StatusCode::from_u16(answer.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    );
    for header in answer.headers {
        response.insert_header(header);
    }
    match answer.body {
        Body::Whole(bytes) => response.body(bytes),
        Body::Live(live) => response.streaming(live),
    }
}

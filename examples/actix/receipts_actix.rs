//! A small service that makes pings, takes hits and shows receipts, on actix-web and SQLite.
//!
//! `cargo run --example receipts_actix`, then open the address that it prints. Settings and API are
//! those of `receipts`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::Version;
use actix_web::rt::time::timeout;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use mailping_examples_service::{
    Answer, BODY_TIMEOUT, Body, Call, HEAD_TIMEOUT, HEADERS, MOST_BODY_BYTES, Program, Service, Settings,
    SettingsError, is_forwarding, start_log,
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
    let settings = Settings::from_env(Program::Receipts)?;
    start_log(&settings.rust_log);
    settings.lines().for_each(|line| println!("{line}"));

    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let tracker = settings.tracker(store).await?;
    let service = Service::new(&settings, tracker.clone());
    let (pixel_paths, pixel_tracker) = (service.pixel_paths(), tracker.clone());
    let server = HttpServer::new(move || {
        let pixels = |config: &mut web::ServiceConfig| {
            for path in &pixel_paths {
                config.configure(mailping_actix::routes_at(path, pixel_tracker.clone()));
            }
        };
        App::new()
            .app_data(web::Data::new(service.clone()))
            .configure(pixels)
            .default_service(web::to(answer))
    })
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(PATIENCE.as_secs())
    .bind(settings.listen)
    .map_err(|error| SettingsError::new("MAILPING_LISTEN", format!("cannot listen there: {error}")))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    // It ends by itself on SIGTERM and Ctrl-C.
    server.run().await?;

    let lost = tracker.intake().close(PATIENCE).await;
    let health = tracker.intake().health();
    let written = health.durable + health.spooled;
    println!("closed: {written} opens written, {lost} lost");
    if lost > 0 { Err(format!("{lost} opens could not be written").into()) } else { Ok(()) }
}

async fn answer(service: web::Data<Service>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let Ok(body) = timeout(BODY_TIMEOUT, body.to_bytes_limited(MOST_BODY_BYTES)).await else {
        return response(Answer::too_slow());
    };
    let body = body.ok().and_then(Result::ok);
    let call = Call {
        method: http::Method::from_bytes(request.method().as_str().as_bytes()).unwrap_or_default(),
        path: request.path(),
        query: request.query_string(),
        headers: HEADERS.map(|name| request.headers().get(name).map(|value| value.as_bytes())),
        forwarded: request.version() < Version::HTTP_11
            || request.headers().keys().any(|name| is_forwarding(name.as_str())),
        body: body.as_deref(),
    };
    response(service.answer(call).await)
}

fn response(answer: Answer) -> HttpResponse {
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

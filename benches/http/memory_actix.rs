//! mailping-actix on a memory store, everything else on: as `memory_axum`.

use std::sync::Arc;

use actix_web::{App, HttpServer};
use mailping_benches::{geo, paths, tracker};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3104".to_owned());
    let tracker = tracker(Arc::new(geo()?)).await?;
    paths(&tracker, arguments.next().map_or(Ok(1), |text| text.parse())?).await?;
    let routes = mailping_actix::routes(tracker);
    let server = HttpServer::new(move || App::new().configure(routes.clone()));
    Ok(server.bind(address)?.run().await?)
}

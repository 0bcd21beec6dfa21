//! mailping-axum on a memory store, everything else on. Usage: `memory_axum ADDRESS NUMBER`; prints
//! the paths of the pixels of that many pings, then an empty line, then serves. `MAILPING_GEO`
//! names city databases.

use std::net::SocketAddr;
use std::sync::Arc;

use mailping_benches::{geo, paths, tracker};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3103".to_owned());
    let tracker = tracker(Arc::new(geo()?)).await?;
    paths(&tracker, arguments.next().map_or(Ok(1), |text| text.parse())?).await?;
    let app = axum::Router::new().merge(mailping_axum::routes(tracker));
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

//! What comes in for one message, in order, over HTTP.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use axum::Router;
use mailping_core::Tracker;
use mailping_core::geo::{GeoResolver, Place};
use mailping_core::testing::stories::{self, Fetch};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Every network there is has a place: its town is named after the first number of its addresses.
#[derive(Debug)]
struct Everywhere;

impl GeoResolver for Everywhere {
    fn locate(
        &self,
        network: mailping_core::intake::MaskedIp,
    ) -> Result<Option<Place>, Box<dyn std::error::Error + Send + Sync>> {
        let network = network.to_string();
        let first = network.split(['.', ':']).next().unwrap_or_default();
        Ok(Some(Place::new("PT".parse().ok(), format!("Town of {first}").parse().ok())))
    }
}

/// The server ends when the runtime is dropped.
fn serve(tracker: Tracker) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().merge(mailping_axum::routes_at("/px", tracker));
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    runtime.spawn(axum::serve(listener, service).into_future());
    (runtime, address)
}

fn fetch((_, address): &(Runtime, SocketAddr), fetch: &Fetch) {
    let mut request = format!("{} {} HTTP/1.1\r\nhost: app.example\r\n", fetch.method, fetch.path);
    for (name, value) in &fetch.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("connection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let answer = String::from_utf8_lossy(&bytes);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn every_story_comes_out_over_http_as_a_careful_person_concludes() {
    let geo: Arc<dyn GeoResolver> = Arc::new(Everywhere);
    for stories in [
        include_str!("../../mailping-core/tests/corpus/stories.jsonl"),
        include_str!("../../mailping-core/tests/corpus/sequences.jsonl"),
        include_str!("../../mailping-core/tests/corpus/accepted.jsonl"),
    ] {
        let report = stories::run(stories, &geo, serve, fetch).unwrap();
        assert!(report.scored > 10 && report.misses.is_empty(), "{:#?}", report.misses);
    }
}

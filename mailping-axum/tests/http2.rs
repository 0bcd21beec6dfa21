//! The pixel over HTTP/2.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;

use axum::Router;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mailping_core::{Basis, Detail, Keyring, MemoryStore, NewPing, Tracker, pixel};
use tokio::net::{TcpListener, TcpStream};

/// Sends one request to each path over one HTTP/2 connection without TLS, by prior knowledge.
async fn fetch(address: SocketAddr, requests: &[(&str, &str)]) -> Vec<Response<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for (method, path) in requests {
        let uri = format!("http://app.example{path}");
        let request = Request::builder().method(*method).uri(uri).body(Empty::<Bytes>::new()).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        answers.push(Response::from_parts(head, body.collect().await.unwrap().to_bytes()));
    }
    answers
}

fn headers(answer: &Response<Bytes>) -> Vec<(&str, &[u8])> {
    let mut headers: Vec<_> =
        answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    headers.retain(|(name, _)| *name != "date");
    headers.sort_unstable();
    headers
}

async fn check(tracker: &Tracker, address: SocketAddr) {
    let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await.unwrap();
    let pixel = ping.pixel_url().unwrap().strip_prefix("http://app.example").unwrap();
    let answers = fetch(address, &[("GET", pixel), ("GET", "/px/forged.gif"), ("HEAD", pixel)]).await;
    let mut expected: Vec<_> = pixel::HEADERS.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    expected.push(("content-length", b"43"));
    expected.sort_unstable();
    for (answer, body) in answers.iter().zip([&pixel::BYTES[..], &pixel::BYTES, b""]) {
        assert_eq!((answer.version(), answer.status().as_u16()), (Version::HTTP_2, 200));
        assert_eq!((headers(answer), &answer.body()[..]), (expected.clone(), body));
    }
    let receipt = tracker.receipts().get(ping.id()).await.unwrap().unwrap();
    assert_eq!(receipt.opens.len(), 1, "GET is recorded, HEAD is not");
    assert_eq!(receipt.opens[0].network.unwrap().to_string(), "127.0.0.0/24");
}

async fn tracker() -> Tracker {
    let keys = Keyring::generate().unwrap();
    let builder = Tracker::builder(keys, MemoryStore::new()).base_url("http://app.example/px").unwrap();
    builder.ceiling(Detail::Network).build().await.unwrap()
}

#[tokio::test]
async fn over_http_2_the_picture_is_the_same() {
    let tracker = tracker().await;
    let app = Router::new().merge(mailping_axum::routes(tracker.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
    tokio::select! {
        served = server.into_future() => served.unwrap(),
        () = check(&tracker, address) => {}
    }
}

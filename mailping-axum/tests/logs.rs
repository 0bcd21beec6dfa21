//! The documented mount under a logger of every request: what the logs hold of a pixel's fetch,
//! over real sockets.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::get;
use mailping_axum::{Basis, Keyring, MemoryStore, NewPing, Tracker};
use tower_http::trace::TraceLayer;
use tracing_subscriber::EnvFilter;

const REFERER: &str = "https://kiribati.example/inbox";
const AGENT: &str = "Zanzibar/7.7";

/// What is logged, at the level `trace` and every target but the one that the crate's page names.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn fetch(server: SocketAddr, path: &str) -> (String, SocketAddr) {
    let mut socket = TcpStream::connect(server).unwrap();
    let address = socket.local_addr().unwrap();
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nhost: {server}\r\nuser-agent: {AGENT}\r\nreferer: {REFERER}\r\n\
         x-forwarded-for: 203.0.113.197\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    (String::from_utf8_lossy(&answer).into_owned(), address)
}

#[test]
fn mounted_after_the_trace_layer_nothing_of_a_fetch_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace,axum::serve=info"))
        .with_writer(move || writer.clone())
        .init();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (tracker, ping) = runtime.block_on(async {
        let tracker = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
        let tracker = tracker.base_url("http://127.0.0.1/px").unwrap().build().await.unwrap();
        let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await.unwrap();
        (tracker, ping)
    });
    let path = |url: &str| url[url.find("/px/").unwrap()..].to_owned();
    let pixel = path(ping.pixel_url().unwrap());
    let token = pixel["/px/".len()..].strip_suffix(".gif").unwrap();
    let trace = || {
        TraceLayer::new_for_http()
            .make_span_with(tower_http::trace::DefaultMakeSpan::new().include_headers(true))
    };
    let hello = || Router::new().route("/hello", get(async || "hello"));
    let serve = |app: Router| {
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, app).await });
        address
    };
    let logged = || String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();

    let documented = hello().layer(trace()).merge(mailping_axum::routes_at("/px", tracker.clone()));
    let server = serve(documented);
    let mut peers = Vec::new();
    for path in [pixel.clone(), format!("/px/{token}"), path(ping.opt_out_url()), "/px/forged.gif".to_owned()]
    {
        let (answer, peer) = fetch(server, &path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        peers.push(format!(":{}", peer.port()));
    }
    let of_pixels = logged();
    let private = [token, AGENT, REFERER, "203.0.113.197"].map(str::to_owned);
    for secret in private.iter().chain(&peers) {
        assert!(!of_pixels.contains(secret.as_str()), "{secret} is in {of_pixels}");
    }
    assert!(fetch(server, "/hello").0.ends_with("hello"));
    assert!(logged().contains("/hello") && logged().contains(AGENT), "the rest is logged: {}", logged());

    // The other way round the layer sees the token, which is why the order is documented.
    let wrapped = hello().merge(mailping_axum::routes_at("/px", tracker)).layer(trace());
    fetch(serve(wrapped), &pixel);
    assert!(logged().contains(token), "{}", logged());
}

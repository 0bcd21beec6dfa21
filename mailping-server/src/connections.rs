//! Connections to an axum app, on hyper: `axum::serve` waits for a half-sent head forever.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower_service::Service as _;

/// After an error that concerns no single connection, such as too many open files.
const PAUSE: Duration = Duration::from_millis(500);

/// How often a timer is due, whatever else happens. Tokio wakes its driver whenever a timer is set
/// that is due before all others; without an earlier one that is the limit of each single request.
const TICK: Duration = Duration::from_secs(1);

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For the head of a request, and between two of them.
    pub(crate) head: Duration,
    /// For answers under way at the end.
    pub(crate) end: Duration,
}

/// Serves until `stop`, then finishes the answers under way.
pub(crate) async fn serve_connections(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop);
    let mut tick = tokio::time::interval(TICK);
    loop {
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            _ = tick.tick() => continue,
            () = &mut stop => break,
        };
        let app = app.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            app.clone().call(request)
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(socket), service));
        // Its error says how the client went.
        tokio::spawn(async move { drop(connection.await) });
    }
    drop(listener);
    let _ = tokio::time::timeout(limits.end, open.shutdown()).await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};

    use axum::routing::get;
    use tokio::sync::oneshot;

    use super::*;

    /// Serves one route with short limits, and returns where.
    fn serving(runtime: &tokio::runtime::Runtime, head: Duration) -> (SocketAddr, oneshot::Sender<()>) {
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let app =
            Router::new().route("/", get(|peer: ConnectInfo<SocketAddr>| async move { peer.0.to_string() }));
        let limits = Limits { head, end: Duration::from_secs(5) };
        runtime.spawn(serve_connections(listener, app, limits, async {
            let _ = stopped.await;
        }));
        (address, stop)
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket
    }

    #[test]
    fn a_half_sent_head_is_closed_in_time() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (address, _stop) = serving(&runtime, Duration::from_millis(200));
        for sent in ["", "GET", "GET / HTTP/1.1\r\nhost: x\r\n"] {
            let mut socket = connect(address);
            socket.write_all(sent.as_bytes()).unwrap();
            let mut answer = Vec::new();
            // The end of the connection, within the read's own limit.
            socket.read_to_end(&mut answer).unwrap();
            assert!(!answer.starts_with(b"HTTP/1.1 200"), "{sent:?}");
        }
    }

    #[test]
    fn a_whole_request_is_answered_with_its_peer_known_and_the_connection_kept() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (address, _stop) = serving(&runtime, Duration::from_secs(5));
        let mut socket = connect(address);
        for _ in 0..2 {
            socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            let mut answer = String::new();
            let peer = socket.local_addr().unwrap().to_string();
            while !answer.ends_with(&peer) {
                let mut buffer = [0; 1024];
                let read = socket.read(&mut buffer).unwrap();
                assert!(read > 0, "{answer}");
                answer.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    }
}

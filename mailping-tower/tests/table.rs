//! The shared adapter table on plain hyper servers.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::IpAddr;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use mailping_core::Tracker;
use mailping_core::testing::adapter::{PREFIX, Sockets, Table};
use mailping_tower::{Peer, PixelService};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: PixelService,
    peer: Option<IpAddr>,
    by_extension: bool,
) {
    if by_extension {
        let service = service.map_request(move |mut request: Request<Incoming>| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(Peer(peer));
            }
            request
        });
        let service = TowerToHyperService::new(service);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    } else {
        let service = TowerToHyperService::new(service.from_peer(peer.map(Peer)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Serves on all sockets. The server ends when the runtime is dropped.
fn serve(service: PixelService, sockets: Sockets, by_extension: bool) -> Runtime {
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    for socket in std::iter::once(sockets.ipv4).chain(sockets.ipv6) {
        let (listener, service) = (TcpListener::from_std(socket).unwrap(), service.clone());
        runtime.spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                talk(stream, service.clone(), Some(peer.ip()), by_extension);
            }
        });
    }
    #[cfg(unix)]
    if let Some(socket) = sockets.unix {
        let listener = tokio::net::UnixListener::from_std(socket).unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                talk(stream, service.clone(), None, by_extension);
            }
        });
    }
    runtime
}

#[test]
fn below_the_base_url_it_answers_as_the_table_says() {
    let start = |tracker: Tracker, sockets| serve(PixelService::new(tracker), sockets, false);
    Table::new().run(start).unwrap();
}

#[test]
fn at_a_path_and_with_peers_in_extensions_it_answers_as_the_table_says() {
    let start =
        |tracker: Tracker, sockets| serve(PixelService::at(&format!("{PREFIX}/"), tracker), sockets, true);
    Table::new().run(start).unwrap();
}

//! The shared adapter table on real actix-web servers.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use mailping_core::Tracker;
use mailping_core::testing::adapter::{PREFIX, Sockets, Table};

/// A server in a thread of its own, which ends when this is dropped.
struct Server {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn serve(sockets: Sockets, mount: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Server {
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let server = HttpServer::new(move || App::new().configure(mount.clone()));
            let mut server = server.workers(1).disable_signals();
            for socket in std::iter::once(sockets.ipv4).chain(sockets.ipv6) {
                server = server.listen(socket).unwrap();
            }
            #[cfg(unix)]
            if let Some(socket) = sockets.unix {
                server = server.listen_uds(socket).unwrap();
            }
            let server = server.run();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    Server { handle: receive.recv().unwrap(), thread: Some(thread) }
}

// actix-http keeps one flag for "the request is HEAD", which the next request on the connection
// overwrites.
const REASON: &str = "actix-http answers a HEAD that is followed by a GET in the same packet with a body";

#[test]
fn below_the_base_url_it_answers_as_the_table_says() {
    let start = |tracker: Tracker, sockets| {
        serve(sockets, move |config| mailping_actix::routes(tracker.clone())(config))
    };
    Table::new().skip("pipelined HEAD", REASON).run(start).unwrap();
}

#[test]
fn in_a_scope_it_answers_as_the_table_says() {
    for path in [PREFIX, ""] {
        let start = |tracker: Tracker, sockets| {
            serve(sockets, move |config| {
                let routes = mailping_actix::routes_at(path, tracker.clone());
                config.service(web::scope(PREFIX).configure(routes));
            })
        };
        Table::new().skip("pipelined HEAD", REASON).run(start).unwrap();
    }
}

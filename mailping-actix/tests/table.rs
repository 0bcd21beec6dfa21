//! The shared adapter table on real actix-web servers.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
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

fn serve(tracker: Tracker, sockets: Sockets) -> Server {
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let mut server = HttpServer::new(move || {
                App::new().service(web::scope(PREFIX).configure(mailping_actix::routes(tracker.clone())))
            });
            server = server.workers(1).disable_signals();
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

#[test]
fn in_a_scope_it_answers_as_the_table_says() {
    // actix-http keeps one flag for "the request is HEAD", which the next request on the connection overwrites.
    let reason = "actix-http answers a HEAD that is followed by a GET in the same packet with a body";
    Table::new().skip("pipelined HEAD", reason).run(serve).unwrap();
}

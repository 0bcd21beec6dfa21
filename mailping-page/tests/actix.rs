//! The page in an actix-web app.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::SocketAddr;

use actix_web::dev::Service as _;
use actix_web::{App, HttpMessage as _, HttpServer, web};
use mailping_page::Page;

/// Serves an app in a thread of its own, until the tests end.
fn serve(page: Page) -> SocketAddr {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let server = HttpServer::new(move || {
                let behind_login = web::scope("")
                    .wrap_fn(|request, app| {
                        let cookies = request.headers().get("cookie").and_then(|value| value.to_str().ok());
                        let scope = common::scope_of(cookies);
                        if let Some(scope) = scope {
                            request.extensions_mut().insert(scope);
                        }
                        app.call(request)
                    })
                    .configure(mailping_page::actix::routes(page.clone()));
                App::new().route("/", web::get().to(async || "app")).service(behind_login)
            });
            let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
            send.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    receive.recv().unwrap()
}

#[test]
fn a_page_below_a_path_and_behind_a_login() {
    common::holds(serve);
}

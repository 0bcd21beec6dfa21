//! The documented mount under a logger of every request: what the logs hold of a pixel's fetch,
//! over real sockets.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};

use actix_web::middleware::Logger;
use actix_web::{App, HttpServer, web};
use mailping_actix::{Basis, Keyring, MemoryStore, NewPing, Tracker};
use socket2::{Domain, Socket, Type};

const REFERER: &str = "https://kiribati.example/inbox";
const AGENT: &str = "Zanzibar/7.7";
/// Another address of loopback than the server's.
const CLIENT: &str = "127.77.66.55";

/// Whatever is logged by anybody, at the level `trace`.
struct Log(Mutex<String>);

static LOG: Log = Log(Mutex::new(String::new()));

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&format!("{} {}: {}\n", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}

fn logged() -> String {
    LOG.0.lock().unwrap().clone()
}

fn fetch(server: SocketAddr, path: &str) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(CLIENT.parse::<IpAddr>().unwrap(), 0).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let mut socket = TcpStream::from(socket);
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nhost: {server}\r\nuser-agent: {AGENT}\r\nreferer: {REFERER}\r\n\
         x-forwarded-for: 203.0.113.197\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[actix_web::test]
async fn beside_the_loggers_scope_nothing_of_a_fetch_is_logged() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let tracker = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
    let tracker = tracker.base_url("http://127.0.0.1/px").unwrap().build().await.unwrap();
    let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await.unwrap();
    let path = |url: &str| url[url.find("/px/").unwrap()..].to_owned();
    let pixel = path(ping.pixel_url().unwrap());
    let token = pixel["/px/".len()..].strip_suffix(".gif").unwrap();
    let get = |server, path: &str| {
        let path = path.to_owned();
        async move { actix_web::rt::task::spawn_blocking(move || fetch(server, &path)).await.unwrap() }
    };

    let routes = mailping_actix::routes(tracker.clone());
    let documented = HttpServer::new(move || {
        App::new()
            .service(web::scope("/px").configure(routes.clone()))
            .service(web::scope("").wrap(Logger::default()).route("/hello", web::get().to(async || "hello")))
    });
    let documented = documented.workers(1).bind("127.0.0.1:0").unwrap();
    let server = documented.addrs()[0];
    actix_web::rt::spawn(documented.run());
    for path in [
        pixel.clone(),
        format!("/px/{token}"),
        format!("/px/{token}/nothing"),
        // actix decodes a path before it looks for a route.
        format!("/%70x/{token}.gif"),
        path(ping.opt_out_url()),
        "/px/forged.gif".to_owned(),
    ] {
        let answer = get(server, &path).await;
        assert!(answer.starts_with("HTTP/1.1 ") && !answer.contains(" 500 "), "{answer}");
    }
    let of_pixels = logged();
    for secret in [token, CLIENT, AGENT, REFERER, "203.0.113.197"] {
        assert!(!of_pixels.contains(secret), "{secret} is in {of_pixels}");
    }
    assert!(get(server, "/hello").await.ends_with("hello"));
    let rest = logged();
    assert!(
        rest.contains("/hello") && rest.contains(CLIENT) && rest.contains(AGENT),
        "the rest is logged: {rest}"
    );

    // Around the whole app it logs all of that, which is why the scope is documented.
    let routes = mailping_actix::routes(tracker);
    let wrapped = HttpServer::new(move || {
        App::new().wrap(Logger::default()).service(web::scope("/px").configure(routes.clone()))
    });
    let wrapped = wrapped.workers(1).bind("127.0.0.1:0").unwrap();
    let server = wrapped.addrs()[0];
    actix_web::rt::spawn(wrapped.run());
    get(server, &pixel).await;
    assert!(logged().contains(token), "{}", logged());
}

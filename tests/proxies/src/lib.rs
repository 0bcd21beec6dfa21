//! The snippets of the guide to proxies, as they are printed there, in front of the service.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this crate is for tests only")]

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mailping_acceptance::{Client, Start};
use serde_json::json;

const GUIDE: &str = include_str!("../../../mailping-core/docs/proxies.md");
/// Where the client comes from.
const CLIENT: &str = "127.77.66.55";

/// A proxy to run: how to set it up, and what its log says of clients elsewhere.
pub struct Proxy<'a> {
    /// The Debian package, which is also the program.
    pub package: &'a str,
    /// The configuration around the guide's snippet, for a proxy that listens there and answers 404
    /// at `/other`, and has no upstream behind `/broken`.
    pub config: &'a dyn Fn(&Site<'_>) -> String,
    /// The arguments that run it in the foreground with this configuration file.
    pub arguments: &'a dyn Fn(&str) -> Vec<String>,
    /// How it logs the client if nothing keeps it from that, to see that it logs at all.
    pub elsewhere: &'a str,
}

impl fmt::Debug for Proxy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("package", &self.package).finish_non_exhaustive()
    }
}

/// What a configuration is made of.
#[derive(Debug)]
pub struct Site<'a> {
    /// The guide's snippet, with the service's real address in it.
    pub snippet: &'a str,
    /// Where the proxy listens.
    pub listen: SocketAddr,
    /// The service.
    pub upstream: SocketAddr,
    /// A folder for its files. What is in it at the end, and what the proxy prints, is searched for
    /// addresses.
    pub folder: &'a Path,
}

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where it listens.
    pub listen: SocketAddr,
}

impl Running {
    /// Starts the program of a Debian package on a free port. The folder gets its configuration,
    /// which `config` makes for the address it shall listen on, and what it prints.
    ///
    /// # Panics
    /// If it is not installed or does not listen.
    pub fn start(
        package: &str,
        folder: &Path,
        arguments: &dyn Fn(&str) -> Vec<String>,
        config: impl FnOnce(SocketAddr) -> String,
    ) -> Self {
        let listen: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = folder.join("config");
        fs::write(&file, config(listen)).unwrap();
        let printed = fs::File::create(folder.join("printed")).unwrap();
        let mut command = Command::new(program(package));
        command.args(arguments(file.to_str().unwrap())).current_dir(folder).stdin(Stdio::null());
        command.env("HOME", folder).stdout(printed.try_clone().unwrap()).stderr(printed);
        let running = Self { child: command.spawn().unwrap(), listen };
        let begun = Instant::now();
        while TcpStream::connect(listen).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not listen: {}", written(folder));
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ =
            Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// The path of a Debian package's program.
///
/// # Panics
/// If it is not installed.
pub fn program(package: &str) -> String {
    let paths = ["/usr/sbin", "/usr/bin"].map(|folder| format!("{folder}/{package}"));
    let found = paths.into_iter().find(|path| fs::exists(path).unwrap());
    found.unwrap_or_else(|| panic!("{package} is missing: install the Debian package `{package}`"))
}

/// Fetches pixels through a proxy, with the service up and down, and searches all that the proxy
/// writes.
///
/// # Panics
/// If an address of a pixel's client is in it, or the service does not get the masked address.
pub fn keeps_pixel_addresses_out_of_its_logs(proxy: &Proxy<'_>) {
    let start = Start::built("mailping-server", "receipts");
    const TOKEN: &str = "open-sesame-7777";
    let settings = [
        ("MAILPING_CLIENT_IP", "xff"),
        ("MAILPING_TRUSTED_PROXIES", "127.0.0.1/32"),
        ("MAILPING_ADMIN_TOKEN", TOKEN),
        ("MAILPING_CEILING", "network"),
    ];
    let service = start.run(&settings);
    let ping = json!({ "reference": "r", "basis": { "kind": "contract" }, "detail": "network" });
    let admin = service.client().bearer(TOKEN);
    let ping = admin.post("/api/pings", &ping).json();
    let url = ping["pixel_url"].as_str().unwrap();
    let pixel = &url[url.find("/px/").unwrap()..];

    let folder = tempfile::tempdir().unwrap();
    let snippet =
        GUIDE.split_once(&format!("```{}\n", proxy.package)).unwrap().1.split_once("```").unwrap().0;
    let snippet = snippet.replace("127.0.0.1:3000", &service.server().to_string());
    let config = |listen| {
        let site = Site { snippet: &snippet, listen, upstream: service.server(), folder: folder.path() };
        (proxy.config)(&site)
    };
    let running = Running::start(proxy.package, folder.path(), proxy.arguments, config);

    let client = Client::new(running.listen).from(CLIENT);
    let fetched = client.get(pixel, &[("x-forwarded-for", "203.0.113.9")]);
    assert_eq!((fetched.status, fetched.body.len()), (200, 43));
    let receipt = admin.get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[]).json();
    assert_eq!(receipt["opens"][0]["network"], "127.77.66.0/24", "not what the client made up: {receipt}");
    let through = client.bearer(TOKEN);
    for admin in ["/api/pings", "/", "/metrics"] {
        let reply = through.get(admin, &[]);
        assert!(!matches!(reply.status, 401 | 403), "the service was asked: {reply:?}");
        assert!(reply.status == 404 || reply.body.is_empty(), "only pixels are forwarded: {reply:?}");
    }
    assert_eq!(client.get("/other", &[]).status, 404);
    logs(folder.path(), "/other", proxy.elsewhere);
    let of_a_success = written(folder.path());
    assert!(!of_a_success.contains("/px/") && !of_a_success.contains("203.0.113.9"), "{of_a_success}");

    service.kill();
    let down = client.get(pixel, &[]).status;
    assert!(matches!(down, 502 | 503), "also where the service is down: {down}");
    assert!(matches!(client.get("/broken", &[]).status, 502 | 503));
    logs(folder.path(), "/broken", proxy.elsewhere);
    drop(running);
    let all = written(folder.path());
    assert!(!all.contains(pixel), "{all}");
    const ELSEWHERE: [&str; 5] = ["/other", "/broken", "/api/pings", "GET / HTTP", "/metrics"];
    let of_pixels = |line: &&str| !ELSEWHERE.iter().any(|other| line.contains(other));
    assert!(!all.lines().filter(of_pixels).any(|line| line.contains(CLIENT)), "{all}");
}

/// Forwards everything to a service without an admin token, as an operator might on the same
/// machine: it answers pixels alone.
///
/// # Panics
/// If it answers anything else.
pub fn opens_no_door(
    package: &str,
    config: impl FnOnce(SocketAddr, SocketAddr, &Path) -> String,
    arguments: &dyn Fn(&str) -> Vec<String>,
) {
    let start = Start::built("mailping-server", "receipts");
    let service = start.run(&[]);
    let ping = json!({ "reference": "r", "basis": { "kind": "contract" } });
    let ping = service.client().post("/api/pings", &ping).json();
    let url = ping["pixel_url"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let upstream = service.server();
    let running =
        Running::start(package, folder.path(), arguments, |listen| config(listen, upstream, folder.path()));
    let client = Client::new(running.listen).from(CLIENT);
    let api = format!("/api/pings/{}", ping["id"].as_str().unwrap());
    for (method, path) in
        [("GET", "/"), ("GET", "/api/pings"), ("GET", &api), ("DELETE", &api), ("POST", "/api/export")]
    {
        let reply = client.send(method, path, &[], "{\"recipient\":\"ada@example.com\"}");
        assert_eq!(reply.status, 403, "{method} {path}: {reply:?}");
    }
    assert_eq!(client.get(&url[url.find("/px/").unwrap()..], &[]).body.len(), 43);
    assert_eq!(service.client().get(&api, &[]).json()["fetches"], 1);
}

/// Waits until a line about this path tells the client.
fn logs(folder: &Path, path: &str, client: &str) {
    let begun = Instant::now();
    while !written(folder).lines().any(|line| line.contains(path) && line.contains(client)) {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "nothing was logged of {path}: {}",
            written(folder)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The text of all files but the configuration.
fn written(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && !path.ends_with("config"));
    files.map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
}

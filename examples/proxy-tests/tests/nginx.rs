//! The nginx snippet of the privacy chapter, as it is printed there, in a real nginx.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use mailping_examples_acceptance::{Client, Start};
use serde_json::json;

const CHAPTER: &str = include_str!("../../../mailping-core/docs/privacy.md");
/// Where the client comes from.
const CLIENT: &str = "127.77.66.55";

struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn the_nginx_snippet_keeps_pixel_addresses_out_of_its_logs() {
    let found = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| std::fs::exists(path).unwrap());
    let nginx = found.expect("nginx is missing: install the Debian package `nginx`");
    let example = ["build", "--quiet", "--package", "mailping-examples-axum", "--example", "receipts"];
    assert!(Command::new(env!("CARGO")).args(example).status().unwrap().success());

    let start = Start::example("receipts");
    let settings = [("MAILPING_CLIENT_IP", "xff"), ("MAILPING_TRUSTED_PROXIES", "127.0.0.1/32")];
    let program = start.run(&settings);
    let ping = json!({ "reference": "r", "basis": { "kind": "contract" }, "detail": "network" });
    let ping = program.client().post("/api/pings", &ping).json();
    let url = ping["pixel_url"].as_str().unwrap();
    let pixel = &url[url.find("/px/").unwrap()..];

    let snippet = CHAPTER.split_once("```nginx\n").unwrap().1.split_once("```").unwrap().0;
    assert!(snippet.contains("127.0.0.1:3000"));
    let snippet = snippet.replace("127.0.0.1:3000", &program.server().to_string());
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display().to_string();
    let listen: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {at}/{name};\n"))
        .concat();
    let config = format!(
        "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log info;\nevents {{}}\n\
         http {{\naccess_log {at}/access.log;\n{temp}server {{\nlisten {listen};\n{snippet}\n\
         location / {{ return 404; }}\nlocation /broken {{ proxy_pass http://127.0.0.1:1; }}\n}}\n}}\n"
    );
    std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
    let error_log = format!("{at}/error.log");
    let run = ["-p", &at, "-e", &error_log, "-c", "nginx.conf"];
    let server = Nginx(Command::new(nginx).args(run).spawn().unwrap());
    let begun = Instant::now();
    while TcpStream::connect(listen).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "nginx does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }

    let client = Client::new(listen).from(CLIENT);
    let fetched = client.get(pixel, &[("x-forwarded-for", "203.0.113.9")]);
    assert_eq!((fetched.status, fetched.body.len()), (200, 43));
    let receipt = program.client().get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[]).json();
    assert_eq!(receipt["fetches"], 1);
    program.kill();
    assert_eq!(client.get(pixel, &[]).status, 502, "also where the service is down");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["access.log", "error.log"] {
        let about_pixel: Vec<String> =
            read(name).lines().filter(|line| line.contains("/px/")).map(str::to_owned).collect();
        assert!(about_pixel.is_empty(), "{name}: {about_pixel:?}");
        assert!(!read(name).contains(CLIENT), "{name}: {}", read(name));
    }
    assert_eq!((client.get("/other", &[]).status, client.get("/broken", &[]).status), (404, 502));
    drop(server);
    assert!(read("access.log").contains(CLIENT) && read("access.log").contains("/other"));
    assert!(read("error.log").contains(CLIENT) && read("error.log").contains("/broken"));
}

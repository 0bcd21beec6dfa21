//! Two of the service on one database, behind one HAProxy: whichever answers, they are one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use mailping_acceptance::{Client, Program, Start};
use mailping_fixture_postgres::Server;
use mailping_proxy_tests::Running;
use serde_json::{Value, json};

const TOKEN: &str = "open-sesame-7777";
const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A pixel's fetch is tried again only if no connection came about: a second try after the first
/// was sent could be a second open.
fn config(listen: std::net::SocketAddr, instances: &[&Program]) -> String {
    let mut config = format!(
        "defaults\n mode http\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n\
         frontend web\n bind {listen}\n default_backend services\n\
         backend services\n balance roundrobin\n option forwardfor\n retries 3\n option redispatch 1\n retry-on conn-failure\n"
    );
    for (n, instance) in instances.iter().enumerate() {
        writeln!(config, " server instance{n} {} check inter 100ms", instance.server()).unwrap();
    }
    config
}

fn path(ping: &Value, field: &str) -> String {
    let url = ping[field].as_str().unwrap();
    url[url.find("/px/").unwrap()..].to_owned()
}

fn make(client: Client, recipient: &str) -> Value {
    let ping = json!({ "reference": "invoice-42", "basis": { "kind": "contract" }, "recipient": recipient });
    let reply = client.post("/api/pings", &ping);
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

fn fetch(client: Client, ping: &Value) {
    assert_eq!(client.get(&path(ping, "pixel_url"), &[]).body.len(), 43);
}

fn fetches(client: Client, ping: &Value) -> u64 {
    let receipt = client.get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[]).json();
    receipt["fetches"].as_u64().unwrap()
}

fn admin(instance: &Program) -> Client {
    instance.client().bearer(TOKEN)
}

fn durable(instance: &Program) -> u64 {
    admin(instance).get("/api/health", &[]).json()["durable"].as_u64().unwrap()
}

#[test]
#[ignore = "needs PostgreSQL and HAProxy"]
fn two_instances_behind_haproxy_are_one() {
    let server = Server::quick();
    let start = Start::built_with("mailping-server", "receipts_postgres", "postgres")
        .with("MAILPING_DB", &server.url("postgres"))
        .with("MAILPING_KEYS", KEYS)
        .with("MAILPING_CLIENT_IP", "xff")
        .with("MAILPING_TRUSTED_PROXIES", "127.0.0.1/32")
        .with("MAILPING_ADMIN_TOKEN", TOKEN);
    let (one, other) = (start.run(&[]), start.run(&[]));
    let folder = tempfile::tempdir().unwrap();
    let arguments = |config: &str| ["-db", "-f", config].map(str::to_owned).to_vec();
    let proxy =
        Running::start("haproxy", folder.path(), &arguments, |listen| config(listen, &[&one, &other]));
    let client = Client::new(proxy.listen).bearer(TOKEN);

    let pings: Vec<Value> = (0..10).map(|n| make(client, &format!("reader-{n}@example.com"))).collect();
    for _ in 0..11 {
        pings.iter().for_each(|ping| fetch(client, ping));
    }
    assert!(durable(&one) > 0 && durable(&other) > 0, "both take hits");
    assert_eq!(durable(&one) + durable(&other), 110);
    for ping in &pings {
        assert_eq!((fetches(admin(&one), ping), fetches(admin(&other), ping)), (11, 11));
    }

    assert_eq!(admin(&one).send("POST", &path(&pings[0], "opt_out_url"), &[], "").status, 200);
    for instance in [&one, &other] {
        fetch(admin(instance), &pings[0]);
        assert_eq!(
            fetches(admin(instance), &pings[0]),
            11,
            "an objection holds at once, wherever it was made"
        );
        assert_eq!(make(admin(instance), "reader-0@example.com")["status"], "untracked");
    }

    one.kill();
    for _ in 0..11 {
        pings[1..].iter().for_each(|ping| fetch(client, ping));
    }
    for ping in &pings[1..] {
        assert_eq!(
            fetches(client, ping),
            22,
            "each picture is answered by the other, and each fetch is one open"
        );
    }
}

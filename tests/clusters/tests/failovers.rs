//! Servers of a cluster die under hits, and no open that was answered is lost: counted by a client
//! that keeps its own books.
//!
//! `MAILPING_FAILOVERS` sets how many primaries die; without it one does. As many standbys and a
//! quarter as many times both standbys die then, too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use mailping_acceptance::{Client, Load, Program, Start};
use mailping_fixture_postgres::{Cluster, PASSWORD, USER};
use mailping_proxy_tests::Running;
use serde_json::{Value, json};

const TOKEN: &str = "open-sesame-7777";
const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// How long pictures may take: the deadline of two seconds, and some for a busy machine.
const LONGEST: Duration = Duration::from_millis(2_900);
/// How long anything else is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two instances of the service on a cluster, behind one HAProxy.
struct Fixture {
    cluster: Cluster,
    instances: [Program; 2],
    proxy: Running,
    _folders: [tempfile::TempDir; 2],
    _start: Start,
}

impl Fixture {
    fn start() -> Self {
        let cluster = Cluster::start();
        cluster.wait_for_standbys(2);
        let places: Vec<_> =
            (0..Cluster::SERVERS).map(|n| format!("127.0.0.1:{}", cluster.server(n).port())).collect();
        let places = places.join(",");
        let url = format!("postgres://{USER}:{PASSWORD}@{places}/postgres?target_session_attrs=read-write");
        let start = Start::built_with("mailping-server", "receipts_postgres", "postgres")
            .with("MAILPING_DB", &url)
            .with("MAILPING_COPIES", "2")
            .with("MAILPING_KEYS", KEYS)
            .with("MAILPING_CLIENT_IP", "xff")
            .with("MAILPING_TRUSTED_PROXIES", "127.0.0.1/32")
            .with("MAILPING_CEILING", "network")
            .with("MAILPING_HIT_LIMIT", "0")
            .with("MAILPING_ADMIN_TOKEN", TOKEN);
        let instances = ["spool-0", "spool-1"].map(|spool| start.run(&[("MAILPING_SPOOL", spool)]));
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let proxy = proxy(folders[0].path(), &instances);
        Self { cluster, instances, proxy, _folders: folders, _start: start }
    }

    fn client(&self) -> Client {
        Client::new(self.proxy.listen).bearer(TOKEN)
    }

    fn health(&self) -> [Value; 2] {
        self.instances
            .each_ref()
            .map(|instance| instance.client().bearer(TOKEN).get("/api/health", &[]).json())
    }

    fn sum(&self, name: &str) -> u64 {
        self.health().iter().map(|health| health[name].as_u64().unwrap()).sum()
    }

    fn waiting(&self) -> u64 {
        self.health().iter().map(|health| health["spool"]["waiting"].as_u64().unwrap()).sum()
    }

    /// A ping whose opens keep the network, by which the client tells its hits apart.
    fn make(&self) -> Value {
        let ping = json!({ "reference": "r", "basis": { "kind": "contract" }, "detail": "network" });
        let reply = self.client().post("/api/pings", &ping);
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()
    }

    /// Erases a ping, again and again until it is confirmed.
    fn erase(&self, ping: &Value) {
        let path = format!("/api/pings/{}", ping["id"].as_str().unwrap());
        // An answer that was lost after the deed makes the next one 404.
        eventually("the erasure is confirmed", || {
            matches!(self.client().send("DELETE", &path, &[], "").status, 200 | 204 | 404)
        });
    }

    fn ask(&self, statement: &str) -> String {
        self.cluster.server(self.cluster.primary()).ask(statement)
    }

    /// How often a ping, or opens of it, are found.
    fn traces(&self, ping: &Value) -> String {
        let id = ping["id"].as_str().unwrap().parse::<mailping_core::PingId>().unwrap();
        let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.ask(&format!(
            "SELECT (SELECT count(*) FROM mailping.pings WHERE id = '{hex}') + (SELECT count(*) FROM mailping.opens WHERE ping = '{hex}')"
        ))
    }

    /// Waits until opens go into the database again, on both instances.
    fn wait_for_durable(&self) {
        let before = self.health();
        eventually("opens are durable again", || {
            let now = self.health();
            (0..2).all(|n| now[n]["durable"].as_u64() > before[n]["durable"].as_u64())
        });
    }

    fn wait_for_empty_spools(&self) {
        eventually("the spools are empty", || self.waiting() == 0);
    }
}

/// A picture's fetch is tried again only if no connection came about.
fn proxy(folder: &Path, instances: &[Program]) -> Running {
    let arguments = |config: &str| ["-db", "-f", config].map(str::to_owned).to_vec();
    Running::start("haproxy", folder, &arguments, |listen| {
        let mut config = format!(
            "global\n maxconn 500\ndefaults\n mode http\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n\
             frontend web\n bind {listen}\n default_backend services\n\
             backend services\n balance roundrobin\n option forwardfor\n retries 3\n option redispatch 1\n retry-on conn-failure\n"
        );
        for (n, instance) in instances.iter().enumerate() {
            writeln!(config, " server instance{n} {} check inter 500ms", instance.server()).unwrap();
        }
        config
    })
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn pixel(ping: &Value) -> String {
    let url = ping["pixel_url"].as_str().unwrap();
    url[url.find("/px/").unwrap()..].to_owned()
}

/// One server dies, and comes back.
fn primary_dies(fixture: &mut Fixture) -> (Duration, [Value; 2]) {
    let (before, during) = (fixture.make(), fixture.make());
    let fetch = |ping: &Value, fixture: &Fixture| {
        for n in 0..8 {
            let from = format!("198.51.{n}.7");
            let picture = fixture.client().get(&pixel(ping), &[("x-forwarded-for", &from)]);
            assert_eq!(picture.body.len(), 43);
        }
    };
    fetch(&before, fixture);
    fetch(&during, fixture);
    // Confirmed, and the server that confirmed it dies.
    fixture.erase(&before);
    let old = fixture.cluster.primary();
    let begun = Instant::now();
    fixture.cluster.server_mut(old).kill();
    // Into the spools, and erased from them and from the database that comes.
    fetch(&during, fixture);
    let new = fixture.cluster.most_advanced();
    fixture.cluster.promote(new);
    fixture.wait_for_durable();
    let away = begun.elapsed();
    fixture.erase(&during);
    fixture.cluster.rejoin(old);
    fixture.cluster.wait_for_standbys(2);
    fixture.wait_for_empty_spools();
    for erased in [&before, &during] {
        assert_eq!(fixture.traces(erased), "0", "an erasure holds across a failover");
    }
    (away, [before, during])
}

fn standby_dies(fixture: &mut Fixture, number: usize) {
    fixture.cluster.server_mut(number).kill();
    fixture.wait_for_durable();
    fixture.cluster.server_mut(number).start();
    fixture.cluster.wait_for_standbys(2);
}

fn both_standbys_die(fixture: &mut Fixture) {
    let standbys: Vec<_> = (0..Cluster::SERVERS).filter(|n| *n != fixture.cluster.primary()).collect();
    standbys.iter().for_each(|standby| fixture.cluster.server_mut(*standby).kill());
    eventually("opens go into the spools", || fixture.waiting() > 0);
    let durable = fixture.sum("durable");
    // What is looked at is that nothing happens meanwhile.
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(fixture.sum("durable"), durable, "nothing is called durable on one disk");
    standbys.iter().for_each(|standby| fixture.cluster.server_mut(*standby).start());
    fixture.cluster.wait_for_standbys(2);
    fixture.wait_for_durable();
    fixture.wait_for_empty_spools();
}

#[test]
#[ignore = "needs PostgreSQL and HAProxy"]
fn servers_die_and_no_answered_open_is_lost_or_there_twice() {
    let rounds: usize = std::env::var("MAILPING_FAILOVERS").map_or(1, |rounds| rounds.parse().unwrap());
    let standbys = if rounds > 1 { rounds } else { 0 };
    let both = rounds / 4;
    let mut fixture = Fixture::start();
    assert_eq!(fixture.health().map(|health| health["copies"].clone()), [json!(2), json!(2)]);
    let pings: Vec<Value> = (0..64).map(|_| fixture.make()).collect();
    let load = Load::start(fixture.proxy.listen, pings.iter().map(pixel));
    fixture.wait_for_durable();

    let (mut away, mut erased) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let spooled = fixture.sum("spooled");
        let (without, gone) = primary_dies(&mut fixture);
        let spooled = fixture.sum("spooled") - spooled;
        println!("round {}: {without:?} without a primary, {spooled} opens spooled", round + 1);
        away.push(without);
        erased.extend(gone);
    }
    for round in 0..standbys {
        let others: Vec<_> = (0..Cluster::SERVERS).filter(|n| *n != fixture.cluster.primary()).collect();
        standby_dies(&mut fixture, others[round % 2]);
    }
    for _ in 0..both {
        let spooled = fixture.sum("spooled");
        both_standbys_die(&mut fixture);
        println!("both standbys died for ten seconds: {} opens spooled", fixture.sum("spooled") - spooled);
    }

    let ledger = load.end();
    fixture.wait_for_empty_spools();
    eventually("nothing waits in memory", || fixture.sum("queue_depth") == 0);
    away.sort_unstable();
    println!(
        "{} hits answered, {} without an answer; {} durable, {} spooled, {} late; longest picture {:?}, p99 {:?}; \
         without a primary: median {:?}, longest {:?}",
        ledger.answered(),
        ledger.unanswered(),
        fixture.sum("durable"),
        fixture.sum("spooled"),
        fixture.sum("late"),
        ledger.longest(),
        ledger.quantile(99),
        away[away.len() / 2],
        away[away.len() - 1],
    );
    let ids: Vec<_> = pings.iter().map(|ping| ping["id"].as_str().unwrap().parse().unwrap()).collect();
    let rows = fixture.ask("SELECT encode(uuid_send(ping), 'hex'), network FROM mailping.opens");
    let (lost, twice, foreign) = ledger.compare(&ids, &rows);
    assert_eq!((lost, twice, foreign), (0, 0, 0), "lost, twice, made up");
    assert!(fixture.sum("spooled") > 0, "the spools carried something");
    assert!(ledger.longest() < LONGEST, "{:?}", ledger.longest());
    for ping in &erased {
        assert_eq!(fixture.traces(ping), "0", "no open of an erased ping has come back");
    }
}

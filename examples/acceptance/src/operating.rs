//! What the program promises to whoever runs it: starting, ending, crashing, and being watched.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::Start;
use crate::message::*;

/// `kill -9` right after a pixel's answer: the open is there after a restart, and the keys still hold.
pub fn an_answered_open_survives_kill_nine(start: &Start) {
    let program = start.run(&[]);
    let ping = make(&program.client(), &new_ping());
    for round in 1..=5_u64 {
        let program = start.run(&[]);
        fetch(&program.client(), &ping, &[("user-agent", FIREFOX)]);
        program.kill();
        let program = start.run(&[]);
        assert_eq!(receipt(&program.client(), &ping)["fetches"], round);
    }
}

/// SIGTERM ends it cleanly: the queue is written, the exit status is 0.
pub fn sigterm_ends_it_cleanly(start: &Start) {
    let program = start.run(&[]);
    let ping = make(&program.client(), &new_ping());
    fetch(&program.client(), &ping, &[]);
    let idle = std::net::TcpStream::connect(program.server()).unwrap();
    let begun = Instant::now();
    let (status, log) = program.terminate();
    drop(idle);
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("0 lost"), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(15));
}

/// Clients that come while the program is busy wait to be accepted; with a short queue they would
/// be turned away.
pub fn a_crowd_waits_to_be_accepted(start: &Start) {
    let program = start.run(&[]);
    let ping = make(&program.client(), &new_ping());
    let patience = Duration::from_secs(5);
    let crowd: Vec<_> = program.stopped(|| {
        let connect = |_| std::net::TcpStream::connect_timeout(&program.server(), patience);
        (0..500).map(connect).collect::<Result<_, _>>().expect("room for 500 that are not accepted yet")
    });
    assert_eq!(crowd.len(), 500);
    fetch(&program.client(), &ping, &[]);
}

/// A wrong setting is named with what it must be, without a panic and without starting.
pub fn wrong_settings_are_refused_in_one_clear_line(start: &Start) {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = busy.local_addr().unwrap().to_string();
    fs::write(start.folder().join("garbage.mmdb"), "no database").unwrap();
    fs::write(start.folder().join("garbage.txt"), "no database either, but a text of some length").unwrap();
    for (settings, expected) in [
        (&[("MAILPING_LISTEN", busy.as_str())][..], "MAILPING_LISTEN"),
        (&[("MAILPING_LISTEN", "localhost")], "MAILPING_LISTEN"),
        (&[("MAILPING_LISTEN", "0.0.0.0:0")], "MAILPING_ADMIN_TOKEN"),
        (&[("MAILPING_KEYS", "0:c2hvcnQ=")], "MAILPING_KEYS"),
        (&[("MAILPING_GEO", "missing.mmdb")], "missing.mmdb"),
        (&[("MAILPING_GEO", "garbage.mmdb")], "garbage.mmdb"),
        (&[("MAILPING_CLIENT_IP", "xff")], "MAILPING_TRUSTED_PROXIES"),
        (
            &[("MAILPING_CLIENT_IP", "leftmost"), ("MAILPING_TRUSTED_PROXIES", "10.0.0.0/8")],
            "MAILPING_CLIENT_IP",
        ),
        (
            &[("MAILPING_CLIENT_IP", "xff"), ("MAILPING_TRUSTED_PROXIES", "10.0.0.0/99")],
            "MAILPING_TRUSTED_PROXIES",
        ),
        (&[("MAILPING_BASE_URL", "app.example")], "MAILPING_BASE_URL"),
        (&[("MAILPING_HIT_LIMIT", "many")], "MAILPING_HIT_LIMIT"),
        (&[("MAILPING_DB", "no/such/folder/mailping.db")], "MAILPING"),
        (
            &[
                ("MAILPING_DB", "garbage.txt"),
                ("MAILPING_KEYS", "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            ],
            "MAILPING_DB",
        ),
    ] {
        let output = start.to_its_end(settings);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = stderr.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(1), "{settings:?}: {stderr}");
        assert!(last.starts_with("mailping: ") && last.contains(expected), "{settings:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("c2hvcnQ"), "{stderr}");
    }
}

/// A database without its keys is refused: new ones would refuse all mail already sent.
pub fn lost_keys_are_not_replaced(start: &Start) {
    let program = start.run(&[]);
    make(&program.client(), &new_ping());
    program.terminate();
    let keys = start.folder().join("mailping.db.keys");
    #[cfg(unix)]
    for (path, _) in start.files() {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    fs::rename(&keys, start.folder().join("elsewhere")).unwrap();
    let output = start.to_its_end(&[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("put the file back"), "{stderr}");
    fs::rename(start.folder().join("elsewhere"), &keys).unwrap();
    start.run(&[]);
}

/// 10,000 hits on one URL store no more than the limit allows and count the rest.
pub fn ten_thousand_hits_on_one_url_fill_no_disk(start: &Start) {
    let program = start.run(&[("MAILPING_HIT_LIMIT", "7")]);
    let client = program.client();
    let ping = make(&client, &new_ping());
    let path = path_of(&ping["pixel_url"]);
    // Those of people may use up all of it.
    let agent = [("user-agent", FIREFOX)];
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..1_250).for_each(|_| assert_eq!(client.get(&path, &agent).status, 200)));
        }
    });
    let kept = receipt(&client, &ping)["fetches"].as_u64().unwrap();
    let dropped = client.get("/api/health", &[]).json()["dropped"]["hit_limit"].as_u64().unwrap();
    assert_eq!(kept + dropped, 10_000);
    assert!(
        kept == 7 || kept == 14,
        "{kept} kept: the limit is one of a clock hour, which may have changed meanwhile"
    );
}

/// Two processes on one database lose nothing.
pub fn two_services_share_one_database(start: &Start) {
    let (one, two) = (start.run(&[]), start.run(&[]));
    let made = make(&one.client(), &new_ping());
    let ping = &made;
    std::thread::scope(|scope| {
        for client in [one.client(), two.client()] {
            for _ in 0..2 {
                scope.spawn(move || (0..20).for_each(|_| fetch(&client, ping, &[])));
            }
        }
    });
    assert_eq!(receipt(&two.client(), ping)["fetches"], 80);
    assert_eq!(receipt(&one.client(), ping)["fetches"], 80);
}

/// Prometheus reads the tracker's health, with the admin token alone.
pub fn prometheus_reads_the_health(start: &Start) {
    let program = start.run(&[("MAILPING_ADMIN_TOKEN", "open-sesame-77")]);
    let client = program.client();
    let admin = [("authorization", "Bearer open-sesame-77")];
    client.get("/metrics", &[]).error(401, None);
    let ping = client.send("POST", "/api/pings", &admin, &new_ping().to_string()).json();
    fetch(&client, &ping, &[]);
    assert_eq!(client.get("/px/forged.gif", &[]).status, 200);
    let reply = client.get("/metrics", &admin);
    assert!(reply.head.contains("application/openmetrics-text"), "{reply:?}");
    let text = String::from_utf8(reply.body).unwrap();
    for line in [
        "mailping_queue_depth 0.0",
        "mailping_oldest_waiting_seconds 0.0",
        "mailping_spooled 0.0",
        "mailping_oldest_spooled_seconds 0.0",
        "mailping_durable_total 1",
        "mailping_late_total 0",
        "mailping_dropped_total{reason=\"bad_token\"} 1",
        "mailping_dropped_total{reason=\"queue_full\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}

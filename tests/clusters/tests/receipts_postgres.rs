//! The example `receipts_postgres`, started as a user starts it, on a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mailping_acceptance::{Client, Start};
use mailping_fixture_postgres::{PASSWORD, Server};
use serde_json::json;
use sqlx::Connection as _;

const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// One server for all tests. It logs every value that it is sent, so that nothing personal can hide
/// in what is kept.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start_with(&["fsync=off", "log_statement=all"]))
}

fn receipts_postgres() -> Start {
    Start::built_with("mailping-server", "receipts_postgres", "postgres")
}

fn on_a_database(start: Start) -> Start {
    on_a_database_of(server(), start).also_writes(server().log_file())
}

fn on_a_database_of(server: &Server, start: Start) -> Start {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let name = format!("mailping_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    run(&server.url("postgres"), format!("CREATE DATABASE {name}"));
    start.with("MAILPING_DB", &server.url(&name)).with("MAILPING_KEYS", KEYS)
}

fn run(url: &str, statement: String) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    });
}

mailping_acceptance::keeps_promises!(
    [#[ignore = "needs PostgreSQL"]]
    on_a_database(receipts_postgres()) =>
    a_proxy_and_a_person_make_a_receipt_of_two_opens,
    an_answered_open_survives_kill_nine,
    a_confirmation_survives_kill_nine,
    nothing_personal_is_in_the_files_or_the_log,
    sigterm_ends_it_cleanly,
    wrong_input_is_named_and_not_repeated,
    the_admin_token_guards_the_api_and_not_the_pixel,
    prometheus_reads_the_health,
    ten_thousand_hits_on_one_url_fill_no_disk,
    lists_and_receipts_are_paged,
    an_objection_stops_mail_already_sent,
    every_field_of_a_ping_comes_back,
    two_services_share_one_database,
    a_certified_receipt_is_downloaded_and_verified,
    wrong_settings_of_sealing_are_refused_in_one_clear_line,
    the_page_keeps_its_policy_and_is_small,
    the_form_makes_a_ping_and_text_stays_text,
    the_list_is_filtered_and_its_table_has_no_formula,
    other_sites_change_nothing,
    an_open_service_answers_to_no_foreign_name,
    a_session_opens_the_page_and_guesses_are_bounded,
    a_fetch_shows_up_live_and_streams_end,
    why_nothing_is_recorded_is_told,
);

#[test]
#[ignore = "needs PostgreSQL"]
fn a_wrong_database_or_missing_keys_are_refused_in_one_clear_line() {
    let newer = on_a_database(receipts_postgres());
    newer.run(&[]).terminate();
    let newer_url = newer.setting("MAILPING_DB").unwrap().to_owned();
    run(&newer_url, "UPDATE mailping.mailping_version SET version = 99".to_owned());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = server().url("postgres");
    let start = receipts_postgres();
    for (settings, expected) in [
        (
            vec![("MAILPING_DB", "mysql://root:open-sesame-77@localhost/x"), ("MAILPING_KEYS", KEYS)],
            "the address of a PostgreSQL database",
        ),
        (
            vec![("MAILPING_DB", "postgres://u:open-sesame-77@h:port/x"), ("MAILPING_KEYS", KEYS)],
            "must be a URL",
        ),
        (vec![("MAILPING_DB", &url), ("MAILPING_COPIES", "0")], "MAILPING_KEYS: must be given"),
        (
            vec![("MAILPING_DB", &url), ("MAILPING_KEYS", KEYS), ("MAILPING_COPIES", "0")],
            "expected a number of machines",
        ),
        (vec![("MAILPING_DB", &url), ("MAILPING_KEYS", "0:c2hvcnQ=")], "MAILPING_KEYS"),
        (
            vec![
                ("MAILPING_DB", &url.replace(&server().port().to_string(), &free.port().to_string())),
                ("MAILPING_KEYS", KEYS),
            ],
            "cannot be reached",
        ),
        (
            vec![("MAILPING_DB", &url.replace(PASSWORD, "wrong-sesame-77")), ("MAILPING_KEYS", KEYS)],
            "refused the user, the password",
        ),
        (
            vec![("MAILPING_DB", &server().url("nowhere")), ("MAILPING_KEYS", KEYS)],
            "no database of this name",
        ),
        (vec![("MAILPING_DB", &newer_url), ("MAILPING_KEYS", KEYS)], "newer mailping-postgres"),
    ] {
        let output = start.to_its_end(&settings);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = stderr.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(1), "{expected}: {stderr}");
        assert!(last.starts_with("mailping: MAILPING_") && last.contains(expected), "{expected}: {stderr}");
        let printed = format!("{stderr}{}", String::from_utf8_lossy(&output.stdout));
        assert!(!printed.contains("panicked") && !printed.contains("sesame"), "{printed}");
    }
    assert_eq!(fs::read_dir(start.folder()).unwrap().count(), 0, "no file of keys is made");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_server_that_requires_tls_is_reached_and_its_certificate_checked_if_asked() {
    let server = Server::with_tls();
    let url = server.url("postgres");
    let certificate = server.data().join("server.crt");
    let trusts = format!("{url}?sslmode=verify-full&sslrootcert={}", certificate.display());
    for url in [url.clone(), format!("{url}?sslmode=require"), trusts] {
        receipts_postgres().with("MAILPING_DB", &url).with("MAILPING_KEYS", KEYS).run(&[]).terminate();
    }
    let start = receipts_postgres();
    for (mode, expected) in
        [("verify-full", "no TLS connection"), ("disable", "perhaps because TLS is required")]
    {
        let url = format!("{url}?sslmode={mode}");
        let output = start.to_its_end(&[("MAILPING_DB", &url), ("MAILPING_KEYS", KEYS)]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.lines().last().is_some_and(|last| last.contains(expected)), "{mode}: {stderr}");
    }
}

#[test]
#[ignore = "needs PostgreSQL"]
fn pictures_go_on_while_the_server_is_away_and_every_open_is_written_after() {
    let mut server = Server::quick();
    let start = on_a_database_of(&server, receipts_postgres());
    let program = start.run(&[]);
    let client = program.client();
    let ping = json!({ "reference": "invoice-42", "basis": { "kind": "contract" } });
    let ping = client.post("/api/pings", &ping).json();
    let url = ping["pixel_url"].as_str().unwrap();
    let pixel = &url[url.find("/px/").unwrap()..];
    let fetch = || assert_eq!(client.get(pixel, &[]).body.len(), 43);
    fetch();
    server.kill();
    for _ in 0..3 {
        fetch();
    }
    assert_eq!(client.get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[]).status, 503);
    server.start();
    let mut fetches = 0;
    for _ in 0..100 {
        let receipt = client.get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[]);
        fetches = if receipt.status == 200 { receipt.json()["fetches"].as_u64().unwrap() } else { 0 };
        if fetches == 4 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(fetches, 4);
    fetch();
    let (status, log) = program.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("5 opens written, 0 lost") && !log.contains(PASSWORD), "{log}");
}

/// What each fetch of a pixel was answered in, while something is done to the server.
fn fetches_meanwhile(client: Client, pixel: &str, deed: impl FnOnce()) -> Vec<Duration> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let fetchers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut took = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let begun = Instant::now();
                        let reply = client.from("127.77.66.55").get(pixel, &[("user-agent", "Zanzibar/7.7")]);
                        assert_eq!(reply.body.len(), 43);
                        took.push(begun.elapsed());
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    took
                })
            })
            .collect();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(deed));
        stop.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        fetchers.into_iter().flat_map(|fetcher| fetcher.join().unwrap()).collect()
    })
}

#[test]
#[ignore = "needs PostgreSQL"]
fn with_a_spool_every_open_is_durable_in_time_while_the_server_is_away() {
    let mut server = Server::quick();
    let start = on_a_database_of(&server, receipts_postgres());
    let settings = [("MAILPING_SPOOL", "spool"), ("MAILPING_HIT_LIMIT", "0")];
    let program = start.run(&settings);
    let client = program.client();
    let ping = json!({ "reference": "invoice-42", "basis": { "kind": "contract" } });
    let ping = client.post("/api/pings", &ping).json();
    let url = ping["pixel_url"].as_str().unwrap();
    let pixel = &url[url.find("/px/").unwrap()..];
    let pause = || std::thread::sleep(Duration::from_millis(1_500));
    let health = |client: Client| client.get("/api/health", &[]).json();

    let mut took = fetches_meanwhile(client, pixel, || {
        pause();
        server.kill();
        // The hits go on meanwhile, so that one comes.
        let begun = Instant::now();
        while health(client)["spool"]["waiting"] == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", health(client));
            std::thread::sleep(Duration::from_millis(50));
        }
        server.start();
        pause();
        server.stop();
        pause();
        server.start();
        pause();
    });
    // Ends as a crash does, with the database away: what is in the spool is moved by the next one.
    server.kill();
    took.extend(fetches_meanwhile(client, pixel, pause));
    assert_eq!((health(client)["late"].as_u64(), health(client)["queue_depth"].as_u64()), (Some(0), Some(0)));
    let counted_by = |client: Client, name: &str| health(client)[name].as_u64().unwrap();
    let written = counted_by(client, "durable") + counted_by(client, "spooled");
    assert_eq!(written, took.len() as u64);
    assert!(counted_by(client, "spooled") > 0, "what is in the spool alone is not called durable");
    program.kill();
    let spooled = start.files();
    let of_the_ping = ping["id"].as_str().unwrap().parse::<mailping_core::PingId>().unwrap();
    let in_files = |needle: &[u8]| {
        let found = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        spooled.iter().any(|(_, bytes)| found(bytes))
    };
    assert!(in_files(of_the_ping.to_string().as_bytes()), "the spool holds opens");
    for secret in [&b"Zanzibar/7.7"[..], b"127.77.66.55", &[127, 77, 66, 55]] {
        assert!(!in_files(secret), "{secret:?} is in the spool");
    }

    // The next one starts while the database is away, and serves.
    let program = start.run(&settings);
    let client = program.client();
    for _ in 0..3 {
        assert_eq!(client.get(pixel, &[]).body.len(), 43);
    }
    assert_eq!((counted_by(client, "spooled"), counted_by(client, "late")), (3, 0));
    server.start();
    let receipt = format!("/api/pings/{}", ping["id"].as_str().unwrap());
    let begun = Instant::now();
    while health(client)["spool"]["waiting"] != 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", health(client));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(client.get(&receipt, &[]).json()["fetches"], written + 3, "each once");
    took.sort_unstable();
    println!("{written} fetches, p99 {:?}, longest {:?}", took[took.len() * 99 / 100], took[took.len() - 1]);
    let (_, log) = program.terminate();
    assert!(!log.contains(PASSWORD), "{log}");
}

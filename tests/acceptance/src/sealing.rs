//! What a service that seals must do: certified receipts over HTTP that strangers verify.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::message::*;
use crate::{Client, Program, Start};

const PATIENCE: Duration = Duration::from_secs(60);
const ORIGIN: (&str, &str) = ("MAILPING_LOG_ORIGIN", "example.com/receipts");
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// That of another key.
const OTHER: &str = "//////////////////////////////////////////8=";
const KEY: (&str, &str) = ("MAILPING_LOG_KEY", SECRET);
const EVERY: (&str, &str) = ("MAILPING_SEAL_EVERY", "1");

fn path(ping: &Value) -> String {
    format!("/api/pings/{}/certified", ping["id"].as_str().unwrap())
}

/// The receipt, once it holds this.
fn certified(client: &Client, ping: &Value, holds: &str) -> String {
    let begun = Instant::now();
    loop {
        let reply = client.get(&path(ping), &[]);
        if reply.status == 200 && reply.text().contains(holds) {
            return reply.text();
        }
        assert!(begun.elapsed() < PATIENCE, "it has no {holds:?}: {reply:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What both verifiers print about a receipt.
fn verified(start: &Start, key: &str, header: &str, receipt: &str) {
    let file = start.folder().join("receipt.txt");
    fs::write(&file, receipt).unwrap();
    let page = receipt.split("\nProof\n").next().unwrap();
    let stranger = Start::built("mailping-examples", "verify");
    let verify = stranger.command(&[("MAIL_HEADER", header)]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/verify_receipt.py");
    let mut python = Command::new("python3");
    python.arg(script);
    for mut verifier in [verify, python] {
        let output = verifier.arg(key).arg(&file).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.starts_with(page), "{printed}");
    }
}

fn log_key(program: &Program) -> String {
    let reply = program.client().get("/px/log-key", &[]);
    assert_eq!(reply.status, 200, "{reply:?}");
    let text = reply.text();
    let key =
        text.split_whitespace().find(|word| word.starts_with("example.com/receipts") && word.contains('+'));
    key.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// A ping is made, fetched, sealed, withdrawn and its certified receipt downloaded, interim and
/// final: both verifiers accept it with the key that the service publishes. It needs python3 and
/// openssl.
pub fn a_certified_receipt_is_downloaded_and_verified(start: &Start) {
    let seals = [ORIGIN, KEY, EVERY, ("MAILPING_LOG_HEAD", "last_head")];
    let program = start.run(&seals);
    let client = program.client();
    let key = log_key(&program);
    let ping = make(&client, &with(new_ping(), "recipient", "ada@example.com"));
    let header = ping["key_header"].as_str().unwrap();
    fetch(&client, &ping, &[("user-agent", FIREFOX)]);
    let interim = certified(&client, &ping, " open: human; ");
    assert!(interim.contains("interim") && interim.contains(header), "{interim}");
    verified(start, &key, header, &interim);
    let page = client.get(&format!("/pings/{}", ping["id"].as_str().unwrap()), &[]).text();
    assert!(page.contains("/certified") && page.contains(header), "{page}");
    assert_eq!(client.get("/api/health", &[]).json()["sealing"]["failing"], false);

    // It goes on after a restart, with the same key,
    let (status, log) = program.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("MAILPING_LOG_KEY=[redacted]") && !log.contains(SECRET), "{log}");
    let program = start.run(&seals);
    assert_eq!(log_key(&program), key);
    drop(program);

    // and with another one that takes over from it.
    let takes_over = format!("{OTHER},{SECRET}");
    let program = start.run(&[ORIGIN, EVERY, seals[3], ("MAILPING_LOG_KEY", &takes_over)]);
    let new_key = log_key(&program);
    assert_ne!(new_key, key);
    fetch(&program.client(), &ping, &[("user-agent", FIREFOX)]);
    let passed_on = certified(&program.client(), &ping, "\nrotation ");
    for known in [&key, &new_key] {
        verified(start, known, header, &passed_on);
    }
    drop(program);
    let program = start.run(&[ORIGIN, EVERY, seals[3], ("MAILPING_LOG_KEY", OTHER)]);
    let client = program.client();
    let withdrawn = format!("/api/pings/{}/withdraw", ping["id"].as_str().unwrap());
    assert!(client.send("POST", &withdrawn, &[], "").status < 300);
    let finished = certified(&client, &ping, " ended: withdrawn");
    verified(start, &new_key, header, &finished);
    assert!(
        fs::read_to_string(start.folder().join("last_head")).unwrap().starts_with("example.com/receipts\n")
    );
}

/// Each setting of sealing that is wrong, or missing beside the others, is refused in one line that
/// names it and repeats no secret.
pub fn wrong_settings_of_sealing_are_refused_in_one_clear_line(start: &Start) {
    // A log has to be there for another one to be refused.
    let program = start.run(&[ORIGIN, KEY, EVERY, ("MAILPING_LOG_HEAD", "last_head")]);
    let ping = make(&program.client(), &new_ping());
    certified(&program.client(), &ping, " created: ");
    drop(program);
    let (half, three) = (format!("{SECRET},"), format!("{SECRET},{OTHER},{OTHER}"));
    let named = "PRIVATE+KEY+example.com/other+00000000+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    for (settings, expected) in [
        (&[KEY][..], "MAILPING_LOG_ORIGIN: must be set, since MAILPING_LOG_KEY is"),
        (&[EVERY], "MAILPING_LOG_ORIGIN: must be set, since MAILPING_SEAL_EVERY is"),
        (
            &[("MAILPING_LOG_HEAD", "last_head")],
            "MAILPING_LOG_ORIGIN: must be set, since MAILPING_LOG_HEAD is",
        ),
        (&[("MAILPING_LOG_ORIGIN", "a b"), KEY], "MAILPING_LOG_ORIGIN: expected the log's public name"),
        (&[ORIGIN, ("MAILPING_LOG_KEY", "c2hvcnQ=")], "MAILPING_LOG_KEY: expected 32 random bytes"),
        (&[ORIGIN, ("MAILPING_LOG_KEY", named)], "MAILPING_LOG_KEY: expected 32 random bytes"),
        (&[ORIGIN, ("MAILPING_LOG_KEY", &half)], "MAILPING_LOG_KEY: expected 32 random bytes"),
        (&[ORIGIN, ("MAILPING_LOG_KEY", &three)], "MAILPING_LOG_KEY: expected 32 random bytes"),
        (
            &[ORIGIN, ("MAILPING_LOG_KEY", OTHER)],
            "MAILPING_LOG_KEY: the log is not continued: the database holds a log of another key",
        ),
        (
            &[("MAILPING_LOG_ORIGIN", "example.com/other"), KEY],
            "MAILPING_LOG_ORIGIN: the last head is that of the log example.com/receipts",
        ),
        (
            &[("MAILPING_LOG_ORIGIN", "example.com/other"), KEY, ("MAILPING_LOG_HEAD", "new_head")],
            "another origin, which a log keeps from its first start: give those",
        ),
        (
            &[ORIGIN, KEY, ("MAILPING_LOG_HEAD", "/proc/last_head")],
            "MAILPING_LOG_HEAD: the file of the log's last head: ",
        ),
        (
            &[ORIGIN, KEY, ("MAILPING_LOG_HEAD", "missing/head")],
            "MAILPING_LOG_HEAD: the file of the log's last head: ",
        ),
        (
            &[ORIGIN, KEY, ("MAILPING_SEAL_EVERY", "0")],
            "MAILPING_SEAL_EVERY: expected a number of seconds from 1",
        ),
        (
            &[ORIGIN, KEY, ("MAILPING_SEAL_EVERY", "hourly")],
            "MAILPING_SEAL_EVERY: expected a number of seconds",
        ),
        (
            &[("MAILPING_LOGKEY", SECRET)],
            "MAILPING_LOGKEY: there is no such setting; the nearest is MAILPING_LOG_KEY",
        ),
    ] {
        let head = ("MAILPING_LOG_HEAD", "last_head");
        let has_head = settings.iter().any(|(name, _)| *name == head.0 || *name == "MAILPING_LOGKEY");
        let is_sealing = settings.iter().any(|(name, _)| *name == ORIGIN.0);
        let head = if is_sealing && !has_head { &[head][..] } else { &[] };
        let output = start.to_its_end(&[head, settings].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = stderr.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(1), "{settings:?}: {stderr}");
        assert!(last.starts_with("mailping: ") && last.contains(expected), "{settings:?}: {stderr}");
        let printed = format!("{stderr}{}", String::from_utf8_lossy(&output.stdout));
        for secret in [SECRET, OTHER, "c2hvcnQ", "AQABAgME"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

/// On SQLite the key and the head are kept beside the database, the key for its owner alone; and a
/// lost key is not replaced.
pub fn the_logs_key_is_made_once_and_kept_beside_the_database(start: &Start) {
    let program = start.run(&[ORIGIN, EVERY]);
    let key = log_key(&program);
    let ping = make(&program.client(), &new_ping());
    certified(&program.client(), &ping, " created: ");
    drop(program);
    assert_eq!(log_key(&start.run(&[ORIGIN, EVERY])), key);
    let [file, head] = ["mailping.db.log_key", "mailping.db.log_head"].map(|name| start.folder().join(name));
    assert!(head.exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let output =
        start.to_its_end(&[("MAILPING_LOG_ORIGIN", "example.com/other"), ("MAILPING_LOG_HEAD", "new_head")]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("mailping: MAILPING_LOG_ORIGIN: the key is that of the log example.com/receipts"),
        "{stderr}"
    );
    fs::remove_file(&file).unwrap();
    let output = start.to_its_end(&[ORIGIN]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("mailping: MAILPING_LOG_KEY: the log's last head is there, its key in"),
        "{stderr}"
    );
    assert!(!file.exists());
    fs::remove_file(&head).unwrap();
    let output = start.to_its_end(&[ORIGIN]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("mailping: MAILPING_LOG_KEY: the database holds a log, its key in"), "{stderr}");
    assert!(!file.exists());
    // Without a name nothing is sealed.
    let program = start.run(&[]);
    let ping = make(&program.client(), &new_ping());
    assert!(ping["key_header"].is_null());
    assert_eq!(program.client().get(&path(&ping), &[]).status, 404);
}

/// A backup is restored that lacks what was signed last: nothing is signed, and that is told, until
/// the operator has a new log begun, whose name says so. It needs python3 and openssl.
pub fn a_restored_backup_goes_on_as_a_new_log(start: &Start) {
    let file = |name: &str| start.folder().join(name);
    let seals = [ORIGIN, EVERY];
    let program = start.run(&seals);
    let ping = make(&program.client(), &new_ping());
    certified(&program.client(), &ping, " created: ");
    let (status, log) = program.terminate();
    assert_eq!(status, Some(0), "{log}");
    let copy = |from: &str, to: &str| {
        for end in ["", "-wal"] {
            let _ = fs::remove_file(file(&format!("{to}{end}")));
            if file(&format!("{from}{end}")).exists() {
                fs::copy(file(&format!("{from}{end}")), file(&format!("{to}{end}"))).unwrap();
            }
        }
    };
    copy("mailping.db", "backup.db");
    let program = start.run(&seals);
    fetch(&program.client(), &ping, &[("user-agent", FIREFOX)]);
    let lost = certified(&program.client(), &ping, " open: ");
    let key = log_key(&program);
    drop(program);
    let _ = fs::remove_file(file("mailping.db-shm"));
    copy("backup.db", "mailping.db");

    let program = start.run(&seals);
    let begun = Instant::now();
    while program.client().get("/api/health", &[]).json()["sealing"]["failing"] != true {
        assert!(begun.elapsed() < PATIENCE, "it is not told: {}", program.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    program.wait_for("begin a new log after the loss", 1);
    drop(program);
    fs::rename(file("mailping.db.log_head"), file("lost_head")).unwrap();
    let anew = [ORIGIN, EVERY, ("MAILPING_LOG_LOST", "lost_head")];
    for _ in 0..2 {
        let program = start.run(&anew);
        let client = program.client();
        fetch(&client, &ping, &[("user-agent", FIREFOX)]);
        let receipt = certified(&client, &ping, " open: ");
        let new_key = log_key(&program);
        assert!(new_key.starts_with("example.com/receipts/anew/"), "{new_key}");
        let header = ping["key_header"].as_str().unwrap();
        verified(start, &new_key, header, &receipt);
        // What was given out before still verifies, with the old key.
        verified(start, &key, header, &lost);
    }
    fs::write(file("lost_head"), "no head").unwrap();
    let output = start.to_its_end(&anew);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("mailping: MAILPING_LOG_LOST: the log is not continued: expected the last head"),
        "{stderr}"
    );
}

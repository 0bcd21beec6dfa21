//! A disk that fills up under the example `receipts`: pictures go on, and no open is lost.
//!
//! It mounts a file system, which needs root. So no run of all tests includes it:
//! `.ci/full full_disk`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mailping_acceptance::{Client, Start};
use serde_json::{Value, json};

fn make(client: Client) -> Value {
    let ping = json!({ "reference": "invoice-42", "basis": { "kind": "contract" } });
    let reply = client.post("/api/pings", &ping);
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

fn fetch(client: Client, ping: &Value) {
    let url = ping["pixel_url"].as_str().unwrap();
    let reply = client.get(&url[url.find("/px/").unwrap()..], &[]);
    assert_eq!((reply.status, reply.body.len()), (200, 43));
}

fn health(client: Client) -> Value {
    client.get("/api/health", &[]).json()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A file system of its own in a folder, gone when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(folder: &Path) -> Self {
        fs::create_dir(folder).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder));
        Self(folder.to_owned())
    }

    fn resize(&self, size: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.0));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}: is this root?");
}

#[test]
fn a_full_disk_fails_no_picture_and_loses_no_open() {
    let start = Start::built("mailping-server", "receipts");
    let disk = Mounted::new(&start.folder().join("disk"));
    let program = start.run(&[("MAILPING_DB", "disk/mailping.db"), ("MAILPING_HIT_LIMIT", "0")]);
    let client = program.client();
    let ping = make(client);
    let mut hits = 0;
    let filler = start.folder().join("disk/filler");
    // All but what the log has still room for.
    fs::write(&filler, vec![7; 400_000]).unwrap();
    eventually("the disk is full", || {
        fetch(client, &ping);
        hits += 1;
        health(client)["store_failing"] == true
    });
    for _ in 0..3 {
        fetch(client, &ping);
        hits += 1;
    }
    let told = health(client);
    assert!(told["queue_depth"].as_u64().unwrap() > 0 && told["late"].as_u64().unwrap() > 0, "{told}");
    disk.resize("64m");
    eventually("all is written", || {
        let told = health(client);
        told["store_failing"] == false && told["queue_depth"] == 0
    });
    fetch(client, &ping);
    let receipt = client.get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[]).json();
    assert_eq!(receipt["fetches"], hits + 1, "without a restart, each once");
    println!("{hits} hits until the disk was full and while it was");
    let (status, log) = program.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("disk"), "{log}");
}

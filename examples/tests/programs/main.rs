//! Each program, started as a user starts it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod certified;
mod delivery;
mod edge;
mod first_open;
mod lettre;
mod mounts;
mod nginx;
#[cfg(feature = "postgres")]
mod postgres;
mod sizes;
mod smtp;
mod verify;

use mailping_acceptance::{Client, Program, Start, hours_ago};
use mailping_axum::{Basis, Detail, Keyring, NewPing, PingId, State, Tracker, store::Store};
use mailping_sqlite::SqliteStore;
use pollster::block_on;

const KEYS: &str = "0:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn example(name: &str) -> Start {
    Start::example(name).with("MAILPING_KEYS", KEYS)
}

/// The database of a program, as a second program sees it.
struct Beside(Tracker);

impl Beside {
    fn sqlite(start: &Start) -> Self {
        Self::on(SqliteStore::open(start.folder().join("mailping.db")).unwrap())
    }

    fn on(store: impl Store) -> Self {
        let builder = Tracker::builder(Keyring::from_text(KEYS).unwrap(), store).ceiling(Detail::Network);
        Self(block_on(builder.base_url("http://localhost:3000/px").unwrap().build()).unwrap())
    }

    /// A ping that was sent an hour ago, so that a person's display is one, and the path of its
    /// pixel.
    fn sent_an_hour_ago(&self, reference: &str) -> (PingId, String) {
        let new =
            NewPing::one_to_one(reference, Basis::Contract).sent_at(hours_ago(1)).detail(Detail::Network);
        let ping = block_on(self.0.pings().create(new)).unwrap();
        (ping.id(), path(ping.pixel_url().unwrap()))
    }

    fn state(&self, ping: PingId) -> State {
        block_on(self.0.receipts().get(ping)).unwrap().unwrap().summary.state
    }
}

fn path(url: &str) -> String {
    url[url.find("/px/").unwrap()..].to_owned()
}

/// The path of the pixel in the tag that the program prints.
fn printed_pixel(program: &Program) -> String {
    let log = program.log();
    let (_, tag) = log.split_once("paste into the mail: <img src=\"").unwrap();
    path(tag.split('"').next().unwrap())
}

fn display(client: Client, path: &str) {
    let reply = client.get(path, &[("user-agent", FIREFOX)]);
    assert_eq!((reply.status, reply.body.starts_with(b"GIF89a")), (200, true), "{reply:?}");
}

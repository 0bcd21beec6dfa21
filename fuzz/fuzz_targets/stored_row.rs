//! Rows as a damaged or foreign database may hold them: read as an error or as what a store may
//! hold, never a panic.

#![no_main]

use mailping_core::store::Attempt;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mailping_core::fetcher::{EvidenceSet, Fetcher, Verdict};
use mailping_core::geo::{City, Country};
use mailping_core::store::{PingQuery, Store};
use mailping_core::{Basis, Keyring, PingId, Timestamp, Tracker};
use mailping_core::intake::MaskedIp;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{Open, OpenId};
use mailping_sqlite::SqliteStore;
use rusqlite::types::Value;

const PING: PingId = PingId::from_bytes([1; 16]);
/// Every column but those that tie the open to its ping.
const COLUMNS: &str =
    "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
     WHERE tables.name IN ('pings', 'opens', 'opens_by_ping', 'last_days') AND columns.name <> 'n'
        AND (tables.name, columns.name) <> ('pings', 'id')";
const TABLES: [&str; 4] = ["pings", "opens", "opens_by_ping", "last_days"];

#[derive(Debug, Arbitrary)]
enum Cell<'a> {
    Null,
    Small(i8),
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    /// One byte of what is there.
    Byte(u8, u8),
}

/// A tracker on a file with one ping and one open, and a second connection that writes what the
/// store would not.
struct Subject {
    tracker: Tracker,
    raw: rusqlite::Connection,
    columns: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

static SUBJECT: LazyLock<Mutex<Subject>> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder");
    let path = folder.path().join("fuzz.db");
    let store = SqliteStore::open(&path).expect("a new file");
    let mut ping = Ping::stored(PING, "invoice-42".to_owned(), Basis::Contract, Status::Live);
    ping.record_until = Timestamp::from_unix_millis(4_000_000_000_000);
    ping.keep_until = ping.record_until;
    pollster::block_on(store.insert_ping(&ping, None)).expect("a new ping");
    let at = Timestamp::from_unix_millis(1_790_000_000_000);
    let mut open = Open::new(PING, OpenId::from_bytes([2; 8]), at, Fetcher::Browser, Verdict::Human);
    open.network = Some("192.0.2.0/24".parse().expect("a network"));
    open.city = Some("Bonn".parse().expect("a city"));
    pollster::block_on(store.record(&[open], &[], Attempt::Repeat)).expect("a new open");
    let raw = rusqlite::Connection::open(&path).expect("the same file");
    raw.pragma_update(None, "synchronous", "OFF").expect("a known setting");
    // A damaged page knows no checks.
    raw.pragma_update(None, "ignore_check_constraints", true).expect("a known setting");
    let index = "INSERT OR IGNORE INTO opens_by_ping SELECT ping, at, id, seq FROM opens";
    raw.execute(index, ()).expect("its place in the index");
    let copies = TABLES.map(|table| format!("CREATE TEMP TABLE first_{table} AS SELECT * FROM {table};"));
    raw.execute_batch(&copies.concat()).expect("copies");
    let mut find = raw.prepare(COLUMNS).expect("a query");
    let columns = find.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("a query");
    let columns = columns.collect::<Result<_, _>>().expect("names");
    drop(find);
    let builder = Tracker::builder(Keyring::generate().expect("random bytes"), store);
    let tracker = builder.base_url("https://app.example/px").expect("a URL").build();
    Mutex::new(Subject {
        tracker: pollster::block_on(tracker).expect("a tracker"),
        raw,
        columns,
        _folder: folder,
    })
});

fuzz_target!(|cells: Vec<(u8, Cell<'_>)>| {
    let subject = SUBJECT.lock().expect("one thread");
    // Each input meets the rows as they were in the beginning.
    let restore =
        TABLES.map(|table| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM first_{table};"));
    subject.raw.execute_batch(&restore.concat()).expect("the first rows");
    for (column, cell) in cells.iter().take(4) {
        try_values(cell);
        let (table, column) = &subject.columns[usize::from(*column) % subject.columns.len()];
        let value = match cell {
            Cell::Null => Value::Null,
            Cell::Small(number) => Value::Integer((*number).into()),
            Cell::Integer(number) => Value::Integer(*number),
            Cell::Text(text) => Value::Text((*text).to_owned()),
            Cell::Blob(bytes) => Value::Blob(bytes.to_vec()),
            Cell::Byte(place, byte) => {
                let find = format!("SELECT {column} FROM {table}");
                let Ok(mut bytes) = subject.raw.query_row(&find, (), |row| row.get::<_, Vec<u8>>(0)) else {
                    continue;
                };
                let length = bytes.len().max(1);
                bytes.get_mut(usize::from(*place) % length).map(|found| *found = *byte);
                Value::Blob(bytes)
            }
        };
        // The file's own types refuse some of it.
        let _ = subject.raw.execute(&format!("UPDATE {table} SET {column} = ?1"), [value]);
    }
    // What comes through is summed up and shown to people.
    if let Ok(Some(receipt)) = pollster::block_on(subject.tracker.receipts().get(PING)) {
        for open in &receipt.opens {
            assert!(open.network.is_none_or(|network| MaskedIp::from_network(network.network()).is_ok()));
        }
        let _ = receipt.to_string();
    }
    let _ = pollster::block_on(subject.tracker.receipts().list(&PingQuery::newest(10)));
});

/// The values of which rows are made, as every store reads them back.
fn try_values(cell: &Cell<'_>) {
    match cell {
        Cell::Text(text) => {
            if let Ok(network) = text.parse::<MaskedIp>() {
                assert_eq!(network.to_string().parse::<MaskedIp>().ok(), Some(network));
                let longest = if network.network().addr().is_ipv4() { 24 } else { 48 };
                assert!(network.network().prefix_len() <= longest, "finer than the mask: {text}");
            }
            if let Ok(country) = text.parse::<Country>() {
                assert_eq!(country.as_str().parse::<Country>().ok(), Some(country));
            }
            if let Ok(city) = text.parse::<City>() {
                assert_eq!(city.as_str().parse::<City>().ok(), Some(city.clone()));
            }
            let _ = text.parse::<PingId>();
        }
        Cell::Integer(bits) => {
            let bits = bits.cast_unsigned();
            assert_eq!(EvidenceSet::from_bits(bits).bits(), bits);
        }
        _ => {}
    }
}

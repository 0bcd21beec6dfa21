//! Rows as a damaged or foreign file may hold them: read as an error or as what a store may hold.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use mailping_core::store::Attempt;
use std::cell::RefCell;

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::intake::MaskedIp;
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::StoreError;
use mailping_core::store::{PingQuery, Store};
use mailping_core::{Basis, Error, Keyring, PingId, Timestamp, Tracker};
use mailping_sqlite::SqliteStore;
use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

const PING: PingId = PingId::from_bytes([1; 16]);
/// Every column but those that tie the open to its ping.
const COLUMNS: &str =
    "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
     WHERE tables.name IN ('pings', 'opens', 'arrivals') AND (tables.name, columns.name)
        NOT IN (VALUES ('pings', 'id'), ('opens', 'bundle'), ('opens', 'ping'), ('arrivals', 'seq'))";
const TABLES: [&str; 3] = ["pings", "opens", "arrivals"];
/// The open as it is in a bundle: without its ping's 16 bytes, so that its length, the first byte, is less by as many.
const FOLDED: &str = "INSERT INTO opens (ping, last, opens)
     SELECT id, 9, unhex(printf('%02x', length(opens.opens) - 18) || '00' || substr(hex(opens.opens), 37))
     FROM pings, arrivals AS opens";

/// A tracker on a file with one ping and one open, in both tables, and a second connection that writes what the store would not.
struct Subject {
    tracker: Tracker,
    raw: Connection,
    columns: Vec<(String, String)>,
    _folder: TempDir,
}

impl Subject {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.db");
        let store = SqliteStore::open(&path).unwrap();
        let mut ping = Ping::stored(PING, "invoice-42".to_owned(), Basis::Contract, Status::Live);
        ping.record_until = Timestamp::from_unix_millis(4_000_000_000_000);
        ping.keep_until = ping.record_until;
        pollster::block_on(store.insert_ping(&ping, None)).unwrap();
        let at = Timestamp::from_unix_millis(1_790_000_000_000);
        let mut open = Open::new(PING, OpenId::from_bytes([2; 8]), at, Fetcher::Browser, Verdict::Human);
        open.network = Some("192.0.2.0/24".parse().unwrap());
        open.city = Some("Bonn".parse().unwrap());
        pollster::block_on(store.record(&[open], &[], Attempt::Repeat)).unwrap();
        let raw = Connection::open(&path).unwrap();
        raw.pragma_update(None, "synchronous", "OFF").unwrap();
        raw.execute(FOLDED, ()).unwrap();
        raw.execute_batch(
            &TABLES
                .map(|table| format!("CREATE TEMP TABLE first_{table} AS SELECT * FROM {table};"))
                .concat(),
        )
        .unwrap();
        let mut find = raw.prepare(COLUMNS).unwrap();
        let columns = find.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let columns = columns.collect::<Result<_, _>>().unwrap();
        drop(find);
        let builder = Tracker::builder(Keyring::generate().unwrap(), store);
        let tracker = builder.base_url("https://app.example/px").unwrap().build();
        Self { tracker: pollster::block_on(tracker).unwrap(), raw, columns, _folder: folder }
    }

    /// As it was in the beginning.
    fn restore(&self) {
        for table in TABLES {
            self.raw.execute(&format!("DELETE FROM {table}"), ()).unwrap();
            self.raw.execute(&format!("INSERT INTO {table} SELECT * FROM first_{table}"), ()).unwrap();
        }
    }

    /// The file's own types refuse some of it.
    fn write(&self, (table, column): (&str, &str), value: &Value) -> bool {
        self.raw.execute(&format!("UPDATE {table} SET {column} = ?1"), [value]).is_ok()
    }

    /// One byte of the opens in a row.
    fn write_byte(&self, table: &str, place: &Index, byte: u8) {
        let find = format!("SELECT opens FROM {table}");
        let Ok(mut bytes) = self.raw.query_row(&find, (), |row| row.get::<_, Vec<u8>>(0)) else { return };
        if !bytes.is_empty() {
            *place.get_mut(&mut bytes) = byte;
            self.write((table, "opens"), &Value::Blob(bytes));
        }
    }
}

thread_local! {
    static SUBJECT: RefCell<Option<Subject>> = const { RefCell::new(None) };
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        Just("192.0.2.0/25".to_owned()),
        Just("2001:db8::/64".to_owned()),
        Just("{\"kind\":".to_owned()),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<i8>().prop_map(|number| Value::Integer(number.into())),
        any::<i64>().prop_map(Value::Integer),
        text.prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Blob),
        any::<[u8; 8]>().prop_map(|bytes| Value::Blob(bytes.to_vec())),
    ]
}

proptest! {
    #[test]
    fn no_row_makes_a_reading_panic_or_give_what_may_not_be_kept(
        cells in proptest::collection::vec((any::<Index>(), value()), 0..4),
        bytes in proptest::collection::vec((prop::sample::select(&["arrivals", "opens"]), any::<Index>(), any::<u8>()), 0..4),
    ) {
        SUBJECT.with_borrow_mut(|subject| {
            let subject = subject.get_or_insert_with(Subject::new);
            subject.restore();
            for (column, value) in &cells {
                let (table, column) = column.get(&subject.columns);
                subject.write((table, column), value);
            }
            for (table, place, byte) in &bytes {
                subject.write_byte(table, place, *byte);
            }
            let receipt = pollster::block_on(subject.tracker.receipts().get(PING));
            assert!(!cells.is_empty() || !bytes.is_empty() || matches!(&receipt, Ok(Some(receipt)) if receipt.opens.len() == 1));
            if let Ok(Some(receipt)) = receipt {
                for open in &receipt.opens {
                    assert!(open.network.is_none_or(|network| MaskedIp::from_network(network.network()).is_ok()));
                }
                let _ = receipt.to_string();
            }
            let _ = pollster::block_on(subject.tracker.receipts().list(&PingQuery::newest(10)));
        });
    }
}

#[test]
fn what_no_version_has_written_is_corrupt() {
    for (column, value) in [
        (("arrivals", "opens"), Value::Blob(vec![0xff; 9])),
        (("opens", "opens"), Value::Blob(vec![0xff; 9])),
        (("opens", "opens"), Value::Blob(vec![1, 0, 0])),
        (("pings", "basis"), Value::Text("{}".to_owned())),
    ] {
        let subject = Subject::new();
        assert!(subject.write(column, &value), "{column:?}");
        let error = pollster::block_on(subject.tracker.receipts().get(PING)).unwrap_err();
        assert!(matches!(error, Error::Store(StoreError::Corrupt { .. })), "{column:?}: {error:?}");
    }
}

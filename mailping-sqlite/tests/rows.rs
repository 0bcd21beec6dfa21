//! Rows as a damaged or foreign file may hold them: read as an error or as what a store may hold.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::cell::RefCell;

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::store::{PingQuery, Store};
use mailping_core::{
    Basis, Keyring, MaskedIp, Open, OpenId, Ping, PingId, Status, StoreError, Timestamp, Tracker,
};
use mailping_sqlite::SqliteStore;
use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

const PING: PingId = PingId::from_bytes([1; 16]);
/// Every column but those that tie the open to its ping.
const COLUMNS: &str =
    "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
     WHERE tables.name IN ('pings', 'opens', 'arrivals') AND (tables.name, columns.name)
        NOT IN (VALUES ('pings', 'id'), ('opens', 'ping'), ('arrivals', 'seq'))";
/// Another open, which has been folded into the tree.
const FOLDED: &str = "INSERT INTO opens (ping, id, at, time_step, fetcher, verdict, evidence, rules_version)
     SELECT id, x'0303030303030303', sent_at, time_step, 1, 1, 0, 1 FROM pings";

/// A tracker on a file with one ping and two opens, and a second connection that writes what the store would not.
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
        let open = Open::new(PING, OpenId::from_bytes([2; 8]), at, Fetcher::Browser, Verdict::Human);
        pollster::block_on(store.record(&[open], &[])).unwrap();
        let raw = Connection::open(&path).unwrap();
        raw.pragma_update(None, "synchronous", "OFF").unwrap();
        raw.execute(FOLDED, ()).unwrap();
        let mut find = raw.prepare(COLUMNS).unwrap();
        let columns = find.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let columns = columns.collect::<Result<_, _>>().unwrap();
        drop(find);
        let builder = Tracker::builder(Keyring::generate().unwrap(), store);
        let tracker = builder.base_url("https://app.example/px").unwrap().build();
        Self { tracker: pollster::block_on(tracker).unwrap(), raw, columns, _folder: folder }
    }

    /// The file's own types refuse some of it.
    fn write(&self, (table, column): (&str, &str), value: &Value) -> bool {
        self.raw.execute(&format!("UPDATE {table} SET {column} = ?1"), [value]).is_ok()
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
        cells in proptest::collection::vec((any::<proptest::sample::Index>(), value()), 1..4)
    ) {
        SUBJECT.with_borrow_mut(|subject| {
            let subject = subject.get_or_insert_with(Subject::new);
            for (column, value) in &cells {
                let (table, column) = column.get(&subject.columns);
                subject.write((table, column), value);
            }
            if let Ok(Some(receipt)) = pollster::block_on(subject.tracker.receipt(PING)) {
                for open in &receipt.opens {
                    assert!(open.network.is_none_or(|network| MaskedIp::from_network(network.network()).is_ok()));
                }
                let _ = receipt.to_string();
            }
            let _ = pollster::block_on(subject.tracker.receipts(&PingQuery::newest(10)));
        });
    }
}

#[test]
fn a_network_finer_than_the_mask_and_an_unknown_code_are_corrupt() {
    for (column, value) in [
        (("opens", "network"), Value::Text("192.0.2.0/25".to_owned())),
        (("opens", "network"), Value::Text("2001:db8::/64".to_owned())),
        (("arrivals", "opens"), Value::Blob(vec![0xff; 9])),
        (("opens", "fetcher"), Value::Integer(200)),
        (("opens", "evidence"), Value::Integer(i64::MIN)),
        (("pings", "basis"), Value::Text("{}".to_owned())),
    ] {
        let subject = Subject::new();
        assert!(subject.write(column, &value), "{column:?}");
        let error = pollster::block_on(subject.tracker.receipt(PING)).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{column:?}: {error:?}");
    }
}

//! Rows as a damaged or foreign file may hold them: left out and counted, or read as what a store
//! may hold.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::cell::RefCell;

use mailping_core::fetcher::{Fetcher, Verdict};
use mailping_core::intake::MaskedIp;
use mailping_core::pings::{Ping, Purpose, Status, TimeStep};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{Attempt, PingQuery, Store, StoreError};
use mailping_core::{Basis, Detail, Error, Keyring, PingId, Timestamp, Tracker};
use mailping_sqlite::SqliteStore;
use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

const PING: PingId = PingId::from_bytes([1; 16]);
const COLUMNS: &str =
    "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
     WHERE tables.name IN ('pings', 'opens', 'opens_by_ping', 'last_days') AND columns.name <> 'n'
        AND (tables.name, columns.name) <> ('pings', 'id')";
const TABLES: [&str; 4] = ["pings", "opens", "opens_by_ping", "last_days"];

/// A tracker on a file with one ping and one open, and a second connection that writes what the
/// store would not.
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
        // Without the checks of the schema: a damaged page knows none.
        raw.pragma_update(None, "ignore_check_constraints", true).unwrap();
        raw.execute("INSERT OR IGNORE INTO opens_by_ping SELECT ping, at, id, seq FROM opens", ()).unwrap();
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
    ) {
        SUBJECT.with_borrow_mut(|subject| {
            let subject = subject.get_or_insert_with(Subject::new);
            subject.restore();
            for (column, value) in &cells {
                let (table, column) = column.get(&subject.columns);
                subject.write((table, column), value);
            }
            let receipt = pollster::block_on(subject.tracker.receipts().get(PING));
            assert!(!cells.is_empty() || matches!(&receipt, Ok(Some(receipt)) if receipt.opens.len() == 1));
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

/// One damaged open costs itself: it is counted, and the ping with its other opens is shown.
#[test]
fn an_open_that_no_version_has_written_is_left_out_and_counted() {
    for (column, value) in [
        ("network", Value::Text("192.0.2.0/25".to_owned())),
        ("network", Value::Text("192.0.2.7/24".to_owned())),
        ("country", Value::Text("Portugal".to_owned())),
        ("city", Value::Text("Lis\nbon".to_owned())),
        ("id", Value::Blob(vec![1, 2])),
        ("at", Value::Integer(i64::MAX)),
        ("time_step", Value::Integer(-1)),
        ("ping", Value::Integer(99)),
    ] {
        let subject = Subject::new();
        assert!(subject.write(("opens", column), &value), "{column}");
        let receipt = pollster::block_on(subject.tracker.receipts().get(PING)).unwrap().unwrap();
        assert_eq!((receipt.opens.len(), receipt.summary.unreadable), (0, 1), "{column}");
        assert!(receipt.to_string().contains("1 open cannot be read"), "{receipt}");
        let list = pollster::block_on(subject.tracker.receipts().list(&PingQuery::newest(9))).unwrap();
        assert_eq!((list.items[0].unreadable, list.unreadable), (1, 0));
    }
}

#[test]
fn a_ping_that_no_version_has_written_is_corrupt_by_itself_and_left_out_of_lists() {
    let subject = Subject::new();
    assert!(subject.write(("pings", "basis"), &Value::Text("{\"kind\":".to_owned())));
    let error = pollster::block_on(subject.tracker.receipts().get(PING)).unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Corrupt { what: "pings.basis" })), "{error:?}");
    let list = pollster::block_on(subject.tracker.receipts().list(&PingQuery::newest(9))).unwrap();
    assert_eq!((list.items.len(), list.unreadable), (0, 1));
}

/// The schema itself refuses what the mask would not leave.
#[test]
fn a_network_finer_than_the_mask_is_refused_by_the_file() {
    let subject = Subject::new();
    subject.raw.pragma_update(None, "ignore_check_constraints", false).unwrap();
    let write = |text: &str| subject.write(("opens", "network"), &Value::Text(text.to_owned()));
    for fits in [
        "192.0.2.0/24",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "2001:db8:1::/48",
        "2002:c000:200::/40",
        "::/0",
        "::/48",
        "10.20.0.0/16",
    ] {
        assert!(write(fits), "{fits}");
    }
    for finer in [
        "192.0.2.0/25",
        "192.0.2.7/24",
        "192.0.2.7",
        "2001:db8:1:2::/64",
        "2001:db8::1/48",
        "2001:db8:1::/49",
        "x 192.0.2.0/24",
        "192.0.2.0/24 x",
        "",
        "192.0.2.0/240",
        "192.0.2.0/2a",
        "192.0.2.0/24/5",
        "192.0.2.7.0/24",
        "::ffff:192.0.2.7/48",
        "::ffff:192.0.2.0/24",
        "2001:db8:1:2::/48",
        "2001:db8:1:2:3:4:5::/48",
        "2001:db8::1:2::/48",
        "c000:207:1:2:3:4:5::/1",
        "2002:c000:207::/48",
        "2002:c000:207::/40",
        "2002:c000:200::/41",
    ] {
        assert!(!write(finer), "{finer}");
    }
    proptest!(|(bits: u128, prefix in 0..=48_u32, zeros in 0..=6_u32, is_6to4: bool)| {
        let bits = if is_6to4 { bits >> 16 | 0x2002 << 112 } else { bits & !(u128::MAX << 80 << (zeros * 8)) };
        let kept = bits & !u128::MAX.checked_shr(prefix).unwrap_or(0);
        let v4 = std::net::Ipv4Addr::from_bits(u32::try_from(kept >> 96).unwrap());
        for network in [format!("{}/{prefix}", std::net::Ipv6Addr::from_bits(kept)), format!("{v4}/{prefix}")] {
            prop_assert_eq!(network.parse::<MaskedIp>().is_ok(), write(&network), "{}", network);
        }
    });
}

/// What a newer version may have written: codes and evidence that this one does not know.
#[test]
fn a_row_of_next_years_version_is_read_as_unknown() {
    let subject = Subject::new();
    for (column, value) in [
        ("fetcher", 200),
        ("provider", 201),
        ("verdict", 77),
        ("evidence", i64::MIN | 64),
        ("rules_version", 27_121),
        ("time_step", 3),
    ] {
        assert!(subject.write(("opens", column), &Value::Integer(value)), "{column}");
    }
    for (column, value) in
        [("kind", 99), ("eprivacy", 98), ("status", 97), ("detail", 17), ("time_step", 3), ("purpose", 96)]
    {
        assert!(subject.write(("pings", column), &Value::Integer(value)), "{column}");
    }
    assert!(subject.write(("pings", "basis"), &Value::Text("{\"kind\":\"public_task\"}".to_owned())));
    let list = pollster::block_on(subject.tracker.receipts().list(&PingQuery::newest(9))).unwrap();
    assert_eq!((list.items.len(), list.unreadable), (1, 0));
    let receipt = pollster::block_on(subject.tracker.receipts().get(PING)).unwrap().unwrap();
    let ping = &receipt.summary.ping;
    assert_eq!(
        (ping.status, ping.purpose, &ping.basis),
        (Status::Unknown, Purpose::Unknown, &Basis::Unknown)
    );
    assert_eq!((ping.detail, ping.time_step, ping.kind), (Detail::Country, TimeStep::Hour, None));
    let [open] = &receipt.opens[..] else { panic!("{receipt:?}") };
    assert_eq!((open.fetcher, open.provider, open.verdict), (Fetcher::Unknown, None, Verdict::Uncertain));
    assert_eq!((open.evidence.len(), open.evidence.bits()), (1, i64::MIN.cast_unsigned() | 64));
    assert_eq!(receipt.summary.unreadable, 0);
    assert_eq!((open.time_step, open.time().to_string().len()), (TimeStep::Hour, "2026-11-23T10:00Z".len()));
    let prepared = pollster::block_on(subject.tracker.pings().get(PING)).unwrap().unwrap();
    assert_eq!(prepared.status(), Status::Unknown);
    let named: String =
        subject.raw.query_row("SELECT fetcher || verdict FROM opens_readable", (), |row| row.get(0)).unwrap();
    assert_eq!(named, "unknownuncertain");
}

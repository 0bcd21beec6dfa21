//! The views say what the receipts say, for whoever opens the file with an ordinary SQL tool.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::{Duration, SystemTime};

use common::{insert, open, ping, ping_id, time};
use mailping_core::fetcher::{Evidence, EvidenceSet, Fetcher, Provider, Verdict};
use mailping_core::pings::{Status, TimeStep};
use mailping_core::receipts::{LastDay, Open, PingQuery};
use mailping_core::store::{Attempt, Milestone, MilestoneKind, Recorded, Store};
use mailping_core::{Detail, Keyring, Timestamp, Tracker};
use mailping_sqlite::SqliteStore;
use pollster::block_on;
use proptest::prelude::*;
use rusqlite::Connection;

const DAY: u64 = 86_400_000;

/// From the hour that the pings are sent in to midnight.
const TO_MIDNIGHT: u64 = 14 * 3_600_000;

/// Each second one is of midnight, so that a day, an hour and an exact time start at once.
fn generated(ping: u64, n: u64, (fetcher, verdict, bits, step): (u8, u8, u64, usize)) -> Open {
    let mut one = open(ping_id(ping), ping * 10_000 + n);
    let later = if n.is_multiple_of(2) { TO_MIDNIGHT } else { 0 };
    one.at = Timestamp::from_unix_millis(one.at.unix_millis().saturating_add_unsigned(later));
    (one.fetcher, one.verdict) = (Fetcher::from_code(fetcher), Verdict::from_code(verdict));
    one.provider = Provider::from_code(fetcher);
    let known: u64 = Evidence::ALL.iter().fold(0, |all, one| all | EvidenceSet::from(*one).bits());
    one.evidence = EvidenceSet::from_bits(bits & known);
    one.time_step = TimeStep::ALL[step];
    one.at = one.time().start();
    one
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_views_show_what_the_receipts_show(
        histories in proptest::collection::vec(
            (
                proptest::collection::vec((0..16_u8, 0..4_u8, any::<u64>(), 0..TimeStep::ALL.len()), 0..12),
                0..4_u8,
                any::<bool>(),
                proptest::collection::vec((0..MilestoneKind::ALL.len(), 0..TimeStep::ALL.len()), 0..5),
            ),
            1..6,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let store = SqliteStore::open(&file).unwrap();
        for (n, (opens, end, has_day, milestones)) in histories.iter().enumerate() {
            let n = n as u64;
            let mut one = ping(n);
            one.status = if *end == 3 { Status::Untracked } else { Status::Live };
            (one.detail, one.owner) = (Detail::City, n.is_multiple_of(2).then(|| "billing".to_owned()));
            one.asked_by = Some("Bob".to_owned());
            insert(&store, &one);
            let opens: Vec<Open> = opens.iter().zip(0..).map(|(given, k)| generated(n, k, *given)).collect();
            let day = Timestamp::from_unix_millis(i64::try_from(1_795_428_000_000 / DAY * DAY).unwrap());
            let days: &[LastDay] = if *has_day { &[LastDay::new(one.id, day)] } else { &[] };
            block_on(store.record(&opens, days, Attempt::First)).unwrap();
            for (kind, step) in milestones {
                let mut milestone = Milestone::new(one.id, MilestoneKind::ALL[*kind], one.sent_at);
                milestone.time_step = TimeStep::ALL[*step];
                milestone.at = milestone.time().start();
                prop_assert_eq!(block_on(store.reach(&milestone)).unwrap(), Recorded::Durable);
            }
            if *end == 1 {
                block_on(store.withdraw(one.id)).unwrap();
            }
        }
        let tracker = Tracker::builder(Keyring::generate().unwrap(), store).base_url("https://app.example/px").unwrap();
        // The view has no clock but the machine's.
        let tracker = block_on(tracker.build()).unwrap();
        let connection = Connection::open(&file).unwrap();
        let list = block_on(tracker.receipts().list(&PingQuery::newest(99))).unwrap();
        for summary in list.items {
            let id = summary.ping.id.to_string();
            let columns = "SELECT state, status, fetches, human_rows, first_human_open, last_human_open, reference, owner, sent_at,
                    delivery, confirmed_at FROM receipts WHERE ping = ?1";
            let shown = connection.query_row(columns, [&id], |row| {
                Ok((
                    row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?,
                    row.get::<_, Option<String>>(4)?, row.get::<_, Option<String>>(5)?, row.get::<_, String>(6)?,
                    row.get::<_, Option<String>>(7)?, row.get::<_, String>(8)?,
                    (row.get::<_, String>(9)?, row.get::<_, Option<String>>(10)?),
                ))
            }).unwrap();
            let receipt = block_on(tracker.receipts().get(summary.ping.id)).unwrap().unwrap();
            let human = receipt.opens.iter()
                .filter(|open| open.verdict == Verdict::Human && !open.evidence.contains(Evidence::NetOwn)).count();
            prop_assert_eq!(shown, (
                summary.state.as_str().to_owned(), summary.ping.status.to_string(), summary.fetches.cast_signed(), human as i64,
                summary.first_human_open.map(|time| time.to_string()), summary.last_human_open.map(|time| time.to_string()),
                summary.ping.reference.clone(),
                summary.ping.owner.clone(), summary.ping.sent_at.to_string(),
                (summary.delivery.to_string(), summary.confirmed_at.map(|time| time.to_string())),
            ));
            let mut find = connection.prepare(
                "SELECT at, fetcher, provider, verdict, evidence, network, country, city, time_step, id FROM opens_readable
                 WHERE ping = ?1 ORDER BY id").unwrap();
            let rows = find.query_map([&id], |row| {
                (0..10).map(|column| row.get::<_, Option<String>>(column)).collect::<rusqlite::Result<Vec<_>>>()
            }).unwrap();
            let rows: Vec<Vec<Option<String>>> = rows.map(Result::unwrap).collect();
            let mut opens = receipt.opens.clone();
            opens.sort_by_key(|open| open.id);
            let expected: Vec<Vec<Option<String>>> = opens.iter().map(|open| {
                let evidence = open.evidence.to_string();
                vec![
                    Some(open.time().to_string()), Some(open.fetcher.to_string()), open.provider.map(|provider| provider.to_string()),
                    Some(open.verdict.to_string()), (!evidence.is_empty()).then_some(evidence),
                    open.network.map(|network| network.to_string()),
                    open.country.map(|country| country.as_str().to_owned()), open.city.as_ref().map(|city| city.as_str().to_owned()),
                    Some(open.time_step.to_string()), Some(format!("{:016x}", u64::from_be_bytes(*open.id.as_bytes()))),
                ]
            }).collect();
            prop_assert_eq!(rows, expected);
        }
    }
}

#[test]
fn an_expired_ping_is_expired_in_the_view_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    let later = Timestamp::from(SystemTime::now() + Duration::from_secs(3_600));
    for (n, until) in [(1, later), (2, time(1))] {
        let mut one = ping(n);
        one.record_until = until;
        insert(&store, &one);
    }
    let connection = Connection::open(&file).unwrap();
    let status = |n: u64| -> String {
        let find = "SELECT status FROM receipts WHERE reference = ?1";
        connection.query_row(find, [format!("invoice-{n}")], |row| row.get(0)).unwrap()
    };
    assert_eq!((status(1), status(2)), ("live".to_owned(), "expired".to_owned()));
}

/// The SQLite inside this crate is newer than the one that a person has.
#[test]
#[ignore = "needs sqlite3"]
fn the_installed_sqlite_reads_the_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = SqliteStore::open(&file).unwrap();
    insert(&store, &ping(1));
    let mut one = open(ping_id(1), 1);
    one.evidence = EvidenceSet::from_iter([Evidence::TimeEarly, Evidence::NetOwn]);
    block_on(store.record(&[one.clone()], &[], Attempt::First)).unwrap();
    let shown = |query: &str| {
        let output = std::process::Command::new("sqlite3").arg(&file).arg(query).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let row = shown("SELECT reference, at, evidence FROM opens_readable");
    assert_eq!(row.trim(), format!("invoice-1|{}|{}", one.time(), one.evidence));
    assert_eq!(shown("SELECT reference, status, fetches FROM receipts").trim(), "invoice-1|live|1");
}

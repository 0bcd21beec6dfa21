//! The views say what the receipts say, for whoever reads the database with SQL.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{database, open, ping, ping_id, pool, store};
use mailping_core::fetcher::{Evidence, EvidenceSet, Fetcher, Provider, Verdict};
use mailping_core::pings::TimeStep;
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{Attempt, Milestone, MilestoneKind, PingQuery, Recorded, Store as _};
use mailping_core::{Keyring, Timestamp, Tracker};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

const PINGS: u64 = 120;
/// From the hour that the pings are sent in to midnight.
const TO_MIDNIGHT: i64 = 14 * 3_600_000;

/// Each second one is of midnight, so that a day, an hour and an exact time start at once.
fn generated(ping: u64, n: u64, (fetcher, verdict, bits, step): (u8, u8, u64, usize)) -> Open {
    let mut one = open(ping_id(ping), ping * 10_000 + n);
    let later = if n.is_multiple_of(2) { TO_MIDNIGHT - 1_000 } else { 0 };
    one.at = Timestamp::from_unix_millis(one.at.unix_millis() + later);
    (one.fetcher, one.verdict) = (Fetcher::from_code(fetcher), Verdict::from_code(verdict));
    one.provider = Provider::from_code(fetcher);
    let known: u64 = Evidence::ALL.iter().fold(0, |all, one| all | EvidenceSet::from(*one).bits());
    one.evidence = EvidenceSet::from_bits(bits & known);
    one.time_step = TimeStep::ALL[step];
    one.at = one.time().start();
    one
}

fn text(row: &PgRow, column: usize) -> Option<String> {
    row.get(column)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn the_views_show_what_the_receipts_show() {
    let url = database("readable_views").await;
    let (pool, store) = (pool(&url, 2).await, store(&pool(&url, 4).await));
    store.migrate().await.unwrap();
    let history = proptest::collection::vec((0..16_u8, 0..4_u8, any::<u64>(), 0..TimeStep::ALL.len()), 0..12);
    let mut runner = TestRunner::deterministic();
    for n in 0..PINGS {
        let mut one = ping(n);
        one.asked_by = Some("Bob".to_owned());
        store.insert_ping(&one, None).await.unwrap();
        let kinds = MilestoneKind::ALL.iter().zip(0..).filter(|(_, bit)| n & (1 << bit) != 0);
        for (kind, bit) in kinds {
            let mut milestone = Milestone::new(one.id, *kind, one.sent_at);
            milestone.time_step = TimeStep::ALL[(bit + n as usize) % TimeStep::ALL.len()];
            milestone.at = milestone.time().start();
            assert_eq!(store.reach(&milestone).await.unwrap(), Recorded::Durable);
        }
        let opens = history.new_tree(&mut runner).unwrap().current();
        let opens: Vec<Open> = opens.iter().zip(0..).map(|(given, k)| generated(n, k, *given)).collect();
        // 2026-11-23 or 2026-11-24.
        let day = Timestamp::from_unix_millis((20_780 + i64::from(n % 2 == 0)) * 86_400_000);
        let days = [LastDay::new(one.id, day)];
        let days: &[LastDay] = if n % 3 == 0 { &days } else { &[] };
        store.record(&opens, days, Attempt::First).await.unwrap();
    }
    let tracker = Tracker::builder(Keyring::generate().unwrap(), store).base_url("https://app.example/px");
    let tracker = tracker.unwrap().build().await.unwrap();
    let list = tracker.receipts().list(&PingQuery::newest(1_000)).await.unwrap();
    assert_eq!(list.items.len(), usize::try_from(PINGS).unwrap());
    for summary in list.items {
        let id = summary.ping.id.to_string();
        let find = "SELECT state, first_human_open, last_human_open, sent_at, delivery, confirmed_at FROM mailping.receipts WHERE ping = $1::uuid";
        let row = sqlx::query(find).bind(&id).fetch_one(&pool).await.unwrap();
        let shown: Vec<Option<String>> = (0..6).map(|column| text(&row, column)).collect();
        let expected = vec![
            Some(summary.state.as_str().to_owned()),
            summary.first_human_open.map(|time| time.to_string()),
            summary.last_human_open.map(|time| time.to_string()),
            Some(summary.ping.sent_at.to_string()),
            Some(summary.delivery.to_string()),
            summary.confirmed_at.map(|time| time.to_string()),
        ];
        assert_eq!(shown, expected);
        let receipt = tracker.receipts().get(summary.ping.id).await.unwrap().unwrap();
        let find =
            "SELECT at, fetcher, provider, verdict, evidence, time_step, id FROM mailping.opens_readable
            WHERE ping = $1::uuid ORDER BY id";
        let rows = sqlx::query(find).bind(&id).fetch_all(&pool).await.unwrap();
        let rows: Vec<Vec<Option<String>>> =
            rows.iter().map(|row| (0..7).map(|column| text(row, column)).collect()).collect();
        let mut opens = receipt.opens;
        opens.sort_by_key(|open| open.id);
        let expected = opens.iter().map(|open| {
            let evidence = open.evidence.to_string();
            vec![
                Some(open.time().to_string()),
                Some(open.fetcher.to_string()),
                open.provider.map(|provider| provider.to_string()),
                Some(open.verdict.to_string()),
                (!evidence.is_empty()).then_some(evidence),
                Some(open.time_step.to_string()),
                Some(open.id.to_string()),
            ]
        });
        assert_eq!(rows, expected.collect::<Vec<_>>());
    }
}

//! Files of earlier schemas, and rows that are damaged or were changed by somebody else.

use super::*;
use crate::rows::{INSERT_OPEN, KeptFields};
use mailping_core::store::OpenQuery;

/// A file of an earlier schema with one ping and one open of it.
fn earlier_file(file: &Path, schemas: &[&str]) -> Connection {
    let old = Connection::open(file).unwrap();
    schemas.iter().for_each(|schema| old.execute_batch(schema).unwrap());
    old.pragma_update(None, "application_id", 0x6d70_6e67).unwrap();
    old.pragma_update(None, "user_version", schemas.len() as i64).unwrap();
    let ping = "INSERT INTO pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, reference, basis)
                VALUES (?1, 0, ?2 + 1000000, ?2 + 1000000, ?2, 5, 0, 0, 'invoice-1', '{\"kind\":\"contract\"}')";
    old.execute(ping, params![ping_id(1).as_bytes(), SENT]).unwrap();
    KeptFields::of(&open(1, 1)).insert(ping_id(1), &mut old.prepare_cached(INSERT_OPEN).unwrap()).unwrap();
    old
}

#[test]
fn a_file_of_each_earlier_schema_is_brought_forward_with_its_opens() {
    let schemas = [
        include_str!("../../schema/1.sql"),
        include_str!("../../schema/2.sql"),
        include_str!("../../schema/3.sql"),
    ];
    for version in 1..=schemas.len() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let old = earlier_file(&file, &schemas[..version]);
        let mut expected = vec![open(1, 1)];
        if version == 2 {
            // One that waits, one that has been folded and has not left, and one whose ping is gone.
            for (ping, n) in [(1, 2), (1, 1), (2, 9)] {
                let open = open(ping, n);
                let wait = "INSERT INTO arrivals (ping, id, at, time_step, fetcher, verdict, evidence, rules_version)
                            VALUES (?1, ?2, ?3, ?7, ?4, ?5, 0, ?6)";
                let (fetcher, verdict) = (open.fetcher.code(), open.verdict.code());
                let at = open.at.unix_millis();
                let (ping, id, step) = (ping_id(ping), open.id.as_bytes(), open.time_step.code());
                let row = params![ping.as_bytes(), id, at, fetcher, verdict, open.rules_version, step];
                old.execute(wait, row).unwrap();
            }
            expected.push(open(1, 2));
        }
        if version == 3 {
            // One that waits, and one that has been folded and has not left.
            let mut batch = Batch::starting_with(7);
            [open(1, 2), open(1, 1)].iter().for_each(|open| batch.push(&KeptOpen::of(open)).unwrap());
            old.execute(
                "INSERT INTO arrivals (seq, opens) VALUES (?1, ?2)",
                params![batch.first, batch.bytes()],
            )
            .unwrap();
            expected.push(open(1, 2));
        }
        // One that cannot be read, and one that no version can have written.
        old.execute("INSERT INTO opens SELECT ping, x'0909090909090909', at, time_step, fetcher, provider, verdict, evidence,
                        rules_version, network, country, printf('%70000d', 1) FROM opens", ()).unwrap();
        old.execute(
            "INSERT INTO opens SELECT ping, x'00', at, time_step, fetcher, provider, verdict, evidence,
                        rules_version, network, country, city FROM opens LIMIT 1",
            (),
        )
        .unwrap();
        drop(old);
        let store = store(&file, 0..=0);
        assert_eq!(found(&store, 1), expected);
        assert_eq!(in_bundles(&file), if version == 2 { 2 } else { 1 });
        record(&store, &[open(1, 1), open(1, 3)]);
        record(&store, &[open(1, 4)]);
        expected.extend([open(1, 3), open(1, 4)]);
        assert_eq!(found(&store, 1), expected);
        let connection = Connection::open(&file).unwrap();
        let now: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
        assert_eq!(now, 4);
    }
}

#[test]
fn many_opens_of_an_earlier_schema_are_bundled_by_ping() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let old = earlier_file(&file, &[include_str!("../../schema/1.sql")]);
    for n in 0..900 {
        let ping = 1 + (n % 3) as u8;
        let open = open(ping, n);
        let mut cached = old.prepare_cached(INSERT_OPEN).unwrap();
        KeptFields::of(&open).insert(open.ping, &mut cached).unwrap();
    }
    drop(old);
    let store = store(&file, ROUND);
    for ping in 1..=3_u8 {
        let of_ping = (0..900).filter(|n| n % 3 == u16::from(ping) - 1 || (ping, *n) == (1, 1));
        assert_eq!(found(&store, ping), of_ping.map(|n| open(ping, n)).collect::<Vec<_>>());
    }
    let connection = Connection::open(&file).unwrap();
    let bundles: i64 = connection.query_row("SELECT count(*) FROM opens", (), |row| row.get(0)).unwrap();
    assert!((3..90).contains(&bundles), "{bundles}");
    assert_eq!(block_on(store.erase(ping_id(1))).unwrap().unwrap().opens, 301);
}

fn change_batch(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    change_first_row(file, "arrivals", change);
}

fn change_first_row(file: &Path, table: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let breaker = Connection::open(file).unwrap();
    let find = format!("SELECT rowid, opens FROM {table} ORDER BY rowid LIMIT 1");
    let (row, mut bytes): (i64, Vec<u8>) =
        breaker.query_row(&find, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    change(&mut bytes);
    breaker.execute(&format!("UPDATE {table} SET opens = ?2 WHERE rowid = ?1"), params![row, bytes]).unwrap();
}

#[test]
fn a_broken_open_is_reported_and_never_shown() {
    for (table, column) in [("arrivals", "arrivals.opens"), ("opens", "opens.opens")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mailping.db");
        let store = store(&file, ROUND);
        given_pings(&store, 1);
        let mut kept = open(0, 1);
        // A whole address can stand in the file, yet it never becomes an open.
        kept.network = Some("192.0.2.0/24".parse().unwrap());
        kept.city = Some("Bonn".parse().unwrap());
        record(&store, &[kept]);
        if table == "opens" {
            tidy(&store);
        }
        for (what, from, to) in [
            ("opens.network", &b"192.0.2.0/24"[..], &b"192.0.2.7/32"[..]),
            ("opens.network", b"192.0.2.7/32", b"192.0.2.0/25"),
            ("opens.city", b"192.0.2.0/25\x00\x01\x04Bonn", b"192.0.2.0/24\x00\x01\x04B\nnn"),
            (column, b"192.0.2.0/24", b"\xff\xff2.0.2.7/32"),
        ] {
            change_first_row(&file, table, |bytes| {
                let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
                bytes[place..place + to.len()].copy_from_slice(to);
            });
            let error = block_on(store.opens(&OpenQuery::oldest(ping_id(0), 9))).unwrap_err();
            assert!(
                matches!(error, StoreError::Corrupt { what: found } if found == what),
                "{what}: {error:?}"
            );
            assert!(!format!("{error} {error:?}").contains("192"), "{error:?}");
        }
        // A length that goes beyond the end.
        change_first_row(&file, table, |bytes| bytes[1] = 0xff);
        let error = block_on(store.opens(&OpenQuery::oldest(ping_id(0), 9))).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { what } if what == column), "{error:?}");
        assert!(block_on(store.erase(ping_id(0))).unwrap().is_some(), "it can be erased all the same");
        assert_eq!(in_bundles(&file) + arrived(&file), 0);
    }
}

#[test]
fn an_open_that_is_too_long_keeps_no_batch_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    {
        let store = store(&file, ROUND);
        given_pings(&store, 1);
        let mut long = open(0, 1);
        long.city = Some("Bonn".parse().unwrap());
        record(&store, &[long]);
    }
    change_batch(&file, |bytes| {
        let city = bytes.windows(5).position(|window| window == b"\x04Bonn").unwrap();
        bytes.truncate(city);
        bytes.extend([0xe0, 0xd4, 0x03]);
        bytes.extend([b'x'; 60_000]);
        let length = (bytes.len() - 2) as u16;
        bytes[..2].copy_from_slice(&length.to_le_bytes());
    });
    let store = store(&file, 0..=0);
    assert!(block_on(store.opens(&OpenQuery::oldest(ping_id(0), 9))).is_err());
    for n in 2..9 {
        record(&store, &[open(0, n)]);
    }
    tidy(&store);
    assert_eq!(found(&store, 0), (2..9).map(|n| open(0, n)).collect::<Vec<_>>());
}

#[test]
fn an_open_that_was_made_another_pings_is_not_shown_for_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    let store = store(&file, ROUND);
    given_pings(&store, 2);
    record(&store, &[open(0, 1), open(1, 2)]);
    change_batch(&file, |bytes| bytes[2..18].copy_from_slice(ping_id(1).as_bytes()));
    assert_eq!((found(&store, 0), found(&store, 1)), (vec![], vec![open(1, 2)]));
}

#[test]
fn opens_that_belong_to_no_ping_keep_no_other_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailping.db");
    {
        let store = store(&file, ROUND);
        given_pings(&store, 1);
        record(&store, &[open(0, 1), open(0, 2)]);
        record(&store, &[open(0, 3)]);
    }
    // The second open is none any more, and so is all that comes after it.
    change_batch(&file, |bytes| {
        let second = 2 + usize::from(bytes[0]);
        bytes.truncate(second + 9);
    });
    let store = store(&file, 0..=0);
    for n in 4..9 {
        record(&store, &[open(0, n)]);
    }
    assert_eq!(found(&store, 0), [1, 3, 4, 5, 6, 7, 8].map(|n| open(0, n)));
}

//! What a start does with a damaged file: it is opened with what can be read, and if nothing can be
//! added to it, what can be read is written to a new file first.

use std::path::{Path, PathBuf};

use mailping_core::store::StoreError;
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::failure::{Failure, Result, is_corrupt};
use crate::index::{self, End};
use crate::{connect, schema};

/// The tables whose rows have numbers, with what is copied of them.
const NUMBERED: [(&str, &str); 4] = [
    (
        "pings",
        "n, id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy, recipient_key,
            recipient_hash, reference, owner, basis, asked_by, shows_reference",
    ),
    (
        "opens",
        "seq, ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city, tie",
    ),
    ("last_days", "seq, ping, day"),
    (
        "milestones",
        "seq, ping, kind, at, time_step, reply_code, status_code, verdict, evidence, rules_version, tie",
    ),
];

/// Opens the file of a store, repaired as far as it has to be.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let failure = match whole(path) {
        Ok(connection) => return Ok(connection),
        Err(failure) if failure.is_corrupt() => failure,
        Err(failure) => return Err(failure),
    };
    tracing::error!(
        "the database file is damaged, and nothing can be added to it: what can be read is written to a new file"
    );
    match rescue(path) {
        Ok(aside) => {
            tracing::error!(
                damaged = %aside.display(),
                "the damaged file stands beside the new one; `sqlite3 <damaged file> .recover` may find more in it. It holds personal \
                 data that no erasure reaches: delete it when you have what you need"
            );
            whole(path)
        }
        Err(Failure(rescue)) => {
            tracing::error!(
                failure = %rescue,
                "nothing can be read of the database file: bring a backup back, or save what is left of it with \
                 `sqlite3 <file> .recover | sqlite3 <new file>`"
            );
            Err(failure)
        }
    }
}

/// Opens a file that takes new rows, whatever else is damaged in it.
fn whole(path: &Path) -> Result<Connection> {
    let mut connection = connect::writer(path, &schema::STORE)?;
    schema::refresh_names(&mut connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let is_broken: bool = transaction.query_row("SELECT index_broken FROM about", (), |row| row.get(0))?;
    if is_broken {
        return Err(Failure::corrupt("the index of opens"));
    }
    takes_rows(&transaction)?;
    transaction.rollback()?;
    number_on(&mut connection)?;
    Ok(connection)
}

/// Whether each table takes a row at the place where new ones come.
fn takes_rows(transaction: &Transaction<'_>) -> Result<()> {
    transaction.execute_batch(
        "INSERT INTO pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, reference, basis)
            VALUES (zeroblob(16), 3, 0, 0, 0, 0, 0, 0, '', '') ON CONFLICT (id) DO NOTHING;
         INSERT INTO opens (ping, id, at, time_step, fetcher, verdict, evidence, rules_version, tie)
            VALUES ((SELECT coalesce(max(n), 1) FROM pings), zeroblob(8), 0, 0, 0, 0, 0, 0, 0);
         INSERT OR IGNORE INTO opens_by_ping (ping, at, id, seq) SELECT max(seq), 0, zeroblob(8), 0 FROM opens;
         INSERT INTO last_days (ping, day) VALUES ((SELECT coalesce(max(n), 0) + 1 FROM pings), 0);
         INSERT INTO milestones (ping, kind, at, time_step, evidence, rules_version, tie)
            VALUES ((SELECT coalesce(max(n), 0) + 1 FROM pings), 0, 0, 0, 0, 0, 0);
         INSERT OR IGNORE INTO objections (key, hash) VALUES (0, zeroblob(32));
         UPDATE about SET indexed_to = indexed_to",
    )?;
    Ok(())
}

/// A file that was put together from two states may have rows with numbers that it would give
/// again: then an open would stand at a ping that it does not belong to.
fn number_on(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut has_changed = false;
    for (table, highest) in [
        (
            "pings",
            "SELECT max(coalesce((SELECT max(n) FROM pings), 0), coalesce((SELECT max(ping) FROM opens_by_ping), 0),
                coalesce((SELECT max(ping) FROM opens WHERE seq > (SELECT indexed_to FROM about)), 0))",
        ),
        (
            "opens",
            "SELECT max(coalesce((SELECT max(seq) FROM opens), 0), (SELECT indexed_to FROM about))",
        ),
        ("last_days", "SELECT coalesce(max(seq), 0) FROM last_days"),
        ("milestones", "SELECT coalesce(max(seq), 0) FROM milestones"),
    ] {
        let highest = match transaction.query_row(highest, (), |row| row.get::<_, i64>(0)) {
            Err(error) if is_corrupt(&error) => continue,
            highest => highest?,
        };
        let given = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0)";
        let given: i64 = transaction.query_row(given, [table], |row| row.get(0))?;
        if highest > given {
            tracing::error!(table, "the database file is not in one state: was it copied while in use?");
            transaction.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [table])?;
            transaction
                .execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", (table, highest))?;
            has_changed = true;
        }
    }
    if has_changed { Ok(transaction.commit()?) } else { Ok(transaction.rollback()?) }
}

/// Writes what can be read to a new file in the place of the damaged one, and tells where that is
/// now.
fn rescue(path: &Path) -> Result<PathBuf> {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let (new, log) = (beside(".rescued"), beside(".rescued-wal"));
    for leftover in [&new, &log] {
        let _ = std::fs::remove_file(leftover);
    }
    lengthen(path)?;
    {
        let damaged = Connection::open(path)?;
        damaged.pragma_update(None, "temp_store", "MEMORY")?;
        // Nobody else may write meanwhile, and what stands in the log is read too.
        damaged.execute_batch("BEGIN IMMEDIATE")?;
        let mut target = connect::writer(&new, &schema::STORE)?;
        let transaction = target.transaction_with_behavior(TransactionBehavior::Immediate)?;
        copy(&damaged, &transaction)?;
        transaction.commit()?;
        schema::refresh_names(&mut target)?;
        target.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
        damaged.execute_batch("ROLLBACK")?;
    }
    let aside = (1..).map(|n| beside(&format!(".damaged-{n}"))).find(|aside| !aside.exists());
    let aside = aside.ok_or(Failure::corrupt("the database file is damaged"))?;
    let renamed = || -> std::io::Result<()> {
        std::fs::rename(path, &aside)?;
        for end in ["-wal", "-shm"] {
            let mut to = aside.as_os_str().to_owned();
            to.push(end);
            let _ = std::fs::rename(beside(end), to);
        }
        std::fs::rename(&new, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    renamed().map_err(StoreError::unavailable)?;
    Ok(aside)
}

/// SQLite reads nothing of a file that is shorter than it says: the missing pages are zeros then,
/// and damaged like others.
fn lengthen(path: &Path) -> Result<()> {
    use std::io::Read as _;
    let grown = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
        let mut header = [0; 32];
        file.read_exact(&mut header)?;
        let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
        let page = if page == 1 { 65_536 } else { page };
        let pages = u32::from_be_bytes([header[28], header[29], header[30], header[31]]);
        // What nobody would have written is no length.
        let length = page * u64::from(pages);
        if length > file.metadata()?.len() && length < file.metadata()?.len().saturating_mul(64) {
            file.set_len(length)?;
        }
        Ok(())
    };
    Ok(grown().map_err(StoreError::unavailable)?)
}

fn copy(damaged: &Connection, target: &Transaction<'_>) -> Result<()> {
    for (table, columns) in NUMBERED {
        let number = columns.split(',').next().unwrap_or_default();
        let count = columns.split(',').count();
        let places = vec!["?"; count].join(", ");
        let mut find = damaged.prepare(&format!(
            "SELECT {columns} FROM {table} NOT INDEXED WHERE {number} > ?1 ORDER BY {number}"
        ))?;
        let mut insert =
            target.prepare(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"))?;
        index::scan(0, |from| {
            let mut last = from;
            let mut found = find.query([from])?;
            loop {
                let row = match found.next() {
                    Ok(Some(row)) => row,
                    Ok(None) => return Ok(End::Reached),
                    Err(error) if is_corrupt(&error) => return Ok(End::Damaged(last)),
                    Err(error) => return Err(error.into()),
                };
                last = row.get(0)?;
                let values =
                    (0..count).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>();
                // What the schema refuses is damaged too.
                if let Ok(values) = values {
                    let _ = insert.execute(rusqlite::params_from_iter(values));
                }
            }
        })?;
    }
    for order in ["key, hash", "key DESC, hash DESC"] {
        let mut find =
            damaged.prepare(&format!("SELECT key, hash, scope FROM objections ORDER BY {order}"))?;
        let mut found = find.query(())?;
        while let Ok(Some(row)) = found.next() {
            let values = (row.get::<_, Value>(0)?, row.get::<_, Value>(1)?, row.get::<_, Value>(2)?);
            let keep = "INSERT OR IGNORE INTO objections (key, hash, scope) VALUES (?1, ?2, ?3)";
            let _ = target.execute(keep, values);
        }
    }
    target.execute_batch(
        "DELETE FROM opens WHERE ping NOT IN (SELECT n FROM pings);
         DELETE FROM last_days WHERE ping NOT IN (SELECT n FROM pings);
         DELETE FROM milestones WHERE ping NOT IN (SELECT n FROM pings);
         INSERT INTO opens_by_ping SELECT ping, at, id, min(seq) FROM opens GROUP BY ping, at, id;
         UPDATE about SET indexed_to = (SELECT coalesce(max(seq), 0) FROM opens)",
    )?;
    Ok(())
}

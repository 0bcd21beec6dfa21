//! The spool's file: what waits in it, and how much of it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mailping_core::PingId;
use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::Backlog;
use mailping_core::store::StoreError;
use rusqlite::params;

use crate::failure::{Failure, Result};
use crate::rows::{INSERT_OPEN, KeptFields};
use crate::writer::Writer;
use crate::{connect, rows, schema};

/// What one step moves.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) opens: Vec<Open>,
    pub(crate) last_days: Vec<LastDay>,
}

#[derive(Debug)]
pub(crate) struct File {
    writer: Writer,
    waiting: AtomicU64,
    since: Mutex<Option<Instant>>,
}

impl File {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = connect::sole_writer(path, &schema::SPOOL).map_err(|Failure(error)| {
            let busy = |source: &rusqlite::Error| connect::is_busy(source);
            match &error {
                StoreError::Unavailable { source } if source.downcast_ref().is_some_and(busy) => {
                    Failure::incompatible("another process uses the spool: give each a file of its own")
                }
                _ => Failure(error),
            }
        })?;
        let waiting: i64 = connection.query_row(
            "SELECT (SELECT count(*) FROM opens) + (SELECT count(*) FROM last_days)",
            (),
            |row| row.get(0),
        )?;
        let waiting = waiting.unsigned_abs();
        let since = Mutex::new((waiting > 0).then(Instant::now));
        Ok(Self { writer: Writer::new(connection), waiting: AtomicU64::new(waiting), since })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    pub(crate) fn backlog(&self) -> Backlog {
        let waiting = self.waiting.load(Ordering::Acquire);
        Backlog::new(waiting, self.since().filter(|_| waiting > 0).map(|since| since.elapsed()))
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps all of it durably, or nothing where it would hold more than `most` then.
    pub(crate) fn keep(&self, opens: &[Open], last_days: &[LastDay], most: u64) -> Result<()> {
        let added = (opens.len() + last_days.len()) as u64;
        let before = self.waiting.fetch_add(added, Ordering::AcqRel);
        self.since().get_or_insert_with(Instant::now);
        if before + added > most {
            self.take_off(added);
            return Err(StoreError::unavailable("the spool holds as many opens as it may").into());
        }
        let kept = self.writer.write(|transaction| {
            let mut kept = 0;
            let mut insert = transaction.prepare_cached(INSERT_OPEN)?;
            for open in opens {
                kept += KeptFields::of(open).insert(open.ping, &mut insert)? as u64;
            }
            let mut exists = transaction.prepare_cached("SELECT 1 FROM last_days WHERE ping = ?1")?;
            let mut raise = transaction.prepare_cached(
                "INSERT INTO last_days (ping, day) VALUES (?1, ?2)
                 ON CONFLICT (ping) DO UPDATE SET day = max(day, excluded.day)",
            )?;
            for last in last_days {
                kept += u64::from(!exists.exists([last.ping.as_bytes()])?);
                raise.execute(params![last.ping.as_bytes(), last.day.unix_millis()])?;
            }
            Ok(kept)
        });
        self.take_off(added - kept.as_ref().copied().unwrap_or(0));
        kept.map(drop)
    }

    fn take_off(&self, rows: u64) {
        if self.waiting.fetch_sub(rows, Ordering::AcqRel) == rows {
            *self.since() = None;
        }
    }

    /// The first that wait, at most `limit` of each kind.
    pub(crate) fn first(&self, limit: u32) -> Result<Batch> {
        self.writer.write(|transaction| {
            let mut find = transaction.prepare_cached(
                "SELECT id, at, fetcher, provider, verdict, evidence, rules_version, network, country, city, time_step, ping
                 FROM opens ORDER BY ping, opens.id LIMIT ?1",
            )?;
            let mut found = find.query([limit])?;
            let mut opens = Vec::new();
            while let Some(row) = found.next()? {
                opens.push(KeptFields::read(row)?.open(rows::ping_id(row, 11)?)?);
            }
            let mut find =
                transaction.prepare_cached("SELECT ping, day FROM last_days ORDER BY ping LIMIT ?1")?;
            let mut found = find.query([limit])?;
            let mut last_days = Vec::new();
            while let Some(row) = found.next()? {
                last_days.push(LastDay::new(rows::ping_id(row, 0)?, rows::day(row, 1)?));
            }
            Ok(Batch { opens, last_days })
        })
    }

    /// Takes off what the database has; a last day that was raised meanwhile stays.
    pub(crate) fn forget(&self, batch: &Batch) -> Result<()> {
        let gone = self.writer.write(|transaction| {
            let mut gone = 0;
            let mut open = transaction.prepare_cached("DELETE FROM opens WHERE ping = ?1 AND id = ?2")?;
            for Open { ping, id, .. } in &batch.opens {
                gone += open.execute(params![ping.as_bytes(), id.as_bytes()])? as u64;
            }
            let mut day = transaction.prepare_cached("DELETE FROM last_days WHERE ping = ?1 AND day = ?2")?;
            for last in &batch.last_days {
                gone += day.execute(params![last.ping.as_bytes(), last.day.unix_millis()])? as u64;
            }
            Ok(gone)
        })?;
        self.writer.owe_empty_log();
        self.take_off(gone);
        Ok(())
    }

    /// Takes off all that waits of these pings; their bytes leave file and log as a store's do at an erasure.
    pub(crate) fn erase(&self, pings: &[PingId]) -> Result<()> {
        let gone = self.writer.erase(|transaction| {
            let mut gone = 0;
            for table in ["DELETE FROM opens WHERE ping = ?1", "DELETE FROM last_days WHERE ping = ?1"] {
                let mut delete = transaction.prepare_cached(table)?;
                for ping in pings {
                    gone += delete.execute([ping.as_bytes()])? as u64;
                }
            }
            Ok(gone)
        })?;
        self.take_off(gone);
        Ok(())
    }

    pub(crate) fn empty_log(&self) {
        self.writer.empty_log();
    }

    /// Writes the file anew once it is empty: small again, without a stray copy of what was in it.
    pub(crate) fn shrink(&self) -> Result<()> {
        self.writer.rewrite()
    }
}

//! One batch of opens and last days.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use mailping_core::pings::TimeStep;
use mailping_core::receipts::{LastDay, Open, OpenId};
use mailping_core::store::Recorded;
use mailping_core::{PingId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::failure::{Failure, Result};
use crate::index::{Entry, Tail, locked};
use crate::rows;

/// How many pings are remembered, some 4 MB of memory.
const MAX_PINGS: usize = 65_536;

/// Pings that record. Remembered until any other change is made, here or by another process.
#[derive(Debug, Default)]
pub(crate) struct Recording(HashMap<PingId, Found>);

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) answers: Vec<Recorded>,
    /// The opens that are in no index yet, in the order of their numbers.
    pub(crate) appended: Vec<Entry>,
}

/// What makes two opens one.
type Key = (PingId, Timestamp, OpenId);

/// Keeps the opens of pings that record, and raises last days. In a repeat, an open that is there
/// already stays as it is: `indexed` are those that the index has.
pub(crate) fn batch(
    connection: &Connection,
    tail: &Mutex<Tail>,
    known: &mut Recording,
    opens: &[Open],
    last_days: &[LastDay],
    mut indexed: Option<HashSet<Key>>,
) -> Result<Batch> {
    const RAISE: &str = "INSERT OR REPLACE INTO last_days (ping, day) SELECT ?1, ?2
        WHERE NOT EXISTS (SELECT 1 FROM last_days WHERE ping = ?1 AND day >= ?2)";
    let (mut answers, mut appended) = (Vec::with_capacity(opens.len() + last_days.len()), Vec::new());
    let mut insert = connection.prepare_cached(rows::INSERT_OPEN)?;
    let mut last = None;
    for open in opens {
        let at = open.at.unix_millis();
        let ping = known.recording(connection, open.ping, at, open.time_step)?;
        answers.push(answer(ping.is_some()));
        let Some(ping) = ping else { continue };
        let mut entry = Entry { ping, at, id: u64::from_be_bytes(*open.id.as_bytes()), seq: 0 };
        // Another one of this batch is known too.
        let is_new = |known: &mut HashSet<Key>| {
            known.insert((open.ping, open.at, open.id)) && !locked(tail).holds(&entry)
        };
        if indexed.as_mut().is_none_or(is_new) {
            // Only now: what appends nothing does not meet a damaged last page.
            entry.seq = 1 + last.map_or_else(|| rows::last_open(connection), Ok)?;
            last = Some(entry.seq);
            rows::insert_open(&mut insert, entry.seq, ping, open)?;
            appended.push(entry);
        }
    }
    for last in last_days {
        let day = last.day.unix_millis();
        let ping = known.recording(connection, last.ping, day, TimeStep::Day)?;
        answers.push(answer(ping.is_some()));
        if let Some(ping) = ping {
            // A new row with a new number, so that it is news.
            connection.prepare_cached(RAISE)?.execute([ping, day])?;
        }
    }
    Ok(Batch { answers, appended })
}

impl Recording {
    /// The number of a ping that records at a time.
    fn recording(
        &mut self,
        connection: &Connection,
        id: PingId,
        at: i64,
        step: TimeStep,
    ) -> Result<Option<i64>> {
        let ping = match self.0.get(&id) {
            Some(known) => *known,
            None => {
                let Some(found) = find(connection, id)?.filter(|ping| ping.is_live) else { return Ok(None) };
                if self.0.len() >= MAX_PINGS {
                    self.0.clear();
                }
                self.0.insert(id, found);
                found
            }
        };
        Ok((ping.record_until - at >= step.millis()).then_some(ping.n))
    }
}

/// What an open has to know of its ping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// The number that the ping's opens repeat.
    pub(crate) n: i64,
    is_live: bool,
    record_until: i64,
}

/// Looks a ping up by its id. The row has to say the same as the index: a damaged one may point to
/// another ping.
pub(crate) fn find(connection: &Connection, id: PingId) -> Result<Option<Found>> {
    // Not a join: SQLite would plan one anew for each ping.
    const FIND: &str = "SELECT id, n, status = 0, record_until FROM pings NOT INDEXED
        WHERE n = (SELECT n FROM pings WHERE id = ?1)";
    let read = |row: &rusqlite::Row<'_>| {
        let found = Found { n: row.get(1)?, is_live: row.get(2)?, record_until: row.get(3)? };
        Ok((row.get::<_, [u8; 16]>(0)?, found))
    };
    match connection.prepare_cached(FIND)?.query_row([id.as_bytes()], read).optional()? {
        Some((other, _)) if other != *id.as_bytes() => Err(Failure::corrupt("the index of pings")),
        found => Ok(found.map(|(_, found)| found)),
    }
}

/// Which of these opens the index has. With a connection to look `beside` the transaction, which
/// ends if it comes across damage, what cannot be read is not there: it keeps no open out, and who
/// reads shows it once.
pub(crate) fn indexed(
    connection: &Connection,
    beside: Option<&Connection>,
    opens: &[Open],
) -> Result<HashSet<Key>> {
    const FIND: &str = "SELECT 1 FROM opens_by_ping
        WHERE ping = (SELECT n FROM pings WHERE id = ?1) AND at = ?2 AND id = ?3";
    let mut find = beside.unwrap_or(connection).prepare_cached(FIND)?;
    let mut indexed = HashSet::new();
    for open in opens {
        let found = find.exists(params![open.ping.as_bytes(), open.at.unix_millis(), open.id.as_bytes()]);
        if found.or_else(|error| if beside.is_some() { Ok(false) } else { Err(error) })? {
            indexed.insert((open.ping, open.at, open.id));
        }
    }
    Ok(indexed)
}

pub(crate) const fn answer(kept: bool) -> Recorded {
    if kept { Recorded::Durable } else { Recorded::Filtered }
}

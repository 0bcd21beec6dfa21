//! What is new since a mark. The numbers of rows are given under the one write lock, so that they
//! come in the order of commits and none is skipped.

use mailping_core::PingId;
use mailping_core::receipts::LastDay;
use mailping_core::store::{DatabaseId, Mark, Observation, Page, StoreError};
use rusqlite::{Connection, OptionalExtension as _};

use crate::failure::{Failure, Result, is_corrupt};
use crate::milestones::{self, milestone_columns};
use crate::rows::{self, Column};

/// A mark of this file: the file's own id, the last open, the last raise of a last day and the last
/// milestone.
struct Place {
    open: i64,
    day: i64,
    milestone: i64,
}

/// Which file it is, as marks say it too.
pub(crate) fn identity(connection: &Connection) -> Result<DatabaseId> {
    id(connection)?.parse().map_err(|_| Failure::corrupt("about.id"))
}

pub(crate) fn mark(connection: &Connection) -> Result<Mark> {
    let transaction = connection.unchecked_transaction()?;
    let place = Place {
        open: last(&transaction, "opens")?,
        day: last(&transaction, "last_days")?,
        milestone: last(&transaction, "milestones")?,
    };
    place.mark(&transaction)
}

pub(crate) fn news(connection: &Connection, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>> {
    let transaction = connection.unchecked_transaction()?;
    let mut place = Place::of(&transaction, since)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (mut items, mut unreadable) = (Vec::new(), 0);
    let mut find =
        transaction.prepare_cached("SELECT seq, ping FROM opens WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut found = find.query([place.open, limit])?;
    let mut read = transaction.prepare_cached(rows::OPEN)?;
    loop {
        match found.next() {
            Ok(None) => break,
            Ok(Some(row)) => {
                let (seq, ping): (i64, i64) = (row.get(0)?, row.get(1)?);
                place.open = seq;
                let Some(id) = ping_id(&transaction, ping)? else { continue };
                let open = read.query_row([seq], |row| Ok(rows::open(row, id)))?;
                match open {
                    Ok((_, open)) => items.push(Observation::Open(open)),
                    Err(failure) if failure.is_corrupt() => unreadable += 1,
                    Err(failure) => return Err(failure),
                }
            }
            Err(error) if is_corrupt(&error) => {
                // What comes after the damaged page is found by whoever asks again.
                unreadable += 1;
                place.open = past_damage(&transaction, place.open)?;
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let left = limit.saturating_sub_unsigned(items.len() as u64);
    let mut find = transaction
        .prepare_cached("SELECT seq, ping, day FROM last_days WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut found = find.query([place.day, left])?;
    while let Some(row) = found.next()? {
        place.day = row.get(0)?;
        let Some(id) = ping_id(&transaction, row.get(1)?)? else { continue };
        items.push(Observation::LastDay(LastDay::new(id, Column::new(row, 2, "last_days.day")?.time()?)));
    }
    let left = limit.saturating_sub_unsigned(items.len() as u64);
    let mut find = transaction.prepare_cached(concat!(
        "SELECT seq, ping, ",
        milestone_columns!(),
        " FROM milestones WHERE seq > ?1 ORDER BY seq LIMIT ?2"
    ))?;
    let mut found = find.query([place.milestone, left])?;
    while let Some(row) = found.next()? {
        place.milestone = row.get(0)?;
        let Some(id) = ping_id(&transaction, row.get(1)?)? else { continue };
        match milestones::of_row(row, 2, id) {
            Ok(milestone) => items.push(Observation::Milestone(milestone)),
            Err(failure) if failure.is_corrupt() => unreadable += 1,
            Err(failure) => return Err(failure),
        }
    }
    let next = Some(place.mark(&transaction)?).filter(|next| next != since);
    Ok(Page::new(items, next).unreadable(unreadable))
}

/// The number before the next open that can be read.
fn past_damage(connection: &Connection, open: i64) -> Result<i64> {
    let mut next = None;
    crate::index::after(connection, open, |entry| {
        next.get_or_insert(entry.seq);
    })?;
    Ok(next.map_or(last(connection, "opens")?, |seq| seq - 1).max(open))
}

fn ping_id(connection: &Connection, n: i64) -> Result<Option<PingId>> {
    let mut find = connection.prepare_cached("SELECT id FROM pings NOT INDEXED WHERE n = ?1")?;
    match find.query_row([n], |row| row.get(0)).optional() {
        Ok(id) => Ok(id.map(PingId::from_bytes)),
        Err(error) if is_corrupt(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The highest number that a table has ever given.
fn last(connection: &Connection, table: &str) -> Result<i64> {
    let mut find = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
    Ok(find.query_row([table], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn id(connection: &Connection) -> Result<String> {
    Ok(connection.prepare_cached("SELECT id FROM about")?.query_row((), |row| row.get(0))?)
}

impl Place {
    fn mark(&self, connection: &Connection) -> Result<Mark> {
        let text = format!("{}-{}-{}-{}", id(connection)?, self.open, self.day, self.milestone);
        text.parse().map_err(|error| StoreError::unavailable(error).into())
    }

    /// Fails if the mark is of another file, or beyond what this one has given out: an older state
    /// was brought back.
    fn of(connection: &Connection, mark: &Mark) -> Result<Self> {
        let mut parts = mark.as_str().split('-');
        let is_of_this = parts.next() == Some(&*id(connection)?);
        let mut number = || parts.next().and_then(|number| number.parse::<i64>().ok()).filter(|n| *n >= 0);
        let numbers = (number(), number(), number());
        let place = match numbers {
            (Some(open), Some(day), Some(milestone)) => Some(Self { open, day, milestone }),
            _ => None,
        };
        let is_whole = parts.next().is_none();
        match place.filter(|_| is_of_this && is_whole) {
            Some(place)
                if place.open <= last(connection, "opens")?
                    && place.day <= last(connection, "last_days")?
                    && place.milestone <= last(connection, "milestones")? =>
            {
                Ok(place)
            }
            _ => Err(StoreError::UnknownMark.into()),
        }
    }
}

//! What is new since a mark. The numbers of rows are given under the one write lock, so that they
//! come in the order of commits and none is skipped.

use mailping_core::PingId;
use mailping_core::receipts::LastDay;
use mailping_core::store::{DatabaseId, Mark, Observation, Page, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::failure::{Failure, Result, readable};
use crate::walk::{FAR, walk};
use crate::{milestones, rows};

/// A table of news: its name, and how a row of all of its columns is read. The first is the row's
/// number, the second that of its ping.
type Table = (&'static str, fn(&Row<'_>, PingId) -> Result<Observation>);

/// In the order of a mark's numbers.
const TABLES: [Table; 3] = [
    ("opens", |row, ping| Ok(Observation::Open(rows::open(row, ping)?))),
    ("last_days", |row, ping| {
        Ok(Observation::LastDay(LastDay::new(ping, rows::time(row, 2, "last_days.day")?)))
    }),
    ("milestones", |row, ping| Ok(Observation::Milestone(milestones::of_row(row, ping)?))),
];

/// A number of each table: its last row that has been handed out.
type Place = [i64; 3];

/// Which file it is, as marks say it too.
pub(crate) fn identity(connection: &Connection) -> Result<DatabaseId> {
    id(connection)?.parse().map_err(|_| Failure::corrupt("about.id"))
}

pub(crate) fn mark(connection: &Connection) -> Result<Mark> {
    let transaction = connection.unchecked_transaction()?;
    mark_of(&transaction, last_of_all(&transaction)?)
}

/// The mark of a place in this file.
fn mark_of(connection: &Connection, [open, day, milestone]: Place) -> Result<Mark> {
    let text = format!("{}-{open}-{day}-{milestone}", id(connection)?);
    text.parse().map_err(|error| StoreError::unavailable(error).into())
}

/// Fails if the mark is of another file, or beyond what this one has given out: an older state was
/// brought back.
fn place_of(connection: &Connection, mark: &Mark) -> Result<Place> {
    let ours = format!("{}-", id(connection)?);
    // Where the last page is damaged, nobody can tell.
    let mut given = [FAR; 3];
    for (given, (table, _)) in given.iter_mut().zip(TABLES) {
        *given = readable(last(connection, table), &mut 0)?.unwrap_or(FAR);
    }
    let numbers = mark.as_str().strip_prefix(&ours).unwrap_or_default().split('-');
    let place: std::result::Result<Vec<i64>, _> = numbers.map(str::parse).collect();
    let place = place.ok().and_then(|place| Place::try_from(place).ok());
    let is_given =
        |place: &Place| place.iter().zip(given).all(|(number, given)| (0..=given).contains(number));
    place.filter(is_given).ok_or(Failure(StoreError::UnknownMark))
}

pub(crate) fn news(connection: &Connection, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>> {
    let transaction = connection.unchecked_transaction()?;
    let (mut place, mut news) = (place_of(&transaction, since)?, Page::default());
    for (number, table) in place.iter_mut().zip(TABLES) {
        *number = take(&transaction, table, *number, limit, &mut news)?;
    }
    news.next = Some(mark_of(&transaction, place)?).filter(|next| next != since);
    Ok(news)
}

/// Takes what a table has after a place, and tells how far it came. What has lost its ping is left
/// out.
fn take(
    connection: &Connection,
    (table, read): Table,
    mut place: i64,
    limit: usize,
    news: &mut Page<Observation, Mark>,
) -> Result<i64> {
    let mut left = limit.saturating_sub(news.items.len());
    if left == 0 {
        return Ok(place);
    }
    let mut find =
        connection.prepare_cached(&format!("SELECT * FROM {table} WHERE seq >= ?1 ORDER BY seq"))?;
    let mut find_ping = connection.prepare_cached("SELECT id FROM pings NOT INDEXED WHERE n = ?1")?;
    let mut item = |row: &Row<'_>| -> Result<Option<Observation>> {
        let ping = find_ping.query_row([row.get::<_, i64>(1)?], |ping| ping.get(0)).optional()?;
        ping.map(|ping| read(row, PingId::from_bytes(ping))).transpose()
    };
    let gaps = walk(&mut find, place, |row| {
        place = row.get(0)?;
        left -= 1;
        news.items.extend(readable(item(row), &mut news.unreadable)?.flatten());
        Ok(left > 0)
    })?;
    news.unreadable += gaps;
    // If nothing is behind what is damaged, it is not walked over again.
    let last = if gaps > 0 && left > 0 { readable(last(connection, table), &mut 0)? } else { None };
    Ok(last.map_or(place, |last| last.max(place)))
}

fn last_of_all(connection: &Connection) -> Result<Place> {
    let [opens, days, milestones] = TABLES.map(|(table, _)| last(connection, table));
    Ok([opens?, days?, milestones?])
}

/// The highest number that a table has ever given.
fn last(connection: &Connection, table: &str) -> Result<i64> {
    const LAST: &str = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
    if table == "opens" {
        return rows::last_open(connection);
    }
    let mut find = connection.prepare_cached(LAST)?;
    Ok(find.query_row([table], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn id(connection: &Connection) -> Result<String> {
    Ok(connection.prepare_cached("SELECT id FROM about")?.query_row((), |row| row.get(0))?)
}

//! What is new since a mark. The numbers of rows are given under the one write lock, so that they
//! come in the order of commits and none is skipped.

use mailping_core::PingId;
use mailping_core::receipts::LastDay;
use mailping_core::store::{DatabaseId, Mark, Observation, Page, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::failure::{Failure, Result, readable};
use crate::milestones::{self, milestone_columns};
use crate::rows::{self, open_columns};
use crate::walk::walk;

/// Which file it is, as marks say it too.
pub(crate) fn identity(connection: &Connection) -> Result<DatabaseId> {
    id(connection)?.parse().map_err(|_| Failure::corrupt("about.id"))
}

pub(crate) fn mark(connection: &Connection) -> Result<Mark> {
    let transaction = connection.unchecked_transaction()?;
    mark_of(&transaction, last_of_all(&transaction)?)
}

/// The mark of a place in this file: its own id, the last open, the last raise of a last day and
/// the last milestone.
fn mark_of(connection: &Connection, [open, day, milestone]: [i64; 3]) -> Result<Mark> {
    let text = format!("{}-{open}-{day}-{milestone}", id(connection)?);
    text.parse().map_err(|error| StoreError::unavailable(error).into())
}

/// Fails if the mark is of another file, or beyond what this one has given out: an older state was
/// brought back.
fn place_of(connection: &Connection, mark: &Mark) -> Result<[i64; 3]> {
    let (id, [opens, days, milestones]) = (id(connection)?, last_of_all(connection)?);
    let number = |text: &str, last| text.parse().ok().filter(|number| (0..=last).contains(number));
    let place = match mark.as_str().split('-').collect::<Vec<_>>()[..] {
        [of, open, day, milestone] if of == id => {
            let place = number(open, opens).zip(number(day, days)).zip(number(milestone, milestones));
            place.map(|((open, day), milestone)| [open, day, milestone])
        }
        _ => None,
    };
    place.ok_or(Failure(StoreError::UnknownMark))
}

pub(crate) fn news(connection: &Connection, since: &Mark, limit: usize) -> Result<Page<Observation, Mark>> {
    const OPENS: &str = concat!(
        "SELECT ",
        open_columns!(),
        ", p.id FROM opens AS o LEFT JOIN pings AS p NOT INDEXED ON p.n = o.ping WHERE o.seq > ?1 ORDER BY o.seq"
    );
    const DAYS: &str = "SELECT l.seq, l.day, p.id FROM last_days AS l LEFT JOIN pings AS p NOT INDEXED
        ON p.n = l.ping WHERE l.seq > ?1 ORDER BY l.seq";
    const MILESTONES: &str = concat!(
        "SELECT m.seq, ",
        milestone_columns!(),
        ", p.id FROM milestones AS m LEFT JOIN pings AS p NOT INDEXED ON p.n = m.ping WHERE m.seq > ?1 ORDER BY m.seq"
    );
    let transaction = connection.unchecked_transaction()?;
    let [open_place, day_place, milestone_place] = place_of(&transaction, since)?;
    let mut news = Page::default();
    let open = |row: &Row<'_>, ping| Ok(Observation::Open(rows::open(row, ping)?.1));
    let opens = take(&transaction, "opens", OPENS, open_place, limit, &mut news, open)?;
    let day = |row: &Row<'_>, ping| {
        Ok(Observation::LastDay(LastDay::new(ping, rows::time(row, 1, "last_days.day")?)))
    };
    let days = take(&transaction, "last_days", DAYS, day_place, limit, &mut news, day)?;
    let milestone = |row: &Row<'_>, ping| Ok(Observation::Milestone(milestones::of_row(row, 1, ping)?));
    let milestones =
        take(&transaction, "milestones", MILESTONES, milestone_place, limit, &mut news, milestone)?;
    news.next = Some(mark_of(&transaction, [opens, days, milestones])?).filter(|next| next != since);
    Ok(news)
}

/// Takes what a table has after a place, and tells how far it came. The last column is the ping's
/// id; none if it is gone.
fn take(
    connection: &Connection,
    table: &str,
    sql: &str,
    mut place: i64,
    limit: usize,
    news: &mut Page<Observation, Mark>,
    item: impl Fn(&Row<'_>, PingId) -> Result<Observation>,
) -> Result<i64> {
    let mut find = connection.prepare_cached(sql)?;
    let id = find.column_count() - 1;
    let mut left = limit.saturating_sub(news.items.len());
    if left == 0 {
        return Ok(place);
    }
    let gaps = walk(&mut find, place, |row| {
        place = row.get(0)?;
        left -= 1;
        let ping: Result<Option<[u8; 16]>> = rows::value(row, id, "pings.id");
        let read = ping.and_then(|ping| ping.map(|ping| item(row, PingId::from_bytes(ping))).transpose());
        news.items.extend(readable(read, &mut news.unreadable)?.flatten());
        Ok(left > 0)
    })?;
    news.unreadable += gaps;
    // If nothing is behind what is damaged, it is not walked over again.
    if gaps > 0 && left > 0 { last(connection, table).map(|last| last.max(place)) } else { Ok(place) }
}

fn last_of_all(connection: &Connection) -> Result<[i64; 3]> {
    Ok([last(connection, "opens")?, last(connection, "last_days")?, last(connection, "milestones")?])
}

/// The highest number that a table has ever given.
fn last(connection: &Connection, table: &str) -> Result<i64> {
    let mut find = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
    Ok(find.query_row([table], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn id(connection: &Connection) -> Result<String> {
    Ok(connection.prepare_cached("SELECT id FROM about")?.query_row((), |row| row.get(0))?)
}

//! What is new since a mark, by the transactions that wrote it.
//!
//! Transactions get rising numbers when they begin to write and commit in any order, so that no
//! number, and no sequence, is a place in the order in which rows become visible. A mark therefore
//! tells which transactions have been handed out: all below its tail, but those that were still
//! open then. What one of these commits late is found by its number.

use std::fmt::Write as _;

use mailping_core::Timestamp;
use mailping_core::receipts::LastDay;
use mailping_core::store::{Mark, Observation, Page, StoreError};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use crate::failure::{Failure, Result};
use crate::milestones::{self, milestone_columns};
use crate::rows::{self, Uuid, open_columns};
use crate::schema::Schema;

/// How many open transactions a mark names. If there are more, what comes after them waits until
/// they have ended.
pub(crate) const MAX_OPEN: i64 = 16;
/// Before the first row of a transaction.
const NO_PLACE: i32 = -1;
/// How many transactions before the mark are handed out again after a failover: the new primary may
/// have given their numbers again.
const STEP_BACK: i64 = 1 << 16;

/// A row's place: its transaction's number, and its place in that.
type Place = (i64, i32);

/// What a [`Mark`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    /// The database, and the server's history: another after a failover or a restored backup.
    database: u64,
    timeline: i64,
    /// All rows of transactions up to here have been handed out, but those of `open`.
    tail: Place,
    /// Transactions below the tail that had not ended, and how far the rows of each have been
    /// handed out.
    open: Vec<Place>,
}

impl Position {
    fn mark(&self) -> Result<Mark> {
        let mut text = format!("{:016x}-{:x}-{}", self.database, self.timeline, place(self.tail));
        for open in &self.open {
            let _ = write!(text, "-{}", place((self.tail.0 - open.0, open.1)));
        }
        text.parse().map_err(|_| Failure::corrupt("the mark of now"))
    }

    fn parse(mark: &Mark) -> Option<Self> {
        let mut parts = mark.as_str().split('-');
        let database = parts.next().filter(|text| text.len() == 16)?;
        let database = u64::from_str_radix(database, 16).ok()?;
        let timeline = i64::from_str_radix(parts.next()?, 16).ok()?;
        let tail = read_place(parts.next()?)?;
        let open = parts.map(|part| {
            let (distance, place) = read_place(part)?;
            Some((tail.0.checked_sub(distance)?, place))
        });
        Some(Self { database, timeline, tail, open: open.collect::<Option<_>>()? })
    }

    /// Where to go on after rows of which the last, if there may be more, stands at `last`.
    fn after(&self, now: &Now, last: Option<Place>) -> Self {
        let open_below =
            |end: i64| now.open.iter().filter(move |xact| **xact < end).map(|xact| (*xact, NO_PLACE));
        let (tail, open) = match last {
            None => ((now.end, NO_PLACE), open_below(now.end).collect()),
            Some(last) if last > self.tail => (last, open_below(last.0).collect()),
            Some(last) => {
                let later = self.open.iter().copied().filter(|open| open.0 > last.0);
                (self.tail, open_below(last.0).chain([last]).chain(later).collect())
            }
        };
        Self { database: now.database, timeline: now.timeline, tail, open }
    }
}

/// Hexadecimal, the second only if it says something.
fn place((xact, place): Place) -> String {
    if place == NO_PLACE { format!("{xact:x}") } else { format!("{xact:x}.{place:x}") }
}

fn read_place(text: &str) -> Option<Place> {
    let (xact, place) = match text.split_once('.') {
        Some((xact, place)) => (xact, i32::from_str_radix(place, 16).ok()?),
        None => (text, NO_PLACE),
    };
    Some((i64::from_str_radix(xact, 16).ok().filter(|xact| *xact >= 0)?, place))
}

/// The state of the server that a statement sees.
#[derive(Debug)]
struct Now {
    database: u64,
    timeline: i64,
    /// The first transaction that is not handed out now.
    end: i64,
    /// Transactions below it that have not ended.
    open: Vec<i64>,
}

/// A number for the database, from its own id and its server's; the history that the server is in;
/// the end, and who is open.
macro_rules! now {
    () => {
        "snapshot AS MATERIALIZED (SELECT pg_current_snapshot() AS taken),
        running AS MATERIALIZED (SELECT xact::text::bigint AS xact FROM snapshot, pg_snapshot_xip(taken) AS xact),
        now AS MATERIALIZED (
            SELECT coalesce((SELECT xact FROM running ORDER BY xact OFFSET $1 LIMIT 1), pg_snapshot_xmax(taken)::text::bigint) AS ending,
                ARRAY(SELECT xact FROM running ORDER BY xact LIMIT $1) AS open_ones,
                hashtextextended(database::text, (SELECT system_identifier FROM pg_control_system())) AS database,
                ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint AS timeline
            FROM snapshot, {s}.mailping_version
        )"
    };
}

impl Now {
    /// Reads `ending, open_ones, database, timeline` from a column on.
    fn read(row: &PgRow, from: usize) -> Result<Self> {
        Ok(Self {
            end: row.try_get(from)?,
            open: row.try_get(from + 1)?,
            database: row.try_get::<i64, _>(from + 2)?.cast_unsigned(),
            timeline: row.try_get(from + 3)?,
        })
    }
}

pub(crate) async fn mark(pool: &PgPool, schema: &Schema) -> Result<Mark> {
    const LOOK: &str = concat!("WITH ", now!(), " SELECT ending, open_ones, database, timeline FROM now");
    let row = schema.query(LOOK).bind(MAX_OPEN).fetch_one(&mut *schema.reader(pool).await?).await?;
    let now = Now::read(&row, 0)?;
    let position = Position {
        database: now.database,
        timeline: now.timeline,
        tail: (now.end, NO_PLACE),
        open: Vec::new(),
    };
    position.after(&now, None).mark()
}

pub(crate) async fn news(
    pool: &PgPool,
    schema: &Schema,
    since: Mark,
    limit: usize,
) -> Result<Page<Observation, Mark>> {
    let unknown = || Failure(StoreError::UnknownMark);
    let mut since = Position::parse(&since).ok_or_else(unknown)?;
    loop {
        let (now, rows) = rows_since(pool, schema, &since, limit).await?;
        let is_later = since.timeline == now.timeline && since.tail.0 > now.end;
        if since.database != now.database || is_later {
            return Err(unknown());
        }
        if since.timeline != now.timeline {
            // After a failover: numbers below the mark may stand for other transactions now.
            since.tail = (since.tail.0.min(now.end).saturating_sub(STEP_BACK).max(0), NO_PLACE);
            since.open.clear();
            since.timeline = now.timeline;
            continue;
        }
        return read(&since, &now, &rows, limit);
    }
}

/// Each row: the state of the server, then transaction, place, ping, the day or none, the milestone
/// or none, and the columns of an open.
async fn rows_since(
    pool: &PgPool,
    schema: &Schema,
    since: &Position,
    limit: usize,
) -> Result<(Now, Vec<PgRow>)> {
    const FIND: &str = concat!(
        "WITH ",
        now!(),
        ", late AS (SELECT * FROM UNNEST($4::bigint[], $5::integer[]) AS t (of_xact, after_place)),
        found AS (
            (SELECT xact, place, ping, NULL::bigint AS day, NULL::text AS milestone, ",
        open_columns!(),
        " FROM {s}.opens WHERE (xact, place) > ($2, $3) AND xact < (SELECT ending FROM now) ORDER BY xact, place LIMIT $6)
            UNION ALL
            (SELECT xact, place, ping, NULL, NULL, ",
        open_columns!(),
        " FROM late CROSS JOIN LATERAL (
                SELECT * FROM {s}.opens WHERE xact = of_xact AND place > after_place ORDER BY place LIMIT $6) AS its_opens)
            UNION ALL
            (SELECT xact, place, ping, day, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM {s}.last_days WHERE (xact, place) > ($2, $3) AND xact < (SELECT ending FROM now)
            ORDER BY xact, place LIMIT $6)
            UNION ALL
            (SELECT xact, place, ping, day, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM late CROSS JOIN LATERAL (
                SELECT * FROM {s}.last_days WHERE xact = of_xact AND place > after_place ORDER BY place LIMIT $6) AS its_days)
            UNION ALL
            (SELECT xact, place, ping, NULL, ",
        milestone_columns!(),
        "::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM {s}.milestones WHERE (xact, place) > ($2, $3) AND xact < (SELECT ending FROM now)
            ORDER BY xact, place LIMIT $6)
            UNION ALL
            (SELECT xact, place, ping, NULL, ",
        milestone_columns!(),
        "::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM late CROSS JOIN LATERAL (
                SELECT * FROM {s}.milestones WHERE xact = of_xact AND place > after_place ORDER BY place LIMIT $6) AS its)
        )
        SELECT ending, open_ones, database, timeline, found.*
        FROM now LEFT JOIN (SELECT * FROM found ORDER BY xact, place LIMIT $6) AS found ON true
        ORDER BY xact, place"
    );
    let (xacts, places): (Vec<i64>, Vec<i32>) = since.open.iter().copied().unzip();
    let rows = schema
        .query(FIND)
        .bind(MAX_OPEN)
        .bind(since.tail.0)
        .bind(since.tail.1)
        .bind(xacts)
        .bind(places)
        .bind(rows::limit(limit))
        .fetch_all(&mut *schema.page_reader(pool).await?)
        .await?;
    let now = Now::read(rows.first().ok_or(Failure::corrupt("mailping_version"))?, 0)?;
    Ok((now, rows))
}

fn read(since: &Position, now: &Now, rows: &[PgRow], limit: usize) -> Result<Page<Observation, Mark>> {
    let (mut items, mut unreadable, mut last) = (Vec::new(), 0, None);
    let mut count = 0;
    for row in rows {
        let Some(xact) = row.try_get::<Option<i64>, _>(4)? else { continue };
        last = Some((xact, row.try_get(5)?));
        count += 1;
        match event(row) {
            Ok(event) => items.push(event),
            Err(failure) => {
                rows::note_damaged(row, 6, &failure);
                unreadable += 1;
            }
        }
    }
    let next = since.after(now, last.filter(|_| count == limit && limit > 0));
    let next = if limit == 0 { since.clone() } else { next };
    let next = (next != *since).then(|| next.mark()).transpose()?;
    Ok(Page::new(items, next).unreadable(unreadable))
}

fn event(row: &PgRow) -> Result<Observation> {
    let ping = row.try_get::<Uuid, _>(6)?.into();
    match (row.try_get::<Option<i64>, _>(7)?, row.try_get::<Option<&str>, _>(8)?) {
        (Some(day), _) => Ok(Observation::LastDay(LastDay::new(ping, Timestamp::from_unix_millis(day)))),
        (None, Some(milestone)) => Ok(Observation::Milestone(milestones::of_row(ping, milestone)?)),
        (None, None) => Ok(Observation::Open(rows::open(ping, row, 9)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        Position { database: 0xfeed, timeline: 3, tail: (1_000, 7), open: vec![(990, NO_PLACE), (995, 2)] }
    }

    fn now(end: i64, open: &[i64]) -> Now {
        Now { database: 0xfeed, timeline: 3, end, open: open.to_vec() }
    }

    #[test]
    fn a_position_comes_back_from_its_mark_and_the_longest_fits() {
        assert_eq!(Position::parse(&position().mark().unwrap()), Some(position()));
        // At most one of them is read in part.
        let mut open: Vec<Place> = (0..MAX_OPEN).map(|n| (n, NO_PLACE)).collect();
        open[7].1 = i32::MAX;
        let longest =
            Position { database: u64::MAX, timeline: 0xffff_ffff, tail: (i64::MAX, i32::MAX), open };
        assert_eq!(Position::parse(&longest.mark().unwrap()), Some(longest));
        for text in ["1", "0-0", "0123456789abcdef-0", "0123456789abcdef-1-x", "0123456789abcdef-1-5.z"] {
            assert_eq!(Position::parse(&text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn who_is_open_is_found_later_and_what_was_handed_out_is_not() {
        let all = position().after(&now(1_010, &[990, 1_004]), None);
        assert_eq!((all.tail, all.open), ((1_010, NO_PLACE), vec![(990, NO_PLACE), (1_004, NO_PLACE)]));
        // A page that ends inside a transaction of the tail.
        let cut = position().after(&now(1_010, &[990, 1_004]), Some((1_006, 3)));
        assert_eq!((cut.tail, cut.open), ((1_006, 3), vec![(990, NO_PLACE), (1_004, NO_PLACE)]));
        // One that ends inside a late transaction: the others are as they were.
        let cut = position().after(&now(1_010, &[990, 1_004]), Some((995, 4)));
        assert_eq!((cut.tail, cut.open), ((1_000, 7), vec![(990, NO_PLACE), (995, 4)]));
        let cut = position().after(&now(1_010, &[1_004]), Some((990, 0)));
        assert_eq!((cut.tail, cut.open), ((1_000, 7), vec![(990, 0), (995, 2)]));
    }
}
